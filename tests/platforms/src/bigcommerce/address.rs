//! Postal addresses as orders have them (BC §d.2).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The text fields of an order's address.
pub(super) const FIELDS: [&str; 12] =
    ["first_name", "last_name", "company", "street_1", "street_2", "city", "state", "zip", "country", "country_iso2", "phone", "email"];

/// An address; every field is text, absent ones are empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Address {
    fields: BTreeMap<&'static str, String>,
    form_fields: Vec<Value>,
}

impl Address {
    /// Reads the known fields of an object; others are ignored here.
    pub(super) fn read(body: &Value) -> Self {
        let mut address = Self::default();
        address.patch(body);
        address
    }

    /// Takes over the fields that an object has.
    pub(super) fn patch(&mut self, body: &Value) {
        for name in FIELDS {
            match body.get(name) {
                Some(Value::String(text)) => {
                    self.fields.insert(name, text.clone());
                }
                Some(Value::Null) => {
                    self.fields.remove(name);
                }
                _ => {}
            }
        }
        if let Some(Value::Array(rows)) = body.get("form_fields") {
            self.form_fields.clone_from(rows);
        }
    }

    /// One field.
    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Sets one of the known fields if it is empty.
    pub(super) fn fill(&mut self, name: &'static str, value: &str) {
        if self.get(name).is_empty() {
            self.fields.insert(name, value.to_owned());
        }
    }

    /// All fields and `form_fields`.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let mut shown: Map<String, Value> = FIELDS.iter().map(|name| ((*name).to_owned(), json!(self.get(name)))).collect();
        shown.insert("form_fields".to_owned(), json!(self.form_fields));
        shown
    }
}
