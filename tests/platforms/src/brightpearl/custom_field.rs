//! Custom fields: metadata and values (BP §e.7).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::call::Call;
use super::idset;
use super::json::{text, whole};
use super::lists::Lists;
use super::reply::{Answer, Refusal, Reply};
use super::search::Kind;
use super::time;

/// `GET …/custom-field-meta-data[/{ids}]` of an owner (`sale`, `purchase`, `customer`, `supplier`, `product`).
pub fn metadata(call: &Call<'_>, owner: &str, ids: Option<&str>) -> Answer {
    let wanted = ids.map(idset::parse).transpose()?;
    let fields = call.account.lists.custom_fields.get(owner).cloned().unwrap_or_default();
    let shown: Vec<Value> = fields
        .into_iter()
        .filter(|field| wanted.as_ref().is_none_or(|ids| field.get("id").and_then(whole).is_some_and(|id| ids.contains(&id))))
        .collect();
    Reply::data(shown)
}

/// `GET|PATCH …/order/{id}/custom-field`.
pub fn order(call: &mut Call<'_>, id: i64) -> Answer {
    let order = call.account.orders.get(&id).ok_or_else(|| Refusal::bad("ORDC-003", format!("Invalid order id {id}")))?;
    let owner = if matches!(order.kind.as_str(), "PO" | "PC") { "purchase" } else { "sale" };
    let mut values = order.custom.clone();
    if call.method == "PATCH" {
        apply(&call.account.lists, owner, &mut values, call.json()?)?;
        if let Some(order) = call.account.orders.get_mut(&id) {
            order.custom.clone_from(&values);
        }
        call.account.bump(id, call.now);
        call.account.raise("order.modified", id, call.now);
    }
    Reply::data(show(&values))
}

/// `GET|PATCH …/contact/{id}/custom-field`.
pub fn contact(call: &mut Call<'_>, id: i64) -> Answer {
    let contact = call.account.contacts.get(&id).ok_or_else(|| Refusal::missing("No Contact Found"))?;
    let owner = if contact.is_supplier { "supplier" } else { "customer" };
    let mut values = contact.custom.clone();
    if call.method == "PATCH" {
        apply(&call.account.lists, owner, &mut values, call.json()?)?;
        if let Some(contact) = call.account.contacts.get_mut(&id) {
            contact.custom.clone_from(&values);
            contact.updated_on = call.now;
        }
        call.account.touch(Kind::Contact, id);
    }
    Reply::data(show(&values))
}

/// `GET|PATCH …/product/{id}/custom-field`.
pub fn product(call: &mut Call<'_>, id: i64) -> Answer {
    let product = call.account.products.get(&id).ok_or_else(|| Refusal::missing("No Product Found"))?;
    let mut values = product.custom.clone();
    if call.method == "PATCH" {
        apply(&call.account.lists, "product", &mut values, call.json()?)?;
        if let Some(product) = call.account.products.get_mut(&id) {
            product.custom.clone_from(&values);
            product.updated_on = call.now;
        }
        call.account.touch(Kind::Product, id);
        call.account.raise("product.modified", id, call.now);
    }
    Reply::data(show(&values))
}

/// Values as they are answered: a text that looks like a number comes back as a number (BP §e.7).
pub fn show(values: &BTreeMap<String, Value>) -> Value {
    let shown = values.iter().map(|(code, value)| {
        let number = value.as_str().filter(|text| !text.is_empty() && text.len() < 16 && text.bytes().all(|byte| byte.is_ascii_digit()));
        (code.clone(), number.and_then(|text| text.parse::<i64>().ok()).map_or_else(|| value.clone(), |number| json!(number)))
    });
    Value::Object(shown.collect::<Map<_, _>>())
}

/// Applies a JSON patch to custom field values.
///
/// # Errors
/// 500 for a wrong JSON type, CMNC-044 for an operation that does not fit, 400 for an unknown field or option.
pub fn apply(lists: &Lists, owner: &str, values: &mut BTreeMap<String, Value>, patch: &Value) -> Result<(), Refusal> {
    for operation in patch.as_array().ok_or_else(Refusal::internal)? {
        let op = text(operation, "op")?.unwrap_or_default();
        let path = text(operation, "path")?.unwrap_or_default();
        let code = path.trim_start_matches('/');
        let field = lists.custom_field(owner, code).ok_or_else(|| Refusal::bad("ORDC-999", format!("Custom field {code} does not exist")))?;
        let wrong = || Refusal::server("CMNC-044", format!("Invalid patch operation ({op}) for given path ({path})"));
        match op.as_str() {
            "remove" => {
                values.remove(code).ok_or_else(wrong)?;
            }
            "replace" if !values.contains_key(code) => return Err(wrong()),
            "add" | "replace" => {
                let value = operation.get("value").ok_or_else(Refusal::internal)?;
                values.insert(code.to_owned(), checked(field, value)?);
            }
            _ => return Err(wrong()),
        }
    }
    Ok(())
}

fn checked(field: &Value, value: &Value) -> Result<Value, Refusal> {
    let kind = text(field, "customFieldType")?.unwrap_or_default().to_uppercase().replace('_', "");
    match kind.as_str() {
        "SELECT" => {
            let id = value.get("id").and_then(whole).ok_or_else(Refusal::internal)?;
            let option = field.get("options").and_then(|options| options.get(id.to_string()));
            option.cloned().ok_or_else(|| Refusal::bad("ORDC-999", format!("Option {id} does not exist")))
        }
        "YESNO" => value.as_bool().map(|flag| json!(flag)).ok_or_else(Refusal::internal),
        "INTEGER" => value.as_i64().map(|number| json!(number)).ok_or_else(Refusal::internal),
        "DATE" => value.as_str().filter(|text| time::parse(text).is_some()).map(|text| json!(text)).ok_or_else(Refusal::internal),
        _ => value.as_str().map(|text| json!(text)).ok_or_else(Refusal::internal),
    }
}
