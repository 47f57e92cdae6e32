//! What is charged for, with the amounts exactly as the store says them.

use orderbridge_schema::command::RowLine;
use orderbridge_schema::facts::{Charge, Coupon, Fee, LineKind, LineWrapping, OrderLine, StoreOrder, Taxed};
use orderbridge_schema::ids::ProductId;
use orderbridge_schema::money;
use orderbridge_schema::rules::Discounts;
use rust_decimal::Decimal;

use super::products::Matches;
use super::text::{self, Named};

/// What kind of thing is charged for: which nominal code its row gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goods, whose nominal code Brightpearl knows (BP §e.3).
    Goods,
    /// A gift certificate sold: a liability (BC §h 19).
    GiftCertificate,
    Shipping,
    Handling,
    Wrapping,
    Fee,
    Discount,
    Rounding,
}

/// One thing charged for, with exact amounts.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub reference: String,
    pub name: Named,
    pub quantity: u32,
    /// With tax, after discounts.
    pub gross: Decimal,
    /// Before discounts, where there are some.
    pub before: Option<Charge>,
    /// Tax as the store's own fields say, should the tax details not add up.
    pub stated_tax: Decimal,
    pub on: Taxed,
    pub kind: Kind,
    pub product: Option<ProductId>,
    pub line: Option<RowLine>,
}

/// Makes the parts of an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    pub order: &'a StoreOrder,
    pub lines: &'a [OrderLine],
    pub products: &'a Matches,
    pub coupons: &'a [Coupon],
    pub discounts: Discounts,
}

impl Maker<'_> {
    /// Lines and the order's own charges. Coupons that lower delivery stand on rows of their own, unless all discounts do so together;
    /// they are left out where the amounts have them already (BC §d.4).
    pub(super) fn parts(&self, with_delivery_coupons: bool) -> Vec<Part> {
        let coupons: &[Coupon] = if with_delivery_coupons { self.coupons } else { &[] };
        let mut parts: Vec<Part> = self.lines.iter().filter(|line| line.quantity > 0).map(|line| self.line(line)).collect();
        let off: Vec<Decimal> = delivery_coupons(coupons).map(|coupon| coupon.discount).collect();
        let shipping = single("bc-shipping", "Shipping", Kind::Shipping, self.order.shipping, Taxed::Shipping);
        match (self.discounts, shipping, money::sum(&off)) {
            (Discounts::OwnRows, Some(shipping), Some(off)) => {
                let gross = shipping.gross.checked_sub(off).unwrap_or(shipping.gross);
                parts.push(Part { before: (!off.is_zero()).then_some(self.order.shipping), gross, ..shipping });
                self.charges(&mut parts);
            }
            (_, shipping, _) => {
                parts.extend(shipping);
                self.charges(&mut parts);
                parts.extend(delivery_coupons(coupons).enumerate().filter_map(|(place, coupon)| delivery_discount(place, coupon)));
            }
        }
        parts
    }

    /// What coupons took off delivery.
    pub(super) fn off_delivery(&self) -> Option<Decimal> {
        money::sum(&delivery_coupons(self.coupons).map(|coupon| coupon.discount).collect::<Vec<_>>())
    }

    /// What discounts took off the lines.
    pub(super) fn off_lines(&self) -> Option<Decimal> {
        let off: Option<Vec<Decimal>> =
            self.lines.iter().filter(|line| line.quantity > 0).map(|line| line.total.checked_sub(line.discounted_total)).collect();
        money::sum(&off?)
    }

    fn line(&self, line: &OrderLine) -> Part {
        let found = self.products.of(line);
        let mut details = text::details(line);
        if let Some(known_by) = found.known_by {
            details.insert(0, known_by);
        }
        Part {
            reference: format!("bc-line-{}", line.id),
            name: text::named(&line.name, details),
            quantity: line.quantity,
            gross: line.discounted_total,
            before: (line.total != line.discounted_total).then_some(Charge { gross: line.total, tax: line.tax }),
            stated_tax: line.tax,
            on: Taxed::Line(line.id),
            kind: if line.kind == LineKind::GiftCertificate { Kind::GiftCertificate } else { Kind::Goods },
            product: found.product,
            line: Some(RowLine { line: line.id, address: line.address, shippable: line.kind == LineKind::Physical }),
        }
    }

    fn charges(&self, parts: &mut Vec<Part>) {
        parts.extend(single("bc-handling", "Handling", Kind::Handling, self.order.handling, Taxed::Handling));
        match self.wrappings() {
            Some(each) => parts.extend(each),
            None => parts.extend(single("bc-wrapping", "Gift wrapping", Kind::Wrapping, self.order.wrapping, Taxed::Wrapping)),
        }
    }

    /// Wrapping line by line, if that is all of the order's wrapping.
    fn wrappings(&self) -> Option<Vec<Part>> {
        let wrapped = self.lines.iter().filter(|line| line.quantity > 0).filter_map(|line| Some((line, line.wrapping.as_ref()?)));
        let charged = wrapped.filter(|(_, wrapping)| wrapping.charge != Charge::default());
        let part = |(line, wrapping): (&OrderLine, &LineWrapping)| {
            let name = if wrapping.name.trim().is_empty() { "Gift wrapping".to_owned() } else { format!("Gift wrapping: {}", wrapping.name.trim()) };
            single(&format!("bc-wrapping-{}", line.id), &name, Kind::Wrapping, wrapping.charge, Taxed::Wrapping)
        };
        let parts: Vec<Part> = charged.filter_map(part).collect();
        let sum = |of: fn(&Part) -> Decimal| money::sum(&parts.iter().map(of).collect::<Vec<_>>());
        let whole = Charge { gross: sum(|part| part.gross)?, tax: sum(|part| part.stated_tax)? };
        (!parts.is_empty() && whole == self.order.wrapping).then_some(parts)
    }
}

/// A fee of the order.
pub(super) fn fee(fee: &Fee) -> Option<Part> {
    single(&format!("bc-fee-{}", fee.id), &fee.name, Kind::Fee, fee.charge, Taxed::Other)
}

/// A discount that nothing else shows. The tax details have its effect on tax already.
pub(super) fn discount(amount: Decimal) -> Option<Part> {
    single("bc-discount", "Discount", Kind::Discount, Charge { gross: -amount, tax: Decimal::ZERO }, Taxed::Other)
}

fn delivery_coupons(coupons: &[Coupon]) -> impl Iterator<Item = &Coupon> {
    coupons.iter().filter(|coupon| coupon.is_on_shipping())
}

fn delivery_discount(place: usize, coupon: &Coupon) -> Option<Part> {
    let name = if coupon.code.trim().is_empty() { "Delivery discount".to_owned() } else { format!("Delivery discount: {}", coupon.code.trim()) };
    let reference = if place == 0 { "bc-shipping-discount".to_owned() } else { format!("bc-shipping-discount-{}", place + 1) };
    // Delivery's own tax row already shows what the discount left of it (BC §j.2), so the discount carries none, under delivery's code.
    single(&reference, &name, Kind::Discount, Charge { gross: -coupon.discount, tax: Decimal::ZERO }, Taxed::Shipping)
}

/// A charge of the order, if anything was charged.
fn single(reference: &str, name: &str, kind: Kind, charge: Charge, on: Taxed) -> Option<Part> {
    (charge != Charge::default()).then(|| Part {
        reference: reference.to_owned(),
        name: text::named(name, Vec::new()),
        quantity: 1,
        gross: charge.gross,
        before: None,
        stated_tax: charge.tax,
        on,
        kind,
        product: None,
        line: None,
    })
}
