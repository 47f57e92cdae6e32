//! The hold of an order whose amounts do not add up.

use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{StoreOrder, TaxRow};
use orderbridge_schema::money;
use rust_decimal::Decimal;

use super::NoRows;
use super::parts::Part;
use super::reading::Reading;

/// Lines that are shown one by one.
const LINES_SHOWN: usize = 100;

/// Both sums line by line: what each part costs, by our key of it, and the store's total and tax.
pub(super) fn mismatch(order: &StoreOrder, read: &Reading, taxes: &[TaxRow]) -> NoRows {
    let parts = &read.parts;
    let sum = |of: &dyn Fn(&Part) -> Decimal| total(&parts.iter().map(of).collect::<Vec<_>>());
    let mut lines: Vec<String> = parts.iter().take(LINES_SHOWN).map(|part| line(part, taxes)).collect();
    if let Some(more) = parts.len().checked_sub(LINES_SHOWN).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    let (gross, tax) = (sum(&|part| part.gross), sum(&|part| listed(part, taxes).unwrap_or(part.stated_tax)));
    let why = format!(
        "the order's lines and charges are {gross} {} with {tax} tax ({}); its total is {} with {} tax",
        order.currency,
        lines.join(", "),
        order.total.normalize(),
        order.tax.normalize()
    );
    NoRows::Held(vec![Hold {
        effect: Effect::Creation,
        cause: Cause::TotalMismatch,
        why,
        remedy: "compare the order's lines, discounts, fees and tenders at the store; correct the order there, enter it by hand, or allow more \
                 rounding in the tenant's settings (taxes_and_accounts.rounding_limit)"
            .into(),
    }])
}

fn line(part: &Part, taxes: &[TaxRow]) -> String {
    let tax = listed(part, taxes).unwrap_or(part.stated_tax);
    format!("{} {} with {}", part.reference, part.gross.normalize(), tax.normalize())
}

/// The tax that the details name for a part of its own.
fn listed(part: &Part, taxes: &[TaxRow]) -> Option<Decimal> {
    let amounts: Vec<Decimal> = taxes.iter().filter(|row| row.on == part.on && part.line.is_some()).map(|row| row.amount).collect();
    if amounts.is_empty() { None } else { money::sum(&amounts) }
}

fn total(amounts: &[Decimal]) -> String {
    money::sum(amounts).map_or_else(|| "too much to be added up".to_owned(), |sum| sum.normalize().to_string())
}
