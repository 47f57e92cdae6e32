//! What strangers and broken senders post: never believed, never a crash, never an error of ours.

use orderbridge_postgres::SignatureMode;
use orderbridge_schema::idset::is_id_set;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::header::HeaderValue;
use uuid::Uuid;

use crate::delivery::{Delivery, order_body, sign};
use crate::support::{CLIENT_SECRET, Cluster, Ingest, Merchant, SIGNED_AT, cluster, kafka, stored};

/// Requests of one property; each is a round trip.
const CASES: u32 = 200;

/// A running ingest, and a runtime that outlives all cases.
struct Place {
    runtime: tokio::runtime::Runtime,
    cluster: Cluster,
    merchant: Merchant,
    ingest: Ingest,
}

impl Place {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let cluster = cluster();
        let (merchant, ingest) = runtime.block_on(async {
            let merchant = Merchant::new(SignatureMode::Require).await;
            let ingest = Ingest::start(&merchant, &cluster).await;
            (merchant, ingest)
        });
        Self { runtime, cluster, merchant, ingest }
    }

    fn check<S: Strategy>(&self, inputs: &S, case: impl Fn(S::Value) -> Result<(), TestCaseError>) {
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        TestRunner::new(config).run(inputs, case).unwrap();
    }

    /// A handler that panics cuts the connection, so there is no answer then.
    fn status(&self, request: reqwest::RequestBuilder) -> Result<u16, TestCaseError> {
        let answer = self.runtime.block_on(request.send());
        answer.map(|answer| answer.status().as_u16()).map_err(|error| TestCaseError::fail(format!("no answer: {error:?}")))
    }

    fn store(&self, body: Vec<u8>) -> reqwest::RequestBuilder {
        let url = self.ingest.url(&format!("/webhooks/bigcommerce/{}", self.merchant.store_connection));
        self.ingest.client.post(url).body(body)
    }

    /// Nothing of all that is an event, and ingest still takes what is one.
    fn end(self, expected: usize) {
        let Self { runtime, cluster, merchant, ingest } = self;
        assert_eq!(stored(&kafka(&cluster)).len(), expected);
        runtime.block_on(async {
            assert_eq!(ingest.order(&merchant, 250).status().await, 200);
            ingest.stop().await;
        });
    }
}

/// Bytes of a body: noise, or something that begins like a webhook of either platform.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..300);
    let shaped = "[\\[\\]{}:,\"\\\\ a-z0-9/.$-]{0,120}".prop_map(String::into_bytes);
    let damaged = (any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(|(place, byte, cut)| {
        let mut body = order_body("store/order/created", 250).into_bytes();
        let at = place.index(body.len());
        body[at] = byte;
        if cut {
            body.truncate(at);
        }
        body
    });
    prop_oneof![noise, shaped, damaged]
}

/// A header's value that a client can send at all.
fn header() -> impl Strategy<Value = HeaderValue> {
    let bytes = prop::collection::vec(prop_oneof![0x20u8..0x7f, 0x80u8..=0xff], 0..120);
    let tokens = "(v1,[A-Za-z0-9+/=]{0,60} ?){0,40}".prop_map(String::into_bytes);
    let number = "-?[0-9]{0,25}".prop_map(String::into_bytes);
    prop_oneof![bytes, tokens, number].prop_map(|bytes| HeaderValue::from_bytes(&bytes).unwrap())
}

#[test]
fn whatever_headers_and_bytes_come_without_a_signature_is_refused() {
    let place = Place::new();
    let inputs = (header(), header(), header(), prop::option::of(header()), any::<bool>(), body());
    place.check(&inputs, |(id, time, signature, secret, knows, body)| {
        let secret = if knows { Some(HeaderValue::from_str(&place.merchant.header_secret).unwrap()) } else { secret };
        let request = place.store(body).header("webhook-id", id).header("webhook-timestamp", time).header("webhook-signature", signature);
        let request = secret.into_iter().fold(request, |request, secret| request.header("x-orderbridge-secret", secret));
        prop_assert_eq!(place.status(request)?, 401);
        Ok(())
    });
    place.end(0);
}

