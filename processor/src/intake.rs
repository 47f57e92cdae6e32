//! From events to work items: id sets are expanded, events of one entity are one upsert, and nothing else is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use orderbridge_kafka::{Batch, BatchHandler, BatchOutcome, DeadLetters, Halt, Partition, Record, StoreUnavailable};
use orderbridge_postgres::{Db, DbError};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::envelope::{EntityKind, Envelope, Verified};
use orderbridge_schema::idset::{self, IdSetError};
use orderbridge_schema::topics::Topic;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};
use tokio::runtime::Handle;

/// Most ids that one event may name (design, "Intake").
const IDS_MAX: usize = 10_000;

/// Work items of one transaction, unless a single record has more: a statement must end well within its time limit.
const ITEMS_MAX: usize = 10_000;

/// The work items an event asks for; none if nobody needs to know of it.
///
/// # Errors
/// Why it can never be understood; such a record goes to the dead letters.
pub(crate) fn work_of(envelope: &Envelope) -> Result<Vec<Upsert>, String> {
    let Some((scope, kind, aspects, share)) = concern(envelope) else { return Ok(Vec::new()) };
    let refused = |error: IdSetError| format!("{}: {error}", envelope.event_type);
    let ids = idset::expand(&envelope.ids, IDS_MAX).map_err(refused)?;
    Ok(ids.into_iter().map(|entity| upsert(envelope, &scope, kind, entity, aspects, share)).collect())
}

fn upsert(envelope: &Envelope, scope: &Scope, kind: WorkKind, entity: u64, aspects: Aspects, share: Share) -> Upsert {
    Upsert {
        key: WorkKey { scope: scope.clone(), kind, entity },
        account: envelope.account.clone(),
        aspects,
        share,
        event_at: envelope.occurred_at.unwrap_or(envelope.received_at),
        cause: envelope.event_type.clone(),
    }
}

/// Whom an event concerns; `None` for events that change nothing we keep in step.
fn concern(envelope: &Envelope) -> Option<(Scope, WorkKind, Aspects, Share)> {
    let share = |urgent: Share| if envelope.verified == Verified::Swept { Share::Sweeps } else { urgent };
    let account = Scope::Account(envelope.account.clone());
    let shipped = envelope.event_type.ends_with(".shipped");
    match envelope.entity {
        EntityKind::Order => Some((Scope::Tenant(envelope.tenant.clone()?), WorkKind::Order, Aspects::STORE_ORDER, share(Share::Orders))),
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
        EntityKind::Customer | EntityKind::StoreProduct | EntityKind::Store => None,
    }
}

