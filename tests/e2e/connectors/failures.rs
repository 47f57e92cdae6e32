//! Each way in which a call can fail, and what the clients make of it: a definite no, or doubt (BC §0, §b; BP §a.3, §a.4).

use std::sync::Arc;
use std::time::Duration;

use orderbridge_http_client::{CallError, Deadline, Permit, PoolKey, SendGuard, Unlimited};
use orderbridge_schema::ids::{SalesOrderStatusId, StoreOrderId, StoreStatusId};
use serde_json::{Value, json};

use super::order_writes::shipment;
use super::sales_orders::create;
use super::{Office, SHARE, Shop, guard, http, http_that_waits, id};
use crate::wait::until;

/// The class of a failure, and of a refusal its code.
fn class(error: &CallError) -> String {
    match error {
        CallError::Quota(_) => "quota".into(),
        CallError::NotSent { .. } => "not sent".into(),
        CallError::Unauthorised => "unauthorised".into(),
        CallError::Throttled { .. } => "throttled".into(),
        CallError::NotFound => "not found".into(),
        CallError::Refused { code, .. } => format!("refused {code}"),
        CallError::Uncertain { .. } => "uncertain".into(),
    }
}

fn status(status: u16, body: Value) -> Value {
    json!({ "kind": "status", "status": status, "body": body })
}

/// What happens on the way, the same for both platforms.
fn on_the_way() -> Vec<Value> {
    let actions = [json!({ "kind": "delay", "ms": 1200 }), json!({ "kind": "delay_after", "ms": 1200 })];
    let cuts = ["cut_before", "cut_after", "corrupt_body"].map(|kind| json!({ "kind": kind }));
    let page = "<html><body>Bad gateway</body></html>";
    let pages = [200, 400, 403, 404, 500, 502, 503, 504].map(|code| status(code, json!(page)));
    actions.into_iter().chain(cuts).chain(pages).collect()
}

/// Less than any delay here.
const PATIENCE: Duration = Duration::from_millis(300);

fn http_for(action: &Value) -> orderbridge_http_client::HttpClient {
    if action["kind"].as_str().unwrap().starts_with("delay") { http_that_waits(PATIENCE) } else { http() }
}

#[tokio::test]
async fn what_happens_on_the_way_to_the_store_leaves_doubt() {
    let shop = Shop::open().await;
    let placed = shop.place(json!({ "lines": [{ "sku": "A", "quantity": 50 }] })).await;
    for (note, action) in on_the_way().into_iter().enumerate() {
        let client = shop.client_of(http_for(&action), Arc::new(Unlimited), &shop.token);
        shop.sim.spoil("*/v2/orders/*", action.clone()).await;
        let read = client.order(StoreOrderId(id(&placed["id"])), SHARE).await.unwrap_err();
        assert_eq!((class(&read), read.is_definite_no()), ("uncertain".into(), false), "read: {action}");
        shop.sim.spoil("*/shipments", action.clone()).await;
        let wish = shipment(&placed, u64::try_from(note).unwrap(), &[(0, 1)]);
        let write = client.create_shipment(&wish, guard(client.pool())).await.unwrap_err();
        assert_eq!(class(&write), "uncertain", "write: {action}");
        assert!(!write.to_string().contains('<') && !write.to_string().contains("127.0.0.1"), "{write}");
    }
    // What was late, cut or lost after its execution is there, once; nothing else is, and nothing was sent twice.
    let client = shop.client();
    until("the late, the cut and the garbled one, each once", Duration::from_secs(20), || async {
        let shipments = client.shipments(StoreOrderId(id(&placed["id"])), SHARE).await.unwrap();
        let mut marks: Vec<String> = shipments.into_iter().map(|shipment| shipment.comments).collect();
        marks.sort();
        (marks == ["GON-0", "GON-1", "GON-3", "GON-4"]).then_some(())
    })
    .await;
    assert_eq!(shop.sim.calls("method=POST&path=/shipments").await, u64::try_from(on_the_way().len()).unwrap());
}

#[tokio::test]
async fn each_answer_of_the_store_is_sorted_by_what_to_do_next() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    let order = StoreOrderId(id(&placed["id"]));
    let v2 = |code: u16| json!([{ "status": code, "message": "The field 'x' is invalid." }]);
    let v3 = |code: u16| json!({ "status": code, "title": "Not valid.", "type": "t", "errors": { "x": "must be there" } });
    let cases = [
        (status(400, v2(400)), "refused http-400"),
        (status(401, v2(401)), "unauthorised"),
        (status(401, json!("<html>Unauthorized</html>")), "unauthorised"),
        (status(403, v3(403)), "refused http-403"),
        (status(404, v2(404)), "not found"),
        (status(405, v2(405)), "refused http-405"),
        (status(408, v2(408)), "uncertain"),
        (status(409, v3(409)), "refused http-409"),
        (status(413, json!("<html>Too large</html>")), "refused http-413"),
        (status(415, json!(null)), "refused http-415"),
        (status(422, v3(422)), "refused http-422"),
        (status(423, v3(423)), "refused http-423"),
        (status(429, v2(429)), "throttled"),
        (status(499, json!(null)), "uncertain"),
        (status(500, v2(500)), "uncertain"),
        (status(501, v3(501)), "refused http-501"),
        (status(502, json!(null)), "uncertain"),
        (status(503, v3(503)), "uncertain"),
        (status(504, json!(null)), "uncertain"),
        (status(507, v3(507)), "refused http-507"),
        (status(509, json!(null)), "throttled"),
        (json!({ "kind": "throttle" }), "throttled"),
    ];
    for (action, expected) in cases {
        shop.sim.spoil("*/v2/orders/*", action.clone()).await;
        let error = client.set_order_status(order, StoreStatusId(9), guard(client.pool())).await.unwrap_err();
        assert_eq!(class(&error), expected, "{action}");
        assert_eq!(error.is_definite_no(), expected != "uncertain");
    }
    shop.sim.spoil("*/v2/orders/*", status(422, v3(422))).await;
    let error = client.set_order_status(order, StoreStatusId(9), guard(client.pool())).await.unwrap_err();
    assert_eq!(error, CallError::refused(422, "http-422", "Not valid. (x: must be there)"));
    assert_eq!(client.order(order, SHARE).await.unwrap().unwrap().status, StoreStatusId(11), "none of them did anything");
}

