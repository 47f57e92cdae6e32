//! Making orders and lines, and changing the lines of an order that exists (BC §d.7, §d.8).

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::model::{Kind, Line, Order, Totals};
use super::pricing::{Cost, Rate};
use super::stock::stocked;
use crate::bigcommerce::address::Address;
use crate::bigcommerce::reply::{v2_error, v2_invalid, v2_required};
use crate::bigcommerce::state::Store;
use crate::bigcommerce::value::{decimal_at, int, int_at, list_at, text_at};
use crate::core::ApiResponse;

impl Store {
    /// An order with nothing in it yet; it takes the next number.
    pub(in crate::bigcommerce) fn blank_order(&mut self, currency: &str, now: Timestamp, cart_id: String) -> Order {
        let rate = self.currencies.iter().find(|(code, _)| code == currency).map_or(Decimal::ONE, |(_, rate)| *rate);
        Order {
            id: self.next_id("order", 100),
            customer_id: 0,
            created: now,
            modified: now,
            shipped: None,
            status: 0,
            terms: self.terms(currency),
            currency: currency.to_owned(),
            display_currency: currency.to_owned(),
            display_rate: Decimal::ONE,
            store_rate: rate,
            payment_method: String::new(),
            payment_provider_id: String::new(),
            payment_status: String::new(),
            store_credit: Decimal::ZERO,
            gift_certificate: Decimal::ZERO,
            staff_notes: String::new(),
            customer_message: String::new(),
            archived: false,
            cart_id,
            billing: Address::default(),
            source: "www".to_owned(),
            channel_id: 1,
            external_source: None,
            external_id: None,
            external_merchant_id: None,
            external_order_id: String::new(),
            tax_provider: "BasicTaxProvider".to_owned(),
            email_opt_in: false,
            locale: "en".to_owned(),
            ip_address: "192.0.2.10".to_owned(),
            geoip_country: self.country.clone(),
            lines: Vec::new(),
            destinations: Vec::new(),
            coupons: Vec::new(),
            fees: Vec::new(),
            messages: Vec::new(),
            shipments: Vec::new(),
            transactions: Vec::new(),
            refunds: Vec::new(),
            given_total: None,
            stock_taken: false,
            totals: Totals::default(),
        }
    }

    /// A line of something that is not in the catalogue.
    pub(in crate::bigcommerce) fn custom_line(&mut self, name: &str, quantity: i64, cost: Cost) -> Line {
        Line {
            id: self.next_id("order line", 1),
            product_id: 0,
            variant_id: 0,
            address_id: 0,
            pickup_method_id: 0,
            name: name.to_owned(),
            sku: String::new(),
            upc: String::new(),
            kind: Kind::Physical,
            quantity,
            shipped: 0,
            refunded: 0,
            cost,
            tax_class_id: 0,
            discounts: Vec::new(),
            wrapping: None,
            parent: None,
            options: Vec::new(),
            weight: Decimal::ZERO,
        }
    }

    /// A line of a variant, at the catalogue's price and tax.
    pub(in crate::bigcommerce) fn catalogue_line(&mut self, variant_id: i64, quantity: i64) -> Option<Line> {
        let (product, variant) = self.catalogue.find_variant(variant_id)?;
        let rates = match product.tax_rate {
            Some(percent) if percent.is_zero() => Vec::new(),
            Some(percent) => vec![Rate { name: "VAT".to_owned(), percent }],
            None => self.rates.clone(),
        };
        let cost = Cost::new(variant.price.unwrap_or(product.price), rates);
        let (product, variant) = (product.clone(), variant.clone());
        let mut line = self.custom_line(&product.name, quantity, cost);
        line.product_id = product.id;
        line.variant_id = variant.id;
        line.sku = if variant.sku.is_empty() { product.sku } else { variant.sku };
        line.upc = if variant.upc.is_empty() { product.upc } else { variant.upc };
        line.kind = if product.digital { Kind::Digital } else { Kind::Physical };
        line.tax_class_id = product.tax_class_id;
        line.weight = product.weight;
        let option = |(index, option): (usize, &Value)| chosen(line.id, index, option);
        line.options = variant.options.iter().enumerate().map(option).collect();
        Some(line)
    }

    /// Gives or takes the stock by which an edit changed an order.
    pub(in crate::bigcommerce) fn restock(&mut self, before: &[Line], order: i64, now: Timestamp) {
        let Some(after) = self.orders.get(&order).filter(|order| order.stock_taken).map(|order| order.lines.clone()) else {
            return;
        };
        if !self.settings.edit_adjusts_stock {
            return;
        }
        for (variant, quantity) in before.iter().filter_map(stocked) {
            let now_has = after.iter().filter_map(stocked).find(|(known, _)| *known == variant).map_or(0, |(_, has)| has);
            self.move_stock(variant, quantity - now_has, now);
        }
        for (variant, quantity) in after.iter().filter_map(stocked) {
            if !before.iter().filter_map(stocked).any(|(known, _)| known == variant) {
                self.move_stock(variant, -quantity, now);
            }
        }
    }
}

