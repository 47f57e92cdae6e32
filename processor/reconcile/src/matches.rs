//! What Brightpearl has already of an order: its shopper's contact, and sales orders that carry its number.

use orderbridge_brightpearl::Client;
use orderbridge_decide::{ContactFact, OrderFacts, Shopper, contact_names, customer_reference};
use orderbridge_schema::facts::SalesOrderMatch;
use orderbridge_schema::ids::{ChannelId, SalesOrderId, StoreOrderId};

use crate::error::ReadError;
use crate::session::Session;

/// The contact of the order's shopper: a link costs nothing, a search one call, and for a customer without an e-mail address one more
/// where others have the same name.
pub(crate) async fn contact(session: &Session, order: &OrderFacts) -> Result<Option<ContactFact>, ReadError> {
    let Some(Some(store_order)) = &order.store_order else { return Ok(None) };
    let shopper = Shopper::of(store_order, &session.rules.orders.without_email);
    let Some(key) = shopper.key(&session.store) else { return Ok(None) };
    let email_hash = session.hasher.hash(&session.account, &key)?;
    let links = session.db.contact_links(&session.account, std::slice::from_ref(&email_hash)).await?;
    if let Some(contact) = links.get(&email_hash) {
        return Ok(Some(ContactFact::Linked(*contact)));
    }
    let client: &Client = &session.brightpearl;
    let matches = match shopper {
        Shopper::Email(email) => client.contacts_with_email(&email, session.share).await.map_err(ReadError::brightpearl)?,
        Shopper::Customer(customer) => {
            let (first_name, last_name) = contact_names(&store_order.billing);
            let reference = customer_reference(&session.store, customer);
            let found = client.contacts_with_reference((&first_name, &last_name), &reference, session.share).await;
            found.map_err(ReadError::brightpearl)?
        }
        Shopper::Contact(_) | Shopper::Unknown => return Ok(None),
    };
    Ok(Some(ContactFact::Found { email_hash, matches }))
}

/// Sales orders of a channel that carry the order's number and may be its own: none that stands for another order, by our links or by the
/// key it was made under, which may be another store's of the same account.
pub(crate) async fn with_number(session: &Session, order: StoreOrderId, channel: ChannelId) -> Result<Vec<SalesOrderMatch>, ReadError> {
    let found = session.brightpearl.orders_with_reference(&order.to_string(), channel, session.share).await.map_err(ReadError::brightpearl)?;
    let ids: Vec<SalesOrderId> = found.iter().map(|found| found.id).collect();
    let linked = session.db.orders_of_sales_orders(&session.account, &ids).await?;
    let key = orderbridge_schema::command::external_ref(&session.store, order);
    let is_anothers = |found: &SalesOrderMatch| {
        linked.contains_key(&found.id) || (orderbridge_schema::command::is_our_key(&found.external_ref) && found.external_ref != key)
    };
    Ok(found.into_iter().filter(|found| !is_anothers(found)).collect())
}
