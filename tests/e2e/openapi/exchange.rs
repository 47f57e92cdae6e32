//! One call and its answer, as the simulator's ledger has them.

use serde_json::{Value, json};

use super::operations::without_store;

/// One call and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// In capitals.
    pub(crate) method: String,
    /// Behind `/stores/{hash}`.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) request: Option<Value>,
    /// Status and body; none if the call was cut, or its answer made up by a fault rule.
    pub(crate) answer: Option<(u16, Option<Value>)>,
}

impl Exchange {
    /// A line of the ledger.
    pub(crate) fn of_ledger(line: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let status = line["status"].as_u64().map(|status| u16::try_from(status).unwrap());
        let body = |name: &str| Some(line[name].clone()).filter(|body| !body.is_null());
        Self {
            method: text(&line["method"]),
            path: without_store(line["path"].as_str().unwrap()).to_owned(),
            query: line["query"].as_array().unwrap().iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
            request: body("request_body"),
            answer: status.filter(|_| line["fault"].is_null()).map(|status| (status, body("response_body"))),
        }
    }

    /// All lines of a ledger.
    pub(crate) fn all_of_ledger(ledger: &Value) -> Vec<Self> {
        ledger.as_array().unwrap().iter().map(Self::of_ledger).collect()
    }

    /// The path with `{}` for each number in it: the same for all orders.
    pub(crate) fn shape(&self) -> String {
        let shape = |segment: &str| if segment.parse::<u64>().is_ok() { "{}".to_owned() } else { segment.to_owned() };
        self.path.split('/').map(shape).collect::<Vec<_>>().join("/")
    }
}

/// The form of an error that is not described for an operation (BC §0): an array of objects in V2, one object in V3.
pub(super) fn error_form(path: &str) -> Value {
    if path.starts_with("/v2/") {
        let one = json!({ "type": "object", "required": ["status", "message"],
            "properties": { "status": { "type": "integer" }, "message": { "type": "string", "minLength": 1 } } });
        return json!({ "type": "array", "minItems": 1, "items": one });
    }
    json!({ "type": "object", "required": ["status", "title"],
        "properties": { "status": { "type": "integer" }, "title": { "type": "string", "minLength": 1 }, "errors": { "type": "object" } } })
}
