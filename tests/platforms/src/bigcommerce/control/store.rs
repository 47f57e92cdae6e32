//! Stores and API accounts.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Answer, created, ok, only, positive, refuse};
use crate::bigcommerce::BigCommerce;
use crate::bigcommerce::context::Context;
use crate::bigcommerce::limits::ThrottleStyle;
use crate::bigcommerce::oauth::Code;
use crate::bigcommerce::order::pricing::{Rate, Rounding};
use crate::bigcommerce::state::{Account, StockBehaviour, Store};
use crate::bigcommerce::value::{decimal, decimal_at, flag_at, int_at, list_at, string_at, text_at};
use crate::core::{ApiResponse, Rng};

const ACCOUNT: [&str; 4] = ["client_id", "client_secret", "access_token", "scopes"];
const SETTINGS: [&str; 22] = [
    "quota",
    "window_ms",
    "others_per_window",
    "throttle_style",
    "down",
    "tax_inclusive",
    "rounding",
    "tax_rate",
    "shipment_mails",
    "status_mails",
    "update_stock_behavior",
    "edit_order_stock_adjustment",
    "refund_order_stock_adjustment",
    "inventory_delay_ms",
    "payment_delay_ms",
    "hook_delay_ms",
    "name",
    "country",
    "country_iso2",
    "plan",
    "currencies",
    "next_order_id",
];

/// `POST /_sim/stores`.
pub(super) fn create(platform: &mut BigCommerce, body: &Value, now: Timestamp) -> Answer {
    let own = ["hash", "store_id", "currency", "accounts"];
    let known: Vec<&str> = own.into_iter().chain(ACCOUNT).chain(SETTINGS).collect();
    only(body, &known)?;
    let hash = text_at(body, "hash").map_or_else(|| format!("st{}", platform.rng.hex(4)), str::to_owned);
    if hash.is_empty() || !hash.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        return Err(refuse("hash must be letters and digits"));
    }
    if platform.stores.contains_key(&hash) {
        return Err(ApiResponse::refusal(409, "a store with this hash exists"));
    }
    let count = i64::try_from(platform.stores.len()).unwrap_or(0);
    let store_id = int_at(body, "store_id").unwrap_or(1_025_646 + count);
    let currency = text_at(body, "currency").unwrap_or("GBP").to_ascii_uppercase();
    let mut store = Store::new(hash.clone(), store_id, currency);
    let mut answer = json!({ "hash": hash, "store_id": store_id, "currency": store.currency, "created_at": now.as_second() });
    apply(&mut store, body)?;
    let first = account(body, &mut platform.rng);
    merge(&mut answer, &show_account(&first));
    store.accounts.push(first);
    for row in list_at(body, "accounts") {
        only(row, &ACCOUNT)?;
        store.accounts.push(account(row, &mut platform.rng));
    }
    merge(&mut answer, &json!({ "accounts": store.accounts.iter().map(show_account).collect::<Vec<_>>() }));
    platform.stores.insert(hash, store);
    created(&answer)
}

fn merge(into: &mut Value, more: &Value) {
    if let (Some(into), Some(more)) = (into.as_object_mut(), more.as_object()) {
        into.extend(more.clone());
    }
}

fn account(body: &Value, rng: &mut Rng) -> Account {
    let mut or = |name: &str, bytes: usize| text_at(body, name).map_or_else(|| rng.hex(bytes), str::to_owned);
    let (client_id, client_secret, token) = (or("client_id", 14), or("client_secret", 32), or("access_token", 16));
    let scopes = list_at(body, "scopes").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let mut account = Account { client_id, client_secret, token, scopes };
    if body.get("scopes").is_none() {
        account.scopes.insert("*".to_owned());
    }
    account
}

/// Credentials are shown on purpose: they are made up, and tests need them.
fn show_account(account: &Account) -> Value {
    json!({ "client_id": account.client_id, "client_secret": account.client_secret, "access_token": account.token,
        "scopes": account.scopes })
}

/// A store's state apart from its contents.
pub(super) fn show(store: &Store) -> Value {
    json!({ "hash": store.hash, "store_id": store.store_id, "name": store.name, "currency": store.currency,
        "quota": store.bucket.quota, "requests_left": store.bucket.left(), "tax_inclusive": store.inclusive,
        "down": store.down, "orders": store.orders.len(), "products": store.catalogue.products.len(),
        "customers": store.customers.len(), "hooks": store.hooks.len(),
        "accounts": store.accounts.iter().map(show_account).collect::<Vec<_>>() })
}

