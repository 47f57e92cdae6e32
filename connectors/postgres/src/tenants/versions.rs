//! Versions of a tenant's rules: every one that was saved, by whom and when, and earlier ones brought back.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::rules::{Author, Origin, Rules};
use orderbridge_schema::work::Scope;
use serde_json::Value;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{Time, parsed, time, transaction};
use crate::tenants::live::follow_rules;
use crate::work::{Causes, release_on};

/// Holds that a change of any rules may mend: what a platform refused was most often a channel, a status or a code of the rules.
const RULE_CAUSES: [&str; 12] = [
    "missing-rule",
    "missing-tax-code",
    "refused",
    "no-email",
    "unmapped-shipping",
    "missing-payment-method",
    "unusable-payment-method",
    "unknown-field",
    "unfit-for-field",
    "paid-not-refunded",
    "cannot-cancel",
    "edits-off",
];
/// Sections of the rules, and holds that only other rules of that section may mend: many orders may wait for a product, and all of them
/// are read again.
const SECTION_CAUSES: [(&str, &[&str]); 2] =
    [("taxes_and_accounts", &["total-mismatch", "exchange-rate-direction"]), ("items_and_customers", &["unknown-", "ambiguous-", "no-identity"])];

const VERSIONS: &str = "select version, rules, author, saved_at, origin, restored_from from rules_versions where tenant = $1";

/// A version of a tenant's rules as it was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct RulesVersion {
    /// Its number; the first is 1, or that of the version which was there before versions were kept.
    pub version: i64,
    /// The rules as stored: those of an earlier release may have another form.
    pub rules: Value,
    /// Who saved it.
    pub author: String,
    /// When.
    pub saved_at: Timestamp,
    /// What it came from.
    pub origin: Origin,
}

/// What saving rules did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// The rules differ from before.
    pub changed: bool,
    /// Version of the rules now.
    pub version: i64,
    /// Work that waited for a rule and was made ready.
    pub released: usize,
}

/// A version to keep.
pub(crate) struct NewVersion<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) version: i64,
    pub(crate) rules: &'a Value,
    pub(crate) author: &'a Author,
    pub(crate) origin: Origin,
}

/// Keeps a version within the transaction that makes it the present one.
pub(crate) fn keep_version(conn: &mut PgConnection, new: &NewVersion<'_>, now: Timestamp) -> Result<(), DbError> {
    let sql = "insert into rules_versions (tenant, version, rules, author, saved_at, origin, restored_from) values ($1, $2, $3, $4, $5, $6, $7)";
    sql_query(sql)
        .bind::<Text, _>(new.tenant.as_str())
        .bind::<BigInt, _>(new.version)
        .bind::<Jsonb, _>(new.rules)
        .bind::<Text, _>(new.author.as_str())
        .bind::<Timestamptz, _>(time(now))
        .bind::<Text, _>(new.origin.as_str())
        .bind::<Nullable<BigInt>, _>(new.origin.restored())
        .execute(conn)?;
    Ok(())
}

/// Makes ready what rules may have mended that changed from the first to the second; tells how many items.
pub(crate) fn release_what_waits_for_rules(
    conn: &mut PgConnection,
    tenant: &TenantId,
    (before, after): (&Value, &Value),
    now: Timestamp,
) -> Result<usize, DbError> {
    let changed = SECTION_CAUSES.into_iter().filter(|(section, _)| before.get(section) != after.get(section));
    let causes: Vec<&str> = RULE_CAUSES.into_iter().chain(changed.flat_map(|(_, causes)| causes.iter().copied())).collect();
    let mut released = 0;
    for cause in causes {
        released += release_on(conn, &Causes::Prefix(cause.into()), Some(&Scope::Tenant(tenant.clone())), now)?;
    }
    Ok(released)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Jsonb)]
    rules: Value,
    #[diesel(sql_type = Text)]
    author: String,
    #[diesel(sql_type = Timestamptz)]
    saved_at: Time,
    #[diesel(sql_type = Text)]
    origin: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    restored_from: Option<i64>,
}

impl Row {
    fn read(self) -> Result<RulesVersion, DbError> {
        let origin = Origin::of(&self.origin, self.restored_from).ok_or_else(|| DbError::data("a version's origin cannot be read"))?;
        Ok(RulesVersion { version: self.version, rules: self.rules, author: self.author, saved_at: self.saved_at.to_jiff(), origin })
    }
}

#[derive(QueryableByName)]
struct Present {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Jsonb)]
    rules: Value,
    #[diesel(sql_type = BigInt)]
    rules_version: i64,
    #[diesel(sql_type = Bool)]
    same_rules: bool,
}

impl Db {
    /// All versions of a tenant's rules, the newest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn rules_versions(&self, tenant: &TenantId) -> Result<Vec<RulesVersion>, DbError> {
        let tenant = tenant.clone();
        self.run(Lane::Bulk, move |conn| {
            let rows: Vec<Row> = sql_query(format!("{VERSIONS} order by version desc")).bind::<Text, _>(tenant.as_str()).load(conn)?;
            rows.into_iter().map(Row::read).collect()
        })
        .await
    }

    /// One version of a tenant's rules.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn rules_version(&self, tenant: &TenantId, version: i64) -> Result<Option<RulesVersion>, DbError> {
        let tenant = tenant.clone();
        self.run(Lane::Bulk, move |conn| {
            let query = sql_query(format!("{VERSIONS} and version = $2")).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(version);
            query.get_result::<Row>(conn).optional()?.map(Row::read).transpose()
        })
        .await
    }

    /// Makes these the rules of a tenant that is there and not removed, as a new version unless they are its rules already; what waits
    /// for a rule is then released, as an import does. `None` if there is no such tenant.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_rules(&self, tenant: &TenantId, rules: &Rules, origin: Origin, author: &Author) -> Result<Option<Saved>, DbError> {
        let (tenant, author, now, orders) = (tenant.clone(), author.clone(), self.now(), rules.orders.clone());
        let rules = serde_json::to_value(rules).map_err(DbError::data)?;
        self.run(Lane::Bulk, move |conn| {
            transaction(conn, |conn| {
                let sql =
                    "select account, rules, rules_version, rules = $2 as same_rules from tenants where id = $1 and state <> 'removed' for update";
                let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Jsonb, _>(&rules);
                let Some(present) = query.get_result::<Present>(conn).optional()? else { return Ok(None) };
                if present.same_rules {
                    return Ok(Some(Saved { changed: false, version: present.rules_version, released: 0 }));
                }
                let version = present.rules_version + 1;
                let query = sql_query("update tenants set rules = $2, rules_version = $3 where id = $1").bind::<Text, _>(tenant.as_str());
                query.bind::<Jsonb, _>(&rules).bind::<BigInt, _>(version).execute(conn)?;
                keep_version(conn, &NewVersion { tenant: &tenant, version, rules: &rules, author: &author, origin }, now)?;
                follow_rules(conn, &tenant, &parsed(&present.account)?, (Some(&present.rules), &orders), now)?;
                let released = release_what_waits_for_rules(conn, &tenant, (&present.rules, &rules), now)?;
                notify_work(conn, [present.account.as_str()].into_iter())?;
                Ok(Some(Saved { changed: true, version, released }))
            })
        })
        .await
    }
}
