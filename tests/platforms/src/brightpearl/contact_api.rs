//! The contact service (BP §f).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::IdKind;
use super::call::Call;
use super::contact::{Address, Contact, name};
use super::custom_field;
use super::idset;
use super::json::{at, flag, int, object, set, text};
use super::reply::{Answer, Refusal, Reply};
use super::search::{self, Kind};

/// Contacts per page (BP §a.6).
const PAGE: usize = 200;

/// Handles a request to `contact-service`.
pub fn handle(call: &mut Call<'_>) -> Answer {
    let segments = call.path.clone();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.clone().as_str(), path.as_slice()) {
        ("GET", ["contact-search"]) => search::answer(call, Kind::Contact, "contact-search"),
        ("GET", ["contact-search", "meta-data"]) => search::meta_data(Kind::Contact, "contact-search"),
        ("GET", ["contact"]) => read(call, None),
        ("GET", ["contact", ids]) => read(call, Some(ids)),
        ("OPTIONS", ["contact", ids]) => {
            let found: Vec<i64> = idset::parse(ids)?.into_iter().filter(|id| call.account.contacts.contains_key(id)).collect();
            Reply::data(json!({ "getUris": idset::uris("/contact", &found, PAGE) }))
        }
        ("POST", ["contact"]) => create(call),
        ("PATCH", ["contact", id]) => patch(call, Call::id(id)?),
        ("PUT", ["contact", id, "postal-address"]) => put_addresses(call, Call::id(id)?),
        ("POST", ["postal-address"]) => create_address(call),
        ("GET", ["postal-address", ids]) => read_addresses(call, ids),
        ("GET" | "PATCH", ["contact", id, "custom-field"]) => custom_field::contact(call, Call::id(id)?),
        ("GET", [owner @ ("customer" | "supplier"), "custom-field-meta-data"]) => custom_field::metadata(call, owner, None),
        ("GET", [owner @ ("customer" | "supplier"), "custom-field-meta-data", ids]) => custom_field::metadata(call, owner, Some(ids)),
        ("GET", ["company"]) => companies(call, None),
        ("GET", ["company", ids]) => companies(call, Some(ids)),
        ("GET", ["lead-source"]) => Reply::data(call.account.lists.lead_sources.clone()),
        ("GET", ["project"]) => Reply::data(call.account.lists.projects.clone()),
        ("GET", ["contact-group"]) => Reply::data(call.account.lists.contact_groups.clone()),
        ("GET", ["tag"]) => {
            let tags = call.account.lists.tags.iter().map(|tag| (tag.get("tagId").map(Value::to_string).unwrap_or_default(), tag.clone()));
            Reply::data(Value::Object(tags.collect()))
        }
        _ => Err(Refusal::unknown_path()),
    }
}

/// 200 contacts at most; `firstResult` (from 1) and `pageSize` turn the pages.
fn read(call: &Call<'_>, ids: Option<&str>) -> Answer {
    let account = &*call.account;
    let found: Vec<&Contact> = match ids {
        Some(ids) => idset::parse(ids)?.iter().filter_map(|id| account.contacts.get(id)).collect(),
        None => account.contacts.values().collect(),
    };
    if found.is_empty() {
        return Err(Refusal::missing("No Contact Found"));
    }
    let (first, size) = (natural(call, "firstResult", 1)?, natural(call, "pageSize", PAGE)?.min(PAGE));
    let page = found.iter().skip(first - 1).take(size);
    let shown: Vec<Value> = page.map(|contact| contact.view(account, call.includes("customFields"), call.includes("postalAddresses"))).collect();
    let (count, last) = (shown.len(), first - 1 + shown.len());
    Ok(Reply {
        status: 200,
        body: json!({"response": shown,
            "pagination": {"morePagesAvailable": found.len() > last, "resultsReturned": count, "firstResult": first, "lastResult": last},
            "sorting": [{"field": "contactId", "direction": "ASC"}]}),
    })
}

fn natural(call: &Call<'_>, name: &str, default: usize) -> Result<usize, Refusal> {
    let Some(text) = call.query(name) else { return Ok(default) };
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| Refusal::bad("CMNC-999", format!("{name} must be a positive number")))
}

fn address_id(call: &Call<'_>, value: &Value, path: &str) -> Result<Option<i64>, Refusal> {
    let id = int(value, path)?;
    match id {
        Some(id) if !call.account.addresses.contains_key(&id) => Err(Refusal::bad("CTCC-999", format!("Postal address {id} does not exist"))),
        _ => Ok(id),
    }
}