#[test]
fn a_signed_body_that_says_nothing_is_malformed_or_none_of_our_business() {
    let place = Place::new();
    let scope = "store/(cart|order|channel/[0-9]{1,3}|[a-z]{0,10})/[a-zA-Z/]{0,20}";
    let inputs = (body(), scope, "[\\[\\]{}:,\"a-z0-9_.-]{0,60}", any::<bool>());
    let signed = |body: &[u8]| {
        let id = format!("evt_{}", Uuid::new_v4().simple());
        let request = place.store(body.to_vec()).header("x-orderbridge-secret", &place.merchant.header_secret).header("webhook-id", &id);
        request.header("webhook-timestamp", SIGNED_AT.to_string()).header("webhook-signature", sign(CLIENT_SECRET, &id, SIGNED_AT, body))
    };
    let taken = std::cell::Cell::new(0);
    place.check(&inputs, |(noise, scope, data, shaped)| {
        let text = format!(r#"{{"producer":"stores/abc123","scope":"{scope}","data":{data}}}"#);
        let body = if shaped { text.into_bytes() } else { noise };
        let status = place.status(signed(&body))?;
        // Some of it is an event: an order that nobody changed is a hint like any other, and costs a look.
        let is_event = orderbridge_bigcommerce::webhook::parse(&body).is_ok_and(|event| event.is_some_and(|event| event.store.as_str() == "abc123"));
        taken.set(taken.get() + usize::from(is_event));
        let expected: &[u16] = if is_event { &[200] } else { &[204, 400, 401] };
        prop_assert!(expected.contains(&status), "{} for {}", status, String::from_utf8_lossy(&body));
        Ok(())
    });
    let taken = taken.get();
    place.end(taken);
}

#[test]
fn whatever_is_posted_to_a_path_that_is_not_the_hooks_is_refused() {
    let place = Place::new();
    let inputs = ("([A-Za-z0-9_~-]|%[0-9A-F]{2}){1,60}", body(), 0u8..4);
    place.check(&inputs, |(path, body, kind)| {
        let (merchant, ingest) = (&place.merchant, &place.ingest);
        let (url, expected): (String, &[u16]) = match kind {
            0 => (format!("/webhooks/brightpearl/{}/{path}", merchant.account_connection), &[401, 404]),
            1 => (format!("/webhooks/brightpearl/{path}/{}", merchant.path_secret), &[404]),
            2 => (format!("/webhooks/bigcommerce/{path}"), &[404]),
            _ => (format!("/{path}"), &[404]),
        };
        let status = place.status(ingest.client.post(ingest.url(&url)).body(body))?;
        prop_assert!(expected.contains(&status), "{} for {}", status, url);
        Ok(())
    });
    place.end(0);
}

#[test]
fn a_call_that_knows_the_path_and_not_the_words_is_refused_or_asked_again() {
    let place = Place::new();
    let field = prop::sample::select(vec!["accountCode", "resourceType", "id", "lifecycleEvent", "fullEvent", "raisedOn", "literal"]);
    let inputs = (body(), field, "[a-z0-9.,$\\{\\}é-]{0,40}", any::<bool>());
    let taken = std::cell::Cell::new(0);
    place.check(&inputs, |(noise, field, value, shaped)| {
        let mut call = place.merchant.notes("4101");
        call[field] = value.as_str().into();
        let body = if shaped { call.to_string().into_bytes() } else { noise };
        let request = place.ingest.call(&place.merchant.account_connection, &place.merchant.path_secret, body);
        let status = place.status(request)?;
        taken.set(taken.get() + usize::from(status == 200));
        let expected: &[u16] = match field {
            // What our own template may have come to is asked for again.
            _ if !shaped => &[400, 401, 503],
            "accountCode" | "literal" => &[401],
            "raisedOn" => &[200],
            "id" if is_id_set(&value) => &[200],
            "id" => &[503],
            _ => &[200, 503],
        };
        prop_assert!(expected.contains(&status), "{} for {} {}", status, field, value);
        Ok(())
    });
    let taken = taken.get();
    place.end(taken);
}

#[test]
fn one_damaged_byte_of_a_signed_delivery_is_refused_whichever_it_is() {
    let place = Place::new();
    let inputs = (any::<prop::sample::Index>(), 1u8..=255, 0u8..4);
    place.check(&inputs, |(at, flip, part)| {
        let whole = place.ingest.order(&place.merchant, 250);
        let signature = sign(&whole.key, &whole.id, whole.time, whole.body.as_bytes());
        let digit = |text: &str| {
            // A letter that base64 and secrets have, and another one than stands there.
            let mut bytes = text.as_bytes().to_vec();
            let place = at.index(bytes.len());
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        let mut body = whole.body.clone().into_bytes();
        let (mut sent, mut changed) = (Delivery { signature: Some(signature.clone()), ..whole }, false);
        match part {
            0 => {
                let place = at.index(body.len());
                body[place] ^= flip;
                changed = true;
            }
            1 => sent.id = digit(&sent.id),
            2 => sent.signature = Some(format!("v1,{}=", digit(signature.trim_start_matches("v1,").trim_end_matches('=')))),
            _ => sent.header_secret = sent.header_secret.as_deref().map(digit),
        }
        let request = if changed { sent.request().body(body) } else { sent.request() };
        prop_assert_eq!(place.status(request)?, 401);
        Ok(())
    });
    place.end(0);
}
