//! Where a shopper comes for goods: the pick-up consignments of an order (BC §d.4).

use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{Address, PickUp};
use orderbridge_schema::ids::StoreOrderId;
use orderbridge_schema::work::Share;
use serde::Deserialize;

use crate::client::{Client, place};
use crate::{lenient, reply};

/// A pick-up consignment.
#[derive(Deserialize)]
pub(crate) struct PickUpPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    pickup_method_display_name: String,
    #[serde(default, deserialize_with = "lenient::object")]
    location: LocationPayload,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LocationPayload {
    #[serde(deserialize_with = "lenient::text")]
    name: String,
    #[serde(deserialize_with = "lenient::text")]
    address_line_1: String,
    #[serde(deserialize_with = "lenient::text")]
    address_line_2: String,
    #[serde(deserialize_with = "lenient::text")]
    city: String,
    #[serde(deserialize_with = "lenient::text")]
    state: String,
    #[serde(deserialize_with = "lenient::text")]
    postal_code: String,
    #[serde(deserialize_with = "lenient::text")]
    country_alpha2: String,
    #[serde(deserialize_with = "lenient::text")]
    email: String,
    #[serde(deserialize_with = "lenient::text")]
    phone: String,
}

#[derive(Deserialize)]
struct Consignments {
    #[serde(default, deserialize_with = "lenient::list")]
    pickups: Vec<PickUpPayload>,
}

impl PickUpPayload {
    /// The pick-up, if it says where.
    pub(crate) fn read(self) -> Option<PickUp> {
        let at = self.location;
        let is_somewhere = [&at.name, &at.address_line_1, &at.city, &at.postal_code].into_iter().any(|text| !text.trim().is_empty());
        is_somewhere.then(|| PickUp {
            method: self.pickup_method_display_name,
            location: Address {
                company: at.name,
                street_1: at.address_line_1,
                street_2: at.address_line_2,
                city: at.city,
                state: at.state,
                postcode: at.postal_code,
                country_iso2: at.country_alpha2,
                email: at.email,
                phone: at.phone,
                ..Address::default()
            },
        })
    }
}

impl Client {
    /// Where the shopper comes for goods of an order, as far as the store says.
    ///
    /// # Errors
    /// [`CallError`]; `NotFound` if the order is gone.
    pub async fn pick_ups(&self, order: StoreOrderId, share: Share) -> Result<Vec<PickUp>, CallError> {
        let id = order.to_string();
        let reply = self.get(place(&["v2", "orders", &id, "consignments"], "/v2/orders/{id}/consignments"), share).await?;
        if reply::is_empty(&reply) {
            return Ok(Vec::new());
        }
        let consignments: Consignments = reply::one(&reply, "the consignments")?;
        Ok(consignments.pickups.into_iter().filter_map(PickUpPayload::read).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pick_up_is_read_with_its_location_and_is_none_without() {
        let location = json!({"id": 1, "name": "Harbour shop", "address_line_1": "1 Quay", "address_line_2": null, "city": "Bristol", "state": "",
            "postal_code": "BS1 1AA", "country_alpha2": "GB", "email": "shop@example.com", "phone": 117});
        let read = |consignments| serde_json::from_value::<Consignments>(consignments).unwrap().pickups.into_iter().filter_map(PickUpPayload::read);
        let found: Vec<PickUp> =
            read(json!({"pickups": [{"id": 3, "pickup_method_display_name": "Collect", "location": location}], "shipping": []})).collect();
        let at = &found[0].location;
        assert_eq!((found.len(), found[0].method.as_str(), at.company.as_str(), at.street_1.as_str()), (1, "Collect", "Harbour shop", "1 Quay"));
        assert_eq!((at.country_iso2.as_str(), at.phone.as_str(), at.street_2.as_str()), ("GB", "117", ""));
        for nowhere in [json!({"pickups": [{"id": 3, "location": null}]}), json!({"pickups": [{}]}), json!({"pickups": ""}), json!({})] {
            assert_eq!(read(nowhere).count(), 0);
        }
    }
}
