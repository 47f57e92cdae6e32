//! Our own writes come back as webhooks. What those tell of is looked at like any other change, but a moment later and together: one list
//! call reads the echoes of many writes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orderbridge_decide::{ContactFact, OrderFacts};
use orderbridge_postgres::NewLink;
use orderbridge_reconcile::Session;
use orderbridge_schema::command::Command;
use orderbridge_schema::ids::{Platform, StoreOrderId, TenantId};
use orderbridge_schema::link::ContactLink;

use crate::account::Worker;

/// How long a write is remembered; the longest wait is shorter.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(2);

/// One side of one order.
type Side = (TenantId, StoreOrderId, Platform);

/// When we last changed which side of which order. Only in memory: what is forgotten with the process is looked at at once.
#[derive(Debug, Default)]
pub(crate) struct OwnWrites {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    at: HashMap<Side, Timestamp>,
    /// In their order, so that old ones are found without a search.
    order: VecDeque<(Timestamp, Side)>,
}

impl OwnWrites {
    /// We changed a side of an order.
    pub(crate) fn note(&self, tenant: &TenantId, order: StoreOrderId, platform: Platform, now: Timestamp) {
        let side = (tenant.clone(), order, platform);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.at.insert(side.clone(), now);
        known.order.push_back((now, side));
        while let Some((at, side)) = known.order.pop_front_if(|(at, _)| now.duration_since(*at) > KEPT_FOR) {
            if known.at.get(&side) == Some(&at) {
                known.at.remove(&side);
            }
        }
    }

    /// Whether we changed a side of an order within the last two minutes.
    pub(crate) fn wrote(&self, tenant: &TenantId, order: StoreOrderId, platform: Platform, now: Timestamp) -> bool {
        let side = (tenant.clone(), order, platform);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.at.get(&side).is_some_and(|at| now.duration_since(*at) <= KEPT_FOR)
    }

    /// The moment at which an event about a side of an order is looked at together with others, if it comes right after our own write to
    /// it and that moment is still to come. Moments are `wait` apart, and lie differently for each tenant.
    pub(crate) fn look_at(&self, tenant: &TenantId, order: StoreOrderId, platform: Platform, now: Timestamp, wait: Duration) -> Option<Timestamp> {
        let side = (tenant.clone(), order, platform);
        let written_at = self.known.lock().unwrap_or_else(PoisonError::into_inner).at.get(&side).copied()?;
        moment_after(written_at, tenant, wait).filter(|at| *at > now)
    }
}

impl Worker {
    /// What is remembered of a command that took effect: that we changed the order, and whom it was made for.
    pub(crate) async fn note_write(&self, session: &Session, facts: &OrderFacts, command: &Command) {
        self.connections.own_writes.note(&session.tenant, facts.id, command.kind().platform(), self.clock.now());
        self.remember_contact(session, facts, command).await;
    }

    /// A contact that a search found is linked with the first order made for it, so that the next one costs no search. That another
    /// order linked the customer otherwise meanwhile is no failure of this one.
    async fn remember_contact(&self, session: &Session, facts: &OrderFacts, command: &Command) {
        let (Command::CreateSalesOrder(order), Some(ContactFact::Found { email_hash, .. })) = (command, &facts.contact) else { return };
        let link = NewLink::Contact(ContactLink { email_hash: email_hash.clone(), contact: order.contact });
        if let Err(error) = self.db.save_links(&session.account, &[link], &[]).await {
            tracing::info!(tenant = %session.tenant, order = %facts.id, %error, "the contact is not linked");
        }
    }
}

/// The first moment of a tenant that lies at least `wait` behind another.
fn moment_after(at: Timestamp, tenant: &TenantId, wait: Duration) -> Option<Timestamp> {
    let every = i64::try_from(wait.as_millis()).ok().filter(|every| *every > 0)?;
    // Any number will do that spreads the tenants and stays the same.
    let spread = tenant.as_str().bytes().fold(0_i64, |spread, byte| (spread * 31 + i64::from(byte)) % 1_000_003);
    let earliest = at.as_millisecond().checked_add(every)?;
    let behind = (earliest - spread).rem_euclid(every);
    Timestamp::from_millisecond(if behind == 0 { earliest } else { earliest + every - behind }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WAIT: Duration = Duration::from_secs(2);

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn tenant() -> TenantId {
        TenantId::new("acme").unwrap()
    }

    #[test]
    fn only_what_we_wrote_a_moment_ago_waits_and_only_once() {
        let (own, tenant, order) = (OwnWrites::default(), tenant(), StoreOrderId(250));
        own.note(&tenant, order, Platform::Bigcommerce, at(10_000));
        let look_at = |platform, now| own.look_at(&tenant, order, platform, now, WAIT);
        let due = look_at(Platform::Bigcommerce, at(10_100)).unwrap();
        assert_eq!(look_at(Platform::Bigcommerce, at(11_900)), Some(due), "a second event is looked at in the same moment");
        assert_eq!(look_at(Platform::Bigcommerce, due), None);
        assert_eq!(look_at(Platform::Brightpearl, at(10_100)), None, "the other side was not written");
        assert_eq!(own.look_at(&tenant, StoreOrderId(251), Platform::Bigcommerce, at(10_100), WAIT), None);
        assert_eq!(own.look_at(&tenant, order, Platform::Bigcommerce, at(10_100), Duration::ZERO), None, "switched off");
    }

    #[test]
    fn old_writes_are_forgotten_and_newer_ones_of_the_same_order_kept() {
        let (own, tenant) = (OwnWrites::default(), tenant());
        for second in 0..1000 {
            own.note(&tenant, StoreOrderId(7), Platform::Bigcommerce, at(second * 1000));
            own.note(&tenant, StoreOrderId(1000 + second.cast_unsigned()), Platform::Bigcommerce, at(second * 1000));
        }
        let known = own.known.lock().unwrap();
        assert!(known.at.len() < 130 && known.order.len() < 260, "{} {}", known.at.len(), known.order.len());
        assert!(known.at.contains_key(&(tenant, StoreOrderId(7), Platform::Bigcommerce)));
    }

    proptest! {
        #[test]
        fn writes_of_one_moment_are_looked_at_together_and_soon(first in 0_i64..4_000_000_000_000, more in 0_i64..2000, wait in 1_u64..60_000) {
            let wait = Duration::from_millis(wait);
            let every = i64::try_from(wait.as_millis()).unwrap();
            let due = moment_after(at(first), &tenant(), wait).unwrap().as_millisecond();
            prop_assert!(due - first >= every && due - first < 2 * every);
            let other = moment_after(at(first + more), &tenant(), wait).unwrap().as_millisecond();
            prop_assert_eq!((other - due).rem_euclid(every), 0);
            prop_assert!(first + more > due - every || other == due, "what is written before the moment's wait begins is in it");
        }
    }
}
