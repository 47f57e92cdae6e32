//! Which parts make up the store's total, and which reading of that total they make up.
//!
//! Four things are uncertain until the sums are looked at: whether the total is before or after gift certificates and store credit,
//! whether there are fees, whether the amounts have a coupon on delivery in them already, and whether the lines show their share of the
//! order's discounts (BC §d.2–d.4, §j.2). Each is counted once, because only one of the combinations adds up.

use orderbridge_schema::facts::{Fee, StoreOrder};
use orderbridge_schema::money;
use orderbridge_schema::rules::{TaxesAndAccounts, Tenders};
use rust_decimal::Decimal;

use super::parts::{self, Maker, Part};
use super::settled::limit;
use crate::facts::{Ask, Need, OrderFacts, known};

/// The parts, and the total that they are to be.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub parts: Vec<Part>,
    pub total: Decimal,
}

/// Finds the parts and the total that agree best, and what `settle` makes of them: two amounts may happen to be equal, so that sums alone
/// do not always tell a fee from a coupon. Where nothing can be settled, all parts with the total as it is.
pub(super) fn of<T>(
    maker: &Maker<'_>,
    facts: &OrderFacts,
    rules: &TaxesAndAccounts,
    decimals: u32,
    settle: impl Fn(&Reading) -> Option<T>,
) -> Ask<Result<(Reading, T), Reading>> {
    let settled = |read: Reading| settle(&read).map(|settled| (read, settled));
    let totals = totals(maker.order, rules.tenders);
    let plain = plain(maker);
    if let Some(found) = exact(&plain, &totals, decimals).into_iter().find_map(settled) {
        return Ok(Ok(found));
    }
    let fees = known(facts.fees.as_ref(), Need::Fees)?;
    let all = with_fees(maker, &plain, fees);
    let candidates = exact(&all, &totals, decimals).into_iter().chain(nearest(&all, &totals, rules, decimals));
    let found = candidates.into_iter().find_map(settled);
    Ok(found.ok_or_else(|| Reading { parts: all.into_iter().next().unwrap_or_default(), total: maker.order.total }))
}

/// Everything but fees, with and without coupons on delivery.
fn plain(maker: &Maker<'_>) -> Vec<Vec<Part>> {
    let with = maker.parts(true);
    if maker.off_delivery().is_none_or(|off| off.is_zero()) { vec![with] } else { vec![with, maker.parts(false)] }
}

/// The same with fees; and with the order's discounts on a row of their own, where the lines carry no share of them or not all of it.
fn with_fees(maker: &Maker<'_>, plain: &[Vec<Part>], fees: &[Fee]) -> Vec<Vec<Part>> {
    let mut all: Vec<Vec<Part>> = plain.iter().map(|parts| parts.iter().cloned().chain(fees.iter().filter_map(parts::fee)).collect()).collect();
    let order = maker.order;
    let missing = || order.discount.checked_add(order.coupon_discount)?.checked_sub(maker.off_delivery()?);
    let rest = || missing()?.checked_sub(maker.off_lines()?);
    for amount in [missing(), rest()].into_iter().flatten().filter(|amount| *amount > Decimal::ZERO) {
        let with = all.first().map(|parts| parts.iter().cloned().chain(parts::discount(amount)).collect());
        all.extend(with);
    }
    all
}

/// What the parts may have to add up to.
fn totals(order: &StoreOrder, tenders: Tenders) -> Vec<Decimal> {
    let before = Some(order.total);
    let after = order.total.checked_add(order.store_credit).and_then(|sum| sum.checked_add(order.gift_certificates));
    let readings = match tenders {
        Tenders::Detect => [before, after],
        Tenders::Included => [before, None],
        Tenders::Excluded => [after, None],
    };
    readings.into_iter().flatten().collect()
}

/// How far parts are from a total.
fn gap(parts: &[Part], total: Decimal) -> Option<Decimal> {
    let gross: Vec<Decimal> = parts.iter().map(|part| part.gross).collect();
    Some(money::sum(&gross)?.checked_sub(total)?.abs())
}

/// The combinations that agree within half a minor unit, which is what rounding the total alone explains.
fn exact(plans: &[Vec<Part>], totals: &[Decimal], decimals: u32) -> Vec<Reading> {
    let half = money::minor_unit(decimals) / Decimal::TWO;
    let pairs = plans.iter().flat_map(|parts| totals.iter().map(move |total| (parts, *total)));
    let found = pairs.filter(|(parts, total)| gap(parts, *total).is_some_and(|gap| gap <= half));
    found.map(|(parts, total)| Reading { parts: parts.clone(), total }).collect()
}

/// The combinations that a row for rounding may make up for, the nearest first.
fn nearest(plans: &[Vec<Part>], totals: &[Decimal], rules: &TaxesAndAccounts, decimals: u32) -> Vec<Reading> {
    let pairs = plans.iter().flat_map(|parts| totals.iter().map(move |total| (parts, *total)));
    // A unit more than the limit: both sums are still to be rounded.
    let reach = |parts: &[Part]| limit(rules, parts.len(), decimals)?.checked_add(money::minor_unit(decimals));
    let near = pairs.filter_map(|(parts, total)| Some((gap(parts, total)?, parts, total)));
    let mut near: Vec<_> = near.filter(|(gap, parts, _)| reach(parts).is_some_and(|reach| *gap <= reach)).collect();
    near.sort_by_key(|(gap, ..)| *gap);
    near.into_iter().map(|(_, parts, total)| Reading { parts: parts.clone(), total }).collect()
}
