//! Every route that the simulated BigCommerce serves, called once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::Shop;
use super::caller::{Caller, seeded};
use super::{every_call_of_the_client, exchanges, judged, seed};
use crate::openapi::exceptions::BIGCOMMERCE;
use crate::openapi::vendors;

/// What is read without anything in the store but its settings and its catalogue.
const OF_THE_STORE: [&str; 26] = [
    "/v2/store",
    "/v2/time",
    "/v2/currencies",
    "/v2/currencies/{currency}",
    "/v2/tax_classes",
    "/v2/tax_classes/{tax_class}",
    "/v2/shipping/zones",
    "/v2/shipping/zones/{zone}",
    "/v2/shipping/zones/{zone}/methods",
    "/v2/shipping/zones/{zone}/methods/{method}",
    "/v2/payments/methods",
    "/v2/order_statuses",
    "/v2/order_statuses/11",
    "/v3/channels",
    "/v3/channels?type:in=storefront&status:in=active",
    "/v3/channels/{channel}",
    "/v3/settings/inventory",
    "/v3/tax/settings",
    "/v3/catalog/products?include=variants,images,custom_fields",
    "/v3/catalog/products/{product}?include_fields=sku",
    "/v3/catalog/products/{product}/variants",
    "/v3/catalog/products/{product}/variants/{variant}",
    "/v3/catalog/variants?sku=V-S",
    "/v3/catalog/summary",
    "/v3/inventory/items?sku:in=V-S,A&location_id:in=1",
    "/v3/inventory/locations/{location}/items?sku:in=A",
];

/// What is read of an order and of what hangs on it.
const OF_ORDERS: [&str; 30] = [
    "/v2/orders?min_id=1&sort=date_modified:asc&limit=5&page=1&min_date_created=2020-01-01T00:00:00Z",
    "/v2/orders?status_id=13",
    "/v2/orders/count",
    "/v2/orders/{order}",
    "/v2/orders/{order}?include=consignments.line_items,fees&consignment_structure=object",
    "/v2/orders/{order}/products",
    "/v2/orders/{order}/products/{line}",
    "/v2/orders/{order}/shipping_addresses",
    "/v2/orders/{order}/shipping_addresses/{address}",
    "/v2/orders/{order}/shipping_addresses/{address}/shipping_quotes",
    "/v2/orders/{order}/shippingaddresses",
    "/v2/orders/{order}/shippingaddresses/{address}",
    "/v2/orders/{order}/coupons",
    "/v2/orders/{order}/taxes",
    "/v2/orders/{order}/taxes?details=true",
    "/v2/orders/{order}/messages",
    "/v2/orders/{order}/fees",
    "/v2/orders/{order}/consignments",
    "/v2/orders/{order}/consignments?include=consignments.line_items",
    "/v2/orders/{order}/shipments",
    "/v2/orders/{order}/shipments/count",
    "/v2/orders/{order}/shipments/{shipment}",
    "/v2/orders/{bare}/products",
    "/v3/orders/{order}/transactions",
    "/v3/orders/{bare}/transactions",
    "/v3/orders/{order}/payment_actions/refunds",
    "/v3/orders/payment_actions/refunds?order_id:in={order}",
    "/v3/orders/payment_actions/refunds/{refund}",
    "/v3/payments/methods?order_id={order}",
    "/v3/inventory/locations?is_default=true",
];

/// Parts that an order need not have: an empty list is 204.
const MAY_LACK: [&str; 6] = ["products", "shipping_addresses", "coupons", "taxes", "messages", "shipments"];

