//! The body of a webhook (BC §c, envelope).

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use sha1::Digest as _;

use super::state::{Data, Event, Store};

/// Keeps the platform's order of keys.
struct Ordered<'a>(&'a Data);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Envelope<'a> {
    producer: String,
    hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    store_id: String,
    scope: &'a str,
    data: Ordered<'a>,
}

/// The bytes that are signed and sent, the same for every try. Some vendor samples are without `created_at` and without the `status` of
/// a status change (BC §c, §i 10): that is what an incomplete one is like.
pub(super) fn envelope(store: &Store, event: &Event, complete: bool) -> Vec<u8> {
    let created_at = event.at.as_second();
    let data = serde_json::to_string(&Ordered(&event.data)).unwrap_or_default();
    // Over metadata only, to the second: two updates of one thing in one second share it.
    let hash = hex::encode(sha1::Sha1::digest(format!("{}|{}|{created_at}|{data}", store.hash, event.scope)));
    let shown: Data = event.data.iter().filter(|(name, _)| complete || *name != "status").cloned().collect();
    let envelope = Envelope {
        producer: format!("stores/{}", store.hash),
        hash,
        created_at: complete.then_some(created_at),
        store_id: store.store_id.to_string(),
        scope: &event.scope,
        data: Ordered(&shown),
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}
