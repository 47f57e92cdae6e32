//! Seeding products, stock and contacts.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Desk, Done, bad, id};
use crate::brightpearl::account::{Account, IdKind};
use crate::brightpearl::contact::{Address, Contact};
use crate::brightpearl::json::{array, decimal, flag, int, text, whole};
use crate::brightpearl::product::{IDENTITY, Product};
use crate::brightpearl::reply::Refusal;
use crate::brightpearl::search::Kind;
use crate::brightpearl::stock::StockChange;

/// The handlers of this module.
pub fn handle(desk: &mut Desk<'_>, method: &str, rest: &[&str], body: &Value) -> Option<Done> {
    Some(match (method, rest) {
        ("POST", ["products"]) => products(desk, body),
        ("PATCH", ["products", one]) => id(one).and_then(|one| change(desk, one, body)),
        ("DELETE", ["products", one]) => id(one).and_then(|one| remove(desk, one)),
        ("POST", ["stock"]) => stock(desk, body),
        ("POST", ["contacts"]) => contact(desk, body),
        ("DELETE", ["contacts", one]) => id(one).map(|one| {
            desk.account.contacts.remove(&one);
            desk.account.touch(Kind::Contact, one);
            json!({})
        }),
        _ => return None,
    })
}

/// `{"products": […]}` or `{"count": n, "prefix": "SKU-", "stock": 100}`; answers the ids by SKU, in order.
pub fn products(desk: &mut Desk<'_>, body: &Value) -> Done {
    let mut made = Vec::new();
    for one in array(body, "products")? {
        made.push(product(desk, one)?);
    }
    if let Some(count) = int(body, "count")? {
        let prefix = text(body, "prefix")?.unwrap_or_else(|| "SKU-".to_owned());
        let start = int(body, "start")?.unwrap_or(1);
        for number in start..start + count {
            let stock = body.get("stock").cloned().unwrap_or(json!(100));
            made.push(product(desk, &json!({"sku": format!("{prefix}{number}"), "name": format!("Item {number}"), "stock": stock}))?);
        }
    }
    Ok(json!({ "products": made }))
}

fn product(desk: &mut Desk<'_>, body: &Value) -> Done {
    let product_id = int(body, "id")?.unwrap_or_else(|| desk.account.next_id(IdKind::Product));
    desk.account.reserve_id(IdKind::Product, product_id);
    let mut identity = BTreeMap::new();
    for field in IDENTITY {
        if let Some(value) = text(body, field)? {
            identity.insert(field.to_owned(), value);
        }
    }
    let sku = identity.entry("sku".to_owned()).or_insert_with(|| format!("SKU-{product_id}")).clone();
    let mut components = Vec::new();
    for part in array(body, "components")? {
        let found = find(desk.account, part)?;
        components.push((found, decimal(part, "quantity")?.unwrap_or(Decimal::ONE)));
    }
    let mut prices = BTreeMap::new();
    if let Some(price) = decimal(body, "price")? {
        prices.insert(desk.account.lists.config_id("defaultSellPriceListId"), BTreeMap::from([(1, price)]));
    }
    for (list, price) in body.get("prices").and_then(Value::as_object).into_iter().flatten() {
        let price = crate::brightpearl::json::exact(price).ok_or_else(|| bad("prices holds numbers by price list"))?;
        prices.insert(id(list)?, BTreeMap::from([(1, price)]));
    }
    let bundle = !components.is_empty();
    let product = Product {
        id: product_id,
        name: text(body, "name")?.unwrap_or_else(|| format!("Product {sku}")),
        stock_tracked: flag(body, "stock_tracked")?.unwrap_or(!bundle),
        status: text(body, "status")?.unwrap_or_else(|| "LIVE".to_owned()),
        brand_id: 74,
        type_id: 1,
        group_id: int(body, "group_id")?.unwrap_or(0),
        variations: array(body, "variations")?.to_vec(),
        tax_code: text(body, "tax_code")?.unwrap_or_else(|| "T20".to_owned()),
        weight: decimal(body, "weight")?.unwrap_or(Decimal::ONE),
        cost: decimal(body, "cost")?.unwrap_or(Decimal::from(4)),
        nominals: ["1001".to_owned(), "5000".to_owned(), "4000".to_owned()],
        supplier_id: int(body, "supplier_id")?.unwrap_or(0),
        custom: BTreeMap::new(),
        created_on: desk.now,
        updated_on: desk.now,
        identity,
        components,
        prices,
    };
    let tracked = product.stock_tracked && !bundle;
    desk.account.products.insert(product_id, product);
    desk.account.touch(Kind::Product, product_id);
    desk.account.raise("product.created", product_id, desk.now);
    if let Some(quantities) = body.get("stock").filter(|_| tracked) {
        initial(desk, product_id, quantities)?;
    }
    Ok(json!({"id": product_id, "sku": sku}))
}

