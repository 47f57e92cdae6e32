//! A batch of one tenant's orders: read together, decided each alone, executed a few at once, and looked at again until all agree.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use orderbridge_decide::{ContactFact, OrderFacts, after_row};
use orderbridge_postgres::{CommandState, Comparison, Confirmed, DbError, Known, NewLink, TimelineEntry, WorkItem};
use orderbridge_reconcile::{ReadError, Session, reconcile, remembered};
use orderbridge_schema::command::{Command, CommandKey, CommandKind, NewShipment};
use orderbridge_schema::decision::{Agreement, Decision, Effect, Hold, Remark};
use orderbridge_schema::ids::{Platform, StoreOrderId};
use orderbridge_schema::link::{OrderLink, ShipmentLink};
use orderbridge_schema::work::{Aspects, Scope};

use crate::account::Worker;
use crate::edits;
use crate::execute::Effected;
use crate::extras;
use crate::failure;
use crate::marks::Marks;
use crate::outcome::Outcome;
use crate::refunds;
use crate::sweep;

/// Looks at one order in one go: contact, sales order, comparison, reference, statuses and a dozen shipments fit in it.
const ROUNDS_MAX: usize = 24;
/// When an order is decided again whose rules changed meanwhile.
const RULES_WAIT: Duration = Duration::from_millis(200);

/// An order being worked on.
struct Active {
    item: WorkItem,
    facts: OrderFacts,
    remarks: Vec<Remark>,
    was_held: bool,
    /// Nothing of it was read before.
    began_at: Timestamp,
}

/// What a decision left in our own records.
enum Recorded {
    /// Nothing that matters to it.
    Nothing,
    /// Something by which the order is to be looked at again.
    Something,
    /// The rules it was decided by are not the present ones any more.
    Outdated,
}

/// An order that was looked at.
pub(crate) struct Looked {
    /// Its work item.
    pub(crate) item: WorkItem,
    /// What becomes of it.
    pub(crate) outcome: Outcome,
    /// What to tell on its timeline.
    pub(crate) timeline: Vec<TimelineEntry>,
    /// Effects that waited before and do not any more.
    pub(crate) cleared: Vec<Effect>,
    /// Effects that wait although the item itself is looked at again.
    pub(crate) also_held: Vec<Hold>,
    /// The rules it was decided by.
    pub(crate) rules_version: i64,
    /// What was read of it, with its dates.
    pub(crate) read: Vec<Known>,
    /// What is to be remembered or forgotten of an order without a sales order.
    pub(crate) marks: Marks,
}

impl Looked {
    /// An item that no decision was made about.
    pub(crate) const fn plain(item: WorkItem, outcome: Outcome) -> Self {
        Self {
            item,
            outcome,
            timeline: Vec::new(),
            cleared: Vec::new(),
            also_held: Vec::new(),
            rules_version: 0,
            read: Vec::new(),
            marks: Marks::NONE,
        }
    }
}

impl Worker {
    /// Reconciles a batch of orders of the session's tenant, and remembers what was read of them.
    pub(crate) async fn reconcile_orders(&self, session: &Session, items: Vec<WorkItem>) -> Vec<Looked> {
        let looked = self.reconcile_batch(session, items).await;
        self.remember_read(&looked).await;
        looked
    }

    async fn reconcile_batch(&self, session: &Session, items: Vec<WorkItem>) -> Vec<Looked> {
        let mut done = Vec::new();
        let mut active = match self.load(session, &items).await {
            Ok(active) => active,
            Err(error) => {
                let outcome = |item: WorkItem| {
                    let outcome = failure::failed(item.attempts, format!("database: {error}"));
                    Looked { rules_version: session.rules_version, ..Looked::plain(item, outcome) }
                };
                return items.into_iter().map(outcome).collect();
            }
        };
        let now = self.clock.now();
        for one in std::mem::take(&mut active) {
            match self.left_for_now(session, &one.item, &one.facts, now) {
                Some(outcome) => done.push(self.looked(session, one, outcome)),
                None => active.push(one),
            }
        }
        for _round in 0..ROUNDS_MAX {
            if active.is_empty() {
                break;
            }
            if self.stop.is_cancelled() {
                done.extend(active.into_iter().map(|one| self.looked(session, one, stopping())));
                return done;
            }
            let (still, finished) = self.round(session, active).await;
            active = still;
            done.extend(finished);
        }
        let unfinished =
            |active: Active| self.looked(session, active, Outcome::later(Duration::from_secs(1), "more is to be done than fits in one go"));
        done.extend(active.into_iter().map(unfinished));
        done
    }

