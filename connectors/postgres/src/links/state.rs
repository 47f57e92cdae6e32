//! Everything remembered about a batch of orders, in one round trip.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Double, Jsonb, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::decision::{AgreedStatus, Agreement};
use orderbridge_schema::ids::{
    NoteId, OrderAddressId, OrderLineId, ProductId, SalesOrderId, SalesOrderRowId, SalesOrderStatusId, ShipmentId, StoreOrderId, StoreStatusId,
    TenantId,
};
use orderbridge_schema::link::{OrderLink, RowLink, ShipmentLink};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::{Scope, WorkKey, WorkKind};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::journal::{StoredCommand, seconds};
use crate::links::OrderState;
use crate::links::extras::{StoredMark, StoredText};
use crate::links::in_step::{StoredAbsence, StoredInStep};
use crate::links::payment::{PAYMENT_LINK, StoredPayment};
use crate::sql::{bigs, parsed, unsigned};
use crate::work::{StoredHold, effect};

/// What `STATE` has in place of this is the select list of a payment link.
const PAYMENT: &str = "{PAYMENT_LINK}";

const STATE: &str = "select o.id, \
     (select coalesce(jsonb_agg(to_jsonb(l) || jsonb_build_object('exchange_rate', l.exchange_rate::text) order by l.part), '[]') from order_links l where l.tenant = $1 and l.store_order = o.id) as links, \
     (select coalesce(jsonb_agg(to_jsonb(r) order by r.sales_order, r.row_id), '[]') from row_links r where r.tenant = $1 and r.store_order = o.id) as rows, \
     (select coalesce(jsonb_agg(to_jsonb(s) order by s.note_kind, s.note, s.address), '[]') from shipment_links s where s.tenant = $1 and s.store_order = o.id) as shipments, \
     (select coalesce(jsonb_agg({PAYMENT_LINK} order by p.payment), '[]') from payment_links p where p.tenant = $1 and p.store_order = o.id) as payments, \
     (select s.seen from payments_seen s where s.tenant = $1 and s.store_order = o.id) as paid_as_seen, \
     (select coalesce(jsonb_agg(f.mark order by f.refund), '[]') from refunds f where f.tenant = $1 and f.store_order = o.id) as refunds, \
     (select s.seen from refunds_seen s where s.tenant = $1 and s.store_order = o.id) as refunds_as_seen, \
     (select coalesce(jsonb_agg(to_jsonb(a)), '[]') from agreements a where a.tenant = $1 and a.store_order = o.id) as agreed, \
     (select coalesce(jsonb_agg(to_jsonb(m) order by m.sales_order), '[]') from reservations m where m.tenant = $1 and m.store_order = o.id) as reservations, \
     (select coalesce(jsonb_agg(to_jsonb(x) order by x.sales_order, x.source), '[]') from sent_texts x where x.tenant = $1 and x.store_order = o.id) as sent_texts, \
     (select coalesce(jsonb_agg(to_jsonb(i) order by i.sales_order), '[]') from orders_in_step i where i.tenant = $1 and i.store_order = o.id) as in_step, \
     (select coalesce(jsonb_agg(to_jsonb(a) order by a.what, a.sales_order), '[]') from order_absences a where a.tenant = $1 and a.store_order = o.id) as absences, \
     (select coalesce(jsonb_agg(to_jsonb(h) order by h.effect), '[]') from holds h where h.scope = $1 and h.kind = 'order' and h.entity = o.id) as holds, \
     (select to_jsonb(m) from order_marks m where m.tenant = $1 and m.store_order = o.id) as marks, \
     (select coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object( \
            'state', case when c.state = 'sent' and c.deadline_at < clock_timestamp() then 'in_doubt' else c.state end, \
            'settles_at', c.deadline_at + make_interval(secs => $3)) order by c.kind, c.id), '[]') \
        from commands c where c.scope = $1 \
          and (c.target in ('order/' || o.id, 'sales-order-of/' || o.id, 'payments-of/' || o.id) \
            or c.target in (select 'sales-order/' || l.sales_order from order_links l where l.tenant = $1 and l.store_order = o.id)) \
          and (c.state in ('sent', 'in_doubt') or (c.state = 'confirmed' and c.result_id is null and c.repeatability <> 'absolute'))) as unsettled \
   from unnest($2::bigint[]) as o (id)";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Jsonb)]
    links: Value,
    #[diesel(sql_type = Jsonb)]
    rows: Value,
    #[diesel(sql_type = Jsonb)]
    shipments: Value,
    #[diesel(sql_type = Jsonb)]
    payments: Value,
    #[diesel(sql_type = Nullable<Text>)]
    paid_as_seen: Option<String>,
    #[diesel(sql_type = Jsonb)]
    refunds: Value,
    #[diesel(sql_type = Nullable<Text>)]
    refunds_as_seen: Option<String>,
    #[diesel(sql_type = Jsonb)]
    agreed: Value,
    #[diesel(sql_type = Jsonb)]
    reservations: Value,
    #[diesel(sql_type = Jsonb)]
    sent_texts: Value,
    #[diesel(sql_type = Jsonb)]
    in_step: Value,
    #[diesel(sql_type = Jsonb)]
    absences: Value,
    #[diesel(sql_type = Jsonb)]
    holds: Value,
    #[diesel(sql_type = Jsonb)]
    unsettled: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    marks: Option<Value>,
}

