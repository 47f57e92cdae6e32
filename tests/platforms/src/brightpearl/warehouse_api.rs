//! The warehouse service apart from notes: lists, availability, stock corrections (BP §g, §h.1, §h.5).

use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::account::IdKind;
use super::call::Call;
use super::goods_in;
use super::idset;
use super::json::{array, at, int};
use super::lists::Lists;
use super::product_api::entries;
use super::reply::{Answer, Refusal, Reply};
use super::search::{self, Kind};
use super::stock::StockChange;
use super::{drop_ship, goods_out, note_search, reservation};

/// Handles a request to `warehouse-service`.
pub fn handle(call: &mut Call<'_>) -> Answer {
    let segments = call.path.clone();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.clone().as_str(), path.as_slice()) {
        ("GET", ["warehouse"]) => Reply::data(call.account.lists.warehouses.clone()),
        ("GET", ["warehouse", ids]) => entries(&call.account.lists.warehouses, "id", ids),
        ("GET", ["warehouse", id, "location", "default"]) => location(call, id, false),
        ("GET", ["warehouse", id, "location", "quarantine"]) => location(call, id, true),
        ("GET", ["warehouse", id, "location"]) => locations(call, id),
        ("POST", ["warehouse", id, "stock-correction"]) => correct(call, Call::id(id)?),
        ("GET", ["shipping-method"]) => Reply::data(call.account.lists.shipping_methods.clone()),
        ("GET", ["shipping-method", ids]) => entries(&call.account.lists.shipping_methods, "id", ids),
        ("GET", ["product-availability", ids]) => availability(call, ids),
        ("GET", ["fulfilment-source", ids]) => availability(call, ids),
        ("GET", ["bundle-availability", id]) => bundle_availability(call, Call::id(id)?),
        ("GET", ["goods-note", "goods-out-search"]) => search::answer(call, Kind::GoodsOut, "goods-out-search"),
        ("GET", ["goods-note", "goods-out-search", "meta-data"]) => search::meta_data(Kind::GoodsOut, "goods-out-search"),
        ("GET", ["goods-in-search"]) => note_search::goods_in(call),
        ("PUT", ["goods-note", "goods-out", id]) => goods_out::update(call, Call::id(id)?),
        ("POST", ["goods-note", "goods-out", id, "event"]) => goods_out::event(call, Call::id(id)?),
        ("POST", ["goods-note", "drop-ship", id, "event"]) => drop_ship::event(call, Call::id(id)?),
        ("GET", ["order", orders, "goods-note", "goods-out"]) => goods_out::read(call, orders, None),
        ("GET", ["order", orders, "goods-note", "goods-out", ids]) => goods_out::read(call, orders, Some(ids)),
        ("POST", ["order", id, "goods-note", "goods-out"]) => goods_out::create(call, Call::id(id)?),
        ("DELETE", ["order", order, "goods-note", "goods-out", id]) => goods_out::delete(call, Call::id(order)?, Call::id(id)?),
        ("GET", ["order", orders, "goods-note", "drop-ship"]) => drop_ship::read(call, orders, None),
        ("GET", ["order", orders, "goods-note", "drop-ship", ids]) => drop_ship::read(call, orders, Some(ids)),
        ("POST", ["order", id, "goods-note", "goods-in"]) => goods_in::create(call, Call::id(id)?),
        ("GET", ["order", orders, "goods-note", "goods-in"]) => goods_in::read(call, orders, None),
        ("GET", ["order", orders, "goods-note", "goods-in", ids]) => goods_in::read(call, orders, Some(ids)),
        ("POST", ["order", id, "reservation", "warehouse", warehouse]) => reservation::create(call, Call::id(id)?, Call::id(warehouse)?),
        ("PUT", ["order", id, "reservation"]) => reservation::put(call, Call::id(id)?),
        ("GET", ["order", ids, "reservation"]) => reservation::read(call, ids),
        ("GET", ["order", id, "fulfilment-status"]) => reservation::fulfilment(call, Call::id(id)?),
        _ => Err(Refusal::unknown_path()),
    }
}

fn warehouse(call: &Call<'_>, id: i64) -> Result<i64, Refusal> {
    if id > 0 && Lists::has(&call.account.lists.warehouses, "id", id) {
        return Ok(id);
    }
    Err(Refusal::bad("WHSB-038", format!("Warehouse {id} does not exist")))
}

fn location(call: &Call<'_>, id: &str, quarantine: bool) -> Answer {
    let id = warehouse(call, Call::id(id)?)?;
    let lists = &call.account.lists;
    let found = if quarantine { lists.quarantine_location(id) } else { lists.default_location(id) };
    Reply::data(found.ok_or_else(|| Refusal::missing("No location"))?)
}