    async fn load(&self, session: &Session, items: &[WorkItem]) -> Result<Vec<Active>, DbError> {
        let began_at = self.clock.now();
        let ids: Vec<StoreOrderId> = items.iter().map(|item| StoreOrderId(item.key.entity)).collect();
        let mut states = self.db.load_order_state(&session.tenant, &ids).await?;
        let active = |item: &WorkItem| {
            let id = StoreOrderId(item.key.entity);
            let mut facts = remembered(id, item.aspects, states.remove(&id).unwrap_or_default());
            facts.cause.clone_from(&item.cause);
            facts.event = item.event;
            facts.told_at = Some(item.last_event_at);
            facts.waiting_since = Some(item.first_event_at);
            facts.read_from = Some(began_at);
            facts.written_at_store = self.connections.own_writes.wrote(&session.tenant, id, Platform::Bigcommerce, began_at);
            Active { was_held: !facts.held.is_empty(), item: item.clone(), facts, remarks: Vec::new(), began_at }
        };
        Ok(items.iter().map(active).collect())
    }

    /// Decides about all, executes what is decided, and tells who must be looked at again.
    async fn round(&self, session: &Session, active: Vec<Active>) -> (Vec<Active>, Vec<Looked>) {
        let (items, mut facts): (Vec<_>, Vec<_>) =
            active.into_iter().map(|one| ((one.item, one.remarks, one.was_held, one.began_at), one.facts)).unzip();
        let mut decisions = reconcile(session, &mut facts, self.clock.now()).await;
        let joined =
            items.into_iter().zip(facts).map(|((item, remarks, was_held, began_at), facts)| Active { item, facts, remarks, was_held, began_at });
        let advance = |one: Active| {
            let decision = decisions.remove(&one.facts.id);
            self.advance(session, one, decision)
        };
        let advanced: Vec<_> = joined.map(advance).collect();
        let results: Vec<Result<Active, Looked>> = stream::iter(advanced).buffer_unordered(session.calls_at_once).collect().await;
        let mut still = Vec::new();
        let mut finished = Vec::new();
        for result in results {
            match result {
                Ok(active) => still.push(active),
                Err(looked) => finished.push(looked),
            }
        }
        (still, finished)
    }

    /// Acts on one order's decision. `Ok` is an order that must be looked at again at once.
    async fn advance(&self, session: &Session, mut one: Active, decision: Option<Result<Decision, ReadError>>) -> Result<Active, Looked> {
        let decision = match decision {
            Some(Ok(decision)) => decision,
            Some(Err(error)) => {
                let outcome = failure::of_read(&error, one.item.attempts);
                return Err(self.looked(session, one, outcome));
            }
            None => return Err(self.looked(session, one, Outcome::later(Duration::from_secs(1), "it was not decided"))),
        };
        for remark in &decision.remarks {
            if !one.remarks.contains(remark) {
                one.remarks.push(remark.clone());
            }
        }
        // Looked into again within this go too: only an effect that was decided anew and needs no hold is free of it.
        one.facts.held.extend(decision.holds.iter().map(|hold| hold.effect));
        let recorded = match self.record(session, &mut one.facts, &decision).await {
            Ok(Recorded::Nothing) => false,
            Ok(Recorded::Something) => true,
            Ok(Recorded::Outdated) => return Err(self.looked(session, one, Outcome::later(RULES_WAIT, "the rules changed while it was decided"))),
            Err(error) => {
                let outcome = failure::failed(one.item.attempts, format!("database: {error}"));
                return Err(self.looked(session, one, outcome));
            }
        };
        for command in &decision.commands {
            if self.stop.is_cancelled() {
                return Err(self.looked(session, one, stopping()));
            }
            match self.was_tried_before(session, &mut one.facts, command).await {
                Ok(true) => return Ok(one),
                Ok(false) => {}
                Err(error) => {
                    let outcome = failure::failed(one.item.attempts, format!("journal: {error}"));
                    return Err(self.looked(session, one, outcome));
                }
            }
            match self.execute(session, command, &one.facts, one.item.attempts).await {
                Ok(effected) => {
                    self.note_write(session, &one.facts, command).await;
                    self.apply(&mut one.facts, command, effected);
                    extras::after_payment(&session.rules, &mut one.facts, command);
                }
                Err(Outcome::Held(holds)) => {
                    // Decided again with that knowledge: the order's other effects go on.
                    if !edits::refused(&mut one.facts, command, &holds) {
                        one.facts.refused.extend(holds.into_iter().map(|hold| (command.name(), hold)));
                    }
                    return Ok(one);
                }
                Err(outcome) => return Err(self.looked(session, one, outcome)),
            }
        }
        if recorded || !decision.commands.is_empty() {
            return Ok(one);
        }
        Err(self.settled(session, one, decision))
    }

