//! One simulated store and a client for it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use platforms::bigcommerce::BigCommerce;
use platforms::core::{Server, SimClock, serve};
use reqwest::{Client, Method, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A platform with one store `abc123` that holds two products.
pub struct Shop {
    pub client: Client,
    pub url: String,
    pub clock: SimClock,
    pub token: String,
    pub secret: String,
    _server: Server,
}

/// An answer, read completely.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Shop {
    /// With products `A` (25.00) and `B` (10.00), 20 % tax, prices entered without tax, quota out of the way.
    pub async fn open() -> Self {
        Self::open_with(json!({})).await
    }

    pub async fn open_with(settings: Value) -> Self {
        let mut store = json!({ "hash": "abc123", "store_id": 1_025_646, "quota": 100_000, "inventory_delay_ms": 1000 });
        store.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let clock = SimClock::system();
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = serve(BigCommerce::new(7), bind, clock.clone(), 7).await.unwrap();
        let mut shop = Self { client: Client::new(), url: server.url(), clock, token: String::new(), secret: String::new(), _server: server };
        let made = shop.sim("POST", "stores", store).await;
        shop.token = made["access_token"].as_str().unwrap().to_owned();
        shop.secret = made["client_secret"].as_str().unwrap().to_owned();
        let products = json!({ "products": [{ "sku": "A", "price": 25, "stock": 100 }, { "sku": "B", "price": 10, "stock": 100 }] });
        shop.sim("POST", "stores/abc123/products", products).await;
        shop
    }

    /// A control call that must succeed.
    pub async fn sim(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.sim_raw(method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    pub async fn sim_raw(&self, method: &str, path: &str, body: Value) -> Answer {
        let url = format!("{}/_sim/{path}", self.url);
        let mut request = self.client.request(method.parse().unwrap(), url);
        if method != "GET" {
            request = request.json(&body);
        }
        read(request).await
    }

    /// A call of the platform's API with this store's token.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.token, method, path, body).await
    }

    pub async fn call_as(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let url = format!("{}/stores/abc123/{path}", self.url);
        let mut request = self.client.request(method.parse::<Method>().unwrap(), url);
        request = request.header("X-Auth-Token", token).header("Accept", "application/json");
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// Places an order and gives it with all its parts.
    pub async fn place(&self, order: Value) -> Value {
        self.sim("POST", "stores/abc123/orders", order).await
    }

    pub async fn switch(&self, name: &str, value: Value) {
        self.sim("POST", "switches", json!({ name: value })).await;
    }

    pub async fn advance(&self, ms: u64) {
        self.sim("POST", "clock", json!({ "advance_ms": ms })).await;
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{text}");
    Answer { status: status.as_u16(), headers, text }
}

/// Waits until the condition holds.
pub async fn until<F: AsyncFnMut() -> bool>(what: &str, mut condition: F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A money string of an object.
pub fn money(row: &Value, field: &str) -> Decimal {
    let text = row[field].as_str().unwrap_or_else(|| panic!("{field} is not text: {}", row[field]));
    assert_eq!(text.split_once('.').map(|(_, decimals)| decimals.len()), Some(4), "{field}: {text}");
    text.parse().unwrap()
}

pub fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}
