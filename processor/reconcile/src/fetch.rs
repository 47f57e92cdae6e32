//! Reads what decisions asked for: for many orders in one call where a platform allows it, else one after the other, a few at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt};
use orderbridge_decide::{Need, OrderFacts};
use orderbridge_http_client::CallError;
use orderbridge_schema::command::external_ref;
use orderbridge_schema::decision::Effect;
use orderbridge_schema::facts::{Note, SalesOrder};
use orderbridge_schema::ids::{Platform, SalesOrderId, StoreOrderId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::work::Aspects;

use crate::error::ReadError;
use crate::matches::{contact, with_number};
use crate::matching;
use crate::own_records::{digests, stock_tracked};
use crate::patience::Patience;
use crate::payments;
use crate::reserved::{on_hand, reservations};
use crate::session::Session;
use crate::store_orders::store_orders;
use crate::whole::whole_sales_orders;

/// One order and what it asks for.
pub(crate) type Asked<'a> = (&'a mut OrderFacts, BTreeSet<Need>);

/// Orders that could not be read, each with its own reason.
pub(crate) type Failed = BTreeMap<StoreOrderId, ReadError>;

/// Reads everything that was asked for. Returns the orders for which reading failed, each with its own reason.
pub(crate) async fn fetch(session: &Session, mut asked: Vec<Asked<'_>>) -> Failed {
    let mut failed = Failed::new();
    store_orders(session, &mut asked, &mut failed).await;
    matching::customers(session, &mut asked, &mut failed).await;
    sales_orders(session, &mut asked, &mut failed).await;
    whole_sales_orders(session, &mut asked, &mut failed).await;
    notes(session, &mut asked, &mut failed).await;
    matching::variants(session, &mut asked, &mut failed).await;
    matching::products(session, &mut asked, &mut failed).await;
    method_names(session, &mut asked, &mut failed).await;
    digests(session, &mut asked, &mut failed);
    stock_tracked(session, &mut asked, &mut failed).await;
    reservations(session, &mut asked, &mut failed).await;
    let single = asked.into_iter().filter(|(order, _)| !failed.contains_key(&order.id));
    let patience = Mutex::default();
    let reads: Vec<_> = single.map(|(order, needs)| details(session, order, needs, &patience)).collect();
    let mut reads = stream::iter(reads).buffer_unordered(session.calls_at_once);
    let mut more = Vec::new();
    while let Some((order, result)) = reads.next().await {
        more.extend(result.err().map(|error| (order, error)));
    }
    failed.extend(more);
    failed
}

/// The orders that ask for one of the wanted facts.
pub(crate) fn wanting<'a, 'b>(asked: &'b mut [Asked<'a>], wants: impl Fn(&Need) -> bool) -> Vec<&'b mut Asked<'a>> {
    asked.iter_mut().filter(|(_, needs)| needs.iter().any(&wants)).collect()
}

/// A call for many orders failed: each of them is told, so that each decides for itself when to try again.
pub(crate) fn fail_all(failed: &mut Failed, orders: impl Iterator<Item = StoreOrderId>, platform: Platform, error: &CallError) {
    failed.extend(orders.map(|order| (order, ReadError::Call { platform, error: error.clone() })));
}

/// Whether a call for several objects may have failed because of one of them.
pub(crate) fn is_about_one(error: &CallError, asked: usize) -> bool {
    asked > 1 && matches!(error, CallError::Uncertain { .. } | CallError::Refused { .. })
}

