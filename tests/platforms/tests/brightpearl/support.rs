//! What every test needs: a running simulator with one account, a client of its API, and a receiver of webhooks.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use platforms::brightpearl::Brightpearl;
use platforms::core::{Server, SimClock, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An answer of the API.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl Reply {
    /// The `response` of a successful answer.
    pub fn data(&self) -> &Value {
        assert!(self.status < 300, "{} {}", self.status, self.body);
        self.body.get("response").unwrap_or_else(|| panic!("no response in {}", self.body))
    }

    pub fn id(&self) -> i64 {
        self.data().as_i64().unwrap_or_else(|| panic!("no id in {}", self.body))
    }

    /// Status and first error code of a refused request.
    pub fn refusal(&self) -> (u16, &str) {
        assert!(self.body.get("response").is_none(), "{}", self.body);
        (self.status, self.body["errors"][0]["code"].as_str().unwrap_or_default())
    }

    pub fn message(&self) -> &str {
        self.body["errors"][0]["message"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> i64 {
        self.headers[name].to_str().unwrap().parse().unwrap()
    }
}

/// A simulator with the account `acme`: products MUG-01 and CAP-01 with stock, a bundle SET-01, one customer.
pub struct Sim {
    pub server: Server,
    pub clock: SimClock,
    pub http: reqwest::Client,
    pub account: Value,
    pub customer: i64,
    pub mug: i64,
    pub cap: i64,
    pub set: i64,
}

impl Sim {
    pub async fn start() -> Self {
        Self::with(json!({"code": "acme"})).await
    }

    pub async fn with(account: Value) -> Self {
        let clock = SimClock::system();
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = serve(Brightpearl::new(7), bind, clock.clone(), 7).await.unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut sim = Self { server, clock, http, account: Value::Null, customer: 0, mug: 0, cap: 0, set: 0 };
        sim.account = sim.control("POST", "/accounts", account).await;
        // Tests that do not judge the quota must not trip over it.
        sim.switch(json!({"requests_per_minute": 100_000, "webhook_window_ms": 20, "webhook_retry_ms": 20})).await;
        let made = sim
            .act(
                "/products",
                json!({"products": [
                {"sku": "MUG-01", "name": "Harbour mug", "price": "15.50", "stock": {"2": {"2": 5, "9": 5}, "3": 10}},
                {"sku": "CAP-01", "name": "Harbour cap", "price": "12.00", "stock": 20}]}),
            )
            .await;
        sim.mug = made["products"][0]["id"].as_i64().unwrap();
        sim.cap = made["products"][1]["id"].as_i64().unwrap();
        let set =
            sim.act("/products", json!({"products": [{"sku": "SET-01", "components": [{"sku": "MUG-01", "quantity": 2}, {"sku": "CAP-01"}]}]})).await;
        sim.set = set["products"][0]["id"].as_i64().unwrap();
        sim.customer = sim.act("/contacts", json!({"email": "mara@example.com"})).await["id"].as_i64().unwrap();
        sim
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    /// A control call that must succeed.
    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, body) = self.try_control(method, path, body).await;
        assert!((200..300).contains(&status), "{status} {body}");
        body
    }

    pub async fn try_control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method.parse().unwrap(), self.url(&format!("/_sim{path}")));
        let request = if method == "GET" { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A control call inside the account.
    pub async fn act(&self, path: &str, body: Value) -> Value {
        self.control("POST", &format!("/accounts/{}{path}", self.code()), body).await
    }

    pub async fn view(&self, path: &str) -> Value {
        self.control("GET", &format!("/accounts/{}{path}", self.code()), Value::Null).await
    }

    pub async fn switch(&self, switches: Value) {
        self.control("POST", "/switches", switches).await;
    }

    pub async fn advance(&self, ms: i64) {
        self.control("POST", "/clock", json!({ "advance_ms": ms })).await;
    }

    pub fn code(&self) -> &str {
        self.account["code"].as_str().unwrap_or("acme")
    }

    pub fn installation(&self, field: &str) -> String {
        self.account["installations"][0][field].as_str().unwrap().to_owned()
    }

    pub fn instance(&self) -> i64 {
        self.account["installations"][0]["installation_instance_id"].as_i64().unwrap()
    }

    /// A request as a client of the platform makes it.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method.parse().unwrap(), self.url(&format!("/public-api/{}{path}", self.code())))
            .header("brightpearl-app-ref", self.installation("app_ref"))
            .header("brightpearl-dev-ref", self.installation("dev_ref"))
    }

    pub async fn send(request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        Reply { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let request = self.request(method, path).bearer_auth(self.installation("access_token"));
        Self::send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.call("PUT", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call("PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, None).await
    }

    /// A sales order body: 2 mugs and shipping, 48.30 in all.
    pub fn order_body(&self, reference: &str) -> Value {
        json!({"customer": {"id": self.customer}, "ref": "BC-9001", "externalRef": reference, "installedIntegrationInstanceId": self.instance(),
            "placedOn": "2026-03-02T09:14:55+00:00", "taxDate": "2026-03-02T09:14:55+00:00", "statusId": 17, "warehouseId": 2, "channelId": 5,
            "leadSourceId": 3, "priceListId": 2, "priceModeCode": "EXC", "currency": {"code": "GBP", "fixedExchangeRate": true, "exchangeRate": "1.000000"},
            "delivery": {"date": "2026-03-06T12:00:00+00:00", "shippingMethodId": 6, "address": {"addressFullName": "Mara Lind", "addressLine1": "7 Quay St",
                "addressLine3": "Bristol", "postalCode": "BS1 4XX", "countryIsoCode": "GBR"}},
            "rows": [
                {"productId": self.mug, "name": "Harbour mug", "quantity": "2", "taxCode": "T20", "net": "31.0000", "tax": "6.2000", "externalRef": "bc-line-551"},
                {"name": "Shipping: Royal Mail 48", "quantity": "1", "taxCode": "T20", "net": "9.2500", "tax": "1.8500", "nominalCode": "4040", "externalRef": "bc-ship-12"}]})
    }

    pub async fn order(&self, reference: &str) -> i64 {
        self.post("/order-service/sales-order/", self.order_body(reference)).await.id()
    }

    /// The low-level order.
    pub async fn read(&self, order: i64) -> Value {
        self.get(&format!("/order-service/order/{order}")).await.data()[0].clone()
    }

    /// Id of the first row of a product.
    pub async fn row(&self, order: i64, product: i64) -> String {
        let order = self.read(order).await;
        let rows = order["orderRows"].as_object().unwrap();
        rows.iter().find(|(_, row)| row["productId"] == product).unwrap().0.clone()
    }

    /// Registers a webhook to a receiver, which speaks plain http.
    pub async fn hook(&self, event: &str, to: &str, set: bool, quality: i64) -> i64 {
        self.switch(json!({"webhook_http": true})).await;
        self.post("/integration-service/webhook", hook_body(event, to, set, quality)).await.id()
    }
}

/// A registration with every variable.
pub fn hook_body(event: &str, to: &str, set: bool, quality: i64) -> Value {
    let body = r#"{"accountCode":"${account-code}","resourceType":"${resource-type}","id":"${resource-id}","lifecycleEvent":"${lifecycle-event}","fullEvent":"${full-event}","raisedOn":"${raised-on}","brightpearlVersion":"${brightpearl-version}","literal":"s3"}"#;
    json!({"subscribeTo": event, "httpMethod": "POST", "uriTemplate": to, "bodyTemplate": body, "contentType": "application/json",
        "idSetAccepted": set, "qualityOfService": quality})
}

/// A receiver of webhooks that answers with the statuses it was given, then 200.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    calls: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self { url, calls: Arc::default(), answers: Arc::default() };
        let shared = receiver.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let Some(body) = read_body(&mut socket).await else { return };
                    shared.calls.lock().unwrap().push(body);
                    let status = { shared.answers.lock().unwrap().pop().unwrap_or(200) };
                    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    drop(socket.write_all(answer.as_bytes()).await);
                });
            }
        });
        receiver
    }

    /// Answers the next calls with these statuses.
    pub fn answer(&self, statuses: &[u16]) {
        *self.answers.lock().unwrap() = statuses.iter().rev().copied().collect();
    }

    pub fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap().clone()
    }

    pub fn events(&self) -> Vec<String> {
        self.calls().iter().map(|call| call["fullEvent"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits until so many calls have come.
    pub async fn wait(&self, count: usize) -> Vec<Value> {
        eventually(|| self.calls().len() >= count).await;
        self.calls()
    }
}

async fn read_body(socket: &mut tokio::net::TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0_u8; 4096];
        let count = socket.read(&mut chunk).await.ok()?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(|rest| rest.trim().parse::<usize>().unwrap()));
            if body.len() >= length.unwrap_or(0) {
                return Some(serde_json::from_str(body).unwrap_or(Value::Null));
            }
        }
        if count == 0 {
            return None;
        }
    }
}

/// Waits for a condition, at most ten seconds.
pub async fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition did not come true in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
