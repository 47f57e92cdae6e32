//! The V3 calls about customers' addresses (BC §e).

use serde_json::{Map, Value, json};

use super::context::Context;
use super::customer::batch;
use super::reply::{Page, Reply, id_list_param, v3, v3_error, v3_field_error};
use super::value::{int_at, text_at};
use crate::core::ApiResponse;

/// Text fields of an address.
const ADDRESS_FIELDS: [&str; 11] = [
    "first_name",
    "last_name",
    "company",
    "address1",
    "address2",
    "city",
    "state_or_province",
    "postal_code",
    "country_code",
    "phone",
    "address_type",
];

pub(super) fn address_row(id: i64, customer_id: i64, body: &Value, mut row: Map<String, Value>) -> Map<String, Value> {
    for name in ADDRESS_FIELDS {
        if let Some(text) = text_at(body, name) {
            row.insert(name.to_owned(), json!(text));
        } else {
            let default = if name == "address_type" { "residential" } else { "" };
            row.entry(name).or_insert_with(|| json!(default));
        }
    }
    row.insert("id".to_owned(), json!(id));
    row.insert("customer_id".to_owned(), json!(customer_id));
    row
}

pub(super) fn list_addresses(ctx: &Context<'_>) -> Reply {
    let page = Page::v3(ctx.request, 250, ctx.switches.get("limit_above_max") == "clamp")?;
    let customers = id_list_param(ctx.request, "customer_id:in");
    let ids = id_list_param(ctx.request, "id:in");
    let wanted = |row: &&Value| ids.as_ref().is_none_or(|ids| int_at(row, "id").is_some_and(|id| ids.contains(&id)));
    let owners = ctx.store.customers.values().filter(|known| customers.as_ref().is_none_or(|ids| ids.contains(&known.id)));
    let rows = owners.flat_map(|known| &known.addresses).filter(wanted).cloned().collect();
    Ok(page.v3_list(ctx.request, rows))
}

fn address_event(ctx: &mut Context<'_>, what: &str, id: i64, customer_id: i64) {
    let data = vec![("type", json!("customer")), ("id", json!(id)), ("address", json!({ "customer_id": customer_id }))];
    ctx.store.emit(format!("store/customer/address/{what}"), data, ctx.now);
}

pub(super) fn create_addresses(ctx: &mut Context<'_>) -> Reply {
    let rows = batch(ctx)?;
    let owner = |row: &Value| int_at(row, "customer_id").filter(|id| ctx.store.customers.contains_key(id));
    let owners: Option<Vec<i64>> = rows.iter().map(owner).collect();
    let owners = owners.ok_or_else(|| v3_field_error(422, "Create addresses failed.", "customer_id", "is not known"))?;
    let mut shown = Vec::new();
    for (owner, row) in owners.into_iter().zip(&rows) {
        let id = ctx.store.next_id("customer address", 1);
        let row = Value::Object(address_row(id, owner, row, Map::new()));
        if let Some(customer) = ctx.store.customers.get_mut(&owner) {
            customer.addresses.push(row.clone());
        }
        address_event(ctx, "created", id, owner);
        shown.push(row);
    }
    Ok(v3(200, &json!(shown)))
}

pub(super) fn update_addresses(ctx: &mut Context<'_>) -> Reply {
    let rows = batch(ctx)?;
    let mut shown = Vec::new();
    for row in &rows {
        let id = int_at(row, "id");
        let all = ctx.store.customers.values_mut().flat_map(|customer| &mut customer.addresses);
        let Some((id, known)) = id.zip(all.into_iter().find(|known| int_at(known, "id") == id)) else {
            return Err(v3_field_error(422, "Update addresses failed.", "id", "is not known"));
        };
        let owner = int_at(known, "customer_id").unwrap_or_default();
        *known = Value::Object(address_row(id, owner, row, known.as_object().cloned().unwrap_or_default()));
        shown.push(known.clone());
        address_event(ctx, "updated", id, owner);
    }
    Ok(v3(200, &json!(shown)))
}

pub(super) fn delete_addresses(ctx: &mut Context<'_>) -> Reply {
    let ids = id_list_param(ctx.request, "id:in").ok_or_else(|| v3_error(422, "id:in is required"))?;
    let mut gone = Vec::new();
    for customer in ctx.store.customers.values_mut() {
        customer.addresses.retain(|row| {
            let id = int_at(row, "id").unwrap_or_default();
            let keep = !ids.contains(&id);
            if !keep {
                gone.push((id, customer.id));
            }
            keep
        });
    }
    for (id, owner) in gone {
        address_event(ctx, "deleted", id, owner);
    }
    Ok(ApiResponse::empty(204))
}
