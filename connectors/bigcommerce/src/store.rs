//! The store itself: its clock and its profile, which prove that a token works (BC §a, §g).

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::work::Share;
use serde::Deserialize;

use crate::client::{Client, place};
use crate::{lenient, reply};

/// The store's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// The hash that stands in paths and in webhooks' `producer`.
    pub hash: String,
    /// The number that stands in webhooks' `store_id`; not the hash.
    pub store_id: String,
    /// As the merchant calls it.
    pub name: String,
    /// Its default currency.
    pub currency: String,
    /// Its storefront's domain.
    pub domain: String,
    /// Whether prices are entered with tax.
    pub prices_include_tax: bool,
    /// IANA or vendor name of its time zone, empty if it does not say.
    pub time_zone: String,
}

#[derive(Deserialize)]
struct StorePayload {
    #[serde(default, deserialize_with = "lenient::text")]
    id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    store_id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    currency: String,
    #[serde(default, deserialize_with = "lenient::text")]
    domain: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    is_price_entered_with_tax: bool,
    #[serde(default)]
    timezone: Option<ZonePayload>,
}

#[derive(Deserialize)]
struct ZonePayload {
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
}

#[derive(Deserialize)]
struct TimePayload {
    #[serde(deserialize_with = "lenient::required_moment")]
    time: Timestamp,
}

impl Client {
    /// The platform's clock.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn time(&self, share: Share) -> Result<Timestamp, CallError> {
        let reply = self.get(place(&["v2", "time"], "/v2/time"), share).await?;
        reply::one::<TimePayload>(&reply, "the time").map(|payload| payload.time)
    }

    /// The store's profile.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn store_info(&self, share: Share) -> Result<StoreInfo, CallError> {
        let reply = self.get(place(&["v2", "store"], "/v2/store"), share).await?;
        let store: StorePayload = reply::one(&reply, "the store")?;
        Ok(StoreInfo {
            hash: store.id,
            store_id: store.store_id,
            name: store.name,
            currency: store.currency,
            domain: store.domain,
            prices_include_tax: store.is_price_entered_with_tax,
            time_zone: store.timezone.map(|zone| zone.name).unwrap_or_default(),
        })
    }
}
