//! What is paid at the store is booked in Brightpearl: each payment once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::wait::{SOON, stays, until};

/// Payments switched on, with a method for every gateway that tests pay with.
pub const PAYMENTS: &str = r#"
[payments]
enabled = true
methods = [
    { gateway = "stripe", method = "STRIPE" },
    { gateway = "braintree", method = "STRIPE" },
    { gateway = "giftcertificate", method = "GIFTCARD" },
    { gateway = "storecredit", method = "GIFTCARD" },
]
"#;

/// A merchant whose payments are booked, by the usual rules or others.
pub async fn merchant_with<'a>(installation: &'a Installation, payments: &str) -> Merchant<'a> {
    let merchant = Merchant::with(installation, Wish { settle_seconds: 1, ..Wish::default() }).await;
    merchant.import(ORDERS, &format!("{SECTIONS}{payments}")).await;
    merchant
}

fn order(payment: Value) -> Value {
    json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}], "shipping": {"cost": "4.50", "tax_rate": 20}, "payment": payment})
}

/// The payments of an order's sales order: type, method, what was paid or promised.
pub async fn booked(merchant: &Merchant<'_>, order: u64) -> Vec<(String, String, String)> {
    let found = merchant.sales_orders(order).await;
    let text = |payment: &Value, field: &str| payment[field].as_str().unwrap().to_owned();
    let payments = found.iter().flat_map(|order| order["payments"].as_array().cloned().unwrap_or_default());
    let shown = |payment: Value| {
        let is_money = ["RECEIPT", "CAPTURE"].contains(&payment["type"].as_str().unwrap());
        (text(&payment, "type"), text(&payment, "method"), text(&payment, if is_money { "amount_paid" } else { "amount_authorized" }))
    };
    payments.map(shown).collect()
}

fn is(kind: &str, method: &str, amount: &str) -> (String, String, String) {
    (kind.into(), method.into(), amount.into())
}

/// Waits for exactly these payments.
async fn is_booked(merchant: &Merchant<'_>, order: u64, expected: &[(String, String, String)]) {
    until(&format!("{expected:?} of {}/{order}", merchant.id), SOON, || async { (booked(merchant, order).await == expected).then_some(()) }).await;
}

/// Calls that book payments, whatever came of them.
async fn sent(merchant: &Merchant<'_>) -> usize {
    merchant.calls(&merchant.installation.brightpearl, "method=POST&path=/accounting-service/customer-payment").await.len()
}

async fn searched(merchant: &Merchant<'_>) -> usize {
    merchant.calls(&merchant.installation.brightpearl, "method=GET&path=/accounting-service/customer-payment-search").await.len()
}

async fn read(merchant: &Merchant<'_>) -> usize {
    merchant.calls(&merchant.installation.bigcommerce, "method=GET&path=/transactions").await.len()
}

#[test]
fn a_purchase_is_booked_once_with_one_call_and_its_echoes_cost_none() {
    run(async {
        let installation = shared().await;
        let merchant = merchant_with(installation, PAYMENTS).await;
        let order = merchant.place(order(json!("card"))).await;
        merchant.synced(order).await;
        is_booked(&merchant, order, &[is("RECEIPT", "STRIPE", "17.40")]).await;
        let payment = merchant.sales_orders(order).await[0]["payments"][0].clone();
        let transaction = &merchant.store_order(order).await["transactions"][0]["id"];
        assert_eq!(payment["transaction_ref"], json!(format!("bc-{}-txn-{transaction}", merchant.id)));
        assert_eq!(payment["transaction_code"], json!(transaction.to_string()));
        assert!(payment["journal"].as_u64().is_some(), "a journal was made: {payment}");
        assert_eq!(merchant.sales_orders(order).await[0]["orderPaymentStatus"], json!("PAID"));
        let work = format!("select count(*) from work_items where scope = '{}' and kind = 'order' and state = 'ready'", merchant.id);
        until("nothing is left to do", SOON, || async { (installation.sql(&work).await == "0").then_some(()) }).await;
        let counts = async || (sent(&merchant).await, searched(&merchant).await, read(&merchant).await);
        let before = counts().await;
        // An event that comes while the order is looked at has it looked at once more.
        assert!(before.0 == 1 && before.1 == 0 && before.2 <= 2, "one call to book it, and one or two to read it: {before:?}");
        // A status that changes says nothing of the payment.
        merchant.store(&format!("orders/{order}/status"), json!({"status": 9})).await;
        until("the status is carried", SOON, || async {
            (merchant.sales_orders(order).await[0]["orderStatus"]["orderStatusId"] == json!(18)).then_some(())
        })
        .await;
        stays("neither that nor our own writes coming back cost a call", Duration::from_secs(3), async || counts().await == before).await;
        assert!(merchant.timeline(order).await.contains("payment-booked"));
    });
}

