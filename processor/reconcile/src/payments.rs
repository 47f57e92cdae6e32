//! Reads what was paid, on either side.

use orderbridge_decide::OrderFacts;
use orderbridge_schema::ids::SalesOrderId;

use crate::error::ReadError;
use crate::session::Session;

/// The store's payment records: one call for each order, since the store has no list of those of several (BC §d.9).
pub(crate) async fn transactions(session: &Session, order: &mut OrderFacts) -> Result<(), ReadError> {
    let found = session.bigcommerce.transactions(order.id, session.share).await.map_err(ReadError::bigcommerce)?;
    order.transactions = Some(found);
    Ok(())
}

/// The store's refunds: one call for each order, only for those that say something was refunded (BC §d.9).
pub(crate) async fn refunds(session: &Session, order: &mut OrderFacts) -> Result<(), ReadError> {
    let found = session.bigcommerce.refunds(order.id, session.share).await.map_err(ReadError::bigcommerce)?;
    order.refunds = Some(found);
    Ok(())
}

/// The payments that a sales order has.
pub(crate) async fn payments(session: &Session, order: &mut OrderFacts, sales_order: SalesOrderId) -> Result<(), ReadError> {
    let found = session.brightpearl.payments_of_order(sales_order, session.share).await.map_err(ReadError::brightpearl)?;
    order.payments.get_or_insert_default().extend(found);
    Ok(())
}
