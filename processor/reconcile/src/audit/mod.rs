//! Compares the books of both platforms over a window: reads only.
//!
//! Lists first; then, of the orders that they tell of, what our own records know and the sales orders by id set. Payment records are read
//! order by order, so only where something has changed since the last audit. What differs then is read once more as it is now, because
//! the two sides were not read at one moment; only what still differs is told.

mod entry;
mod gather;
mod lists;
mod pages;
mod records;
mod second_look;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use orderbridge_decide::audit::{Findings, OrderBooks, audit_order, audit_strays};
use orderbridge_postgres::{AuditRun, LastAudit};
use orderbridge_schema::audit::{AuditReport, Window};
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::StoreOrderId;

use self::pages::Pages;
use crate::error::ReadError;
use crate::session::Session;

/// Held orders from before the window whose money is told, at most: each may cost a call.
const OLD_HELD_MAX: u32 = 500;
/// How much earlier than our own clock says a platform may have dated what we read.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(10 * 60);
/// Orders that are read once more together.
const TOGETHER: usize = 200;

/// Compares, goes on where the run was stopped, and stores the result.
///
/// # Errors
/// [`ReadError`]: what was read so far is kept, and the run can be gone on with.
pub async fn audit(session: &Session, run: &AuditRun, now: Timestamp) -> Result<AuditReport, ReadError> {
    let pages = Pages { db: &session.db, run };
    let last = session.db.last_audit(&session.tenant).await?.filter(|last| last.run.id != run.id);
    let lists = lists::read(session, pages, run.window).await?;
    let held = session.db.held_creations(&session.tenant, OLD_HELD_MAX).await?;
    let gathered = gather::gather(session, lists, &held.held).await?;
    let mut books = gathered.books;
    let transactions_read = read_records(session, pages, &mut books, last.as_ref()).await?;
    let mut findings = compare(session, run.window, &mut books, now).await?;
    let doubtful: Vec<StoreOrderId> = findings.iter().filter(|(_, found)| found.is_doubtful()).map(|(order, _)| *order).collect();
    let mut read_again: BTreeSet<StoreOrderId> = transactions_read;
    for chunk in doubtful.chunks(TOGETHER) {
        tracing::info!(tenant = %session.tenant, orders = chunk.len(), "looking once more at orders that differ");
        for order in second_look::read(session, chunk, &mut books).await? {
            read_again.insert(order);
        }
        for order in chunk {
            if let Some(books) = books.get(order) {
                findings.insert(*order, audit_order(&session.context(now), run.window, books));
            }
        }
    }
    let compared = findings.len();
    let mut whole = audit_strays(&session.context(now), run.window, &gathered.strays);
    findings.into_values().for_each(|found| whole.merge(found));
    let report = AuditReport {
        orders_compared: u64::try_from(compared).unwrap_or(u64::MAX),
        transactions_read: u64::try_from(read_again.len()).unwrap_or(u64::MAX),
        held_left_out: held.more,
        ..whole.report(session.tenant.clone(), run.window, &session.context(now), session.rules_version)
    };
    session.db.finish_audit(run.id, &report).await?;
    Ok(report)
}

/// Reads the payment records of orders that changed since the last audit, and of those that differed then.
async fn read_records(
    session: &Session,
    pages: Pages<'_>,
    books: &mut BTreeMap<StoreOrderId, OrderBooks>,
    last: Option<&LastAudit>,
) -> Result<BTreeSet<StoreOrderId>, ReadError> {
    if !session.rules.payments.enabled {
        return Ok(BTreeSet::new());
    }
    let wanted: Vec<StoreOrderId> =
        books.iter().filter(|(_, books)| has_money(books) && !last.is_some_and(|last| is_known(last, books))).map(|(order, _)| *order).collect();
    records::read(session, pages, &wanted, books).await?;
    Ok(wanted.into_iter().collect())
}

/// Whether anything can have been paid for an order whose payments are compared.
fn has_money(books: &OrderBooks) -> bool {
    let order = books.facts.store_order.as_ref().and_then(Option::as_ref);
    let is_paid = |order: &StoreOrder| [order.total, order.store_credit, order.gift_certificates].iter().any(|amount| !amount.is_zero());
    !books.facts.links.is_empty() && order.is_some_and(|order| !order.deleted && is_paid(order))
}

/// Whether the last audit has compared the order as it is, and found nothing.
fn is_known(last: &LastAudit, books: &OrderBooks) -> bool {
    let Some(order) = books.facts.store_order.as_ref().and_then(Option::as_ref) else { return false };
    let Window { from, to } = last.run.window;
    let read_before = last.run.started_at.checked_sub(CLOCKS_DIFFER).unwrap_or(Timestamp::MIN);
    let was_compared = from <= order.modified_at && order.modified_at < read_before && order.created_at < to && last.report.payments_compared;
    let differed = last.report.differences.iter().chain(&last.report.waiting).any(|difference| difference.order == Some(order.id));
    was_compared && !differed
}

/// Compares all; where a payment that was booked may merely lie outside the window, all payments of the sales orders are read, 200 orders
/// a call.
async fn compare(
    session: &Session,
    window: Window,
    books: &mut BTreeMap<StoreOrderId, OrderBooks>,
    now: Timestamp,
) -> Result<BTreeMap<StoreOrderId, Findings>, ReadError> {
    let ctx = session.context(now);
    let mut findings: BTreeMap<StoreOrderId, Findings> = books.iter().map(|(order, books)| (*order, audit_order(&ctx, window, books))).collect();
    let wanting: Vec<StoreOrderId> = findings.iter().filter(|(_, found)| found.wants_payments).map(|(order, _)| *order).collect();
    for chunk in wanting.chunks(TOGETHER) {
        second_look::all_payments(session, chunk, books).await?;
        for order in chunk {
            if let Some(books) = books.get(order) {
                findings.insert(*order, audit_order(&ctx, window, books));
            }
        }
    }
    Ok(findings)
}
