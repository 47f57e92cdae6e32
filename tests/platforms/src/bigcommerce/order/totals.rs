//! Derives an order's amounts from what was entered (BC §d.2, §d.3, §j.2).

use rust_decimal::Decimal;

use super::model::{Coupon, Discount, MANUAL, Order, Totals, Wrapping};
use super::pricing::{Charge, Cost, split, sum};
use crate::bigcommerce::value::round;

impl Order {
    /// Derives every amount anew from what was entered.
    pub(in crate::bigcommerce) fn recalculate(&mut self) {
        let terms = self.terms;
        let whole = terms.to_the_minor_unit();
        for line in &mut self.lines {
            line.cost.settle(line.quantity, Decimal::ZERO, terms);
            // A line that became cheaper than its discounts keeps no more of them than it costs.
            // Whole minor units only: the total must be payable even where lines have fractions.
            let mut room = line.cost.discountable(terms).trunc_with_scale(terms.places);
            for discount in &mut line.discounts {
                let amount = round(discount.amount, terms.places);
                discount.amount = amount.min(room).max(Decimal::ZERO);
                room -= discount.amount;
            }
            let discount = line.discount();
            line.cost.settle(line.quantity, discount, terms);
            if let Some(wrapping) = &mut line.wrapping {
                let pieces = if terms.quirks.wrapping_per_piece { line.quantity } else { 1 };
                wrapping.cost.settle(pieces, Decimal::ZERO, whole);
            }
        }
        self.settle_shipping();
        for fee in &mut self.fees {
            fee.cost.settle(1, Decimal::ZERO, whole);
        }
        self.totals = self.add_up();
    }

    fn settle_shipping(&mut self) {
        let terms = self.terms.to_the_minor_unit();
        for destination in &mut self.destinations {
            destination.shipping.settle(1, Decimal::ZERO, terms);
            destination.handling.settle(1, Decimal::ZERO, terms);
        }
        let weights: Vec<Decimal> = self.destinations.iter().map(|to| to.shipping.discountable(terms)).collect();
        let mut room: Decimal = weights.iter().sum();
        for coupon in &mut self.coupons {
            if coupon.kind == 4 {
                coupon.off_shipping = room;
            } else if coupon.kind == 3 {
                coupon.off_shipping = round(coupon.amount, terms.places).min(room);
            }
            room -= coupon.off_shipping;
        }
        // With free shipping no tax on it is due, unless the switch keeps it.
        let untaxed = |coupon: &&Coupon| coupon.kind != 4 || !terms.quirks.free_shipping_taxed;
        let off: Decimal = self.coupons.iter().filter(untaxed).map(|coupon| coupon.off_shipping).sum();
        let parts = split(off, &weights, terms.places);
        for (destination, part) in self.destinations.iter_mut().zip(parts) {
            destination.shipping.settle(1, part, terms);
        }
    }

    fn add_up(&self) -> Totals {
        let terms = self.terms;
        let subtotal = sum(self.lines.iter().map(|line| line.cost.charge), terms);
        let shipping = sum(self.destinations.iter().map(|to| to.shipping.charge), terms);
        let handling = sum(self.destinations.iter().map(|to| to.handling.charge), terms);
        let wrapping = sum(self.wrappings().map(|wrapping| wrapping.cost.charge), terms);
        let fees = sum(self.fees.iter().map(|fee| fee.cost.charge), terms);
        let discount = self.line_discounts(false);
        let coupons = self.line_discounts(true) + self.off_shipping();
        let tax = round(self.costs().map(Cost::due_total).sum(), terms.places);
        let parts = [subtotal, shipping, handling, wrapping, fees];
        let whole: Decimal = parts.iter().map(|part| if terms.net_discounts() { part.ex } else { part.inc }).sum();
        let rest = whole - discount - coupons;
        let (ex, inc) = if terms.net_discounts() { (rest, rest + tax) } else { (rest - tax, rest) };
        let mut total = Charge { base: inc, ex, inc, tax };
        if let Some((ex, inc)) = self.given_total {
            total = Charge { base: inc, ex, inc, tax: inc - ex };
        }
        Totals { subtotal, shipping, handling, wrapping, total, discount, coupons }
    }

    fn wrappings(&self) -> impl Iterator<Item = &Wrapping> {
        self.lines.iter().filter_map(|line| line.wrapping.as_ref())
    }

    /// Everything that has a price.
    fn costs(&self) -> impl Iterator<Item = &Cost> {
        let destinations = self.destinations.iter().flat_map(|to| [&to.shipping, &to.handling]);
        self.lines
            .iter()
            .map(|line| &line.cost)
            .chain(self.wrappings().map(|wrapping| &wrapping.cost))
            .chain(destinations)
            .chain(self.fees.iter().map(|fee| &fee.cost))
    }

    fn off_shipping(&self) -> Decimal {
        self.coupons.iter().map(|coupon| coupon.off_shipping).sum()
    }

    fn line_discounts(&self, by_coupon: bool) -> Decimal {
        let all = self.lines.iter().flat_map(|line| &line.discounts);
        all.filter(|discount| discount.code.is_some() == by_coupon).map(|discount| discount.amount).sum()
    }

    /// What a coupon took off in all.
    pub(in crate::bigcommerce) fn coupon_discount(&self, coupon: &Coupon) -> Decimal {
        let id = coupon.id.to_string();
        let lines = self.lines.iter().flat_map(|line| &line.discounts).filter(|discount| discount.id == id);
        lines.map(|discount| discount.amount).sum::<Decimal>() + coupon.off_shipping
    }

    /// Spreads an order-level discount over the lines by their net totals. Nothing is taken below zero.
    pub(in crate::bigcommerce) fn spread(&mut self, amount: Decimal, template: &Discount) {
        self.recalculate();
        let room: Decimal = self.lines.iter().map(|line| line.discountable(self.terms)).sum();
        let room = room.trunc_with_scale(self.terms.places);
        let weights: Vec<Decimal> = self.lines.iter().map(|line| line.cost.charge.ex).collect();
        let amount = round(amount, self.terms.places).min(room);
        let parts = split(amount, &weights, self.terms.places);
        for (line, part) in self.lines.iter_mut().zip(parts) {
            if !part.is_zero() {
                line.discounts.push(Discount { amount: part, ..template.clone() });
            }
        }
        self.recalculate();
    }

    /// Replaces the manual order-level discount.
    pub(in crate::bigcommerce) fn set_manual_discount(&mut self, amount: Decimal) {
        for line in &mut self.lines {
            line.discounts.retain(|discount| discount.id != MANUAL);
        }
        let name = "Manual discount".to_owned();
        let template = Discount { id: MANUAL.to_owned(), amount, name, code: None, target: "order" };
        self.spread(amount, &template);
    }
}
