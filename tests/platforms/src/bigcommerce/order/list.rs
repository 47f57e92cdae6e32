//! Reading orders (BC §d.1) and their parts.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::consignment;
use super::model::Order;
use super::view::View;
use crate::bigcommerce::context::Context;
use crate::bigcommerce::reply::{Page, Reply, list_param, v2, v2_invalid, v2_list, v2_not_found};
use crate::bigcommerce::status;
use crate::bigcommerce::value::{flag_at, int_at, parse_date, text_at};
use crate::core::{ApiRequest, ApiResponse};

/// Fields that a list can be sorted by.
const SORTS: [&str; 7] = ["id", "customer_id", "date_created", "date_modified", "status_id", "channel_id", "external_id"];

impl Context<'_> {
    /// Shows this store's orders.
    pub(in crate::bigcommerce) fn view(&self) -> View<'_> {
        View { store: self.store, switches: self.switches }
    }

    /// One order that the router has found.
    pub(in crate::bigcommerce) fn order(&self, id: i64) -> Result<&Order, ApiResponse> {
        self.store.orders.get(&id).ok_or_else(v2_not_found)
    }
}

/// One test of a list.
type Test = Box<dyn Fn(&Order) -> bool>;

fn tests(request: &ApiRequest) -> Result<Vec<Test>, ApiResponse> {
    let mut tests: Vec<Test> = Vec::new();
    for (name, value) in request.query.iter().filter(|(_, value)| !value.is_empty()) {
        if let Some(test) = test(name, value)? {
            tests.push(test);
        }
    }
    Ok(tests)
}

fn test(name: &str, value: &str) -> Result<Option<Test>, ApiResponse> {
    let number = || value.parse::<i64>().map_err(|_unreadable| v2_invalid(name));
    let amount = || value.parse::<rust_decimal::Decimal>().map_err(|_unreadable| v2_invalid(name));
    // Dates count whole seconds; both bounds are inclusive.
    let date = || parse_date(value).map(|at| at.as_second()).ok_or_else(|| v2_invalid(name));
    let text = value.to_owned();
    Ok(Some(match name {
        "min_id" => number().map(|bound| -> Test { Box::new(move |order| order.id >= bound) })?,
        "max_id" => number().map(|bound| -> Test { Box::new(move |order| order.id <= bound) })?,
        "min_total" => amount().map(|bound| -> Test { Box::new(move |order| order.totals.total.inc >= bound) })?,
        "max_total" => amount().map(|bound| -> Test { Box::new(move |order| order.totals.total.inc <= bound) })?,
        "customer_id" => number().map(|id| -> Test { Box::new(move |order| order.customer_id == id) })?,
        "status_id" => number().map(|id| -> Test { Box::new(move |order| order.status == id) })?,
        "channel_id" => number().map(|id| -> Test { Box::new(move |order| order.channel_id == id) })?,
        "email" => Box::new(move |order| order.billing.get("email").eq_ignore_ascii_case(&text)),
        "cart_id" => Box::new(move |order| order.cart_id == text),
        "payment_method" => Box::new(move |order| order.payment_method == text),
        "external_order_id" => Box::new(move |order| order.external_order_id == text),
        "min_date_created" => date().map(|at| -> Test { Box::new(move |order| order.created.as_second() >= at) })?,
        "max_date_created" => date().map(|at| -> Test { Box::new(move |order| order.created.as_second() <= at) })?,
        "min_date_modified" => date().map(|at| -> Test { Box::new(move |order| order.modified.as_second() >= at) })?,
        "max_date_modified" => date().map(|at| -> Test { Box::new(move |order| order.modified.as_second() <= at) })?,
        _ => return Ok(None),
    }))
}