#[test]
fn without_payments_switched_on_nothing_is_read_or_booked() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let order = merchant.place(order(json!("card"))).await;
        merchant.synced(order).await;
        let none = async || (read(&merchant).await, sent(&merchant).await) == (0, 0);
        stays("nothing is asked", Duration::from_secs(2), none).await;
    });
}

#[test]
fn doubled_reordered_and_replayed_events_book_a_payment_once() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        for platform in [&installation.bigcommerce, &installation.brightpearl] {
            installation.control(platform, "chaos", json!({"duplicate": 1.0, "reorder": 0.5})).await;
        }
        let merchant = merchant_with(&installation, PAYMENTS).await;
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.push(merchant.place(order(json!("authorize"))).await);
        }
        for order in &orders {
            merchant.synced(*order).await;
            merchant.store(&format!("orders/{order}/capture"), json!({})).await;
        }
        let expected = [is("AUTH", "STRIPE", "17.40"), is("CAPTURE", "STRIPE", "17.40")];
        for order in &orders {
            is_booked(&merchant, *order, &expected).await;
        }
        installation.orderbridge(&["replay", "--tenant", &merchant.id]).await;
        stays("each was sent once", Duration::from_secs(3), async || sent(&merchant).await == 8).await;
        for order in &orders {
            assert_eq!(booked(&merchant, *order).await, expected);
        }
    });
}

#[test]
fn what_is_authorised_is_captured_or_given_up_under_one_code() {
    run(async {
        let merchant = merchant_with(shared().await, PAYMENTS).await;
        let (taken, given_up) = (merchant.place(order(json!("authorize"))).await, merchant.place(order(json!("authorize"))).await);
        for order in [taken, given_up] {
            is_booked(&merchant, order, &[is("AUTH", "STRIPE", "17.40")]).await;
        }
        merchant.store(&format!("orders/{taken}/capture"), json!({})).await;
        merchant.store(&format!("orders/{given_up}/void"), json!({})).await;
        is_booked(&merchant, taken, &[is("AUTH", "STRIPE", "17.40"), is("CAPTURE", "STRIPE", "17.40")]).await;
        is_booked(&merchant, given_up, &[is("AUTH", "STRIPE", "17.40"), is("VOID", "STRIPE", "17.40")]).await;
        for order in [taken, given_up] {
            let payments = merchant.sales_orders(order).await[0]["payments"].clone();
            let root = &merchant.store_order(order).await["transactions"][0]["id"];
            assert!(payments.as_array().unwrap().iter().all(|payment| payment["transaction_code"] == json!(root.to_string())), "{payments}");
        }
        assert_eq!((sent(&merchant).await, searched(&merchant).await), (4, 0), "one call for each");
        assert_eq!(merchant.sales_orders(taken).await[0]["orderPaymentStatus"], json!("PAID"));
    });
}

#[test]
fn without_uncaptured_payments_only_the_capture_is_booked() {
    run(async {
        let rules = PAYMENTS.replace("enabled = true", "enabled = true\nuncaptured = false");
        let merchant = merchant_with(shared().await, &rules).await;
        let order = merchant.place(order(json!("authorize"))).await;
        merchant.synced(order).await;
        merchant.store(&format!("orders/{order}/capture"), json!({})).await;
        is_booked(&merchant, order, &[is("RECEIPT", "STRIPE", "17.40")]).await;
    });
}

