//! From a request to its handler: store, token, scope, quota, path.

use super::BigCommerce;
use super::context::Context;
use super::oauth::{Exchange, bad_client, granted};
use super::order::{consignment, list, metafield, payment, refund, shipment, write};
use super::reply::{Reply, v2_error, v2_not_found, v3_error, v3_not_found};
use super::{catalogue_api, customer, hook, info, inventory, inventory_items, status};
use crate::core::{ApiRequest, ApiResponse};

const ORDERS: &[&str] = &["store_v2_orders"];
const ORDERS_READ: &[&str] = &["store_v2_orders", "store_v2_orders_read_only"];
const TRANSACTIONS_READ: &[&str] = &["store_v2_transactions", "store_v2_transactions_read_only"];
const PAYMENTS: &[&str] = &["store_v2_orders", "store_v2_transactions"];
const PAYMENTS_READ: &[&str] = &["store_v2_orders", "store_v2_orders_read_only", "store_v2_transactions", "store_v2_transactions_read_only"];
const CUSTOMERS: &[&str] = &["store_v2_customers"];
const CUSTOMERS_READ: &[&str] = &["store_v2_customers", "store_v2_customers_read_only"];
const PRODUCTS: &[&str] = &["store_v2_products"];
const PRODUCTS_READ: &[&str] = &["store_v2_products", "store_v2_products_read_only"];
const INVENTORY: &[&str] = &["store_inventory"];
const INVENTORY_READ: &[&str] = &["store_inventory", "store_inventory_read_only"];
const LOCATIONS_READ: &[&str] = &["store_locations", "store_locations_read_only"];
const CHANNELS_READ: &[&str] = &["store_channel_settings", "store_channel_settings_read_only"];
const PAYMENT_METHODS: &[&str] = &["store_payments_methods_read", "store_payments_access_token_create"];
const INFORMATION: &[&str] = &["store_v2_information", "store_v2_information_read_only"];

/// Scopes of which one is needed (BC §a); none for what every token may do.
fn scopes(reads: bool, version: &str, rest: &[&str]) -> &'static [&'static str] {
    let either = |read, write| if reads { read } else { write };
    match (version, rest) {
        ("v3", ["hooks", ..]) => &[],
        ("v3", ["orders", _, "transactions"]) => TRANSACTIONS_READ,
        ("v3", ["orders", _, "payment_actions", ..] | ["orders", "payment_actions", ..]) => either(PAYMENTS_READ, PAYMENTS),
        (_, ["orders" | "order_statuses", ..]) => either(ORDERS_READ, ORDERS),
        (_, ["customers", ..]) => either(CUSTOMERS_READ, CUSTOMERS),
        ("v3", ["catalog", ..]) => either(PRODUCTS_READ, PRODUCTS),
        ("v3", ["inventory", "locations"]) => LOCATIONS_READ,
        ("v3", ["inventory", ..]) => either(INVENTORY_READ, INVENTORY),
        ("v3", ["channels", ..]) => CHANNELS_READ,
        (_, ["payments", ..]) => PAYMENT_METHODS,
        _ => INFORMATION,
    }
}

/// An error in the generation's own shape.
fn error(version: &str, status: u16, text: &str) -> ApiResponse {
    if version == "v3" { v3_error(status, text) } else { v2_error(status, text) }
}

impl BigCommerce {
    /// Answers one call.
    pub(super) fn answer(&mut self, request: &ApiRequest) -> ApiResponse {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["oauth2", "token"] if request.door.leads_to_sign_in() => self.token(request).unwrap_or_else(|refusal| refusal),
            ["stores", hash, version @ ("v2" | "v3"), rest @ ..] if request.door.leads_to_api() => self.of_store(request, hash, version, rest),
            _ => v3_not_found("The requested resource was"),
        }
    }

    fn of_store(&mut self, request: &ApiRequest, hash: &str, version: &str, rest: &[&str]) -> ApiResponse {
        let Some(store) = self.stores.get_mut(hash) else {
            let code = self.switches.get("unknown_store_status").parse().unwrap_or(404);
            return error(version, code, "The store was not found.");
        };
        let token = request.header("x-auth-token").unwrap_or_default();
        let Some(account) = store.accounts.iter().find(|account| account.token == token) else {
            let answer = error(version, 401, "The access token is missing or not valid for this store.");
            return store.bucket.stamp(answer, request.at);
        };
        if store.down {
            let answer = error(version, 503, "The store is down for maintenance.");
            return store.bucket.stamp(answer, request.at);
        }
        if !store.bucket.take(request.at) {
            return store.bucket.refuse(request);
        }
        let reads = matches!(request.method.as_str(), "GET" | "HEAD");
        if !account.may(scopes(reads, version, rest)) {
            let answer = error(version, 403, "Your OAuth scope does not allow this call.");
            return store.bucket.stamp(answer, request.at);
        }
        let client_id = account.client_id.clone();
        let blocked = self.outbox.blocked(&client_id, request.at);
        let mut ctx = Context { store, switches: &self.switches, rng: &mut self.rng, request, client_id, now: request.at };
        let reply = match (version, rest) {
            ("v3", ["hooks", rest @ ..]) => hook::route(&mut ctx, rest, &blocked),
            ("v3", _) => v3(&mut ctx, rest),
            _ => v2(&mut ctx, rest),
        };
        let answer = reply.unwrap_or_else(|refusal| refusal);
        ctx.store.bucket.stamp(answer, request.at)
    }

    fn token(&mut self, request: &ApiRequest) -> Reply {
        if request.method != "POST" {
            return Err(ApiResponse::empty(405));
        }
        let exchange = Exchange::read(request)?;
        let mut accounts = self.stores.values().flat_map(|store| &store.accounts);
        let known = accounts.any(|account| account.client_id == exchange.client_id && account.client_secret == exchange.client_secret);
        if !known {
            return Err(bad_client());
        }
        let code = exchange.redeem(&mut self.codes)?;
        let token = self.rng.hex(16);
        let store = self.stores.get_mut(&code.store);
        let account = store.and_then(|store| store.accounts.iter_mut().find(|account| account.client_id == code.client_id));
        let account = account.ok_or_else(bad_client)?;
        account.token.clone_from(&token);
        account.scopes = code.scope.split_whitespace().map(str::to_owned).collect();
        Ok(granted(&code, &token))
    }
}

