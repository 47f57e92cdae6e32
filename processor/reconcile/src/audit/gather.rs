//! From lists to orders: what belongs to which, with what our own records know.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orderbridge_brightpearl::PlacedOrder;
use orderbridge_decide::OrderFacts;
use orderbridge_decide::audit::{HeldEffect, OrderBooks, is_our_payment, order_of_key, refund_of_key};
use orderbridge_postgres::{CommandState, OrderState};
use orderbridge_schema::audit::{BookedPayment, SalesOrderFigures};
use orderbridge_schema::facts::{SalesOrder, StoreOrder};
use orderbridge_schema::ids::{SalesOrderId, StoreOrderId};
use orderbridge_schema::work::Aspects;

use super::lists::Lists;
use crate::error::ReadError;
use crate::remembered::remembered;
use crate::session::Session;

/// Orders that are asked for at once in our own records.
const TOGETHER: usize = 200;

/// What is to be compared.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) books: BTreeMap<StoreOrderId, OrderBooks>,
    /// Payments with our key that belong to no order.
    pub(super) strays: Vec<BookedPayment>,
}

/// Puts the lists together by order, and reads what they leave out.
pub(super) async fn gather(session: &Session, lists: Lists, held: &[StoreOrderId]) -> Result<Gathered, ReadError> {
    let Lists { orders, refunds, placed, payments } = lists;
    let owners = owners(session, &placed, &payments).await?;
    let keyed: HashMap<SalesOrderId, StoreOrderId> =
        placed.iter().filter_map(|one| Some((one.id, order_of_key(&session.store, &one.external_ref)?))).collect();
    let owner = |sales_order: SalesOrderId| owners.get(&sales_order).or_else(|| keyed.get(&sales_order)).copied();
    let by_refund: HashMap<u64, StoreOrderId> = refunds.iter().map(|refund| (refund.id, refund.order)).collect();
    let of_payment = |payment: &BookedPayment| {
        let of_refund = refund_of_key(&session.store, &payment.reference).and_then(|refund| by_refund.get(&refund).copied());
        of_refund.or_else(|| payment.order.and_then(owner))
    };
    let mut ids: BTreeSet<StoreOrderId> = orders.keys().chain(held).copied().collect();
    ids.extend(refunds.iter().map(|refund| refund.order));
    ids.extend(placed.iter().filter_map(|one| owner(one.id)));
    ids.extend(payments.iter().filter_map(of_payment));
    let ids: Vec<StoreOrderId> = ids.into_iter().collect();
    let mut books = known(session, &ids).await?;
    store_orders(session, orders, &mut books).await?;
    for refund in refunds {
        if let Some(books) = books.get_mut(&refund.order) {
            books.refunds.push(refund);
        }
    }
    let mut gathered = Gathered { books, strays: Vec::new() };
    for payment in payments {
        match of_payment(&payment).and_then(|order| gathered.books.get_mut(&order)) {
            Some(books) => books.payments.push(payment),
            None if is_our_payment(&session.store, &payment.reference) => gathered.strays.push(payment),
            None => {}
        }
    }
    sales_orders(session, &placed, &owner, &mut gathered.books).await?;
    Ok(gathered)
}

/// Whose linked sales orders these are, as far as they are this tenant's.
async fn owners(session: &Session, placed: &[PlacedOrder], payments: &[BookedPayment]) -> Result<HashMap<SalesOrderId, StoreOrderId>, ReadError> {
    let ids: BTreeSet<SalesOrderId> = placed
        .iter()
        .map(|one| one.id)
        .chain(placed.iter().filter_map(|one| one.parent))
        .chain(payments.iter().filter_map(|one| one.order))
        .collect();
    let mut owners = HashMap::new();
    for chunk in ids.into_iter().collect::<Vec<_>>().chunks(TOGETHER) {
        let linked = session.db.orders_of_sales_orders(&session.account, chunk).await?;
        owners.extend(linked.into_iter().filter(|(_, (tenant, _))| *tenant == session.tenant).map(|(id, (_, order))| (id, order)));
    }
    Ok(owners)
}