async fn orders(caller: &mut Caller<'_>) {
    let refund = json!({ "items": [{ "item_type": "PRODUCT", "item_id": caller.id("line"), "quantity": 1, "reason": "damaged" }] });
    let quote = caller.write("POST", "/v3/orders/{order}/payment_actions/refund_quotes", refund.clone()).await;
    let offered = &quote["data"]["refund_methods"][0][0];
    let mut refund = refund;
    refund["payments"] = json!([{ "provider_id": offered["provider_id"], "amount": offered["amount"], "offline": offered["offline"] }]);
    let made = caller.write("POST", "/v3/orders/{order}/payment_actions/refunds", refund).await;
    caller.know("refund", &made["data"]["id"]);
    let item = json!({ "order_product_id": caller.id("line"), "quantity": 1 });
    let body = json!({ "order_address_id": caller.id("address"), "tracking_number": "ZZ1", "items": [item] });
    let shipment = caller.write("POST", "/v2/orders/{order}/shipments", body).await;
    caller.know("shipment", &shipment["id"]);
    caller.write("PUT", "/v2/orders/{order}/shipments/{shipment}", json!({ "tracking_link": "https://track.example.com/ZZ1" })).await;
    for path in OF_ORDERS {
        caller.get(path).await;
    }
    for part in MAY_LACK {
        caller.get(&format!("/v2/orders/{{bare}}/{part}")).await;
    }
    caller.write("PUT", "/v2/orders/{order}/shipping_addresses/{address}", json!({ "city": "Hull" })).await;
    caller.call("DELETE", "/v2/orders/{order}/shipments/{shipment}", None).await;
    caller.call("DELETE", "/v2/orders/{order}/shipments", None).await;
    let address = json!({ "first_name": "Ada", "last_name": "Byron", "street_1": "1 Test Street", "city": "Bristol", "state": "Bristol",
        "zip": "BS1 1AA", "country": "United Kingdom", "country_iso2": "GB", "email": "ada@example.com" });
    let wish = json!({ "status_id": 11, "customer_id": 0, "external_order_id": "X-1", "billing_address": address,
        "products": [{ "name": "Assembly", "sku": "SERV-1", "quantity": 1, "price_ex_tax": 10, "price_inc_tax": 12 }] });
    let made = caller.write("POST", "/v2/orders", wish).await;
    caller.know("made", &made["id"]);
    caller.write("PUT", "/v2/orders/{made}", json!({ "staff_notes": "gift", "customer_message": "soon" })).await;
    caller.call("DELETE", "/v2/orders/{made}", None).await;
    for action in ["capture", "void"] {
        let order = caller.shop.place(json!({ "payment": "authorize", "lines": [{ "sku": "A" }] })).await;
        caller.know("authorised", &order["id"]);
        caller.call("POST", &format!("/v3/orders/{{authorised}}/payment_actions/{action}"), None).await;
    }
}

async fn metafields(caller: &mut Caller<'_>) {
    let field = |key: &str| json!({ "permission_set": "app_only", "namespace": "link", "key": key, "value": "500" });
    let made = caller.write("POST", "/v3/orders/{order}/metafields", field("a")).await;
    caller.know("metafield", &made["data"]["id"]);
    let mut batch = field("b");
    batch["resource_id"] = json!(caller.id("order"));
    caller.write("POST", "/v3/orders/metafields", json!([batch])).await;
    caller.get("/v3/orders/{order}/metafields?limit=1").await;
    caller.get("/v3/orders/metafields?key=b").await;
    caller.get("/v3/orders/{order}/metafields/{metafield}").await;
    let mut changed = field("a");
    changed["value"] = json!("501");
    caller.write("PUT", "/v3/orders/{order}/metafields/{metafield}", changed).await;
    caller.call("DELETE", "/v3/orders/{order}/metafields/{metafield}", None).await;
}

async fn customers(caller: &mut Caller<'_>) {
    let address = json!({ "first_name": "Grace", "last_name": "Hopper", "address1": "1 Navy Yard", "city": "Leeds", "state_or_province": "Yorkshire",
        "postal_code": "LS1 1AA", "country_code": "GB", "phone": "0113", "address_type": "residential" });
    let wish = json!([{ "email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper", "addresses": [address] }]);
    let made = caller.write("POST", "/v3/customers", wish).await;
    let customer = made["data"][0]["id"].clone();
    caller.know("customer", &customer);
    caller.write("PUT", "/v3/customers", json!([{ "id": customer, "company": "Navy" }])).await;
    caller.get("/v3/customers?id:in={customer}&include=addresses,storecredit,attributes,formfields&sort=date_modified:asc&limit=250").await;
    let page = caller.get("/v3/customers?limit=1").await;
    caller.know("cursor", &page["meta"]["cursor_pagination"]["end_cursor"]);
    caller.get("/v3/customers?limit=1&after={cursor}").await;
    caller.get("/v2/customers/{customer}").await;
    let mut second = address;
    second["customer_id"] = customer;
    let made = caller.write("POST", "/v3/customers/addresses", json!([second])).await;
    caller.know("customer_address", &made["data"][0]["id"]);
    caller.write("PUT", "/v3/customers/addresses", json!([{ "id": made["data"][0]["id"], "city": "Hull" }])).await;
    caller.get("/v3/customers/addresses?customer_id:in={customer}").await;
    caller.call("DELETE", "/v3/customers/addresses?id:in={customer_address}", None).await;
    caller.call("DELETE", "/v3/customers?id:in={customer}", None).await;
}

