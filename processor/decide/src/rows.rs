//! Money: an order's lines and charges as sales order rows whose sum is the store's total and whose tax is the store's tax.
//!
//! Every amount is first taken exactly as the store says it, then all together are rounded to the currency's minor unit by the largest
//! remainder, so that nothing is lost and no row moves by a whole unit. If the exact amounts do not add up to the store's own total
//! within what rounding explains, nothing is guessed: the creation is held.

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_schema::command::{NewRow, RowLine};
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{Charge, Coupon, Fee, LineKind, OrderLine, StoreOrder, TaxRow, Taxed};
use orderbridge_schema::ids::ProductId;
use orderbridge_schema::money;
use orderbridge_schema::rules::{TaxesAndAccounts, Tenders};
use rust_decimal::Decimal;

use crate::facts::{Ask, Need, Needs, OrderFacts, known};

/// Longest name on a row.
const ROW_NAME_CHARS_MAX: usize = 250;
/// Largest amount of a row: any number of them can be added exactly, and no order is as dear.
const AMOUNT_MAX: u64 = 1_000_000_000_000_000;

/// A SKU as it is compared: trimmed, case ignored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkuKey(String);

impl SkuKey {
    /// The compared form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The compared form of a SKU; `None` if there is none.
#[must_use]
pub fn sku_key(sku: &str) -> Option<SkuKey> {
    let key = sku.trim().to_lowercase();
    (!key.is_empty()).then_some(SkuKey(key))
}

/// Why no rows could be planned.
#[derive(Debug)]
pub(crate) enum NoRows {
    /// Something must be read first.
    Need(Needs),
    /// A person or a rule is wanted.
    Held(Vec<Hold>),
}

impl From<Needs> for NoRows {
    fn from(needs: Needs) -> Self {
        Self::Need(needs)
    }
}

/// One thing charged for, with exact amounts.
struct Part {
    reference: String,
    name: String,
    quantity: u32,
    gross: Decimal,
    /// Tax as the store's own fields say, should the tax details not add up.
    stated_tax: Decimal,
    on: Taxed,
    product: Option<ProductId>,
    nominal_code: Option<String>,
    line: Option<RowLine>,
}

/// The rows of the sales order for this store order.
pub(crate) fn plan_rows(order: &StoreOrder, facts: &OrderFacts, rules: &TaxesAndAccounts) -> Result<Vec<NewRow>, NoRows> {
    let lines = known(facts.lines.as_ref(), Need::Lines)?;
    let taxes = known(facts.taxes.as_ref(), Need::Taxes)?;
    let coupons = coupons(order, facts)?;
    let products = products(lines, &facts.products)?;
    let decimals = money::minor_decimals(&order.currency);
    let mut parts: Vec<Part> = lines.iter().filter(|line| line.quantity > 0).map(|line| line_part(line, &products)).collect();
    parts.extend(charges(order, rules));
    parts.extend(coupons.iter().filter(|coupon| coupon.is_on_shipping()).map(|coupon| shipping_coupon(coupon, rules)));
    let total = match agreeing_total(order, &parts, rules.tenders, decimals) {
        Some(total) => total,
        None => {
            let fees = known(facts.fees.as_ref(), Need::Fees)?;
            parts.extend(fees.iter().map(|fee| fee_part(fee, rules)));
            with_order_discount(order, &mut parts, rules, decimals).ok_or_else(|| mismatch(order, &parts))?
        }
    };
    let gross: Vec<Decimal> = parts.iter().map(|part| part.gross).collect();
    let gross = money::allocate(&gross, total, decimals).ok_or_else(|| mismatch(order, &parts))?;
    let tax = allocate_tax(order, &parts, taxes, decimals).ok_or_else(|| mismatch(order, &parts))?;
    let net: Option<Vec<Decimal>> = gross.iter().zip(&tax).map(|(gross, tax)| gross.checked_sub(*tax)).collect();
    let net = net.filter(|net| is_conserved(net, &tax, total, order.tax, decimals)).ok_or_else(|| mismatch(order, &parts))?;
    coded_rows(parts, &net, &tax, taxes, rules)
}

/// Coupons are worth a call only where one may have lowered delivery, which no line shows.
fn coupons<'a>(order: &StoreOrder, facts: &'a OrderFacts) -> Ask<&'a [Coupon]> {
    if order.coupon_discount.is_zero() { Ok(&[]) } else { known(facts.coupons.as_ref(), Need::Coupons).map(Vec::as_slice) }
}

