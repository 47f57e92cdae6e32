//! Making accounts and installations, and spoiling tokens.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::Rng;
use serde_json::{Value, json};

use super::{Desk, Done, bad, catalogue, views};
use crate::brightpearl::Brightpearl;
use crate::brightpearl::account::{Account, IdKind};
use crate::brightpearl::installation::{ACCESS_SECONDS, Installation, token};
use crate::brightpearl::json::{array, int, set, text};
use crate::brightpearl::lists::generated;
use crate::brightpearl::reply::Refusal;
use crate::brightpearl::time::{later, parse_offset};

/// `POST /_sim/accounts`: everything is optional; the answer names all ids and tokens.
pub fn create(platform: &mut Brightpearl, body: &Value, now: Timestamp) -> Done {
    let code = text(body, "code")?.unwrap_or_else(|| format!("account{}", platform.accounts.len() + 1));
    if code.is_empty() || !code.chars().all(|one| one.is_ascii_alphanumeric()) {
        return Err(bad("an account code has letters and digits only"));
    }
    if platform.accounts.contains_key(&code) {
        return Err(Refusal { status: 409, code: "SIM".to_owned(), message: format!("there is an account {code} already") });
    }
    let mut account = Account::new(&code, platform.seed);
    account.base_currency = text(body, "base_currency")?.unwrap_or_else(|| "GBP".to_owned());
    account.datacenter = text(body, "datacenter")?.unwrap_or_else(|| "euw1".to_owned());
    account.api_domain = text(body, "api_domain")?;
    account.zone = zone(body)?;
    account.lists = generated(&account.base_currency);
    lists(&mut account, body)?;
    let offset = account.show(now);
    account.lists.configuration.insert("timeZone".to_owned(), text(body, "time_zone")?.unwrap_or_else(|| offset.chars().skip(23).collect()));
    let mut desk = Desk { account: &mut account, switches: &platform.switches, now };
    staff(&mut desk, body)?;
    let installations = array(body, "installations")?;
    if installations.is_empty() {
        install(&mut desk, &json!({}))?;
    }
    for one in installations {
        install(&mut desk, one)?;
    }
    if let Some(products) = body.get("products") {
        catalogue::products(&mut desk, &if products.is_array() { json!({ "products": products }) } else { products.clone() })?;
    }
    for contact in array(body, "contacts")? {
        catalogue::contact(&mut desk, contact)?;
    }
    let view = views::account(&account);
    platform.accounts.insert(code.clone(), account);
    platform.settle(&code, now);
    Ok(view)
}

fn zone(body: &Value) -> Result<TimeZone, Refusal> {
    if let Some(name) = text(body, "time_zone")? {
        return TimeZone::get(&name).map_err(|_ignored| bad(&format!("{name} is not a known time zone")));
    }
    match text(body, "offset")? {
        Some(offset) => parse_offset(&offset).map(TimeZone::fixed).ok_or_else(|| bad("offset must look like -06:00")),
        None => Ok(TimeZone::UTC),
    }
}

