//! Work that is left for a moment without reading anything, because reading it then costs less.

use std::time::Duration;

use jiff::Timestamp;
use orderbridge_decide::OrderFacts;
use orderbridge_postgres::WorkItem;
use orderbridge_reconcile::Session;
use orderbridge_schema::ids::Platform;
use orderbridge_schema::work::{Aspects, Share};

use crate::account::Worker;
use crate::outcome::{Outcome, When};

impl Worker {
    /// When an order is better looked at later. Only what events asked for waits: a person, a sweep and a retry do not ask twice.
    pub(crate) fn left_for_now(&self, session: &Session, item: &WorkItem, facts: &OrderFacts, now: Timestamp) -> Option<Outcome> {
        if session.share != Share::Orders {
            return None;
        }
        self.settling(session, item, facts, now).or_else(|| self.after_own_write(session, facts, now))
    }

    /// A new order that was told of a moment ago changed a moment ago: it would only be read to be left to settle.
    fn settling(&self, session: &Session, item: &WorkItem, facts: &OrderFacts, now: Timestamp) -> Option<Outcome> {
        let orders = &session.rules.orders;
        if !facts.links.is_empty() || !orders.enabled {
            return None;
        }
        if item.aspects.has(Aspects::BY_HAND) {
            return None;
        }
        let left = |wait: u32, since: Timestamp| {
            Duration::from_secs(u64::from(wait)).saturating_sub(Duration::try_from(now.duration_since(since)).unwrap_or_default())
        };
        let wait = left(orders.settle_seconds, item.last_event_at).min(left(orders.settle_limit(), item.first_event_at));
        Some(wait).filter(|wait| !wait.is_zero()).map(Outcome::settling)
    }

    /// Nothing is known of the order but that a side changed which we changed ourselves: most likely it is that.
    fn after_own_write(&self, session: &Session, facts: &OrderFacts, now: Timestamp) -> Option<Outcome> {
        let is_settled = !facts.links.is_empty() && facts.links.iter().all(|link| link.verified) && facts.held.is_empty();
        let sides = [(Aspects::STORE_ORDER, Platform::Bigcommerce), (Aspects::SALES_ORDER, Platform::Brightpearl)];
        // Payment records of a merchant whose payments are not booked are nobody's affair here.
        let none = if session.rules.payments.enabled { Aspects::default() } else { Aspects::TRANSACTIONS };
        let all = sides.iter().fold(none, |all, (aspect, _)| all.with(*aspect));
        if !is_settled || facts.aspects == Aspects::default() || !all.has(facts.aspects) {
            return None;
        }
        let mut latest: Option<Timestamp> = None;
        for (_, platform) in sides.iter().filter(|(aspect, _)| facts.aspects.has(*aspect)) {
            let at = self.connections.own_writes.look_at(&session.tenant, facts.id, *platform, now, self.settings.echo_wait)?;
            latest = latest.max(Some(at));
        }
        let why = "we changed it ourselves a moment ago: it is looked at together with others".to_owned();
        // Not firm: whatever else is told of the order is looked at at once.
        latest.map(|at| Outcome::Again { when: When::At(at), firm: false, failed: false, why, met: None })
    }
}