async fn sales_orders(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let wanted =
        |needs: &BTreeSet<Need>| needs.iter().filter_map(|need| if let Need::SalesOrder(id) = need { Some(*id) } else { None }).collect::<Vec<_>>();
    let mut wanting = wanting(asked, |need| matches!(need, Need::SalesOrder(_)));
    let ids: BTreeSet<SalesOrderId> = wanting.iter().flat_map(|(_, needs)| wanted(needs)).collect();
    if ids.is_empty() {
        return;
    }
    match session.brightpearl.orders(&ids.into_iter().collect::<Vec<_>>(), session.share).await {
        Ok(found) => {
            let found: BTreeMap<SalesOrderId, SalesOrder> = found.into_iter().map(|order| (order.id, order)).collect();
            for (order, needs) in &mut wanting {
                let read = wanted(needs).into_iter().map(|id| (id, found.get(&id).cloned()));
                order.sales_orders.extend(read);
            }
        }
        Err(error) if is_about_one(&error, wanting.len()) => {
            let mut patience = Patience::default();
            for (order, needs) in &mut wanting {
                let ids = wanted(needs);
                match patience.unless_lost(|| session.brightpearl.orders(&ids, session.share)).await {
                    Ok(found) => {
                        let read = ids.into_iter().map(|id| (id, found.iter().find(|order| order.id == id).cloned()));
                        order.sales_orders.extend(read);
                    }
                    Err(error) => fail_all(failed, std::iter::once(order.id), Platform::Brightpearl, &error),
                }
            }
        }
        Err(error) => fail_all(failed, wanting.iter().map(|(order, _)| order.id), Platform::Brightpearl, &error),
    }
}

async fn notes(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let mut wanting = wanting(asked, |need| *need == Need::Notes);
    let ids: BTreeSet<SalesOrderId> = wanting.iter().flat_map(|(order, _)| order.links.iter().map(|link| link.sales_order)).collect();
    if ids.is_empty() {
        return;
    }
    let drop_ships = wanting.iter().any(|(order, _)| may_have_drop_ships(order));
    let ids: Vec<SalesOrderId> = ids.into_iter().collect();
    match read_notes(session, &ids, drop_ships).await {
        Ok(found) => {
            for (order, _) in &mut wanting {
                let ours = |note: &&Note| note.order.is_some_and(|id| order.links.iter().any(|link| link.sales_order == id));
                order.notes = Some(found.iter().filter(ours).cloned().collect());
            }
        }
        Err(error) => fail_all(failed, wanting.iter().map(|(order, _)| order.id), Platform::Brightpearl, &error),
    }
}

/// A goods-out note that has left says nothing about drop-ship notes; whatever else asks for notes may be about either.
fn may_have_drop_ships(order: &OrderFacts) -> bool {
    let goods_out_only = order.aspects.has(Aspects::NOTES) && !order.aspects.has(Aspects::SALES_ORDER) && !order.looks_at(Aspects::DROP_SHIP_NOTES);
    !goods_out_only || order.held.contains(&Effect::Shipment)
}

async fn read_notes(session: &Session, ids: &[SalesOrderId], drop_ships: bool) -> Result<Vec<Note>, CallError> {
    let mut found = session.brightpearl.notes_of_orders(NoteKind::GoodsOut, ids, session.share).await?;
    if drop_ships {
        found.extend(session.brightpearl.notes_of_orders(NoteKind::DropShip, ids, session.share).await?);
    }
    Ok(found)
}

async fn method_names(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let mut wanting = wanting(asked, |need| *need == Need::MethodNames);
    if wanting.is_empty() {
        return;
    }
    let names = match &session.method_names {
        Some(names) => Ok((**names).clone()),
        None => session
            .brightpearl
            .shipping_methods(session.share)
            .await
            .map(|methods| methods.into_iter().map(|method| (method.id, method.name)).collect()),
    };
    match names {
        Ok(names) => wanting.iter_mut().for_each(|(order, _)| order.method_names = Some(names.clone())),
        Err(error) => fail_all(failed, wanting.iter().map(|(order, _)| order.id), Platform::Brightpearl, &error),
    }
}

/// What can only be read for one order at a time.
async fn details(
    session: &Session,
    order: &mut OrderFacts,
    needs: BTreeSet<Need>,
    patience: &Mutex<BTreeMap<Platform, Patience>>,
) -> (StoreOrderId, Result<(), ReadError>) {
    let lost = |platform| patience.lock().unwrap_or_else(PoisonError::into_inner).entry(platform).or_default().lost();
    let learn = |platform, result: Result<(), &CallError>| {
        patience.lock().unwrap_or_else(PoisonError::into_inner).entry(platform).or_default().learn(result);
    };
    let id = order.id;
    for need in needs {
        let Some(platform) = platform_of(&need).filter(|_| !is_given(order, &need)) else { continue };
        if let Some(error) = lost(platform) {
            return (id, Err(ReadError::Call { platform, error }));
        }
        match detail(session, order, need).await {
            Ok(()) => learn(platform, Ok(())),
            Err(error) => {
                if let ReadError::Call { platform, error } = &error {
                    learn(*platform, Err(error));
                }
                return (id, Err(error));
            }
        }
    }
    (id, Ok(()))
}

