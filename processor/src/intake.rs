//! From events to work items: id sets are expanded, events of one entity are one upsert, and nothing else is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderbridge_http_client::crash;
use orderbridge_kafka::{Batch, BatchHandler, BatchOutcome, DeadLetters, Halt, Partition, Record, StoreUnavailable};
use orderbridge_postgres::{Db, DbError, OffsetStep};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::envelope::{EntityKind, Envelope, Verified};
use orderbridge_schema::idset::{self, IdSetError};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::sweep::SweepSource;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};
use tokio::runtime::Handle;

/// Most ids of one event that become a work item each (design, "Intake").
const IDS_MAX: usize = 10_000;

/// Work items of one transaction, unless a single record has more: a statement must end well within its time limit.
const ITEMS_MAX: usize = 10_000;

/// The work items an event asks for; none if nobody needs to know of it.
///
/// # Errors
/// Why it can never be understood; such a record goes to the dead letters.
pub fn work_of(envelope: &Envelope) -> Result<Vec<Upsert>, String> {
    let Some((scope, kind, aspects, share)) = concern(envelope) else { return Ok(Vec::new()) };
    if kind == WorkKind::Connection {
        return Ok(vec![upsert(envelope, &scope, kind, 0, aspects, share)]);
    }
    match idset::expand(&envelope.ids, IDS_MAX) {
        Ok(ids) => Ok(ids.into_iter().map(|entity| upsert(envelope, &scope, kind, entity, aspects, share)).collect()),
        Err(IdSetError::TooMany(_)) if idset::is_id_set(&envelope.ids) => {
            Ok(swept_by(kind).map(|source| sweep(envelope, scope, source)).into_iter().collect())
        }
        Err(_) => Err(format!("{}: {}", envelope.event_type, IdSetError::Malformed)),
    }
}

/// The sweep that finds all changed objects of a kind.
const fn swept_by(kind: WorkKind) -> Option<SweepSource> {
    match kind {
        WorkKind::Order => Some(SweepSource::StoreOrders),
        WorkKind::SalesOrder => Some(SweepSource::SalesOrders),
        WorkKind::GoodsOutNote => Some(SweepSource::GoodsOutNotes),
        WorkKind::DropShipNote => Some(SweepSource::DropShipNotes),
        WorkKind::Product => Some(SweepSource::Products),
        WorkKind::StoreProduct => Some(SweepSource::StoreVariants),
        WorkKind::Connection | WorkKind::Sweep => None,
    }
}

/// An event that names more objects than are told apart: all that changed at that time or later are looked for, in pages.
fn sweep(envelope: &Envelope, scope: Scope, source: SweepSource) -> Upsert {
    let by_number = upsert(envelope, &scope, WorkKind::Sweep, source.number(), Aspects::default(), Share::Sweeps);
    Upsert { key: source.key(scope), ..by_number }
}

fn upsert(envelope: &Envelope, scope: &Scope, kind: WorkKind, entity: u64, aspects: Aspects, share: Share) -> Upsert {
    Upsert {
        key: WorkKey { scope: scope.clone(), kind, entity },
        account: envelope.account.clone(),
        aspects,
        share,
        event_at: envelope.occurred_at.unwrap_or(envelope.received_at),
        cause: cause(envelope),
        event: Some(envelope.event_id),
        seen: envelope.store_status.filter(|_| kind == WorkKind::Order).map(StatusSet::of).unwrap_or_default(),
    }
}

/// What asked, for the timeline.
fn cause(envelope: &Envelope) -> String {
    match envelope.verified {
        Verified::Swept => format!("{} (found by a sweep)", envelope.event_type),
        Verified::Signature | Verified::StaleSignature | Verified::Header | Verified::PathSecret => envelope.event_type.clone(),
    }
}

