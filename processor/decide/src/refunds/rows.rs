//! What a refund takes off the rows of a sales order, and the one row that makes up for the rest.

use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{RefundItem, SalesOrder, SalesOrderRow};
use orderbridge_schema::money;
use orderbridge_schema::refund::{ExtraRow, RefundMark, RefundWay, RowChange};
use orderbridge_schema::rules::TaxedAs;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::plan::Returned;
use super::{Case, FREE_TEXT, is_bundle, unclear};

/// An amount without tax, and its tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amount {
    pub(super) net: Decimal,
    pub(super) tax: Decimal,
}

impl Amount {
    /// Of a whole refund, in the minor unit.
    pub(super) fn of_refund(case: &Case<'_>) -> Self {
        let decimals = case.decimals();
        let (total, tax) = (money::round(case.refund.total, decimals), money::round(case.refund.tax, decimals));
        Self { net: total.saturating_sub(tax), tax }
    }

    pub(super) const fn of_row(row: &SalesOrderRow) -> Self {
        Self { net: row.net, tax: row.tax }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { net: self.net.saturating_sub(other.net), tax: self.tax.saturating_sub(other.tax) }
    }

    fn plus(self, other: Self) -> Self {
        Self { net: self.net.saturating_add(other.net), tax: self.tax.saturating_add(other.tax) }
    }

    /// So many of so many pieces, in the minor unit.
    pub(super) fn share(self, pieces: u32, of: u32, decimals: u32) -> Self {
        let share = |amount: Decimal| {
            let exact = amount.checked_mul(Decimal::from(pieces)).and_then(|product| product.checked_div(Decimal::from(of)));
            money::round(exact.unwrap_or_default(), decimals)
        };
        Self { net: share(self.net), tax: share(self.tax) }
    }

    pub(super) const fn is_zero(self) -> bool {
        self.net.is_zero() && self.tax.is_zero()
    }

    /// Whether rounding alone explains it: two minor units, or one for each row.
    fn is_rounding(self, rows: usize, decimals: u32) -> bool {
        let limit = money::minor_unit(decimals).saturating_mul(Decimal::from(rows.max(2)));
        self.net.abs() <= limit && self.tax.abs() <= limit
    }
}

/// The rows of a refund that comes off the sales order.
pub(super) fn taken_off(case: &Case<'_>, sales_order: &SalesOrder, returned: &[Returned<'_>], mark: RefundMark) -> Result<RefundMark, Box<Hold>> {
    let decimals = case.decimals();
    let (mut changes, mut taken, mut by_others) = (Vec::new(), Amount::default(), false);
    for returned in returned {
        let (change, amount) = match one_row(case, sales_order, returned, decimals)? {
            Some(both) => both,
            None => {
                by_others = true;
                continue;
            }
        };
        changes.push(change);
        taken = taken.plus(amount);
    }
    let rest = Amount::of_refund(case).minus(taken);
    let extra = match () {
        () if rest.is_zero() => None,
        // Whoever took the pieces off saw to the amounts too.
        () if by_others => None,
        () if rest.is_rounding(changes.len(), decimals) && absorb(&mut changes, rest) => None,
        () => Some(extra_row(case, sales_order, Amount::default().minus(rest))?),
    };
    Ok(RefundMark { way: RefundWay::Order, rows: changes, extra, ..mark })
}

