//! What a sweep found: what is known already is left out, the rest is told as an event each.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use orderbridge_postgres::Known;
use orderbridge_schema::command::parse_external_ref;
use orderbridge_schema::envelope::{Envelope, VERSION, Verified};
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{NoteId, Platform, SalesOrderId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::sweep::{KnownKind, SweepSource};
use uuid::Uuid;

use crate::connections::of_db;
use crate::failure;
use crate::outcome::Outcome;
use crate::sweep::listing::{Detail, Row};
use crate::sweep::run::Sweep;

/// Events on their way to the brokers at once.
const AT_ONCE: usize = 128;
/// When to try again while the brokers are away.
const BROKERS_WAIT: Duration = Duration::from_secs(10);

impl Sweep<'_> {
    /// Tells of what is not known yet, and returns when the brokers have acknowledged all of it.
    pub(super) async fn tell(&self, rows: Vec<Row>) -> Result<(), Outcome> {
        if rows.is_empty() {
            return Ok(());
        }
        let found = rows.len();
        let unknown = match self.source {
            SweepSource::StoreOrders => self.not_known(rows, KnownKind::StoreOrder).await?,
            SweepSource::SalesOrders => {
                let ours = self.of_our_orders(rows, sales_order_of).await?;
                self.not_known(ours, KnownKind::SalesOrder).await?
            }
            SweepSource::GoodsOutNotes => {
                let ours = self.of_our_orders(rows, note_of).await?;
                self.not_shipped(ours, NoteKind::GoodsOut).await?
            }
            SweepSource::DropShipNotes => return self.tell_drop_ships(rows).await,
            SweepSource::Products => self.changed_products(rows).await?,
            SweepSource::StoreHooks | SweepSource::AccountHooks | SweepSource::Catalogue | SweepSource::StoreVariants => Vec::new(),
        };
        tracing::debug!(scope = %self.scope, source = %self.source, found, unknown = unknown.len(), "swept a page");
        self.publish(&unknown).await
    }

    /// Those whose date is not the one they had when they were last looked into.
    async fn not_known(&self, mut rows: Vec<Row>, kind: KnownKind) -> Result<Vec<Row>, Outcome> {
        let dated: Vec<(u64, Timestamp)> = rows.iter().filter_map(|row| Some((row.id, row.at?))).collect();
        let known = self.worker.db.known(&self.scope, kind, &dated).await.map_err(|error| of_db(&error))?;
        rows.retain(|row| !known.contains(&row.id));
        Ok(rows)
    }

    /// Those that hang on a sales order which may be ours: not on one that is known as foreign, not on one whose key says so.
    async fn of_our_orders(&self, rows: Vec<Row>, order_of: impl Fn(&Row) -> Option<SalesOrderId>) -> Result<Vec<Row>, Outcome> {
        let is_ours = |row: &Row| match &row.detail {
            Detail::ExternalRef(Some(key)) => parse_external_ref(key).is_some_and(|(store, _)| self.stores.contains(&store)),
            Detail::ExternalRef(None) | Detail::NoteOf(_) | Detail::None | Detail::Product(_) => true,
        };
        let (mut rows, others): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(is_ours);
        rows.extend(self.taken_over(others, &order_of).await?);
        let orders: Vec<SalesOrderId> = rows.iter().filter_map(&order_of).collect();
        let foreign = self.worker.db.foreign(&self.account, &orders).await.map_err(|error| of_db(&error))?;
        rows.retain(|row| order_of(row).is_some_and(|order| !foreign.contains(&order)));
        Ok(rows)
    }

    /// Those with another system's key that stand for an order of ours all the same.
    async fn taken_over(&self, mut rows: Vec<Row>, order_of: impl Fn(&Row) -> Option<SalesOrderId>) -> Result<Vec<Row>, Outcome> {
        let orders: Vec<SalesOrderId> = rows.iter().filter_map(&order_of).collect();
        if orders.is_empty() {
            return Ok(rows);
        }
        let linked = self.worker.db.orders_of_sales_orders(&self.account, &orders).await.map_err(|error| of_db(&error))?;
        rows.retain(|row| order_of(row).is_some_and(|order| linked.contains_key(&order)));
        Ok(rows)
    }

    /// Notes that have not become a shipment, and were not found to need none.
    async fn not_shipped(&self, rows: Vec<Row>, kind: NoteKind) -> Result<Vec<Row>, Outcome> {
        let known = match kind {
            NoteKind::GoodsOut => KnownKind::GoodsOutNote,
            NoteKind::DropShip => KnownKind::DropShipNote,
        };
        let mut rows = self.not_known(rows, known).await?;
        let ids: Vec<NoteId> = rows.iter().map(|row| NoteId(row.id)).collect();
        let shipped = self.worker.db.notes_with_shipment(&self.account, kind, &ids).await.map_err(|error| of_db(&error))?;
        rows.retain(|row| !shipped.contains(&NoteId(row.id)));
        Ok(rows)
    }

    /// Drop-ship notes cannot be searched for (BP §h.4). They are read by their sales orders, which change when a note leaves.
    async fn tell_drop_ships(&self, rows: Vec<Row>) -> Result<(), Outcome> {
        let db = &self.worker.db;
        let Some(client) = &self.brightpearl else { return Ok(()) };
        let ours = self.of_our_orders(rows, sales_order_of).await?;
        let changed = self.not_known(ours, KnownKind::DropShipsOf).await?;
        let dates: BTreeMap<SalesOrderId, Option<Timestamp>> = changed.iter().map(|row| (SalesOrderId(row.id), row.at)).collect();
        let ids: Vec<SalesOrderId> = dates.keys().copied().collect();
        let linked = db.orders_of_sales_orders(&self.account, &ids).await.map_err(|error| of_db(&error))?;
        let orders: Vec<SalesOrderId> = ids.into_iter().filter(|id| linked.contains_key(id)).collect();
        if orders.is_empty() {
            return Ok(());
        }
        let read_at = self.worker.clock.now();
        let notes = client.notes_of_orders(NoteKind::DropShip, &orders, self.share).await;
        let notes = notes.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, 0))?;
        let left = notes.into_iter().filter(|note| note.shipped && !note.transfer);
        let left = left.map(|note| Row { id: note.id.0, at: note.shipped_at, detail: Detail::NoteOf(note.order) }).collect();
        let unknown = self.not_shipped(left, NoteKind::DropShip).await?;
        self.publish(&unknown).await?;
        let known = |order: SalesOrderId| {
            let modified_at = dates.get(&order).copied().flatten()?;
            Some(Known { scope: self.scope.clone(), kind: KnownKind::DropShipsOf, entity: order.0, modified_at, read_at })
        };
        let known: Vec<Known> = orders.into_iter().filter_map(known).collect();
        db.remember_known(&known).await.map_err(|error| of_db(&error))
    }

    /// Products whose identities differ from what we know.
    async fn changed_products(&self, mut rows: Vec<Row>) -> Result<Vec<Row>, Outcome> {
        let identity = |row: &Row| if let Detail::Product(identity) = &row.detail { Some(identity.clone()) } else { None };
        let identities: Vec<ProductIdentity> = rows.iter().filter_map(identity).collect();
        let unlike: HashSet<u64> = self
            .worker
            .db
            .products_unlike(&self.account, &identities)
            .await
            .map(|ids| ids.into_iter().map(|id| id.0).collect())
            .map_err(|error| of_db(&error))?;
        rows.retain(|row| unlike.contains(&row.id));
        Ok(rows)
    }

    /// One event each, on the topic that webhooks of its kind go to.
    async fn publish(&self, rows: &[Row]) -> Result<(), Outcome> {
        let envelopes: Vec<Envelope> = rows.iter().map(|row| self.envelope(row)).collect();
        let publish = |envelope: Envelope| {
            let publisher = self.worker.publisher.clone();
            async move { publisher.publish(&envelope).await }
        };
        let mut published = stream::iter(envelopes).map(publish).buffer_unordered(AT_ONCE);
        while let Some(result) = published.next().await {
            if let Err(error) = result {
                tracing::warn!(scope = %self.scope, source = %self.source, %error, "what a sweep found could not be published yet");
                return Err(Outcome::later(BROKERS_WAIT, format!("what was found could not be published: {error}")));
            }
        }
        metrics::counter!("orderbridge_swept_events_total", "source" => self.source.as_str())
            .increment(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn envelope(&self, row: &Row) -> Envelope {
        Envelope {
            version: VERSION,
            event_id: Uuid::now_v7(),
            platform: self.platform,
            connection: self.connection.clone(),
            tenant: self.tenant.clone(),
            account: self.account.clone(),
            event_type: self.event.0.to_owned(),
            entity: self.event.1,
            ids: row.id.to_string(),
            delivery_id: None,
            occurred_at: row.at,
            received_at: self.worker.clock.now(),
            verified: Verified::Swept,
            store_status: None,
            traceparent: None,
        }
    }
}

const fn sales_order_of(row: &Row) -> Option<SalesOrderId> {
    Some(SalesOrderId(row.id))
}

/// A note without a sales order moves stock between warehouses and is no shipment.
const fn note_of(row: &Row) -> Option<SalesOrderId> {
    match row.detail {
        Detail::NoteOf(order) => order,
        Detail::None | Detail::ExternalRef(_) | Detail::Product(_) => None,
    }
}
