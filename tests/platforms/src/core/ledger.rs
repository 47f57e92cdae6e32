//! What happened: every API call and every webhook delivery, in order.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::message::{ApiRequest, ApiResponse};

/// The record of one simulated platform.
#[derive(Debug)]
pub(super) struct Ledger {
    next_seq: u64,
    pub(super) bodies: bool,
    calls: Vec<Call>,
    deliveries: Vec<Sent>,
}

/// One API call. A call that a fault cut before it was executed has no status.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Call {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) tenant: Option<String>,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) status: Option<u16>,
    pub(super) request_body: Option<Value>,
    pub(super) response_body: Option<Value>,
    pub(super) fault: Option<String>,
}

/// One webhook post, sent or dropped on purpose.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sent {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) tenant: String,
    pub(super) event: String,
    pub(super) attempt: u32,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) answer: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) dropped: bool,
    pub(super) duplicated: bool,
    pub(super) delayed_ms: u64,
}

impl Ledger {
    pub(super) const fn new(bodies: bool) -> Self {
        Self { next_seq: 1, bodies, calls: Vec::new(), deliveries: Vec::new() }
    }

    pub(super) fn call(&mut self, request: &ApiRequest, tenant: Option<String>, response: Option<&ApiResponse>, fault: Option<&str>) {
        let seq = self.seq();
        self.calls.push(Call {
            seq,
            at: request.at,
            tenant,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            status: response.map(|response| response.status),
            request_body: self.bodies.then(|| body_value(&request.body)).flatten(),
            response_body: response.filter(|_| self.bodies).and_then(|response| body_value(&response.body)),
            fault: fault.map(str::to_owned),
        });
    }

    pub(super) fn sent(&mut self, mut sent: Sent) {
        sent.seq = self.seq();
        if !self.bodies {
            sent.body = None;
            sent.headers.clear();
        }
        self.deliveries.push(sent);
    }

    fn seq(&mut self) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }

    pub(super) fn clear_calls(&mut self) {
        self.calls.clear();
    }

    pub(super) fn clear_deliveries(&mut self) {
        self.deliveries.clear();
    }

    /// Empties the record; sequence numbers go on, so that a `since` taken earlier stays right.
    pub(super) fn clear(&mut self) {
        self.clear_calls();
        self.clear_deliveries();
    }

    pub(super) fn calls_json(&self, filter: &Filter) -> Value {
        let found: Vec<&Call> = self.calls.iter().filter(|call| filter.call(call)).take(filter.limit).collect();
        json!(found)
    }

    pub(super) fn calls_count(&self, filter: &Filter) -> Value {
        json!({ "count": self.calls.iter().filter(|call| filter.call(call)).count() })
    }

    pub(super) fn deliveries_json(&self, filter: &Filter) -> Value {
        let found: Vec<&Sent> = self.deliveries.iter().filter(|sent| filter.sent(sent)).take(filter.limit).collect();
        json!(found)
    }

    pub(super) fn deliveries_count(&self, filter: &Filter) -> Value {
        json!({ "count": self.deliveries.iter().filter(|sent| filter.sent(sent)).count() })
    }
}

/// A body as JSON if it is JSON, else as text; none if empty.
pub(super) fn body_value(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return None;
    }
    Some(serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned())))
}

/// Which records a caller wants; all given conditions must hold.
#[derive(Debug)]
pub(super) struct Filter {
    tenant: Option<String>,
    method: Option<String>,
    path: Option<String>,
    event: Option<String>,
    since: u64,
    status: Option<u16>,
    limit: usize,
}

impl Filter {
    pub(super) fn parse(request: &ApiRequest) -> Result<Self, ApiResponse> {
        const KNOWN: [&str; 7] = ["tenant", "method", "path", "event", "since", "status", "limit"];
        if let Some((name, _)) = request.query.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
            let why = format!("no filter is called {name:?}; known: {}", KNOWN.join(", "));
            return Err(ApiResponse::refusal(400, &why));
        }
        Ok(Self {
            tenant: request.param("tenant").map(str::to_owned),
            method: request.param("method").map(str::to_ascii_uppercase),
            path: request.param("path").map(str::to_owned),
            event: request.param("event").map(str::to_owned),
            since: number(request, "since")?.unwrap_or(0),
            status: number(request, "status")?,
            limit: number(request, "limit")?.unwrap_or(usize::MAX),
        })
    }

    fn call(&self, call: &Call) -> bool {
        call.seq > self.since
            && self.tenant.as_ref().is_none_or(|tenant| call.tenant.as_ref() == Some(tenant))
            && self.method.as_ref().is_none_or(|method| call.method == *method)
            && self.path.as_ref().is_none_or(|path| call.path.contains(path.as_str()))
            && self.status.is_none_or(|status| call.status == Some(status))
    }

    fn sent(&self, sent: &Sent) -> bool {
        sent.seq > self.since
            && self.tenant.as_ref().is_none_or(|tenant| sent.tenant == *tenant)
            && self.event.as_ref().is_none_or(|event| sent.event.contains(event.as_str()))
            && self.path.as_ref().is_none_or(|path| sent.url.contains(path.as_str()))
            && self.status.is_none_or(|status| sent.answer == Some(status))
    }
}

fn number<T: std::str::FromStr>(request: &ApiRequest, name: &str) -> Result<Option<T>, ApiResponse> {
    request
        .param(name)
        .map(|text| text.parse().map_err(|_unreadable| ApiResponse::refusal(400, &format!("{name} must be a whole number"))))
        .transpose()
}