#[test]
fn gift_certificate_and_store_credit_are_booked_once_each_whether_they_have_records_or_not() {
    run(async {
        let merchant = merchant_with(shared().await, PAYMENTS).await;
        for records in [true, false] {
            let mut wish = order(json!({"kind": "card", "tender_records": records}));
            wish["gift_certificate"] = json!("5.00");
            wish["store_credit"] = json!("1.50");
            let order = merchant.place(wish).await;
            let (gift, credit, card) = (is("RECEIPT", "GIFTCARD", "5.00"), is("RECEIPT", "GIFTCARD", "1.50"), is("RECEIPT", "STRIPE", "10.90"));
            let expected = if records { [gift, credit, card] } else { [card, gift, credit] };
            is_booked(&merchant, order, &expected).await;
            assert_eq!(merchant.sales_orders(order).await[0]["orderPaymentStatus"], json!("PAID"));
            if !records {
                // The records turn up after all.
                for (method, gateway, amount) in [("gift_certificate", "giftcertificate", "5.00"), ("store_credit", "storecredit", "1.50")] {
                    let record = json!({"method": method, "gateway": gateway, "amount": amount, "payment_status": "paid"});
                    merchant.store(&format!("orders/{order}/transaction"), record).await;
                }
                let before = read(&merchant).await;
                until("they are read", SOON, || async { (read(&merchant).await > before).then_some(()) }).await;
                stays("nothing is booked twice", Duration::from_secs(2), async || booked(&merchant, order).await == expected).await;
            }
        }
    });
}

#[test]
fn several_and_partial_payments_are_booked_one_by_one_and_what_failed_or_was_a_test_is_not() {
    run(async {
        let merchant = merchant_with(shared().await, PAYMENTS).await;
        let order = merchant.place(order(json!({"kind": "none"}))).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 11})).await;
        merchant.synced(order).await;
        let transaction = async |record: Value| merchant.store(&format!("orders/{order}/transaction"), record).await;
        transaction(json!({"amount": "4.00", "ok": false})).await;
        transaction(json!({"amount": "4.00", "test": true})).await;
        transaction(json!({"amount": "6.50"})).await;
        is_booked(&merchant, order, &[is("RECEIPT", "STRIPE", "6.50")]).await;
        transaction(json!({"amount": "10.00", "event": "settled"})).await;
        is_booked(&merchant, order, &[is("RECEIPT", "STRIPE", "6.50"), is("RECEIPT", "STRIPE", "10.00")]).await;
        transaction(json!({"amount": "1.00", "currency": "EUR"})).await;
        merchant.held_for("payment-unclear:").await;
        assert_eq!(sent(&merchant).await, 2);
    });
}

#[test]
fn an_unmapped_method_holds_its_payment_alone_and_the_map_releases_it() {
    run(async {
        let merchant = merchant_with(shared().await, PAYMENTS).await;
        let order = merchant.place(order(json!({"kind": "card", "gateway": "adyen"}))).await;
        let sales_order = merchant.synced(order).await;
        merchant.held_for("missing-payment-method:adyen").await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        assert!(booked(&merchant, order).await.is_empty());
        let rules = PAYMENTS.replace("methods = [", "methods = [\n    { gateway = \"adyen\", method = \"PAYPAL\" },");
        merchant.import(ORDERS, &format!("{SECTIONS}{rules}")).await;
        is_booked(&merchant, order, &[is("RECEIPT", "PAYPAL", "17.40")]).await;
        until("nothing is held", SOON, || async { merchant.held().await.is_empty().then_some(()) }).await;
    });
}

#[test]
fn a_method_without_a_bank_account_in_the_currency_holds_its_payment_while_the_order_ships() {
    run(async {
        // OTHER has no bank account: Brightpearl would take the payment and never make a journal of it.
        let merchant = merchant_with(shared().await, &PAYMENTS.replace("\"STRIPE\"", "\"OTHER\"")).await;
        let order = merchant.place(order(json!("card"))).await;
        let sales_order = merchant.synced(order).await;
        merchant.held_for("unusable-payment-method:OTHER/GBP").await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        assert_eq!(sent(&merchant).await, 0);
        merchant.import(ORDERS, &format!("{SECTIONS}{PAYMENTS}")).await;
        is_booked(&merchant, order, &[is("RECEIPT", "STRIPE", "17.40")]).await;
    });
}

