//! The order service: dispatch, the low-level order resource and lists (BP §e.1, §e.3–e.6).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Account;
use super::call::Call;
use super::contact::{Address, Contact};
use super::custom_field;
use super::idset;
use super::json::{array, at, instant, int, object, text};
use super::lists::Lists;
use super::order::{Invoice, Order};
use super::order_build::{customer, instance, new_status, parent, price_mode, rate, short, staff, status};
use super::reply::{Answer, Refusal, Reply};
use super::search::{self, Kind};
use super::search_rows::STOCK_CODES;
use super::{order_row, order_status, order_view, sales_order};

/// Orders per GET (BP §a.6).
const PAGE: usize = 200;

/// Handles a request to `order-service`.
pub fn handle(call: &mut Call<'_>) -> Answer {
    let segments = call.path.clone();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.clone().as_str(), path.as_slice()) {
        (_, ["sales-order", rest @ ..]) => sales_order::handle(call, "SO", rest),
        (_, ["sales-credit", rest @ ..]) => sales_order::handle(call, "SC", rest),
        ("GET", [name @ ("order-search" | "sales-order-search")]) => search::answer(call, Kind::Order, name),
        ("GET", [name @ ("order-search" | "sales-order-search"), "meta-data"]) => search::meta_data(Kind::Order, name),
        ("POST", ["order"]) => create(call),
        ("GET", ["order", ids]) => read(call, ids),
        ("OPTIONS", ["order", ids]) => {
            let found: Vec<i64> = idset::parse(ids)?.into_iter().filter(|id| call.account.orders.contains_key(id)).collect();
            Reply::data(json!({ "getUris": idset::uris("/order", &found, PAGE) }))
        }
        ("PATCH", ["order", id]) => patch(call, Call::id(id)?),
        ("POST", ["order", id, "row"]) => order_row::create(call, Call::id(id)?),
        ("PATCH", ["order", id, "row", row]) => order_row::patch(call, Call::id(id)?, Call::id(row)?),
        ("DELETE", ["order", id, "row", row]) => order_row::delete(call, Call::id(id)?, Call::id(row)?),
        ("PUT", ["order", id, "status"]) => order_status::put(call, Call::id(id)?),
        ("POST", ["order", id, "note"]) => order_status::add_note(call, Call::id(id)?),
        ("GET", ["order", id, "note"]) => order_status::notes(call, Call::id(id)?),
        ("GET" | "PATCH", ["order", id, "custom-field"]) => custom_field::order(call, Call::id(id)?),
        ("GET", [owner @ ("sale" | "purchase"), "custom-field-meta-data"]) => custom_field::metadata(call, owner, None),
        ("GET", [owner @ ("sale" | "purchase"), "custom-field-meta-data", ids]) => custom_field::metadata(call, owner, Some(ids)),
        ("GET", ["order-status"]) => Reply::data(call.account.lists.order_statuses.clone()),
        ("GET", ["order-status", ids]) => super::product_api::entries(&call.account.lists.order_statuses, "statusId", ids),
        ("GET", ["order-shipping-status"]) => Reply::data(codes(&["NST", "SNS", "SPS", "ASS"])),
        ("GET", ["order-stock-status"]) => Reply::data(codes(&STOCK_CODES)),
        ("GET", ["order-type"]) => Reply::data(codes(&["SO", "PO", "SC", "PC"])),
        _ => Err(Refusal::unknown_path()),
    }
}

fn codes(codes: &[&str]) -> Vec<Value> {
    codes.iter().zip(1..).map(|(code, id)| json!({"id": id, "code": code, "description": code})).collect()
}

/// Unknown ids are silently missing, `[]` if none exists (BP §a.4).
fn read(call: &Call<'_>, ids: &str) -> Answer {
    let custom = call.includes("customFields") || call.includes("nullCustomFields");
    let found: Vec<Value> = idset::parse_capped(ids, PAGE)?
        .iter()
        .filter_map(|id| call.account.orders.get(id))
        .map(|order| order_view::order(call.account, order, call.switches, custom))
        .collect();
    Reply::data(found)
}

