//! How an order's amounts follow from what was entered (BC §d.2, §d.3, §j.2).
//!
//! The entered side (with or without tax, by the store's setting) is exact; the other is derived. Discounts are
//! tax-inclusive amounts: what a line costs after them is its gross, and the tax is what is inside that gross.
//! A switch makes them net amounts in a store whose prices are entered without tax.

use rust_decimal::Decimal;

use crate::bigcommerce::value::round;
use crate::core::Switches;

/// How tax amounts are rounded (`rounding_strategy` of the tax settings).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bigcommerce) enum Rounding {
    /// `RATE_ROUNDING`: each rate of each line to the minor unit.
    Rate,
    /// `NO_ROUNDING`: lines keep four decimals, only the order's sums are rounded.
    None,
}

/// What all prices of one order have in common.
#[derive(Debug, Clone, Copy)]
pub(in crate::bigcommerce) struct Terms {
    /// Prices were entered with tax.
    pub(in crate::bigcommerce) inclusive: bool,
    /// Decimals of the currency's minor unit.
    pub(in crate::bigcommerce) places: u32,
    pub(in crate::bigcommerce) rounding: Rounding,
    pub(in crate::bigcommerce) quirks: Quirks,
}

/// What the sources leave open about amounts (BC §j.2); the defaults are the sheet's.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::bigcommerce) struct Quirks {
    /// In a tax-exclusive store discounts are amounts without tax.
    net_discounts: bool,
    /// Shipping that a coupon makes free keeps its tax.
    pub(super) free_shipping_taxed: bool,
    /// A line's wrapping cost is for one piece.
    pub(super) wrapping_per_piece: bool,
}

impl Quirks {
    /// As the switches stand when an order is made.
    pub(in crate::bigcommerce) fn of(switches: &Switches) -> Self {
        Self {
            net_discounts: switches.get("discount_basis") == "exclusive",
            free_shipping_taxed: switches.get("free_shipping_tax") == "full",
            wrapping_per_piece: switches.get("wrapping_cost") == "piece",
        }
    }
}

impl Terms {
    /// Whether discounts are taken off the amount without tax.
    pub(in crate::bigcommerce) const fn net_discounts(self) -> bool {
        self.quirks.net_discounts && !self.inclusive
    }

    /// The same, with every amount rounded: what is not a line never has fractions of the minor unit.
    pub(super) const fn to_the_minor_unit(self) -> Self {
        Self { rounding: Rounding::Rate, ..self }
    }

    fn tax_places(self) -> u32 {
        match self.rounding {
            Rounding::Rate => self.places,
            Rounding::None => 4,
        }
    }
}

/// One tax rate.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bigcommerce) struct Rate {
    pub(in crate::bigcommerce) name: String,
    /// Percent: 20 for 20 %.
    pub(in crate::bigcommerce) percent: Decimal,
}

/// An amount with and without tax.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::bigcommerce) struct Charge {
    pub(in crate::bigcommerce) base: Decimal,
    pub(in crate::bigcommerce) ex: Decimal,
    pub(in crate::bigcommerce) inc: Decimal,
    pub(in crate::bigcommerce) tax: Decimal,
}

/// One thing with a price: a line, shipping, handling, wrapping or a fee.
#[derive(Debug, Clone, Default)]
pub(in crate::bigcommerce) struct Cost {
    /// The price entered, per piece.
    pub(in crate::bigcommerce) entered: Decimal,
    /// Both sides given by the caller, per piece: nothing is derived then.
    pub(in crate::bigcommerce) given: Option<(Decimal, Decimal)>,
    pub(in crate::bigcommerce) rates: Vec<Rate>,
    /// For all pieces, before discounts.
    pub(in crate::bigcommerce) charge: Charge,
    /// Tax due per rate, after discounts.
    pub(in crate::bigcommerce) due: Vec<(Rate, Decimal)>,
}

impl Cost {
    /// A price with rates.
    pub(in crate::bigcommerce) fn new(entered: Decimal, rates: Vec<Rate>) -> Self {
        Self { entered, rates, ..Self::default() }
    }

    /// A price of which both sides are given.
    pub(in crate::bigcommerce) fn given(ex: Decimal, inc: Decimal) -> Self {
        Self { entered: ex, given: Some((ex, inc)), ..Self::default() }
    }

    /// Derives charge and tax due.
    pub(in crate::bigcommerce) fn settle(&mut self, pieces: i64, discount: Decimal, terms: Terms) {
        let pieces = Decimal::from(pieces);
        if let Some((ex, inc)) = self.given {
            let (ex, inc) = (round(ex * pieces, terms.places), round(inc * pieces, terms.places));
            self.charge = Charge { base: if terms.inclusive { inc } else { ex }, ex, inc, tax: inc - ex };
            self.due = self.due_given(discount, terms);
            return;
        }
        let total = round(self.entered * pieces, terms.places);
        let taxes = if terms.inclusive { self.inside(total, terms) } else { self.on_top(total, terms) };
        let tax: Decimal = taxes.iter().sum();
        let (ex, inc) = if terms.inclusive { (total - tax, total) } else { (total, total + tax) };
        self.charge = Charge { base: total, ex, inc, tax };
        let taxes = match (discount.is_zero(), terms.net_discounts()) {
            (true, _) => taxes,
            (false, true) => self.on_top(ex - discount, terms),
            (false, false) => self.inside(inc - discount, terms),
        };
        self.due = self.rates.iter().cloned().zip(taxes).collect();
    }