/// Products of the lines that have a SKU. Unknown and ambiguous SKUs are all named at once.
fn products<'a>(lines: &'a [OrderLine], known: &BTreeMap<SkuKey, Vec<ProductId>>) -> Result<BTreeMap<&'a str, ProductId>, NoRows> {
    let wanted: BTreeMap<SkuKey, &str> =
        lines.iter().filter(|line| is_matched(line)).filter_map(|line| Some((sku_key(&line.sku)?, line.sku.as_str()))).collect();
    let missing: BTreeSet<SkuKey> = wanted.keys().filter(|key| !known.contains_key(key)).cloned().collect();
    if !missing.is_empty() {
        return Err(NoRows::Need(Needs::from([Need::Products(missing)])));
    }
    let products = |sku: &str| sku_key(sku).and_then(|key| known.get(&key)).map(Vec::as_slice);
    // Once per SKU, not per line: one missing product is one thing to mend.
    let hold = |sku: &&str| match products(sku) {
        Some([]) => Some(unknown_sku(sku)),
        Some([_, _, ..]) => Some(ambiguous_sku(sku)),
        Some([_]) | None => None,
    };
    let holds: Vec<Hold> = wanted.values().filter_map(hold).collect();
    if !holds.is_empty() {
        return Err(NoRows::Held(holds));
    }
    let matched = lines.iter().filter(|line| is_matched(line));
    Ok(matched.filter_map(|line| Some((line.sku.as_str(), *products(&line.sku)?.first()?))).collect())
}

/// Gift certificates are a liability, not a product; lines without a SKU have nothing to match by.
fn is_matched(line: &OrderLine) -> bool {
    line.quantity > 0 && line.kind != LineKind::GiftCertificate && sku_key(&line.sku).is_some()
}

fn unknown_sku(sku: &str) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::UnknownSku(sku.trim().to_owned()),
        why: format!("no live Brightpearl product has the SKU {}", sku.trim()),
        remedy: "create the product in Brightpearl, or correct its SKU there; the order then goes on by itself".into(),
    }
}

fn ambiguous_sku(sku: &str) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::AmbiguousSku(sku.trim().to_owned()),
        why: format!("several live Brightpearl products have the SKU {}", sku.trim()),
        remedy: "leave the SKU on one of them, or archive the others; the order then goes on by itself".into(),
    }
}

fn line_part(line: &OrderLine, products: &BTreeMap<&str, ProductId>) -> Part {
    let product = products.get(line.sku.as_str()).copied();
    Part {
        reference: format!("bc-line-{}", line.id),
        name: line.name.clone(),
        quantity: line.quantity,
        gross: line.discounted_total,
        stated_tax: line.tax,
        on: Taxed::Line(line.id),
        product: product.filter(|_| is_matched(line)),
        nominal_code: None,
        line: Some(RowLine { line: line.id, address: line.address, shippable: line.kind == LineKind::Physical }),
    }
}

fn charges(order: &StoreOrder, rules: &TaxesAndAccounts) -> impl Iterator<Item = Part> {
    let all = [
        ("bc-shipping", "Shipping", order.shipping, Taxed::Shipping, &rules.shipping_nominal_code),
        ("bc-handling", "Handling", order.handling, Taxed::Handling, &rules.fee_nominal_code),
        ("bc-wrapping", "Gift wrapping", order.wrapping, Taxed::Wrapping, &rules.fee_nominal_code),
    ];
    let part = |(reference, name, charge, on, nominal): (&str, &str, Charge, Taxed, &Option<String>)| {
        let charged = !charge.gross.is_zero() || !charge.tax.is_zero();
        charged.then(|| single(reference.into(), name.into(), charge, on, nominal))
    };
    all.map(part).into_iter().flatten()
}

fn fee_part(fee: &Fee, rules: &TaxesAndAccounts) -> Part {
    single(format!("bc-fee-{}", fee.id), fee.name.clone(), fee.charge, Taxed::Other, &rules.fee_nominal_code)
}

