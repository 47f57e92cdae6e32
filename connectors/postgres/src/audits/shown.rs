//! Looking at audits.

use diesel::sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::audit::AuditReport;
use orderbridge_schema::ids::{AccountCode, TenantId};
use serde_json::Value;

use super::StoredAudit;
use super::run::{RUN, RunRow};
use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, count, jiff_time, parsed};

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    run: RunRow,
    #[diesel(sql_type = Bool)]
    nightly: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<Time>,
    #[diesel(sql_type = Nullable<Integer>)]
    differences: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    held: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    skipped: Option<i32>,
}

#[derive(QueryableByName)]
struct ReportRow {
    #[diesel(sql_type = Nullable<Jsonb>)]
    report: Option<Value>,
}

#[derive(QueryableByName)]
struct NightRow {
    #[diesel(sql_type = Text)]
    tenant: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    night: Option<Time>,
    #[diesel(sql_type = Nullable<Integer>)]
    differences: Option<i32>,
}

/// The newest night that a tenant's books were compared for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedNight {
    /// Whose.
    pub tenant: TenantId,
    /// Which night; none if there was none yet.
    pub night: Option<Timestamp>,
    /// Differences that it found.
    pub differences: Option<u32>,
}

impl Db {
    /// Audits, the newest first; of one tenant, if one is named.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn audits(&self, tenant: Option<&TenantId>, limit: u32) -> Result<Vec<StoredAudit>, DbError> {
        let tenant = tenant.map(ToString::to_string);
        self.run(Lane::Bulk, move |conn| {
            let sql = format!(
                "select {RUN}, a.night is not null as nightly, a.finished_at, a.differences, a.held, a.skipped from audits a \
                 where $1::text is null or a.tenant = $1 order by a.id desc limit $2"
            );
            let rows: Vec<Row> = sql_query(sql).bind::<Nullable<Text>, _>(tenant).bind::<BigInt, _>(i64::from(limit)).load(conn)?;
            let read = |row: Row| {
                Ok(StoredAudit {
                    run: row.run.read()?,
                    nightly: row.nightly,
                    finished_at: jiff_time(row.finished_at),
                    differences: row.differences.map(count),
                    held: row.held.map(count),
                    skipped: row.skipped.map(count),
                })
            };
            rows.into_iter().map(read).collect()
        })
        .await
    }

    /// What an audit found; the inner `None` is one that is not finished.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn audit_report(&self, audit: i64) -> Result<Option<Option<AuditReport>>, DbError> {
        self.run(Lane::Bulk, move |conn| {
            let row: Option<ReportRow> = sql_query("select report from audits where id = $1").bind::<BigInt, _>(audit).get_result(conn).optional()?;
            let read = |report| serde_json::from_value(report).map_err(|error| DbError::Data(format!("a stored audit cannot be read: {error}")));
            row.map(|row| row.report.map(read).transpose()).transpose()
        })
        .await
    }

    /// The newest finished night of each of an account's tenants.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn audited_nights(&self, account: &AccountCode) -> Result<Vec<AuditedNight>, DbError> {
        let account = account.clone();
        self.run(Lane::Hot, move |conn| {
            let sql = "select t.id as tenant, a.night, a.differences from tenants t \
                       left join lateral (select night, differences from audits \
                         where tenant = t.id and night is not null and finished_at is not null order by night desc limit 1) a on true \
                       where t.account = $1 order by t.id";
            let rows: Vec<NightRow> = sql_query(sql).bind::<Text, _>(account.as_str()).load(conn)?;
            let read = |row: NightRow| {
                Ok(AuditedNight { tenant: parsed(&row.tenant)?, night: jiff_time(row.night), differences: row.differences.map(count) })
            };
            rows.into_iter().map(read).collect()
        })
        .await
    }
}