/// Joins upserts of the same entity and sorts them by key, so that two intakes never lock rows in opposite order.
pub(crate) fn joined(upserts: impl IntoIterator<Item = Upsert>) -> Vec<Upsert> {
    let mut by_key: BTreeMap<WorkKey, Upsert> = BTreeMap::new();
    for upsert in upserts {
        match by_key.get_mut(&upsert.key) {
            None => {
                by_key.insert(upsert.key.clone(), upsert);
            }
            Some(earlier) => {
                earlier.aspects = earlier.aspects.with(upsert.aspects);
                earlier.share = earlier.share.min(upsert.share);
                if upsert.event_at >= earlier.event_at {
                    earlier.event_at = upsert.event_at;
                    earlier.cause = upsert.cause;
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
}

impl Intake {
    /// Stores records and the offsets behind them, in as few transactions as their size allows. Should the database refuse one of them
    /// for what it is, it is found by halving.
    fn store_records(&self, records: &[Record]) -> Result<(), String> {
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
        match self.runtime.block_on(self.db.intake(&upserts, &next_offsets(records))) {
            Ok(()) => Ok(()),
            Err(error) if error.is_transient() => Err(error.to_string()),
            Err(error) => self.store_halves(records, &error),
        }
    }

    fn store_split(&self, records: &[Record]) -> Result<(), String> {
        let (first, second) = records.split_at(records.len() / 2);
        self.store_records(first)?;
        self.store_records(second)
    }

    fn store_halves(&self, records: &[Record], error: &DbError) -> Result<(), String> {
        match records {
            [] => Err(error.to_string()),
            [record] => {
                self.bury(record, &format!("the database refuses it: {error}"))?;
                let stored = self.runtime.block_on(self.db.intake(&[], &next_offsets(records)));
                stored.map_err(|error| error.to_string())
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

    fn buried(&self) -> std::sync::MutexGuard<'_, BTreeSet<(Partition, i64)>> {
        self.buried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BatchHandler for Intake {
    fn stored_offsets(&self, partitions: &[Partition]) -> Result<Vec<Option<i64>>, StoreUnavailable> {
        let stored = |partition: &Partition| {
            let offset = self.runtime.block_on(self.db.stored_offset(partition.topic, partition.partition));
            offset.map_err(|error| StoreUnavailable(error.to_string()))
        };
        partitions.iter().map(stored).collect()
    }

    fn store(&self, batch: &Batch) -> BatchOutcome {
        match self.store_records(&batch.records) {
            Ok(()) => {
                self.buried().clear();
                metrics::counter!("orderbridge_events_taken_in_total").increment(u64::try_from(batch.records.len()).unwrap_or(u64::MAX));
                BatchOutcome::Stored
            }
            Err(why) => BatchOutcome::Unavailable(why),
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

fn next_offsets(records: &[Record]) -> Vec<(Topic, i32, i64)> {
    let mut next: BTreeMap<Partition, i64> = BTreeMap::new();
    for record in records {
        let offset = next.entry(record.at()).or_default();
        *offset = (*offset).max(record.offset + 1);
    }
    next.into_iter().map(|(at, offset)| (at.topic, at.partition, offset)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(fields: &str) -> Envelope {
        let json = format!(
            r#"{{"version":1,"event_id":"019d0000-0000-7000-8000-000000000001","connection":"c","account":"acme","received_at":"2026-03-01T09:30:01Z",{fields}}}"#
        );
        Envelope::from_json(json.as_bytes()).unwrap()
    }

    fn work(fields: &str) -> Vec<Upsert> {
        work_of(&event(fields)).unwrap()
    }

    #[test]
    fn an_order_event_is_work_for_its_tenant() {
        let work = work(
            r#""platform":"bigcommerce","tenant":"acme-uk","event_type":"store/order/updated","entity":"order","ids":"250","verified":"signature""#,
        );
        assert_eq!(work.len(), 1);
        assert_eq!(work[0].key.to_string(), "acme-uk/order/250");
        assert_eq!(work[0].share, Share::Orders);
    }

    #[test]
    fn an_id_set_of_shipped_notes_is_one_item_each() {
        let work = work(
            r#""platform":"brightpearl","event_type":"goods-out-note.modified.shipped","entity":"goods-out-note","ids":"4101-4103,4110","verified":"path-secret""#,
        );
        assert_eq!(work.iter().map(|upsert| upsert.key.entity).collect::<Vec<_>>(), [4101, 4102, 4103, 4110]);
        assert_eq!(work[0].key.scope.to_string(), "@acme");
    }

    #[test]
    fn events_that_change_nothing_for_us_are_no_work() {
        for (event, entity) in [
            ("goods-out-note.modified.picked", "goods-out-note"),
            ("sales-order.created", "sales-order"),
            ("product.modified.on-hand-modified", "product"),
        ] {
            let fields = format!(r#""platform":"brightpearl","event_type":"{event}","entity":"{entity}","ids":"1","verified":"path-secret""#);
            assert!(work(&fields).is_empty(), "{event}");
        }
    }

    #[test]
    fn ids_that_cannot_be_understood_are_told() {
        for ids in ["x", "", "5-1", "1-20000"] {
            let fields =
                format!(r#""platform":"brightpearl","event_type":"order.modified","entity":"sales-order","ids":"{ids}","verified":"path-secret""#);
            assert!(work_of(&event(&fields)).is_err(), "{ids}");
        }
    }

    #[test]
    fn events_of_one_entity_are_one_upsert_with_the_latest_cause_and_the_most_urgent_share() {
        let one = |cause: &str, second: i64, share, aspects| Upsert {
            key: WorkKey { scope: "acme-uk".parse().unwrap(), kind: WorkKind::Order, entity: 250 },
            account: "acme".parse().unwrap(),
            aspects,
            share,
            event_at: jiff::Timestamp::from_second(second).unwrap(),
            cause: cause.into(),
        };
        let joined = joined([one("late", 20, Share::Sweeps, Aspects::NOTES), one("early", 10, Share::Orders, Aspects::STORE_ORDER)]);
        assert_eq!(joined.len(), 1);
        assert_eq!((joined[0].cause.as_str(), joined[0].share), ("late", Share::Orders));
        assert!(joined[0].aspects.has(Aspects::NOTES) && joined[0].aspects.has(Aspects::STORE_ORDER));
    }
}