#[tokio::test]
async fn what_happens_on_the_way_to_the_account_leaves_doubt() {
    let office = Office::open().await;
    let order = create(&office, 9001).await;
    for action in on_the_way() {
        let client = office.client_of(http_for(&action), Arc::new(Unlimited), &office.installation("access_token"));
        office.sim.spoil("*/order-service/order/*", action.clone()).await;
        let read = client.orders(&[order], SHARE).await.unwrap_err();
        assert_eq!((class(&read), read.is_definite_no()), ("uncertain".into(), false), "read: {action}");
        office.sim.spoil("*/status", action.clone()).await;
        let write = client.set_order_status(order, SalesOrderStatusId(21), guard(client.pool())).await.unwrap_err();
        assert_eq!(class(&write), "uncertain", "write: {action}");
        assert!(!write.to_string().contains('<') && !write.to_string().contains("127.0.0.1"), "{write}");
    }
    let tries = u64::try_from(on_the_way().len()).unwrap();
    until("each was sent once", Duration::from_secs(20), || async { (office.sim.calls("method=PUT&path=/status").await == tries).then_some(()) })
        .await;
}

#[tokio::test]
async fn each_answer_of_the_account_is_sorted_by_its_code_more_than_by_its_status() {
    let office = Office::open().await;
    let client = office.client();
    let order = create(&office, 9001).await;
    let errors = |code: &str| json!({ "errors": [{ "code": code, "message": "It is not so." }] });
    let cases = [
        (status(400, errors("ORDC-006")), "refused ORDC-006"),
        (status(400, json!({})), "refused http-400"),
        (status(401, json!({ "response": "Authorization token expired" })), "unauthorised"),
        (status(401, json!({ "response": "Invalid instance token: Qk3xYz0123456789abcdefghij==" })), "unauthorised"),
        (status(403, errors("CMNC-999")), "refused CMNC-999"),
        (status(404, errors("CMNC-404")), "not found"),
        (status(412, errors("ORDC-999")), "refused ORDC-999"),
        (status(414, json!("<html>Too long</html>")), "refused http-414"),
        (status(429, json!(null)), "throttled"),
        (status(500, errors("CMNC-018")), "refused CMNC-018"),
        (status(500, errors("CMNC-044")), "refused CMNC-044"),
        (status(500, errors("CMNU-003")), "uncertain"),
        (status(500, json!({})), "uncertain"),
        (status(502, json!(null)), "uncertain"),
        (status(503, json!(null)), "uncertain"),
        (status(504, json!(null)), "uncertain"),
        (status(200, errors("ORDC-006")), "refused ORDC-006"),
        (json!({ "kind": "throttle" }), "throttled"),
    ];
    for (action, expected) in cases {
        office.sim.spoil("*/status", action.clone()).await;
        let error = client.set_order_status(order, SalesOrderStatusId(21), guard(client.pool())).await.unwrap_err();
        assert_eq!(class(&error), expected, "{action}");
        assert_eq!(error.is_definite_no(), expected != "uncertain");
        assert!(!error.to_string().contains("Qk3xYz"), "a token was echoed: {error}");
    }
    assert_eq!(client.orders(&[order], SHARE).await.unwrap()[0].status, SalesOrderStatusId(17), "none of them did anything");
}

#[tokio::test]
async fn what_never_left_is_known_not_to_have_been_done() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    let order = StoreOrderId(id(&placed["id"]));
    let late = SendGuard { permit: Permit::new(client.pool().clone(), SHARE), deadline: Deadline::after(Duration::ZERO) };
    let foreign = guard(&PoolKey("bigcommerce/other".into()));
    for wrong in [late, foreign] {
        let error = client.set_order_status(order, StoreStatusId(9), wrong).await.unwrap_err();
        assert_eq!((class(&error), error.is_definite_no()), ("not sent".into(), true));
    }
    assert_eq!(shop.sim.calls("method=PUT").await, 0);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{closed}").parse().unwrap();
    let token = shop.token.clone().into();
    let nowhere = orderbridge_bigcommerce::Client::new(http(), base, client.store().clone(), token, Arc::new(Unlimited));
    assert_eq!(class(&nowhere.time(SHARE).await.unwrap_err()), "not sent");
}