fn sort(request: &ApiRequest, found: &mut [&Order]) -> Result<(), ApiResponse> {
    let wish = request.param("sort").filter(|wish| !wish.is_empty()).unwrap_or("id:asc");
    let (field, direction) = wish.split_once(':').unwrap_or((wish, "asc"));
    if !SORTS.contains(&field) || !["asc", "desc"].contains(&direction) {
        return Err(v2_invalid("sort"));
    }
    let compare = |a: &Order, b: &Order| -> Ordering {
        let by_field = match field {
            "customer_id" => a.customer_id.cmp(&b.customer_id),
            "date_created" => a.created.cmp(&b.created),
            "date_modified" => a.modified.cmp(&b.modified),
            "status_id" => a.status.cmp(&b.status),
            "channel_id" => a.channel_id.cmp(&b.channel_id),
            "external_id" => a.external_id.cmp(&b.external_id),
            _ => Ordering::Equal,
        };
        by_field.then(a.id.cmp(&b.id))
    };
    if direction == "desc" {
        found.sort_by(|a, b| compare(b, a));
    } else {
        found.sort_by(|a, b| compare(a, b));
    }
    Ok(())
}

/// Orders that pass the filters and that lists show at all.
fn find<'a>(ctx: &'a Context<'_>) -> Result<Vec<&'a Order>, ApiResponse> {
    let tests = tests(ctx.request)?;
    let archived = match ctx.request.param("is_deleted") {
        Some(text) => Some(text == "true" || text == "1"),
        None if ctx.switches.on("list_archived") => None,
        None => Some(false),
    };
    let incomplete = ctx.switches.on("list_incomplete") || ctx.request.param("status_id") == Some("0");
    let shown = |order: &&Order| {
        archived.is_none_or(|archived| order.archived == archived)
            && (incomplete || order.status != status::INCOMPLETE)
            && tests.iter().all(|test| test(order))
    };
    Ok(ctx.store.orders.values().filter(shown).collect())
}

/// `GET /orders`.
pub(in crate::bigcommerce) fn list(ctx: &Context<'_>) -> Reply {
    let page = Page::v2(ctx.request, ctx.clamps())?;
    let mut found = find(ctx)?;
    sort(ctx.request, &mut found)?;
    let include = Include::read(ctx);
    let rows = page.cut(found).into_iter().map(|order| include.show(ctx, order)).collect();
    Ok(v2_list(rows))
}

/// `GET /orders/count`.
pub(in crate::bigcommerce) fn count(ctx: &Context<'_>) -> ApiResponse {
    let found = match find(ctx) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let statuses: Vec<Value> = status::ids()
        .map(|id| {
            let count = found.iter().filter(|order| order.status == id).count();
            json!({ "id": id, "name": status::label(id), "system_label": status::label(id),
                "custom_label": status::label(id), "system_description": "", "count": count, "sort_order": id })
        })
        .collect();
    v2(&json!({ "statuses": statuses, "count": found.len() }))
}

/// `GET /orders/{id}`.
pub(in crate::bigcommerce) fn get(ctx: &Context<'_>, id: i64) -> Reply {
    Ok(v2(&Include::read(ctx).show(ctx, ctx.order(id)?)))
}

/// What `include` and `consignment_structure` ask for.
struct Include {
    consignments: bool,
    lines: bool,
    fees: bool,
}

impl Include {
    fn read(ctx: &Context<'_>) -> Self {
        let asked = list_param(ctx.request, "include").unwrap_or_default();
        let asks = |name: &str| asked.iter().any(|known| known == name);
        let works = ctx.switches.on("consignments_include");
        let object = ctx.request.param("consignment_structure") == Some("object");
        let lines = asks("consignments.line_items");
        Self { consignments: works && object && (lines || asks("consignments")), lines, fees: works && asks("fees") }
    }

    fn show(&self, ctx: &Context<'_>, order: &Order) -> Value {
        let mut shown = ctx.view().order(order);
        if let Some(shown) = shown.as_object_mut() {
            if self.consignments {
                shown.insert("consignments".to_owned(), consignment::show(ctx, order, self.lines));
            }
            if self.fees {
                let fees: Vec<Value> = order.fees.iter().map(View::fee).collect();
                shown.insert("fees".to_owned(), json!(fees));
            }
        }
        shown
    }
}

