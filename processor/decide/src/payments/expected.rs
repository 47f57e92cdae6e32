//! What should stand in Brightpearl of an order's payments: for comparing, not for booking.

use jiff::Timestamp;
use orderbridge_schema::command::PaymentKind;
use orderbridge_schema::facts::{StoreOrder, Transaction, Transactions};
use orderbridge_schema::link::OrderLink;
use rust_decimal::Decimal;

use super::{DOUBTED, outside, plan};
use crate::facts::{Context, OrderFacts};

/// How our keys of what was paid outside the store end.
const OUTSIDE: &str = "-offline";

/// A payment that should stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Our key of it.
    pub(crate) reference: String,
    /// What kind.
    pub(crate) kind: PaymentKind,
    /// How much.
    pub(crate) amount: Decimal,
    /// When it was paid, if the store's own records tell.
    pub(crate) paid_at: Option<Timestamp>,
}

/// What the store's records ask for by the present rules, and what was booked before and is not among it any more. Without the records,
/// what was booked.
pub(crate) fn expected(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, link: &OrderLink) -> Vec<Expected> {
    let mut expected = of_records(ctx, facts, order, link);
    for link in &facts.payment_links {
        if !expected.iter().any(|known| known.reference == link.reference) {
            expected.push(Expected { reference: link.reference.clone(), kind: link.kind, amount: link.amount, paid_at: None });
        }
    }
    expected
}

fn of_records(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, link: &OrderLink) -> Vec<Expected> {
    let Some(rows) = records(facts, order) else { return Vec::new() };
    if DOUBTED.contains(&order.status) {
        return Vec::new();
    }
    let mut plan = plan::of_transactions(ctx, facts, order, rows);
    // What was paid outside the store cannot be told without the sales order, whose absence is a difference of its own.
    let _needs = outside::of_order(ctx, facts, order, link, rows, &mut plan).err();
    // What was paid outside the store has the date of the order's last change, which is not that of any payment.
    let dated = |planned: &plan::Planned| Some(planned.paid_at).filter(|_| !planned.reference.ends_with(OUTSIDE));
    plan.payments
        .into_iter()
        .map(|planned| Expected { paid_at: dated(&planned), reference: planned.reference, kind: planned.kind, amount: planned.amount })
        .collect()
}

/// The store's records, if they are known and matter.
fn records<'a>(facts: &'a OrderFacts, order: &StoreOrder) -> Option<&'a [Transaction]> {
    if [order.total, order.store_credit, order.gift_certificates].iter().all(Decimal::is_zero) {
        return Some(&[]);
    }
    match facts.transactions.as_ref()? {
        Transactions::Read(rows) => Some(rows),
        Transactions::Refused(_) => None,
    }
}