#[derive(Deserialize, Default)]
struct StoredMarks {
    seen: i32,
    adopt: Option<u64>,
}

#[derive(Deserialize)]
struct StoredOrder {
    store_order: u64,
    part: u32,
    sales_order: u64,
    installation: u64,
    external_ref: String,
    verified: bool,
    exchange_rate: Option<Decimal>,
}

#[derive(Deserialize)]
struct StoredRow {
    line: u64,
    address: u64,
    sales_order: u64,
    row_id: u64,
    product: u64,
    quantity: u32,
    shippable: bool,
}

#[derive(Deserialize)]
struct StoredShipment {
    note_kind: String,
    note: u64,
    store_order: u64,
    address: u64,
    shipment: u64,
}

#[derive(Deserialize)]
struct StoredAgreement {
    store_status: u64,
    brightpearl_status: u64,
    before_store_status: Option<u64>,
    before_brightpearl_status: Option<u64>,
    agreed_at: Timestamp,
}

#[derive(Deserialize)]
struct HoldJson {
    effect: String,
    cause: String,
    why: String,
    remedy: String,
    rules_version: Option<i64>,
    held_at: Timestamp,
    released_at: Option<Timestamp>,
}

fn list<T: DeserializeOwned>(value: Value) -> Result<Vec<T>, DbError> {
    one(value)
}

fn one<T: DeserializeOwned>(value: Value) -> Result<T, DbError> {
    serde_json::from_value(value).map_err(|error| DbError::Data(format!("stored order state cannot be read: {error}")))
}

impl StoredOrder {
    fn read(self) -> OrderLink {
        OrderLink {
            order: StoreOrderId(self.store_order),
            part: self.part,
            sales_order: SalesOrderId(self.sales_order),
            installation: self.installation.into(),
            external_ref: self.external_ref,
            verified: self.verified,
        }
    }
}

impl StoredRow {
    fn read(self) -> RowLink {
        RowLink {
            line: OrderLineId(self.line),
            address: OrderAddressId(self.address),
            sales_order: SalesOrderId(self.sales_order),
            row: SalesOrderRowId(self.row_id),
            product: ProductId(self.product),
            quantity: self.quantity,
            shippable: self.shippable,
        }
    }
}

impl StoredShipment {
    fn read(self) -> Result<ShipmentLink, DbError> {
        Ok(ShipmentLink {
            kind: parsed(&self.note_kind)?,
            note: NoteId(self.note),
            order: StoreOrderId(self.store_order),
            address: OrderAddressId(self.address),
            shipment: ShipmentId(self.shipment),
        })
    }
}

