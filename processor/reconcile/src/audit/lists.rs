//! What both platforms' lists tell of a window.

use std::collections::BTreeMap;

use orderbridge_brightpearl::PlacedOrder;
use orderbridge_decide::audit::is_our_payment;
use orderbridge_http_client::CallError;
use orderbridge_schema::audit::{BookedPayment, RefundFigures, Window};
use orderbridge_schema::command::is_our_key;
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::{Platform, StoreOrderId};

use super::entry::Entry;
use super::pages::Pages;
use crate::error::ReadError;
use crate::session::Session;

/// The lists.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Store orders placed before the window's end that changed since it began.
    pub(super) orders: BTreeMap<StoreOrderId, StoreOrder>,
    /// Refunds made in the window.
    pub(super) refunds: Vec<RefundFigures>,
    /// Sales orders of our channels placed in the window.
    pub(super) placed: Vec<PlacedOrder>,
    /// The account's payments dated in the window.
    pub(super) payments: Vec<BookedPayment>,
}

/// Reads them: a call for 250 store orders or refunds, or for 500 sales orders or payments. Brightpearl's first: what is in its books was
/// at the store before.
pub(super) async fn read(session: &Session, pages: Pages<'_>, window: Window) -> Result<Lists, ReadError> {
    let (account, store, share) = (&session.brightpearl, &session.bigcommerce, session.share);
    let mut placed = Vec::new();
    for channel in session.rules.orders.all_channels() {
        let part = format!("sales-orders-{channel}");
        let of_channel = pages.all(&part, Platform::Brightpearl, 1, |first| async move {
            let found = account.orders_of_window(window, channel, row(first), share).await?;
            Ok((found.rows.into_iter().map(without_words_of_others).collect(), found.next.map(u64::from)))
        });
        placed.extend(of_channel.await?);
    }
    let with_payments = session.rules.payments.enabled;
    let mut payments = Vec::new();
    if with_payments {
        payments = pages
            .all("payments", Platform::Brightpearl, 1, |first| async move {
                let found = account.payments_of_window(window, row(first), share).await?;
                let rows = found.rows.into_iter().map(|payment| without_key_of_others(session, payment));
                Ok((rows.collect(), found.next.map(u64::from)))
            })
            .await?;
    }
    let entries: Vec<Entry> = pages
        .all("store-orders", Platform::Bigcommerce, 0, |after| async move {
            let page = store.orders_of_window(window, StoreOrderId(after), share).await?;
            let last = page.orders.last().map(|order| order.id.0).filter(|last| page.more && *last > after);
            Ok((page.orders.into_iter().map(Entry::from).collect(), last))
        })
        .await?;
    // A sales order's total tells of refunds too, so they matter even where payments are not booked.
    let refunds = pages
        .all("refunds", Platform::Bigcommerce, 1, |page| async move {
            match store.refunds_of_window(window, row(page), share).await {
                Ok(read) => Ok((read.refunds, read.more.then_some(page + 1))),
                // A token without the scope for payment records: what hangs on them is held and told anyway.
                Err(CallError::Refused { .. }) => Ok((Vec::new(), None)),
                Err(error) => Err(error),
            }
        })
        .await?;
    let orders = entries.into_iter().map(|entry| (entry.id, entry.into())).collect();
    Ok(Lists { orders, refunds, placed, payments })
}

/// Keys and references that others wrote may hold anything: only what is ours, or a number, is kept.
fn without_words_of_others(mut order: PlacedOrder) -> PlacedOrder {
    if !is_our_key(&order.external_ref) {
        order.external_ref.clear();
    }
    if order.reference.parse::<StoreOrderId>().is_err() {
        order.reference.clear();
    }
    order
}

fn without_key_of_others(session: &Session, mut payment: BookedPayment) -> BookedPayment {
    if !is_our_payment(&session.store, &payment.reference) {
        payment.reference.clear();
    }
    payment
}

fn row(first: u64) -> u32 {
    u32::try_from(first).unwrap_or(u32::MAX)
}
