//! The simulators' ledgers: which calls were made, and when a webhook became an effect.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::api::Api;
use crate::installation::Platforms;
use crate::stats::Latencies;

/// One API call.
#[derive(Debug, Clone, Deserialize)]
pub struct Call {
    /// When it arrived.
    pub at: Timestamp,
    method: String,
    path: String,
    #[serde(default)]
    query: Vec<(String, String)>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    request_body: Option<Value>,
}

/// One webhook post.
#[derive(Debug, Clone, Deserialize)]
pub struct Delivery {
    /// When its receiver had answered.
    pub at: Timestamp,
    /// Store hash or account code.
    pub tenant: String,
    event: String,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    answer: Option<u16>,
}

/// How often each kind of call was made.
pub type Kinds = BTreeMap<String, u64>;

/// Calls that fit a filter.
pub async fn calls(api: &Api, filter: &str) -> anyhow::Result<Vec<Call>> {
    Ok(serde_json::from_value(api.look(&format!("ledger/calls?{filter}")).await?)?)
}

/// Webhooks of orders that were taken in.
pub async fn order_deliveries(api: &Api) -> anyhow::Result<Vec<Delivery>> {
    let all: Vec<Delivery> = serde_json::from_value(api.look("ledger/deliveries?event=order").await?)?;
    Ok(all.into_iter().filter(|delivery| delivery.answer.is_some_and(|status| (200..300).contains(&status))).collect())
}

impl Call {
    /// Method and path with what differs from call to call left out, and the names of the parameters.
    pub fn kind(&self) -> String {
        let mut parts = self.path.split('/').filter(|part| !part.is_empty()).peekable();
        if parts.peek().is_some_and(|first| ["stores", "public-api"].contains(first)) {
            parts.nth(1);
        }
        let is_id =
            |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b',' || byte == b'-') && part.bytes().any(|b| b.is_ascii_digit());
        let path: Vec<&str> = parts.map(|part| if is_id(part) { if part.contains([',', '-']) { "{ids}" } else { "{id}" } } else { part }).collect();
        let mut names: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let query = if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
        format!("{} /{}{query}", self.method, path.join("/"))
    }

    /// Whether it was refused because there were too many.
    pub const fn is_throttled(&self) -> bool {
        matches!(self.status, Some(429 | 503))
    }

    /// The key of the sales order that it makes, if it makes one.
    pub fn makes(&self) -> Option<&str> {
        let fits = self.method == "POST" && self.path.contains("/order-service/sales-order") && self.status == Some(200);
        self.request_body.as_ref().filter(|_| fits)?.get("externalRef")?.as_str()
    }
}

/// Counts calls by kind.
pub fn kinds(calls: &[Call]) -> Kinds {
    let mut kinds = Kinds::new();
    for call in calls {
        *kinds.entry(call.kind()).or_default() += 1;
    }
    kinds
}

/// An order's way: from its first webhook, answered with a yes, to its sales order.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// When the first webhook about it had been taken in.
    pub event: Timestamp,
    /// When the call arrived that made the sales order.
    pub effect: Timestamp,
}

impl Way {
    /// How long it took.
    pub fn milliseconds(&self) -> f64 {
        self.effect.duration_since(self.event).as_secs_f64() * 1e3
    }
}

/// The ways of all orders that have become sales orders, by the sales order's key.
pub async fn ways(platforms: &Platforms) -> anyhow::Result<HashMap<String, Way>> {
    let mut events: HashMap<String, Timestamp> = HashMap::new();
    for delivery in order_deliveries(&platforms.bigcommerce).await? {
        let order = delivery.body.as_ref().and_then(|body| ["/data/id", "/data/order_id"].iter().find_map(|at| body.pointer(at)?.as_u64()));
        let Some(order) = order.filter(|_| delivery.event.starts_with("store/")) else { continue };
        let first = events.entry(format!("bc-{}-{order}", delivery.tenant)).or_insert(delivery.at);
        *first = (*first).min(delivery.at);
    }
    let made = calls(&platforms.brightpearl, "method=POST&path=/order-service/sales-order").await?;
    let way = |call: &Call| {
        let key = call.makes()?;
        Some((key.to_owned(), Way { event: *events.get(key)?, effect: call.at }))
    };
    Ok(made.iter().filter_map(way).collect())
}

/// Latencies of so many ways.
pub fn latencies<'a>(ways: impl Iterator<Item = &'a Way>) -> Latencies {
    Latencies::of(ways.map(Way::milliseconds).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(method: &str, path: &str, query: &[(&str, &str)]) -> Call {
        serde_json::from_value(json!({ "at": "2026-01-01T00:00:00Z", "method": method, "path": path, "query": query, "status": 200 })).unwrap()
    }

    #[test]
    fn calls_of_one_kind_have_one_name() {
        let name = |method: &str, path: &str, query: &[(&str, &str)]| call(method, path, query).kind();
        assert_eq!(
            name("GET", "/stores/bench1/v2/orders/250/products", &[("page", "1"), ("limit", "250")]),
            "GET /v2/orders/{id}/products?limit&page"
        );
        assert_eq!(name("GET", "/public-api/acme/order-service/sales-order/7,9-12", &[]), "GET /order-service/sales-order/{ids}");
        assert_eq!(name("POST", "/public-api/acme/order-service/sales-order/", &[]), "POST /order-service/sales-order");
    }

    #[test]
    fn only_a_call_that_succeeded_makes_a_sales_order() {
        let mut made = call("POST", "/public-api/a/order-service/sales-order/", &[]);
        made.request_body = Some(json!({ "externalRef": "bc-a-7" }));
        assert_eq!(made.makes(), Some("bc-a-7"));
        made.status = Some(503);
        assert_eq!(made.makes(), None);
    }
}