/// Whom an event concerns; `None` for events that change nothing we keep in step.
fn concern(envelope: &Envelope) -> Option<(Scope, WorkKind, Aspects, Share)> {
    let share = |urgent: Share| if envelope.verified == Verified::Swept { Share::Sweeps } else { urgent };
    let account = Scope::Account(envelope.account.clone());
    let shipped = envelope.event_type.ends_with(".shipped");
    match envelope.entity {
        EntityKind::Order => Some((Scope::Tenant(envelope.tenant.clone()?), WorkKind::Order, aspects_of_order(envelope), share(Share::Orders))),
        // Fires for our own creations only, which the journal knows already (BP §d.3).
        EntityKind::SalesOrder if envelope.event_type == "sales-order.created" => None,
        EntityKind::SalesOrder => Some((account, WorkKind::SalesOrder, Aspects::SALES_ORDER, share(Share::Orders))),
        // A note concerns the store once it has left; picking and packing do not.
        EntityKind::GoodsOutNote if shipped => Some((account, WorkKind::GoodsOutNote, Aspects::NOTES, share(Share::Fulfilment))),
        EntityKind::DropShipNote if shipped => Some((account, WorkKind::DropShipNote, Aspects::NOTES, share(Share::Fulfilment))),
        // Stock and prices move all day and change no identity.
        EntityKind::Product if !envelope.event_type.ends_with(".on-hand-modified") && !envelope.event_type.ends_with(".price-modified") => {
            Some((account, WorkKind::Product, Aspects::ALL, share(Share::Stock)))
        }
        EntityKind::GoodsOutNote | EntityKind::DropShipNote | EntityKind::Product => None,
        // The event may be late, and the app be installed again: whether we are still let in is asked, not believed.
        EntityKind::Store if envelope.event_type == "store/app/uninstalled" => {
            Some((Scope::Tenant(envelope.tenant.clone()?), WorkKind::Connection, Aspects::default(), Share::Orders))
        }
        // Likewise: its inventory says nothing of what it is known by (BC §c).
        EntityKind::StoreProduct if !envelope.event_type.contains("inventory") => {
            Some((Scope::Tenant(envelope.tenant.clone()?), WorkKind::StoreProduct, Aspects::ALL, share(Share::Stock)))
        }
        EntityKind::Customer | EntityKind::StoreProduct | EntityKind::Store => None,
    }
}

/// A payment record or a refund may be all that changed, and whatever a sweep found may have been told of by an event that was lost.
fn aspects_of_order(envelope: &Envelope) -> Aspects {
    if envelope.event_type.contains("/refund/") {
        return Aspects::STORE_ORDER.with(Aspects::REFUNDS);
    }
    let may_be_paid = envelope.event_type.contains("/transaction/") || envelope.verified == Verified::Swept;
    if may_be_paid { Aspects::STORE_ORDER.with(Aspects::TRANSACTIONS) } else { Aspects::STORE_ORDER }
}

/// Joins upserts of the same entity and sorts them by key, so that two intakes never lock rows in opposite order.
pub fn joined(upserts: impl IntoIterator<Item = Upsert>) -> Vec<Upsert> {
    let mut by_key: BTreeMap<WorkKey, Upsert> = BTreeMap::new();
    for upsert in upserts {
        match by_key.get_mut(&upsert.key) {
            None => {
                by_key.insert(upsert.key.clone(), upsert);
            }
            Some(earlier) => {
                earlier.aspects = earlier.aspects.with(upsert.aspects);
                earlier.share = earlier.share.min(upsert.share);
                earlier.seen = earlier.seen.with(upsert.seen);
                if upsert.event_at >= earlier.event_at {
                    earlier.event_at = upsert.event_at;
                    earlier.cause = upsert.cause;
                    earlier.event = upsert.event;
                }
            }
        }
    }
    by_key.into_values().collect()
}

/// Stores batches for the consumer, on the consumer's own thread.
pub(crate) struct Intake {
    pub(crate) db: Db,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) runtime: Handle,
    /// Records of the batch in hand that are among the dead letters already: a batch may be offered again while the database is away.
    pub(crate) buried: Mutex<BTreeSet<(Partition, i64)>>,
    /// Where the database stood last, as far as this process knows.
    pub(crate) places: Mutex<BTreeMap<Partition, Option<i64>>>,
}

/// Why a batch was not stored.
enum NotStored {
    /// The database or the brokers are away.
    Unavailable(String),
    /// The database stands elsewhere than the batch was read from.
    Displaced,
}

impl From<String> for NotStored {
    fn from(why: String) -> Self {
        Self::Unavailable(why)
    }
}

