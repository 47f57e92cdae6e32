//! The control endpoints that both platforms have.

use std::time::Duration;

use serde_json::{Value, json};

use super::delivery::Chaos;
use super::ledger::Filter;
use super::message::{ApiRequest, ApiResponse};
use super::platform::Platform;
use super::rng::Rng;
use super::server::Shared;

/// Answers a request below `/_sim`.
pub(super) fn answer<P: Platform>(shared: &Shared<P>, request: &ApiRequest) -> ApiResponse {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    if let Some(answer) = own(shared, request, &segments) {
        return answer;
    }
    let mut platform = shared.platform();
    platform.tick(request.at);
    platform.control(request).unwrap_or_else(|| {
        let why = format!("no control endpoint answers {} {}; see the README", request.method, request.path);
        ApiResponse::refusal(404, &why)
    })
}

fn own<P: Platform>(shared: &Shared<P>, request: &ApiRequest, segments: &[&str]) -> Option<ApiResponse> {
    let answer = match (request.method.as_str(), segments) {
        ("GET", ["health"]) => {
            let name = shared.platform().name();
            Ok(ApiResponse::json(200, &json!({ "status": "ok", "platform": name, "now": shared.clock.now() })))
        }
        ("POST", ["reset"]) => reset(shared, request),
        ("GET" | "POST", ["clock"]) => clock(shared, request),
        ("GET" | "POST", ["chaos"]) => chaos(shared, request),
        ("GET" | "POST", ["delivery"]) => delivery(shared, request),
        (_, ["faults"]) => Ok(shared.core().faults.control(request, None)),
        (_, ["faults", id]) => Ok(shared.core().faults.control(request, Some(id))),
        (_, ["ledger", rest @ ..]) => ledger(shared, request, rest)?,
        _ => return None,
    };
    Some(answer.unwrap_or_else(|refusal| refusal))
}

type Answer = Result<ApiResponse, ApiResponse>;

fn reset<P: Platform>(shared: &Shared<P>, request: &ApiRequest) -> Answer {
    let body = request.control_body()?;
    let seed = body.get("seed").and_then(Value::as_u64).unwrap_or(0);
    let mut platform = shared.platform();
    platform.reset(seed);
    let mut core = shared.core();
    core.generation += 1;
    core.ledger.clear();
    core.faults.clear();
    core.chaos = Chaos::default();
    core.rng = Rng::seeded(seed);
    Ok(ApiResponse::json(200, &json!({ "seed": seed })))
}

fn clock<P: Platform>(shared: &Shared<P>, request: &ApiRequest) -> Answer {
    if request.method == "POST" {
        let body = request.control_body()?;
        let moved = match (body.get("advance_ms").and_then(Value::as_u64), body.get("offset_ms").and_then(Value::as_i64)) {
            (Some(ms), None) => shared.clock.advance(Duration::from_millis(ms)),
            (None, Some(ms)) => shared.clock.set_offset_ms(ms),
            _ => {
                return Err(ApiResponse::refusal(400, "give either advance_ms (0 or more) or offset_ms"));
            }
        };
        moved.map_err(|error| ApiResponse::refusal(500, &format!("cannot move the clock: {error}")))?;
        // Whatever falls due by the jump has happened when this call returns.
        shared.platform().tick(shared.clock.now());
    }
    let shown = json!({ "now": shared.clock.now(), "offset_ms": shared.clock.offset_ms() });
    Ok(ApiResponse::json(200, &shown))
}

fn chaos<P: Platform>(shared: &Shared<P>, request: &ApiRequest) -> Answer {
    let mut core = shared.core();
    if request.method == "POST" {
        let chaos: Chaos =
            serde_json::from_value(request.control_body()?).map_err(|error| ApiResponse::refusal(400, &format!("not a chaos setting: {error}")))?;
        let probabilities = [chaos.drop, chaos.duplicate, chaos.reorder];
        if probabilities.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return Err(ApiResponse::refusal(400, "drop, duplicate and reorder are probabilities from 0 to 1"));
        }
        core.chaos = chaos;
    }
    Ok(ApiResponse::json(200, &json!(core.chaos)))
}

fn delivery<P: Platform>(shared: &Shared<P>, request: &ApiRequest) -> Answer {
    let mut core = shared.core();
    if request.method == "POST" {
        let body = request.control_body()?;
        core.delivery_timeout_ms =
            body.get("timeout_ms").and_then(Value::as_u64).ok_or_else(|| ApiResponse::refusal(400, "timeout_ms must be a whole number"))?;
    }
    Ok(ApiResponse::json(200, &json!({ "timeout_ms": core.delivery_timeout_ms })))
}

fn ledger<P: Platform>(shared: &Shared<P>, request: &ApiRequest, rest: &[&str]) -> Option<Answer> {
    let mut core = shared.core();
    let ledger = &mut core.ledger;
    let shown = match (request.method.as_str(), rest) {
        ("POST", []) => request.control_body().and_then(|body| {
            let wanted = body.get("bodies").and_then(Value::as_bool);
            ledger.bodies = wanted.ok_or_else(|| ApiResponse::refusal(400, "bodies must be true or false"))?;
            Ok(json!({ "bodies": ledger.bodies }))
        }),
        ("GET", ["calls"]) => Filter::parse(request).map(|filter| ledger.calls_json(&filter)),
        ("GET", ["calls", "count"]) => Filter::parse(request).map(|filter| ledger.calls_count(&filter)),
        ("GET", ["deliveries"]) => Filter::parse(request).map(|filter| ledger.deliveries_json(&filter)),
        ("GET", ["deliveries", "count"]) => Filter::parse(request).map(|filter| ledger.deliveries_count(&filter)),
        ("DELETE", ["calls"]) => {
            ledger.clear_calls();
            return Some(Ok(ApiResponse::empty(204)));
        }
        ("DELETE", ["deliveries"]) => {
            ledger.clear_deliveries();
            return Some(Ok(ApiResponse::empty(204)));
        }
        _ => return None,
    };
    Some(shown.map(|shown| ApiResponse::json(200, &shown)))
}