#[test]
fn a_payment_that_is_there_already_is_linked_and_a_refusal_for_that_is_success() {
    run(async {
        let merchant = merchant_with(shared().await, "\n[payments]\nenabled = true\n").await;
        // One that shows in the sales order's payment status, and one that does not, so that only the refusal tells.
        for (amount, posts, searches) in [("17.40", 0, 1), ("0", 1, 2)] {
            let order = merchant.place(order(json!("card"))).await;
            let sales_order = merchant.synced(order).await;
            merchant.held_for("missing-payment-method:stripe").await;
            let transaction = &merchant.store_order(order).await["transactions"][0]["id"];
            let reference = format!("bc-{}-txn-{transaction}", merchant.id);
            let by_hand = json!({"amount": amount, "method": "STRIPE", "reference": reference});
            merchant.account(&format!("orders/{}/pay", sales_order["id"]), by_hand).await;
            merchant.import(ORDERS, &format!("{SECTIONS}{PAYMENTS}")).await;
            until("it is linked", SOON, || async {
                let told = merchant.timeline(order).await;
                (told.contains("payment-found") || told.contains("payment-booked")).then_some(())
            })
            .await;
            until("nothing is held", SOON, || async { merchant.held().await.is_empty().then_some(()) }).await;
            assert_eq!(merchant.sales_orders(order).await[0]["payments"].as_array().unwrap().len(), 1);
            assert_eq!((sent(&merchant).await, searched(&merchant).await), (posts, searches));
            merchant.import(ORDERS, &format!("{SECTIONS}\n[payments]\nenabled = true\n")).await;
        }
    });
}

#[test]
fn what_is_paid_outside_the_store_is_booked_in_the_status_that_says_so() {
    run(async {
        let rules = format!("{PAYMENTS}default_method = \"STRIPE\"\noffline = [{{ text = \"Bank Deposit\", paid_statuses = [9] }}]\n");
        let merchant = merchant_with(shared().await, &rules).await;
        let order = merchant.place(order(json!("offline"))).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 11})).await;
        merchant.synced(order).await;
        assert!(booked(&merchant, order).await.is_empty());
        merchant.store(&format!("orders/{order}/status"), json!({"status": 9})).await;
        is_booked(&merchant, order, &[is("RECEIPT", "STRIPE", "17.40")]).await;
        let reference = merchant.sales_orders(order).await[0]["payments"][0]["transaction_ref"].clone();
        assert_eq!(reference, json!(format!("bc-{}-order-{order}-offline", merchant.id)));
    });
}

#[test]
fn a_bank_account_that_is_added_releases_what_waits_for_it_at_the_sales_orders_own_rate() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let mut processor = installation.start("processor", &[]).await;
        let merchant = merchant_with(&installation, PAYMENTS).await;
        let mut wish = order(json!("card"));
        wish["currency"] = json!("EUR");
        let foreign = merchant.place(wish).await;
        merchant.held_for("unusable-payment-method:STRIPE/EUR").await;
        let account = installation.look(&installation.brightpearl, &format!("accounts/{}", merchant.code)).await;
        let mut methods = account["payment_methods"].clone();
        let added = json!({"paymentMethodId": 3, "currencyIsoCode": "EUR", "bankAccountNominalCode": "1206"});
        methods[0]["bankAccounts"].as_array_mut().unwrap().push(added);
        merchant.account("configuration", json!({"payment_methods": methods})).await;
        // The lists are read again daily, with whatever is looked at then.
        processor.stop().await;
        installation.advance(Duration::from_secs(25 * 3600));
        let _processor = installation.start("processor", &[]).await;
        let other = merchant.place(order(json!("card"))).await;
        is_booked(&merchant, other, &[is("RECEIPT", "STRIPE", "17.40")]).await;
        is_booked(&merchant, foreign, &[is("RECEIPT", "STRIPE", "17.40")]).await;
        let sales_order = &merchant.sales_orders(foreign).await[0];
        let number = |value: &Value| value.as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
        assert_eq!(number(&sales_order["payments"][0]["exchange_rate"]), number(&sales_order["currency"]["exchangeRate"]));
        assert_eq!(sales_order["payments"][0]["currency"], json!("EUR"));
    });
}