/// `POST /_sim/stores/{hash}/settings`.
pub(super) fn settings(store: &mut Store, body: &Value) -> Answer {
    only(body, &SETTINGS)?;
    apply(store, body)?;
    ok(&show(store))
}

fn apply(store: &mut Store, body: &Value) -> Result<(), ApiResponse> {
    let bucket = &mut store.bucket;
    bucket.quota = positive(body, "quota")?.unwrap_or(bucket.quota);
    bucket.window_ms = positive(body, "window_ms")?.unwrap_or(bucket.window_ms);
    bucket.others_per_window = positive(body, "others_per_window")?.unwrap_or(bucket.others_per_window);
    bucket.style = match text_at(body, "throttle_style") {
        None => bucket.style,
        Some("headers") => ThrottleStyle::Headers,
        Some("retry_after") => ThrottleStyle::RetryAfter,
        Some("bare") => ThrottleStyle::Bare,
        Some(_) => {
            return Err(refuse("throttle_style must be headers, retry_after or bare"));
        }
    };
    let settings = &mut store.settings;
    settings.inventory_delay_ms = positive(body, "inventory_delay_ms")?.unwrap_or(settings.inventory_delay_ms);
    settings.payment_delay_ms = positive(body, "payment_delay_ms")?.unwrap_or(settings.payment_delay_ms);
    settings.hook_delay_ms = positive(body, "hook_delay_ms")?.unwrap_or(settings.hook_delay_ms);
    for (name, place) in [
        ("shipment_mails", &mut settings.shipment_mails),
        ("status_mails", &mut settings.status_mails),
        ("edit_order_stock_adjustment", &mut settings.edit_adjusts_stock),
        ("refund_order_stock_adjustment", &mut settings.refund_adjusts_stock),
        ("down", &mut store.down),
        ("tax_inclusive", &mut store.inclusive),
    ] {
        if body.get(name).is_some() {
            *place = flag_at(body, name).ok_or_else(|| refuse(format!("{name} must be true or false")))?;
        }
    }
    settings.stock = match text_at(body, "update_stock_behavior") {
        None => settings.stock,
        Some("order_placed") => StockBehaviour::OrderPlaced,
        Some("order_completed_or_shipped") => StockBehaviour::CompletedOrShipped,
        Some(_) => {
            return Err(refuse("update_stock_behavior must be order_placed or order_completed_or_shipped"));
        }
    };
    texts(store, body)
}

fn texts(store: &mut Store, body: &Value) -> Result<(), ApiResponse> {
    for (name, place) in
        [("name", &mut store.name), ("country", &mut store.country), ("country_iso2", &mut store.country_iso2), ("plan", &mut store.plan)]
    {
        if let Some(text) = text_at(body, name) {
            text.clone_into(place);
        }
    }
    if let Some(text) = text_at(body, "rounding") {
        store.rounding = rounding(text)?;
    }
    if let Some(value) = body.get("tax_rate") {
        let percent = decimal(value).ok_or_else(|| refuse("tax_rate must be a percentage"))?;
        store.rates = if percent.is_zero() { Vec::new() } else { vec![Rate { name: "VAT".to_owned(), percent }] };
    }
    if body.get("currencies").is_some() {
        store.currencies = list_at(body, "currencies").iter().map(currency).collect::<Result<_, _>>()?;
    }
    if let Some(next) = positive(body, "next_order_id")? {
        store.reserve_id("order", next);
    }
    Ok(())
}

/// The names that the tax settings use.
pub(super) fn rounding(text: &str) -> Result<Rounding, ApiResponse> {
    match text {
        "RATE_ROUNDING" => Ok(Rounding::Rate),
        "NO_ROUNDING" => Ok(Rounding::None),
        _ => Err(refuse("rounding must be RATE_ROUNDING or NO_ROUNDING")),
    }
}

fn currency(row: &Value) -> Result<(String, Decimal), ApiResponse> {
    let code = text_at(row, "code").ok_or_else(|| refuse("a currency is {\"code\":\"EUR\",\"rate\":1.17}"))?;
    Ok((code.to_ascii_uppercase(), decimal_at(row, "rate").unwrap_or(Decimal::ONE)))
}