impl StoredAgreement {
    fn read(self) -> Agreement {
        let pair = |store, brightpearl| AgreedStatus { store: StoreStatusId(store), brightpearl: SalesOrderStatusId(brightpearl) };
        Agreement {
            pair: pair(self.store_status, self.brightpearl_status),
            before: self.before_store_status.zip(self.before_brightpearl_status).map(|(store, brightpearl)| pair(store, brightpearl)),
            at: self.agreed_at,
        }
    }
}

fn read(tenant: &TenantId, row: Row) -> Result<(StoreOrderId, OrderState), DbError> {
    let order = StoreOrderId(unsigned(row.id)?);
    let key = WorkKey { scope: Scope::Tenant(tenant.clone()), kind: WorkKind::Order, entity: order.0 };
    let hold = |hold: HoldJson| {
        Ok(StoredHold {
            key: key.clone(),
            effect: effect(&hold.effect)?,
            cause: hold.cause,
            why: hold.why,
            remedy: hold.remedy,
            rules_version: hold.rules_version,
            held_at: hold.held_at,
            released_at: hold.released_at,
        })
    };
    let marks: StoredMarks = row.marks.map(one).transpose()?.unwrap_or_default();
    let links = list::<StoredOrder>(row.links)?;
    let state = OrderState {
        exchange_rates: links.iter().filter_map(|link| Some((SalesOrderId(link.sales_order), link.exchange_rate?))).collect(),
        links: links.into_iter().map(StoredOrder::read).collect(),
        rows: list::<StoredRow>(row.rows)?.into_iter().map(StoredRow::read).collect(),
        shipments: list::<StoredShipment>(row.shipments)?.into_iter().map(StoredShipment::read).collect::<Result<_, _>>()?,
        payments: list::<StoredPayment>(row.payments)?.into_iter().map(StoredPayment::read).collect::<Result<_, _>>()?,
        paid_as_seen: row.paid_as_seen,
        refunds: list(row.refunds)?,
        refunds_as_seen: row.refunds_as_seen,
        agreed: list::<StoredAgreement>(row.agreed)?.into_iter().next().map(StoredAgreement::read),
        reservations: list::<StoredMark>(row.reservations)?.into_iter().map(StoredMark::read).collect::<Result<_, _>>()?,
        sent_texts: list::<StoredText>(row.sent_texts)?.into_iter().map(StoredText::read).collect::<Result<_, _>>()?,
        in_step: list::<StoredInStep>(row.in_step)?.into_iter().map(StoredInStep::read).collect(),
        absences: list::<StoredAbsence>(row.absences)?.into_iter().map(StoredAbsence::read).collect::<Result<_, _>>()?,
        holds: list::<HoldJson>(row.holds)?.into_iter().map(hold).collect::<Result<_, DbError>>()?,
        unsettled: list::<StoredCommand>(row.unsettled)?.into_iter().map(StoredCommand::read).collect::<Result<_, _>>()?,
        seen: StatusSet::from_bits(marks.seen),
        wanted_adoption: marks.adopt.map(SalesOrderId),
    };
    Ok((order, state))
}

impl Db {
    /// All that is remembered about these orders of one tenant, each of them present in the answer; one round trip.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn load_order_state(&self, tenant: &TenantId, orders: &[StoreOrderId]) -> Result<HashMap<StoreOrderId, OrderState>, DbError> {
        let (tenant, ids) = (tenant.clone(), bigs(orders.iter().map(|order| order.0))?);
        let grace = seconds(self.journal_settings().grace);
        self.run(Lane::Hot, move |conn| {
            let query = sql_query(STATE.replace(PAYMENT, PAYMENT_LINK))
                .bind::<Text, _>(tenant.as_str())
                .bind::<Array<BigInt>, _>(ids)
                .bind::<Double, _>(grace);
            let rows: Vec<Row> = query.load(conn)?;
            rows.into_iter().map(|row| read(&tenant, row)).collect()
        })
        .await
    }
}