fn list_id(list: &[Value], key: &str, what: &str, id: Option<i64>) -> Result<i64, Refusal> {
    let id = id.unwrap_or(0);
    if Lists::has(list, key, id) { Ok(id) } else { Err(Refusal::bad("ORDC-999", format!("{what} {id} does not exist"))) }
}

/// `POST /order`: the header alone (BP §e.3).
fn create(call: &mut Call<'_>) -> Answer {
    let body = call.json()?.clone();
    let order = low_level(call, &body, call.now)?;
    let id = sales_order::store(call.account, order, call.now);
    if call.switches.on("order_modified_on_create") {
        call.account.raise("order.modified", id, call.now);
    }
    Reply::data(id)
}

/// The customer of a sale or the supplier of a purchase.
fn low_level_contact<'a>(account: &'a Account, body: &Value, kind: &str) -> Result<&'a Contact, Refusal> {
    if kind.starts_with('S') {
        customer(account, int(body, "parties.customer.contactId")?)
    } else {
        let id = int(body, "parties.supplier.contactId")?.ok_or_else(|| Refusal::bad("ORDC-022", "Suppllier ID Required."))?;
        account
            .contacts
            .get(&id)
            .filter(|contact| contact.is_supplier)
            .ok_or_else(|| Refusal::bad("ORDC-999", "You have provided an invalid contact ID"))
    }
}

fn low_level(call: &Call<'_>, body: &Value, now: Timestamp) -> Result<Order, Refusal> {
    let account = &*call.account;
    let lists = &account.lists;
    let kind = text(body, "orderTypeCode")?.ok_or_else(|| Refusal::bad("ORDC-005", "Order type code must be provided"))?;
    if !["SO", "SC", "PO", "PC"].contains(&kind.as_str()) {
        return Err(Refusal::bad("ORDC-006", format!("{kind} is not a valid order type code")));
    }
    let contact = low_level_contact(account, body, &kind)?;
    let currency = text(body, "currency.orderCurrencyCode")?.unwrap_or_else(|| account.base_currency.clone());
    let (exchange_rate, fixed_rate) = rate(account, body, "currency", &currency, call.switches)?;
    let price_list_id = list_id(&lists.price_lists, "id", "Price list", int(body, "priceListId")?.or(Some(contact.financial_id("priceListId"))))?;
    let invoice = array(body, "invoices")?.first().map(|invoice| instant(invoice, "taxDate")).transpose()?.flatten();
    let status_id = match int(body, "orderStatus.orderStatusId")? {
        Some(id) => status(account, &kind, id)?,
        None => new_status(account, &kind),
    };
    let assigned = |name: &str| int(body, &format!("assignment.current.{name}"));
    let delivery = object(body, "parties.delivery")?.map(|party| Address::read(party, "ORDC-999")).transpose()?;
    Ok(Order {
        status_id,
        kind,
        parent_id: parent(account, int(body, "parentOrderId")?)?,
        reference: short(text(body, "reference")?, "reference", 64)?.unwrap_or_default(),
        external_ref: text(body, "externalRef")?.filter(|value| !value.is_empty()),
        instance: instance(account, body)?,
        version: 1,
        placed_on: instant(body, "placedOn")?.unwrap_or(now),
        created_on: now,
        updated_on: now,
        created_by: call.actor.contact,
        price_list_id,
        price_mode: price_mode(account, body, price_list_id)?,
        delivery_date: instant(body, "delivery.deliveryDate")?,
        shipping_method_id: list_id(&lists.shipping_methods, "id", "Shipping method", int(body, "delivery.shippingMethodId")?)?,
        invoice: Invoice { tax_date: Some(invoice.unwrap_or(now)), ..Invoice::default() },
        currency,
        exchange_rate,
        fixed_rate,
        channel_id: list_id(&lists.channels, "id", "Channel", assigned("channelId")?)?,
        lead_source_id: list_id(&lists.lead_sources, "id", "Lead source", assigned("leadSourceId")?)?,
        project_id: list_id(&lists.projects, "projectId", "Project", assigned("projectId")?)?,
        staff_owner_id: staff(account, assigned("staffOwnerContactId")?)?,
        team_id: assigned("teamId")?.unwrap_or(0),
        warehouse_id: list_id(&lists.warehouses, "id", "Warehouse", int(body, "warehouseId")?.or(Some(lists.config_id("defaultWarehouseId"))))?,
        contact_id: contact.id,
        billing_contact_id: contact.id,
        customer_address: contact.address(account, "DEF"),
        billing_address: contact.address(account, "BIL"),
        delivery_address: delivery.unwrap_or_else(|| contact.address(account, "DEL")),
        ..Order::default()
    })
}