async fn hooks(caller: &mut Caller<'_>) {
    let destination = "https://us.example/a";
    let made = caller.write("POST", "/v3/hooks", json!({ "scope": "store/order/*", "destination": destination, "is_active": true })).await;
    caller.know("hook", &made["data"]["id"]);
    caller.get("/v3/hooks?is_active=true&limit=250&page=1").await;
    caller.get("/v3/hooks/{hook}").await;
    caller.get("/v3/hooks/admin").await;
    caller.write("PUT", "/v3/hooks/{hook}", json!({ "is_active": false, "headers": { "x-secret": "s" } })).await;
    caller.write("PUT", "/v3/hooks/admin", json!({ "emails": ["ops@example.com"] })).await;
    caller.call("DELETE", "/v3/hooks/{hook}", None).await;
}

async fn stock_and_prices(caller: &mut Caller<'_>) {
    let items = json!([{ "location_id": 1, "sku": "A", "quantity": 17 }, { "location_id": 1, "variant_id": caller.id("variant"), "quantity": 4 }]);
    caller.write("PUT", "/v3/inventory/adjustments/absolute", json!({ "reason": "sync", "items": items })).await;
    let items = json!([{ "location_id": 1, "sku": "A", "quantity": -1 }]);
    caller.write("POST", "/v3/inventory/adjustments/relative", json!({ "reason": "sale", "items": items })).await;
    let settings = json!([{ "identity": { "sku": "A" }, "safety_stock": 2, "is_in_stock": true, "warning_level": 5, "bin_picking_number": "A1" }]);
    caller.write("PUT", "/v3/inventory/locations/{location}/items", json!({ "settings": settings })).await;
    caller.write("PUT", "/v3/catalog/variants", json!([{ "id": caller.id("variant"), "price": 25 }])).await;
    caller.write("PUT", "/v3/catalog/products/{product}", json!({ "name": "Vase" })).await;
    caller.write("PUT", "/v3/catalog/products", json!([{ "id": caller.id("product"), "price": 13 }])).await;
    let mixed = json!([{ "id": caller.id("product"), "price": 14 }, { "id": 999_999, "price": 1 }]);
    assert_eq!(caller.send("PUT", "/v3/catalog/products", Some(mixed)).await.0, 207);
}

/// What the platform refuses: a case of each status and generation.
async fn refusals(caller: &Caller<'_>) {
    let many: Vec<Value> = (0..51).map(|_| json!({ "id": caller.id("variant"), "price": 1 })).collect();
    let address = json!({ "order_address_id": 999_999, "items": [{ "order_product_id": caller.id("line"), "quantity": 1 }] });
    let cases = [
        ("GET", "/v2/orders/999999", None, 404),
        ("GET", "/v3/orders/999999/transactions", None, 404),
        ("GET", "/v3/hooks/999999", None, 404),
        ("GET", "/v3/channels/999999", None, 404),
        ("GET", "/v3/inventory/locations/99/items", None, 404),
        ("GET", "/v2/orders?limit=251", None, 413),
        ("POST", "/v2/orders/{order}/shipments", Some(address), 400),
        ("POST", "/v3/hooks", Some(json!({ "scope": "store/order/*", "destination": "http://us.example/a" })), 400),
        ("PUT", "/v3/catalog/variants", Some(json!(many)), 413),
        ("PUT", "/v3/catalog/variants", Some(json!([{ "id": 999_999, "price": 1 }])), 422),
        ("POST", "/v3/customers", Some(json!([{ "email": "ada@example.com", "first_name": "Ada", "last_name": "Byron" }])), 422),
        ("PUT", "/v3/inventory/adjustments/absolute", Some(json!({ "items": [{ "location_id": 9, "sku": "A", "quantity": 1 }] })), 422),
        ("POST", "/v3/orders/{bare}/payment_actions/capture", None, 422),
    ];
    for (method, path, body, expected) in cases {
        let (status, answer) = caller.send(method, path, body).await;
        assert_eq!(status, expected, "{method} {path}: {answer}");
    }
}

