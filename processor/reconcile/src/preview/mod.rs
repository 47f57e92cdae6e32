//! What would be done about orders, found out by reading alone.
//!
//! A decision names only the next step; what follows from it is decided again as if the step had been taken, as long as that needs no
//! knowledge that only the platform can give. Where it would, the preview ends and says so.

mod extras;
mod refunds;
mod step;

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderbridge_decide::OrderFacts;
use orderbridge_schema::command::{CommandKey, CommandKind, PaymentKind};
use orderbridge_schema::decision::{Hold, Remark};
use orderbridge_schema::ids::{OrderLineId, SalesOrderId, StoreOrderId};
use rust_decimal::Decimal;

use crate::error::ReadError;
use crate::session::{Session, reconcile};

use step::Next;

/// No order needs more steps: contact, sales order, comparison, reference, statuses and a dozen shipments.
const STEPS_MAX: usize = 24;

/// What would be done about one order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// What would change on a platform, in its order.
    pub changes: Vec<Change>,
    /// What would change in our own records alone, in plain words.
    pub records: Vec<String>,
    /// What waits for a person or a rule.
    pub holds: Vec<Hold>,
    /// Why things are as they are.
    pub remarks: Vec<Remark>,
    /// It would be looked at again after this many seconds, because it changed a moment ago.
    pub settles_in_seconds: Option<u32>,
    /// What cannot be told before the changes are made, in plain words.
    pub unknown: Option<&'static str>,
    /// Sales orders that stand for it already.
    pub sales_orders: Vec<SalesOrderId>,
}

/// One call or pair of calls that would change a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it achieves: equal keys are one change, however many orders ask for it.
    pub key: CommandKey,
    /// An earlier attempt's outcome is not known: it would be looked up, and made only if it is not there.
    pub in_doubt: bool,
    /// What it would change.
    pub what: What,
}

impl Change {
    /// Its kind, which says on which platform and with how many calls.
    #[must_use]
    pub const fn kind(&self) -> CommandKind {
        self.key.kind
    }
}

/// What a change would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Make a contact for the customer.
    Contact,
    /// Make a sales order.
    SalesOrder {
        /// Its total with tax.
        total: Option<Decimal>,
        /// Its currency.
        currency: String,
        /// How many rows.
        rows: usize,
    },
    /// Set a field.
    Field {
        /// Of what, such as `store order 250`.
        of: String,
        /// Which.
        field: &'static str,
        /// What it is now.
        from: String,
        /// What it would be.
        to: String,
    },
    /// Book a payment.
    Payment {
        /// Our key of it.
        reference: String,
        /// What kind: `RECEIPT`, `AUTH`, `CAPTURE` or `VOID`.
        kind: PaymentKind,
        /// How much.
        amount: Decimal,
        /// Its currency.
        currency: String,
        /// Brightpearl's payment method.
        method: String,
    },
    /// Make a shipment.
    Shipment {
        /// The note it is made from, as our mark names it.
        mark: String,
        /// Lines and quantities.
        lines: Vec<(OrderLineId, u32)>,
    },
}

/// Decides about orders as the processor would, and follows each decision as far as that can be known. Nothing is changed anywhere.
pub async fn preview(session: &Session, mut facts: Vec<OrderFacts>, now: Timestamp) -> BTreeMap<StoreOrderId, Result<Preview, ReadError>> {
    let mut open: BTreeMap<StoreOrderId, Preview> = facts.iter().map(|facts| (facts.id, begun(facts))).collect();
    let mut done = BTreeMap::new();
    for _step in 0..STEPS_MAX {
        if facts.is_empty() {
            break;
        }
        let mut decisions = reconcile(session, &mut facts, now).await;
        let mut still = Vec::new();
        for mut one in facts {
            let Some(mut preview) = open.remove(&one.id) else { continue };
            let next = match decisions.remove(&one.id) {
                Some(Ok(decision)) => step::take(session, &mut one, &mut preview, decision, now).await,
                Some(Err(error)) => Err(error),
                None => Err(ReadError::NoProgress { order: one.id.0 }),
            };
            match next {
                Ok(Next::Again) => {
                    open.insert(one.id, preview);
                    still.push(one);
                }
                Ok(Next::Settled) => {
                    done.insert(one.id, Ok(preview));
                }
                Err(error) => {
                    done.insert(one.id, Err(error));
                }
            }
        }
        facts = still;
    }
    // More would be done than fits in one go: what is known of it is told.
    done.extend(open.into_iter().map(|(order, preview)| (order, Ok(Preview { unknown: Some("more follows"), ..preview }))));
    done
}

fn begun(facts: &OrderFacts) -> Preview {
    Preview { sales_orders: facts.links.iter().map(|link| link.sales_order).collect(), ..Preview::default() }
}
