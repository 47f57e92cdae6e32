//! Webhook registration (BP §d.1–d.3).

use serde_json::{Value, json};

use super::account::{IdKind, Simulated};
use super::call::Call;
use super::idset;
use super::json::{flag, int, text};
use super::reply::{Answer, Refusal, Reply};

/// The events that exist (BP §d.3); `order.created` and `contact.*` do not.
const EVENTS: &[&str] = &[
    "order.modified",
    "order.modified.order-status",
    "order.modified.fully-shipped",
    "sales-order.created",
    "goods-out-note.created",
    "goods-out-note.destroyed",
    "goods-out-note.modified",
    "goods-out-note.modified.printed",
    "goods-out-note.modified.picked",
    "goods-out-note.modified.packed",
    "goods-out-note.modified.un-printed",
    "goods-out-note.modified.un-picked",
    "goods-out-note.modified.un-packed",
    "goods-out-note.modified.shipped",
    "drop-ship-note.created",
    "drop-ship-note.destroyed",
    "drop-ship-note.modified.shipped",
    "goods-in-note.created",
    "quarantine-release.created",
    "product.created",
    "product.modified",
    "product.destroyed",
    "product.modified.on-hand-modified",
    "product.modified.price-modified",
];

/// A registered webhook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its id.
    pub id: i64,
    /// Installation that registered it; every app of the account sees it all the same.
    pub instance: i64,
    /// Event or prefix.
    pub subscribe_to: String,
    /// GET, POST, PUT or DELETE.
    pub method: String,
    /// Where to, templated.
    pub uri_template: String,
    /// Body, templated.
    pub body_template: String,
    /// Content type of the body.
    pub content_type: String,
    /// Whether one call may carry many ids.
    pub id_set_accepted: bool,
    /// 0 at most once, 1 at least once.
    pub quality_of_service: i64,
}

impl Hook {
    /// As the API shows it.
    pub fn view(&self) -> Value {
        json!({"id": self.id, "subscribeTo": self.subscribe_to, "httpMethod": self.method, "uriTemplate": self.uri_template,
            "bodyTemplate": self.body_template, "contentType": self.content_type, "idSetAccepted": self.id_set_accepted,
            "qualityOfService": self.quality_of_service})
    }

