//! Where the sources are ambiguous: each reading is a switch (BP §m.2).

use serde_json::{Value, json};

use crate::support::Sim;

const PAY: &str = "/accounting-service/customer-payment";

fn receipt(order: i64, reference: &str, amount: &str) -> Value {
    json!({"transactionRef": reference, "paymentMethodCode": "STRIPE", "paymentType": "RECEIPT", "orderId": order, "currencyIsoCode": "GBP",
        "amountPaid": amount, "paymentDate": "2026-03-02T09:15:00Z"})
}

#[tokio::test]
async fn an_unknown_search_filter_may_be_ignored() {
    let sim = Sim::start().await;
    let id = sim.order("u").await;
    let path = "/order-service/order-search?columns=orderId&reference=BC-9001";
    assert_eq!(sim.get(path).await.status, 400);
    sim.switch(json!({"unknown_search_filter": "ignored"})).await;
    assert_eq!(sim.get(path).await.data()["results"], json!([[id]]));
    assert_eq!(sim.get("/order-service/order-search?columns=orderId&orderStatusId=x").await.refusal(), (500, "CMNC-018"), "known ones are read");
}

#[tokio::test]
async fn a_sku_may_be_searched_by_a_part() {
    let sim = Sim::start().await;
    let found = async |sku: &str| sim.get(&format!("/product-service/product-search?columns=SKU&SKU={sku}")).await.data()["results"].clone();
    assert_eq!((found("MUG-01").await, found("mug").await), (json!([["MUG-01"]]), json!([])));
    sim.switch(json!({"product_sku_search": "partial"})).await;
    assert_eq!((found("mug").await, found("-01").await), (json!([["MUG-01"]]), json!([["MUG-01"], ["CAP-01"], ["SET-01"]])));
}

#[tokio::test]
async fn quantities_of_nothing_may_be_taken() {
    let sim = Sim::start().await;
    let order = async |reference: &str, quantity: &str| {
        let mut body = sim.order_body(reference);
        body["rows"][0]["quantity"] = json!(quantity);
        sim.post("/order-service/sales-order", body).await
    };
    for quantity in ["0", "-1"] {
        assert_eq!(order("none", quantity).await.refusal(), (400, "ORDC-024"), "{quantity}");
    }
    sim.switch(json!({"non_positive_quantity": "taken"})).await;
    for quantity in ["0", "-1"] {
        let id = order(quantity, quantity).await.id();
        let row = sim.row(id, sim.mug).await;
        assert_eq!(sim.read(id).await["orderRows"][&row]["quantity"]["magnitude"], format!("{quantity}.0000"));
    }
    assert_eq!(order("half", "0.5").await.refusal(), (400, "ORDC-024"), "stock-tracked rows are whole all the same");
}

#[tokio::test]
async fn a_long_name_may_be_cut() {
    let sim = Sim::start().await;
    let address = json!({"addressLine1": "7 Quay St", "postalCode": "BS1 4XX", "countryIsoCode": "GBR"});
    let home = sim.post("/contact-service/postal-address", address).await.id();
    let body = json!({"firstName": "é".repeat(40), "lastName": "Berg", "postAddressIds": {"DEF": home}});
    assert_eq!(sim.post("/contact-service/contact", body.clone()).await.status, 400);
    sim.switch(json!({"long_contact_name": "cut"})).await;
    let id = sim.post("/contact-service/contact", body).await.id();
    assert_eq!(sim.get(&format!("/contact-service/contact/{id}")).await.data()[0]["firstName"], "é".repeat(32));
}

#[tokio::test]
async fn a_payment_method_without_bank_account_may_be_refused() {
    let sim = Sim::start().await;
    let id = sim.order("bank").await;
    let mut body = receipt(id, "b1", "10");
    body["paymentMethodCode"] = json!("NOWHERE");
    sim.switch(json!({"payment_without_bank_account": "refused"})).await;
    assert_eq!(sim.post(PAY, body.clone()).await.refusal(), (400, "ACTC-999"));
    assert_eq!(sim.post(PAY, receipt(id, "b0", "10")).await.status, 200);
    sim.switch(json!({"payment_without_bank_account": "accepted"})).await;
    let paid = sim.post(PAY, body).await.id();
    assert_eq!(sim.view(&format!("/payments/{paid}")).await["payments"][0]["journal"], Value::Null);
}

