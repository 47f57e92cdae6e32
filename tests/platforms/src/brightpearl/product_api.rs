//! The product service (BP §g, §j).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::call::Call;
use super::custom_field;
use super::idset;
use super::json::{array, exact, int, text};
use super::lists::{Lists, find};
use super::product::{IDENTITY, Product};
use super::reply::{Answer, Refusal, Reply};
use super::search::{self, Kind};

/// Products per GET (BP §g: chunks of 200).
const PAGE: usize = 200;

/// Handles a request to `product-service`.
pub fn handle(call: &mut Call<'_>) -> Answer {
    let segments = call.path.clone();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.clone().as_str(), path.as_slice()) {
        ("GET", ["product-search"]) => search::answer(call, Kind::Product, "product-search"),
        ("GET", ["product-search", "meta-data"]) => search::meta_data(Kind::Product, "product-search"),
        ("GET", ["product", "custom-field-meta-data"]) => custom_field::metadata(call, "product", None),
        ("GET", ["product", "custom-field-meta-data", ids]) => custom_field::metadata(call, "product", Some(ids)),
        ("GET", ["product", ids]) => read(call, ids),
        ("OPTIONS", ["product", ids]) => options(call, ids, "/product"),
        ("OPTIONS", ["product-price", ids]) => options(call, ids, "/product-price"),
        ("GET" | "PATCH", ["product", id, "custom-field"]) => custom_field::product(call, Call::id(id)?),
        ("PUT", ["product", id, "identity"]) => put_identity(call, Call::id(id)?),
        ("GET", ["product", ids, "bundle"]) => bundles(call, ids),
        ("GET", ["product-price", ids]) => prices(call, ids, None),
        ("GET", ["product-price", ids, "price-list", lists]) => prices(call, ids, Some(lists)),
        ("PUT", ["product-price", id, "price-list"]) => put_prices(call, Call::id(id)?),
        ("GET", ["price-list"]) => Reply::data(call.account.lists.price_lists.clone()),
        ("GET", ["price-list", ids]) => entries(&call.account.lists.price_lists, "id", ids),
        ("GET", ["channel"]) => Reply::data(call.account.lists.channels.clone()),
        ("GET", ["channel", ids]) => entries(&call.account.lists.channels, "id", ids),
        ("GET", ["brand"]) => Reply::data(call.account.lists.brands.clone()),
        ("GET", ["product-type"]) => Reply::data(call.account.lists.product_types.clone()),
        _ => Err(Refusal::unknown_path()),
    }
}

/// The entries of a reference list that an ID set names; 404 if there is none.
///
/// # Errors
/// 400 for a wrong set, 404 if nothing matches.
pub fn entries(list: &[Value], key: &str, ids: &str) -> Answer {
    let found: Vec<Value> = idset::parse(ids)?.into_iter().filter_map(|id| find(list, key, id).cloned()).collect();
    if found.is_empty() {
        return Err(Refusal::missing(format!("Nothing found for {ids}")));
    }
    Reply::data(found)
}

fn read(call: &Call<'_>, ids: &str) -> Answer {
    let account = &*call.account;
    let custom = call.includes("customFields");
    let found: Vec<Value> =
        idset::parse_capped(ids, PAGE)?.iter().filter_map(|id| account.products.get(id)).map(|product| product.view(account, custom)).collect();
    if found.is_empty() {
        return Err(Refusal::missing("No Product Found"));
    }
    Reply::data(found)
}

fn options(call: &Call<'_>, ids: &str, prefix: &str) -> Answer {
    let found: Vec<i64> = idset::parse(ids)?.into_iter().filter(|id| call.account.products.contains_key(id)).collect();
    Reply::data(json!({ "getUris": idset::uris(prefix, &found, PAGE) }))
}

fn product<'a>(call: &'a mut Call<'_>, id: i64) -> Result<&'a mut Product, Refusal> {
    call.account.products.get_mut(&id).ok_or_else(|| Refusal::missing("No Product Found"))
}

fn put_identity(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let mut identity = BTreeMap::new();
    for field in IDENTITY {
        identity.insert(field.to_owned(), text(&body, field)?.unwrap_or_default());
    }
    let now = call.now;
    let found = product(call, id)?;
    found.identity = identity;
    found.updated_on = now;
    call.account.touch(Kind::Product, id);
    call.account.raise("product.modified", id, now);
    Reply::done()
}

/// The bundles that hold any of these products (BP §g).
fn bundles(call: &Call<'_>, ids: &str) -> Answer {
    let wanted = idset::parse_capped(ids, PAGE)?;
    let parents = call.account.products.values().filter(|parent| parent.components.iter().any(|(id, _)| wanted.contains(id)));
    Reply::data(json!({ "bundles": parents.map(|parent| json!({ "id": parent.id })).collect::<Vec<_>>() }))
}

fn prices(call: &Call<'_>, ids: &str, lists: Option<&str>) -> Answer {
    let account = &*call.account;
    let lists = lists.map(idset::parse).transpose()?;
    let found: Vec<Value> = idset::parse_capped(ids, PAGE)?
        .iter()
        .filter_map(|id| account.products.get(id))
        .map(|product| product.price_view(account, lists.as_deref()))
        .collect();
    if found.is_empty() {
        return Err(Refusal::missing("No Product Prices Found"));
    }
    Reply::data(found)
}

fn put_prices(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let mut changes: Vec<(i64, BTreeMap<i64, Decimal>)> = Vec::new();
    for entry in array(&body, "priceLists")? {
        let list = int(entry, "priceListId")?.filter(|id| *id != 0 && Lists::has(&call.account.lists.price_lists, "id", *id));
        let list = list.ok_or_else(|| Refusal::bad("PRDC-999", "The price list does not exist"))?;
        let mut breaks = BTreeMap::new();
        for (quantity, price) in entry.get("quantityPrice").and_then(Value::as_object).ok_or_else(Refusal::internal)? {
            let quantity: i64 =
                quantity.parse().ok().filter(|number| *number > 0).ok_or_else(|| Refusal::bad("PRDC-999", "Invalid break quantity"))?;
            breaks.insert(quantity, exact(price).ok_or_else(Refusal::internal)?);
        }
        changes.push((list, breaks));
    }
    let now = call.now;
    let found = product(call, id)?;
    found.prices.extend(changes);
    found.updated_on = now;
    call.account.touch(Kind::Product, id);
    call.account.raise("product.modified.price-modified", id, now);
    Reply::done()
}