/// Where something is read that can only be read for one order at a time; none for what was read for all together.
const fn platform_of(need: &Need) -> Option<Platform> {
    match need {
        Need::Lines
        | Need::Taxes
        | Need::Addresses
        | Need::PickUps
        | Need::Coupons
        | Need::Fees
        | Need::Shipments
        | Need::Transactions
        | Need::Refunds => Some(Platform::Bigcommerce),
        Need::Contact
        | Need::ContactDetails(_)
        | Need::Existing
        | Need::WithNumber(_)
        | Need::Payments(_)
        | Need::OnHand { .. }
        | Need::OrderNotes(_)
        | Need::EmptyFields(..) => Some(Platform::Brightpearl),
        Need::StoreOrder | Need::SalesOrder(_) | Need::Notes | Need::Products(_) | Need::Variants(_) | Need::MethodNames => None,
        Need::Reservation(_) | Need::StockTracked(_) | Need::Digests(_) | Need::WholeSalesOrder(_) => None,
    }
}

/// Whether it came along with the order a moment ago.
const fn is_given(order: &OrderFacts, need: &Need) -> bool {
    match need {
        Need::Lines => order.lines.is_some(),
        Need::Addresses => order.addresses.is_some(),
        Need::Fees => order.fees.is_some(),
        _ => false,
    }
}

async fn detail(session: &Session, order: &mut OrderFacts, need: Need) -> Result<(), ReadError> {
    let (store, id, share) = (&session.bigcommerce, order.id, session.share);
    match need {
        Need::Lines => order.lines = Some(store.lines(id, share).await.map_err(ReadError::bigcommerce)?),
        Need::Taxes => order.taxes = Some(store.taxes(id, share).await.map_err(ReadError::bigcommerce)?),
        Need::Addresses => order.addresses = Some(store.addresses(id, share).await.map_err(ReadError::bigcommerce)?),
        Need::PickUps => order.pick_ups = Some(store.pick_ups(id, share).await.map_err(ReadError::bigcommerce)?),
        Need::Coupons => order.coupons = Some(store.coupons(id, share).await.map_err(ReadError::bigcommerce)?),
        Need::Fees => order.fees = Some(store.fees(id, share).await.map_err(ReadError::bigcommerce)?),
        Need::Shipments => order.shipments = Some(store.shipments(id, share).await.map_err(ReadError::bigcommerce)?),
        Need::Transactions => payments::transactions(session, order).await?,
        Need::Refunds => payments::refunds(session, order).await?,
        Need::Payments(sales_order) => payments::payments(session, order, sales_order).await?,
        Need::Contact => order.contact = contact(session, order).await?,
        Need::Existing => {
            let key = external_ref(&session.store, id);
            order.existing = Some(session.brightpearl.orders_with_external_ref(&key, None, share).await.map_err(ReadError::brightpearl)?);
        }
        Need::WithNumber(channel) => order.with_number = Some(with_number(session, id, channel).await?),
        Need::OnHand { sales_order, warehouse, products } => on_hand(session, order, (sales_order, warehouse), &products).await?,
        Need::OrderNotes(sales_order) => {
            let notes = session.brightpearl.order_notes(sales_order, share).await.map_err(ReadError::brightpearl)?;
            order.order_notes.insert(sales_order, notes);
        }
        Need::EmptyFields(sales_order, codes) => {
            let empty = session.brightpearl.empty_order_fields(sales_order, &codes, share).await.map_err(ReadError::brightpearl)?;
            order.empty_fields.insert(sales_order, empty);
        }
        Need::ContactDetails(contact) => matching::contact_details(session, order, contact).await?,
        // Read for all orders together before.
        Need::StoreOrder | Need::SalesOrder(_) | Need::Notes | Need::Products(_) | Need::Variants(_) | Need::MethodNames => {}
        Need::Reservation(_) | Need::StockTracked(_) | Need::Digests(_) | Need::WholeSalesOrder(_) => {}
    }
    Ok(())
}
