//! Customers and their addresses, and the V3 and V2 calls about them (BC §e).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::cursor::{Place, Sorted};
use super::customer_address::{self, address_row};
use super::reply::{Page, Reply, id_list_param, list_param, v2, v2_not_found, v3, v3_error, v3_field_error, v3_not_found};
use super::value::{int_at, iso, parse_date, rfc2822, string_at, text_at};
use crate::core::{ApiRequest, ApiResponse};

/// Most customers in one call.
const BATCH_MAX: usize = 10;

/// One customer.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub(super) id: i64,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) company: String,
    pub(super) phone: String,
    notes: String,
    tax_exempt: String,
    group_id: i64,
    created: Timestamp,
    modified: Timestamp,
    pub(super) addresses: Vec<Value>,
    form_fields: Value,
    origin_channel_id: i64,
}

impl Customer {
    /// A customer from the fields that V3 takes.
    pub(super) fn read(id: i64, body: &Value, now: Timestamp) -> Self {
        let mut customer = Self {
            id,
            email: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            company: String::new(),
            phone: String::new(),
            notes: String::new(),
            tax_exempt: String::new(),
            group_id: 0,
            created: now,
            modified: now,
            addresses: Vec::new(),
            form_fields: json!([]),
            origin_channel_id: int_at(body, "origin_channel_id").unwrap_or(1),
        };
        customer.patch(body, now);
        customer
    }

    fn patch(&mut self, body: &Value, now: Timestamp) {
        for (name, field) in [
            ("email", &mut self.email),
            ("first_name", &mut self.first_name),
            ("last_name", &mut self.last_name),
            ("company", &mut self.company),
            ("phone", &mut self.phone),
            ("notes", &mut self.notes),
            ("tax_exempt_category", &mut self.tax_exempt),
        ] {
            if let Some(text) = text_at(body, name) {
                text.clone_into(field);
            }
        }
        if let Some(group) = int_at(body, "customer_group_id") {
            self.group_id = group;
        }
        if let Some(fields) = body.get("form_fields") {
            self.form_fields = fields.clone();
        }
        self.modified = now;
    }

    fn to_v3(&self, include: &[String]) -> Value {
        let mut shown = json!({
            "id": self.id, "email": self.email, "first_name": self.first_name, "last_name": self.last_name,
            "company": self.company, "phone": self.phone, "notes": self.notes,
            "tax_exempt_category": self.tax_exempt, "customer_group_id": self.group_id,
            "date_created": iso(self.created), "date_modified": iso(self.modified),
            "address_count": self.addresses.len(), "registration_ip_address": "",
            "origin_channel_id": self.origin_channel_id, "channel_ids": null,
            "accepts_product_review_abandoned_cart_emails": false,
            "authentication": { "force_password_reset": false },
        });
        let asked = |name: &str| include.iter().any(|known| known == name);
        if let Some(shown) = shown.as_object_mut() {
            if asked("addresses") {
                shown.insert("addresses".to_owned(), json!(self.addresses.iter().take(10).collect::<Vec<_>>()));
            }
            if asked("storecredit") {
                shown.insert("store_credit_amounts".to_owned(), json!([{ "amount": 0 }]));
            }
            if asked("attributes") {
                shown.insert("attributes".to_owned(), json!([]));
            }
            if asked("formfields") {
                shown.insert("form_fields".to_owned(), self.form_fields.clone());
            }
        }
        shown
    }

    fn to_v2(&self) -> Value {
        json!({ "id": self.id, "company": self.company, "first_name": self.first_name, "last_name": self.last_name,
            "email": self.email, "phone": self.phone, "form_fields": null, "date_created": rfc2822(self.created),
            "date_modified": rfc2822(self.modified), "store_credit": "0.0000", "registration_ip_address": "",
            "customer_group_id": self.group_id, "notes": self.notes, "tax_exempt_category": self.tax_exempt,
            "accepts_marketing": false })
    }

    /// Its place in a list sorted by a field; instants count whole seconds, as they are shown.
    fn place(&self, field: &str) -> Place {
        let key = match field {
            "date_created" => format!("{:020}", self.created.as_second()),
            "date_modified" => format!("{:020}", self.modified.as_second()),
            "last_name" => self.last_name.to_lowercase(),
            _ => String::new(),
        };
        (key, self.id)
    }

    fn matches(&self, request: &ApiRequest) -> bool {
        let name = format!("{} {}", self.first_name, self.last_name);
        let among =
            |filter: &str, value: &str| list_param(request, filter).is_none_or(|list| list.iter().any(|known| known.eq_ignore_ascii_case(value)));
        let after = |filter: &str, at: Timestamp| request.param(filter).and_then(parse_date).is_none_or(|bound| at.as_second() >= bound.as_second());
        let before = |filter: &str, at: Timestamp| request.param(filter).and_then(parse_date).is_none_or(|bound| at.as_second() <= bound.as_second());
        id_list_param(request, "id:in").is_none_or(|ids| ids.contains(&self.id))
            && among("email:in", &self.email)
            && among("company:in", &self.company)
            && among("name:in", &name)
            && among("phone:in", &self.phone)
            && request.param("name:like").is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()))
            && id_list_param(request, "customer_group_id:in").is_none_or(|ids| ids.contains(&self.group_id))
            && after("date_created:min", self.created)
            && before("date_created:max", self.created)
            && after("date_modified:min", self.modified)
            && before("date_modified:max", self.modified)
    }
}

