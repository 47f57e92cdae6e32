//! At which rates a part is taxed, as far as the map of tax codes needs to know.

use orderbridge_schema::facts::{TaxRow, Taxed};
use rust_decimal::Decimal;

use super::parts::Part;

/// How a part is taxed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rated {
    /// Name of the tax class of the highest rate; empty if none is known.
    pub class: String,
    /// All its rates added up (a US address has several); none if there is tax at no rate that the store names.
    pub rate: Option<Decimal>,
    /// The highest of its rates.
    pub main: Option<Decimal>,
}

/// How a part with this tax is taxed. Of lines, delivery and handling all rates count. Fees and wrapping share their rows with others of
/// their kind: the one rate, or all distinct ones together, that is nearest to the part's own tax.
pub(super) fn rated(part: &Part, tax: Decimal, taxes: &[TaxRow]) -> Rated {
    let mut rows: Vec<&TaxRow> = taxes.iter().filter(|row| row.on == part.on).collect();
    rows.sort_by(|one, other| other.rate.cmp(&one.rate).then_with(|| one.class.cmp(&other.class)));
    if rows.is_empty() {
        let rate = tax.is_zero().then_some(Decimal::ZERO);
        return Rated { class: String::new(), rate, main: rate };
    }
    match part.on {
        Taxed::Line(_) | Taxed::Shipping | Taxed::Handling => together(&rows),
        Taxed::Wrapping | Taxed::Other => {
            rows.dedup_by(|one, other| one.rate == other.rate && one.class == other.class);
            nearest(&rows, part, tax)
        }
    }
}

/// `rows` are sorted, the highest rate first.
fn together(rows: &[&TaxRow]) -> Rated {
    let class = rows.first().map(|row| row.class.clone()).unwrap_or_default();
    let rate = rows.iter().try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.rate));
    Rated { class, rate, main: rows.first().map(|row| row.rate) }
}

fn nearest(rows: &[&TaxRow], part: &Part, tax: Decimal) -> Rated {
    let untaxed = Rated { class: String::new(), rate: Some(Decimal::ZERO), main: Some(Decimal::ZERO) };
    let wanted = part.gross.checked_sub(tax).and_then(|net| tax.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(net));
    let Some(wanted) = wanted else { return together(rows) };
    let each = rows.iter().map(|row| together(std::slice::from_ref(row)));
    let all = each.chain([together(rows)]).chain(tax.is_zero().then_some(untaxed));
    let away = |rated: &Rated| rated.rate.and_then(|rate| rate.checked_sub(wanted)).map_or(Decimal::MAX, |away| away.abs());
    all.min_by_key(away).unwrap_or_else(|| together(rows))
}
