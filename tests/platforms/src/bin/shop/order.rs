//! What a shopper orders.

use platforms::core::Rng;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::state::Tenant;

const FIRST: [&str; 8] = ["Maud", "Niall", "Olga", "Piers", "Ritva", "Sven", "Tove", "Usha"];
const LAST: [&str; 8] = ["Ash", "Birch", "Cedar", "Elder", "Hazel", "Maple", "Rowan", "Willow"];

/// What must hold of an order beyond chance.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// A number that no other order of the tenant has; guests get it into their e-mail address.
    pub number: usize,
    /// So many lines; chance decides if none.
    pub lines: Option<usize>,
    /// Whether it must hold at least two pieces, so that it can be shipped in two parts.
    pub two_pieces: bool,
    /// Whether a known customer orders, and not a guest.
    pub known: bool,
}

/// The description that the simulated store's checkout takes.
pub fn describe(rng: &mut Rng, tenant: &Tenant, wish: Wish) -> Value {
    let mut order = Map::new();
    order.insert("lines".to_owned(), lines(rng, tenant, wish));
    buyer(rng, tenant, wish, &mut order);
    let (method, price) = rng.pick(&tenant.deliveries).cloned().unwrap_or_default();
    order.insert("shipping".to_owned(), json!({ "method": method, "cost": price }));
    extras(rng, &mut order);
    Value::Object(order)
}

fn lines(rng: &mut Rng, tenant: &Tenant, wish: Wish) -> Value {
    let wanted = wish.lines.unwrap_or_else(|| usize::try_from(rng.range(1, 5)).unwrap_or(1));
    let mut skus = tenant.skus.clone();
    let mut rows = Vec::new();
    while rows.len() < wanted && !skus.is_empty() {
        let at = usize::try_from(rng.range(0, i64::try_from(skus.len()).unwrap_or(1) - 1)).unwrap_or(0);
        let least = if wish.two_pieces { 2 } else { 1 };
        let mut row = json!({ "sku": skus.swap_remove(at), "quantity": rng.range(least, 4) });
        if let (true, Some(fields)) = (rng.chance(0.1), row.as_object_mut()) {
            fields.insert("discount".to_owned(), cents(rng, 25, 150));
        }
        if let (true, Some(fields)) = (rng.chance(0.06), row.as_object_mut()) {
            fields.insert("wrapping".to_owned(), json!({ "name": "Gift wrap", "cost": cents(rng, 150, 350) }));
        }
        rows.push(row);
    }
    Value::Array(rows)
}

fn buyer(rng: &mut Rng, tenant: &Tenant, wish: Wish, order: &mut Map<String, Value>) {
    let (city, zip) = rng.pick(&tenant.places).cloned().unwrap_or_default();
    let street = format!("{} Market Street", rng.range(1, 180));
    let mut billing = json!({ "street_1": street, "city": city, "state": city, "zip": zip });
    if let (true, Some(customer)) = (wish.known, rng.pick(&tenant.customers)) {
        order.insert("customer_id".to_owned(), json!(customer));
    } else {
        let first = rng.pick(&FIRST).copied().unwrap_or_default();
        let last = rng.pick(&LAST).copied().unwrap_or_default();
        if let Some(fields) = billing.as_object_mut() {
            fields.insert("first_name".to_owned(), json!(first));
            fields.insert("last_name".to_owned(), json!(last));
        }
        let email = format!("{}.{}{}@guests.example.com", first.to_lowercase(), last.to_lowercase(), wish.number);
        order.insert("email".to_owned(), json!(email));
    }
    order.insert("billing".to_owned(), billing);
}

fn extras(rng: &mut Rng, order: &mut Map<String, Value>) {
    if rng.chance(0.15) {
        order.insert("discount".to_owned(), cents(rng, 50, 400));
    }
    if rng.chance(0.2) {
        let coupon = match rng.range(0, 2) {
            0 => json!({ "code": "TENOFF", "type": 1, "amount": 10 }),
            1 => json!({ "code": "THREE", "type": 2, "amount": "3.00" }),
            _ => json!({ "code": "SHIPFREE", "type": 4 }),
        };
        order.insert("coupons".to_owned(), json!([coupon]));
    }
    if rng.chance(0.1) {
        order.insert("handling".to_owned(), cents(rng, 100, 250));
    }
    if rng.chance(0.07) {
        order.insert("fees".to_owned(), json!([{ "name": "Packaging", "cost": cents(rng, 40, 90) }]));
    }
    if rng.chance(0.05) {
        order.insert("gift_certificate".to_owned(), cents(rng, 100, 300));
    }
    if rng.chance(0.15) {
        order.insert("customer_message".to_owned(), json!("Please leave it with a neighbour."));
    }
}

fn cents(rng: &mut Rng, low: i64, high: i64) -> Value {
    json!(Decimal::new(rng.range(low, high), 2).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{int, items, text};

    fn tenant() -> Tenant {
        Tenant {
            id: "one".into(),
            store: "s".into(),
            account: "a".into(),
            currency: "GBP".into(),
            skus: crate::catalogue::skus(),
            customers: vec![7],
            places: vec![("York".into(), "YO1".into())],
            deliveries: vec![("Post".into(), "3.95".into())],
            carriers: vec![(6, "RM".into())],
        }
    }

    #[test]
    fn a_60_line_order_names_each_sku_once() {
        let wish = Wish { number: 1, lines: Some(60), two_pieces: true, known: false };
        let order = describe(&mut Rng::seeded(1), &tenant(), wish);
        let mut skus: Vec<&str> = items(&order, "/lines").iter().map(|line| text(line, "/sku")).collect();
        skus.sort_unstable();
        skus.dedup();
        assert_eq!(skus.len(), 60);
        assert!(items(&order, "/lines").iter().all(|line| int(line, "/quantity").unwrap() >= 2));
    }

    #[test]
    fn guests_have_an_address_of_their_own_and_known_customers_an_id() {
        let mut rng = Rng::seeded(1);
        let mut made = |known, number| describe(&mut rng, &tenant(), Wish { number, lines: None, two_pieces: false, known });
        let (guest, known) = (made(false, 31), made(true, 32));
        assert!(text(&guest, "/email").contains("31@") && guest.get("customer_id").is_none());
        assert_eq!(int(&known, "/customer_id"), Some(7));
        assert!(known.get("email").is_none());
    }
}
