//! Switches for behaviour that the platforms' documentation leaves open.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::message::{ApiRequest, ApiResponse};

/// One switch: its name, the values it can take (the first is the default) and what it decides.
#[derive(Debug, Clone, Copy)]
pub struct SwitchDef {
    /// The name in `/_sim/switches`.
    pub name: &'static str,
    /// Allowed values; the first is the default. `true` and `false` are given and shown as JSON booleans.
    pub values: &'static [&'static str],
    /// What it decides, in plain words.
    pub note: &'static str,
}

/// The switches of one platform with their present values.
#[derive(Debug, Clone)]
pub struct Switches {
    defs: &'static [SwitchDef],
    chosen: BTreeMap<&'static str, &'static str>,
}

impl Switches {
    /// All switches at their defaults.
    #[must_use]
    pub fn new(defs: &'static [SwitchDef]) -> Self {
        Self { defs, chosen: BTreeMap::new() }
    }

    /// The value of a switch; empty for a name that does not exist.
    #[must_use]
    pub fn get(&self, name: &str) -> &'static str {
        if let Some(value) = self.chosen.get(name) {
            return value;
        }
        self.defs.iter().find(|def| def.name == name).and_then(|def| def.values.first()).copied().unwrap_or_default()
    }

    /// Whether a switch stands on `true`.
    #[must_use]
    pub fn on(&self, name: &str) -> bool {
        self.get(name) == "true"
    }

    /// Sets one switch.
    ///
    /// # Errors
    /// Unknown name or value, in plain words with the known ones.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let Some(def) = self.defs.iter().find(|def| def.name == name) else {
            let known: Vec<&str> = self.defs.iter().map(|def| def.name).collect();
            return Err(format!("no switch is called {name:?}; known: {}", known.join(", ")));
        };
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let Some(value) = def.values.iter().find(|known| **known == text) else {
            return Err(format!("switch {name:?} cannot be {text}; known: {}", def.values.join(", ")));
        };
        self.chosen.insert(def.name, value);
        Ok(())
    }

    /// Back to the defaults.
    pub fn reset(&mut self) {
        self.chosen.clear();
    }

    /// Answers `GET` and `POST /_sim/switches`; a POST changes all it names or nothing.
    #[must_use]
    pub fn control(&mut self, request: &ApiRequest) -> ApiResponse {
        if request.method != "POST" {
            return ApiResponse::json(200, &self.to_json());
        }
        let body = match request.control_body() {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let mut next = self.clone();
        for (name, value) in body.as_object().into_iter().flatten() {
            if let Err(why) = next.set(name, value) {
                return ApiResponse::refusal(400, &why);
            }
        }
        *self = next;
        ApiResponse::json(200, &self.to_json())
    }

    fn to_json(&self) -> Value {
        let values: Map<String, Value> = self
            .defs
            .iter()
            .map(|def| {
                let value = match self.get(def.name) {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    text => json!(text),
                };
                (def.name.to_owned(), value)
            })
            .collect();
        Value::Object(values)
    }
}