fn words(value: &Value, path: &str, suffix: &str, allowed: &[&str]) -> Result<BTreeMap<String, String>, Refusal> {
    let mut found = BTreeMap::new();
    for (role, entry) in object(value, path)?.and_then(Value::as_object).into_iter().flatten() {
        if !allowed.contains(&role.as_str()) {
            return Err(Refusal::bad("CTCC-999", format!("{role} is not a valid type for {path}")));
        }
        let word = if suffix.is_empty() { entry.as_str().map(str::to_owned) } else { text(entry, suffix)? };
        found.insert(role.clone(), word.ok_or_else(Refusal::internal)?);
    }
    Ok(found)
}

fn create(call: &mut Call<'_>) -> Answer {
    let body = call.json()?.clone();
    let first_name = name(text(&body, "firstName")?, "firstName", call.switches)?;
    let last_name = name(text(&body, "lastName")?, "lastName", call.switches)?;
    if first_name.is_empty() && last_name.is_empty() {
        return Err(Refusal::bad("CTCC-999", "A contact needs a first or a last name"));
    }
    let mut addresses = BTreeMap::new();
    for role in ["DEF", "BIL", "DEL"] {
        if let Some(id) = address_id(call, &body, &format!("postAddressIds.{role}"))? {
            addresses.insert(role.to_owned(), id);
        }
    }
    let Some(default) = addresses.get("DEF").copied() else {
        return Err(Refusal::bad("CTCC-999", "postAddressIds.DEF is required"));
    };
    addresses.entry("BIL".to_owned()).or_insert(default);
    addresses.entry("DEL".to_owned()).or_insert(default);
    let emails = words(&body, "communication.emails", "email", &["PRI", "SEC", "TER"])?;
    if let Some(wrong) = emails.values().find(|email| !email.is_empty() && !email.contains('@')) {
        return Err(Refusal::bad("CTCC-999", format!("{wrong} is not a valid email address")));
    }
    let telephones = words(&body, "communication.telephones", "", &["PRI", "SEC", "MOB", "FAX"])?;
    let financial = financial(call, &body)?;
    let company = text(&body, "organisation.name")?.unwrap_or_default();
    let is_supplier = flag(&body, "relationshipToAccount.isSupplier")?.unwrap_or(false);
    let is_staff = flag(&body, "relationshipToAccount.isStaff")?.unwrap_or(false);
    let (company_id, is_primary) = join_company(call, &company, &mut addresses);
    let part = |path: &str| at(&body, path).cloned().unwrap_or_else(|| json!({}));
    let id = call.account.next_id(IdKind::Contact);
    let contact = Contact {
        id,
        salutation: text(&body, "salutation")?.unwrap_or_default(),
        first_name,
        last_name,
        addresses,
        emails,
        telephones,
        is_primary,
        is_supplier,
        is_staff,
        company_id,
        financial,
        assignment: part("assignment.current"),
        marketing: part("marketingDetails"),
        tags: Vec::new(),
        custom: BTreeMap::new(),
        created_on: call.now,
        updated_on: call.now,
        last_ordered_on: None,
        created_by: call.actor.contact,
    };
    call.account.contacts.insert(id, contact);
    call.account.touch(Kind::Contact, id);
    Reply::data(id)
}

fn financial(call: &Call<'_>, body: &Value) -> Result<Value, Refusal> {
    let mut financial = object(body, "financialDetails")?.cloned().unwrap_or_else(|| json!({}));
    let lists = &call.account.lists;
    let price_list = int(&financial, "priceListId")?.unwrap_or_else(|| lists.config_id("defaultSellPriceListId"));
    if !super::lists::Lists::has(&lists.price_lists, "id", price_list) {
        return Err(Refusal::bad("CTCC-999", format!("Price list {price_list} does not exist")));
    }
    let base = lists.currency(&call.account.base_currency).and_then(|entry| int(entry, "id").ok().flatten()).unwrap_or(1);
    let currency = int(&financial, "currencyId")?.unwrap_or(base);
    if !super::lists::Lists::has(&lists.currencies, "id", currency) {
        return Err(Refusal::bad("CTCC-999", format!("Currency {currency} does not exist")));
    }
    set(&mut financial, "priceListId", json!(price_list));
    set(&mut financial, "currencyId", json!(currency));
    Ok(financial)
}

/// A contact with the name of an existing company joins it as a secondary one and inherits its addresses (BP §f).
fn join_company(call: &mut Call<'_>, company: &str, addresses: &mut BTreeMap<String, i64>) -> (i64, bool) {
    if company.is_empty() {
        return (0, true);
    }
    let known = call.account.companies.iter().find(|(_, (name, _))| name.eq_ignore_ascii_case(company)).map(|(id, _)| *id);
    let Some(id) = known else {
        let id = call.account.next_id(IdKind::Company);
        call.account.companies.insert(id, (company.to_owned(), call.now));
        return (id, true);
    };
    let primary = call.account.contacts.values().find(|contact| contact.company_id == id && contact.is_primary);
    for role in ["BIL", "DEL"] {
        if let Some(inherited) = primary.and_then(|contact| contact.addresses.get(role)) {
            addresses.insert(role.to_owned(), *inherited);
        }
    }
    (id, primary.is_none())
}