/// Both spellings of the addresses' path are seen in clients; the switch can leave one (BC §j.2).
pub(in crate::bigcommerce) fn is_spelt(ctx: &Context<'_>, name: &str) -> bool {
    let served = ctx.switches.get("address_spelling");
    served == "both" || served == name || !["shipping_addresses", "shippingaddresses"].contains(&name)
}

/// `GET /orders/{id}/…`, apart from shipments and consignments.
pub(in crate::bigcommerce) fn part(ctx: &Context<'_>, id: i64, part: &[&str]) -> Reply {
    if part.first().is_some_and(|name| !is_spelt(ctx, name)) {
        return Err(v2_not_found());
    }
    let order = ctx.order(id)?;
    let view = ctx.view();
    let rows: Vec<Value> = match part {
        ["products"] => order.lines.iter().map(|line| view.line(order, line)).collect(),
        ["products", line] => {
            let line = line.parse().ok().and_then(|line| order.line(line)).ok_or_else(v2_not_found)?;
            return Ok(v2(&view.line(order, line)));
        }
        ["shipping_addresses" | "shippingaddresses"] => order.destinations.iter().map(|to| view.destination(order, to)).collect(),
        ["shipping_addresses" | "shippingaddresses", to] => {
            let to = to.parse().ok().and_then(|to| order.destination(to)).ok_or_else(v2_not_found)?;
            return Ok(v2(&view.destination(order, to)));
        }
        ["shipping_addresses" | "shippingaddresses", to, "shipping_quotes"] => {
            to.parse().ok().and_then(|to| order.destination(to)).ok_or_else(v2_not_found)?;
            return Ok(ApiResponse::empty(204));
        }
        ["coupons"] => order.coupons.iter().map(|coupon| view.coupon(order, coupon)).collect(),
        ["taxes"] => view.taxes(order, ctx.request.param("details") == Some("true")),
        ["messages"] => messages(ctx.request, order)?,
        ["fees"] => return Ok(fees(ctx, order)),
        _ => return Err(v2_not_found()),
    };
    let page = Page::v2(ctx.request, ctx.clamps())?;
    Ok(v2_list(page.cut(rows)))
}

/// An order's messages that pass the filters (BC §d.4).
fn messages(request: &ApiRequest, order: &Order) -> Result<Vec<Value>, ApiResponse> {
    let mut rows = order.messages.clone();
    for (name, value) in request.query.iter().filter(|(_, value)| !value.is_empty()) {
        let number = || value.parse::<i64>().map_err(|_unreadable| v2_invalid(name));
        let date = || parse_date(value).map(|at| at.as_second()).ok_or_else(|| v2_invalid(name));
        let sent = |row: &Value| text_at(row, "date_created").and_then(parse_date).map_or(0, |at| at.as_second());
        match name.as_str() {
            "min_id" => number().map(|bound| rows.retain(|row| int_at(row, "id") >= Some(bound)))?,
            "max_id" => number().map(|bound| rows.retain(|row| int_at(row, "id") <= Some(bound)))?,
            "customer_id" => number().map(|id| rows.retain(|row| int_at(row, "customer_id") == Some(id)))?,
            "min_date_created" => date().map(|at| rows.retain(|row| sent(row) >= at))?,
            "max_date_created" => date().map(|at| rows.retain(|row| sent(row) <= at))?,
            "status" => rows.retain(|row| text_at(row, "status") == Some(value)),
            "is_flagged" => rows.retain(|row| flag_at(row, "is_flagged") == Some(value == "true" || value == "1")),
            _ => {}
        }
    }
    Ok(rows)
}

/// The sources disagree on this shape (BC §j.2).
fn fees(ctx: &Context<'_>, order: &Order) -> ApiResponse {
    let mut rows: Vec<Value> = order.fees.iter().map(View::fee).collect();
    match ctx.switches.get("fees_shape") {
        "array" => v2_list(rows),
        "single" if rows.len() == 1 => v2(&rows.remove(0)),
        _ if rows.is_empty() => ApiResponse::empty(204),
        _ => v2(&json!({ "fees": rows })),
    }
}
