//! The clients of both platforms against the simulators, over real HTTP: no database, no broker, no executable.
//!
//! The simulators refuse what the platforms refuse, so a call that succeeds here has the shape that the platform wants.

mod account_reads;
mod changes;
mod contacts;
mod failures;
mod hooks;
mod mended_hooks;
mod openapi;
mod order_facts;
mod order_writes;
mod paging;
mod quota;
mod receiver;
mod sales_orders;
mod tokens;
mod webhooks;
mod whole_orders;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use orderbridge_brightpearl::AppIdentity;
use orderbridge_http_client::{
    BoxFuture, Deadline, HttpClient, HttpSettings, Permit, PoolKey, QuotaDenied, QuotaGate, QuotaSeen, SendGuard, Unlimited,
};
use orderbridge_schema::ids::{AccountCode, StoreHash};
use orderbridge_schema::work::Share;
use platforms::core::SimClock;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const SHARE: Share = Share::Orders;
const HASH: &str = "abc123";
const CODE: &str = "acme";

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn id(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no id: {value}"))
}

/// A client that waits long enough for any machine.
fn http() -> HttpClient {
    http_that_waits(Duration::from_secs(20))
}

fn http_that_waits(read_timeout: Duration) -> HttpClient {
    let total_timeout = Duration::from_secs(30);
    let user_agent = "orderbridge-tests".to_owned();
    HttpClient::new(&HttpSettings { connect_timeout: total_timeout, read_timeout, total_timeout, body_bytes_max: 8 << 20, user_agent }).unwrap()
}

/// Pays for one write.
fn guard(pool: &PoolKey) -> SendGuard {
    SendGuard { permit: Permit::new(pool.clone(), SHARE), deadline: Deadline::after(Duration::from_secs(30)) }
}

/// A gate that remembers what it was asked and told.
#[derive(Debug, Default)]
struct Gate {
    acquired: Mutex<Vec<(PoolKey, Share)>>,
    seen: Mutex<Vec<QuotaSeen>>,
}

impl Gate {
    fn last(&self) -> QuotaSeen {
        *self.seen.lock().unwrap().last().expect("no reply was told of")
    }

    fn acquired(&self) -> Vec<(PoolKey, Share)> {
        self.acquired.lock().unwrap().clone()
    }
}

impl QuotaGate for Gate {
    fn acquire<'a>(&'a self, pool: &'a PoolKey, share: Share) -> BoxFuture<'a, Result<Permit, QuotaDenied>> {
        self.acquired.lock().unwrap().push((pool.clone(), share));
        Box::pin(std::future::ready(Ok(Permit::new(pool.clone(), share))))
    }

    fn give_back(&self, _permit: Permit) {}

    fn observe(&self, _pool: &PoolKey, seen: QuotaSeen) {
        self.seen.lock().unwrap().push(seen);
    }
}

/// One simulated platform with its control endpoints.
struct Sim {
    url: String,
    control: reqwest::Client,
    clock: SimClock,
    _running: platforms::Running,
}

impl Sim {
    async fn bigcommerce() -> Self {
        Self::start(|running| running.bigcommerce_url.clone()).await
    }

    async fn brightpearl() -> Self {
        Self::start(|running| running.brightpearl_url.clone()).await
    }

    async fn start(url: impl Fn(&platforms::Running) -> String) -> Self {
        let running = platforms::start(platforms::Settings::default()).await.unwrap();
        Self { url: url(&running), control: reqwest::Client::new(), clock: running.clock.clone(), _running: running }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        Self::answer(path, self.control.post(format!("{}/_sim/{path}", self.url)).json(&body)).await
    }

    async fn get(&self, path: &str) -> Value {
        Self::answer(path, self.control.get(format!("{}/_sim/{path}", self.url))).await
    }

