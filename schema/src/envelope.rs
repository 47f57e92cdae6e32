//! The one envelope in which every event travels, version 1.
//!
//! It says *that* something may have changed and where, never *what*: no payload of a webhook is carried, so no address, e-mail or
//! secret can be. Readers ignore fields they do not know within a major version and refuse another major version.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{AccountCode, ConnectionId, Platform, StoreStatusId, TenantId};
use crate::topics::Topic;

/// Our name of an event, time-ordered (UUID version 7).
pub type EventId = Uuid;

/// The major version this code writes and reads.
pub const VERSION: u32 = 1;

/// How an event came to be trusted as a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// Standard Webhooks signature over the raw body (BC §c).
    Signature,
    /// A valid signature with a time stamp outside the tolerance.
    StaleSignature,
    /// Only the secret header set at registration (BC §c).
    Header,
    /// The secret in the path and the literal in the body (BP §d.5).
    PathSecret,
    /// Found by a sweep of ours.
    Swept,
}

/// What a tenant's events must carry besides the secret header (BC §c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureMode {
    /// A valid signature.
    #[default]
    Require,
    /// A valid signature if there is one.
    VerifyIfPresent,
    /// Nothing: the signature is not looked at.
    Off,
}

impl SignatureMode {
    /// Name in the database and in settings files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::VerifyIfPresent => "verify-if-present",
            Self::Off => "off",
        }
    }
}

impl std::fmt::Display for SignatureMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for SignatureMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = [Self::Require, Self::VerifyIfPresent, Self::Off].into_iter().find(|mode| mode.as_str() == text);
        found.ok_or("a signature mode is require, verify-if-present or off")
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntityKind {
    /// A store order.
    Order,
    /// A customer of a store.
    Customer,
    /// A product or variant of a store.
    StoreProduct,
    /// The app, the store or a hook.
    Store,
    /// A Brightpearl order of any type.
    SalesOrder,
    /// A goods-out note.
    GoodsOutNote,
    /// A drop-ship note.
    DropShipNote,
    /// A Brightpearl product.
    Product,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Major version of this form.
    pub version: u32,
    /// Our name of it.
    pub event_id: EventId,
    /// Where it came from.
    pub platform: Platform,
    /// Through which connection.
    pub connection: ConnectionId,
    /// Whose store; absent for a Brightpearl account's events, which tenants share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Which Brightpearl account it belongs to.
    pub account: AccountCode,
    /// The platform's name of the event, such as `store/order/statusUpdated` or `goods-out-note.modified.shipped`.
    pub event_type: String,
    /// What it is about.
    pub entity: EntityKind,
    /// Ids as the platform wrote them: a number, or a Brightpearl id set that intake expands.
    pub ids: String,
    /// The platform's own name of this delivery, if it has one (`webhook-id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<String>,
    /// When the platform says it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// When we took it in.
    pub received_at: Timestamp,
    /// Why it is believed to be a hint worth following.
    pub verified: Verified,
    /// The status that the store's order came into, where the event names it (BC §c): a hint like all else here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_status: Option<StoreStatusId>,
    /// W3C trace context, so that one order can be followed through every role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Why a record is not an envelope this code can act on.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It has another major version: the reader must be deployed first.
    #[error("envelope version {0} is not known, this reader knows version 1")]
    UnknownVersion(u64),
    /// It is not JSON, or a field is missing or of the wrong kind.
    #[error("record is not an envelope: {0}")]
    Malformed(String),
}

