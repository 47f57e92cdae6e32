//! The signature vectors of the fact sheet (BC §c), and what else must or must not be believed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use orderbridge_bigcommerce::webhook::{HookSecrets, Rejection, SignatureMode, parse, verify};
use orderbridge_schema::envelope::Verified;
use proptest::prelude::*;
use secrecy::SecretString;

const SECRET: &str = "3f1c9a7be2d84506c1f7a90b6d25e843f0a1b2c3d4e5f60718293a4b5c6d7e8f";
const ID: &str = "evt_2Zr8test0000000000000001";
const TIME: &str = "1735689600";
const BODY: &str = r#"{"producer":"stores/abc123","hash":"dd70c0976e06b67aaf671e73f49dcb79230ebf9d","created_at":1735689600,"store_id":"1025646","scope":"store/order/created","data":{"type":"order","id":250}}"#;
const GOOD: &str = "v1,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0=";

/// One delivery and how it is checked; a test changes what it is about.
#[derive(Clone)]
struct Delivery<'a> {
    client_secrets: Vec<&'a str>,
    header_secrets: Vec<&'a str>,
    mode: SignatureMode,
    accept_stale: bool,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
    seconds_late: i64,
}

impl Default for Delivery<'_> {
    fn default() -> Self {
        Self {
            client_secrets: vec![SECRET],
            header_secrets: vec![],
            mode: SignatureMode::Require,
            accept_stale: false,
            headers: vec![("webhook-id", ID), ("webhook-timestamp", TIME), ("webhook-signature", GOOD)],
            body: BODY.as_bytes(),
            seconds_late: 0,
        }
    }
}

impl<'a> Delivery<'a> {
    fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    fn check(&self) -> Result<Verified, Rejection> {
        let secrets = |texts: &[&str]| texts.iter().map(|text| SecretString::from(*text)).collect::<Vec<_>>();
        let (client_secrets, header_secrets) = (secrets(&self.client_secrets), secrets(&self.header_secrets));
        let secrets = HookSecrets {
            client_secrets: &client_secrets,
            header_secrets: &header_secrets,
            mode: self.mode,
            tolerance: Duration::from_secs(300),
            accept_stale: self.accept_stale,
        };
        let now: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        let find = |name: &str| self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        verify(&secrets, &find, self.body, now + self.seconds_late.seconds())
    }
}

#[test]
fn the_published_vector_is_believed() {
    assert_eq!(BODY.len(), 186);
    assert_eq!(Delivery::default().check(), Ok(Verified::Signature));
    let event = parse(BODY.as_bytes()).unwrap().unwrap();
    assert_eq!((event.ids.as_str(), event.store.as_str()), ("250", "abc123"));
}

#[test]
fn each_wrong_way_to_use_the_secret_is_refused() {
    for wrong in [
        "v1,gOD5XmFLDRRO8G30qxgZ6V4zBAE4i8x5qs3vtgnffK8=",
        "v1,TxfRXxNyIo43tGbaAbEkkYLbu1XPcT0zJ036H6pCaVs=",
        "v1,GnoMyNetYOX6cfNvUtnl/V0J5F9wfeFF39N+omRPiSQ=",
        "v1a,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0=",
        "QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0=",
        "v1,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0",
        "v1,",
        "",
    ] {
        assert_eq!(Delivery::default().with("webhook-signature", wrong).check(), Err(Rejection::Signature), "{wrong}");
    }
}

#[test]
fn one_good_token_among_others_is_enough() {
    let tokens = "v1a,xxxx v1,AAAA v1,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0=";
    assert_eq!(Delivery::default().with("webhook-signature", tokens).check(), Ok(Verified::Signature));
}

#[test]
fn what_was_signed_may_not_be_changed() {
    let spaced = BODY.replace("\":", "\": ");
    let changes = [
        Delivery { body: spaced.as_bytes(), ..Delivery::default() },
        Delivery { body: b"", ..Delivery::default() },
        Delivery::default().with("webhook-id", "evt_other"),
        Delivery::default().with("webhook-timestamp", "1735689601"),
        Delivery::default().with("webhook-timestamp", "soon"),
        Delivery::default().with("webhook-timestamp", "99999999999999999999"),
        Delivery::default().without("webhook-id"),
        Delivery::default().without("webhook-timestamp"),
        Delivery { client_secrets: vec!["another"], ..Delivery::default() },
    ];
    for changed in changes {
        assert_eq!(changed.check(), Err(Rejection::Signature));
    }
}

#[test]
fn both_secrets_are_good_while_one_replaces_the_other() {
    let both = Delivery { client_secrets: vec!["newer", SECRET], ..Delivery::default() };
    assert_eq!(both.check(), Ok(Verified::Signature));
}

