//! Registration and delivery of webhooks.

use serde_json::json;

use crate::support::{Receiver, Sim, eventually, hook_body};

#[tokio::test]
async fn registrations_are_validated_listed_for_every_app_and_deleted() {
    let sim = Sim::start().await;
    let path = "/integration-service/webhook";
    let to = "https://us.example/hooks/abc";
    for (event, code) in [
        ("order.created", "INTC-064"),
        ("contact.created", "INTC-064"),
        ("nonsense", "INTC-064"),
        ("order.exploded", "INTC-062"),
        ("order.modified.colour", "INTC-064"),
    ] {
        assert_eq!(sim.post(path, hook_body(event, to, true, 1)).await.refusal(), (400, code), "{event}");
    }
    let mut bare = hook_body("order", to, true, 1);
    bare["bodyTemplate"] = json!("{\"a\":\"${account-code}\",\"t\":\"${resource-type}\"}");
    assert_eq!(sim.post(path, bare).await.refusal(), (400, "INTC-057"));
    for (field, wrong) in [
        ("httpMethod", json!("PATCH")),
        ("uriTemplate", json!("/relative")),
        ("qualityOfService", json!(2)),
        ("contentType", json!(null)),
        ("bodyTemplate", json!(null)),
    ] {
        let mut body = hook_body("order", to, true, 1);
        body[field] = wrong;
        assert_eq!(sim.post(path, body).await.status, 400, "{field}");
    }
    let plain = hook_body("order", "http://127.0.0.1:1/x", true, 1);
    assert_eq!(sim.post(path, plain.clone()).await.refusal(), (400, "INTC-999"), "https alone unless a switch says otherwise");
    sim.switch(json!({"webhook_http": true})).await;
    let id = sim.post(path, plain.clone()).await.id();
    let listed = sim.get(path).await;
    assert_eq!(listed.data()[0]["id"], id);
    assert_eq!(listed.data()[0]["bodyTemplate"], plain["bodyTemplate"]);
    let missing = sim.get(&format!("{path}/99999")).await;
    assert_eq!((missing.refusal(), missing.message()), ((404, "CMNC-404"), "No webhooks available in ID Set 99999"));
    assert_eq!(sim.delete(&format!("{path}/{id}")).await.body, json!({}));
    let gone = sim.delete(&format!("{path}/{id}")).await;
    assert_eq!((gone.status, gone.message()), (404, format!("Cannot find webhook: {id}").as_str()));
}

#[tokio::test]
async fn events_of_one_moment_travel_as_one_id_set_with_every_variable_filled() {
    let sim = Sim::start().await;
    sim.switch(json!({"webhook_window_ms": 400})).await;
    let (sets, singles) = (Receiver::start().await, Receiver::start().await);
    let mut orders = Vec::new();
    for number in 0..4 {
        orders.push(sim.order(&format!("w{number}")).await);
    }
    sim.hook("order.modified.order-status", &sets.url, true, 1).await;
    sim.hook("order.modified.order-status", &singles.url, false, 1).await;
    sim.act("/events", json!({"event": "order.modified.order-status", "ids": [orders[2], orders[0], orders[1], orders[0], 70_100]})).await;
    let call = sets.wait(1).await.remove(0);
    assert_eq!(call["id"], format!("{}-{},70100", orders[0], orders[2]));
    assert_eq!((&call["accountCode"], &call["literal"]), (&json!("acme"), &json!("s3")));
    assert!(call["raisedOn"].as_str().unwrap().ends_with('Z') && call["raisedOn"].as_str().unwrap().len() == 24);
    assert!(call["brightpearlVersion"].as_str().unwrap().contains('.'));
    assert_eq!(singles.wait(5).await.len(), 5);
    assert_eq!(sets.calls().len(), 1);
}

