//! What an order's money is made of as V2 writes it: lines, taxes, coupons, fees (BC §d.3, §d.4).

use orderbridge_schema::facts::{Charge, Coupon, Fee, LineKind, OrderLine, TaxRow, Taxed};
use orderbridge_schema::ids::{OrderAddressId, OrderLineId};
use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{chosen, lenient};

/// A line (BC §d.3).
#[derive(Deserialize)]
pub(crate) struct LinePayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    product_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    variant_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    order_address_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    sku: String,
    #[serde(default, deserialize_with = "lenient::text")]
    upc: String,
    #[serde(default, rename = "type", deserialize_with = "lenient::text")]
    kind: String,
    #[serde(deserialize_with = "lenient::count")]
    quantity: u32,
    #[serde(default, deserialize_with = "lenient::count")]
    quantity_shipped: u32,
    #[serde(default, deserialize_with = "lenient::count")]
    quantity_refunded: u32,
    #[serde(deserialize_with = "lenient::required_money")]
    total_inc_tax: Decimal,
    #[serde(deserialize_with = "lenient::required_money")]
    total_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::optional_money")]
    discounted_total_inc_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::list")]
    applied_discounts: Vec<AppliedDiscount>,
    #[serde(default, deserialize_with = "lenient::whole")]
    parent_order_product_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    order_pickup_method_id: u64,
    #[serde(default)]
    product_options: Option<Value>,
    #[serde(default)]
    configurable_fields: Value,
    #[serde(default)]
    event_name: Value,
    #[serde(default)]
    event_date: Value,
    #[serde(default)]
    wrapping_name: Value,
    #[serde(default)]
    wrapping_message: Value,
    #[serde(default, deserialize_with = "lenient::money")]
    wrapping_cost_inc_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    wrapping_cost_tax: Decimal,
}

#[derive(Deserialize)]
struct AppliedDiscount {
    #[serde(default, deserialize_with = "lenient::money")]
    amount: Decimal,
}

impl LinePayload {
    /// Whether it says what the shopper chose, be it nothing.
    pub(crate) const fn tells_options(&self) -> bool {
        self.product_options.is_some()
    }
}

impl From<LinePayload> for OrderLine {
    fn from(line: LinePayload) -> Self {
        // Stores without the field still list the discounts it is made of (BC §d.3).
        let discounts = || line.applied_discounts.iter().fold(Decimal::ZERO, |sum, discount| sum.saturating_add(discount.amount));
        let discounted_total = line.discounted_total_inc_tax.unwrap_or_else(|| line.total_inc_tax.saturating_sub(discounts()));
        let kind = match line.kind.to_ascii_lowercase().as_str() {
            "digital" => LineKind::Digital,
            "giftcertificate" | "gift_certificate" => LineKind::GiftCertificate,
            _ => LineKind::Physical,
        };
        Self {
            id: OrderLineId(line.id),
            product: line.product_id,
            variant: line.variant_id,
            address: OrderAddressId(line.order_address_id),
            name: line.name,
            sku: line.sku,
            upc: line.upc,
            kind,
            quantity: line.quantity,
            shipped: line.quantity_shipped,
            refunded: line.quantity_refunded,
            total: line.total_inc_tax,
            tax: line.total_tax,
            discounted_total,
            parent: Some(line.parent_order_product_id).filter(|id| *id > 0).map(OrderLineId),
            pick_up: line.order_pickup_method_id > 0,
            options: chosen::options(
                line.product_options.as_ref().unwrap_or(&Value::Null),
                &line.configurable_fields,
                (&line.event_name, &line.event_date),
            ),
            wrapping: chosen::wrapping(
                &line.wrapping_name,
                &line.wrapping_message,
                Charge { gross: line.wrapping_cost_inc_tax, tax: line.wrapping_cost_tax },
            ),
        }
    }
}

/// A tax row with details (BC §d.4, §j.2: ids come as numbers or texts).
#[derive(Deserialize)]
pub(crate) struct TaxPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    order_product_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    line_item_type: String,
    #[serde(default, deserialize_with = "lenient::text")]
    class: String,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::money")]
    rate: Decimal,
    #[serde(deserialize_with = "lenient::required_money")]
    line_amount: Decimal,
}

impl From<TaxPayload> for TaxRow {
    fn from(row: TaxPayload) -> Self {
        let line = Some(row.order_product_id).filter(|id| *id > 0).map(OrderLineId);
        let on = match (row.line_item_type.to_ascii_lowercase().as_str(), line) {
            ("shipping", _) => Taxed::Shipping,
            ("handling", _) => Taxed::Handling,
            ("gift-wrapping" | "gift_wrapping" | "wrapping", _) => Taxed::Wrapping,
            ("item" | "", Some(line)) => Taxed::Line(line),
            _ => Taxed::Other,
        };
        Self { on, class: if row.class.is_empty() { row.name } else { row.class }, rate: row.rate, amount: row.line_amount }
    }
}

/// A coupon (BC §d.4); its amounts are numbers or texts.
#[derive(Deserialize)]
pub(crate) struct CouponPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    code: String,
    #[serde(default, rename = "type", deserialize_with = "lenient::count")]
    kind: u32,
    #[serde(default, deserialize_with = "lenient::money")]
    discount: Decimal,
}

impl From<CouponPayload> for Coupon {
    fn from(coupon: CouponPayload) -> Self {
        Self { code: coupon.code, kind: coupon.kind, discount: coupon.discount }
    }
}

/// A fee (BC §d.4); `cost_exc_tax` stands in one of the vendor's samples.
#[derive(Deserialize)]
pub(crate) struct FeePayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    display_name_customer: String,
    #[serde(default, deserialize_with = "lenient::text")]
    display_name_merchant: String,
    #[serde(default, deserialize_with = "lenient::optional_money")]
    cost_ex_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::optional_money")]
    cost_exc_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::optional_money")]
    cost_inc_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::money")]
    cost_tax: Decimal,
}

impl From<FeePayload> for Fee {
    fn from(fee: FeePayload) -> Self {
        let net = fee.cost_ex_tax.or(fee.cost_exc_tax).unwrap_or_default();
        let gross = fee.cost_inc_tax.unwrap_or_else(|| net.saturating_add(fee.cost_tax));
        let name = if fee.display_name_customer.is_empty() { fee.display_name_merchant } else { fee.display_name_customer };
        Self { id: fee.id, name, charge: Charge { gross, tax: fee.cost_tax } }
    }
}

/// The fees of an order: the example shows an object around them, the schema one fee alone, clients a bare list (BC §j.2).
pub(crate) struct Fees(pub Vec<FeePayload>);

impl<'de> Deserialize<'de> for Fees {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let json = raw.get().trim();
        let unreadable = |_cause| D::Error::custom("the fees cannot be read");
        if json == "null" {
            return Ok(Self(Vec::new()));
        }
        if json.starts_with('[') {
            return serde_json::from_str(json).map(Self).map_err(unreadable);
        }
        #[derive(Deserialize)]
        struct Wrapped {
            #[serde(default)]
            fees: Option<Vec<FeePayload>>,
            #[serde(default, deserialize_with = "lenient::whole")]
            id: u64,
        }
        let wrapped: Wrapped = serde_json::from_str(json).map_err(unreadable)?;
        match wrapped.fees {
            Some(fees) => Ok(Self(fees)),
            None if wrapped.id > 0 => serde_json::from_str(json).map(|fee| Self(vec![fee])).map_err(unreadable),
            None => Ok(Self(Vec::new())),
        }
    }
}
