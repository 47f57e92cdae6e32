//! Arbitrary orders whose sums are as a store makes them: any mix of lines, discounts, coupons, taxes, fees and tenders, in any currency,
//! rounded per line or per order.

use std::collections::BTreeMap;

use orderbridge_schema::facts::{Charge, Coupon, Fee, LineKind, LineWrapping, OrderLine, TaxRow, Taxed};
use orderbridge_schema::ids::{OrderLineId, ProductId};
use orderbridge_schema::money;
use orderbridge_schema::rules::{Discounts, TaxCodeEntry, Tenders};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::case::Case;
use crate::facts::{d, line, sku, tax};

/// How the store writes and rounds.
#[derive(Debug, Clone)]
struct Till {
    currency: &'static str,
    /// Four decimals, or those of the currency.
    fine: bool,
    /// Totals are sums of exact amounts, not of the rounded ones that the lines show.
    per_order: bool,
    /// Prices were entered with tax.
    inclusive: bool,
    /// Taxes are listed in detail.
    detailed: bool,
}

impl Till {
    fn minor(&self) -> u32 {
        money::minor_decimals(self.currency)
    }

    fn shown(&self, amount: Decimal) -> Decimal {
        money::round(amount, if self.fine { 4 } else { self.minor() })
    }

    /// What goes into a total.
    fn counted(&self, amount: Decimal) -> Decimal {
        if self.per_order { amount } else { self.shown(amount) }
    }

    fn units(&self, amount: u32) -> Decimal {
        Decimal::new(amount.into(), self.minor())
    }

    /// Gross and its tax, for a price as it was entered.
    fn with_tax(&self, price: Decimal, rate: Decimal) -> (Decimal, Decimal) {
        let gross = if self.inclusive { price } else { price + price * rate / Decimal::ONE_HUNDRED };
        (gross, tax_in(gross, rate))
    }
}

fn tax_in(gross: Decimal, rate: Decimal) -> Decimal {
    gross * rate / (Decimal::ONE_HUNDRED + rate)
}

/// Name of the class and its rates.
fn rates(class: usize) -> (&'static str, Vec<Decimal>) {
    let (name, rates): (_, &[&str]) = [("Zero", &["0"][..]), ("Reduced", &["5"]), ("Default", &["20"]), ("US", &["6.25", "2.625"])][class];
    (name, rates.iter().map(|rate| d(rate)).collect())
}

#[derive(Debug, Clone)]
struct Item {
    price: u32,
    quantity: u32,
    class: usize,
    /// 0 digital, 1 gift certificate, 2 without a SKU, 3 free child of a pick list, else plain.
    sort: usize,
}

#[derive(Debug, Clone)]
struct Extras {
    /// Delivery, handling, wrapping, and the fees.
    charges: [u32; 3],
    fees: Vec<(u32, usize)>,
    /// Per cent off the lines, by the order's discount and by a coupon of some type.
    discount: u32,
    coupon: u32,
    coupon_kind: u32,
    /// Whether the lines show their share of those.
    spread: bool,
    /// Discounts stand on rows of their own.
    own_rows: bool,
    /// The wrapping is of the first line, which says so.
    wrapped_line: bool,
    /// Per cent off delivery, and the coupon's type.
    delivery_coupon: u32,
    delivery_kind: u32,
    /// Per cent of the total paid by store credit and gift certificate.
    tenders: (u32, u32),
    reading: Tenders,
    after_tenders: bool,
}

/// An order with sums that agree, and what they are before tenders.
#[derive(Debug, Clone)]
pub struct Consistent {
    pub case: Case,
    pub total: Decimal,
    pub tax: Decimal,
    /// How far what the store shows of its lines and charges is from that, with tax and of tax.
    pub off: [Decimal; 2],
    /// Tax by rate, as listed; none if there are fees, whose rates only their amounts tell, or no list.
    pub by_rate: Option<BTreeMap<Decimal, Decimal>>,
    /// More than any reading of the order can explain.
    pub beyond: Decimal,
}

pub fn consistent_order() -> impl Strategy<Value = Consistent> {
    let items = prop_oneof![6 => prop::collection::vec(item(), 1..8), 1 => prop::collection::vec(item(), 55..62)];
    (till(), items, extras()).prop_map(|(till, items, extras)| build(&till, &items, &extras))
}

fn till() -> impl Strategy<Value = Till> {
    let currency = prop::sample::select(vec!["GBP", "USD", "JPY", "EUR"]);
    (currency, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(currency, fine, per_order, inclusive, detailed)| Till {
        currency,
        fine,
        per_order,
        inclusive,
        detailed,
    })
}

fn item() -> impl Strategy<Value = Item> {
    let quantity = prop_oneof![4 => 1u32..6, 1 => 50u32..2000];
    (0u32..50_000, quantity, 0usize..4, 0usize..10).prop_map(|(price, quantity, class, sort)| Item { price, quantity, class, sort })
}