/// What our own records know of orders.
pub(super) async fn known(session: &Session, ids: &[StoreOrderId]) -> Result<BTreeMap<StoreOrderId, OrderBooks>, ReadError> {
    let mut books = BTreeMap::new();
    for chunk in ids.chunks(TOGETHER) {
        let mut states = session.db.load_order_state(&session.tenant, chunk).await?;
        let due = session.db.due_orders(&session.tenant, chunk).await?;
        for &order in chunk {
            books.insert(order, of_records(order, states.remove(&order).unwrap_or_default(), due.get(&order).copied()));
        }
    }
    Ok(books)
}

fn of_records(order: StoreOrderId, state: OrderState, due: Option<u32>) -> OrderBooks {
    let waits = state.holds.iter().filter(|hold| hold.released_at.is_none());
    let holds = waits.map(|hold| HeldEffect { effect: hold.effect, cause: hold.cause.clone(), why: hold.why.clone() }).collect();
    // A command that is confirmed and whose id is being looked up has taken effect.
    let in_doubt = state.unsettled.iter().any(|entry| entry.state != CommandState::Confirmed);
    let facts: OrderFacts = remembered(order, Aspects::ALL, state);
    OrderBooks { holds, due, in_doubt, ..OrderBooks::new(facts) }
}

/// Orders that the list did not show are read by their numbers.
async fn store_orders(
    session: &Session,
    mut listed: BTreeMap<StoreOrderId, StoreOrder>,
    books: &mut BTreeMap<StoreOrderId, OrderBooks>,
) -> Result<(), ReadError> {
    let missing: Vec<StoreOrderId> = books.keys().filter(|order| !listed.contains_key(order)).copied().collect();
    let read = session.bigcommerce.orders(&missing, session.share).await.map_err(ReadError::bigcommerce)?;
    listed.extend(read.into_iter().map(|order| (order.id, order)));
    for (order, books) in books {
        books.facts.store_order = Some(listed.remove(order));
    }
    Ok(())
}

/// Reads the linked sales orders, and others that may stand for an order.
async fn sales_orders(
    session: &Session,
    placed: &[PlacedOrder],
    owner: &impl Fn(SalesOrderId) -> Option<StoreOrderId>,
    books: &mut BTreeMap<StoreOrderId, OrderBooks>,
) -> Result<(), ReadError> {
    let mut candidates: BTreeMap<SalesOrderId, StoreOrderId> = BTreeMap::new();
    for one in placed {
        // A back-order has its parent's number or key; what others entered has the store order's number (BP §e.4).
        let by_number = || one.reference.parse().ok().filter(|_| one.external_ref.is_empty());
        let order = owner(one.id).or_else(|| one.parent.and_then(owner)).or_else(by_number);
        let order = order.filter(|order| books.contains_key(order));
        candidates.extend(order.map(|order| (one.id, order)));
    }
    let linked = books.values().flat_map(|books| books.facts.links.iter().map(|link| link.sales_order));
    let ids: BTreeSet<SalesOrderId> = linked.chain(candidates.keys().copied()).collect();
    let read = session.brightpearl.orders(&ids.into_iter().collect::<Vec<_>>(), session.share).await.map_err(ReadError::brightpearl)?;
    let read: HashMap<SalesOrderId, SalesOrder> = read.into_iter().map(|order| (order.id, order)).collect();
    for books in books.values_mut() {
        put_linked(books, &read);
    }
    for (id, order) in candidates {
        if let (Some(found), Some(books)) = (read.get(&id), books.get_mut(&order)) {
            books.found.push(SalesOrderFigures::from(found));
        }
    }
    Ok(())
}

/// Gives an order what was read of its linked sales orders. Of other types of order that share the id space none is a sales order.
pub(super) fn put_linked(books: &mut OrderBooks, read: &HashMap<SalesOrderId, SalesOrder>) {
    let ids: Vec<SalesOrderId> = books.facts.links.iter().map(|link| link.sales_order).collect();
    for id in ids {
        let order = read.get(&id);
        books.sales_orders.insert(id, order.map(SalesOrderFigures::from));
        books.facts.sales_orders.insert(id, order.map(|order| SalesOrder { rows: Vec::new(), ..order.clone() }));
    }
}