#[tokio::test]
async fn a_prefix_gets_every_event_below_it_and_nothing_else() {
    let sim = Sim::start().await;
    let (prefix, exact) = (Receiver::start().await, Receiver::start().await);
    sim.hook("product", &prefix.url, false, 1).await;
    sim.hook("product.modified.on-hand-modified", &exact.url, false, 1).await;
    sim.act("/stock", json!({"sku": "MUG-01", "quantity": 5})).await;
    sim.act("/products", json!({"products": [{"sku": "NEW-01"}]})).await;
    sim.put(
        &format!("/product-service/product-price/{}/price-list", sim.mug),
        json!({"priceLists": [{"priceListId": 2, "quantityPrice": {"1": 9.5}}]}),
    )
    .await;
    sim.order("noise").await;
    prefix.wait(3).await;
    let mut events = prefix.events();
    events.sort();
    assert_eq!(events, vec!["product.created", "product.modified.on-hand-modified", "product.modified.price-modified"]);
    assert_eq!(exact.wait(1).await.len(), 1);
}

#[tokio::test]
async fn quality_0_is_retried_on_503_alone_and_quality_1_on_all_but_4xx() {
    let sim = Sim::start().await;
    let id = sim.order("q").await;
    for (quality, answers, tries) in [
        (0, vec![503, 503], 3),
        (0, vec![500], 1),
        (0, vec![404], 1),
        (1, vec![500, 502, 503], 4),
        (1, vec![302, 200], 2),
        (1, vec![400], 1),
        (1, vec![401], 1),
    ] {
        let receiver = Receiver::start().await;
        receiver.answer(&answers);
        let hook = sim.hook("order.modified.order-status", &receiver.url, true, quality).await;
        sim.act("/events", json!({"event": "order.modified.order-status", "id": id})).await;
        receiver.wait(tries).await;
        // The call is over once nothing waits any more: then no further try can come.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while sim.view("/deliveries").await["waiting"] != json!([]) {
            assert!(std::time::Instant::now() < deadline);
        }
        assert_eq!(receiver.calls().len(), tries, "{quality} {answers:?}");
        sim.delete(&format!("/integration-service/webhook/{hook}")).await;
    }
}

#[tokio::test]
async fn a_dead_receiver_is_tried_again_later_with_quality_1() {
    let sim = Sim::start().await;
    sim.switch(json!({"webhook_retry_ms": 3_600_000, "webhook_retry_raised_on": "fresh"})).await;
    let receiver = Receiver::start().await;
    receiver.answer(&[500]);
    sim.hook("order.modified.order-status", &receiver.url, true, 1).await;
    let id = sim.order("dead").await;
    sim.act(&format!("/orders/{id}/status"), json!({"status": "Shipped"})).await;
    receiver.wait(1).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while sim.view("/deliveries").await["waiting"][0]["in_flight"] != json!(false) {
        assert!(std::time::Instant::now() < deadline);
    }
    sim.advance(3_600_000).await;
    let calls = receiver.wait(2).await;
    assert_ne!(calls[0]["raisedOn"], calls[1]["raisedOn"]);
    assert_eq!(calls[0]["id"], calls[1]["id"]);
}

#[tokio::test]
async fn a_repeated_call_says_when_it_was_first_raised_and_nothing_else_changes() {
    let sim = Sim::start().await;
    sim.switch(json!({"webhook_retry_ms": 3_600_000})).await;
    let receiver = Receiver::start().await;
    receiver.answer(&[500]);
    sim.hook("order.modified.order-status", &receiver.url, true, 1).await;
    sim.act("/events", json!({"event": "order.modified.order-status", "ids": [70_001]})).await;
    receiver.wait(1).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while sim.view("/deliveries").await["waiting"][0]["in_flight"] != json!(false) {
        assert!(std::time::Instant::now() < deadline);
    }
    sim.advance(3_600_000).await;
    let calls = receiver.wait(2).await;
    assert_eq!(calls[0], calls[1], "raised-on is the first one by default");
}

#[tokio::test]
async fn creation_raises_both_events_by_default() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    for event in ["order", "sales-order"] {
        sim.hook(event, &receiver.url, false, 1).await;
    }
    let id = sim.order("loud").await;
    let calls = receiver.wait(2).await;
    let mut events: Vec<&str> = calls.iter().map(|call| call["fullEvent"].as_str().unwrap()).collect();
    events.sort_unstable();
    assert_eq!(events, ["order.modified", "sales-order.created"]);
    assert!(calls.iter().all(|call| call["id"] == json!(id.to_string())));
}