impl Intake {
    /// Stores records and the offsets behind them, in as few transactions as their size allows. Should the database refuse one of them
    /// for what it is, it is found by halving.
    fn store_records(&self, records: &[Record]) -> Result<(), NotStored> {
        let understood: Vec<Result<Vec<Upsert>, String>> =
            records.iter().map(|record| record.envelope.as_ref().map_err(String::clone).and_then(work_of)).collect();
        let items: usize = understood.iter().flatten().map(Vec::len).sum();
        if items > ITEMS_MAX && records.len() > 1 {
            return self.store_split(records);
        }
        for (record, result) in records.iter().zip(&understood) {
            if let Err(reason) = result {
                self.bury(record, reason)?;
            }
        }
        let upserts = joined(understood.into_iter().flatten().flatten());
        crash::point("before-intake");
        let stored = self.commit(&upserts, records);
        crash::point("after-intake");
        match stored {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotStored::Displaced),
            Err(error) if error.is_transient() => Err(error.to_string().into()),
            Err(error) => self.store_halves(records, &error),
        }
    }

    /// Stores work and offsets in one transaction; remembers where the database stands then.
    fn commit(&self, upserts: &[Upsert], records: &[Record]) -> Result<bool, DbError> {
        let steps = steps(records, &self.places());
        let stored = self.runtime.block_on(self.db.intake(upserts, &steps))?;
        if stored {
            let mut places = self.places();
            places.extend(steps.iter().map(|step| (Partition { topic: step.topic, partition: step.partition }, Some(step.next))));
        }
        Ok(stored)
    }

    fn store_split(&self, records: &[Record]) -> Result<(), NotStored> {
        let (first, second) = records.split_at(records.len() / 2);
        self.store_records(first)?;
        self.store_records(second)
    }

    fn store_halves(&self, records: &[Record], error: &DbError) -> Result<(), NotStored> {
        match records {
            [] => Err(error.to_string().into()),
            [record] => {
                self.bury(record, &format!("the database refuses it: {error}"))?;
                let stored = self.commit(&[], records).map_err(|error| error.to_string())?;
                if stored { Ok(()) } else { Err(NotStored::Displaced) }
            }
            _ => self.store_split(records),
        }
    }

    /// Puts a record among the dead letters. Its offset is passed only after the broker has acknowledged that.
    fn bury(&self, record: &Record, reason: &str) -> Result<(), String> {
        let place = (record.at(), record.offset);
        if self.buried().contains(&place) {
            return Ok(());
        }
        tracing::error!(record = %record.at(), offset = record.offset, reason, "a record went to the dead letters");
        metrics::counter!("orderbridge_dead_letters_total", "topic" => record.topic.name()).increment(1);
        let buried = self.runtime.block_on(self.dead_letters.publish(record, reason, self.clock.now()));
        buried.map_err(|error| error.to_string())?;
        self.buried().insert(place);
        Ok(())
    }

    fn buried(&self) -> MutexGuard<'_, BTreeSet<(Partition, i64)>> {
        self.buried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<Partition, Option<i64>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, partition: Partition) -> Result<Option<i64>, StoreUnavailable> {
        let offset = self.runtime.block_on(self.db.stored_offset(partition.topic, partition.partition));
        offset.map_err(|error| StoreUnavailable(error.to_string()))
    }
}

impl BatchHandler for Intake {
    fn stored_offsets(&self, partitions: &[Partition]) -> Result<Vec<Option<i64>>, StoreUnavailable> {
        let stored: Vec<Option<i64>> = partitions.iter().map(|&partition| self.ask(partition)).collect::<Result<_, _>>()?;
        self.places().extend(partitions.iter().copied().zip(stored.iter().copied()));
        Ok(stored)
    }

    fn displaced(&self, partitions: &[Partition]) -> Result<Vec<Partition>, StoreUnavailable> {
        let mut displaced = Vec::new();
        for &partition in partitions {
            let stored = self.ask(partition)?;
            if self.places().get(&partition).is_some_and(|known| *known != stored) {
                displaced.push(partition);
            }
        }
        Ok(displaced)
    }

    fn store(&self, batch: &Batch) -> BatchOutcome {
        match self.store_records(&batch.records) {
            Ok(()) => {
                self.buried().clear();
                metrics::counter!("orderbridge_events_taken_in_total").increment(u64::try_from(batch.records.len()).unwrap_or(u64::MAX));
                BatchOutcome::Stored
            }
            Err(NotStored::Unavailable(why)) => BatchOutcome::Unavailable(why),
            Err(NotStored::Displaced) => BatchOutcome::Displaced,
        }
    }

    fn halted(&self, halt: Halt) {
        tracing::error!(
            partition = %halt.partition,
            offset = halt.offset,
            version = halt.version,
            "a newer version's records stand here: deploy the processors first"
        );
    }
}

/// How far records take their partitions.
fn steps(records: &[Record], places: &BTreeMap<Partition, Option<i64>>) -> Vec<OffsetStep> {
    let mut next: BTreeMap<Partition, i64> = BTreeMap::new();
    for record in records {
        let offset = next.entry(record.at()).or_default();
        *offset = (*offset).max(record.offset + 1);
    }
    let step = |(at, next): (Partition, i64)| OffsetStep { topic: at.topic, partition: at.partition, from: places.get(&at).copied().flatten(), next };
    next.into_iter().map(step).collect()
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
