//! Finds what others entered or what has no other key: contacts by account reference, sales orders by customer reference (BP §e.4, §f).

use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{ContactMatch, SalesOrderMatch};
use orderbridge_schema::ids::{ChannelId, ContactId, SalesOrderId};
use orderbridge_schema::work::Share;
use serde::Deserialize;

use crate::client::{Client, IDS, Place, id_sets, place};
use crate::lenient;

/// `orderTypeId` of sales orders in searches (BP §e.4).
const SALES_ORDER_TYPE: u64 = 1;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContactPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    contact_id: u64,
    #[serde(default, deserialize_with = "lenient::object")]
    assignment: Assignment,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Assignment {
    #[serde(deserialize_with = "lenient::object")]
    current: CurrentAssignment,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CurrentAssignment {
    #[serde(deserialize_with = "lenient::text")]
    account_reference: String,
}

impl Client {
    /// The contacts of that name that carry an account reference, staff and suppliers included. References cannot be searched for, so
    /// contacts of the name are, and are read.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn contacts_with_reference(&self, name: (&str, &str), reference: &str, share: Share) -> Result<Vec<ContactMatch>, CallError> {
        let columns = "contactId,primaryEmail,firstName,lastName,isSupplier,isStaff,isPrimary";
        let query = [("firstName", name.0), ("lastName", name.1), ("columns", columns)];
        let place = Place { segments: &["contact-service", "contact-search"], query: &query, template: "/contact-service/contact-search" };
        let namesakes = self
            .search(place, share, |_page, row| {
                Some(ContactMatch {
                    id: ContactId(row.id("contactId")?),
                    email: row.text("primaryEmail"),
                    staff: row.flag("isStaff").unwrap_or(false),
                    supplier: row.flag("isSupplier").unwrap_or(false),
                    primary: row.flag("isPrimary").unwrap_or(false),
                })
            })
            .await?;
        let carrying = self.carrying(&namesakes, reference, share).await?;
        Ok(namesakes.into_iter().filter(|contact| carrying.contains(&contact.id)).collect())
    }

    async fn carrying(&self, contacts: &[ContactMatch], reference: &str, share: Share) -> Result<Vec<ContactId>, CallError> {
        let mut carrying = Vec::new();
        for set in id_sets(contacts.iter().map(|contact| contact.id.0), IDS) {
            let segments = ["contact-service", "contact", set.as_str()];
            // All of them may have been deleted since the index was made, which is a 404 (BP §f).
            let read: Vec<ContactPayload> = match self.list(place(&segments, "/contact-service/contact/{idset}"), share).await {
                Err(CallError::NotFound) => Vec::new(),
                read => read?,
            };
            let is_carried = |contact: &ContactPayload| contact.assignment.current.account_reference == reference;
            carrying.extend(read.into_iter().filter(is_carried).map(|contact| ContactId(contact.contact_id)));
        }
        Ok(carrying)
    }

    /// The sales orders of a channel that carry this customer reference, ascending, with the keys they were made under.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn orders_with_reference(&self, reference: &str, channel: ChannelId, share: Share) -> Result<Vec<SalesOrderMatch>, CallError> {
        let channel = channel.to_string();
        let columns = "orderId,orderTypeId,customerRef,externalRef,departmentId";
        let query = [("customerRef", reference), ("orderTypeId", "1"), ("departmentId", channel.as_str()), ("columns", columns)];
        let place = Place { segments: &["order-service", "order-search"], query: &query, template: "/order-service/order-search" };
        let mut found = self
            .search(place, share, |page, row| {
                // The filter may match more than it was asked for: each row is looked at again.
                let is_named = row.text("customerRef") == reference;
                let is_sale = !page.has("orderTypeId") || row.id("orderTypeId") == Some(SALES_ORDER_TYPE);
                let id = row.id("orderId").filter(|_id| is_named && is_sale).map(SalesOrderId)?;
                Some(SalesOrderMatch { id, external_ref: row.text("externalRef") })
            })
            .await?;
        found.sort_by_key(|order| order.id);
        found.dedup_by_key(|order| order.id);
        Ok(found)
    }
}
