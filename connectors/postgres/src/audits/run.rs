//! Beginning an audit, keeping what it reads, and finishing it.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::{SignedDuration, Timestamp};
use orderbridge_schema::audit::{AuditReport, Window};
use orderbridge_schema::ids::TenantId;
use serde_json::Value;

use super::{AuditPage, AuditRun, LastAudit, NewAudit};
use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, big, parsed, small, time, transaction, unsigned};

/// An audit that somebody asked for and that was stopped is gone on with if it is asked for again that soon: what it had read is still
/// near enough to what is read now.
const GO_ON_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Audits that ended that long ago are forgotten.
const KEEP: SignedDuration = SignedDuration::from_hours(24 * 400);

#[derive(QueryableByName)]
pub(super) struct RunRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    tenant: String,
    #[diesel(sql_type = Timestamptz)]
    window_from: Time,
    #[diesel(sql_type = Timestamptz)]
    window_to: Time,
    #[diesel(sql_type = Timestamptz)]
    started_at: Time,
}

impl RunRow {
    pub(super) fn read(self) -> Result<AuditRun, DbError> {
        let window = Window::new(self.window_from.to_jiff(), self.window_to.to_jiff());
        Ok(AuditRun { id: self.id, tenant: parsed(&self.tenant)?, window, started_at: self.started_at.to_jiff() })
    }
}

#[derive(QueryableByName)]
struct PageRow {
    #[diesel(sql_type = Jsonb)]
    rows: Value,
    #[diesel(sql_type = Nullable<BigInt>)]
    next: Option<i64>,
}

#[derive(QueryableByName)]
struct LastRow {
    #[diesel(embed)]
    run: RunRow,
    #[diesel(sql_type = Jsonb)]
    report: Value,
}

pub(super) const RUN: &str = "a.id, a.tenant, a.window_from, a.window_to, a.started_at";

fn begin_on(conn: &mut PgConnection, new: &NewAudit, now: Timestamp) -> Result<Option<AuditRun>, DbError> {
    // What one that was never finished had read is of no use to another.
    let forget = "delete from audit_pages p using audits a where a.id = p.audit and a.tenant = $1 and a.started_at < $2";
    let stale = now.checked_sub(GO_ON_WITHIN * 24).unwrap_or(now);
    sql_query(forget).bind::<Text, _>(new.tenant.as_str()).bind::<Timestamptz, _>(time(stale)).execute(conn)?;
    let old = now.checked_sub(KEEP).unwrap_or(now);
    let forget = "delete from audits where tenant = $1 and started_at < $2";
    sql_query(forget).bind::<Text, _>(new.tenant.as_str()).bind::<Timestamptz, _>(time(old)).execute(conn)?;
    let sql = format!(
        "insert into audits as a (tenant, night, window_from, window_to, rules_version, started_at) values ($1, $2, $3, $4, $5, $6) \
         on conflict (tenant, night) do update set rules_version = a.rules_version where a.finished_at is null returning {RUN}"
    );
    let row: Option<RunRow> = sql_query(sql)
        .bind::<Text, _>(new.tenant.as_str())
        .bind::<Nullable<Timestamptz>, _>(new.night.map(time))
        .bind::<Timestamptz, _>(time(new.window.from))
        .bind::<Timestamptz, _>(time(new.window.to))
        .bind::<BigInt, _>(new.rules_version)
        .bind::<Timestamptz, _>(time(now))
        .get_result(conn)
        .optional()?;
    row.map(RunRow::read).transpose()
}