/// `POST …/accounts`.
pub(super) fn add_account(ctx: &mut Context<'_>, body: &Value) -> Answer {
    only(body, &ACCOUNT)?;
    let account = account(body, ctx.rng);
    if ctx.store.accounts.iter().any(|known| known.client_id == account.client_id || known.token == account.token) {
        return Err(ApiResponse::refusal(409, "an account with this client id or token exists"));
    }
    let shown = show_account(&account);
    ctx.store.accounts.push(account);
    created(&shown)
}

fn find<'a>(store: &'a mut Store, client: &str) -> Result<&'a mut Account, ApiResponse> {
    let found = store.accounts.iter_mut().find(|account| account.client_id == client);
    found.ok_or_else(|| ApiResponse::refusal(404, "no such account"))
}

/// `POST …/accounts/{client_id}/revoke`: the token dies, hooks stay; the new token is answered.
pub(super) fn revoke(ctx: &mut Context<'_>, client: &str) -> Answer {
    let token = ctx.rng.hex(16);
    let account = find(ctx.store, client)?;
    account.token = token;
    let shown = show_account(account);
    ok(&shown)
}

/// `POST …/accounts/{client_id}/secret {"client_secret"?}`: the app's secret is made anew; from now on webhooks are signed with it.
pub(super) fn renew_secret(ctx: &mut Context<'_>, client: &str, body: &Value) -> Answer {
    only(body, &["client_secret"])?;
    let secret = text_at(body, "client_secret").map_or_else(|| ctx.rng.hex(32), str::to_owned);
    let account = find(ctx.store, client)?;
    account.client_secret = secret;
    let shown = show_account(account);
    ok(&shown)
}

/// `DELETE …/accounts/{client_id}`: irreversible, its hooks go with it.
pub(super) fn delete_account(store: &mut Store, client: &str) -> Answer {
    find(store, client)?;
    store.accounts.retain(|account| account.client_id != client);
    store.hooks.retain(|_, hook| hook.client_id != client);
    Ok(ApiResponse::empty(204))
}

/// `POST …/accounts/{client_id}/uninstall`: the token is dead before the last event is sent.
pub(super) fn uninstall(ctx: &mut Context<'_>, client: &str) -> Answer {
    let token = ctx.rng.hex(16);
    find(ctx.store, client)?.token = token;
    // What listens for the uninstall itself must live until that event has been delivered.
    ctx.store.hooks.retain(|_, hook| hook.client_id != client || hook.wants("store/app/uninstalled"));
    let now = ctx.now;
    ctx.store.emit_to(client, "store/app/uninstalled", vec![("type", json!("store"))], now);
    Ok(ApiResponse::empty(204))
}

/// `POST …/requests {"count":n}`: other apps use the quota now.
pub(super) fn foreign_requests(ctx: &mut Context<'_>, body: &Value) -> Answer {
    let count = positive(body, "count")?.ok_or_else(|| refuse("count is missing"))?;
    ctx.store.bucket.consume(ctx.now, count);
    ok(&json!({ "requests_left": ctx.store.bucket.left() }))
}

/// `POST …/oauth_codes`: what a merchant's browser would bring to the app. Makes the app's account if it is new.
pub(super) fn oauth_code(platform: &mut BigCommerce, hash: &str, body: &Value) -> Answer {
    only(body, &["client_id", "client_secret", "scope", "redirect_uri"])?;
    let store = platform.stores.get_mut(hash).ok_or_else(|| refuse("no such store"))?;
    let client_id = text_at(body, "client_id").or_else(|| store.first_client()).unwrap_or_default().to_owned();
    if find(store, &client_id).is_err() {
        let secret = json!({ "client_id": client_id, "client_secret": body.get("client_secret") });
        store.accounts.push(account(&secret, &mut platform.rng));
    }
    let scope = string_at(body, "scope");
    let redirect_uri = text_at(body, "redirect_uri").unwrap_or("https://app.example.com/auth").to_owned();
    let code = platform.rng.hex(15);
    let shown = json!({ "code": code, "scope": scope, "context": format!("stores/{hash}"),
        "redirect_uri": redirect_uri, "client_id": client_id });
    platform.codes.push(Code { code, store: hash.to_owned(), client_id, scope, redirect_uri });
    created(&shown)
}
