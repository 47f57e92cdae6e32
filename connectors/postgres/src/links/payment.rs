//! Payments: their links, and what an order said of its payment when all of it was booked.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::{AccountCode, PaymentId, SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::link::PaymentLink;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::links::write::only_one;
use crate::sql::{big, parsed, time};

/// Part of the select list that gives a payment link as JSON; amounts as text, so that none of their digits is lost.
pub(super) const PAYMENT_LINK: &str = "jsonb_build_object('reference', p.reference, 'store_order', p.store_order, 'sales_order', p.sales_order, \
     'payment', p.payment, 'kind', p.kind, 'method', p.method, 'amount', p.amount::text, 'currency', p.currency, 'exchange_rate', p.exchange_rate::text)";

#[derive(Deserialize)]
pub(super) struct StoredPayment {
    store_order: u64,
    reference: String,
    sales_order: u64,
    payment: u64,
    kind: String,
    method: String,
    amount: Decimal,
    currency: String,
    exchange_rate: Option<Decimal>,
}

impl StoredPayment {
    pub(super) fn read(self) -> Result<PaymentLink, DbError> {
        Ok(PaymentLink {
            order: StoreOrderId(self.store_order),
            reference: self.reference,
            sales_order: SalesOrderId(self.sales_order),
            payment: PaymentId(self.payment),
            kind: parsed(&self.kind)?,
            method: self.method,
            amount: self.amount.normalize(),
            currency: self.currency,
            rate: self.exchange_rate.map(|rate| rate.normalize()),
        })
    }
}

pub(super) fn write_payment(conn: &mut PgConnection, account: &AccountCode, tenant: &TenantId, link: &PaymentLink) -> Result<(), DbError> {
    let sql = "insert into payment_links as l \
                 (tenant, reference, account, store_order, sales_order, payment, kind, method, amount, currency, exchange_rate) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9::numeric, $10, $11::numeric) \
               on conflict (tenant, reference) do update set payment = l.payment where l.payment = excluded.payment";
    let written = sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<Text, _>(&link.reference)
        .bind::<Text, _>(account.as_str())
        .bind::<BigInt, _>(big(link.order.0)?)
        .bind::<BigInt, _>(big(link.sales_order.0)?)
        .bind::<BigInt, _>(big(link.payment.0)?)
        .bind::<Text, _>(link.kind.as_str())
        .bind::<Text, _>(&link.method)
        .bind::<Text, _>(link.amount.to_string())
        .bind::<Text, _>(&link.currency)
        .bind::<Nullable<Text>, _>(link.rate.map(|rate| rate.to_string()))
        .execute(conn)?;
    only_one(written, || format!("{} of {tenant} is linked to another payment than {}", link.reference, link.payment))
}

impl Db {
    /// Remembers what an order says of its payment, now that all of it is booked.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_payments_seen(&self, tenant: &TenantId, order: StoreOrderId, seen: &str) -> Result<(), DbError> {
        let (tenant, seen, now) = (tenant.clone(), seen.to_owned(), self.now());
        self.run(Lane::Hot, move |conn| {
            let sql = "insert into payments_seen (tenant, store_order, seen, seen_at) values ($1, $2, $3, $4) \
                       on conflict (tenant, store_order) do update set seen = excluded.seen, seen_at = excluded.seen_at";
            let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(big(order.0)?).bind::<Text, _>(seen);
            query.bind::<Timestamptz, _>(time(now)).execute(conn)?;
            Ok(())
        })
        .await
    }
}