    /// What becomes of an order about which nothing is left to do now.
    fn settled(&self, session: &Session, one: Active, decision: Decision) -> Looked {
        let held = |effect: &Effect| decision.holds.iter().any(|hold| hold.effect == *effect);
        match decision.again_after_seconds {
            // Not all of it was decided: what waited before stays as it is.
            Some(seconds) => {
                let wait = Duration::from_secs(u64::from(seconds));
                // What has a sales order already is read again because a read may have been stale; any event may come before that.
                let is_settling = one.facts.links.is_empty();
                let outcome = if is_settling { Outcome::settling(wait) } else { Outcome::later(wait, "what was read may be out of date") };
                Looked { also_held: decision.holds, ..self.looked(session, one, outcome) }
            }
            // Every held effect was decided anew on the way here: what is not held now is free.
            None => {
                let cleared = if one.was_held { Effect::ALL.into_iter().filter(|effect| !held(effect)).collect() } else { Vec::new() };
                let outcome = if decision.holds.is_empty() { Outcome::Done } else { Outcome::Held(decision.holds) };
                Looked { cleared, ..self.looked(session, one, outcome) }
            }
        }
    }

    /// Stores what a decision found out without any call.
    async fn record(&self, session: &Session, facts: &mut OrderFacts, decision: &Decision) -> Result<Recorded, DbError> {
        // First: what is wanted of a sales order must be known before it counts as compared.
        let mut recorded = if self.record_extras(session, facts, decision).await? { Recorded::Something } else { Recorded::Nothing };
        if let Some(sales_order) = decision.adopted {
            let key = || orderbridge_schema::command::external_ref(&session.store, facts.id);
            let external_ref = if decision.adopted_without_key { String::new() } else { key() };
            let link = OrderLink { order: facts.id, part: 0, sales_order, installation: session.installation, external_ref, verified: false };
            self.db.save_links(&session.account, &[NewLink::Order(session.tenant.clone(), link.clone())], &[]).await?;
            facts.links.push(link);
            facts.aspects = Aspects::ALL;
            recorded = Recorded::Something;
        }
        if let Some((sales_order, rows)) = &decision.verified {
            // With what was found wrong, in one transaction: whatever ends this go early, it stays known.
            let (holds, version) = (&decision.holds, session.rules_version);
            match self.db.save_comparison(&session.tenant, facts.id, *sales_order, rows, holds, version).await? {
                Comparison::Stored | Comparison::NotLinked => {}
                Comparison::Outdated => return Ok(Recorded::Outdated),
            }
            facts.links.iter_mut().filter(|link| link.sales_order == *sales_order).for_each(|link| link.verified = true);
            facts.row_links.extend(rows.iter().cloned());
            recorded = Recorded::Something;
        }
        for found in &decision.found_shipments {
            self.link_found_shipment(session, facts, found).await?;
            facts.shipment_links.push(found.clone());
            recorded = Recorded::Something;
        }
        if let Some(said) = &decision.customer {
            self.db.save_links(&session.account, &[NewLink::Customer(session.tenant.clone(), said.clone())], &[]).await?;
            facts.carried_of_customer(said);
        }
        if self.record_refunds(session, facts, decision).await? || self.record_payments(session, facts, decision).await? {
            recorded = Recorded::Something;
        }
        if let Some(pair) = decision.agreed {
            let before = facts.agreed.map(|agreement| agreement.pair);
            if before != Some(pair) {
                let agreement = Agreement { pair, before, at: self.clock.now() };
                self.db.save_agreed(&session.tenant, facts.id, pair).await?;
                facts.agreed = Some(agreement);
            }
        }
        Ok(recorded)
    }