/// `/v3/customers…`.
pub(super) fn v3_route(ctx: &mut Context<'_>, rest: &[&str]) -> Reply {
    match (ctx.method(), rest) {
        ("GET", []) => list(ctx),
        ("POST", []) => create(ctx),
        ("PUT", []) => update(ctx),
        ("DELETE", []) => delete(ctx),
        ("GET", ["addresses"]) => customer_address::list_addresses(ctx),
        ("POST", ["addresses"]) => customer_address::create_addresses(ctx),
        ("PUT", ["addresses"]) => customer_address::update_addresses(ctx),
        ("DELETE", ["addresses"]) => customer_address::delete_addresses(ctx),
        (_, [] | ["addresses"]) => Err(v3_error(405, "Method not allowed")),
        _ => Err(v3_not_found("The requested resource was")),
    }
}

/// `GET /v2/customers/{id}`.
pub(super) fn v2_route(ctx: &Context<'_>, id: &str) -> Reply {
    let customer = id.parse().ok().and_then(|id: i64| ctx.store.customers.get(&id));
    customer.map(|customer| v2(&customer.to_v2())).ok_or_else(v2_not_found)
}

fn list(ctx: &Context<'_>) -> Reply {
    let include = list_param(ctx.request, "include").unwrap_or_default();
    let page = Page::v3(ctx.request, 250, ctx.switches.get("limit_above_max") == "clamp")?;
    let wish = ctx.request.param("sort").filter(|wish| !wish.is_empty()).unwrap_or("id:asc");
    let (field, direction) = wish.split_once(':').unwrap_or((wish, "asc"));
    if !["asc", "desc"].contains(&direction) || !["id", "date_created", "date_modified", "last_name"].contains(&field) {
        return Err(v3_field_error(422, "The query is invalid.", "sort", "is not a way to sort"));
    }
    let found = ctx.store.customers.values().filter(|known| known.matches(ctx.request));
    let rows = found.map(|customer| (customer.place(field), customer.to_v3(&include))).collect();
    Ok(Sorted::new(rows, direction == "desc").answer(ctx.request, page))
}

/// The rows of a body that must be an array of 1 to 10 objects.
pub(super) fn batch(ctx: &Context<'_>) -> Result<Vec<Value>, ApiResponse> {
    let body = ctx.v3_body()?;
    let rows = body.as_array().ok_or_else(|| v3_error(400, "Input is invalid."))?;
    if rows.len() > BATCH_MAX {
        let title = format!("The request payload is too large. The maximum items allowed in the array is {BATCH_MAX}");
        return Err(v3_error(413, &title));
    }
    if rows.is_empty() || rows.iter().any(|row| !row.is_object()) {
        return Err(v3_error(422, "Input is invalid."));
    }
    Ok(rows.clone())
}

fn refused(verb: &str) -> ApiResponse {
    let field = format!(".customer_{verb}");
    let doing = if verb == "create" { "creating" } else { "updating" };
    let title = if verb == "create" { "Create customers failed." } else { "Update customers failed." };
    v3_field_error(422, title, &field, &format!("Error {doing} customers"))
}

fn create(ctx: &mut Context<'_>) -> Reply {
    let rows = batch(ctx)?;
    let mut emails: Vec<String> = ctx.store.customers.values().map(|known| known.email.to_lowercase()).collect();
    for row in &rows {
        let email = string_at(row, "email").to_lowercase();
        let complete = !string_at(row, "first_name").is_empty() && !string_at(row, "last_name").is_empty();
        if !email.contains('@') || !complete || emails.contains(&email) {
            return Err(refused("create"));
        }
        emails.push(email);
    }
    let created: Vec<Value> = rows.iter().map(|row| ctx.add_customer(row)).collect();
    Ok(v3(200, &json!(created)))
}

impl Context<'_> {
    /// Adds a customer with addresses and tells hooks; gives the V3 object.
    pub(super) fn add_customer(&mut self, row: &Value) -> Value {
        let id = self.store.next_id("customer", 1);
        let mut customer = Customer::read(id, row, self.now);
        for address in row.get("addresses").and_then(Value::as_array).into_iter().flatten() {
            let address_id = self.store.next_id("customer address", 1);
            customer.addresses.push(Value::Object(address_row(address_id, id, address, Map::new())));
        }
        let shown = customer.to_v3(&["addresses".to_owned(), "formfields".to_owned()]);
        self.store.customers.insert(id, customer);
        self.store.emit("store/customer/created", vec![("type", json!("customer")), ("id", json!(id))], self.now);
        shown
    }
}

fn update(ctx: &mut Context<'_>) -> Reply {
    let rows = batch(ctx)?;
    let known = |row: &Value| int_at(row, "id").filter(|id| ctx.store.customers.contains_key(id));
    let ids: Option<Vec<i64>> = rows.iter().map(known).collect();
    let ids = ids.ok_or_else(|| refused("update"))?;
    let mut shown = Vec::new();
    for (id, row) in ids.into_iter().zip(&rows) {
        if let Some(customer) = ctx.store.customers.get_mut(&id) {
            customer.patch(row, ctx.now);
            shown.push(customer.to_v3(&[]));
        }
        ctx.store.emit("store/customer/updated", vec![("type", json!("customer")), ("id", json!(id))], ctx.now);
    }
    Ok(v3(200, &json!(shown)))
}

fn delete(ctx: &mut Context<'_>) -> Reply {
    let ids = id_list_param(ctx.request, "id:in").ok_or_else(|| v3_error(422, "id:in is required"))?;
    for id in ids {
        if ctx.store.customers.remove(&id).is_some() {
            ctx.store.emit("store/customer/deleted", vec![("type", json!("customer")), ("id", json!(id))], ctx.now);
        }
    }
    Ok(ApiResponse::empty(204))
}