/// `100` (default warehouse and location), `{"2": 100}` or `{"2": {"2": 60, "9": 40}}`.
fn initial(desk: &mut Desk<'_>, product: i64, quantities: &Value) -> Result<(), Refusal> {
    if let Some(quantity) = whole(quantities) {
        let warehouse = desk.account.lists.config_id("defaultWarehouseId");
        return correct(desk, product, warehouse, None, quantity);
    }
    for (warehouse, part) in quantities.as_object().ok_or_else(|| bad("stock is a number or numbers by warehouse"))? {
        let warehouse = id(warehouse)?;
        if let Some(quantity) = whole(part) {
            correct(desk, product, warehouse, None, quantity)?;
            continue;
        }
        for (location, quantity) in part.as_object().ok_or_else(|| bad("stock is a number or numbers by location"))? {
            let quantity = whole(quantity).ok_or_else(|| bad("stock is a whole number"))?;
            correct(desk, product, warehouse, Some(id(location)?), quantity)?;
        }
    }
    Ok(())
}

fn correct(desk: &mut Desk<'_>, product: i64, warehouse: i64, location: Option<i64>, quantity: i64) -> Result<(), Refusal> {
    let location = location.or_else(|| desk.account.lists.default_location(warehouse)).ok_or_else(|| bad("there is no such warehouse"))?;
    desk.account.correct_stock(StockChange { product, warehouse, location, quantity }, desk.switches, desk.now)
}

/// A product named by `product_id` or `sku`.
///
/// # Errors
/// 400 if there is none.
pub fn find(account: &Account, body: &Value) -> Result<i64, Refusal> {
    if let Some(found) = int(body, "product_id")? {
        return if account.products.contains_key(&found) { Ok(found) } else { Err(bad("there is no such product")) };
    }
    let sku = text(body, "sku")?.unwrap_or_default();
    let found = account.products.values().find(|product| product.identity("sku") == sku);
    found.map(|product| product.id).ok_or_else(|| bad(&format!("there is no product with SKU {sku}")))
}

/// `{"sku", "warehouse"?, "location"?, "quantity": ±n}` or `"set": n` for the physical quantity at that place.
fn stock(desk: &mut Desk<'_>, body: &Value) -> Done {
    let product = find(desk.account, body)?;
    let warehouse = int(body, "warehouse")?.unwrap_or_else(|| desk.account.lists.config_id("defaultWarehouseId"));
    let location =
        int(body, "location")?.or_else(|| desk.account.lists.default_location(warehouse)).ok_or_else(|| bad("there is no such warehouse"))?;
    let now =
        desk.account.stock.get(&product).and_then(|all| all.get(&warehouse)).and_then(|shelf| shelf.in_stock.get(&location)).copied().unwrap_or(0);
    let quantity = match (int(body, "quantity")?, int(body, "set")?) {
        (Some(quantity), None) => quantity,
        (None, Some(set)) => set - now,
        _ => return Err(bad("give either quantity or set")),
    };
    correct(desk, product, warehouse, Some(location), quantity)?;
    Ok(json!({"product_id": product, "on_hand": desk.account.on_hand(product, warehouse)}))
}

