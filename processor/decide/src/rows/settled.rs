//! Amounts in the minor unit whose sums are the store's, and what the store's own amounts leave unexplained.

use orderbridge_schema::facts::{StoreOrder, TaxRow};
use orderbridge_schema::money;
use orderbridge_schema::rules::TaxesAndAccounts;
use rust_decimal::Decimal;

use super::parts::Part;
use super::rated::{Rated, rated};
use super::reading::Reading;
use super::tax::{Exact, exact_tax};

/// Largest amount of a row: any number of them can be added exactly, and no order is as dear.
const AMOUNT_MAX: u64 = 1_000_000_000_000_000;
/// Minor units that a row for rounding may always make up for, where no limit is set.
const LIMIT_LEAST: usize = 2;
/// A limit that is not set grows by one minor unit for so many rows.
const ROWS_PER_UNIT: usize = 4;

/// An amount without its tax, and the tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amount {
    pub net: Decimal,
    pub tax: Decimal,
}

/// Amounts of the parts in the minor unit.
#[derive(Debug)]
pub(super) struct Settled {
    /// Of each part, in their order.
    pub amounts: Vec<Amount>,
    /// How each part is taxed.
    pub rated: Vec<Rated>,
    /// What is missing from them to the store's total and tax: for a row of its own.
    pub residual: Amount,
}

/// The most that one row may make up for.
pub(super) fn limit(rules: &TaxesAndAccounts, rows: usize, decimals: u32) -> Option<Decimal> {
    let usual = || u32::try_from(LIMIT_LEAST.max(rows.div_ceil(ROWS_PER_UNIT))).unwrap_or(u32::MAX);
    Decimal::from(rules.rounding_limit.unwrap_or_else(usual)).checked_mul(money::minor_unit(decimals))
}

/// Rounds everything; `None` if more is unexplained than may be, or if the numbers cannot be added up.
pub(super) fn settle(order: &StoreOrder, read: &Reading, taxes: &[TaxRow], rules: &TaxesAndAccounts, decimals: u32) -> Option<Settled> {
    let parts = &read.parts;
    let limit = limit(rules, parts.len(), decimals)?;
    let gross: Vec<Decimal> = parts.iter().map(|part| part.gross).collect();
    let whole = target(&gross, read.total, decimals, limit)?;
    let gross = money::allocate(&gross, whole.sum, decimals)?;
    let exact: Exact = exact_tax(parts, taxes, order.tax, decimals, limit)?;
    let tax_target = target(&exact.amounts, order.tax, decimals, limit)?;
    let rated: Vec<Rated> = parts.iter().zip(&exact.amounts).map(|(part, tax)| rated(part, *tax, taxes)).collect();
    let tax = tax_by_rate(&exact.amounts, &rated, tax_target.sum, decimals)?;
    let net: Option<Vec<Decimal>> = gross.iter().zip(&tax).map(|(gross, tax)| gross.checked_sub(*tax)).collect();
    let amounts: Vec<Amount> = net?.into_iter().zip(tax).map(|(net, tax)| Amount { net, tax }).collect();
    let residual = Amount { net: whole.residual.checked_sub(tax_target.residual)?, tax: tax_target.residual };
    let is_right = is_conserved(&amounts, residual, money::round(read.total, decimals), money::round(order.tax, decimals), decimals);
    is_right.then_some(Settled { amounts, rated, residual })
}

/// What rounded shares are to add up to, and what is then missing from the store's sum.
struct Target {
    sum: Decimal,
    residual: Decimal,
}

fn target(shares: &[Decimal], wanted: Decimal, decimals: u32, limit: Decimal) -> Option<Target> {
    let sum = money::sum(shares)?;
    let rounded = money::round(wanted, decimals);
    if is_rounding(sum, wanted, decimals) {
        return Some(Target { sum: rounded, residual: Decimal::ZERO });
    }
    let sum = money::round(sum, decimals);
    let residual = rounded.checked_sub(sum)?;
    (residual.abs() <= limit).then_some(Target { sum, residual })
}

/// Whether two sums differ by no more than rounding one of them explains.
pub(super) fn is_rounding(sum: Decimal, wanted: Decimal, decimals: u32) -> bool {
    let half = money::minor_unit(decimals) / Decimal::TWO;
    sum.checked_sub(wanted).is_some_and(|difference| difference.abs() <= half)
}

/// Rounds tax so that each rate's sum is the store's sum of that rate to less than a minor unit, and all together `total`.
fn tax_by_rate(exact: &[Decimal], rated: &[Rated], total: Decimal, decimals: u32) -> Option<Vec<Decimal>> {
    let mut rates: Vec<Option<Decimal>> = rated.iter().map(|rated| rated.rate).collect();
    rates.sort_unstable();
    rates.dedup();
    let of = |rate: &Option<Decimal>| -> Vec<(usize, Decimal)> {
        let places = exact.iter().zip(rated).enumerate();
        places.filter(|(_, (_, rated))| rated.rate == *rate).map(|(place, (tax, _))| (place, *tax)).collect()
    };
    let groups: Vec<Vec<(usize, Decimal)>> = rates.iter().map(of).collect();
    let sums: Option<Vec<Decimal>> = groups.iter().map(|group| money::sum(&group.iter().map(|(_, tax)| *tax).collect::<Vec<_>>())).collect();
    let sums = money::allocate(&sums?, total, decimals)?;
    let mut tax = vec![Decimal::ZERO; exact.len()];
    for (group, sum) in groups.iter().zip(sums) {
        let shares: Vec<Decimal> = group.iter().map(|(_, tax)| *tax).collect();
        for ((place, _), amount) in group.iter().zip(money::allocate(&shares, sum, decimals)?) {
            if let Some(tax) = tax.get_mut(*place) {
                *tax = amount;
            }
        }
    }
    Some(tax)
}

/// The proof that nothing was lost. Amounts too large to be added up without dropping decimals are no proof.
fn is_conserved(amounts: &[Amount], residual: Amount, total: Decimal, total_tax: Decimal, decimals: u32) -> bool {
    let fits = |amount: &Decimal| amount.normalize().scale() <= decimals && amount.abs() <= Decimal::from(AMOUNT_MAX);
    let all = || amounts.iter().chain(std::iter::once(&residual));
    let net = all().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount.net));
    let tax = all().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount.tax));
    let is_same = net.zip(tax).is_some_and(|(net, tax)| tax == total_tax && net.checked_add(tax) == Some(total));
    is_same && all().all(|amount| fits(&amount.net) && fits(&amount.tax))
}

/// What of a part's amount stands on its own row where its discount stands on another, and what stands on that other.
pub(super) fn split(part: &Part, after: Amount, decimals: u32) -> Option<(Amount, Amount)> {
    let before = part.before?;
    let gross = money::round(before.gross, decimals);
    let paid = after.net.checked_add(after.tax)?;
    // Where the store's field has no tax although tax is due, the tax keeps its share of the price.
    let tax = if before.tax.is_zero() && !after.tax.is_zero() { after.tax.checked_mul(gross)?.checked_div(paid)? } else { before.tax };
    let tax = money::round(tax, decimals);
    let own = Amount { net: gross.checked_sub(tax)?, tax };
    let off = Amount { net: after.net.checked_sub(own.net)?, tax: after.tax.checked_sub(own.tax)? };
    Some((own, off))
}
