use orderbridge_postgres::SignatureMode;
use orderbridge_schema::envelope::{EntityKind, Envelope, Verified};
use orderbridge_schema::ids::Platform;

use crate::delivery::{Delivery, order_body, sign};
use crate::support::{CLIENT_SECRET, Ingest, Merchant, Options, SIGNED_AT, cluster, import, kafka, stored};

/// The fact sheet's example (BC §c).
const BODY: &str = r#"{"producer":"stores/abc123","hash":"dd70c0976e06b67aaf671e73f49dcb79230ebf9d","created_at":1735689600,"store_id":"1025646","scope":"store/order/created","data":{"type":"order","id":250}}"#;
const ID: &str = "evt_2Zr8test0000000000000001";
const SIGNATURE: &str = "v1,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0=";

fn example(ingest: &Ingest, merchant: &Merchant, signature: &str) -> Delivery {
    Delivery { id: ID.into(), body: BODY.into(), signature: Some(signature.into()), ..ingest.order(merchant, 250) }
}

#[tokio::test]
async fn the_fact_sheets_example_is_stored_as_one_envelope() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = example(&ingest, &merchant, SIGNATURE).request().header("traceparent", trace).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "", "BigCommerce wants an empty body");
    let events = stored(&kafka(&cluster));
    assert_eq!(events.len(), 1);
    let Envelope { event_id, .. } = events[0];
    assert_eq!(event_id.get_version_num(), 7);
    let expected = Envelope {
        version: 1,
        event_id,
        platform: Platform::Bigcommerce,
        connection: merchant.store_connection.clone(),
        tenant: Some(merchant.tenant.clone()),
        account: merchant.account.clone(),
        event_type: "store/order/created".into(),
        entity: EntityKind::Order,
        ids: "250".into(),
        delivery_id: Some(ID.into()),
        occurred_at: Some("2025-01-01T00:00:00Z".parse().unwrap()),
        received_at: "2025-01-01T00:00:10Z".parse().unwrap(),
        verified: Verified::Signature,
        store_status: None,
        traceparent: Some(trace.into()),
    };
    assert_eq!(events[0], expected);
    ingest.stop().await;
}

#[tokio::test]
async fn each_right_signature_is_taken_and_each_wrong_one_refused_alike() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    for right in [SIGNATURE, "v1a,xxxx v1,AAAA v1,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0="] {
        assert_eq!(example(&ingest, &merchant, right).status().await, 200, "{right}");
    }
    let wrong = [
        // The client secret base64-decoded before use, its base64 text as the key, the body written anew with spaces.
        "v1,gOD5XmFLDRRO8G30qxgZ6V4zBAE4i8x5qs3vtgnffK8=",
        "v1,TxfRXxNyIo43tGbaAbEkkYLbu1XPcT0zJ036H6pCaVs=",
        "v1,GnoMyNetYOX6cfNvUtnl/V0J5F9wfeFF39N+omRPiSQ=",
        // Another version's, one without padding, cut, hexadecimal, nothing.
        "v1a,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0=",
        "v1,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0",
        "v1,QpN1/9sRN9SyJgep",
        "v1,42937500",
        "v1,",
        "",
    ];
    let mut answers = Vec::new();
    for signature in wrong {
        let answer = example(&ingest, &merchant, signature).send().await;
        assert_eq!(answer.status(), 401, "{signature:?}");
        answers.push(answer.text().await.unwrap());
    }
    let changed = |change: &dyn Fn(&mut Delivery)| {
        let mut delivery = example(&ingest, &merchant, SIGNATURE);
        change(&mut delivery);
        delivery
    };
    for delivery in [
        changed(&|delivery| delivery.body.push(' ')),
        changed(&|delivery| delivery.id.push('2')),
        changed(&|delivery| delivery.time += 1),
        changed(&|delivery| delivery.header_secret = None),
        changed(&|delivery| delivery.header_secret = Some(String::new())),
        changed(&|delivery| delivery.header_secret = Some("another hook's".into())),
    ] {
        let answer = delivery.send().await;
        assert_eq!(answer.status(), 401);
        answers.push(answer.text().await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "the answers do not say what was wrong: {answers:?}");
    assert_eq!(stored(&kafka(&cluster)).len(), 2);
    ingest.stop().await;
}

