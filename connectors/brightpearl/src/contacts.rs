//! Finds and makes contacts (BP §f).

use jiff::Timestamp;
use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::NewContact;
use orderbridge_schema::facts::{Address, ContactMatch};
use orderbridge_schema::ids::{ContactId, PostalAddressId};
use orderbridge_schema::work::Share;
use serde_json::{Map, Value, json};

use crate::client::{Client, Place, place};
use crate::create::AddressBody;
use crate::reply;

impl Client {
    /// The contacts whose primary e-mail address is this one, staff and suppliers included. The search matches parts of addresses,
    /// so equality is looked at again, whatever the case.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn contacts_with_email(&self, email: &str, share: Share) -> Result<Vec<ContactMatch>, CallError> {
        let wanted = email.trim().to_lowercase();
        let found = self.contact_search(("primaryEmail", email.trim()), share).await?;
        Ok(found.into_iter().filter(|contact| contact.email.to_lowercase() == wanted).collect())
    }

    /// The contacts made or changed at `since` or later, staff and suppliers included.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn contacts_updated_since(&self, since: Timestamp, share: Share) -> Result<Vec<ContactMatch>, CallError> {
        self.contact_search(("updatedOn", &format!("{since:.0}/")), share).await
    }

    async fn contact_search(&self, filter: (&str, &str), share: Share) -> Result<Vec<ContactMatch>, CallError> {
        let query = [filter, ("columns", "contactId,primaryEmail,isSupplier,isStaff,isPrimary")];
        let place = Place { segments: &["contact-service", "contact-search"], query: &query, template: "/contact-service/contact-search" };
        self.search(place, share, |_page, row| {
            Some(ContactMatch {
                id: ContactId(row.id("contactId")?),
                email: row.text("primaryEmail"),
                staff: row.flag("isStaff").unwrap_or(false),
                supplier: row.flag("isSupplier").unwrap_or(false),
                primary: row.flag("isPrimary").unwrap_or(false),
            })
        })
        .await
    }

    /// Makes a postal address, for a contact to be made with.
    ///
    /// # Errors
    /// [`CallError`]; `Uncertain` also if the reply does not name it.
    pub async fn create_address(&self, address: &Address, guard: SendGuard) -> Result<PostalAddressId, CallError> {
        let place = place(&["contact-service", "postal-address", ""], "/contact-service/postal-address/");
        let body =
            serde_json::to_value(AddressBody::alone(address)).map_err(|_cause| CallError::not_sent("the address cannot be written as JSON"))?;
        self.create(place, &body, "a new address", guard).await.map(PostalAddressId)
    }

    /// Makes a contact. Brightpearl has no key to tell a repeated one: search before each call.
    ///
    /// # Errors
    /// [`CallError`]; `Uncertain` also if the reply does not name it.
    pub async fn create_contact(&self, contact: &NewContact, address: PostalAddressId, guard: SendGuard) -> Result<ContactId, CallError> {
        let place = place(&["contact-service", "contact", ""], "/contact-service/contact/");
        self.create(place, &contact_body(contact, address), "a new contact", guard).await.map(ContactId)
    }

    async fn create(&self, place: Place<'_>, body: &Value, what: &'static str, guard: SendGuard) -> Result<u64, CallError> {
        let reply = self.send(Method::Post, place, Some(body), guard).await?;
        reply::created_id(&reply, what)?.ok_or_else(|| CallError::uncertain(format!("the reply to {what} does not name it")))
    }
}

fn contact_body(contact: &NewContact, address: PostalAddressId) -> Value {
    let person = &contact.address;
    let mut body = json!({
        "firstName": person.first_name,
        "lastName": person.last_name,
        "postAddressIds": { "DEF": address.0, "BIL": address.0, "DEL": address.0 },
        "communication": { "telephones": { "PRI": person.phone } },
        "relationshipToAccount": { "isSupplier": false, "isStaff": false },
        "marketingDetails": { "isReceiveEmailNewsletter": false },
    });
    let mut current = Map::new();
    if let Some(lead_source) = contact.lead_source {
        current.insert("leadSourceId".into(), lead_source.0.into());
    }
    if let Some(reference) = &contact.reference {
        current.insert("accountReference".into(), reference.as_str().into());
    }
    if let Some(communication) = body.pointer_mut("/communication").and_then(Value::as_object_mut).filter(|_| !person.email.is_empty()) {
        communication.insert("emails".into(), json!({ "PRI": { "email": person.email } }));
    }
    if let Some(fields) = body.as_object_mut() {
        if !person.company.is_empty() {
            fields.insert("organisation".into(), json!({ "name": person.company }));
        }
        if let Some(price_list) = contact.price_list {
            fields.insert("financialDetails".into(), json!({ "priceListId": price_list.0 }));
        }
        if !current.is_empty() {
            fields.insert("assignment".into(), json!({ "current": current }));
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::{LeadSourceId, PriceListId};

    #[test]
    fn a_contact_is_neither_staff_nor_supplier() {
        let address = Address {
            first_name: "Mara".into(),
            last_name: "Lind".into(),
            phone: "+44 117 000 0000".into(),
            email: "mara@example.com".into(),
            ..Address::default()
        };
        let guest = NewContact { email_hash: "00".into(), address, price_list: None, lead_source: None, reference: None, found_by_reference: false };
        let expected = json!({
            "firstName": "Mara", "lastName": "Lind", "postAddressIds": {"DEF": 91001, "BIL": 91001, "DEL": 91001},
            "communication": {"emails": {"PRI": {"email": "mara@example.com"}}, "telephones": {"PRI": "+44 117 000 0000"}},
            "relationshipToAccount": {"isSupplier": false, "isStaff": false}, "marketingDetails": {"isReceiveEmailNewsletter": false},
        });
        assert_eq!(contact_body(&guest, PostalAddressId(91001)), expected);

        let mut known = NewContact { price_list: Some(PriceListId(2)), lead_source: Some(LeadSourceId(3)), reference: Some("880".into()), ..guest };
        known.address.company = "Quay Ltd".into();
        let body = contact_body(&known, PostalAddressId(91001));
        assert_eq!(body["organisation"], json!({"name": "Quay Ltd"}));
        assert_eq!(body["financialDetails"], json!({"priceListId": 2}));
        known.address.email.clear();
        assert!(contact_body(&known, PostalAddressId(91001))["communication"].get("emails").is_none(), "no address is not an empty one");
        assert_eq!(body["assignment"], json!({"current": {"leadSourceId": 3, "accountReference": "880"}}));
    }
}
