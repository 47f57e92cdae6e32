//! The search engine.

use serde_json::json;

use crate::support::Sim;

const PATH: &str = "/order-service/order-search";

#[tokio::test]
async fn rows_are_positional_and_columns_say_what_they_are() {
    let sim = Sim::start().await;
    let id = sim.order("bc-store7-9001").await;
    let found = sim
        .get(&format!(
            "{PATH}?externalRef=bc-store7-9001&installedIntegrationInstanceId={}&columns=orderId,orderTypeId,customerRef,externalRef,orderStatusId",
            sim.instance()
        ))
        .await;
    assert_eq!(found.data()["results"], json!([[id, 1, "BC-9001", "bc-store7-9001", 17]]));
    let meta = &found.data()["metaData"];
    assert_eq!(
        (&meta["resultsAvailable"], &meta["firstResult"], &meta["lastResult"], &meta["morePagesAvailable"]),
        (&json!(1), &json!(1), &json!(1), &json!(false))
    );
    assert_eq!((&meta["columns"][0]["name"], &meta["columns"][0]["reportDataType"]), (&json!("orderId"), &json!("IDSET")));
    assert_eq!(found.body["reference"]["orderTypeNames"]["3"], "SALES_CREDIT");
    let all = sim.get(PATH).await;
    let names: Vec<_> =
        all.data()["metaData"]["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!((names.len(), names[7].as_str(), names[17].as_str()), (19, "customerRef", "departmentId"));
    let none = sim.get(&format!("{PATH}?externalRef=other")).await;
    assert!(none.data()["metaData"].get("firstResult").is_none());
    let sales =
        sim.get("/order-service/sales-order-search?externalRef=bc-store7-9001&columns=salesOrderId,customerId,channelId,orderShippingStatus").await;
    assert_eq!(sales.data()["results"], json!([[id, sim.customer, 5, "SNS"]]));
    assert_eq!(sim.get("/order-service/order-search/meta-data").await.data()["columns"].as_array().unwrap().len(), 19);
}

#[tokio::test]
async fn filters_are_typed_and_unknown_ones_are_refused() {
    let sim = Sim::start().await;
    let first = sim.order("f1").await;
    let second = sim.order("f2").await;
    let wrong = sim.get(&format!("{PATH}?orderStatusId=BAD%20PARAM")).await;
    assert_eq!(wrong.refusal(), (500, "CMNC-018"));
    assert_eq!(wrong.message(), "The filter orderStatusId=BAD PARAM cannot be parsed as: INTEGER");
    assert_eq!(sim.get(&format!("{PATH}?reference=x")).await.status, 400);
    assert_eq!(sim.get(&format!("{PATH}?columns=orderId,nonsense")).await.status, 400);
    assert_eq!(sim.get(&format!("{PATH}?pageSize=501")).await.status, 400);
    let ids = async |query: &str| sim.get(&format!("{PATH}?columns=orderId&{query}")).await.data()["results"].clone();
    assert_eq!(ids(&format!("orderId={first}-{second}")).await, json!([[first], [second]]));
    assert_eq!(ids("placedOn=2026-03-02T09%3A14%3A55%2B00%3A00").await, json!([[first], [second]]));
    assert_eq!(ids("placedOn=2026-03-03%2F").await, json!([]));
    assert_eq!(ids("placedOn=2026-03-02T10%3A14%3A55%2B01%3A00%2F2026-03-03").await, json!([[first], [second]]));
    assert_eq!(ids("isClone=true").await, json!([]));
    // A plus that was not encoded is a space, which no date holds.
    assert_eq!(sim.get(&format!("{PATH}?placedOn=2026-03-02T09:14:55+00:00")).await.refusal(), (500, "CMNC-018"));
}

#[tokio::test]
async fn sales_orders_are_found_by_several_references_and_by_their_products() {
    let sim = Sim::start().await;
    let mut placed = Vec::new();
    for (reference, product) in [("R1", sim.mug), ("R2", sim.cap), ("R3", sim.mug)] {
        let mut body = sim.order_body(reference);
        body["ref"] = json!(reference);
        body["rows"][0]["productId"] = json!(product);
        placed.push(sim.post("/order-service/sales-order", body).await.id());
    }
    let found = async |query: &str| {
        let reply = sim.get(&format!("/order-service/sales-order-search?columns=salesOrderId&{query}")).await;
        reply.data()["results"].as_array().unwrap().iter().map(|row| row[0].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found("customerRefs=R1").await, placed[..1]);
    assert_eq!(found("customerRefs=R1,R2,R9").await, placed[..2]);
    assert_eq!(found(&format!("productIds={}", sim.cap)).await, placed[1..2]);
    assert_eq!(found(&format!("productIds={},{}", sim.cap, sim.mug)).await, placed);
    assert_eq!(found("productIds=1").await, Vec::<i64>::new());
    assert_eq!(sim.get("/order-service/sales-order-search?productIds=x").await.refusal(), (500, "CMNC-018"));
    assert_eq!(sim.get("/order-service/order-search?productIds=1").await.status, 400, "the low-level search has no such filter");
}

#[tokio::test]
async fn every_stock_code_has_a_number() {
    let sim = Sim::start().await;
    let mut body = sim.order_body("credit");
    body["statusId"] = json!(9);
    let credit = sim.post("/order-service/sales-credit", body).await.id();
    let found = sim.get(&format!("{PATH}?orderId={credit}&columns=orderStockStatusId")).await.data()["results"][0][0].clone();
    let listed = sim.get("/order-service/order-stock-status").await.data().as_array().unwrap().clone();
    let code = sim.read(credit).await["stockStatusCode"].clone();
    assert_eq!(code, "SCN");
    assert_eq!(listed.iter().find(|entry| entry["code"] == code).unwrap()["id"], found);
}

#[tokio::test]
async fn pages_and_sorting_work_together() {
    let sim = Sim::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(sim.order(&format!("p{number}")).await);
    }
    let page = sim.get(&format!("{PATH}?columns=orderId&sort=orderId.DESC&pageSize=2&firstResult=3")).await;
    assert_eq!(page.data()["results"], json!([[ids[2]], [ids[1]]]));
    let meta = &page.data()["metaData"];
    assert_eq!(
        (&meta["firstResult"], &meta["lastResult"], &meta["resultsAvailable"], &meta["morePagesAvailable"]),
        (&json!(3), &json!(4), &json!(5), &json!(true))
    );
    assert_eq!(meta["sorting"][0]["direction"], "DESC");
    let older = sim.get(&format!("{PATH}?columns=orderId&sort=externalRef%7CDESC&pageSize=1")).await;
    assert_eq!(older.data()["results"], json!([[ids[4]]]));
    let count = sim.get(&format!("{PATH}?countOnly=true")).await;
    assert_eq!((&count.data()["results"], &count.data()["metaData"]["resultsAvailable"]), (&json!([]), &json!(5)));
}

#[tokio::test]
async fn the_index_lags_behind_writes_by_the_switch() {
    let sim = Sim::start().await;
    sim.switch(json!({"search_lag_ms": 30_000})).await;
    let id = sim.order("lag").await;
    let query = format!("{PATH}?externalRef=lag&columns=orderId,orderStatusId");
    assert_eq!(sim.get(&query).await.data()["results"], json!([]));
    assert_eq!(sim.read(id).await["id"], id, "reading by id does not lag");
    sim.advance(30_000).await;
    assert_eq!(sim.get(&query).await.data()["results"], json!([[id, 17]]));
    sim.act(&format!("/orders/{id}/status"), json!({"status_id": 21})).await;
    assert_eq!(sim.get(&query).await.data()["results"], json!([[id, 17]]));
    sim.advance(30_000).await;
    assert_eq!(sim.get(&query).await.data()["results"], json!([[id, 21]]));
}