    /// What a command changed is known without reading; what it may have changed besides is forgotten, so that it is read again.
    fn apply(&self, facts: &mut OrderFacts, command: &Command, effected: Effected) {
        match effected {
            Effected::Contact(contact) => facts.contact = Some(ContactFact::Linked(contact)),
            Effected::SalesOrder(link, made_with) => {
                facts.links.push(link);
                facts.agreed = made_with.map(|pair| Agreement { pair, before: None, at: self.clock.now() }).or(facts.agreed);
            }
            Effected::Reference(text) => {
                if let Some(Some(order)) = &mut facts.store_order {
                    order.external_order_id = text;
                }
            }
            Effected::Status(pair) => {
                let before = facts.agreed.map(|agreement| agreement.pair);
                facts.agreed = Some(Agreement { pair, before, at: self.clock.now() });
                match command {
                    Command::SetStoreStatus { .. } => {
                        if let Some(Some(order)) = &mut facts.store_order {
                            order.status = pair.store;
                        }
                    }
                    _ => facts.sales_orders.values_mut().flatten().for_each(|order| order.status = pair.brightpearl),
                }
            }
            Effected::Payment(link) => {
                facts.payments_in_doubt.remove(&link.reference);
                facts.payment_links.push(link);
            }
            Effected::Texts(texts) => texts.into_iter().for_each(|text| extras::wrote_text(facts, text)),
            Effected::Reserved(mark) => {
                refunds::released(facts, command);
                extras::remember_mark(facts, mark);
                edits::after_reservation(facts, command);
            }
            Effected::Row(id) => after_row(facts, command, id),
            Effected::Refund(mark) => refunds::remember(facts, mark),
            Effected::Edited(now) => edits::carried(facts, command, now.map(|now| *now)),
            Effected::Shipment(link) => {
                facts.shipment_links.push(link);
                facts.shipments = None;
                // The store may have moved the order to Shipped or Partially Shipped by itself (BC §d.5).
                facts.store_order = None;
            }
            Effected::Customer(said) => {
                facts.contacts.clear();
                facts.carried_of_customer(&said);
            }
        }
    }

    /// A shipment that was sent before without an answer is decided with that knowledge, and with a fresh list of shipments.
    async fn was_tried_before(&self, session: &Session, facts: &mut OrderFacts, command: &Command) -> Result<bool, DbError> {
        let Command::CreateShipment(_) = command else { return Ok(false) };
        let key = command.key(&Scope::Tenant(session.tenant.clone()), &session.account);
        let sent_at = self.db.journal_entry(&key).await?.filter(|entry| entry.sends > 0).and_then(|entry| entry.sent_at);
        let Some(sent_at) = sent_at.filter(|_| !facts.shipments_in_doubt.contains_key(&key.id)) else { return Ok(false) };
        facts.shipments_in_doubt.insert(key.id, sent_at);
        facts.shipments = None;
        Ok(true)
    }

    /// A shipment with our mark that is not linked: made by an attempt whose answer never came, or before a database was restored.
    async fn link_found_shipment(&self, session: &Session, facts: &OrderFacts, found: &ShipmentLink) -> Result<(), DbError> {
        let text = format!("{} was found at the store as shipment {}", NewShipment::mark(found.kind, found.note, None), found.shipment);
        let timeline = vec![self.entry(session, facts, "shipment-found", text)];
        let link = NewLink::Shipment(session.tenant.clone(), found.clone());
        let id = NewShipment::mark(found.kind, found.note, Some(found.address));
        let key = CommandKey { scope: Scope::Tenant(session.tenant.clone()), kind: CommandKind::CreateShipment, id };
        match self.db.journal_entry(&key).await? {
            Some(entry) if entry.state != CommandState::Confirmed => {
                let confirmed = Confirmed { links: vec![link], timeline, agreed: None };
                self.db.confirm(&entry, Some(found.shipment.0), confirmed).await?;
            }
            _ => self.db.save_links(&session.account, &[link], &timeline).await?,
        }
        Ok(())
    }

    fn looked(&self, session: &Session, active: Active, outcome: Outcome) -> Looked {
        let mut timeline: Vec<TimelineEntry> =
            active.remarks.iter().map(|remark| self.entry(session, &active.facts, remark.key, remark.text.clone())).collect();
        if let Outcome::Held(holds) = &outcome {
            timeline.extend(
                holds
                    .iter()
                    .map(|hold| self.entry(session, &active.facts, &format!("held:{}", hold.cause), format!("{}; {}", hold.why, hold.remedy))),
            );
        }
        let read = sweep::dates(session, &active.facts, active.began_at);
        let marks = Marks::of(session, &active.facts, &outcome);
        Looked { timeline, read, marks, rules_version: session.rules_version, ..Looked::plain(active.item, outcome) }
    }
}

/// The lease is given up: whoever works on the account next takes the order up.
fn stopping() -> Outcome {
    Outcome::later(Duration::ZERO, "the processor was told to stop")
}