#[tokio::test]
async fn calls_of_a_deleted_hook_are_dropped_or_made_by_the_switch() {
    for (switch, tries) in [("dropped", 1), ("delivered", 2)] {
        let sim = Sim::start().await;
        sim.switch(json!({"webhook_retry_ms": 3_600_000, "webhook_after_delete": switch})).await;
        let (gone, kept) = (Receiver::start().await, Receiver::start().await);
        gone.answer(&[500]);
        kept.answer(&[500]);
        let hook = sim.hook("order.modified.order-status", &gone.url, true, 1).await;
        sim.hook("order.modified.order-status", &kept.url, true, 1).await;
        sim.act("/events", json!({"event": "order.modified.order-status", "ids": [70_001]})).await;
        gone.wait(1).await;
        kept.wait(1).await;
        assert_eq!(sim.delete(&format!("/integration-service/webhook/{hook}")).await.status, 200);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while sim.view("/deliveries").await["waiting"].as_array().unwrap().iter().any(|one| one["in_flight"] == true) {
            assert!(std::time::Instant::now() < deadline);
        }
        sim.advance(3_600_000).await;
        kept.wait(2).await;
        while sim.view("/deliveries").await["waiting"] != json!([]) {
            assert!(std::time::Instant::now() < deadline);
        }
        assert_eq!(gone.calls().len(), tries, "{switch}");
    }
}

#[tokio::test]
async fn how_often_a_dead_receiver_is_tried_is_a_switch() {
    let sim = Sim::start().await;
    sim.switch(json!({"webhook_retry_ms": 1, "webhook_tries": 2})).await;
    let receiver = Receiver::start().await;
    receiver.answer(&[500, 500, 500]);
    sim.hook("order.modified.order-status", &receiver.url, true, 1).await;
    let id = sim.order("tries").await;
    sim.act(&format!("/orders/{id}/status"), json!({"status": "Shipped"})).await;
    receiver.wait(2).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while sim.view("/deliveries").await["waiting"] != json!([]) {
        assert!(std::time::Instant::now() < deadline);
    }
    assert_eq!(receiver.calls().len(), 2, "then it is given up");
}

#[tokio::test]
async fn simulate_sends_made_up_data_of_at_most_ten_ids() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    let hook = sim.hook("order", &receiver.url, true, 1).await;
    let data = |ids: &str| {
        json!({"testData": {"${account-code}": "acme", "${resource-type}": "order", "${resource-id}": ids,
        "${lifecycle-event}": "modified", "${resource-specifier}": "order-status", "${full-event}": "order.modified.order-status"}})
    };
    let path = format!("/integration-service/webhook/{hook}/simulate");
    assert_eq!(sim.post(&path, data("1-11")).await.status, 400);
    assert_eq!(sim.post(&path, data("1-5,99")).await.body, json!({}));
    let call = receiver.wait(1).await.remove(0);
    assert_eq!((&call["id"], &call["fullEvent"]), (&json!("1-5,99"), &json!("order.modified.order-status")));
}

#[tokio::test]
async fn on_hand_events_can_be_lost_and_creation_can_be_quieter() {
    let sim = Sim::start().await;
    sim.switch(json!({"on_hand_event_drop_percent": 100, "order_modified_on_create": false})).await;
    let receiver = Receiver::start().await;
    for event in ["product", "order", "sales-order"] {
        sim.hook(event, &receiver.url, false, 1).await;
    }
    sim.act("/stock", json!({"sku": "MUG-01", "quantity": 5})).await;
    sim.order("quiet").await;
    let ui = sim.order_body("");
    sim.act("/orders", ui).await;
    eventually(|| receiver.events().contains(&"order.modified".to_owned())).await;
    assert_eq!(receiver.events().iter().filter(|event| *event == "order.modified").count(), 1, "only the order made in the UI");
    assert!(!receiver.events().iter().any(|event| event.starts_with("product")));
}