fn v2(ctx: &mut Context<'_>, rest: &[&str]) -> Reply {
    if let Some(reply) = info::v2_route(ctx, rest) {
        return reply;
    }
    let order = |ctx: &Context<'_>, id: &str| {
        let id = id.parse().ok().filter(|id| ctx.store.orders.contains_key(id));
        id.ok_or_else(v2_not_found)
    };
    match (ctx.method(), rest) {
        ("GET", ["orders"]) => list::list(ctx),
        ("POST", ["orders"]) => write::create(ctx),
        ("DELETE", ["orders"]) => Ok(write::archive_all(ctx)),
        ("GET", ["orders", "count"]) => Ok(list::count(ctx)),
        ("GET", ["order_statuses"]) => status::answer(None),
        ("GET", ["order_statuses", id]) => status::answer(Some(id)),
        ("GET", ["customers", id]) => customer::v2_route(ctx, id),
        ("GET", ["orders", id]) => list::get(ctx, order(ctx, id)?),
        ("PUT", ["orders", id]) => write::update(ctx, order(ctx, id)?),
        ("DELETE", ["orders", id]) => Ok(write::archive(ctx, order(ctx, id)?)),
        (_, ["orders", id, "shipments", rest @ ..]) => shipment::route(ctx, order(ctx, id)?, rest),
        ("PUT", ["orders", id, name @ ("shipping_addresses" | "shippingaddresses"), address]) if list::is_spelt(ctx, name) => {
            write::update_address(ctx, order(ctx, id)?, address)
        }
        ("GET", ["orders", id, "consignments"]) => consignment::get(ctx, order(ctx, id)?),
        ("GET", ["orders", id, part @ ..]) => list::part(ctx, order(ctx, id)?, part),
        (_, ["orders" | "order_statuses", ..] | ["customers", _]) => Err(v2_error(405, "The method is not allowed for this resource.")),
        _ => Err(v2_not_found()),
    }
}

fn v3(ctx: &mut Context<'_>, rest: &[&str]) -> Reply {
    if let Some(reply) = info::v3_route(ctx, rest) {
        return reply;
    }
    match rest {
        ["customers", rest @ ..] => customer::v3_route(ctx, rest),
        ["catalog", rest @ ..] => catalogue_api::route(ctx, rest),
        ["inventory", "adjustments", kind] => inventory::adjust(ctx, kind),
        ["inventory", rest @ ..] => inventory_items::route(ctx, rest),
        ["orders", "payment_actions", "refunds", rest @ ..] => refund::list_all(ctx, rest),
        ["orders", "metafields", rest @ ..] => metafield::batch(ctx, rest),
        ["orders", id, rest @ ..] => {
            let id = id.parse().ok().filter(|id| ctx.store.orders.contains_key(id));
            let id: i64 = id.ok_or_else(|| v3_not_found("The order was"))?;
            match rest {
                ["transactions"] => payment::list(ctx, id),
                ["payment_actions", action @ ("capture" | "void")] => payment::act(ctx, id, action),
                ["payment_actions", "refund_quotes"] => refund::quote(ctx, id),
                ["payment_actions", "refunds"] => refund::route(ctx, id),
                ["metafields", rest @ ..] => metafield::route(ctx, id, rest),
                _ => Err(v3_not_found("The requested resource was")),
            }
        }
        _ => Err(v3_not_found("The requested resource was")),
    }
}