    /// A given pair has no rate of its own; the tax shrinks with the gross.
    fn due_given(&self, discount: Decimal, terms: Terms) -> Vec<(Rate, Decimal)> {
        if self.charge.tax.is_zero() || self.charge.inc.is_zero() || self.charge.ex.is_zero() {
            return Vec::new();
        }
        let whole = self.discountable(terms);
        let share = (whole - discount) / whole;
        let percent = round(self.charge.tax / self.charge.ex * Decimal::ONE_HUNDRED, 4);
        let rate = Rate { name: "API Tax Override".to_owned(), percent };
        vec![(rate, round(self.charge.tax * share, terms.tax_places()))]
    }

    fn inside(&self, gross: Decimal, terms: Terms) -> Vec<Decimal> {
        let whole = Decimal::ONE_HUNDRED + self.rates.iter().map(|rate| rate.percent).sum::<Decimal>();
        self.rates.iter().map(|rate| round(gross * rate.percent / whole, terms.tax_places())).collect()
    }

    fn on_top(&self, net: Decimal, terms: Terms) -> Vec<Decimal> {
        self.rates.iter().map(|rate| round(net * rate.percent / Decimal::ONE_HUNDRED, terms.tax_places())).collect()
    }

    /// The price of one piece, both sides, to four decimals.
    pub(in crate::bigcommerce) fn unit(&self, terms: Terms) -> Charge {
        if let Some((ex, inc)) = self.given {
            return Charge { base: if terms.inclusive { inc } else { ex }, ex, inc, tax: inc - ex };
        }
        let whole = Decimal::ONE_HUNDRED + self.rates.iter().map(|rate| rate.percent).sum::<Decimal>();
        let (ex, inc) = if terms.inclusive {
            (round(self.entered * Decimal::ONE_HUNDRED / whole, 4), self.entered)
        } else {
            (self.entered, round(self.entered * whole / Decimal::ONE_HUNDRED, 4))
        };
        Charge { base: self.entered, ex, inc, tax: inc - ex }
    }

    /// The side that discounts are taken off, before any.
    pub(in crate::bigcommerce) const fn discountable(&self, terms: Terms) -> Decimal {
        if terms.net_discounts() { self.charge.ex } else { self.charge.inc }
    }

    /// What is paid after a discount, tax included.
    pub(in crate::bigcommerce) fn paid(&self, discount: Decimal, terms: Terms) -> Decimal {
        if terms.net_discounts() { self.charge.ex - discount + self.due_total() } else { self.charge.inc - discount }
    }

    /// The tax due over all rates.
    pub(in crate::bigcommerce) fn due_total(&self) -> Decimal {
        self.due.iter().map(|(_, tax)| tax).sum()
    }
}

/// Sums charges; the exact side is summed, the tax is rounded once.
pub(in crate::bigcommerce) fn sum(charges: impl Iterator<Item = Charge>, terms: Terms) -> Charge {
    let total = charges.fold(Charge::default(), |sum, charge| Charge {
        base: sum.base + charge.base,
        ex: sum.ex + charge.ex,
        inc: sum.inc + charge.inc,
        tax: sum.tax + charge.tax,
    });
    let tax = round(total.tax, terms.places);
    if terms.inclusive { Charge { tax, ex: total.inc - tax, ..total } } else { Charge { tax, inc: total.ex + tax, ..total } }
}

/// Splits an amount by weights in minor units, so that the parts add up (largest remainder first).
pub(in crate::bigcommerce) fn split(amount: Decimal, weights: &[Decimal], places: u32) -> Vec<Decimal> {
    let whole: Decimal = weights.iter().sum();
    if whole.is_zero() {
        return vec![Decimal::ZERO; weights.len()];
    }
    let exact: Vec<Decimal> = weights.iter().map(|weight| amount * weight / whole).collect();
    let mut parts: Vec<Decimal> = exact.iter().map(|part| part.trunc_with_scale(places)).collect();
    let unit = Decimal::new(1, places);
    let mut left = amount - parts.iter().sum::<Decimal>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    let rest = |index: &usize| exact.get(*index).zip(parts.get(*index)).map(|(exact, part)| exact - part);
    order.sort_by_key(|index| std::cmp::Reverse(rest(index)));
    for index in order {
        if left < unit {
            break;
        }
        if let Some(part) = parts.get_mut(index) {
            *part += unit;
            left -= unit;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn split_parts_add_up_to_the_amount() {
        assert_eq!(split(d("10"), &[d("1"), d("1"), d("1")], 2), [d("3.34"), d("3.33"), d("3.33")]);
        assert_eq!(split(d("7"), &[d("1"), d("2")], 0), [d("2"), d("5")]);
        assert_eq!(split(d("5"), &[d("0")], 2), [d("0")]);
    }

    #[test]
    fn two_rates_on_an_inclusive_price_leave_the_gross_exact() {
        let rates = ["5", "9.975"].map(|percent| Rate { name: percent.to_owned(), percent: d(percent) });
        let mut cost = Cost::new(d("19.99"), rates.to_vec());
        cost.settle(3, Decimal::ZERO, Terms { inclusive: true, places: 2, rounding: Rounding::Rate, quirks: Quirks::default() });
        assert_eq!(cost.charge.inc, d("59.97"));
        assert_eq!(cost.due.iter().map(|(_, tax)| *tax).collect::<Vec<_>>(), [d("2.61"), d("5.20")]);
        assert_eq!(cost.charge.ex, d("52.16"));
    }

    #[test]
    fn a_discount_takes_its_part_of_the_tax_with_it() {
        let mut cost = Cost::new(d("50"), vec![Rate { name: "VAT".to_owned(), percent: d("20") }]);
        cost.settle(1, d("6"), Terms { inclusive: false, places: 2, rounding: Rounding::Rate, quirks: Quirks::default() });
        assert_eq!((cost.charge.inc, cost.charge.tax), (d("60"), d("10")));
        assert_eq!(cost.due_total(), d("9"));
    }
}