fn extras() -> impl Strategy<Value = Extras> {
    let or_none = |range: std::ops::Range<u32>| prop_oneof![Just(0), range];
    let charges = [or_none(1..3000), or_none(1..500), or_none(1..900)];
    let fees = prop::collection::vec((1u32..2000, 0usize..4), 0..3);
    let off = (or_none(1..40), or_none(1..40), prop::sample::select(vec![0u32, 1, 2, 5]), any::<bool>());
    let delivery = (or_none(1..101), 3u32..5, any::<bool>(), any::<bool>());
    let reading = prop::sample::select(vec![Tenders::Detect, Tenders::Included, Tenders::Excluded]);
    let tenders = (or_none(5..45), or_none(5..45), reading, any::<bool>());
    (charges, fees, off, delivery, tenders).prop_map(|(charges, fees, off, delivery, tenders)| Extras {
        charges,
        fees,
        discount: off.0,
        coupon: off.1,
        coupon_kind: off.2,
        spread: off.3,
        delivery_coupon: delivery.0,
        delivery_kind: delivery.1,
        own_rows: delivery.2,
        wrapped_line: delivery.3,
        tenders: (tenders.0, tenders.1),
        reading: tenders.2,
        after_tenders: match tenders.2 {
            Tenders::Detect => tenders.3,
            Tenders::Included => false,
            Tenders::Excluded => true,
        },
    })
}

/// The order while it is added up: as it is, and as it is shown.
#[derive(Default)]
struct Sums {
    total: Decimal,
    tax: Decimal,
    shown: Decimal,
    shown_tax: Decimal,
    by_rate: BTreeMap<Decimal, Decimal>,
    taxes: Vec<TaxRow>,
}

impl Sums {
    fn add(&mut self, till: &Till, gross: Decimal, on: Taxed, class: usize) -> Decimal {
        let (name, rates) = rates(class);
        let whole: Decimal = rates.iter().sum();
        self.total += till.counted(gross);
        self.shown += till.shown(gross);
        for rate in rates {
            let amount = if whole.is_zero() { Decimal::ZERO } else { tax_in(gross, whole) * rate / whole };
            self.tax += till.counted(amount);
            self.shown_tax += till.shown(amount);
            *self.by_rate.entry(whole.normalize()).or_default() += till.shown(amount);
            let class = name.to_owned();
            self.taxes.push(TaxRow { class, ..tax(on, &rate.to_string(), &till.shown(amount).to_string()) });
        }
        tax_in(gross, whole)
    }
}

fn build(till: &Till, items: &[Item], extras: &Extras) -> Consistent {
    let mut case = Case::new();
    let mut sums = Sums::default();
    let gross: Vec<Decimal> = items.iter().map(|item| item_gross(till, item)).collect();
    let whole: Decimal = gross.iter().sum();
    let off = |percent: u32| till.shown(whole * Decimal::from(percent) / Decimal::ONE_HUNDRED);
    let (discount, coupon) = (off(extras.discount), off(extras.coupon));
    let shares = spread(till, &gross, if extras.spread { discount + coupon } else { Decimal::ZERO });
    let lines = items.iter().zip(gross).zip(shares).enumerate();
    *case.lines() = lines.map(|(place, ((item, gross), share))| order_line(till, &mut sums, place, item, gross, share)).collect();
    let unspread = if extras.spread { Decimal::ZERO } else { discount + coupon };
    (sums.total, sums.shown) = (sums.total - unspread, sums.shown - unspread);

    charges(till, extras, &mut case, &mut sums);
    let fees = fees(till, extras, &mut case, &mut sums);
    let delivery_off = till.shown(case.order().shipping.gross * Decimal::from(extras.delivery_coupon) / Decimal::ONE_HUNDRED);
    (sums.total, sums.shown) = (sums.total - delivery_off, sums.shown - delivery_off);
    case.full.coupons = Some(vec![used(extras.coupon_kind, coupon), used(extras.delivery_kind, delivery_off)]);

    let order = case.order();
    (order.currency, order.discount, order.coupon_discount) = (till.currency.into(), discount, coupon + delivery_off);
    let (total, tax) = (till.shown(sums.total), till.shown(sums.tax));
    (order.total, order.tax) = (total, tax);
    let off = [sums.shown - total, sums.shown_tax - tax];
    pay(till, extras, &mut case, items.len(), [fees, unspread, delivery_off]);
    *case.taxes() = if till.detailed { sums.taxes } else { Vec::new() };
    let by_rate = (till.detailed && extras.fees.is_empty()).then_some(sums.by_rate);
    if extras.own_rows {
        case.rules.taxes_and_accounts.discounts = Discounts::OwnRows;
    }
    case.rules.taxes_and_accounts.tax_codes = ["0", "5", "20", "8.875"].map(tax_code).to_vec();
    case.full.products = (0..items.len()).map(|place| (sku(&format!("S{place}")), vec![ProductId(6000)])).collect();
    let beyond = Decimal::TWO * (whole + total.abs() + fees + delivery_off) + Decimal::from(1000);
    Consistent { case, total: money::round(total, till.minor()), tax: money::round(tax, till.minor()), off, by_rate, beyond }
}

