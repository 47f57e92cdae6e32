//! The shopper: places an order from a compact description.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::payment::{Payment, pay};
use super::place_line::{cost, coupon, line};
use super::{only, refuse, seed};
use crate::bigcommerce::address::Address;
use crate::bigcommerce::context::Context;
use crate::bigcommerce::order::model::{Destination, Fee, Order};
use crate::bigcommerce::order::pricing::{Cost, Quirks};
use crate::bigcommerce::status;
use crate::bigcommerce::value::{decimal_at, flag_at, int_at, list_at, parse_date, string_at, text_at};
use crate::core::ApiResponse;

const ORDER: [&str; 35] = [
    "id",
    "customer_id",
    "customer",
    "email",
    "billing",
    "addresses",
    "shipping",
    "handling",
    "lines",
    "discount",
    "coupons",
    "fees",
    "currency",
    "decimal_places",
    "display_currency",
    "display_rate",
    "exchange_rate",
    "tax_inclusive",
    "rounding",
    "store_credit",
    "gift_certificate",
    "status",
    "checkout",
    "payment",
    "channel_id",
    "source",
    "external_source",
    "external_id",
    "external_order_id",
    "customer_message",
    "staff_notes",
    "date_created",
    "tax_provider",
    "gift_message",
    "payment_method",
];

/// Places an order, emits what the checkout emits, and gives its id.
pub(super) fn place(ctx: &mut Context<'_>, body: &Value) -> Result<i64, ApiResponse> {
    only(body, &ORDER)?;
    let payment = Payment::read(body)?;
    let checkout = text_at(body, "checkout").unwrap_or("full");
    if !["full", "direct", "abandoned"].contains(&checkout) {
        return Err(refuse("checkout must be full, direct or abandoned"));
    }
    let wanted = int_at(body, "status").unwrap_or(payment.status);
    if !status::exists(wanted) {
        return Err(refuse("no such status"));
    }
    let mut order = heading(ctx, body)?;
    people(ctx, &mut order, body)?;
    contents(ctx, &mut order, body)?;
    payment.method.clone_into(&mut order.payment_method);
    let id = order.id;
    order.status = if checkout == "direct" { wanted } else { status::INCOMPLETE };
    let now = ctx.now;
    ctx.store.orders.insert(id, order);
    ctx.store.stock_follows_status(id, now);
    ctx.store.emit_order(id, "created", Vec::new(), now);
    if checkout != "abandoned" {
        pay(ctx, id, &payment);
        ctx.store.set_status(id, wanted, now);
        if checkout == "full" {
            ctx.store.touch(id, now);
        }
    }
    Ok(id)
}

fn heading(ctx: &mut Context<'_>, body: &Value) -> Result<Order, ApiResponse> {
    if let Some(id) = int_at(body, "id") {
        if id < 1 || ctx.store.orders.contains_key(&id) {
            return Err(refuse("an order with this id exists"));
        }
        ctx.store.reserve_id("order", id);
    }
    let currency = text_at(body, "currency").unwrap_or(&ctx.store.currency).to_ascii_uppercase();
    let cart_id = ctx.rng.uuid().to_string();
    let mut order = ctx.store.blank_order(&currency, ctx.now, cart_id);
    order.terms.quirks = Quirks::of(ctx.switches);
    if let Some(id) = int_at(body, "id") {
        order.id = id;
    }
    if let Some(inclusive) = flag_at(body, "tax_inclusive") {
        order.terms.inclusive = inclusive;
    }
    if let Some(places) = int_at(body, "decimal_places").and_then(|places| u32::try_from(places).ok()) {
        order.terms.places = places.min(4);
    }
    if let Some(text) = text_at(body, "rounding") {
        order.terms.rounding = super::store::rounding(text)?;
    }
    if let Some(code) = text_at(body, "display_currency") {
        order.display_currency = code.to_ascii_uppercase();
    }
    order.display_rate = decimal_at(body, "display_rate").unwrap_or(Decimal::ONE);
    order.store_rate = decimal_at(body, "exchange_rate").unwrap_or(order.store_rate);
    order.channel_id = int_at(body, "channel_id").unwrap_or(1);
    for (name, place) in [("source", &mut order.source), ("tax_provider", &mut order.tax_provider)] {
        if let Some(text) = text_at(body, name) {
            text.clone_into(place);
        }
    }
    order.external_source = text_at(body, "external_source").map(str::to_owned);
    order.external_id = text_at(body, "external_id").map(str::to_owned);
    order.external_order_id = string_at(body, "external_order_id");
    order.customer_message = string_at(body, "customer_message");
    order.staff_notes = string_at(body, "staff_notes");
    if let Some(text) = text_at(body, "date_created") {
        order.created = parse_date(text).ok_or_else(|| refuse("date_created is not a date"))?;
    }
    Ok(order)
}

