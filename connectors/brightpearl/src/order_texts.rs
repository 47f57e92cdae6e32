//! Custom fields of sales orders and notes on them (BP §e.7).

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::NewOrderNote;
use orderbridge_schema::facts::PersonalText;
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::order_text::{FieldValue, FieldWrite, OrderNote};
use orderbridge_schema::work::Share;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, place};
use crate::{lenient, reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotePayload {
    #[serde(default, alias = "id", deserialize_with = "lenient::whole")]
    note_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    text: String,
}

/// `add` sets a field whether it holds something or not; `replace` fails on an empty one (BP §e.7).
fn operation(field: &FieldWrite) -> Value {
    let path = format!("/{}", field.code);
    let value = match &field.value {
        FieldValue::Cleared => return json!({ "op": "remove", "path": path }),
        FieldValue::Text(text) => json!(text.expose()),
        FieldValue::Choice(id) => json!({ "id": id }),
        FieldValue::Number(number) => json!(number),
        FieldValue::YesNo(yes) => json!(yes),
        // A day alone is taken for midnight in UTC, which is the day before in many places (BP §a.2).
        FieldValue::Day(day) => json!(format!("{day}T12:00:00Z")),
    };
    json!({ "op": "add", "path": path, "value": value })
}

/// Whether a field holds what it was set to, however Brightpearl spells it: a text of digits comes back as a number (BP §e.7).
fn holds(present: Option<&Value>, wanted: &FieldValue) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let present = present.filter(|value| !value.is_null());
    match wanted {
        FieldValue::Cleared => present.is_none_or(|value| value.as_str().is_some_and(str::is_empty)),
        FieldValue::Text(wanted) => present.and_then(text).is_some_and(|text| same(&text, wanted.expose())),
        FieldValue::Number(wanted) => present.and_then(text).is_some_and(|text| text.trim() == wanted.to_string()),
        FieldValue::YesNo(wanted) => present.and_then(text).is_some_and(|text| is_yes(&text) == *wanted),
        FieldValue::Day(day) => present.and_then(text).is_some_and(|text| text.starts_with(day.as_str())),
        FieldValue::Choice(id) => present.and_then(|value| value.get("id")).and_then(text).is_some_and(|text| text == id.to_string()),
    }
}

fn is_yes(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "y")
}

/// Two texts, of which one may have been read as a number meanwhile.
fn same(present: &str, wanted: &str) -> bool {
    let (present, wanted) = (PersonalText::from(present).normalised(), PersonalText::from(wanted).normalised());
    let number = |text: &PersonalText| text.expose().parse::<rust_decimal::Decimal>().ok();
    present == wanted || number(&present).is_some_and(|present| number(&wanted) == Some(present))
}

