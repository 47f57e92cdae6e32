//! A caller of the platform's API, and the store that it calls.

use serde_json::{Value, json};

use super::super::{HASH, Shop, id};
use super::seed;

/// A caller of the platform's API with this store's token.
pub(super) struct Caller<'a> {
    pub(super) shop: &'a Shop,
    /// Ids that paths may name in braces.
    pub(super) ids: Vec<(&'static str, String)>,
}

impl Caller<'_> {
    pub(super) fn know(&mut self, name: &'static str, value: &Value) {
        self.ids.retain(|(known, _)| *known != name);
        self.ids.push((name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }

    pub(super) fn filled(&self, path: &str) -> String {
        self.ids.iter().fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    }

    pub(super) fn id(&self, name: &str) -> u64 {
        self.filled(&format!("{{{name}}}")).parse().unwrap()
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/stores/{HASH}{}", self.shop.sim.url, self.filled(path));
        let request = self.shop.sim.control.request(method.parse().unwrap(), url);
        let request = request.header("X-Auth-Token", &self.shop.token).header("Accept", "application/json");
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// A call that must succeed.
    pub(super) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await
    }

    pub(super) async fn write(&self, method: &str, path: &str, body: Value) -> Value {
        self.call(method, path, Some(body)).await
    }
}

/// A store with something of everything that can be read.
pub(super) async fn seeded(shop: &Shop) -> Caller<'_> {
    let mut caller = Caller { shop, ids: Vec::new() };
    for (name, value) in [("currency", 1), ("tax_class", 0), ("zone", 1), ("method", 1), ("channel", 1), ("location", 1)] {
        caller.know(name, &json!(value));
    }
    let made = shop.act("products", json!({ "sku": "V", "variants": [{ "sku": "V-S", "price": 12, "stock": 3 }, { "sku": "V-L" }] })).await;
    caller.know("product", &made["id"]);
    caller.know("variant", &made["variants"][0]["id"]);
    shop.act("locations", json!({ "code": "LEEDS", "label": "Leeds" })).await;
    shop.act("channels", json!({ "name": "Market", "type": "marketplace", "platform": "amazon" })).await;
    let order = shop.place(seed::full_order()).await;
    caller.know("order", &order["id"]);
    caller.know("line", &order["products"][0]["id"]);
    caller.know("address", &order["shipping_addresses"][0]["id"]);
    let mut unpaid = seed::bare_order();
    unpaid["payment"] = json!("none");
    caller.know("bare", &shop.place(unpaid).await["id"]);
    for from in ["customer", "staff"] {
        shop.act(&format!("orders/{}/message", id(&order["id"])), json!({ "from": from, "message": "When?" })).await;
    }
    caller
}