impl Envelope {
    /// Reads a record's value.
    ///
    /// # Errors
    /// [`EnvelopeError`]; the text never repeats the record's content.
    pub fn from_json(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let malformed = |error: serde_json::Error| EnvelopeError::Malformed(format!("{:?} error at column {}", error.classify(), error.column()));
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(malformed)?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => serde_json::from_value(value).map_err(malformed),
            Some(version) => Err(EnvelopeError::UnknownVersion(version)),
            None => Err(EnvelopeError::Malformed("it has no version".into())),
        }
    }

    /// The record's key: whose and which. Events of one entity share a partition; nothing depends on it.
    #[must_use]
    pub fn key(&self) -> String {
        let whose = self.tenant.as_ref().map_or(self.account.as_str(), TenantId::as_str);
        let ids: String = self.ids.chars().take(64).collect();
        format!("{whose}:{ids}")
    }

    /// The topic it belongs on.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self.entity {
            EntityKind::Order if self.event_type.starts_with("store/shipment/") => Topic::BigcommerceShipments,
            EntityKind::Order => Topic::BigcommerceOrders,
            EntityKind::Customer => Topic::BigcommerceCustomers,
            EntityKind::StoreProduct => Topic::BigcommerceProducts,
            EntityKind::Store => Topic::BigcommercePlatform,
            EntityKind::SalesOrder => Topic::BrightpearlOrders,
            EntityKind::GoodsOutNote | EntityKind::DropShipNote => Topic::BrightpearlNotes,
            EntityKind::Product => Topic::BrightpearlProducts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOLDEN: [(&str, Topic, &str); 5] = [
        (include_str!("../samples/v1/bigcommerce-order-status.json"), Topic::BigcommerceOrders, "acme-uk:250"),
        (include_str!("../samples/v1/bigcommerce-order.json"), Topic::BigcommerceOrders, "acme-uk:250"),
        (include_str!("../samples/v1/bigcommerce-shipment.json"), Topic::BigcommerceShipments, "acme-uk:251"),
        (include_str!("../samples/v1/brightpearl-notes.json"), Topic::BrightpearlNotes, "acme:4101-4103,4110"),
        (include_str!("../samples/v1/brightpearl-order-with-unknown-field.json"), Topic::BrightpearlOrders, "acme:70001"),
    ];

    #[test]
    fn the_golden_samples_are_read() {
        for (sample, topic, key) in GOLDEN {
            let envelope = Envelope::from_json(sample.as_bytes()).unwrap();
            assert_eq!(envelope.topic(), topic);
            assert_eq!(envelope.key(), key);
            let again = Envelope::from_json(&serde_json::to_vec(&envelope).unwrap()).unwrap();
            assert_eq!(again, envelope);
        }
    }

    #[test]
    fn every_written_field_stands_in_the_published_schema() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../envelope.v1.schema.json")).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        for (sample, ..) in GOLDEN {
            let envelope = Envelope::from_json(sample.as_bytes()).unwrap();
            let written = serde_json::to_value(&envelope).unwrap();
            for name in written.as_object().unwrap().keys() {
                assert!(properties.contains_key(name), "{name}");
            }
            for name in schema["required"].as_array().unwrap() {
                assert!(written.get(name.as_str().unwrap()).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn another_major_version_and_broken_records_are_told_apart() {
        assert!(matches!(Envelope::from_json(br#"{"version":2}"#), Err(EnvelopeError::UnknownVersion(2))));
        for bad in ["", "{}", "[]", "null", r#"{"version":1}"#, r#"{"version":"1"}"#, "{\"version\":1,\"event_id\":\"secret-thing\"}"] {
            let error = Envelope::from_json(bad.as_bytes()).unwrap_err();
            assert!(matches!(error, EnvelopeError::Malformed(_)), "{bad}");
            assert!(!error.to_string().contains("secret-thing"));
        }
    }

    /// Whether an error says nothing but where the trouble is. A version may be named: it is what an operator needs to know.
    fn tells_nothing(error: &EnvelopeError) -> bool {
        match error {
            EnvelopeError::UnknownVersion(version) => {
                error.to_string() == format!("envelope version {version} is not known, this reader knows version 1")
            }
            EnvelopeError::Malformed(why) => {
                let place = ["Syntax", "Data", "Eof"].iter().find_map(|kind| why.strip_prefix(&format!("{kind} error at column ")));
                why == "it has no version" || place.is_some_and(|column| column.parse::<u32>().is_ok())
            }
        }
    }

    /// Any JSON, now and then with something in it that nobody may see.
    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".{0,20}".prop_map(Into::into),
            Just("ada@example.com".into()),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(".{0,10}", inner, 0..4).prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_none_are_repeated(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let error = Envelope::from_json(&bytes).unwrap_err();
            prop_assert!(tells_nothing(&error), "{}", error);
        }

        #[test]
        fn a_sample_with_damaged_bytes_is_read_or_refused_in_silence(
            sample in 0..GOLDEN.len(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..5)
        ) {
            let mut bytes = GOLDEN[sample].0.as_bytes().to_vec();
            for (place, byte, kind) in changes {
                let at = place.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    2 if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            match Envelope::from_json(&bytes) {
                Ok(envelope) => prop_assert!(!envelope.key().is_empty() && Topic::events().any(|topic| topic == envelope.topic())),
                Err(error) => prop_assert!(tells_nothing(&error), "{}", error),
            }
        }

        #[test]
        fn a_sample_with_another_value_in_any_field_is_read_or_refused_in_silence(
            sample in 0..GOLDEN.len(), field in any::<prop::sample::Index>(), value in json(), gone in prop::bool::weighted(0.1)
        ) {
            let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(GOLDEN[sample].0).unwrap();
            let name = fields.keys().nth(field.index(fields.len())).unwrap().clone();
            if gone { fields.remove(&name) } else { fields.insert(name, value) };
            let bytes = serde_json::to_vec(&fields).unwrap();
            match Envelope::from_json(&bytes) {
                // What is read is written as it was read, and stays so.
                Ok(envelope) => prop_assert_eq!(Envelope::from_json(&serde_json::to_vec(&envelope).unwrap()).unwrap(), envelope),
                Err(error) => prop_assert!(tells_nothing(&error), "{}", error),
            }
        }
    }
}