fn shipping_coupon(coupon: &Coupon, rules: &TaxesAndAccounts) -> Part {
    let name = if coupon.code.trim().is_empty() { "Delivery discount".to_owned() } else { format!("Delivery discount: {}", coupon.code.trim()) };
    // Delivery's own tax row already shows what the discount left of it (BC §j.2), so the discount carries none.
    let charge = Charge { gross: -coupon.discount, tax: Decimal::ZERO };
    single("bc-shipping-discount".into(), name, charge, Taxed::Other, &rules.discount_nominal_code)
}

fn single(reference: String, name: String, charge: Charge, on: Taxed, nominal_code: &Option<String>) -> Part {
    let nominal_code = nominal_code.clone();
    Part { reference, name, quantity: 1, gross: charge.gross, stated_tax: charge.tax, on, product: None, nominal_code, line: None }
}

/// The reading of the store's total under which the parts add up to it, if there is one.
fn agreeing_total(order: &StoreOrder, parts: &[Part], tenders: Tenders, decimals: u32) -> Option<Decimal> {
    let gross: Vec<Decimal> = parts.iter().map(|part| part.gross).collect();
    let sum = money::sum(&gross)?;
    let before = order.total;
    let after = order.total.checked_add(order.store_credit)?.checked_add(order.gift_certificates)?;
    let readings: &[Decimal] = match tenders {
        Tenders::Detect => &[before, after],
        Tenders::Included => &[before],
        Tenders::Excluded => &[after],
    };
    readings.iter().copied().find(|reading| is_rounding(sum, *reading, parts.len(), decimals))
}

/// Whether two sums differ by no more than rounding each part by half a minor unit explains.
fn is_rounding(sum: Decimal, total: Decimal, parts: usize, decimals: u32) -> bool {
    let half = money::minor_unit(decimals) / Decimal::TWO;
    let allowed = half.checked_mul(Decimal::from(parts.max(1)));
    sum.checked_sub(total).zip(allowed).is_some_and(|(difference, allowed)| difference.abs() <= allowed)
}

/// Where the lines carry no share of the order's discounts, the discounts are a row of their own.
fn with_order_discount(order: &StoreOrder, parts: &mut Vec<Part>, rules: &TaxesAndAccounts, decimals: u32) -> Option<Decimal> {
    if let Some(total) = agreeing_total(order, parts, rules.tenders, decimals) {
        return Some(total);
    }
    let shown: Vec<Decimal> = parts.iter().filter(|part| part.gross.is_sign_negative()).map(|part| part.gross).collect();
    let missing = order.discount.checked_add(order.coupon_discount)?.checked_add(money::sum(&shown)?)?;
    if missing <= Decimal::ZERO {
        return None;
    }
    let charge = Charge { gross: -missing, tax: Decimal::ZERO };
    parts.push(single("bc-discount".into(), "Discount".into(), charge, Taxed::Other, &rules.discount_nominal_code));
    agreeing_total(order, parts, rules.tenders, decimals)
}

fn mismatch(order: &StoreOrder, parts: &[Part]) -> NoRows {
    let sum = money::sum(&parts.iter().map(|part| part.gross).collect::<Vec<_>>()).unwrap_or_default();
    NoRows::Held(vec![Hold {
        effect: Effect::Creation,
        cause: Cause::TotalMismatch,
        why: format!(
            "the order's lines and charges add up to {} {}, its total is {} with {} tax",
            sum.normalize(),
            order.currency,
            order.total.normalize(),
            order.tax.normalize()
        ),
        remedy: "compare the order's lines, discounts, fees and tenders at the store; correct the order there, or enter it by hand".into(),
    }])
}

/// Tax of each part: the tax details where they add up to the order's tax, else the lines' own fields, else in proportion to the amounts.
fn allocate_tax(order: &StoreOrder, parts: &[Part], taxes: &[TaxRow], decimals: u32) -> Option<Vec<Decimal>> {
    let detailed = detailed_tax(parts, taxes)?;
    if is_rounding(money::sum(&detailed)?, order.tax, parts.len(), decimals) && covers_all(parts, taxes) {
        return money::allocate(&detailed, order.tax, decimals);
    }
    let stated: Vec<Decimal> = parts.iter().map(|part| part.stated_tax).collect();
    if is_rounding(money::sum(&stated)?, order.tax, parts.len(), decimals) {
        return money::allocate(&stated, order.tax, decimals);
    }
    let weights: Vec<Decimal> = parts.iter().map(|part| part.gross.max(Decimal::ZERO)).collect();
    money::pro_rata(&weights, order.tax, decimals)
}

