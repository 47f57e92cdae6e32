//! Tax codes and nominal codes, by the tenant's rules and the account's own settings.

use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::reference::AccountReference;
use orderbridge_schema::rules::{TaxedAs, TaxesAndAccounts};
use rust_decimal::Decimal;

use super::parts::Kind;
use super::rated::Rated;

/// The tax code of something taxed so. Where several rates are on one thing, an entry for all of them together comes first, then one for
/// the highest, then the default: always the same code for the same rates, in whatever order the store lists them.
pub(super) fn tax_code<'a>(rules: &'a TaxesAndAccounts, rated: &Rated, country: &str) -> Result<&'a str, Hold> {
    let together = TaxedAs { class: &rated.class, rate: rated.rate, country };
    let highest = TaxedAs { rate: rated.main, ..together };
    let code = rules.mapped_tax_code(together).or_else(|| rules.mapped_tax_code(highest)).or_else(|| rules.default_code(rated.rate));
    code.ok_or_else(|| missing_tax_code(&rated.class, rated.rate))
}

/// The code of the row that makes up for tax, or for an amount without tax.
pub(super) fn rounding_tax_code<'a>(rules: &'a TaxesAndAccounts, is_tax: bool, country: &str) -> Result<&'a str, Hold> {
    let rate = (!is_tax).then_some(Decimal::ZERO);
    tax_code(rules, &Rated { class: String::new(), rate, main: rate }, country)
}

/// The nominal code of a kind of row; none leaves it to Brightpearl, which knows the products' own (BP §e.3).
///
/// # Errors
/// Gift certificates sold are a liability: without a code they would be booked as income.
pub(super) fn nominal_code(rules: &TaxesAndAccounts, account: &AccountReference, kind: Kind) -> Result<Option<String>, Hold> {
    let or_account = |set: &Option<String>, name: &str| set.clone().or_else(|| account.configured(name).map(str::to_owned));
    Ok(match kind {
        Kind::Goods => None,
        Kind::Shipping => or_account(&rules.shipping_nominal_code, "shippingNominalCode"),
        Kind::Discount => or_account(&rules.discount_nominal_code, "discountNominalCode"),
        Kind::Rounding => or_account(&rules.rounding_nominal_code, "roundingCorrectionsNominalCode"),
        Kind::Handling => rules.handling_nominal_code.clone().or_else(|| rules.fee_nominal_code.clone()),
        Kind::Wrapping => rules.wrapping_nominal_code.clone().or_else(|| rules.fee_nominal_code.clone()),
        Kind::Fee => rules.fee_nominal_code.clone(),
        Kind::GiftCertificate => {
            let code = rules.gift_certificate_nominal_code.clone().or_else(|| gift_card_code(account));
            Some(code.ok_or_else(missing_gift_certificate_code)?)
        }
    })
}

/// The account's own code for gift cards. Of its name only the beginning is known (BP §i.3).
fn gift_card_code(account: &AccountReference) -> Option<String> {
    let is_code = |name: &str| name.starts_with("giftcard") && name.ends_with("nominalcode");
    let mut names = account.configuration.keys().filter(|name| is_code(&name.to_lowercase()));
    names.find_map(|name| account.configured(name)).map(str::to_owned)
}

fn missing_gift_certificate_code() -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::MissingRule("taxes_and_accounts.gift_certificate_nominal_code"),
        why: "the order sells a gift certificate, and no nominal code is known for what is then owed to its holder".into(),
        remedy: "choose a nominal code in the tenant's settings (taxes_and_accounts.gift_certificate_nominal_code)".into(),
    }
}

fn missing_tax_code(class: &str, rate: Option<Decimal>) -> Hold {
    let shown = if class.is_empty() { "no tax class".to_owned() } else { format!("tax class {class}") };
    let rate = rate.map_or_else(|| "unknown".to_owned(), |rate| rate.normalize().to_string());
    Hold {
        effect: Effect::Creation,
        cause: Cause::MissingTaxCode(format!("{class}@{rate}")),
        why: format!("no tax code is set for {shown} at {rate} %"),
        remedy: "add an entry to the tax code map, or set a default tax code".into(),
    }
}