/// Customer, billing address and shipping addresses with their costs.
fn people(ctx: &mut Context<'_>, order: &mut Order, body: &Value) -> Result<(), ApiResponse> {
    let known = match (int_at(body, "customer_id"), body.get("customer")) {
        (Some(0) | None, None) => None,
        (Some(id), _) => Some(id),
        (None, Some(row)) => ctx.store.customers.values().find(|known| Some(known.email.as_str()) == text_at(row, "email")).map(|known| known.id),
    };
    let id = match (known, body.get("customer")) {
        (None, Some(row)) => int_at(&seed::customer(ctx, row), "id"),
        (known, _) => known,
    };
    order.billing = Address::read(body.get("billing").unwrap_or(&Value::Null));
    if let Some(id) = id {
        let customer = ctx.store.customers.get(&id).ok_or_else(|| refuse(format!("no customer has id {id}")))?;
        order.customer_id = id;
        order.billing.fill("email", &customer.email);
        order.billing.fill("first_name", &customer.first_name);
        order.billing.fill("last_name", &customer.last_name);
        order.billing.fill("company", &customer.company);
        order.billing.fill("phone", &customer.phone);
    }
    let email = text_at(body, "email").map_or_else(|| format!("shopper-{}@example.com", order.id), str::to_owned);
    let (country, iso2) = (ctx.store.country.clone(), ctx.store.country_iso2.clone());
    for (name, value) in [
        ("email", email.as_str()),
        ("first_name", "Ada"),
        ("last_name", "Byron"),
        ("street_1", "1 Test Street"),
        ("city", "Bristol"),
        ("state", "Bristol"),
        ("zip", "BS1 1AA"),
        ("country", &country),
        ("country_iso2", &iso2),
        ("phone", "01170000000"),
    ] {
        order.billing.fill(name, value);
    }
    destinations(ctx, order, body)
}

fn destinations(ctx: &mut Context<'_>, order: &mut Order, body: &Value) -> Result<(), ApiResponse> {
    let ships =
        |row: &Value| !["digital", "giftcertificate"].contains(&text_at(row, "type").unwrap_or_default()) && flag_at(row, "pickup") != Some(true);
    let digital = |row: &Value| {
        let sku = text_at(row, "sku").and_then(|sku| ctx.store.catalogue.find_sku(sku));
        sku.is_some_and(|(product, _)| product.digital)
    };
    if !list_at(body, "lines").iter().any(|row| ships(row) && !digital(row)) {
        return Ok(());
    }
    let one = [json!({})];
    let rows = if list_at(body, "addresses").is_empty() { &one } else { list_at(body, "addresses") };
    for (index, row) in rows.iter().enumerate() {
        let mut address = order.billing.clone();
        address.patch(row);
        // What is said for the whole order goes to the first address.
        let given = |own: &str, whole: &str| row.get(own).or_else(|| body.get(whole).filter(|_| index == 0));
        let read = |value: Option<&Value>| value.map_or(Ok(Cost::default()), |value| cost(ctx.store, value));
        let (shipping, handling) = (read(given("shipping", "shipping"))?, read(given("handling", "handling"))?);
        let method = text_at(row, "shipping_method").or_else(|| body.get("shipping").and_then(|whole| text_at(whole, "method")));
        let method = method.unwrap_or("Royal Mail Tracked 48").to_owned();
        let id = ctx.store.next_id("order address", 1);
        order.destinations.push(Destination { id, address, method, shipping, handling });
    }
    Ok(())
}

/// Lines, fees, discounts and credits.
fn contents(ctx: &mut Context<'_>, order: &mut Order, body: &Value) -> Result<(), ApiResponse> {
    let rows = list_at(body, "lines");
    if rows.is_empty() {
        return Err(refuse("lines must not be empty"));
    }
    for row in rows {
        let made = line(ctx.store, order, row)?;
        order.lines.push(made);
    }
    if let (Some(message), Some(first)) = (text_at(body, "gift_message"), order.lines.first_mut()) {
        message.clone_into(&mut first.wrapping.get_or_insert_default().message);
    }
    for row in list_at(body, "fees") {
        let name = text_at(row, "name").unwrap_or("Fee").to_owned();
        let cost = cost(ctx.store, row)?;
        order.fees.push(Fee { id: ctx.store.next_id("order fee", 1), name, cost });
    }
    order.recalculate();
    for row in list_at(body, "coupons") {
        coupon(ctx.store, order, row)?;
    }
    if let Some(amount) = decimal_at(body, "discount") {
        order.set_manual_discount(amount);
    }
    order.store_credit = decimal_at(body, "store_credit").unwrap_or_default();
    order.gift_certificate = decimal_at(body, "gift_certificate").unwrap_or_default();
    order.recalculate();
    if order.store_credit + order.gift_certificate > order.totals.total.inc {
        return Err(refuse("store_credit and gift_certificate are more than the total"));
    }
    Ok(())
}