fn locations(call: &Call<'_>, id: &str) -> Answer {
    let id = warehouse(call, Call::id(id)?)?;
    let all = call.account.lists.locations.get(&id).cloned().unwrap_or_default();
    Reply::data(
        all.into_iter()
            .map(|location| {
                json!({"id": location, "warehouseId": id, "zoneId": 1,
        "groupingA": format!("A{location}"), "barcode": format!("LOC{location}")})
            })
            .collect::<Vec<_>>(),
    )
}

fn correct(call: &mut Call<'_>, id: i64) -> Answer {
    let id = warehouse(call, id)?;
    let body = call.json()?.clone();
    let mut changes = Vec::new();
    for entry in array(&body, "corrections")? {
        let product = int(entry, "productId")?.filter(|product| call.account.products.get(product).is_some_and(|one| one.stock_tracked));
        let product = product.ok_or_else(|| Refusal::bad("WHSC-014", "Product ID must be set and greater than 0"))?;
        let quantity = int(entry, "quantity")?.filter(|quantity| *quantity != 0);
        let quantity = quantity.ok_or_else(|| Refusal::bad("WHSC-999", "The quantity of a correction must not be 0"))?;
        if quantity > 0 && at(entry, "cost.value").is_none() {
            return Err(Refusal::bad("WHSC-999", "A positive correction needs a cost"));
        }
        let location = int(entry, "locationId")?.or_else(|| call.account.lists.default_location(id)).unwrap_or(0);
        if !call.account.lists.locations.get(&id).is_some_and(|all| all.contains(&location)) {
            return Err(Refusal::bad("WHSC-999", format!("Location {location} is not in warehouse {id}")));
        }
        changes.push(StockChange { product, warehouse: id, location, quantity });
    }
    call.account.check_corrections(&changes)?;
    let mut ids = Vec::new();
    for change in changes {
        call.account.correct_stock(change, call.switches, call.now)?;
        ids.push(call.account.next_id(IdKind::Movement));
    }
    Reply::data(ids)
}

/// Only stock-tracked products answer; an id that is no product makes the whole call a 400 (BP §a.4, §g).
fn availability(call: &Call<'_>, ids: &str) -> Answer {
    let account = &*call.account;
    let by_location = call.includes("breakDownByLocation");
    let mut shown = Map::new();
    for id in idset::parse_capped(ids, 200)? {
        let product = account.products.get(&id).ok_or_else(|| Refusal::bad("WHSC-999", format!("Product {id} does not exist")))?;
        if !product.stock_tracked || product.is_bundle() {
            continue;
        }
        let shelves = account.stock.get(&id);
        let (mut in_stock, mut allocated) = (0, 0);
        let mut warehouses = Map::new();
        for (warehouse, shelf) in shelves.into_iter().flatten() {
            in_stock += shelf.total();
            allocated += shelf.allocated;
            warehouses.insert(warehouse.to_string(), shelf.view(by_location));
        }
        let total = json!({"inStock": in_stock, "onHand": in_stock - allocated, "allocated": allocated, "inTransit": 0});
        shown.insert(id.to_string(), json!({"total": total, "warehouses": warehouses}));
    }
    Reply::data(Value::Object(shown))
}

fn bundle_availability(call: &Call<'_>, id: i64) -> Answer {
    let account = &*call.account;
    let bundle = account.products.get(&id).filter(|product| product.is_bundle()).ok_or_else(|| Refusal::missing(format!("No bundle {id}")))?;
    let tracked: Vec<_> = bundle.components.iter().filter(|(part, _)| account.products.get(part).is_some_and(|one| one.stock_tracked)).collect();
    if tracked.is_empty() {
        return Err(Refusal::bad("WHSC-097", "None of the components of this bundle is stock tracked"));
    }
    let mut warehouses = Map::new();
    let mut total = 0;
    for warehouse in account.lists.warehouses.iter().filter_map(|one| one.get("id").and_then(Value::as_i64)) {
        let possible = |(part, quantity): &&(i64, rust_decimal::Decimal)| {
            rust_decimal::Decimal::from(account.on_hand(*part, warehouse).max(0))
                .checked_div(*quantity)
                .and_then(|count| count.floor().to_i64())
                .unwrap_or(0)
        };
        let on_hand = tracked.iter().copied().map(|part| possible(&part)).min().unwrap_or(0);
        total += on_hand;
        warehouses.insert(warehouse.to_string(), json!({ "onHand": on_hand }));
    }
    Reply::data(json!({ id.to_string(): {"total": {"onHand": total}, "warehouses": warehouses} }))
}