impl Db {
    /// Begins an audit, or goes on with the night's; none if that is finished.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn begin_audit(&self, new: &NewAudit) -> Result<Option<AuditRun>, DbError> {
        let (new, now) = (new.clone(), self.now());
        self.run(Lane::Bulk, move |conn| transaction(conn, |conn| begin_on(conn, &new, now))).await
    }

    /// The audit that somebody asked for within the last hour and that was stopped, if its window is that one, or any if none is named.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn stopped_audit(&self, tenant: &TenantId, window: Option<Window>) -> Result<Option<AuditRun>, DbError> {
        let (tenant, since) = (tenant.clone(), self.now().checked_sub(GO_ON_WITHIN).unwrap_or(Timestamp::MIN));
        self.run(Lane::Bulk, move |conn| {
            let sql = format!(
                "select {RUN} from audits a where a.tenant = $1 and a.night is null and a.finished_at is null and a.started_at > $2 \
                   and ($3 is null or (a.window_from = $3 and a.window_to = $4)) order by a.id desc limit 1"
            );
            let row: Option<RunRow> = sql_query(sql)
                .bind::<Text, _>(tenant.as_str())
                .bind::<Timestamptz, _>(time(since))
                .bind::<Nullable<Timestamptz>, _>(window.map(|window| time(window.from)))
                .bind::<Nullable<Timestamptz>, _>(window.map(|window| time(window.to)))
                .get_result(conn)
                .optional()?;
            row.map(RunRow::read).transpose()
        })
        .await
    }

    /// The finished audit of a tenant that was begun last.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn last_audit(&self, tenant: &TenantId) -> Result<Option<LastAudit>, DbError> {
        let tenant = tenant.clone();
        self.run(Lane::Bulk, move |conn| {
            let sql = format!(
                "select {RUN}, a.report from audits a where a.tenant = $1 and a.finished_at is not null order by a.started_at desc, a.id desc limit 1"
            );
            let row: Option<LastRow> = sql_query(sql).bind::<Text, _>(tenant.as_str()).get_result(conn).optional()?;
            // What an earlier version wrote in another form is as good as none.
            row.map(|row| Ok(serde_json::from_value(row.report).ok().zip(Some(row.run.read()?))))
                .transpose()
                .map(|last: Option<Option<_>>| last.flatten().map(|(report, run)| LastAudit { run, report }))
        })
        .await
    }

    /// A page of a part of what an audit has read, if it has.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn audit_page(&self, audit: i64, part: &str, page: u32) -> Result<Option<AuditPage>, DbError> {
        let part = part.to_owned();
        self.run(Lane::Bulk, move |conn| {
            let query = sql_query("select rows, next from audit_pages where audit = $1 and part = $2 and page = $3");
            let row: Option<PageRow> =
                query.bind::<BigInt, _>(audit).bind::<Text, _>(&part).bind::<Integer, _>(small(page)?).get_result(conn).optional()?;
            row.map(|row| Ok(AuditPage { rows: row.rows, next: row.next.map(unsigned).transpose()? })).transpose()
        })
        .await
    }

    /// Keeps a page, unless it is kept already or the audit is no more.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_audit_page(&self, audit: i64, part: &str, page: u32, kept: &AuditPage) -> Result<(), DbError> {
        let (part, kept) = (part.to_owned(), kept.clone());
        self.run(Lane::Bulk, move |conn| {
            let sql = "insert into audit_pages (audit, part, page, rows, next) \
                       select $1, $2, $3, $4, $5 where exists (select from audits where id = $1 and finished_at is null) on conflict do nothing";
            let next = kept.next.map(big).transpose()?;
            let query = sql_query(sql).bind::<BigInt, _>(audit).bind::<Text, _>(&part).bind::<Integer, _>(small(page)?);
            query.bind::<Jsonb, _>(&kept.rows).bind::<Nullable<BigInt>, _>(next).execute(conn)?;
            Ok(())
        })
        .await
    }

    /// Keeps what an audit found, and forgets what it read.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn finish_audit(&self, audit: i64, report: &AuditReport) -> Result<(), DbError> {
        let (now, json) = (self.now(), serde_json::to_value(report).map_err(DbError::data)?);
        let counts = [report.differences.len(), report.held.len(), report.skipped.len()].map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        self.run(Lane::Bulk, move |conn| {
            transaction(conn, |conn| {
                let [differences, held, skipped] = counts;
                let sql = "update audits set finished_at = $2, report = $3, differences = $4, held = $5, skipped = $6 where id = $1";
                let query = sql_query(sql).bind::<BigInt, _>(audit).bind::<Timestamptz, _>(time(now)).bind::<Jsonb, _>(json);
                query.bind::<Integer, _>(differences).bind::<Integer, _>(held).bind::<Integer, _>(skipped).execute(conn)?;
                sql_query("delete from audit_pages where audit = $1").bind::<BigInt, _>(audit).execute(conn)?;
                Ok(())
            })
        })
        .await
    }
}