fn patch(call: &mut Call<'_>, id: i64) -> Answer {
    let operations = call.json()?.as_array().cloned().ok_or_else(Refusal::internal)?;
    let mut contact = call.account.contacts.get(&id).cloned().ok_or_else(|| Refusal::missing("No Contact Found"))?;
    for operation in &operations {
        let path = text(operation, "path")?.unwrap_or_default();
        let op = text(operation, "op")?.unwrap_or_default();
        let value = text(operation, "value")?;
        if !matches!(op.as_str(), "replace" | "add") {
            return Err(Refusal::server("CMNC-044", format!("Invalid patch operation ({op}) for given path ({path})")));
        }
        let role = path.rsplit('/').find(|part| *part != "email").unwrap_or_default().to_owned();
        match path.as_str() {
            "/firstName" => contact.first_name = name(value, "firstName", call.switches)?,
            "/lastName" => contact.last_name = name(value, "lastName", call.switches)?,
            "/salutation" => contact.salutation = value.unwrap_or_default(),
            "/communication/emails/PRI/email" | "/communication/emails/SEC/email" | "/communication/emails/TER/email" => {
                contact.emails.insert(role, value.unwrap_or_default());
            }
            "/communication/telephones/PRI" | "/communication/telephones/SEC" | "/communication/telephones/MOB" | "/communication/telephones/FAX" => {
                contact.telephones.insert(role, value.unwrap_or_default());
            }
            "/financialDetails/priceListId" => set(&mut contact.financial, "priceListId", json!(int(operation, "value")?)),
            "/assignment/current/accountReference" => set(&mut contact.assignment, "accountReference", json!(value)),
            _ => {
                return Err(Refusal::server("CMNC-044", format!("Invalid patch operation ({op}) for given path ({path})")));
            }
        }
    }
    contact.updated_on = call.now;
    let view = contact.view(call.account, false, false);
    call.account.contacts.insert(id, contact);
    call.account.touch(Kind::Contact, id);
    Reply::data(view)
}

fn put_addresses(call: &mut Call<'_>, id: i64) -> Answer {
    let entries = call.json()?.as_array().cloned().ok_or_else(Refusal::internal)?;
    let mut changes = Vec::new();
    for entry in &entries {
        let role = text(entry, "type")?.filter(|role| ["DEF", "BIL", "DEL"].contains(&role.as_str()));
        let role = role.ok_or_else(|| Refusal::bad("CTCC-999", "type must be DEF, BIL or DEL"))?;
        let address = address_id(call, entry, "postalAddressId")?.ok_or_else(|| Refusal::bad("CTCC-999", "postalAddressId is required"))?;
        changes.push((role, address));
    }
    let contact = call.account.contacts.get_mut(&id).ok_or_else(|| Refusal::missing("No Contact Found"))?;
    contact.addresses.extend(changes);
    contact.updated_on = call.now;
    call.account.touch(Kind::Contact, id);
    Reply::done()
}

fn create_address(call: &mut Call<'_>) -> Answer {
    let body = call.json()?.clone();
    let address = Address::read(&body, "CTCC-999")?;
    if address.lines.first().is_none_or(String::is_empty) {
        return Err(Refusal::bad("CTCC-999", "addressLine1 is required"));
    }
    if address.country.is_none() {
        return Err(Refusal::bad("CTCC-999", "countryIsoCode is required"));
    }
    let id = call.account.next_id(IdKind::Address);
    call.account.addresses.insert(id, address);
    Reply::data(id)
}

fn read_addresses(call: &Call<'_>, ids: &str) -> Answer {
    let wanted = idset::parse_capped(ids, PAGE)?;
    let found: Vec<Value> = wanted.iter().filter_map(|id| call.account.addresses.get(id).map(|address| address.postal_view(*id))).collect();
    if found.is_empty() {
        return Err(Refusal::missing("No postal address found"));
    }
    Reply::data(found)
}

fn companies(call: &Call<'_>, ids: Option<&str>) -> Answer {
    let wanted = ids.map(idset::parse).transpose()?;
    let shown: Vec<Value> = call
        .account
        .companies
        .iter()
        .filter(|(id, _)| wanted.as_ref().is_none_or(|ids| ids.contains(id)))
        .map(|(id, (name, at))| json!({"id": id, "name": name, "createdOn": call.account.show(*at), "updatedOn": call.account.show(*at)}))
        .collect();
    Reply::data(shown)
}
