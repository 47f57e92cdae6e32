//! One merchant: a store, an account, the same products on both sides, and the rules between them.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::installation::Installation;
use crate::wait::{SOON, until};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A merchant of an installation.
pub struct Merchant<'a> {
    pub installation: &'a Installation,
    /// The tenant's id, which is also the store's hash and, unless the account is another merchant's, its code.
    pub id: String,
    /// The account's code.
    pub code: String,
    /// The installation id of our app in the account.
    pub instance: u64,
    client_id: String,
    app: Value,
    settings: String,
    settle_seconds: u32,
}

/// The usual choices of `[orders]`.
pub const ORDERS: &str = "channel = 5\nwarehouse = 2\n";

/// What differs from the usual merchant.
pub struct Wish {
    /// Lines of the settings file below `[orders]`.
    pub orders: &'static str,
    /// Whole sections at its end.
    pub sections: &'static str,
    /// More fields of the store.
    pub store: Value,
    /// How long an order is left to settle.
    pub settle_seconds: u32,
}

impl Default for Wish {
    fn default() -> Self {
        Self { orders: ORDERS, sections: SECTIONS, store: json!({}), settle_seconds: 0 }
    }
}

/// The usual rules below `[orders]`.
pub const SECTIONS: &str = r#"
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

impl<'a> Merchant<'a> {
    /// A merchant with two dozen products and the usual rules.
    pub async fn new(installation: &'a Installation) -> Self {
        Self::with(installation, Wish::default()).await
    }

    /// A merchant who differs.
    pub async fn with(installation: &'a Installation, wish: Wish) -> Self {
        let id = new_id();
        let account = installation.control(&installation.brightpearl, "accounts", json!({"code": id})).await;
        let products: Vec<Value> =
            (1..=24).map(|n| json!({"sku": format!("SKU-{n}"), "name": format!("Item {n}"), "price": n, "stock": 1000})).collect();
        installation.control(&installation.brightpearl, &format!("accounts/{id}/products"), json!({"products": products})).await;
        let merchant = Self::of_account(installation, id.clone(), id, &account["installations"][0], &wish).await;
        merchant.connect(wish.orders, wish.sections).await;
        merchant
    }

    /// A merchant with a store of their own who shares another's account.
    pub async fn beside(other: &Self) -> Self {
        let merchant = Self::not_yet_beside(other).await;
        merchant.connect(ORDERS, SECTIONS).await;
        merchant
    }

    /// The same before Orderbridge knows of them: see [`connect`](Self::connect).
    pub async fn not_yet_beside(other: &Self) -> Self {
        Self::of_account(other.installation, new_id(), other.code.clone(), &other.app, &Wish::default()).await
    }

    /// Imports the tenant with these rules and registers its webhooks.
    pub async fn connect(&self, orders: &str, sections: &str) {
        self.import(orders, sections).await;
        self.installation.orderbridge(&["hooks", "sync", "--tenant", &self.id]).await;
    }

    /// Opens a store for an account that exists.
    async fn of_account(installation: &'a Installation, id: String, code: String, app: &Value, wish: &Wish) -> Self {
        let mut wanted = json!({"hash": id, "currency": "GBP", "quota": 450, "payment_delay_ms": 1, "hook_delay_ms": 1});
        wanted.as_object_mut().unwrap().extend(wish.store.as_object().unwrap().clone());
        let store = installation.control(&installation.bigcommerce, "stores", wanted).await;
        let products: Vec<Value> = (1..=24).map(|n| json!({"sku": format!("SKU-{n}"), "name": format!("Item {n}"), "price": n})).collect();
        installation.control(&installation.bigcommerce, &format!("stores/{id}/products"), json!({"products": products})).await;
        let settings = settings(installation, &id, &code, &store, app);
        Self {
            installation,
            instance: app["installation_instance_id"].as_u64().unwrap(),
            client_id: store["client_id"].as_str().unwrap().to_owned(),
            app: app.clone(),
            id,
            code,
            settings,
            settle_seconds: wish.settle_seconds,
        }
    }

    /// Imports the tenant's file with these rules.
    pub async fn import(&self, orders: &str, sections: &str) {
        let file = self.installation.folder().join(format!("{}.toml", self.id));
        let text = format!("{}\n[orders]\nsettle_seconds = {}\n{orders}\n{sections}", self.settings, self.settle_seconds);
        std::fs::write(&file, text).unwrap();
        self.installation.orderbridge(&["tenant", "import", file.to_str().unwrap()]).await;
    }

    /// Imports the usual rules with the usual defaults.
    pub async fn import_usual(&self) {
        let Wish { orders, sections, .. } = Wish::default();
        self.import(orders, sections).await;
    }

    /// From the next import on, the settings file has these tokens.
    pub fn use_tokens(&mut self, app: &Value) {
        let token = |line: &str, name: &str| format!("{line} = {}", app[name]);
        let replaced = self.settings.lines().map(|line| match line.split_once(" = ") {
            Some(("access_token", _)) if self.settings.find("[brightpearl]") < self.settings.find(line) => token("access_token", "access_token"),
            Some(("refresh_token", _)) => token("refresh_token", "refresh_token"),
            _ => line.to_owned(),
        });
        self.settings = replaced.collect::<Vec<_>>().join("\n");
    }

    /// From the next import on, the settings file has this client secret for Brightpearl.
    pub fn use_client_secret(&mut self, secret: &str) {
        let (store, account) = self.settings.split_once("[brightpearl]").unwrap();
        let replaced =
            account.lines().map(|line| if line.starts_with("client_secret = ") { format!("client_secret = \"{secret}\"") } else { line.to_owned() });
        self.settings = format!("{store}[brightpearl]{}", replaced.collect::<Vec<_>>().join("\n"));
    }

