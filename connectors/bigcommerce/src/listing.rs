//! All that a store's settings may name, read in one go (BC §g, §d.6).

use orderbridge_http_client::CallError;
use orderbridge_schema::ids::{StoreChannelId, StoreStatusId};
use orderbridge_schema::reference::{Listed, StoreCurrency, StorePaymentMethod, StoreReference};
use orderbridge_schema::work::Share;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::{Client, Place, place};
use crate::{lenient, reply};

/// Decimal places where a currency does not say (BC §g).
const USUAL_DECIMALS: u32 = 2;

#[derive(Deserialize)]
struct CurrencyPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    currency_code: String,
    decimal_places: Option<u32>,
    #[serde(default, deserialize_with = "lenient::flag")]
    is_default: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    is_transactional: bool,
}

#[derive(Deserialize)]
struct NamedPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    custom_label: String,
    #[serde(default, deserialize_with = "lenient::text")]
    status: String,
}

/// States of a channel that takes no orders any more (BC §g).
const SHUT: [&str; 5] = ["inactive", "disconnected", "archived", "deleted", "terminated"];

impl Client {
    /// All lists that settings may name: about six calls. A list that the token may not read, or that the store does not have, is empty.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn reference(&self, share: Share) -> Result<StoreReference, CallError> {
        let info = self.store_info(share).await?;
        let currencies: Vec<CurrencyPayload> = self.listed(place(&["v2", "currencies"], "/v2/currencies"), share).await?;
        let statuses: Vec<NamedPayload> = self.listed(place(&["v2", "order_statuses"], "/v2/order_statuses"), share).await?;
        let classes: Vec<NamedPayload> = self.listed(place(&["v2", "tax_classes"], "/v2/tax_classes"), share).await?;
        let methods: Vec<NamedPayload> = self.listed(place(&["v2", "payments", "methods"], "/v2/payments/methods"), share).await?;
        let status = |one: NamedPayload| {
            let name = if one.custom_label.is_empty() { one.name } else { one.custom_label };
            Listed { id: StoreStatusId(one.id), name }
        };
        let currency = |one: CurrencyPayload| StoreCurrency {
            code: one.currency_code,
            decimals: one.decimal_places.unwrap_or(USUAL_DECIMALS),
            is_default: one.is_default,
            is_transactional: one.is_transactional,
        };
        Ok(StoreReference {
            currency: info.currency,
            currencies: currencies.into_iter().map(currency).collect(),
            channels: self.sales_channels(share).await?,
            order_statuses: statuses.into_iter().map(status).collect(),
            tax_classes: classes.into_iter().map(|class| class.name).collect(),
            payment_methods: methods.into_iter().map(|one| StorePaymentMethod { code: one.code, name: one.name }).collect(),
            prices_include_tax: info.prices_include_tax,
        })
    }

    async fn sales_channels(&self, share: Share) -> Result<Vec<Listed<StoreChannelId>>, CallError> {
        let place = Place { segments: &["v3", "channels"], query: &[("limit", "250")], template: "/v3/channels" };
        let channels: Vec<NamedPayload> = match self.get(place, share).await {
            Ok(reply) => reply::data(&reply, "the store's channels")?,
            Err(error) if is_not_given(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(open(channels))
    }

    async fn listed<T: DeserializeOwned>(&self, place: Place<'_>, share: Share) -> Result<Vec<T>, CallError> {
        match self.get(place, share).await {
            Ok(reply) => reply::list(&reply, place.template),
            Err(error) if is_not_given(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The channels that take orders.
fn open(channels: Vec<NamedPayload>) -> Vec<Listed<StoreChannelId>> {
    let open = channels.into_iter().filter(|one| !SHUT.contains(&one.status.as_str()));
    open.map(|one| Listed { id: StoreChannelId(one.id), name: one.name }).collect()
}

/// Whether the store has no such list, or the token may not read it (BC §a: a missing scope is 403).
const fn is_not_given(error: &CallError) -> bool {
    matches!(error, CallError::NotFound | CallError::Refused { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_that_are_shut_are_left_out() {
        let text = r#"[{"id": 1, "name": "Shop", "status": "active"}, {"id": 2, "name": "Soon", "status": "prelaunch"},
            {"id": 3, "name": "Gone", "status": "deleted"}, {"id": 4, "name": "Off", "status": "inactive"}, {"id": 5, "name": "Old"},
            {"id": 6, "name": "Market", "status": "connected"}, {"id": 7, "name": "Cut", "status": "disconnected"}]"#;
        let ids: Vec<u64> = open(serde_json::from_str(text).unwrap()).into_iter().map(|channel| channel.id.0).collect();
        assert_eq!(ids, [1, 2, 5, 6]);
    }
}
