//! Reads orders that seem to differ as they are now, whatever the lists said.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orderbridge_decide::audit::{OrderBooks, SentAmounts, is_our_payment, order_of_key};
use orderbridge_schema::audit::{BookedPayment, SalesOrderFigures};
use orderbridge_schema::command::{external_ref, payment_reference};
use orderbridge_schema::facts::{SalesOrder, StoreOrder};
use orderbridge_schema::ids::{PaymentId, SalesOrderId, StoreOrderId};

use super::{gather, records};
use crate::error::ReadError;
use crate::session::Session;

/// Reads everything about these orders again; tells whose payment records were read.
pub(super) async fn read(
    session: &Session,
    orders: &[StoreOrderId],
    books: &mut BTreeMap<StoreOrderId, OrderBooks>,
) -> Result<Vec<StoreOrderId>, ReadError> {
    let mut fresh = gather::known(session, orders).await?;
    let at_the_store = session.bigcommerce.orders(orders, session.share).await.map_err(ReadError::bigcommerce)?;
    let mut at_the_store: HashMap<StoreOrderId, StoreOrder> = at_the_store.into_iter().map(|order| (order.id, order)).collect();
    for (order, fresh) in &mut fresh {
        fresh.facts.store_order = Some(at_the_store.remove(order));
        if let Some(before) = books.get(order) {
            fresh.payments.clone_from(&before.payments);
            fresh.found.clone_from(&before.found);
        }
    }
    sales_orders(session, &mut fresh).await?;
    sent(session, &mut fresh).await?;
    books.extend(fresh);
    if !session.rules.payments.enabled {
        refunds(session, orders, books).await?;
        return Ok(Vec::new());
    }
    all_payments(session, orders, books).await?;
    refunds(session, orders, books).await?;
    refunds_payments(session, orders, books).await?;
    let is_linked = |order: &&StoreOrderId| books.get(order).is_some_and(super::has_money);
    let linked: Vec<StoreOrderId> = orders.iter().filter(is_linked).copied().collect();
    records::put(records::of_orders(session, &linked).await?, books);
    Ok(linked)
}

/// What the orders said when their sales orders were made tells which side has changed since.
async fn sent(session: &Session, fresh: &mut BTreeMap<StoreOrderId, OrderBooks>) -> Result<(), ReadError> {
    let keys = fresh.keys().map(|order| external_ref(&session.store, *order)).collect();
    let sent = session.db.sent_totals(&session.tenant, keys).await?;
    for (order, books) in fresh {
        let totals = sent.get(&external_ref(&session.store, *order));
        books.sent = totals.map(|totals| SentAmounts { total: totals.total, tax: totals.tax });
    }
    Ok(())
}

/// Reads all payments of the orders' sales orders, 200 sales orders a call. Those that an order has by their key stay.
pub(super) async fn all_payments(
    session: &Session,
    orders: &[StoreOrderId],
    books: &mut BTreeMap<StoreOrderId, OrderBooks>,
) -> Result<(), ReadError> {
    let mut owners: HashMap<SalesOrderId, StoreOrderId> = HashMap::new();
    for order in orders {
        let Some(books) = books.get(order) else { continue };
        owners.extend(books.facts.links.iter().map(|link| (link.sales_order, *order)));
        owners.extend(books.found.iter().map(|found| (found.id, *order)));
    }
    let ids: Vec<SalesOrderId> = owners.keys().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let read = session.brightpearl.payments_of_orders(&ids, session.share).await.map_err(ReadError::brightpearl)?;
    for order in orders {
        let Some(books) = books.get_mut(order) else { continue };
        // What was deleted meanwhile must not be remembered from the list.
        books.payments.retain(|payment| payment.order.is_none_or(|order| !owners.contains_key(&order)));
        books.all_payments = true;
    }
    for payment in read {
        let order = payment.order.and_then(|order| owners.get(&order));
        if let Some(books) = order.and_then(|order| books.get_mut(order)) {
            books.payments.push(payment);
        }
    }
    Ok(())
}

