//! Reads contacts that exist, and changes them piece by piece (BP §f).

use std::collections::BTreeMap;

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::{ContactAddress, ContactUpdate};
use orderbridge_schema::facts::{Address, AddressRole, ContactDetails, CustomerField};
use orderbridge_schema::ids::{ContactId, PostalAddressId};
use orderbridge_schema::work::Share;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, Place, place};
use crate::lenient;

const TEMPLATE: &str = "/contact-service/contact/{id}";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContactPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    contact_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    first_name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    last_name: String,
    #[serde(default)]
    organisation: Value,
    #[serde(default)]
    communication: Value,
    #[serde(default)]
    post_address_ids: Value,
    #[serde(default)]
    postal_addresses: Value,
}

impl From<ContactPayload> for ContactDetails {
    fn from(contact: ContactPayload) -> Self {
        let id_of = |role: AddressRole| Some((role, PostalAddressId(contact.post_address_ids.get(role.as_str())?.as_u64()?)));
        let addresses: BTreeMap<AddressRole, PostalAddressId> = AddressRole::ALL.into_iter().filter_map(id_of).collect();
        let billed = addresses.get(&AddressRole::Billing).or_else(|| addresses.get(&AddressRole::Default));
        let place = billed.and_then(|id| contact.postal_addresses.get(id.to_string())).cloned().unwrap_or_default();
        let part = |name: &str| words(place.get(name));
        // The convention by which addresses are written: the third line is the city, the fourth the state (BP §e.2).
        let billing = Address {
            first_name: contact.first_name.trim().to_owned(),
            last_name: contact.last_name.trim().to_owned(),
            company: words(contact.organisation.get("name")),
            phone: words(contact.communication.pointer("/telephones/PRI")),
            street_1: part("addressLine1"),
            street_2: part("addressLine2"),
            city: part("addressLine3"),
            state: part("addressLine4"),
            postcode: part("postalCode"),
            ..Address::default()
        };
        Self { id: ContactId(contact.contact_id), billing, addresses }
    }
}

fn words(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

impl Client {
    /// A contact with its addresses; `None` if it is gone.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn contact(&self, contact: ContactId, share: Share) -> Result<Option<ContactDetails>, CallError> {
        let id = contact.to_string();
        let query = [("includeOptional", "postalAddresses")];
        let place = Place { segments: &["contact-service", "contact", &id], query: &query, template: TEMPLATE };
        let found: Vec<ContactPayload> = self.list(place, share).await?;
        Ok(found.into_iter().map(ContactDetails::from).find(|found| found.id == contact))
    }

    /// Changes names or telephone of a contact, and nothing else of it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn update_contact(&self, update: &ContactUpdate, guard: SendGuard) -> Result<(), CallError> {
        let id = update.contact.to_string();
        let segments = ["contact-service", "contact", &id];
        self.send(Method::Patch, place(&segments, TEMPLATE), Some(&operations(update)), guard).await?;
        Ok(())
    }

    /// Puts an address that was made for it in a contact's former one's place.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn set_contact_address(&self, new: &ContactAddress, address: PostalAddressId, guard: SendGuard) -> Result<(), CallError> {
        let id = new.contact.to_string();
        let segments = ["contact-service", "contact", &id, "postal-address"];
        let body: Vec<Value> = new.roles.iter().map(|role| json!({ "postalAddressId": address.0, "type": role.as_str() })).collect();
        self.send(Method::Put, place(&segments, "/contact-service/contact/{id}/postal-address"), Some(&Value::Array(body)), guard).await?;
        Ok(())
    }
}

/// A JSON patch (BP §a.9).
fn operations(update: &ContactUpdate) -> Value {
    let operation = |field: &CustomerField| {
        let path = match field {
            CustomerField::FirstName => "/firstName",
            CustomerField::LastName => "/lastName",
            CustomerField::Phone => "/communication/telephones/PRI",
            CustomerField::Company | CustomerField::Address => return None,
        };
        Some(json!({ "op": "replace", "path": path, "value": update.value(*field)? }))
    };
    Value::Array(update.fields.iter().filter_map(operation).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::facts::SaidOfCustomer;
    use orderbridge_schema::ids::StoreOrderId;

    #[test]
    fn only_the_named_fields_are_patched() {
        let said = SaidOfCustomer { email_hash: "ab".into(), order: StoreOrderId(1), digests: BTreeMap::new() };
        let values = Address { first_name: "Mara".into(), last_name: "Lind".into(), phone: "+44 1".into(), ..Address::default() };
        let fields = [CustomerField::LastName, CustomerField::Phone].into();
        let update = ContactUpdate { contact: ContactId(30011), fields, values, said };
        let expected = json!([
            {"op": "replace", "path": "/lastName", "value": "Lind"},
            {"op": "replace", "path": "/communication/telephones/PRI", "value": "+44 1"},
        ]);
        assert_eq!(operations(&update), expected);
    }

    #[test]
    fn a_contact_is_read_with_the_place_it_is_billed_at() {
        let contact: ContactPayload = serde_json::from_value(json!({
            "contactId": 30011, "firstName": "Mara", "lastName": "Lind", "postAddressIds": {"DEF": 91001, "BIL": 91003, "DEL": 91001},
            "communication": {"emails": {"PRI": {"email": "mara@example.com"}}, "telephones": {"PRI": "+44 117 000 0000"}},
            "organisation": {"organisationId": 7, "name": "Quay Ltd"},
            "postalAddresses": {"91003": {"addressId": 91003, "addressLine1": "7 Quay St", "addressLine3": "Bristol", "postalCode": "BS1 4XX"}},
        }))
        .unwrap();
        let details = ContactDetails::from(contact);
        let billing = &details.billing;
        assert_eq!((billing.company.as_str(), billing.street_1.as_str(), billing.city.as_str()), ("Quay Ltd", "7 Quay St", "Bristol"));
        assert_eq!((billing.phone.as_str(), billing.postcode.as_str()), ("+44 117 000 0000", "BS1 4XX"));
        assert_eq!(details.addresses[&AddressRole::Billing], PostalAddressId(91003));
        let bare: ContactPayload = serde_json::from_value(json!({"contactId": 1, "organisation": null, "postAddressIds": {}})).unwrap();
        assert_eq!(ContactDetails::from(bare).billing, Address::default());
    }
}