/// Codes that tell the rate.
fn tax_code(rate: &str) -> TaxCodeEntry {
    TaxCodeEntry { class: None, rate: Some(d(rate)), country: None, code: rate.to_owned() }
}

fn item_gross(till: &Till, item: &Item) -> Decimal {
    let price = if item.sort == 3 { Decimal::ZERO } else { till.units(item.price) * Decimal::from(item.quantity) };
    till.counted(till.with_tax(price, rates(item.class).1.iter().sum()).0)
}

/// Shares of a discount, in proportion; the dearest line takes what rounding leaves.
fn spread(till: &Till, gross: &[Decimal], discount: Decimal) -> Vec<Decimal> {
    let whole: Decimal = gross.iter().sum();
    if whole.is_zero() || discount.is_zero() {
        return vec![Decimal::ZERO; gross.len()];
    }
    let mut shares: Vec<Decimal> = gross.iter().map(|gross| till.shown(discount * gross / whole)).collect();
    let rest = discount - shares.iter().sum::<Decimal>();
    let dearest = (0..gross.len()).max_by_key(|&place| gross[place]).unwrap();
    shares[dearest] += rest;
    shares
}

fn order_line(till: &Till, sums: &mut Sums, place: usize, item: &Item, gross: Decimal, share: Decimal) -> OrderLine {
    let id = OrderLineId(500 + u64::try_from(place).unwrap());
    let tax = sums.add(till, gross - share, Taxed::Line(id), item.class);
    let sku = if item.sort == 2 { String::new() } else { format!("S{place}") };
    let kind = match item.sort {
        0 => LineKind::Digital,
        1 => LineKind::GiftCertificate,
        _ => LineKind::Physical,
    };
    OrderLine {
        kind,
        total: till.shown(gross),
        tax: till.shown(tax),
        discounted_total: till.shown(gross - share),
        parent: (item.sort == 3).then_some(OrderLineId(500)),
        ..line(id, &sku, item.quantity, "0", "0")
    }
}

fn charges(till: &Till, extras: &Extras, case: &mut Case, sums: &mut Sums) {
    let [shipping, handling, wrapping] = extras.charges.map(|amount| till.units(amount));
    let mut charge = |price: Decimal, on: Taxed| {
        let gross = till.with_tax(price, d("20")).0;
        let tax = sums.add(till, gross, on, 2);
        Charge { gross: till.shown(gross), tax: till.shown(tax) }
    };
    let (shipping, handling, wrapping) = (charge(shipping, Taxed::Shipping), charge(handling, Taxed::Handling), charge(wrapping, Taxed::Wrapping));
    let order = case.order();
    (order.shipping, order.handling, order.wrapping) = (shipping, handling, wrapping);
    if extras.wrapped_line {
        case.lines()[0].wrapping = Some(LineWrapping { charge: wrapping, ..LineWrapping::default() });
    }
}

fn fees(till: &Till, extras: &Extras, case: &mut Case, sums: &mut Sums) -> Decimal {
    let fee = |(id, (price, class)): (u64, &(u32, usize))| {
        let gross = till.with_tax(till.units(*price), rates(*class).1.iter().sum()).0;
        let tax = sums.add(till, gross, Taxed::Other, *class);
        Fee { id, name: format!("Fee {id}"), charge: Charge { gross: till.shown(gross), tax: till.shown(tax) } }
    };
    let fees: Vec<Fee> = (1..).zip(&extras.fees).map(fee).collect();
    let sum = fees.iter().map(|fee| fee.charge.gross).sum();
    case.full.fees = Some(fees);
    sum
}

fn used(kind: u32, discount: Decimal) -> Coupon {
    Coupon { code: "SAVE".into(), kind, discount }
}

/// Tenders; none where they happen to be as large as something else that is missing, so that not even a person could tell.
fn pay(till: &Till, extras: &Extras, case: &mut Case, items: usize, others: [Decimal; 3]) {
    let order = case.order();
    let part = |percent: u32| till.shown(order.total * Decimal::from(percent) / Decimal::ONE_HUNDRED);
    let (credit, gift) = (part(extras.tenders.0), part(extras.tenders.1));
    let doubt = money::minor_unit(till.minor()) * Decimal::from(items + 10);
    let with = |sums: Vec<Decimal>, other: Decimal| sums.iter().flat_map(|sum| [*sum, *sum + other, *sum - other]).collect();
    let sums: Vec<Decimal> = others.into_iter().fold(vec![Decimal::ZERO], with);
    let confusing = sums.iter().any(|other| (credit + gift - other).abs() <= doubt);
    if !(extras.reading == Tenders::Detect && confusing) {
        (order.store_credit, order.gift_certificates) = (credit, gift);
        if extras.after_tenders {
            order.total -= credit + gift;
        }
    }
    case.rules.taxes_and_accounts.tenders = extras.reading;
}