/// What is left of a row, and what comes off it; none if somebody took the pieces off already.
fn one_row(case: &Case<'_>, sales_order: &SalesOrder, returned: &Returned<'_>, decimals: u32) -> Result<Option<(RowChange, Amount)>, Box<Hold>> {
    let link = returned.link;
    let changes = case.facts.refund_marks.iter().filter(|mark| mark.refund != case.refund.id).flat_map(|mark| &mark.rows);
    let before: u32 = changes.filter(|change| change.row == link.row).map(|change| change.from.saturating_sub(change.to)).sum();
    let expected = link.quantity.saturating_sub(before);
    let to = expected.checked_sub(returned.pieces);
    let to = to.ok_or_else(|| unclear(case.refund, &format!("row {} had only {expected} pieces left", link.row)))?;
    let row = sales_order.rows.iter().find(|row| row.id == link.row);
    let present = row.map_or(Some(0), |row| Some(row.quantity).filter(|quantity| quantity.fract().is_zero()).and_then(|quantity| quantity.to_u32()));
    if present == Some(to) {
        return Ok(None);
    }
    let row = row.filter(|_| present == Some(expected));
    let changed =
        || unclear(case.refund, &format!("somebody changed row {} of sales order {}, which had {expected} pieces", link.row, sales_order.id));
    let row = row.ok_or_else(changed)?;
    if to > 0 && is_bundle(sales_order, row) {
        return Err(unclear(case.refund, &format!("row {} is a bundle, of which a part cannot be taken off with its components", row.id)));
    }
    let left = Amount::of_row(row).share(to, expected, decimals);
    let change = RowChange { row: row.id, product: row.product, from: expected, to, net: left.net, tax: left.tax };
    Ok(Some((change, Amount::of_row(row).minus(left))))
}

/// Lets the last row that stays make up for what rounding left.
fn absorb(changes: &mut [RowChange], rest: Amount) -> bool {
    let Some(change) = changes.iter_mut().rev().find(|change| change.to > 0) else { return false };
    change.net = change.net.saturating_sub(rest.net);
    change.tax = change.tax.saturating_sub(rest.tax);
    true
}

/// The row of free text for what no product row tells: delivery, a part of the order, or what rounding left.
pub(super) fn extra_row(case: &Case<'_>, sales_order: &SalesOrder, amount: Amount) -> Result<ExtraRow, Box<Hold>> {
    let mut words: Vec<&str> = Vec::new();
    for item in &case.refund.items {
        if let RefundItem::Amount(what) = item
            && !words.contains(&what.as_str())
        {
            words.push(what);
        }
    }
    let words = if words.is_empty() { "adjustment".to_owned() } else { words.join(", ") };
    Ok(ExtraRow {
        name: format!("{} {words}", ExtraRow::mark(case.refund.id)),
        net: amount.net,
        tax: amount.tax,
        tax_code: tax_code(case, sales_order, !amount.tax.is_zero())?,
        nominal_code: case.ctx.rules.payments.refunds.nominal_code.clone(),
    })
}

/// The tax code of what the order's own rows are taxed by: its free-text rows first, such as delivery, then all. Where they differ, the
/// rules' own for taxed and untaxed rows.
fn tax_code(case: &Case<'_>, sales_order: &SalesOrder, is_taxed: bool) -> Result<String, Box<Hold>> {
    let alike = |row: &&SalesOrderRow| !row.tax_code.is_empty() && !row.bundle_child && row.tax.is_zero() != is_taxed;
    let only = |rows: Vec<&SalesOrderRow>| {
        let first = rows.first().map(|row| row.tax_code.clone())?;
        rows.iter().all(|row| row.tax_code == first).then_some(first)
    };
    let all: Vec<&SalesOrderRow> = sales_order.rows.iter().filter(alike).collect();
    let plain: Vec<&SalesOrderRow> = all.iter().copied().filter(|row| row.product == FREE_TEXT).collect();
    only(all).or_else(|| only(plain)).or_else(|| default_code(case, is_taxed)).ok_or_else(|| Box::new(no_tax_code(case)))
}

fn default_code(case: &Case<'_>, is_taxed: bool) -> Option<String> {
    let rules = &case.ctx.rules.taxes_and_accounts;
    let code = if is_taxed { rules.default_code(None) } else { rules.tax_code(TaxedAs { class: "", rate: Some(Decimal::ZERO), country: "" }) };
    code.map(str::to_owned)
}

fn no_tax_code(case: &Case<'_>) -> Hold {
    Hold {
        effect: Effect::Refund,
        cause: Cause::MissingTaxCode(format!("refund@{}", case.refund.id)),
        why: format!("refund {} needs a row of its own, and no tax code is set for it", case.refund.id),
        remedy: "set a default tax code in the tenant's settings (taxes_and_accounts.default_tax_code)".into(),
    }
}
