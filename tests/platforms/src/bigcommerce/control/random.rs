//! Made-up orders that look like a shop's, driven by the seed.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::place::place;
use super::{Answer, created, judge, only, positive, refuse};
use crate::bigcommerce::context::Context;
use crate::bigcommerce::value::{flag_at, int_at, text_at};
use crate::core::ApiResponse;

const FIRST: [&str; 10] = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Tony", "Radia", "Ken", "Frances", "Niklaus"];
const LAST: [&str; 10] = ["Byron", "Hopper", "Turing", "Dijkstra", "Liskov", "Hoare", "Perlman", "Thompson", "Allen", "Wirth"];
const PLACES: [(&str, &str); 6] =
    [("Bristol", "BS1 1AA"), ("Leeds", "LS1 1BA"), ("York", "YO1 7HH"), ("Cardiff", "CF10 1EP"), ("Leith", "EH6 6QU"), ("Truro", "TR1 2AA")];
const METHODS: [(&str, &str); 4] =
    [("Royal Mail Tracked 48", "3.95"), ("DPD Next Day", "6.95"), ("Free Shipping", "0"), ("Royal Mail (Tracked 24)", "4.95")];

/// `POST …/orders/random`.
pub(super) fn orders(ctx: &mut Context<'_>, body: &Value) -> Answer {
    only(body, &["count", "lines_max", "lines", "currencies", "checkout", "full"])?;
    let count = positive(body, "count")?.unwrap_or(1);
    let skus: Vec<String> = ctx
        .store
        .catalogue
        .products
        .values()
        .flat_map(|product| product.variants.iter().map(|variant| if variant.sku.is_empty() { &product.sku } else { &variant.sku }))
        .cloned()
        .collect();
    if skus.is_empty() {
        return Err(refuse("the catalogue is empty; POST products first"));
    }
    let mut ids = Vec::new();
    for _ in 0..count {
        let order = description(ctx, body, &skus)?;
        ids.push(place(ctx, &order)?);
    }
    let orders: Vec<Value> = if flag_at(body, "full") == Some(true) { ids.iter().map(|id| judge::order(ctx, *id)).collect() } else { Vec::new() };
    created(&json!({ "ids": ids, "orders": orders }))
}

fn description(ctx: &mut Context<'_>, body: &Value, skus: &[String]) -> Result<Value, ApiResponse> {
    let most = int_at(body, "lines_max").unwrap_or(4);
    let lines = int_at(body, "lines").unwrap_or_else(|| ctx.rng.range(1, most));
    let rows: Vec<Value> = (0..lines)
        .filter_map(|_| {
            let sku = ctx.rng.pick(skus)?;
            Some(json!({ "sku": sku, "quantity": ctx.rng.range(1, 3) }))
        })
        .collect();
    let pick = |ctx: &mut Context<'_>, names: &[&str]| ctx.rng.pick(names).copied().unwrap_or_default().to_owned();
    let (first, last) = (pick(ctx, &FIRST), pick(ctx, &LAST));
    let (city, zip) = ctx.rng.pick(&PLACES).copied().unwrap_or(("Bristol", "BS1 1AA"));
    let (method, cost) = ctx.rng.pick(&METHODS).copied().unwrap_or(("None", "0"));
    let street = format!("{} High Street", ctx.rng.range(1, 200));
    let email = format!("{}.{}{}@example.com", first.to_lowercase(), last.to_lowercase(), ctx.rng.range(1, 50));
    let mut order = json!({
        "lines": rows, "email": email,
        "billing": { "first_name": first, "last_name": last, "street_1": street, "city": city, "state": city, "zip": zip },
        "shipping": { "method": method, "cost": cost },
        "checkout": text_at(body, "checkout").unwrap_or("full"),
    });
    let Some(fields) = order.as_object_mut() else {
        return Err(refuse("no order"));
    };
    if ctx.rng.chance(0.5) {
        let row = json!({ "email": email, "first_name": first, "last_name": last });
        fields.insert("customer".to_owned(), row);
    }
    if ctx.rng.chance(0.15) {
        fields.insert("discount".to_owned(), json!(Decimal::new(ctx.rng.range(50, 500), 2).to_string()));
    }
    if ctx.rng.chance(0.2) {
        fields.insert("coupons".to_owned(), json!([{ "code": "TEN", "type": 1, "amount": 10 }]));
    }
    if ctx.rng.chance(0.2) {
        fields.insert("customer_message".to_owned(), json!("Please leave it with a neighbour"));
    }
    let currencies: Vec<&str> = body.get("currencies").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(currency) = ctx.rng.pick(&currencies) {
        fields.insert("currency".to_owned(), json!(currency));
    }
    Ok(order)
}
