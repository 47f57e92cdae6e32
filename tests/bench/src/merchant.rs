//! One merchant on the simulated platforms: a store, an account, the same products on both sides, and rules between them.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::deliveries::Endpoint;
use crate::installation::{Installation, Platforms};

/// Products of each merchant.
const PRODUCTS: u32 = 24;
/// Enough for any run.
const STOCK: u32 = 10_000_000;

/// What a merchant is like.
#[derive(Debug, Default)]
pub struct Wish<'a> {
    /// Its tenant id, which is also the store's hash and, unless it shares another's, the account's code.
    pub id: String,
    /// Whose account it shares.
    pub shares: Option<&'a Merchant>,
    /// How long an order is left to settle.
    pub settle_seconds: u32,
    /// E-mail addresses that Brightpearl knows already.
    pub contacts: Vec<String>,
    /// Calls that the store allows in 30 seconds.
    pub quota: u32,
}

/// A merchant.
#[derive(Debug)]
pub struct Merchant {
    /// The tenant's id and the store's hash.
    pub id: String,
    /// The account's code.
    pub code: String,
    /// As the simulator made it, secrets included: they are made up.
    pub store: Value,
    /// Our app in the account, likewise.
    pub app: Value,
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Merchant {
    /// Makes one, imports it, and registers its webhooks.
    pub async fn open(installation: &Installation<'_>, wish: Wish<'_>) -> anyhow::Result<Self> {
        let settle = wish.settle_seconds;
        let merchant = Self::unconnected(&installation.platforms, wish).await?;
        installation.connect(&merchant.id, &merchant.file(&installation.platforms, settle)).await?;
        Ok(merchant)
    }

    /// Makes one that only the simulators know.
    pub async fn unconnected(platforms: &Platforms, wish: Wish<'_>) -> anyhow::Result<Self> {
        let id = wish.id;
        let (code, app) = match wish.shares {
            Some(other) => (other.code.clone(), other.app.clone()),
            None => (id.clone(), account(platforms, &id, &wish.contacts).await?),
        };
        let wanted = json!({ "hash": id, "currency": "GBP", "quota": wish.quota, "payment_delay_ms": 1, "hook_delay_ms": 0 });
        let store = platforms.bigcommerce.act("stores", &wanted).await?;
        let products: Vec<Value> =
            (1..=PRODUCTS).map(|n| json!({ "sku": format!("SKU-{n}"), "name": format!("Item {n}"), "price": n, "stock": STOCK })).collect();
        platforms.bigcommerce.act(&format!("stores/{id}/products"), &json!({ "products": products })).await?;
        Ok(Self { id, code, store, app })
    }

    /// The tenant's file.
    fn file(&self, platforms: &Platforms, settle_seconds: u32) -> String {
        let (bigcommerce, brightpearl) = (platforms.bigcommerce.base(), platforms.brightpearl.base());
        let (id, code) = (&self.id, &self.code);
        let store = |name: &str| text(&self.store, name).to_owned();
        let app = |name: &str| text(&self.app, name).to_owned();
        format!(
            "[tenant]\nid = \"{id}\"\n\n\
             [bigcommerce]\nstore_hash = \"{id}\"\nbase_url = \"{bigcommerce}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\naccess_token = \"{}\"\n\n\
             [brightpearl]\naccount = \"{code}\"\nbase_url = \"{brightpearl}\"\ntoken_url = \"{brightpearl}\"\napp_ref = \"{}\"\ndev_ref = \"{}\"\n\
             client_secret = \"{}\"\naccess_token = \"{}\"\nrefresh_token = \"{}\"\n\n\
             [orders]\nsettle_seconds = {settle_seconds}\n{RULES}",
            store("client_id"),
            store("client_secret"),
            store("access_token"),
            app("app_ref"),
            app("dev_ref"),
            app("client_secret"),
            app("access_token"),
            app("refresh_token"),
        )
    }

    /// A shopper's order; gives its id.
    pub async fn place(&self, platforms: &Platforms, email: &str) -> anyhow::Result<u64> {
        let placed = platforms.bigcommerce.act(&format!("stores/{}/orders", self.id), &order(email)).await?;
        placed.get("id").and_then(Value::as_u64).context("the placed order has no id")
    }

    /// The key of an order's sales order.
    pub fn external_ref(&self, order: u64) -> String {
        format!("bc-{}-{order}", self.id)
    }

    /// Where its webhooks go, from the store's own registration.
    pub async fn endpoint(&self, installation: &Installation<'_>) -> anyhow::Result<Endpoint> {
        let hook = installation.hook(&self.id).await?;
        let header = hook.get("headers").map(|headers| text(headers, "x-orderbridge-secret").to_owned()).unwrap_or_default();
        Ok(Endpoint {
            connection: text(&hook, "destination").rsplit('/').next().unwrap_or_default().to_owned(),
            store: self.id.clone(),
            client_secret: text(&self.store, "client_secret").to_owned(),
            header_secret: header,
        })
    }
}

/// What a shopper orders: two lines, delivery, tax on all of it.
pub fn order(email: &str) -> Value {
    json!({
        "email": email,
        "lines": [{ "sku": "SKU-5", "quantity": 2, "tax_rate": 20 }, { "sku": "SKU-7", "quantity": 1, "tax_rate": 20 }],
        "shipping": { "cost": "4.50", "tax_rate": 20 },
    })
}

async fn account(platforms: &Platforms, code: &str, contacts: &[String]) -> anyhow::Result<Value> {
    let products: Vec<Value> =
        (1..=PRODUCTS).map(|n| json!({ "sku": format!("SKU-{n}"), "name": format!("Item {n}"), "price": n, "stock": STOCK })).collect();
    let contacts: Vec<Value> = contacts.iter().map(|email| json!({ "email": email, "first_name": "Ada", "last_name": "Byron" })).collect();
    let made = platforms.brightpearl.act("accounts", &json!({ "code": code, "products": products, "contacts": contacts })).await?;
    made.pointer("/installations/0").cloned().context("the account has no installation")
}

const RULES: &str = r#"channel = 5
warehouse = 2

[taxes_and_accounts]
default_tax_code = "T0"
shipping_nominal_code = "4040"
discount_nominal_code = "4009"
tax_codes = [{ rate = "20", code = "T20" }, { rate = "0", code = "T0" }]

[orders.status]
brightpearl = [
    { store = 11, brightpearl = 17 },
    { store = 9, brightpearl = 18 },
    { store = 2, brightpearl = 21 },
    { store = 3, brightpearl = 20 },
    { store = 5, brightpearl = 5 },
]
store = [
    { brightpearl = 17, store = 11 },
    { brightpearl = 18, store = 9 },
    { brightpearl = 22, store = 12 },
]

[fulfilment]
methods = [{ brightpearl = 6, provider = "royalmail", method = "Tracked 48" }]
"#;
