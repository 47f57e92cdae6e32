//! Faults: rules that spoil chosen calls.

use serde_json::{Value, json};

use super::glob::Glob;
use super::ledger::body_value;
use super::message::{ApiRequest, ApiResponse};
use super::rng::Rng;

/// What is done to a call.
#[derive(Debug, Clone)]
pub(super) enum Action {
    /// Not executed; answered like this.
    Status(ApiResponse),
    /// Not executed; the platform's own throttle answer. `empty`: the quota is used up for the calls that follow, too.
    Throttle { empty: bool },
    /// Executed and answered this many milliseconds late.
    Delay(u64),
    /// Executed at once, answered this many milliseconds late.
    DelayAfter(u64),
    /// Cut now, executed this many milliseconds later.
    CommitLate(u64),
    /// Cut, never executed.
    CutBefore,
    /// Executed, then cut.
    CutAfter,
    /// Executed; half of the body is lost.
    CorruptBody,
}

impl Action {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Throttle { .. } => "throttle",
            Self::Delay(_) => "delay",
            Self::DelayAfter(_) => "delay_after",
            Self::CommitLate(_) => "commit_late",
            Self::CutBefore => "cut_before",
            Self::CutAfter => "cut_after",
            Self::CorruptBody => "corrupt_body",
        }
    }

    fn parse(body: &Value) -> Result<Self, String> {
        let kind = body.get("kind").and_then(Value::as_str).ok_or("action.kind is missing")?;
        let ms = || body.get("ms").and_then(Value::as_u64).ok_or("action.ms must be a whole number");
        Ok(match kind {
            "status" => Self::Status(status_answer(body)?),
            "throttle" => Self::Throttle { empty: body.get("empty").and_then(Value::as_bool).unwrap_or(false) },
            "delay" => Self::Delay(ms()?),
            "delay_after" => Self::DelayAfter(ms()?),
            "commit_late" => Self::CommitLate(ms()?),
            "cut_before" => Self::CutBefore,
            "cut_after" => Self::CutAfter,
            "corrupt_body" => Self::CorruptBody,
            other => {
                return Err(format!(
                    "no action is called {other:?}; known: status, throttle, delay, delay_after, commit_late, cut_before, cut_after, corrupt_body"
                ));
            }
        })
    }
}

fn status_answer(body: &Value) -> Result<ApiResponse, String> {
    let status = body.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (200..=599).contains(status)).ok_or("action.status must be 200 to 599")?;
    let mut answer = match body.get("body") {
        None | Some(Value::Null) => ApiResponse::empty(status),
        Some(Value::String(text)) => ApiResponse::html(status, text),
        Some(value) => ApiResponse::json(status, value),
    };
    for (name, value) in body.get("headers").and_then(Value::as_object).into_iter().flatten() {
        answer.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        answer = answer.with_header(name, value);
    }
    Ok(answer)
}

#[derive(Debug)]
struct Rule {
    id: u64,
    method: Option<String>,
    path: Glob,
    tenant: Option<String>,
    action: Action,
    skip: u64,
    times: Option<u64>,
    probability: Option<f64>,
    fired: u64,
    source: Value,
}

impl Rule {
    fn to_json(&self) -> Value {
        json!({ "id": self.id, "fired": self.fired, "rule": self.source })
    }
}

/// The fault rules in force, in the order they were made; the first that fires decides.
#[derive(Debug, Default)]
pub(super) struct Faults {
    next_id: u64,
    rules: Vec<Rule>,
}

impl Faults {
    /// What to do to this call, if any rule fires.
    pub(super) fn strike(&mut self, request: &ApiRequest, tenant: Option<&str>, rng: &mut Rng) -> Option<Action> {
        for rule in &mut self.rules {
            let matches = rule.method.as_ref().is_none_or(|method| *method == request.method)
                && rule.tenant.as_deref().is_none_or(|wanted| tenant == Some(wanted))
                && rule.path.matches(&request.path)
                && rule.times.is_none_or(|times| rule.fired < times);
            if !matches || rule.probability.is_some_and(|probability| !rng.chance(probability)) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.fired += 1;
            return Some(rule.action.clone());
        }
        None
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Answers `GET`, `POST` and `DELETE /_sim/faults[/{id}]`.
    pub(super) fn control(&mut self, request: &ApiRequest, id: Option<&str>) -> ApiResponse {
        match (request.method.as_str(), id) {
            ("GET", None) => ApiResponse::json(200, &json!(self.rules.iter().map(Rule::to_json).collect::<Vec<_>>())),
            ("POST", None) => match body_value(&request.body).ok_or("the body is empty".to_owned()).and_then(|body| self.add(body)) {
                Ok(rule) => ApiResponse::json(201, &rule),
                Err(why) => ApiResponse::refusal(400, &why),
            },
            ("DELETE", None) => {
                self.clear();
                ApiResponse::empty(204)
            }
            ("GET" | "DELETE", Some(id)) => {
                let Some(at) = self.rules.iter().position(|rule| rule.id.to_string() == id) else {
                    return ApiResponse::refusal(404, "no such fault rule");
                };
                let shown = self.rules.get(at).map(Rule::to_json).unwrap_or_default();
                if request.method == "DELETE" {
                    self.rules.remove(at);
                }
                ApiResponse::json(200, &shown)
            }
            _ => ApiResponse::refusal(405, "faults take GET, POST and DELETE"),
        }
    }

    fn add(&mut self, source: Value) -> Result<Value, String> {
        const KNOWN: [&str; 7] = ["method", "path", "tenant", "action", "skip", "times", "probability"];
        let object = source.as_object().ok_or("a fault rule is a JSON object")?;
        if let Some(name) = object.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(format!("a fault rule has no field {name:?}; known: {}", KNOWN.join(", ")));
        }
        let probability = match source.get("probability") {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_f64().filter(|p| (0.0..=1.0).contains(p)).ok_or("probability must be a number from 0 to 1")?),
        };
        self.next_id += 1;
        let rule = Rule {
            id: self.next_id,
            method: source.get("method").and_then(Value::as_str).map(str::to_ascii_uppercase),
            path: Glob::new(source.get("path").and_then(Value::as_str).unwrap_or("*")),
            tenant: source.get("tenant").and_then(Value::as_str).map(str::to_owned),
            action: Action::parse(source.get("action").ok_or("action is missing")?)?,
            skip: source.get("skip").and_then(Value::as_u64).unwrap_or(0),
            times: source.get("times").and_then(Value::as_u64),
            probability,
            fired: 0,
            source,
        };
        let shown = rule.to_json();
        self.rules.push(rule);
        Ok(shown)
    }
}