impl Client {
    /// Sets custom fields of a sales order, all in one call. One that holds nothing cannot be cleared (BP §e.7).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn set_order_fields(&self, order: SalesOrderId, fields: &[FieldWrite], guard: SendGuard) -> Result<(), CallError> {
        let id = order.to_string();
        let segments = ["order-service", "order", &id, "custom-field"];
        let operations = Value::Array(fields.iter().map(operation).collect());
        self.send(Method::Patch, place(&segments, "/order-service/order/{id}/custom-field"), Some(&operations), guard).await.map(drop)
    }

    /// Whether a sales order's custom fields hold what they were set to.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn has_order_fields(&self, order: SalesOrderId, fields: &[FieldWrite], share: Share) -> Result<bool, CallError> {
        let present = self.order_fields(order, share).await?;
        Ok(fields.iter().all(|field| holds(present.get(&field.code), &field.value)))
    }

    /// Which of these custom fields of a sales order hold nothing.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn empty_order_fields(&self, order: SalesOrderId, codes: &BTreeSet<String>, share: Share) -> Result<BTreeSet<String>, CallError> {
        let present = self.order_fields(order, share).await?;
        Ok(codes.iter().filter(|code| holds(present.get(*code), &FieldValue::Cleared)).cloned().collect())
    }

    async fn order_fields(&self, order: SalesOrderId, share: Share) -> Result<BTreeMap<String, Value>, CallError> {
        let id = order.to_string();
        let answer = self.get(place(&["order-service", "order", &id, "custom-field"], "/order-service/order/{id}/custom-field"), share).await?;
        if reply::is_empty(&answer) {
            return Ok(BTreeMap::new());
        }
        match reply::response::<Value>(&answer, "the custom fields")? {
            Value::Object(fields) => Ok(fields.into_iter().collect()),
            _ => Ok(BTreeMap::new()),
        }
    }

    /// All notes on a sales order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn order_notes(&self, order: SalesOrderId, share: Share) -> Result<Vec<OrderNote>, CallError> {
        let id = order.to_string();
        let notes: Vec<NotePayload> = self.list(place(&["order-service", "order", &id, "note"], "/order-service/order/{id}/note"), share).await?;
        Ok(notes.into_iter().map(|note| OrderNote { id: note.note_id, text: note.text.into() }).collect())
    }

    /// Adds a note that the customer does not see. `None`: it is there, but the reply does not name it.
    ///
    /// # Errors
    /// [`CallError`]; after `Uncertain` it may be there, and a second one would stand beside it.
    pub async fn add_order_note(&self, note: &NewOrderNote, guard: SendGuard) -> Result<Option<u64>, CallError> {
        let id = note.sales_order.to_string();
        let body = json!({ "text": note.text.expose(), "isPublic": false });
        let segments = ["order-service", "order", &id, "note"];
        let answer = self.send(Method::Post, place(&segments, "/order-service/order/{id}/note"), Some(&body), guard).await?;
        reply::created_id(&answer, "a new order note")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::order_text::{TextDigest, TextSource};

    fn write(value: FieldValue) -> FieldWrite {
        FieldWrite { source: TextSource::CustomerMessage, code: "PCF_A".into(), value, digest: TextDigest("d".into()) }
    }

    #[test]
    fn each_kind_is_written_as_brightpearl_wants_it() {
        for (value, wanted) in [
            (FieldValue::Text("2 boxes".into()), json!("2 boxes")),
            (FieldValue::Choice(64), json!({"id": 64})),
            (FieldValue::Number(-3), json!(-3)),
            (FieldValue::YesNo(true), json!(true)),
            (FieldValue::Day("2026-03-06".into()), json!("2026-03-06T12:00:00Z")),
        ] {
            assert_eq!(operation(&write(value)), json!({"op": "add", "path": "/PCF_A", "value": wanted}));
        }
        assert_eq!(operation(&write(FieldValue::Cleared)), json!({"op": "remove", "path": "/PCF_A"}));
    }

    #[test]
    fn what_comes_back_is_compared_whatever_its_spelling() {
        let text = |text: &str| FieldValue::Text(text.into());
        for (present, wanted) in [
            (json!(1_234_567_890), text("1234567890")),
            (json!(12.5), text("12.50")),
            (json!("a\r\nb "), text("a\nb")),
            (json!({"id": 64, "value": "North"}), FieldValue::Choice(64)),
            (json!("7"), FieldValue::Number(7)),
            (json!("true"), FieldValue::YesNo(true)),
            (json!(false), FieldValue::YesNo(false)),
            (json!("2026-03-06T12:00:00.000+00:00"), FieldValue::Day("2026-03-06".into())),
            (json!(null), FieldValue::Cleared),
            (json!(""), FieldValue::Cleared),
        ] {
            assert!(holds(Some(&present), &wanted), "{present}");
        }
        assert!(holds(None, &FieldValue::Cleared));
        for (present, wanted) in [
            (json!("other"), text("words")),
            (json!({"id": 65}), FieldValue::Choice(64)),
            (json!("x"), FieldValue::Cleared),
            (json!(8), FieldValue::Number(7)),
        ] {
            assert!(!holds(Some(&present), &wanted), "{present}");
        }
        assert!(!holds(None, &text("words")));
    }
}
