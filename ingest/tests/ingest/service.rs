use std::time::Duration;

use orderbridge_http_server::{Check, Metrics};
use orderbridge_ingest::{App, BuildError, Deps};
use orderbridge_kafka::Publisher;
use orderbridge_postgres::SignatureMode;
use orderbridge_schema::ids::ConnectionId;

use crate::delivery::Delivery;
use crate::support::{Ingest, Merchant, Options, TestClock, cluster, directory, eventually, kafka, stored};

#[tokio::test]
async fn a_path_that_nobody_has_is_not_found_whatever_is_wrong_with_it() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    let body = merchant.notes("1").to_string();
    let order = ingest.order(&merchant, 250);
    let mut answers = Vec::new();
    let nobody = ConnectionId::new("nobody").unwrap();
    // The other platform's connection is nobody's too.
    for url in ["nobody".to_owned(), "no%20id".to_owned(), "x".repeat(200), merchant.account_connection.to_string()] {
        let delivery = Delivery { url: ingest.url(&format!("/webhooks/bigcommerce/{url}")), ..ingest.order(&merchant, 250) };
        answers.push(delivery.send().await);
    }
    for connection in [&nobody, &merchant.store_connection] {
        answers.push(ingest.call(connection, &merchant.path_secret, body.clone()).send().await.unwrap());
    }
    let mut texts = Vec::new();
    for answer in answers {
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        texts.push(answer.text().await.unwrap());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
    assert_eq!(order.status().await, 200);
    ingest.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_alike_for_everybody() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let mut options = Options::new(&merchant, kafka(&cluster));
    options.settings.http.body_bytes_max = 2048;
    let ingest = Ingest::with(&options).await;
    let large = "x".repeat(2049);
    let known = Delivery { body: large.clone(), ..ingest.order(&merchant, 250) };
    assert_eq!(known.status().await, 413);
    let unknown = Delivery { url: ingest.url("/webhooks/bigcommerce/nobody"), ..known };
    assert_eq!(unknown.status().await, 413);
    let brightpearl = ingest.call(&merchant.account_connection, &merchant.path_secret, large).send().await.unwrap();
    assert_eq!(brightpearl.status(), 413);
    ingest.stop().await;
}

#[tokio::test]
async fn a_paused_tenants_events_are_stored_and_a_removed_ones_are_dropped_kindly() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    merchant.db.pause_tenant(&merchant.tenant).await.unwrap();
    let ingest = Ingest::start(&merchant, &cluster).await;
    assert_eq!(ingest.order(&merchant, 250).status().await, 200);
    merchant.db.remove_tenant(&merchant.tenant).await.unwrap();
    eventually("the removal is heard of", || async { ingest.order(&merchant, 251).status().await == 204 }).await;
    let before = stored(&kafka(&cluster)).len();
    let forged = Delivery { key: "another".into(), ..ingest.order(&merchant, 252) };
    assert_eq!(forged.status().await, 204, "dying hooks may have lost their secret");
    assert_eq!(ingest.order(&merchant, 253).status().await, 204);
    // Nobody of the account is left: its webhooks are dropped as kindly.
    let call = ingest.call(&merchant.account_connection, &merchant.path_secret, merchant.notes("1").to_string());
    assert_eq!(call.send().await.unwrap().status(), 204);
    assert_eq!(stored(&kafka(&cluster)).len(), before);
    ingest.stop().await;
}

#[tokio::test]
async fn metrics_tell_platforms_and_outcomes_and_no_tenant() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    assert_eq!(ingest.order(&merchant, 250).status().await, 200);
    let call = ingest.call(&merchant.account_connection, "wrong", merchant.notes("1").to_string());
    assert_eq!(call.send().await.unwrap().status(), 401);
    let metrics = ingest.client.get(ingest.url("/metrics")).send().await.unwrap().text().await.unwrap();
    for (platform, outcome) in [("bigcommerce", "stored"), ("brightpearl", "unauthorised")] {
        let line = format!(r#"orderbridge_ingest_events_total{{platform="{platform}",outcome="{outcome}"}}"#);
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    assert!(metrics.contains(r#"orderbridge_ingest_duration_seconds_bucket{platform="bigcommerce""#));
    for hidden in [merchant.tenant.as_str(), merchant.store_connection.as_str(), &merchant.path_secret, "wrong"] {
        assert!(!metrics.contains(hidden), "{hidden}");
    }
    ingest.stop().await;
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_with_every_problem() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let mut options = Options::new(&merchant, kafka(&cluster));
    options.settings.http.body_bytes_max = 1_000_000;
    options.settings.signature_tolerance = Duration::ZERO;
    let deps = Deps {
        directory: directory(&options).await,
        publisher: Publisher::start(&options.kafka).unwrap(),
        clock: TestClock::at(0),
        metrics: Metrics::install().unwrap(),
        checks: Vec::new(),
    };
    let error = App::build(options.settings, deps).await.unwrap_err();
    assert!(matches!(&error, BuildError::Settings(problems) if problems.len() == 2), "{error}");
    assert!(error.to_string().contains("body_bytes_max") && error.to_string().contains("signature_tolerance"));
}

#[tokio::test]
async fn what_else_must_hold_keeps_it_from_being_ready() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let mut options = Options::new(&merchant, kafka(&cluster));
    options.checks = vec![Check::new("topics", || Err("replication is 1, at least 3 is needed".into()))];
    let ingest = Ingest::begin(&options).await;
    eventually("it says why", || async {
        let answer = ingest.client.get(ingest.url("/readyz")).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        status == 503 && text.contains("replication is 1") && text.contains(r#""broker":"ok""#)
    })
    .await;
    ingest.stop().await;
}