#[tokio::test]
async fn a_valid_signature_with_a_stale_time_is_a_hint_unless_the_settings_say_no() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    for now in [SIGNED_AT + 3600, SIGNED_AT - 3600] {
        ingest.clock.set(now);
        assert_eq!(example(&ingest, &merchant, SIGNATURE).status().await, 200);
    }
    assert!(stored(&kafka(&cluster)).iter().all(|event| event.verified == Verified::StaleSignature));
    ingest.stop().await;

    let mut options = Options::new(&merchant, kafka(&cluster));
    options.settings.accept_stale = false;
    let strict = Ingest::with(&options).await;
    for (now, status) in [(SIGNED_AT + 301, 401), (SIGNED_AT - 301, 401), (SIGNED_AT + 300, 200), (SIGNED_AT - 300, 200)] {
        strict.clock.set(now);
        assert_eq!(example(&strict, &merchant, SIGNATURE).status().await, status, "{now}");
    }
    strict.stop().await;
}

#[tokio::test]
async fn the_mode_says_how_much_a_signature_counts() {
    let cluster = cluster();
    let wrong = "v1,gOD5XmFLDRRO8G30qxgZ6V4zBAE4i8x5qs3vtgnffK8=";
    for (mode, with_none, with_wrong) in
        [(SignatureMode::Require, 401, 401), (SignatureMode::VerifyIfPresent, 200, 401), (SignatureMode::Off, 200, 200)]
    {
        let merchant = Merchant::new(mode).await;
        let ingest = Ingest::start(&merchant, &cluster).await;
        assert_eq!(example(&ingest, &merchant, "").status().await, with_none, "{mode:?}");
        assert_eq!(example(&ingest, &merchant, wrong).status().await, with_wrong, "{mode:?}");
        assert_eq!(example(&ingest, &merchant, SIGNATURE).status().await, 200, "{mode:?}");
        let bare = Delivery { header_secret: None, ..example(&ingest, &merchant, SIGNATURE) };
        assert_eq!(bare.status().await, 401, "the hook's own secret is asked for in {mode:?}");
        ingest.stop().await;
    }
}

#[tokio::test]
async fn former_and_new_client_secrets_are_both_live_while_one_replaces_the_other() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let fresh = "0000000000000000000000000000000000000000000000000000000000000001";
    merchant.db.import_tenant(&import(merchant.tenant.as_str(), SignatureMode::Require, fresh)).await.unwrap();
    let ingest = Ingest::start(&merchant, &cluster).await;
    for (key, status) in [(CLIENT_SECRET, 200), (fresh, 200), ("another", 401)] {
        let delivery = Delivery { key: key.into(), ..ingest.order(&merchant, 250) };
        assert_eq!(delivery.status().await, status, "{key}");
    }
    ingest.stop().await;
}

#[tokio::test]
async fn an_event_of_another_store_of_the_same_app_is_refused() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    let body = order_body("store/order/created", 250).replace("abc123", "other9");
    assert_eq!(Delivery { body, ..ingest.order(&merchant, 250) }.status().await, 401);
    assert!(stored(&kafka(&cluster)).is_empty());
    ingest.stop().await;
}

#[tokio::test]
async fn what_is_authentic_and_unreadable_is_malformed_and_what_is_no_business_of_ours_is_welcome() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    for (body, status) in [
        ("not json".to_owned(), 400),
        ("{}".to_owned(), 400),
        (order_body("store/order/created", 250).replace("250", "\"x\""), 400),
        (order_body("store/cart/created", 250), 204),
        (order_body("store/order/statusUpdated", 250), 200),
    ] {
        let delivery = Delivery { body, ..ingest.order(&merchant, 250) };
        assert_eq!(delivery.status().await, status, "{}", delivery.body);
    }
    let unsigned = Delivery { body: "not json".into(), signature: Some(sign("another", "a", 1, b"")), ..ingest.order(&merchant, 250) };
    assert_eq!(unsigned.status().await, 401, "who cannot prove anything does not learn what is readable");
    assert_eq!(stored(&kafka(&cluster)).len(), 1);
    ingest.stop().await;
}