fn change(desk: &mut Desk<'_>, product: i64, body: &Value) -> Done {
    let now = desk.now;
    let found = desk.account.products.get_mut(&product).ok_or_else(|| bad("there is no such product"))?;
    for field in IDENTITY {
        if let Some(value) = text(body, field)? {
            found.identity.insert(field.to_owned(), value);
        }
    }
    found.name = text(body, "name")?.unwrap_or_else(|| found.name.clone());
    found.status = text(body, "status")?.unwrap_or_else(|| found.status.clone());
    found.updated_on = now;
    let sku = found.identity("sku").to_owned();
    desk.account.touch(Kind::Product, product);
    desk.account.raise("product.modified", product, now);
    Ok(json!({"id": product, "sku": sku}))
}

fn remove(desk: &mut Desk<'_>, product: i64) -> Done {
    desk.account.products.remove(&product).ok_or_else(|| bad("there is no such product"))?;
    desk.account.touch(Kind::Product, product);
    desk.account.raise("product.destroyed", product, desk.now);
    Ok(json!({}))
}

/// `{"email", "first_name"?, "last_name"?, "is_staff"?, "is_supplier"?, "is_primary"?, "company"?, "country"?}`.
pub fn contact(desk: &mut Desk<'_>, body: &Value) -> Done {
    let contact_id = int(body, "id")?.unwrap_or_else(|| desk.account.next_id(IdKind::Contact));
    if desk.account.contacts.contains_key(&contact_id) {
        return Err(bad(&format!("there is a contact {contact_id} already")));
    }
    let country = crate::brightpearl::country::by_code(&text(body, "country")?.unwrap_or_else(|| "GBR".to_owned()));
    let mut address = Address { country, postal_code: "BS1 4XX".to_owned(), ..Address::default() };
    address.lines = ["7 Quay St".to_owned(), String::new(), "Bristol".to_owned(), String::new()];
    let address_id = desk.account.next_id(IdKind::Address);
    desk.account.addresses.insert(address_id, address);
    let company = text(body, "company")?.unwrap_or_default();
    let known = desk.account.companies.iter().find(|(_, (name, _))| *name == company).map(|(id, _)| *id);
    let company_id = match known {
        _ if company.is_empty() => 0,
        Some(known) => known,
        None => {
            let fresh = desk.account.next_id(IdKind::Company);
            desk.account.companies.insert(fresh, (company, desk.now));
            fresh
        }
    };
    let roles = ["DEF", "BIL", "DEL"].into_iter().map(|role| (role.to_owned(), address_id)).collect();
    let emails = text(body, "email")?.map(|email| BTreeMap::from([("PRI".to_owned(), email)])).unwrap_or_default();
    let contact = Contact {
        id: contact_id,
        salutation: String::new(),
        first_name: text(body, "first_name")?.unwrap_or_else(|| "Mara".to_owned()),
        last_name: text(body, "last_name")?.unwrap_or_else(|| "Lind".to_owned()),
        addresses: roles,
        emails,
        telephones: BTreeMap::new(),
        is_primary: flag(body, "is_primary")?.unwrap_or(true),
        is_supplier: flag(body, "is_supplier")?.unwrap_or(false),
        is_staff: flag(body, "is_staff")?.unwrap_or(false),
        company_id,
        financial: json!({"priceListId": desk.account.lists.config_id("defaultSellPriceListId"), "currencyId": 1}),
        assignment: json!({}),
        marketing: json!({"isReceiveEmailNewsletter": false}),
        tags: Vec::new(),
        custom: BTreeMap::new(),
        created_on: desk.now,
        updated_on: desk.now,
        last_ordered_on: None,
        created_by: 4,
    };
    desk.account.contacts.insert(contact_id, contact);
    desk.account.touch(Kind::Contact, contact_id);
    Ok(json!({ "id": contact_id }))
}