async fn every_route(shop: &Shop) -> Caller<'_> {
    let mut caller = seeded(shop).await;
    for path in OF_THE_STORE {
        caller.get(path).await;
    }
    orders(&mut caller).await;
    metafields(&mut caller).await;
    customers(&mut caller).await;
    hooks(&mut caller).await;
    stock_and_prices(&mut caller).await;
    refusals(&caller).await;
    caller
}

fn open() -> impl Future<Output = Shop> {
    Shop::open_with(json!({ "currencies": [{ "code": "EUR", "rate": 1.17 }] }))
}

#[tokio::test]
async fn whatever_the_simulator_answers_is_as_the_platform_describes_it() {
    let shop = open().await;
    every_route(&shop).await;
    let Some(judgement) = judged(&shop, "the simulator's routes").await else { return };
    judgement.assert_clean("the simulator's routes");
}

#[tokio::test]
async fn every_exception_still_excuses_something() {
    let (routes, calls) = (open().await, Shop::open().await);
    every_route(&routes).await;
    every_call_of_the_client(&calls).await;
    let Some(vendors) = vendors("exceptions that are no longer needed") else { return };
    let all = [exchanges(&routes).await, exchanges(&calls).await].concat();
    let used = vendors.judge(&all, BIGCOMMERCE).used;
    let idle = BIGCOMMERCE.iter().enumerate().filter(|(place, _)| !used.contains(place));
    assert_eq!(idle.map(|(_, exception)| format!("{exception:?}")).collect::<Vec<_>>(), Vec::<String>::new());
}

#[tokio::test]
async fn where_the_sources_disagree_a_switch_gives_what_the_files_describe() {
    let shop = Shop::open().await;
    let mut caller = Caller { shop: &shop, ids: Vec::new() };
    caller.know("order", &shop.place(seed::full_order()).await["id"]);
    for (switch, value) in [("tax_row_ids", "string"), ("fees_shape", "single")] {
        shop.sim.switch(switch, value).await;
    }
    for part in ["taxes?details=true", "fees"] {
        caller.get(&format!("/v2/orders/{{order}}/{part}")).await;
    }
    let Some(vendors) = vendors("switches") else { return };
    let judgement = vendors.judge(&exchanges(&shop).await, BIGCOMMERCE);
    judgement.assert_clean("switches");
    let used: Vec<&str> = judgement.used.iter().map(|place| BIGCOMMERCE[*place].at).collect();
    assert_eq!(used, ["/*/order_product_id"], "but for a row that is for no line, nothing needs an excuse");
}

/// Reads every path that the platform describes: those that the simulator serves must be among the routes above.
#[tokio::test]
async fn no_route_of_the_simulator_is_left_out() {
    let shop = open().await;
    let caller = every_route(&shop).await;
    let Some(vendors) = vendors("routes that are left out") else { return };
    let walked: BTreeSet<String> =
        exchanges(&shop).await.iter().filter_map(|call| Some(vendors.operation(&call.method, &call.path)?.path.clone())).collect();
    let mut left_out = Vec::new();
    for path in vendors.readable().filter(|path| !walked.contains(*path)) {
        let (status, _) = caller.send("GET", &guess(&caller, path), None).await;
        if status != 404 && status != 405 {
            left_out.push(format!("{path}: {status}"));
        }
    }
    assert_eq!(left_out, Vec::<String>::new());
}

/// A described path with ids that exist: those of the thing that stands before the placeholder.
fn guess(caller: &Caller<'_>, path: &str) -> String {
    let mut filled = String::new();
    let mut before = "";
    for segment in path.split('/').skip(1) {
        let id = match before {
            "orders" => "order",
            "products" if path.starts_with("/v3/catalog") => "product",
            "products" => "line",
            "variants" => "variant",
            "locations" => "location",
            "shipping_addresses" => "address",
            "zones" => "zone",
            "methods" => "method",
            "channels" => "channel",
            "currencies" => "currency",
            "refunds" => "refund",
            _ => "bare",
        };
        let filling = if segment.starts_with('{') { caller.filled(&format!("{{{id}}}")) } else { segment.to_owned() };
        filled = format!("{filled}/{filling}");
        before = segment;
    }
    filled
}