/// `PATCH /order/{id}` with the paths of BP §e.5.
fn patch(call: &mut Call<'_>, id: i64) -> Answer {
    let operations = call.json()?.as_array().cloned().ok_or_else(Refusal::internal)?;
    let mut order = call.account.orders.get(&id).cloned().ok_or_else(|| Refusal::bad("ORDC-003", format!("Invalid order id {id}")))?;
    for operation in &operations {
        patch_one(call, &mut order, operation)?;
    }
    call.account.orders.insert(id, order);
    call.account.bump(id, call.now);
    call.account.raise("order.modified", id, call.now);
    let order = call.account.orders.get(&id).ok_or_else(Refusal::internal)?;
    Reply::data(order_view::order(call.account, order, call.switches, false))
}

fn patch_one(call: &Call<'_>, order: &mut Order, operation: &Value) -> Result<(), Refusal> {
    let op = text(operation, "op")?.unwrap_or_default();
    let path = text(operation, "path")?.unwrap_or_default();
    let wrong = || Refusal::server("CMNC-044", format!("Invalid patch operation ({op}) for given path ({path})"));
    let lists = &call.account.lists;
    let required = |value: Option<i64>| value.ok_or_else(Refusal::internal);
    match (op.as_str(), path.as_str()) {
        ("replace", "/reference") => order.reference = short(text(operation, "value")?, "reference", 64)?.unwrap_or_default(),
        ("remove", "/reference") => order.reference.clear(),
        ("replace", "/warehouseId") => {
            let allocated = call.account.row_states(order).values().any(|state| state.reserved + state.fulfilled > 0);
            if allocated {
                return Err(Refusal::bad("ORDC-999", "The warehouse cannot be changed once stock is allocated"));
            }
            order.warehouse_id = list_id(&lists.warehouses, "id", "Warehouse", Some(required(int(operation, "value")?)?))?;
        }
        ("replace", "/delivery/shippingMethodId") => {
            order.shipping_method_id = list_id(&lists.shipping_methods, "id", "Shipping method", Some(required(int(operation, "value")?)?))?;
        }
        ("remove", "/delivery/shippingMethodId") => order.shipping_method_id = 0,
        ("replace", "/delivery/deliveryDate") => order.delivery_date = Some(instant(operation, "value")?.ok_or_else(Refusal::internal)?),
        ("remove", "/delivery/deliveryDate") => order.delivery_date = None,
        ("replace", "/parties/customer/contactId" | "/parties/billing/contactId") => {
            if order.is_invoiced() {
                return Err(Refusal::bad("ORDC-999", "The contact of an invoiced order cannot be changed"));
            }
            at(operation, "value").ok_or_else(Refusal::internal)?;
            let contact = customer(call.account, int(operation, "value")?)?;
            if path.contains("billing") {
                order.billing_contact_id = contact.id;
            } else {
                order.contact_id = contact.id;
            }
        }
        _ => return Err(wrong()),
    }
    Ok(())
}