/// Replaces reference lists that the body gives and merges the configuration.
fn lists(account: &mut Account, body: &Value) -> Result<(), Refusal> {
    let lists = &mut account.lists;
    for (name, slot) in [
        ("currencies", &mut lists.currencies),
        ("tax_codes", &mut lists.tax_codes),
        ("nominal_codes", &mut lists.nominal_codes),
        ("channels", &mut lists.channels),
        ("warehouses", &mut lists.warehouses),
        ("price_lists", &mut lists.price_lists),
        ("order_statuses", &mut lists.order_statuses),
        ("shipping_methods", &mut lists.shipping_methods),
        ("payment_methods", &mut lists.payment_methods),
        ("lead_sources", &mut lists.lead_sources),
        ("projects", &mut lists.projects),
        ("tags", &mut lists.tags),
        ("contact_groups", &mut lists.contact_groups),
    ] {
        if let Some(given) = body.get(name) {
            *slot = given.as_array().cloned().ok_or_else(|| bad(&format!("{name} must be a list")))?;
        }
    }
    for (owner, fields) in body.get("custom_fields").and_then(Value::as_object).into_iter().flatten() {
        lists.custom_fields.insert(owner.clone(), fields.as_array().cloned().ok_or_else(|| bad("custom_fields holds lists by owner"))?);
    }
    for (key, value) in body.get("configuration").and_then(Value::as_object).into_iter().flatten() {
        lists.configuration.insert(key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    if body.get("warehouses").is_some() {
        let ids: Vec<i64> = lists.warehouses.iter().filter_map(|one| one.get("id").and_then(Value::as_i64)).collect();
        lists.locations = ids.iter().map(|id| (*id, vec![*id, id * 100 + 1, id * 100 + 2])).collect();
        if let Some(first) = ids.first() {
            lists.configuration.insert("defaultWarehouseId".to_owned(), first.to_string());
        }
    }
    for (warehouse, all) in body.get("locations").and_then(Value::as_object).into_iter().flatten() {
        let ids: Option<Vec<i64>> = all.as_array().map(|all| all.iter().filter_map(Value::as_i64).collect());
        lists.locations.insert(super::id(warehouse)?, ids.ok_or_else(|| bad("locations holds lists of ids by warehouse"))?);
    }
    Ok(())
}

/// One staff contact always has id 4; further ones come from the body.
fn staff(desk: &mut Desk<'_>, body: &Value) -> Result<(), Refusal> {
    catalogue::contact(desk, &json!({"id": 4, "first_name": "Sam", "last_name": "Staff", "email": "sam.staff@example.com", "is_staff": true}))?;
    for one in array(body, "staff")? {
        let mut one = one.clone();
        set(&mut one, "is_staff", json!(true));
        catalogue::contact(desk, &one)?;
    }
    Ok(())
}

fn install(desk: &mut Desk<'_>, body: &Value) -> Result<Value, Refusal> {
    let instance_id = int(body, "installation_instance_id")?.unwrap_or_else(|| desk.account.next_id(IdKind::Instance));
    if desk.account.installations.iter().any(|one| one.instance_id == instance_id) {
        return Err(bad(&format!("there is an installation {instance_id} already")));
    }
    desk.account.reserve_id(IdKind::Instance, instance_id);
    let rng = &mut desk.account.rng;
    let (access, refresh) = (token(rng), token(rng));
    let secret: [u8; 16] = rng.random();
    let app_ref = text(body, "app_ref")?.unwrap_or_else(|| "connector-app".to_owned());
    let public = body.get("public").and_then(Value::as_bool).unwrap_or(false);
    let installation = Installation {
        instance_id,
        integration_id: int(body, "integration_id")?.unwrap_or(instance_id - 28),
        name: text(body, "name")?.unwrap_or_else(|| format!("{app_ref} {instance_id}")),
        dev_ref: text(body, "dev_ref")?.unwrap_or_else(|| "connector-dev".to_owned()),
        client_secret: if public { None } else { Some(text(body, "client_secret")?.unwrap_or_else(|| hex::encode(secret))) },
        redirect_uri: text(body, "redirect_uri")?.unwrap_or_default(),
        access_token: text(body, "access_token")?.unwrap_or(access),
        expires_at: later(desk.now, int(body, "expires_in")?.unwrap_or(ACCESS_SECONDS) * 1000),
        revoked: false,
        refresh_token: text(body, "refresh_token")?.unwrap_or(refresh),
        old_refresh_tokens: Vec::new(),
        generation: 1,
        codes: BTreeMap::new(),
        private_token: text(body, "private_token")?,
        app_ref,
    };
    let view = installation.view();
    desk.account.installations.push(installation);
    Ok(view)
}

/// `POST …/installations` and `POST …/tokens`.
pub fn handle(desk: &mut Desk<'_>, method: &str, rest: &[&str], body: &Value) -> Option<Done> {
    match (method, rest) {
        ("POST", ["installations"]) => Some(install(desk, body)),
        ("POST", ["tokens"]) => Some(tokens(desk, body)),
        ("POST", ["configuration"]) => Some(lists(desk.account, body).map(|()| views::account(desk.account))),
        _ => None,
    }
}

/// Expires, revokes, restores or replaces the tokens of an installation (of all if none is named).
fn tokens(desk: &mut Desk<'_>, body: &Value) -> Done {
    let wanted = int(body, "installation_instance_id")?;
    let action = text(body, "action")?.unwrap_or_default();
    let now = desk.now;
    let Account { installations, rng, .. } = &mut *desk.account;
    let mut views = Vec::new();
    for one in installations.iter_mut().filter(|one| wanted.is_none_or(|id| one.instance_id == id)) {
        match action.as_str() {
            "expire" => one.expires_at = now,
            "revoke" => one.revoked = true,
            "restore" => one.revoked = false,
            "replace" => {
                one.renew(rng, now);
                one.refresh_token = token(rng);
                one.old_refresh_tokens.clear();
                one.revoked = false;
            }
            _ => return Err(bad("action must be expire, revoke, restore or replace")),
        }
        views.push(one.view());
    }
    if views.is_empty() { Err(bad("there is no such installation")) } else { Ok(json!({ "installations": views })) }
}
