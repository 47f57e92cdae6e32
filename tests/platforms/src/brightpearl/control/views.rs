//! A judge's view: the full state of an account.

use serde_json::{Map, Value, json};

use super::Done;
use crate::brightpearl::account::Account;
use crate::brightpearl::json::{fixed, set};
use crate::brightpearl::order::Order;
use crate::brightpearl::order_status;
use crate::brightpearl::order_view;
use crate::brightpearl::switches::Switches;
use crate::core::ApiRequest;

/// `GET /_sim/accounts/{code}[/what[/id]]`.
pub fn handle(account: &Account, switches: &Switches, request: &ApiRequest, rest: &[&str]) -> Option<Done> {
    let (what, wanted) = match rest {
        [] => return Some(Ok(self::account(account))),
        [what] => (*what, None),
        [what, id] => (*what, Some(super::id(id))),
        _ => return None,
    };
    let wanted = match wanted.transpose() {
        Ok(wanted) => wanted,
        Err(refusal) => return Some(Err(refusal)),
    };
    let keep = |id: i64| wanted.is_none_or(|wanted| wanted == id);
    let reference = request.param("external_ref");
    let found: Vec<Value> = match what {
        "orders" => account
            .orders
            .values()
            .filter(|order| keep(order.id) && reference.is_none_or(|wanted| order.external_ref.as_deref() == Some(wanted)))
            .map(|one| order(account, one, switches))
            .collect(),
        "contacts" => account.contacts.values().filter(|one| keep(one.id)).map(|one| one.view(account, true, true)).collect(),
        "products" => account.products.values().filter(|one| keep(one.id)).map(|one| one.view(account, true)).collect(),
        "goods-out" | "notes" => account.notes.values().filter(|one| keep(one.id)).map(|one| with_id(one.id, one.view(account, switches))).collect(),
        "drop-ship" => account.drop_ships.values().filter(|one| keep(one.id)).map(|one| with_id(one.id, one.view(account, switches))).collect(),
        "goods-in" => account.goods_in.iter().filter(|(id, _)| keep(**id)).map(|(id, note)| with_id(*id, note.clone())).collect(),
        "webhooks" => {
            account.hooks.values().filter(|one| keep(one.id)).map(|one| with(one.view(), "installation_instance_id", json!(one.instance))).collect()
        }
        "payments" => account.payments.values().filter(|one| keep(one.id)).map(payment).collect(),
        "stock" => stock(account).into_iter().filter(|one| one.get("product_id").and_then(Value::as_i64).is_some_and(keep)).collect(),
        "installations" => account.installations.iter().filter(|one| keep(one.instance_id)).map(|one| one.view()).collect(),
        _ => return None,
    };
    Some(Ok(json!({ what: found })))
}

fn with(mut view: Value, key: &str, value: Value) -> Value {
    if let Some(map) = view.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
    view
}

fn with_id(id: i64, view: Value) -> Value {
    with(view, "id", json!(id))
}

/// The order as the API shows it, with row references, notes, reservation and fulfilment beside it.
fn order(account: &Account, order: &Order, switches: &Switches) -> Value {
    let mut view = order_view::order(account, order, switches, true);
    let references: Map<String, Value> = order.rows.values().map(|row| (row.id.to_string(), json!(row.external_ref))).collect();
    let states: Map<String, Value> = account
        .row_states(order)
        .into_iter()
        .map(|(row, state)| (row.to_string(), json!({"reserved": state.reserved, "fulfilled": state.fulfilled, "shipped": state.shipped})))
        .collect();
    set(&mut view, "rowExternalRefs", json!(references));
    set(&mut view, "rowStates", json!(states));
    set(&mut view, "notes", order.notes.iter().map(|note| order_status::view(account, order.id, note)).collect());
    set(&mut view, "goodsOutNotes", json!(order.goods_out));
    set(&mut view, "dropShipNotes", json!(order.drop_ships));
    set(&mut view, "payments", order.payments.iter().filter_map(|id| account.payments.get(id)).map(payment).collect());
    set(&mut view, "isClone", json!(order.is_clone));
    view
}

fn payment(payment: &crate::brightpearl::payment::Payment) -> Value {
    json!({"id": payment.id, "order_id": payment.order, "method": payment.method, "type": payment.kind, "currency": payment.currency,
        "exchange_rate": payment.rate.to_string(), "transaction_ref": payment.transaction_ref, "transaction_code": payment.transaction_code,
        "amount_paid": fixed(payment.paid, 2), "amount_authorized": fixed(payment.authorized, 2), "journal": payment.journal, "journal_ref": payment.journal_ref})
}

fn stock(account: &Account) -> Vec<Value> {
    let all = account.stock.iter().flat_map(|(product, shelves)| shelves.iter().map(move |(warehouse, shelf)| (product, warehouse, shelf)));
    all.map(|(product, warehouse, shelf)| {
        let sku = account.products.get(product).map(|one| one.identity("sku")).unwrap_or_default();
        json!({"product_id": product, "sku": sku, "warehouse": warehouse, "in_stock": shelf.total(), "allocated": shelf.allocated,
            "on_hand": shelf.on_hand(), "locations": shelf.in_stock, "on_notes": shelf.on_notes})
    })
    .collect()
}

/// Every id and token of an account.
pub fn account(account: &Account) -> Value {
    let lists = &account.lists;
    let staff: Vec<i64> = account.contacts.values().filter(|one| one.is_staff).map(|one| one.id).collect();
    let skus: Vec<Value> = account.products.values().map(|one| json!({"id": one.id, "sku": one.identity("sku")})).collect();
    json!({
        "code": account.code, "datacenter": account.datacenter, "api_domain": account.api_domain, "base_currency": account.base_currency,
        "api_path": format!("/public-api/{}", account.code), "token_path": format!("/token/{}", account.code),
        "installations": account.installations.iter().map(super::super::installation::Installation::view).collect::<Vec<_>>(),
        "currencies": lists.currencies, "tax_codes": lists.tax_codes, "nominal_codes": lists.nominal_codes, "channels": lists.channels,
        "warehouses": lists.warehouses, "locations": lists.locations, "price_lists": lists.price_lists, "order_statuses": lists.order_statuses,
        "shipping_methods": lists.shipping_methods, "payment_methods": lists.payment_methods, "lead_sources": lists.lead_sources,
        "projects": lists.projects, "tags": lists.tags, "custom_fields": lists.custom_fields, "configuration": lists.configuration,
        "staff": staff, "products": skus,
    })
}