#[tokio::test]
async fn error_codes_that_nobody_documents_can_be_others() {
    let sim = Sim::start().await;
    let id = sim.order("code").await;
    let mut wrong = sim.order_body("wrong");
    wrong["channelId"] = json!(999);
    let path = "/order-service/sales-order";
    assert_eq!(sim.post(path, wrong.clone()).await.refusal(), (400, "ORDC-999"));
    sim.switch(json!({"placeholder_code": 77, "placeholder_status": "409"})).await;
    assert_eq!(sim.post(path, wrong.clone()).await.refusal(), (409, "ORDC-077"));
    let message = json!({"label": "a", "uri": "/order-service/sales-order", "httpMethod": "POST", "body": wrong});
    let batch = sim.post("/multi-message", json!({"processingMode": "SEQUENTIAL", "onFail": "CONTINUE", "messages": [message]})).await;
    let part = &batch.data()["processedMessages"][0];
    assert_eq!(part["statusCode"], 409);
    assert!(part["body"]["content"].as_str().unwrap().contains("ORDC-077"));
    let stale = sim.request("PUT", &format!("{path}/{id}")).bearer_auth(sim.installation("access_token")).header("if-match", "77");
    assert_eq!(Sim::send(stale.json(&sim.order_body("code"))).await.refusal(), (412, "ORDC-077"), "a known status stays");
    assert_eq!(sim.get("/contact-service/contact/99").await.refusal(), (404, "CMNC-404"), "and so does a known code");
    let mut typed = sim.order_body("x");
    typed["orderTypeCode"] = json!("XX");
    assert_eq!(sim.post("/order-service/order", typed).await.refusal(), (400, "ORDC-006"));
}

#[tokio::test]
async fn payments_on_closed_orders_may_be_refused() {
    let sim = Sim::start().await;
    sim.switch(json!({"invoice_delay_ms": 0})).await;
    let (cancelled, invoiced, open) = (sim.order("c").await, sim.order("i").await, sim.order("o").await);
    assert_eq!(sim.put(&format!("/order-service/order/{cancelled}/status"), json!({"orderStatusId": 5})).await.status, 200);
    sim.post(&format!("/order-service/sales-order/{invoiced}/close"), json!({})).await.body.as_object().unwrap();
    sim.advance(1000).await;
    assert!(sim.read(invoiced).await["invoices"][0]["invoiceReference"].as_str().unwrap().starts_with("SI-"));
    for order in [cancelled, invoiced] {
        assert_eq!(sim.post(PAY, receipt(order, &format!("a{order}"), "1")).await.status, 200);
    }
    sim.switch(json!({"payment_on_closed_order": "refused"})).await;
    for order in [cancelled, invoiced] {
        assert_eq!(sim.post(PAY, receipt(order, &format!("b{order}"), "1")).await.refusal(), (400, "ACTC-999"));
    }
    assert_eq!(sim.post(PAY, receipt(open, "c", "1")).await.status, 200);
}

#[tokio::test]
async fn overpayment_may_be_refused() {
    let sim = Sim::start().await;
    let id = sim.order("over").await;
    sim.switch(json!({"overpayment": "refused"})).await;
    assert_eq!(sim.post(PAY, receipt(id, "o1", "48.31")).await.status, 400);
    assert_eq!(sim.post(PAY, receipt(id, "o2", "48.30")).await.status, 200);
    assert_eq!(sim.post(PAY, receipt(id, "o3", "0.01")).await.status, 400);
    let mut back = receipt(id, "o4", "8.30");
    back["paymentType"] = json!("PAYMENT");
    assert_eq!(sim.post(PAY, back).await.status, 200, "money out is no overpayment");
    sim.switch(json!({"overpayment": "accepted"})).await;
    assert_eq!(sim.post(PAY, receipt(id, "o5", "99")).await.status, 200);
}

#[tokio::test]
async fn another_currency_pays_no_order_unless_the_switch_lets_it() {
    let sim = Sim::start().await;
    let id = sim.order("cur").await;
    let mut body = receipt(id, "e1", "999");
    body["currencyIsoCode"] = json!("EUR");
    assert_eq!(sim.post(PAY, body.clone()).await.refusal(), (400, "ACTC-999"));
    assert_eq!(sim.read(id).await["orderPaymentStatus"], "UNPAID");
    sim.switch(json!({"payment_currency": "any"})).await;
    assert_eq!(sim.post(PAY, body).await.status, 200);
}

#[tokio::test]
async fn a_read_of_orders_that_exist_in_part_may_tell_of_each() {
    let sim = Sim::start().await;
    let id = sim.order("part").await;
    let path = format!("/order-service/sales-order/{id},99999");
    let bare = sim.get(&path).await;
    assert_eq!((bare.status, &bare.data()[0]["id"], bare.body.get("resourceStatuses")), (207, &json!(id), None));
    sim.switch(json!({"partial_read": "statuses"})).await;
    let told = sim.get(&path).await;
    assert_eq!((told.status, &told.data()[0]["id"]), (207, &json!(id)));
    assert_eq!(told.body["resourceStatuses"], json!({id.to_string(): 200, "99999": 404}));
    assert_eq!(told.body["resourceErrors"]["99999"][0]["code"], "CMNC-404");
}
