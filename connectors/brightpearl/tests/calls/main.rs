//! The client against a small server: what it asks, what it makes of the answers, and how it sorts failures.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must fail")]

mod failures;
mod reads;
mod searches;
#[path = "../../../http/client/tests/support/mod.rs"]
mod support;
mod tokens;
mod writes;

use std::sync::Arc;

use orderbridge_brightpearl::{AppIdentity, Client};
use orderbridge_http_client::HttpClient;
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::work::Share;
use support::{Answer, Gate, Server, http};

const SHARE: Share = Share::Orders;

fn client_with(http: HttpClient, server: &Server, gate: &Arc<Gate>) -> Client {
    let gate: Arc<Gate> = Arc::clone(gate);
    let app = AppIdentity { account: AccountCode::new("acme").unwrap(), app_ref: "acme-app".into(), dev_ref: "dev7".into() };
    Client::new(http, server.url.clone(), app, "t0k+/=".to_owned().into(), gate)
}

fn client(server: &Server) -> Client {
    client_with(http(), server, &Arc::new(Gate::default()))
}

async fn server_with(body: impl Into<String>) -> Server {
    let body = body.into();
    Server::start(move |_| Answer::json(200, body.clone())).await
}
