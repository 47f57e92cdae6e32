//! Customer payments and accounting lists.

use serde_json::{Value, json};

use crate::support::Sim;

fn payment(order: i64, reference: &str, amount: &str) -> Value {
    json!({"transactionRef": reference, "transactionCode": "bc7-9001", "paymentMethodCode": "STRIPE", "paymentType": "RECEIPT", "orderId": order,
        "currencyIsoCode": "GBP", "exchangeRate": 1.0, "amountPaid": amount, "paymentDate": "2026-03-02T09:15:00+00:00", "journalRef": "order 9001"})
}

#[tokio::test]
async fn receipts_captures_and_payments_move_the_orders_payment_status() {
    let sim = Sim::start().await;
    let id = sim.order("pay").await;
    let path = "/accounting-service/customer-payment";
    let first = sim.post(path, payment(id, "t1", "20.00")).await.id();
    assert_eq!(sim.read(id).await["orderPaymentStatus"], "PARTIALLY_PAID");
    let duplicate = sim.post(path, payment(id, "t1", "28.30")).await;
    assert_eq!(duplicate.status, 400);
    let mut other_method = payment(id, "t1", "28.30");
    other_method["paymentMethodCode"] = json!("UNKNOWN");
    let second = sim.post(path, other_method).await.id();
    assert_eq!(sim.read(id).await["orderPaymentStatus"], "PAID");
    let found = sim.get(&format!("/accounting-service/customer-payment-search?orderId={id}")).await;
    let row = &found.data()["results"][0];
    assert_eq!((&row[0], &row[1], &row[3], &row[9]), (&json!(first), &json!("t1"), &json!("STRIPE"), &json!("20.00")));
    assert!(row[13].is_i64(), "a method with a bank account makes a journal");
    assert!(found.data()["results"][1][13].is_null(), "an unknown method makes none");
    let total = sim.get(&format!("/accounting-service/sale-payment-total/{id}")).await;
    assert_eq!((&total.data()["totalPaid"], &total.data()["totalOwing"]), (&json!("48.30"), &json!("0.00")));
    assert_eq!(sim.delete(&format!("{path}/{second}")).await.body, json!({}));
    assert_eq!(sim.delete(&format!("{path}/{second}")).await.status, 404);
    assert_eq!(sim.read(id).await["orderPaymentStatus"], "PARTIALLY_PAID");
}

#[tokio::test]
async fn payments_are_checked_field_by_field() {
    let sim = Sim::start().await;
    let id = sim.order("chk").await;
    for (field, wrong, status) in [
        ("orderId", json!(1), 400),
        ("orderId", json!(null), 400),
        ("paymentMethodCode", json!(""), 400),
        ("paymentMethodCode", json!("x".repeat(37)), 400),
        ("paymentType", json!("GIFT"), 400),
        ("paymentType", json!("AUTH"), 400),
        ("currencyIsoCode", json!("XXX"), 400),
        ("paymentDate", json!(null), 400),
        ("paymentDate", json!("soon"), 500),
        ("exchangeRate", json!(0), 400),
        ("exchangeRate", json!("1.1234567"), 400),
        ("transactionRef", json!("x".repeat(65)), 400),
    ] {
        let mut body = payment(id, "t", "1");
        body[field] = wrong.clone();
        assert_eq!(sim.post("/accounting-service/customer-payment", body).await.status, status, "{field} {wrong}");
    }
    assert_eq!(sim.view("/payments").await["payments"], json!([]));
}

#[tokio::test]
async fn a_payments_journal_is_checked_and_its_text_cut() {
    let sim = Sim::start().await;
    let id = sim.order("journal").await;
    let path = "/accounting-service/customer-payment";
    for (field, wrong, status) in [("journalRef", json!({"x": 1}), 500), ("journalId", json!("nope"), 500), ("journalId", json!(1), 400)] {
        let mut body = payment(id, "j", "1");
        body[field] = wrong.clone();
        assert_eq!(sim.post(path, body).await.status, status, "{field} {wrong}");
    }
    let mut body = payment(id, "j1", "1");
    body["journalRef"] = json!("é".repeat(300));
    let first = sim.post(path, body).await.id();
    let shown = sim.view(&format!("/payments/{first}")).await["payments"][0].clone();
    assert_eq!(shown["journal_ref"], "é".repeat(255));
    let mut linked = payment(id, "j2", "1");
    linked["journalId"] = shown["journal"].clone();
    let second = sim.post(path, linked).await.id();
    assert_eq!(sim.view(&format!("/payments/{second}")).await["payments"][0]["journal"], shown["journal"]);
}

#[tokio::test]
async fn an_authorisation_pays_nothing_unless_the_switch_says_so_and_refunds_pay_credits() {
    let sim = Sim::start().await;
    let id = sim.order("auth").await;
    let mut body = payment(id, "a1", "0");
    body["paymentType"] = json!("AUTH");
    body["amountAuthorized"] = json!("48.30");
    body["authorizationExpiry"] = json!("2026-03-09T00:00:00Z");
    sim.post("/accounting-service/customer-payment", body).await.id();
    assert_eq!(sim.read(id).await["orderPaymentStatus"], "UNPAID");
    sim.switch(json!({"auth_payment_status": "paid"})).await;
    assert_eq!(sim.read(id).await["orderPaymentStatus"], "PAID");
    let mut credit = sim.order_body("credit");
    credit["statusId"] = json!(9);
    let credit = sim.post("/order-service/sales-credit", credit).await.id();
    let mut refund = payment(credit, "r1", "48.30");
    refund["paymentType"] = json!("PAYMENT");
    sim.post("/accounting-service/customer-payment", refund).await.id();
    assert_eq!(sim.read(credit).await["orderPaymentStatus"], "PAID");
}

#[tokio::test]
async fn accounting_lists_look_as_recorded() {
    let sim = Sim::start().await;
    let taxes = sim.get("/accounting-service/tax-code/").await;
    let code = |code: &str| taxes.data().as_array().unwrap().iter().find(|entry| entry["code"] == code).unwrap().clone();
    assert!(code("Z").get("rate").is_none(), "a rate of 0 is left out");
    assert_eq!(code("T20")["rate"], 20.0);
    let methods = sim.get("/accounting-service/payment-method").await;
    assert_eq!(methods.data()[0]["bankAccounts"][0]["bankAccountNominalCode"], "1205");
    let banks = sim.get("/accounting-service/nominal-code-search?bank=true&columns=code").await;
    assert!(banks.data()["results"].as_array().unwrap().contains(&json!(["1205"])));
    let gbp = sim.get("/accounting-service/currency-search?code=GBP&columns=id,code").await;
    assert_eq!(gbp.data()["results"], json!([[1, "GBP"]]));
    let stripe = sim.get("/accounting-service/payment-method-search?code=STRIPE&columns=name").await;
    assert_eq!(stripe.data()["results"], json!([["Stripe"]]));
    let configuration = sim.get("/integration-service/account-configuration").await;
    assert_eq!(configuration.data()["configuration"]["cancelledOrderStatusId"], "5");
    assert!(configuration.data()["configuration"].as_object().unwrap().values().all(Value::is_string));
}
