//! The tax of each part, exactly as the store says it.

use std::collections::BTreeMap;

use orderbridge_schema::facts::{TaxRow, Taxed};
use orderbridge_schema::money;
use rust_decimal::Decimal;

use super::parts::Part;
use super::settled::is_rounding;

/// Exact tax of the parts, in their order.
#[derive(Debug)]
pub(super) struct Exact {
    pub amounts: Vec<Decimal>,
}

/// The tax details where they add up to the order's tax, else the parts' own fields, as they are or after discounts. Only a store that
/// lists no tax at all has it spread in proportion to the amounts: where it lists some that contradict its total, nothing is guessed.
pub(super) fn exact_tax(parts: &[Part], taxes: &[TaxRow], total: Decimal, decimals: u32, limit: Decimal) -> Option<Exact> {
    let is_known = covers_all(parts, taxes);
    let listed = |with_unlisted: bool| if is_known { listed(parts, taxes, with_unlisted) } else { None };
    let stated = || Some(parts.iter().map(|part| part.stated_tax).collect::<Vec<_>>());
    let nearest = |ways: [Option<Vec<Decimal>>; 2]| nearest(ways, total, decimals, limit);
    // The details first, also where they leave a little unexplained: they alone tell the rates apart.
    let found = nearest([listed(false), listed(true)]).or_else(|| nearest([stated(), stated_after_discount(parts)]));
    let spread = || {
        let weights: Vec<Decimal> = parts.iter().map(|part| part.gross.max(Decimal::ZERO)).collect();
        if taxes.is_empty() { money::pro_rata(&weights, total, decimals) } else { None }
    };
    found.or_else(spread).map(|amounts| Exact { amounts })
}

/// The first that agrees but for rounding, else the first that a row of its own may make up for.
fn nearest(ways: [Option<Vec<Decimal>>; 2], total: Decimal, decimals: u32, limit: Decimal) -> Option<Vec<Decimal>> {
    let sums: Vec<(Vec<Decimal>, Decimal)> = ways.into_iter().flatten().filter_map(|way| money::sum(&way).map(|sum| (way, sum))).collect();
    let is_exact = |(_, sum): &&(Vec<Decimal>, Decimal)| is_rounding(*sum, total, decimals);
    let is_near = |(_, sum): &&(Vec<Decimal>, Decimal)| {
        let apart = money::round(total, decimals).checked_sub(money::round(*sum, decimals));
        apart.is_some_and(|apart| apart.abs() <= limit)
    };
    sums.iter().find(is_exact).or_else(|| sums.iter().find(is_near)).map(|(way, _)| way.clone())
}

/// Tax by the details. Several parts may share a subject (fees, wrapping, a discount on delivery): each carries what its own field says,
/// and the first of them what those fields leave unexplained. Fees may have no details at all (BC §j.2): `with_unlisted` takes their own
/// fields then.
fn listed(parts: &[Part], taxes: &[TaxRow], with_unlisted: bool) -> Option<Vec<Decimal>> {
    let mut by_subject: BTreeMap<Taxed, Decimal> = BTreeMap::new();
    for row in taxes {
        let sum = by_subject.entry(row.on).or_default();
        *sum = sum.checked_add(row.amount)?;
    }
    let mut unexplained: BTreeMap<Taxed, Decimal> = BTreeMap::new();
    for (on, sum) in &by_subject {
        let stated: Vec<Decimal> = parts.iter().filter(|part| part.on == *on).map(|part| part.stated_tax).collect();
        unexplained.insert(*on, sum.checked_sub(money::sum(&stated)?)?);
    }
    let tax = |part: &Part| match by_subject.get(&part.on) {
        Some(_) => part.stated_tax.checked_add(unexplained.remove(&part.on).unwrap_or_default()),
        None if with_unlisted && part.on == Taxed::Other => Some(part.stated_tax),
        None => Some(Decimal::ZERO),
    };
    parts.iter().map(tax).collect()
}

/// The parts' own tax, lowered as the discount lowered their price: the lines' own fields are from before discounts (BC §d.3).
fn stated_after_discount(parts: &[Part]) -> Option<Vec<Decimal>> {
    let after = |part: &Part| match part.before {
        Some(before) if !before.gross.is_zero() => before.tax.checked_mul(part.gross)?.checked_div(before.gross),
        Some(_) | None => Some(part.stated_tax),
    };
    parts.iter().map(after).collect()
}

/// Whether each tax row belongs to a part: if not, its amount would be spread over rows it does not tax.
fn covers_all(parts: &[Part], taxes: &[TaxRow]) -> bool {
    taxes.iter().all(|row| row.amount.is_zero() || parts.iter().any(|part| part.on == row.on))
}
