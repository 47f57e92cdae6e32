//! What is remembered of an order while it has no sales order: the chosen statuses it was seen in.

use orderbridge_decide::{OrderFacts, newly_seen, seen_in_vain};
use orderbridge_postgres::{DbError, WorkItem};
use orderbridge_reconcile::Session;
use orderbridge_schema::ids::StoreOrderId;
use orderbridge_schema::seen::StatusSet;

use crate::account::Worker;
use crate::outcome::Outcome;

/// What is to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Seen now, whatever became of the order in this go: it may have moved on by the next.
    seen: StatusSet,
    /// Not to be found by later rules.
    in_vain: StatusSet,
}

impl Marks {
    /// Nothing.
    pub(crate) const NONE: Self = Self { seen: StatusSet::NONE, in_vain: StatusSet::NONE };

    /// Of an order that was looked at.
    pub(crate) fn of(session: &Session, facts: &OrderFacts, outcome: &Outcome) -> Self {
        let seen = newly_seen(&session.rules, facts);
        match outcome {
            Outcome::Done => Self { seen, in_vain: seen_in_vain(&session.rules, facts) },
            Outcome::Again { .. } | Outcome::Held(_) | Outcome::Unauthorised(_) => Self { seen, ..Self::NONE },
        }
    }
}

impl Worker {
    /// Writes marks down.
    pub(crate) async fn note_marks(&self, item: &WorkItem, marks: Marks) -> Result<(), DbError> {
        let (Some(tenant), order) = (item.key.scope.tenant(), StoreOrderId(item.key.entity)) else { return Ok(()) };
        if !marks.in_vain.is_empty() {
            self.db.forget_seen(tenant, order, marks.in_vain).await?;
        }
        if !marks.seen.is_empty() {
            self.db.note_seen(tenant, order, marks.seen).await?;
        }
        Ok(())
    }
}
