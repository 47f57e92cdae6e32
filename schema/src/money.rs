//! Amounts in a currency's minor unit, and how a sum is spread so that nothing is lost.

use rust_decimal::{Decimal, RoundingStrategy};

/// Most decimals of amounts that can be carried over: Brightpearl shows and adds up totals with two (BP §e.4).
pub const DECIMALS_MAX: u32 = 2;

/// How many decimals a currency's minor unit has (ISO 4217): 2 for nearly all, 0 for yen and its like, 3 for dinars.
#[must_use]
pub fn minor_decimals(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Rounds half away from zero, as tills and both platforms do.
#[must_use]
pub fn round(amount: Decimal, decimals: u32) -> Decimal {
    amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

/// One minor unit, such as 0.01.
#[must_use]
pub fn minor_unit(decimals: u32) -> Decimal {
    Decimal::new(1, decimals.min(28))
}

/// Rounds each share so that together they are exactly `total` (which is itself rounded first): the largest remainder method.
///
/// Shares keep their place. Each result differs from its share by less than one minor unit if the shares add up to `total` within
/// half a minor unit; if they do not, the difference is spread one unit at a time over the shares that rounding moved furthest the
/// other way, around and around. `None` if there is no share to carry a remainder, or the numbers do not fit.
#[must_use]
pub fn allocate(shares: &[Decimal], total: Decimal, decimals: u32) -> Option<Vec<Decimal>> {
    let total = round(total, decimals);
    let unit = minor_unit(decimals);
    let floor = |share: &Decimal| share.round_dp_with_strategy(decimals, RoundingStrategy::ToNegativeInfinity);
    let mut rounded: Vec<Decimal> = shares.iter().map(floor).collect();
    let sum = sum(&rounded)?;
    let missing = total.checked_sub(sum)?.checked_div(unit)?;
    let steps = i64::try_from(missing.trunc().mantissa() / 10i128.pow(missing.trunc().scale())).ok()?;
    if steps == 0 {
        return Some(rounded);
    }
    if shares.is_empty() {
        return None;
    }
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let remainder = |i: usize| shares.get(i).zip(rounded.get(i)).map(|(share, down)| share - down).unwrap_or_default();
    order.sort_by(|&a, &b| remainder(b).cmp(&remainder(a)).then(a.cmp(&b)));
    if steps < 0 {
        order.reverse();
    }
    let count = i64::try_from(order.len()).ok()?;
    let step = if steps > 0 { unit } else { -unit };
    let (each, extra) = (steps.abs() / count, steps.abs() % count);
    for (place, index) in order.into_iter().enumerate() {
        let more = i64::try_from(place).is_ok_and(|place| place < extra);
        let times = Decimal::from(each + i64::from(more));
        if let Some(amount) = rounded.get_mut(index) {
            *amount = amount.checked_add(step.checked_mul(times)?)?;
        }
    }
    Some(rounded)
}

/// Spreads `total` over `weights` in proportion, to the minor unit, with nothing lost. Weights of zero all round get equal shares.
#[must_use]
pub fn pro_rata(weights: &[Decimal], total: Decimal, decimals: u32) -> Option<Vec<Decimal>> {
    let whole = sum(weights)?;
    let count = Decimal::from(weights.len());
    let share = |weight: &Decimal| {
        if whole.is_zero() { total.checked_div(count) } else { total.checked_mul(*weight)?.checked_div(whole) }
    };
    let shares: Option<Vec<Decimal>> = weights.iter().map(share).collect();
    allocate(&shares?, total, decimals)
}

/// Adds without panicking. `None` if the sum does not fit a [`Decimal`].
#[must_use]
pub fn sum(amounts: &[Decimal]) -> Option<Decimal> {
    amounts.iter().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_largest_remainders_get_the_missing_pence() {
        let shares = [d("3.3333"), d("3.3333"), d("3.3334")];
        assert_eq!(allocate(&shares, d("10"), 2).unwrap(), [d("3.33"), d("3.33"), d("3.34")]);
    }

    #[test]
    fn negative_shares_and_other_minor_units_add_up_too() {
        assert_eq!(allocate(&[d("10.555"), d("-0.555")], d("10"), 2).unwrap().iter().sum::<Decimal>(), d("10"));
        assert_eq!(pro_rata(&[d("1"), d("1"), d("1")], d("100"), 0).unwrap(), [d("34"), d("33"), d("33")]);
        assert_eq!(pro_rata(&[d("0"), d("0")], d("0.03"), 2).unwrap(), [d("0.02"), d("0.01")]);
    }

    #[test]
    fn nothing_cannot_carry_something() {
        assert_eq!(allocate(&[], d("0.01"), 2), None);
        assert_eq!(allocate(&[], d("0"), 2), Some(vec![]));
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(round(d("0.125"), 2), d("0.13"));
        assert_eq!(round(d("-0.125"), 2), d("-0.13"));
    }

    proptest! {
        #[test]
        fn the_allocated_amounts_are_the_total(cents in prop::collection::vec(-100_000_000i64..100_000_000, 1..70), decimals in 0u32..4, off in -50i64..50) {
            let shares: Vec<Decimal> = cents.iter().map(|&c| Decimal::new(c, 4)).collect();
            let total = shares.iter().sum::<Decimal>() + Decimal::new(off, 3);
            let parts = allocate(&shares, total, decimals).unwrap();
            prop_assert_eq!(parts.iter().sum::<Decimal>(), round(total, decimals));
            prop_assert!(parts.iter().all(|part| part.scale() <= decimals || part.normalize().scale() <= decimals));
        }

        #[test]
        fn shares_that_add_up_move_by_less_than_a_minor_unit(cents in prop::collection::vec(0i64..100_000_000, 1..70)) {
            let shares: Vec<Decimal> = cents.iter().map(|&c| Decimal::new(c, 4)).collect();
            let parts = allocate(&shares, shares.iter().sum(), 2).unwrap();
            for (share, part) in shares.iter().zip(&parts) {
                prop_assert!((share - part).abs() < Decimal::new(1, 2));
            }
        }
    }
}
