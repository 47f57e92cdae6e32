//! The client against a small server: what it asks, what it makes of the answers, and how it sorts failures.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must fail")]

mod failures;
mod hooks;
mod orders;
mod parts;
#[path = "../../../http/client/tests/support/mod.rs"]
mod support;
mod writes;

use std::sync::Arc;

use orderbridge_bigcommerce::Client;
use orderbridge_http_client::HttpClient;
use orderbridge_schema::ids::StoreHash;
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use support::{Gate, Server, http};

const SHARE: Share = Share::Orders;

fn client_with(http: HttpClient, server: &Server, gate: &Arc<Gate>) -> Client {
    let gate: Arc<Gate> = Arc::clone(gate);
    Client::new(http, server.url.clone(), StoreHash::new("abc123").unwrap(), "t0k".to_owned().into(), gate)
}

fn client(server: &Server) -> Client {
    client_with(http(), server, &Arc::new(Gate::default()))
}

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// An order in the form of the platform, of which a test changes what it is about.
fn order(id: u64) -> Value {
    json!({
        "id": id, "customer_id": 0, "date_created": "Sun, 01 Mar 2026 09:30:00 +0000", "date_modified": "Sun, 01 Mar 2026 09:30:04 +0000",
        "date_shipped": "", "status_id": 11, "status": "Awaiting Fulfillment",
        "shipping_cost_ex_tax": "5.0000", "shipping_cost_inc_tax": "6.0000", "shipping_cost_tax": "1.0000",
        "handling_cost_inc_tax": "0.0000", "handling_cost_tax": "0", "wrapping_cost_inc_tax": null, "wrapping_cost_tax": {},
        "total_ex_tax": "55.0000", "total_inc_tax": "66.0000", "total_tax": "11.0000",
        "order_is_digital": false, "store_credit_amount": "0.0000", "gift_certificate_amount": 2.5,
        "currency_code": "USD", "default_currency_code": "GBP", "discount_amount": "0.0000", "coupon_discount": "3.1500",
        "shipping_address_count": 1, "is_deleted": false,
        "billing_address": {"first_name": "Ada", "last_name": "Byron", "company": "", "street_1": "1 Test Street", "street_2": null, "city": "Bristol",
            "state": "Bristol", "zip": "BS1 1AA", "country": "United Kingdom", "country_iso2": "GB", "phone": "01170000000", "email": "ada@example.com",
            "form_fields": [{"name": "VAT number", "value": ["GB123"]}]},
        "channel_id": 1, "external_order_id": "", "fees": [], "a_field_of_tomorrow": {"x": [1, 2]},
    })
}
