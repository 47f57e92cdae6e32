//! What the simulators can do when nobody else runs: no figure of the product can be above that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::api::request;
use crate::deliveries::Deliveries;
use crate::installation::{NO_QUOTA, Platforms};
use crate::load;
use crate::merchant::{Merchant, Wish, order};
use crate::place::{Place, free_address, until};
use crate::process::{Process, Start};
use crate::stats::{count, per, rounded};

/// As many as the product has under way to one account.
const CONNECTIONS: usize = 4;

/// Calls a second.
#[derive(Debug)]
pub struct Ceilings {
    placed: f64,
    read: f64,
    created: f64,
    delivered: f64,
}

impl Ceilings {
    /// For readers.
    pub fn line(&self) -> String {
        format!(
            "simulators alone: {:.0} orders placed, {:.0} orders read, {:.0} sales orders made, {:.0} webhooks delivered a second",
            self.placed, self.read, self.created, self.delivered
        )
    }

    /// For the file.
    pub fn to_json(&self) -> Value {
        json!({ "orders_placed_per_s": rounded(self.placed), "orders_read_per_s": rounded(self.read),
            "sales_orders_made_per_s": rounded(self.created), "webhooks_delivered_per_s": rounded(self.delivered) })
    }
}

/// Measures them on simulators of their own.
pub async fn measure(place: &Place) -> anyhow::Result<Ceilings> {
    let platforms = Platforms::start(place, "ceilings").await?;
    platforms.allow_per_minute(NO_QUOTA).await?;
    let wish = Wish { id: "ceiling".into(), contacts: vec!["customer@example.com".into()], quota: NO_QUOTA, ..Wish::default() };
    let merchant = Merchant::unconnected(&platforms, wish).await?;
    platforms.forget(false).await?;
    let span = Duration::from_millis(place.pick(3_000, 500));
    let stores = platforms.bigcommerce.addr();
    let placing = request("POST", stores, "/_sim/stores/ceiling/orders", &[], Some(&order("customer@example.com")));
    let placed = rate(stores, Deliveries::repeating(&placing, 1), span).await;
    let first = merchant.place(&platforms, "customer@example.com").await?;
    let token = merchant.store.get("access_token").and_then(Value::as_str).unwrap_or_default();
    let reading = request("GET", stores, &format!("/stores/ceiling/v2/orders/{first}"), &[("x-auth-token", token)], None);
    let read = rate(stores, Deliveries::repeating(&reading, 1), span).await;
    let created = rate(platforms.brightpearl.addr(), sales_orders(&platforms, &merchant).await?, span).await;
    let delivered = webhooks(place, &platforms, &merchant, token).await?;
    platforms.stop().await?;
    Ok(Ceilings { placed, read, created, delivered })
}

async fn rate(addr: std::net::SocketAddr, requests: Deliveries, span: Duration) -> f64 {
    load::closed(addr, &Arc::new(requests), CONNECTIONS, Duration::from_millis(100), span).await.rate()
}

/// Sales orders of two rows and delivery, each with a key of its own (BP §e.2).
async fn sales_orders(platforms: &Platforms, merchant: &Merchant) -> anyhow::Result<Deliveries> {
    let ids = |what: &'static str| async move {
        let shown = platforms.brightpearl.look(&format!("accounts/ceiling/{what}")).await?;
        let rows = shown.get(what).and_then(Value::as_array).cloned().unwrap_or_default();
        let id = |row: &Value| ["/id", "/contactId", "/productId"].iter().find_map(|place| row.pointer(place)?.as_u64());
        anyhow::Ok(rows.iter().filter_map(id).collect::<Vec<u64>>())
    };
    let contact = ids("contacts").await?.into_iter().max().context("the account has no contact")?;
    let product = ids("products").await?.into_iter().max().context("the account has no product")?;
    let app = |name: &str| merchant.app.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let bearer = format!("Bearer {}", app("access_token"));
    let (app_ref, dev_ref) = (app("app_ref"), app("dev_ref"));
    let address = json!({ "addressFullName": "Ada Byron", "addressLine1": "1 Test Street", "addressLine3": "Bristol", "postalCode": "BS1 1AA",
        "countryIsoCode": "GB" });
    let goods = json!({ "productId": product, "name": "Item", "quantity": "2", "taxCode": "T20", "net": "10.00", "tax": "2.00" });
    let delivery = json!({ "name": "Delivery", "quantity": "1", "taxCode": "T20", "net": "4.50", "tax": "0.90", "nominalCode": "4040" });
    let addr = platforms.brightpearl.addr();
    let one = |number: u32| {
        let body = json!({
            "customer": { "id": contact, "address": address }, "billing": { "contactId": contact, "address": address },
            "delivery": { "address": address }, "ref": number.to_string(), "externalRef": format!("ceiling-{number}"),
            "installedIntegrationInstanceId": merchant.app.get("installation_instance_id"), "placedOn": "2026-01-01T00:00:00Z",
            "taxDate": "2026-01-01T00:00:00Z", "warehouseId": 2, "channelId": 5, "priceModeCode": "EXC", "currency": { "code": "GBP" },
            "rows": [goods.clone(), goods.clone(), delivery.clone()],
        });
        let headers = [("authorization", bearer.as_str()), ("brightpearl-app-ref", &app_ref), ("brightpearl-dev-ref", &dev_ref)];
        request("POST", addr, "/public-api/ceiling/order-service/sales-order/", &headers, Some(&body))
    };
    Ok(Deliveries::collect((0..20_000).map(one)))
}

/// Webhooks of orders to a handler that only says yes.
async fn webhooks(place: &Place, platforms: &Platforms, merchant: &Merchant, token: &str) -> anyhow::Result<f64> {
    let listen = free_address()?;
    let mut bare = Process::start(Start {
        core: &place.product_core,
        program: &place.program("bench"),
        arguments: &["bare", "--listen", &listen.to_string(), "--workers", "2"],
        environment: &[],
        log: place.log("bare"),
    })?;
    let api = crate::api::Api::new(&format!("http://{listen}"))?;
    until("the bare handler answers", Duration::from_secs(10), || async { Ok(api.is_fine("/readyz").await.then_some(())) }).await?;
    bare.check()?;
    let hook = json!({ "scope": "store/order/*", "destination": format!("http://{listen}/webhooks/bigcommerce/ceiling"), "is_active": true,
        "headers": { "x-orderbridge-secret": "none" } });
    let addr = platforms.bigcommerce.addr();
    platforms.bigcommerce.call(&request("POST", addr, "/stores/ceiling/v3/hooks", &[("x-auth-token", token)], Some(&hook))).await?;
    platforms.forget(false).await?;
    let orders: usize = place.pick(1_000, 150);
    let began = Instant::now();
    for _ in 0..orders {
        merchant.place(platforms, "customer@example.com").await?;
    }
    // Each order has at least its creation and its status.
    let least = u64::try_from(orders * 2)?;
    let arrived = until("the webhooks have arrived", Duration::from_secs(60), || async {
        let arrived = platforms.bigcommerce.counted("deliveries", "status=200").await?;
        Ok((arrived >= least && platforms.undelivered("ceiling").await? == 0).then_some(arrived))
    })
    .await?;
    let seconds = began.elapsed().as_secs_f64();
    bare.stop().await?;
    Ok(per(count(usize::try_from(arrived)?), seconds))
}
