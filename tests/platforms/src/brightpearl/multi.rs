//! Multi-messages: several requests in one (BP §a.10).

use serde_json::{Value, json};

use super::call::Call;
use super::json::{array, text};
use super::reply::{Answer, Refusal, Reply};
use super::service::{Asked, dispatch};

/// Destructive messages allowed in one call.
const DESTRUCTIVE_MAX: usize = 10;

/// How many messages a body holds, for the quota switch; at least 1.
pub fn size(body: &[u8]) -> i64 {
    let messages = serde_json::from_slice::<Value>(body).ok().and_then(|body| Some(body.get("messages")?.as_array()?.len()));
    messages.and_then(|count| i64::try_from(count).ok()).unwrap_or(1).max(1)
}

fn refuse(message: impl Into<String>) -> Refusal {
    Refusal::bad("CMNC-999", message)
}

/// `POST /multi-message`.
pub fn handle(call: &mut Call<'_>) -> Answer {
    let body = call.json()?.clone();
    let mode = text(&body, "processingMode")?.unwrap_or_else(|| "SEQUENTIAL".to_owned());
    let on_fail = text(&body, "onFail")?.unwrap_or_else(|| "STOP".to_owned());
    if !["SEQUENTIAL", "PARALLEL"].contains(&mode.as_str()) || !["STOP", "CONTINUE"].contains(&on_fail.as_str()) {
        return Err(refuse("processingMode or onFail is not valid"));
    }
    if mode == "PARALLEL" && on_fail == "STOP" {
        return Err(refuse("onFail STOP cannot be used with PARALLEL"));
    }
    let messages = array(&body, "messages")?;
    let destructive = messages.iter().filter(|message| message.get("httpMethod").and_then(Value::as_str) != Some("GET")).count();
    if messages.is_empty() || destructive > DESTRUCTIVE_MAX {
        return Err(refuse(format!("A multi-message must hold 1 message at least and {DESTRUCTIVE_MAX} destructive ones at most")));
    }
    let (mut processed, mut unprocessed, mut statuses) = (Vec::new(), Vec::new(), Vec::new());
    for message in messages {
        let label = text(message, "label")?.unwrap_or_default();
        let stopped = on_fail == "STOP" && statuses.iter().any(|status| *status >= 400);
        if stopped {
            unprocessed.push(json!(label));
            continue;
        }
        let answer = one(call, message);
        let (status, content) = match answer {
            Ok(reply) => (reply.status, reply.body),
            Err(refusal) => (refusal.status, refusal.body()),
        };
        statuses.push(status);
        processed.push(json!({"label": label, "statusCode": status, "body": {"content": content.to_string()}}));
    }
    let answer = json!({"processedMessages": processed, "unprocessedMessages": unprocessed});
    let mixed = statuses.iter().any(|status| *status >= 400) || !unprocessed.is_empty();
    if mixed { Reply::partial(answer) } else { Reply::data(answer) }
}

fn one(call: &mut Call<'_>, message: &Value) -> Answer {
    let uri = text(message, "uri")?.ok_or_else(|| refuse("uri is required"))?;
    let method = text(message, "httpMethod")?.ok_or_else(|| refuse("httpMethod is required"))?;
    let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
    let path: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if path.first().is_some_and(|part| part == "multi-message") {
        return Err(refuse("A multi-message cannot hold another one"));
    }
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    // A body may come as JSON or as the text of JSON.
    let body = match message.get("body") {
        Some(Value::String(text)) => Some(serde_json::from_str(text).map_err(|_ignored| Refusal::internal())?),
        Some(Value::Null) | None => None,
        Some(other) => Some(other.clone()),
    };
    let asked = Asked { method, path, query, if_match: None, body };
    dispatch(call.account, call.switches, call.now, call.actor, asked)
}
