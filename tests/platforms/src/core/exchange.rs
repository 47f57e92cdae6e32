//! One exchange: reads a request whole, lets faults interfere, executes it under the platform's lock.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Response};

use super::clock::SimClock;
use super::control;
use super::fault::Action;
use super::message::{ApiRequest, ApiResponse, Door};
use super::platform::Platform;
use super::server::{Core, Shared};

/// A larger request body is refused with 413.
const BODY_BYTES_MAX: usize = 20 * 1024 * 1024;

/// The service's error: the connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut on purpose")]
pub(super) struct Cut;

/// Reads, executes and answers one request.
pub(super) async fn exchange<P: Platform>(shared: Arc<Shared<P>>, request: Request<Incoming>, door: Door) -> Result<Response<Full<Bytes>>, Cut> {
    let answer = match read(&shared, request, door).await {
        Ok(request) if request.path.starts_with("/_sim") => control::answer(&shared, &request),
        Ok(request) => call(&shared, request).await?,
        Err(refusal) => refusal,
    };
    Ok(render(answer, &shared.clock))
}

async fn read<P: Platform>(shared: &Shared<P>, request: Request<Incoming>, door: Door) -> Result<ApiRequest, ApiResponse> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| {
        tracing::debug!(%error, "cannot read a request's body");
        ApiResponse::refusal(413, "the body is too large or was cut off")
    })?;
    let mut headers = std::collections::BTreeMap::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|known: &mut String| {
                known.push_str(", ");
                known.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    let query = head.uri.query().unwrap_or_default();
    Ok(ApiRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body: body.to_bytes(),
        at: shared.clock.now(),
        uri_len: head.uri.path_and_query().map_or(0, |whole| whole.as_str().len()),
        door,
    })
}

/// Executes and records in one step, so that the ledger's order is the order of the effects.
fn execute<P: Platform>(shared: &Shared<P>, request: &ApiRequest, fault: Option<&str>) -> ApiResponse {
    let mut platform = shared.platform();
    platform.tick(request.at);
    let answer = platform.handle(request);
    let tenant = platform.tenant(request);
    shared.core().ledger.call(request, tenant, Some(&answer), fault);
    answer
}

async fn call<P: Platform>(shared: &Arc<Shared<P>>, request: ApiRequest) -> Result<ApiResponse, Cut> {
    let tenant = shared.platform().tenant(&request);
    let action = {
        let mut core = shared.core();
        let Core { faults, rng, .. } = &mut *core;
        faults.strike(&request, tenant.as_deref(), rng)
    };
    let Some(action) = action else {
        return Ok(execute(shared, &request, None));
    };
    spoilt(shared, request, tenant, action).await
}

/// Does to a call what a rule demands.
async fn spoilt<P: Platform>(shared: &Arc<Shared<P>>, request: ApiRequest, tenant: Option<String>, action: Action) -> Result<ApiResponse, Cut> {
    let fault = Some(action.name());
    match action {
        Action::Status(answer) => {
            shared.core().ledger.call(&request, tenant, Some(&answer), fault);
            Ok(answer)
        }
        Action::Throttle { empty } => {
            let answer = shared.platform().throttled(&request, empty);
            shared.core().ledger.call(&request, tenant, Some(&answer), fault);
            Ok(answer)
        }
        Action::Delay(ms) => {
            // A task of its own: a caller who hangs up meanwhile does not stop the platform.
            let shared = Arc::clone(shared);
            let late = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                execute(&shared, &ApiRequest { at: shared.clock.now(), ..request }, fault)
            });
            late.await.map_err(|_ended| Cut)
        }
        Action::DelayAfter(ms) => {
            let answer = execute(shared, &request, fault);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(answer)
        }
        Action::CommitLate(ms) => {
            let shared = Arc::clone(shared);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                drop(execute(&shared, &ApiRequest { at: shared.clock.now(), ..request }, Some("commit_late")));
            });
            Err(Cut)
        }
        Action::CutBefore => {
            shared.core().ledger.call(&request, tenant, None, fault);
            Err(Cut)
        }
        Action::CutAfter => {
            drop(execute(shared, &request, fault));
            Err(Cut)
        }
        Action::CorruptBody => {
            let mut answer = execute(shared, &request, fault);
            answer.body.truncate(answer.body.len() / 2);
            Ok(answer)
        }
    }
}

fn render(answer: ApiResponse, clock: &SimClock) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    // The date must follow the simulator's clock: clients take the platform's time from it.
    let date = clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let dated = [("Date".to_owned(), date)];
    for (name, value) in dated.iter().chain(&answer.headers) {
        let name: Result<HeaderName, _> = name.parse();
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
