//! Money: an order's lines and charges as sales order rows whose sum is the store's total and whose tax is the store's tax.
//!
//! Every amount is first taken exactly as the store says it, then rounded to the currency's minor unit by the largest remainder, so that
//! rounding loses nothing and no row moves by a whole unit. What the store's own amounts do not explain stands on one row of its own,
//! up to a limit; beyond it nothing is guessed: the creation is held and shows both sums line by line.

mod codes;
mod held;
mod parts;
mod products;
mod rated;
mod reading;
mod settled;
mod tax;
mod text;
mod written;

use std::collections::BTreeSet;

use orderbridge_schema::command::NewRow;
use orderbridge_schema::decision::{Hold, Remark};
use orderbridge_schema::facts::{Coupon, StoreOrder};
use orderbridge_schema::rules::UnknownProduct;

use crate::currency;
use crate::facts::{Ask, Context, Need, Needs, OrderFacts, known};
use crate::identity;

/// Our key of the row that makes up for what the store's amounts leave unexplained.
pub(crate) const ROUNDING: &str = "bc-rounding";

/// Why no rows could be planned.
#[derive(Debug)]
pub(crate) enum NoRows {
    /// Something must be read first.
    Need(Needs),
    /// A person or a rule is wanted.
    Held(Vec<Hold>),
}

impl From<Needs> for NoRows {
    fn from(needs: Needs) -> Self {
        Self::Need(needs)
    }
}

/// The rows of the sales order for this store order.
pub(crate) fn plan_rows(ctx: &Context<'_>, order: &StoreOrder, facts: &OrderFacts) -> Result<Vec<NewRow>, NoRows> {
    let rules = &ctx.rules.taxes_and_accounts;
    let lines = known(facts.lines.as_ref(), Need::Lines)?;
    let taxes = known(facts.taxes.as_ref(), Need::Taxes)?;
    let coupons = coupons(order, facts)?;
    let country = country(ctx, order, facts)?;
    let products = products::matched(lines, facts, &ctx.rules.items_and_customers)?;
    let decimals = currency::decimals(order, &ctx.reference.store);
    let made = parts::Maker { order, lines, products: &products, coupons, discounts: rules.discounts };
    let settle = |read: &reading::Reading| settled::settle(order, read, taxes, rules, decimals);
    let found = reading::of(&made, facts, rules, decimals, settle)?;
    let (read, settled) = found.map_err(|read| held::mismatch(order, &read, taxes))?;
    written::rows(&written::Desk { rules, account: &ctx.reference.account, country, decimals }, read.parts, settled)
}

/// What is worth telling about rows that are to be sent.
pub(crate) fn remarks(ctx: &Context<'_>, facts: &OrderFacts, rows: &[NewRow]) -> Vec<Remark> {
    let rules = &ctx.rules.items_and_customers;
    let stands = match rules.unknown_product {
        UnknownProduct::Placeholder => "the placeholder product stands for it",
        UnknownProduct::FreeText | UnknownProduct::Hold => "a row of free text stands for it",
    };
    let found = facts.lines.as_ref().and_then(|lines| identity::products(lines, facts, rules.identity).ok());
    let unknown: BTreeSet<Option<String>> = found.into_iter().flat_map(|found| found.unmatched.into_values()).collect();
    let told = |text: Option<String>| match text {
        Some(text) => format!("no single live Brightpearl product has the {} {text}: {stands}", rules.identity.brightpearl),
        None => format!("the store has no {} of a product to match it by: {stands}", rules.identity.store),
    };
    let unknown = unknown.into_iter().map(|text| Remark { key: "unknown-product", text: told(text) });
    let rounding = rows.iter().filter(|row| row.external_ref == ROUNDING).map(|row| Remark {
        key: "rounding-row",
        text: format!(
            "the store's own amounts are off by {} with {} tax: a row of its own makes up for it",
            row.net.normalize(),
            row.tax.normalize()
        ),
    });
    unknown.chain(rounding).collect()
}

/// Coupons are worth a call only where one may have lowered delivery, which no line shows.
fn coupons<'a>(order: &StoreOrder, facts: &'a OrderFacts) -> Ask<&'a [Coupon]> {
    if order.coupon_discount.is_zero() { Ok(&[]) } else { known(facts.coupons.as_ref(), Need::Coupons).map(Vec::as_slice) }
}

/// Where goods go, or for what is not delivered where the customer is. Asked for only if a tax code depends on it.
fn country<'a>(ctx: &Context<'_>, order: &'a StoreOrder, facts: &'a OrderFacts) -> Ask<&'a str> {
    let billing = order.billing.country_iso2.as_str();
    if !ctx.rules.taxes_and_accounts.asks_for_country() || order.address_count == 0 {
        return Ok(billing);
    }
    let addresses = known(facts.addresses.as_ref(), Need::Addresses)?;
    Ok(addresses.first().map_or(billing, |address| address.address.country_iso2.as_str()))
}