    /// A shopper's order; gives its id.
    pub async fn place(&self, order: Value) -> u64 {
        let placed = self.store("orders", order).await;
        placed["id"].as_u64().unwrap()
    }

    /// A plain order of one line.
    pub async fn place_simple(&self) -> u64 {
        self.place(json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}], "shipping": {"cost": "4.50", "tax_rate": 20}})).await
    }

    /// Acts on the store through the simulator's control API.
    pub async fn store(&self, path: &str, body: Value) -> Value {
        self.installation.control(&self.installation.bigcommerce, &format!("stores/{}/{path}", self.id), body).await
    }

    /// Acts on the account through the simulator's control API.
    pub async fn account(&self, path: &str, body: Value) -> Value {
        self.installation.control(&self.installation.brightpearl, &format!("accounts/{}/{path}", self.code), body).await
    }

    /// The store's order as the simulator knows it.
    pub async fn store_order(&self, order: u64) -> Value {
        self.installation.look(&self.installation.bigcommerce, &format!("stores/{}/orders/{order}", self.id)).await
    }

    /// All sales orders that carry the order's key.
    pub async fn sales_orders(&self, order: u64) -> Vec<Value> {
        let key = format!("bc-{}-{order}", self.id);
        let found = self.installation.look(&self.installation.brightpearl, &format!("accounts/{}/orders?external_ref={key}", self.code)).await;
        found["orders"].as_array().cloned().unwrap_or_default()
    }

    /// Waits for the order's sales order and for its id on the store's order, so that nothing is under way any more.
    pub async fn synced(&self, order: u64) -> Value {
        let what = format!("a sales order for {}/{order}", self.id);
        let found = until(&what, SOON, || async {
            let found = self.sales_orders(order).await;
            let id = found.first()?["id"].as_u64()?;
            let written = self.store_order(order).await["external_order_id"] == json!(format!("BP-{id}"));
            written.then_some(found)
        })
        .await;
        assert_eq!(found.len(), 1, "one store order, one sales order");
        found.into_iter().next().unwrap()
    }

    /// The order's shipments at the store.
    pub async fn shipments(&self, order: u64) -> Vec<Value> {
        self.store_order(order).await["shipments"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the order has this many shipments.
    pub async fn shipped(&self, order: u64, count: usize) -> Vec<Value> {
        until(&format!("{count} shipments of {}/{order}", self.id), SOON, || async {
            Some(self.shipments(order).await).filter(|shipments| shipments.len() >= count)
        })
        .await
    }

    /// Ships everything left of a sales order, or what the body says; gives the note's id.
    pub async fn ship(&self, sales_order: &Value, body: Value) -> u64 {
        let id = sales_order["id"].as_u64().unwrap();
        self.account(&format!("orders/{id}/ship"), body).await["id"].as_u64().unwrap()
    }

    /// Calls of the connector to a platform, as the simulator's ledger has them.
    pub async fn calls(&self, platform: &str, filter: &str) -> Vec<Value> {
        let whose = if platform == self.installation.brightpearl { &self.code } else { &self.id };
        let ledger = self.installation.look(platform, &format!("ledger/calls?tenant={whose}&{filter}")).await;
        let calls = if ledger.is_array() { ledger } else { ledger["calls"].clone() };
        calls.as_array().cloned().unwrap_or_default()
    }

    /// Held effects of the merchant's work, from the command line.
    pub async fn held(&self) -> Vec<Value> {
        let printed = self.installation.orderbridge(&["work", "list", "--tenant", &self.id, "--state", "held", "--json"]).await;
        serde_json::from_str::<Value>(&printed).unwrap().as_array().cloned().unwrap_or_default()
    }

    /// Waits until something is held for a cause that begins so.
    pub async fn held_for(&self, cause: &str) {
        until(&format!("{} is held for {cause}", self.id), SOON, || async {
            let held = self.held().await;
            held.iter().any(|item| item.to_string().contains(&format!("\"{cause}"))).then_some(())
        })
        .await;
    }

    /// The store's API account.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The store's token, for calls past ours.
    pub fn bigcommerce_token(&self) -> String {
        self.token("[bigcommerce]")
    }

    /// A token of the settings file, for calls that another app of the account would make.
    pub fn brightpearl_token(&self) -> String {
        self.token("[brightpearl]")
    }

    fn token(&self, section: &str) -> String {
        self.setting(section, "access_token")
    }

    /// A text of the settings file.
    pub fn setting(&self, section: &str, name: &str) -> String {
        let section = self.settings.split(section).nth(1).unwrap();
        let line = section.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap();
        line.trim_matches('"').to_owned()
    }

    /// The timeline of an order, from the command line.
    pub async fn timeline(&self, order: u64) -> String {
        self.installation.orderbridge(&["timeline", "show", &order.to_string(), "--tenant", &self.id, "--json"]).await
    }
}

fn new_id() -> String {
    format!("m{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn settings(installation: &Installation, id: &str, code: &str, store: &Value, app: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    format!(
        r#"
[tenant]
id = "{id}"

[bigcommerce]
store_hash = "{id}"
base_url = "{}"
client_id = "{}"
client_secret = "{}"
access_token = "{}"

[brightpearl]
account = "{code}"
base_url = "{}"
token_url = "{}"
app_ref = "{}"
dev_ref = "{}"
client_secret = "{}"
access_token = "{}"
refresh_token = "{}"
"#,
        installation.bigcommerce,
        text(&store["client_id"]),
        text(&store["client_secret"]),
        text(&store["access_token"]),
        installation.brightpearl,
        installation.brightpearl,
        text(&app["app_ref"]),
        text(&app["dev_ref"]),
        text(&app["client_secret"]),
        text(&app["access_token"]),
        text(&app["refresh_token"]),
    )
}