/// Reads linked sales orders, and searches for those of orders that have none, by their numbers: they may carry another date.
async fn sales_orders(session: &Session, fresh: &mut BTreeMap<StoreOrderId, OrderBooks>) -> Result<(), ReadError> {
    let mut found: BTreeMap<SalesOrderId, StoreOrderId> = BTreeMap::new();
    let mut unexplained: Vec<StoreOrderId> = Vec::new();
    for (order, books) in fresh.iter() {
        found.extend(books.found.iter().map(|one| (one.id, *order)));
        let waits = books.due.is_some() || books.in_doubt || !books.holds.is_empty();
        if books.facts.links.is_empty() && books.found.is_empty() && !waits {
            unexplained.push(*order);
        }
    }
    let searched = session.brightpearl.orders_with_numbers(&unexplained, session.share).await.map_err(ReadError::brightpearl)?;
    found.extend(searched.into_iter().filter_map(|one| Some((one.id, order_of_key(&session.store, &one.external_ref)?))));
    let linked = fresh.values().flat_map(|books| books.facts.links.iter().map(|link| link.sales_order));
    let ids: BTreeSet<SalesOrderId> = linked.chain(found.keys().copied()).collect();
    let read = session.brightpearl.orders(&ids.into_iter().collect::<Vec<_>>(), session.share).await.map_err(ReadError::brightpearl)?;
    let read: HashMap<SalesOrderId, SalesOrder> = read.into_iter().map(|order| (order.id, order)).collect();
    for books in fresh.values_mut() {
        gather::put_linked(books, &read);
        books.found.clear();
    }
    for (id, order) in found {
        if let (Some(found), Some(books)) = (read.get(&id), fresh.get_mut(&order)) {
            books.found.push(SalesOrderFigures::from(found));
        }
    }
    Ok(())
}

async fn refunds(session: &Session, orders: &[StoreOrderId], books: &mut BTreeMap<StoreOrderId, OrderBooks>) -> Result<(), ReadError> {
    let read = match session.bigcommerce.refunds_of_orders(orders, session.share).await {
        Ok(read) => read,
        Err(orderbridge_http_client::CallError::Refused { .. }) => Vec::new(),
        Err(error) => return Err(ReadError::bigcommerce(error)),
    };
    for order in orders {
        if let Some(books) = books.get_mut(order) {
            books.refunds = read.iter().filter(|refund| refund.order == *order).cloned().collect();
        }
    }
    Ok(())
}

/// Looks for payments of refunds by their key: they may be booked on a sales credit, which nothing here knows.
async fn refunds_payments(session: &Session, orders: &[StoreOrderId], books: &mut BTreeMap<StoreOrderId, OrderBooks>) -> Result<(), ReadError> {
    for order in orders {
        let Some(books) = books.get_mut(order).filter(|books| !books.facts.links.is_empty()) else { continue };
        let keys: Vec<String> = books
            .refunds
            .iter()
            .flat_map(|refund| {
                refund.payments.iter().filter(|payment| !payment.declined).map(move |payment| format!("refund-{}-{}", refund.id, payment.id))
            })
            .map(|what| payment_reference(&session.store, &what))
            .filter(|key| !books.payments.iter().any(|payment| payment.reference == *key))
            .collect();
        let mut known: BTreeSet<PaymentId> = books.payments.iter().map(|payment| payment.id).collect();
        for key in keys {
            let found = session.brightpearl.payments_with_reference(&key, session.share).await.map_err(ReadError::brightpearl)?;
            let mut is_new = |payment: &BookedPayment| known.insert(payment.id) && is_our_payment(&session.store, &payment.reference);
            books.payments.extend(found.into_iter().filter(&mut is_new));
        }
    }
    Ok(())
}