#[test]
fn the_tolerance_holds_both_ways_and_a_stale_hint_may_be_taken() {
    for (seconds_late, fresh) in [(300, true), (-300, true), (301, false), (-301, false), (172_800, false)] {
        let strict = Delivery { seconds_late, ..Delivery::default() };
        assert_eq!(strict.check(), if fresh { Ok(Verified::Signature) } else { Err(Rejection::Stale) }, "{seconds_late}");
        let lenient = Delivery { accept_stale: true, ..strict };
        assert_eq!(lenient.check(), Ok(if fresh { Verified::Signature } else { Verified::StaleSignature }), "{seconds_late}");
    }
    let forged = Delivery { accept_stale: true, seconds_late: 900, ..Delivery::default() }.with("webhook-signature", "v1,AAAA");
    assert_eq!(forged.check(), Err(Rejection::Signature));
}

#[test]
fn an_empty_secret_opens_nothing() {
    assert_eq!(Delivery { client_secrets: vec![""], ..Delivery::default() }.check(), Err(Rejection::NoSecret));
    assert_eq!(Delivery { client_secrets: vec![], ..Delivery::default() }.check(), Err(Rejection::NoSecret));
    let empty = Delivery { header_secrets: vec![""], mode: SignatureMode::Off, ..Delivery::default() };
    assert_eq!(empty.check(), Err(Rejection::HeaderSecret));
    assert_eq!(empty.with("x-orderbridge-secret", "").check(), Err(Rejection::HeaderSecret));
    assert_eq!(Delivery { mode: SignatureMode::Off, ..Delivery::default() }.check(), Err(Rejection::NoSecret));
}

#[test]
fn the_hooks_own_secret_is_asked_for_in_every_mode() {
    for mode in [SignatureMode::Require, SignatureMode::VerifyIfPresent, SignatureMode::Off] {
        let delivery = Delivery { mode, header_secrets: vec!["older", "s3cret"], ..Delivery::default() };
        assert_eq!(delivery.check(), Err(Rejection::HeaderSecret), "{mode}");
        assert_eq!(delivery.clone().with("x-orderbridge-secret", "s3cre").check(), Err(Rejection::HeaderSecret), "{mode}");
        assert!(delivery.clone().with("x-orderbridge-secret", "s3cret").check().is_ok(), "{mode}");
        assert!(delivery.with("x-orderbridge-secret", "older").check().is_ok(), "{mode}");
    }
}

#[test]
fn the_mode_says_what_becomes_of_a_missing_or_wrong_signature() {
    let with_header = |mode| Delivery { mode, header_secrets: vec!["s3cret"], ..Delivery::default() }.with("x-orderbridge-secret", "s3cret");
    let unsigned = |mode| with_header(mode).without("webhook-signature").check();
    let forged = |mode| with_header(mode).with("webhook-signature", "v1,AAAA").check();
    assert_eq!(unsigned(SignatureMode::Require), Err(Rejection::SignatureMissing));
    assert_eq!(unsigned(SignatureMode::VerifyIfPresent), Ok(Verified::Header));
    assert_eq!(unsigned(SignatureMode::Off), Ok(Verified::Header));
    assert_eq!(forged(SignatureMode::Require), Err(Rejection::Signature));
    assert_eq!(forged(SignatureMode::VerifyIfPresent), Err(Rejection::Signature));
    assert_eq!(forged(SignatureMode::Off), Ok(Verified::Header));
    let nothing = Delivery { mode: SignatureMode::VerifyIfPresent, ..Delivery::default() }.without("webhook-signature");
    assert_eq!(nothing.check(), Err(Rejection::SignatureMissing));
}

#[test]
fn a_mode_is_read_back_as_it_was_written() {
    for mode in [SignatureMode::Require, SignatureMode::VerifyIfPresent, SignatureMode::Off] {
        assert_eq!(mode.to_string().parse::<SignatureMode>().unwrap(), mode);
    }
    assert!("on".parse::<SignatureMode>().is_err());
}

proptest! {
    #[test]
    fn no_header_is_believed_or_makes_it_panic(id in ".{0,40}", time in ".{0,40}", signature in ".{0,120}", body in prop::collection::vec(any::<u8>(), 0..100)) {
        let delivery = Delivery {
            headers: vec![("webhook-id", id.as_str()), ("webhook-timestamp", time.as_str()), ("webhook-signature", signature.as_str())],
            body: &body,
            ..Delivery::default()
        };
        prop_assert_eq!(delivery.check(), Err(Rejection::Signature));
    }

    #[test]
    fn one_changed_byte_is_enough_to_refuse(place in 0usize..186, flip in 1u8..=255) {
        let mut body = BODY.as_bytes().to_vec();
        body[place] ^= flip;
        prop_assert_eq!(Delivery { body: &body, ..Delivery::default() }.check(), Err(Rejection::Signature));
    }
}
