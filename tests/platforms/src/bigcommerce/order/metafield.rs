//! Order metafields (BC §d.9, end).

use serde_json::{Value, json};

use crate::bigcommerce::context::Context;
use crate::bigcommerce::cursor::Sorted;
use crate::bigcommerce::reply::{Page, Reply, list_param, v3, v3_error, v3_field_error, v3_not_found};
use crate::bigcommerce::value::{int_at, iso, text_at};
use crate::core::ApiResponse;

/// Metafields of one order and client.
const PER_ORDER_MAX: usize = 250;
const PERMISSIONS: [&str; 5] = ["app_only", "read", "write", "read_and_sf_access", "write_and_sf_access"];

/// `/v3/orders/{id}/metafields…`.
pub(in crate::bigcommerce) fn route(ctx: &mut Context<'_>, order: i64, rest: &[&str]) -> Reply {
    match (ctx.method(), rest) {
        ("GET", []) => list(ctx, Some(order)),
        ("POST", []) => {
            let body = ctx.v3_body()?;
            let row = create(ctx, order, &body)?;
            Ok(v3(200, &row))
        }
        ("GET", [id]) => {
            let id = find(ctx, order, id)?;
            Ok(v3(200, &row(ctx, id)))
        }
        ("PUT", [id]) => {
            let id = find(ctx, order, id)?;
            update(ctx, order, id)
        }
        ("DELETE", [id]) => {
            let id = find(ctx, order, id)?;
            ctx.store.metafields.remove(&id);
            emit(ctx, "deleted", id, order);
            Ok(ApiResponse::empty(204))
        }
        _ => Err(v3_error(405, "Method not allowed")),
    }
}

/// `/v3/orders/metafields`: over all orders; creation takes `resource_id`.
pub(in crate::bigcommerce) fn batch(ctx: &mut Context<'_>, rest: &[&str]) -> Reply {
    match (ctx.method(), rest) {
        ("GET", []) => list(ctx, None),
        ("POST", []) => {
            let body = ctx.v3_body()?;
            let rows = body.as_array().filter(|rows| !rows.is_empty()).ok_or_else(|| v3_error(400, "Input is invalid."))?;
            let mut made = Vec::new();
            for body in rows {
                let order = int_at(body, "resource_id").filter(|id| ctx.store.orders.contains_key(id));
                let order = order.ok_or_else(|| v3_field_error(422, "Input is invalid.", "resource_id", "is not an order"))?;
                made.push(create(ctx, order, body)?);
            }
            Ok(v3(200, &json!(made)))
        }
        _ => Err(v3_error(405, "Method not allowed")),
    }
}

fn row(ctx: &Context<'_>, id: i64) -> Value {
    ctx.store.metafields.get(&id).map(|(_, row)| row.clone()).unwrap_or_default()
}

/// Another account's rows are seen only if they are not `app_only`.
fn visible(ctx: &Context<'_>, owner: &str, row: &Value) -> bool {
    owner == ctx.client_id || text_at(row, "permission_set") != Some("app_only")
}

fn find(ctx: &Context<'_>, order: i64, id: &str) -> Result<i64, ApiResponse> {
    let missing = || v3_not_found("The metafield was");
    let id = id.parse::<i64>().map_err(|_unreadable| missing())?;
    let known = ctx.store.metafields.get(&id).filter(|(owner, row)| visible(ctx, owner, row) && int_at(row, "resource_id") == Some(order));
    known.map(|_| id).ok_or_else(missing)
}

fn list(ctx: &Context<'_>, order: Option<i64>) -> Reply {
    let page = Page::v3(ctx.request, 250, ctx.clamps())?;
    let among = |filter: &str, row: &Value, field: &str| {
        list_param(ctx.request, filter).is_none_or(|list| text_at(row, field).is_some_and(|text| list.iter().any(|known| known == text)))
    };
    let rows = ctx
        .store
        .metafields
        .values()
        .filter(|(owner, row)| visible(ctx, owner, row))
        .filter(|(_, row)| order.is_none_or(|order| int_at(row, "resource_id") == Some(order)))
        .filter(|(_, row)| among("key", row, "key") && among("key:in", row, "key"))
        .filter(|(_, row)| among("namespace", row, "namespace") && among("namespace:in", row, "namespace"))
        .map(|(_, row)| row.clone())
        .collect();
    Ok(Sorted::by_id(rows).answer(ctx.request, page))
}

fn check(body: &Value, all: bool) -> Result<(), ApiResponse> {
    let bad = |field: &str| v3_field_error(422, "The metafield is not valid.", field, "is missing or not valid");
    for (field, longest) in [("permission_set", 64), ("namespace", 64), ("key", 64), ("value", 65_535)] {
        let Some(value) = body.get(field) else {
            if all {
                return Err(bad(field));
            }
            continue;
        };
        let text = value.as_str().ok_or_else(|| bad(field))?;
        if text.is_empty() || text.chars().count() > longest || (field == "permission_set" && !PERMISSIONS.contains(&text)) {
            return Err(bad(field));
        }
    }
    Ok(())
}

fn create(ctx: &mut Context<'_>, order: i64, body: &Value) -> Result<Value, ApiResponse> {
    check(body, true)?;
    let own = |owner: &str, row: &Value| owner == ctx.client_id && int_at(row, "resource_id") == Some(order);
    let mine: Vec<&Value> = ctx.store.metafields.values().filter(|(owner, row)| own(owner, row)).map(|(_, row)| row).collect();
    let same = |row: &&Value| ["namespace", "key"].iter().all(|field| text_at(row, field) == text_at(body, field));
    if mine.iter().any(same) {
        return Err(v3_error(409, "The namespace and key of the metafield already exist on this order."));
    }
    if mine.len() >= PER_ORDER_MAX {
        return Err(v3_error(422, "The order has too many metafields."));
    }
    let id = ctx.store.next_id("metafield", 1);
    let row = json!({ "id": id, "resource_type": "order", "resource_id": order, "key": body.get("key"),
        "value": body.get("value"), "namespace": body.get("namespace"), "permission_set": body.get("permission_set"),
        "description": text_at(body, "description").unwrap_or_default(), "date_created": iso(ctx.now),
        "date_modified": iso(ctx.now), "owner_client_id": ctx.client_id });
    ctx.store.metafields.insert(id, (ctx.client_id.clone(), row.clone()));
    emit(ctx, "created", id, order);
    Ok(row)
}

fn update(ctx: &mut Context<'_>, order: i64, id: i64) -> Reply {
    let body = ctx.v3_body()?;
    check(&body, false)?;
    let now = iso(ctx.now);
    if let Some(row) = ctx.store.metafields.get_mut(&id).and_then(|(_, row)| row.as_object_mut()) {
        for field in ["key", "value", "namespace", "permission_set", "description"] {
            if let Some(value) = body.get(field) {
                row.insert(field.to_owned(), value.clone());
            }
        }
        row.insert("date_modified".to_owned(), json!(now));
    }
    emit(ctx, "updated", id, order);
    Ok(v3(200, &row(ctx, id)))
}

/// `resource_id` is the order's id as text, and there is no `type` (BC §c).
fn emit(ctx: &mut Context<'_>, what: &str, id: i64, order: i64) {
    let data = vec![("metafield_id", json!(id)), ("resource_id", json!(order.to_string()))];
    ctx.store.emit(format!("store/order/metafield/{what}"), data, ctx.now);
}