/// What the shopper chose, as a line tells it.
fn chosen(line: i64, index: usize, option: &Value) -> Value {
    let name = text_at(option, "option_display_name").unwrap_or("Option");
    let label = text_at(option, "label").unwrap_or_default();
    serde_json::json!({ "id": line * 10 + i64::try_from(index).unwrap_or(0), "option_id": int_at(option, "option_id"),
        "order_product_id": line, "product_option_id": int_at(option, "option_id"), "display_name": name,
        "display_name_customer": name, "display_name_merchant": name, "display_value": label,
        "display_value_customer": label, "display_value_merchant": label,
        "value": int_at(option, "id").map(|id| id.to_string()), "type": "Multiple choice", "name": name,
        "display_style": "Pick list" })
}

/// Both prices of a pair, or neither (BC §d.7).
pub(super) fn pair(body: &Value, prefix: &str) -> Result<Option<(Decimal, Decimal)>, ApiResponse> {
    let (ex, inc) = (format!("{prefix}_ex_tax"), format!("{prefix}_inc_tax"));
    match (body.get(&ex), body.get(&inc)) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(v2_required(&inc)),
        (None, Some(_)) => Err(v2_required(&ex)),
        (Some(_), Some(_)) => {
            let good = |name: &str| decimal_at(body, name).filter(|amount| !amount.is_sign_negative()).ok_or_else(|| v2_invalid(name));
            Ok(Some((good(&ex)?, good(&inc)?)))
        }
    }
}

fn quantity(body: &Value) -> Result<i64, ApiResponse> {
    let value = body.get("quantity").ok_or_else(|| v2_required("quantity"))?;
    int(value).filter(|quantity| *quantity >= 0).ok_or_else(|| v2_invalid("quantity"))
}

/// A new line as V2 describes it: of the catalogue by id, or custom by name and both prices.
pub(super) fn new_line(store: &mut Store, body: &Value) -> Result<Line, ApiResponse> {
    let pieces = quantity(body)?;
    if pieces == 0 {
        return Err(v2_invalid("quantity"));
    }
    let price = pair(body, "price")?;
    if int_at(body, "product_id").unwrap_or(0) != 0 {
        let variant = pick_variant(store, body)?;
        let mut line = store.catalogue_line(variant, pieces).ok_or_else(|| v2_invalid("product_id"))?;
        if let Some((ex, inc)) = price {
            line.cost = Cost::given(ex, inc);
        }
        return Ok(line);
    }
    let name = text_at(body, "name").or_else(|| text_at(body, "name_customer")).unwrap_or_default();
    if name.is_empty() {
        return Err(v2_required("name"));
    }
    if name.chars().count() > 250 {
        return Err(v2_invalid("name"));
    }
    let (ex, inc) = price.ok_or_else(|| v2_required("price_ex_tax"))?;
    let mut line = store.custom_line(name, pieces, Cost::given(ex, inc));
    text_at(body, "sku").unwrap_or_default().clone_into(&mut line.sku);
    text_at(body, "upc").unwrap_or_default().clone_into(&mut line.upc);
    Ok(line)
}

/// The variant of a catalogue line: named, chosen by options, or the only one there is.
fn pick_variant(store: &Store, body: &Value) -> Result<i64, ApiResponse> {
    let id = int_at(body, "product_id").unwrap_or(0);
    let product = store.catalogue.products.get(&id).ok_or_else(|| v2_invalid("product_id"))?;
    if let Some(wanted) = int_at(body, "variant_id").filter(|id| *id != 0) {
        let known = product.variants.iter().find(|variant| variant.id == wanted);
        return known.map(|variant| variant.id).ok_or_else(|| v2_invalid("variant_id"));
    }
    let values: Vec<i64> = list_at(body, "product_options").iter().filter_map(|option| int_at(option, "value")).collect();
    let fits = |option: &Value| int_at(option, "id").is_some_and(|id| values.contains(&id));
    let found = product.variants.iter().find(|variant| variant.options.iter().all(fits));
    found.map(|variant| variant.id).ok_or_else(|| v2_required("product_options"))
}

/// Changes an order's lines as a PUT's `products` says: with `id` patched (quantity 0 removes), without `id` added.
/// A changed line loses its discounts (BC §d.8).
pub(super) fn change_lines(store: &mut Store, order: &mut Order, rows: &[Value]) -> Result<(), ApiResponse> {
    for row in rows {
        let Some(id) = int_at(row, "id") else {
            let mut line = new_line(store, row)?;
            line.address_id = order.destinations.first().filter(|_| line.ships()).map_or(0, |to| to.id);
            order.lines.push(line);
            continue;
        };
        let Some(line) = order.lines.iter_mut().find(|line| line.id == id) else {
            return Err(v2_invalid("products"));
        };
        let pieces = if row.get("quantity").is_some() { quantity(row)? } else { line.quantity };
        if pieces < line.shipped {
            return Err(v2_error(400, "The quantity is less than the quantity that has been shipped."));
        }
        if let Some((ex, inc)) = pair(row, "price")? {
            line.cost = Cost::given(ex, inc);
        }
        for (name, field) in [("name", &mut line.name), ("sku", &mut line.sku)] {
            if let Some(text) = text_at(row, name) {
                text.clone_into(field);
            }
        }
        line.quantity = pieces;
        line.discounts.clear();
    }
    order.lines.retain(|line| line.quantity > 0);
    if order.lines.is_empty() {
        return Err(v2_error(400, "An order needs at least one product."));
    }
    Ok(())
}