    /// Whether an event reaches this hook: equal, or below the subscribed prefix.
    pub fn wants(&self, event: &str) -> bool {
        event == self.subscribe_to || event.strip_prefix(self.subscribe_to.as_str()).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// Whether an event or prefix may be subscribed to.
///
/// # Errors
/// INTC-062 and INTC-064.
pub fn check_event(name: &str) -> Result<(), Refusal> {
    let fits = |event: &str| event == name || event.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    if EVENTS.iter().any(|event| fits(event)) {
        return Ok(());
    }
    let mut parts = name.split('.');
    let resource = parts.next().unwrap_or_default();
    let lifecycle = parts.next();
    let known = EVENTS.iter().any(|event| event.split('.').next() == Some(resource));
    match lifecycle {
        Some(lifecycle) if known && !["created", "modified", "destroyed"].contains(&lifecycle) => {
            Err(Refusal::bad("INTC-062", format!("{lifecycle} is not a valid lifecycle")))
        }
        _ => Err(Refusal::bad("INTC-064", format!("{name} either does not exist or cannot be subscribed too"))),
    }
}

/// `POST /webhook`, `GET|DELETE /webhook/{ids}`, `POST /webhook/{id}/simulate`.
pub fn handle(call: &mut Call<'_>) -> Answer {
    let segments = call.path.clone();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.clone().as_str(), path.as_slice()) {
        ("POST", ["webhook"]) => register(call),
        ("GET", ["webhook"]) => Reply::data(call.account.hooks.values().map(Hook::view).collect::<Vec<_>>()),
        ("GET", ["webhook", ids]) => list(call, ids),
        ("DELETE", ["webhook", id]) => delete(call, (*id).to_owned()),
        ("POST", ["webhook", id, "simulate"]) => simulate(call, (*id).to_owned()),
        _ => Err(Refusal::unknown_path()),
    }
}

fn list(call: &Call<'_>, ids: &str) -> Answer {
    let wanted = idset::parse(ids)?;
    let found: Vec<Value> = wanted.iter().filter_map(|id| call.account.hooks.get(id)).map(Hook::view).collect();
    if found.is_empty() {
        return Err(Refusal::missing(format!("No webhooks available in ID Set {ids}")));
    }
    Reply::data(found)
}

fn delete(call: &mut Call<'_>, id: String) -> Answer {
    let removed = id.parse().ok().and_then(|number: i64| call.account.hooks.remove(&number));
    removed.ok_or_else(|| Refusal::missing(format!("Cannot find webhook: {id}")))?;
    Reply::done()
}

fn register(call: &mut Call<'_>) -> Answer {
    let body = call.json()?.clone();
    let required =
        |path: &str| text(&body, path)?.filter(|value| !value.is_empty()).ok_or_else(|| Refusal::bad("INTC-999", format!("{path} is required")));
    let subscribe_to = required("subscribeTo")?;
    let method = required("httpMethod")?;
    let uri_template = required("uriTemplate")?;
    let with_body = matches!(method.as_str(), "POST" | "PUT");
    if !with_body && !matches!(method.as_str(), "GET" | "DELETE") {
        return Err(Refusal::bad("INTC-999", format!("{method} is not a valid httpMethod")));
    }
    let body_template = if with_body { required("bodyTemplate")? } else { text(&body, "bodyTemplate")?.unwrap_or_default() };
    let content_type = if with_body { required("contentType")? } else { text(&body, "contentType")?.unwrap_or_default() };
    check_event(&subscribe_to)?;
    let url = url::Url::parse(&uri_template.replace("${", "").replace('}', "")).ok();
    let secure = url.as_ref().is_some_and(|url| url.scheme() == "https" || (url.scheme() == "http" && call.switches.on("webhook_http")));
    if !secure {
        return Err(Refusal::bad("INTC-999", "uriTemplate must be an absolute URL with https"));
    }
    let both = format!("{uri_template}{body_template}");
    for variable in ["${account-code}", "${resource-type}", "${lifecycle-event}"] {
        if !both.contains(variable) {
            return Err(Refusal::bad("INTC-057", format!("The webhook templates must contain {variable}")));
        }
    }
    let quality_of_service = int(&body, "qualityOfService")?.unwrap_or(0);
    if !(0..=1).contains(&quality_of_service) {
        return Err(Refusal::bad("INTC-999", "qualityOfService must be 0 or 1"));
    }
    let id_set_accepted = flag(&body, "idSetAccepted")?.unwrap_or(false);
    let id = call.account.next_id(IdKind::Hook);
    let instance = call.actor.instance;
    let hook = Hook { id, instance, subscribe_to, method, uri_template, body_template, content_type, id_set_accepted, quality_of_service };
    call.account.hooks.insert(id, hook);
    Reply::data(id)
}

/// Sends made-up data through a hook's templates (BP §d.1): at most 10 ids.
fn simulate(call: &mut Call<'_>, id: String) -> Answer {
    let body = call.json()?.clone();
    let hook: i64 = id
        .parse()
        .ok()
        .filter(|number| call.account.hooks.contains_key(number))
        .ok_or_else(|| Refusal::missing(format!("Cannot find webhook: {id}")))?;
    let data = body.get("testData").and_then(Value::as_object).ok_or_else(|| Refusal::bad("INTC-999", "testData is required"))?;
    let variables: Vec<(String, String)> =
        data.iter().map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect();
    let ids = variables.iter().find(|(name, _)| name == "${resource-id}").map(|(_, value)| value.clone()).unwrap_or_default();
    let ids = idset::parse(&ids)?;
    if ids.len() > 10 {
        return Err(Refusal::bad("INTC-999", "At most 10 ids may be simulated"));
    }
    call.account.simulated.push(Simulated { hook, variables, ids });
    Reply::done()
}