    async fn answer(path: &str, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn switch(&self, name: &str, value: impl Into<Value>) {
        self.post("switches", json!({ name: value.into() })).await;
    }

    /// Spoils the next call to a path.
    async fn spoil(&self, path: &str, action: Value) {
        self.post("faults", json!({ "path": path, "action": action, "times": 1 })).await;
    }

    /// How many calls of that kind were made, by `method=…&path=…`.
    async fn calls(&self, query: &str) -> u64 {
        id(&self.get(&format!("ledger/calls/count?{query}")).await["count"])
    }

    async fn forget_calls(&self) {
        self.control.delete(format!("{}/_sim/ledger/calls", self.url)).send().await.unwrap().error_for_status().unwrap();
    }

    fn advance(&self, span: Duration) {
        self.clock.advance(span).unwrap();
    }

    fn base(&self) -> url::Url {
        self.url.parse().unwrap()
    }
}

/// A simulated store `abc123` with products A (25.00) and B (10.00), 20 % tax, prices without tax, and much quota.
struct Shop {
    sim: Sim,
    token: String,
    secret: String,
}

impl Shop {
    async fn open() -> Self {
        Self::open_with(json!({})).await
    }

    async fn open_with(more: Value) -> Self {
        let sim = Sim::bigcommerce().await;
        let mut store = json!({ "hash": HASH, "store_id": 1_025_646, "quota": 100_000 });
        store.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = sim.post("stores", store).await;
        let products = json!({ "products": [{ "sku": "A", "price": 25, "stock": 9999 }, { "sku": "B", "price": 10, "stock": 9999 }] });
        sim.post(&format!("stores/{HASH}/products"), products).await;
        Self { token: text(&made["access_token"]), secret: text(&made["client_secret"]), sim }
    }

    fn client(&self) -> orderbridge_bigcommerce::Client {
        self.client_of(http(), Arc::new(Unlimited), &self.token)
    }

    fn client_of(&self, http: HttpClient, gate: Arc<dyn QuotaGate>, token: &str) -> orderbridge_bigcommerce::Client {
        orderbridge_bigcommerce::Client::new(http, self.sim.base(), StoreHash::new(HASH).unwrap(), token.to_owned().into(), gate)
    }

    /// A control call inside the store.
    async fn act(&self, path: &str, body: Value) -> Value {
        self.sim.post(&format!("stores/{HASH}/{path}"), body).await
    }

    /// Places an order and gives it with all its parts.
    async fn place(&self, order: Value) -> Value {
        self.act("orders", order).await
    }
}

/// A simulated account `acme`: MUG-01 with five pieces in each of two locations, CAP-01, one customer, and much quota.
struct Office {
    sim: Sim,
    account: Value,
    mug: u64,
    cap: u64,
    customer: u64,
}

impl Office {
    async fn open() -> Self {
        Self::open_with(json!({})).await
    }

    async fn open_with(more: Value) -> Self {
        let sim = Sim::brightpearl().await;
        let mut account = json!({ "code": CODE });
        account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let account = sim.post("accounts", account).await;
        sim.post("switches", json!({ "requests_per_minute": 100_000, "webhook_window_ms": 20, "webhook_retry_ms": 20 })).await;
        let mut office = Self { sim, account, mug: 0, cap: 0, customer: 0 };
        let products = json!({ "products": [
            { "sku": "MUG-01", "name": "Harbour mug", "price": "15.50", "stock": { "2": { "2": 5, "9": 5 } } },
            { "sku": "CAP-01", "name": "Harbour cap", "price": "12.00", "stock": 999 }] });
        let made = office.act("products", products).await;
        office.mug = id(&made["products"][0]["id"]);
        office.cap = id(&made["products"][1]["id"]);
        office.customer = id(&office.act("contacts", json!({ "email": "mara@example.com" })).await["id"]);
        office
    }

    fn installation(&self, field: &str) -> String {
        text(&self.account["installations"][0][field])
    }

    fn app(&self) -> AppIdentity {
        AppIdentity { account: AccountCode::new(CODE).unwrap(), app_ref: self.installation("app_ref"), dev_ref: self.installation("dev_ref") }
    }

    fn client(&self) -> orderbridge_brightpearl::Client {
        self.client_of(http(), Arc::new(Unlimited), &self.installation("access_token"))
    }

    fn client_of(&self, http: HttpClient, gate: Arc<dyn QuotaGate>, token: &str) -> orderbridge_brightpearl::Client {
        orderbridge_brightpearl::Client::new(http, self.sim.base(), self.app(), token.to_owned().into(), gate)
    }

    /// A control call inside the account.
    async fn act(&self, path: &str, body: Value) -> Value {
        self.sim.post(&format!("accounts/{CODE}/{path}"), body).await
    }

    async fn view(&self, path: &str) -> Value {
        self.sim.get(&format!("accounts/{CODE}/{path}")).await
    }
}