/// The proof that nothing was lost. Amounts too large to be added up without dropping decimals are no proof.
fn is_conserved(net: &[Decimal], tax: &[Decimal], total: Decimal, total_tax: Decimal, decimals: u32) -> bool {
    let exact = |amount: &Decimal| amount.normalize().scale() <= decimals && amount.abs() <= Decimal::from(AMOUNT_MAX);
    let sums = money::sum(net).zip(money::sum(tax));
    let conserved =
        sums.is_some_and(|(net, tax)| tax == money::round(total_tax, decimals) && net.checked_add(tax) == Some(money::round(total, decimals)));
    conserved && net.iter().chain(tax).all(exact)
}

fn detailed_tax(parts: &[Part], taxes: &[TaxRow]) -> Option<Vec<Decimal>> {
    let mut by_subject: BTreeMap<Taxed, Decimal> = BTreeMap::new();
    for row in taxes {
        let sum = by_subject.entry(row.on).or_default();
        *sum = sum.checked_add(row.amount)?;
    }
    // Several parts may share the unnamed subject (fees, discounts): each carries what its own field says, and the first of them what
    // those fields leave unexplained.
    let others: Vec<Decimal> = parts.iter().filter(|part| part.on == Taxed::Other).map(|part| part.stated_tax).collect();
    let shared = by_subject.remove(&Taxed::Other);
    let mut unexplained = match shared {
        Some(amount) => amount.checked_sub(money::sum(&others)?)?,
        None => Decimal::ZERO,
    };
    let tax = |part: &Part| match part.on {
        Taxed::Other if shared.is_some() => part.stated_tax.checked_add(std::mem::take(&mut unexplained)),
        on => Some(by_subject.remove(&on).unwrap_or_default()),
    };
    parts.iter().map(tax).collect()
}

/// Whether each tax row belongs to a part: if not, its amount would be spread over rows it does not tax.
fn covers_all(parts: &[Part], taxes: &[TaxRow]) -> bool {
    taxes.iter().all(|row| row.amount.is_zero() || parts.iter().any(|part| part.on == row.on))
}

/// Gives each part its tax code. All missing codes are named at once.
fn coded_rows(parts: Vec<Part>, net: &[Decimal], tax: &[Decimal], taxes: &[TaxRow], rules: &TaxesAndAccounts) -> Result<Vec<NewRow>, NoRows> {
    let mut rows = Vec::with_capacity(parts.len());
    let mut holds: Vec<Hold> = Vec::new();
    for ((part, net), tax) in parts.into_iter().zip(net).zip(tax) {
        let (class, rate) = class_and_rate(part.on, taxes);
        match rules.tax_code(class, rate) {
            Some(code) => rows.push(NewRow {
                external_ref: part.reference,
                product: part.product,
                name: part.name.chars().take(ROW_NAME_CHARS_MAX).collect(),
                quantity: part.quantity,
                net: *net,
                tax: *tax,
                tax_code: code.to_owned(),
                nominal_code: part.nominal_code,
                line: part.line,
            }),
            None => holds.push(missing_tax_code(class, rate)),
        }
    }
    holds.sort_by_key(|hold| hold.cause.key());
    holds.dedup();
    if holds.is_empty() { Ok(rows) } else { Err(NoRows::Held(holds)) }
}

/// The tax class of a subject and its rates added up (a US address has several).
fn class_and_rate(on: Taxed, taxes: &[TaxRow]) -> (&str, Decimal) {
    let mut rows = taxes.iter().filter(|row| row.on == on).peekable();
    let class = rows.peek().map_or("", |row| row.class.as_str());
    (class, rows.fold(Decimal::ZERO, |sum, row| sum.checked_add(row.rate).unwrap_or(sum)))
}

fn missing_tax_code(class: &str, rate: Decimal) -> Hold {
    let rate = rate.normalize();
    let shown = if class.is_empty() { "no tax class".to_owned() } else { format!("tax class {class}") };
    Hold {
        effect: Effect::Creation,
        cause: Cause::MissingTaxCode(format!("{class}@{rate}")),
        why: format!("no tax code is set for {shown} at {rate} %"),
        remedy: "add an entry to the tax code map, or set a default tax code".into(),
    }
}
