//! Comparing the books now, for somebody who waits for it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use orderbridge_http_client::{CallError, QuotaGate};
use orderbridge_postgres::{AccountState, AuditRun, Db, NewAudit, PostgresQuotaGate, TenantRecord};
use orderbridge_reconcile::{NestedReads, ReadError, Session, audit};
use orderbridge_schema::audit::{AuditReport, Window};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::ids::{InstallationId, TenantId};
use orderbridge_schema::reference::Reference;
use orderbridge_schema::work::Share;

use super::{tenant, usual};
use crate::commands::database_with_secrets;
use crate::commands::platforms::Platforms;
use crate::settings::Settings;

/// Whose share of the quotas pays: orders must not wait for an audit.
const SHARE: Share = Share::Sweeps;
/// How often it is gone on with after a platform did not answer.
const TRIES: u32 = 6;
/// How long a platform that names no time is left.
const WAIT: Duration = Duration::from_secs(20);
/// Longer than this nobody waits for an answer.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Compares, or goes on with what was stopped; gives the audit's number and what it found.
pub(super) async fn run(settings: &Settings, id: &TenantId, window: Option<Window>, clock: &Arc<dyn Clock>) -> anyhow::Result<(i64, AuditReport)> {
    let db = database_with_secrets(settings).await?;
    let tenant = tenant(&db, id).await?;
    if let Some(why) = &tenant.parked {
        bail!("tenant {id} is parked: {why}");
    }
    let session = session(settings, &db, &tenant, clock).await?;
    let run = begin(&db, &tenant, window, clock).await?;
    for attempt in 1.. {
        match audit(&session, &run, clock.now()).await {
            Ok(report) => return Ok((run.id, report)),
            Err(error) => match wait(&error).filter(|_| attempt < TRIES) {
                Some(wait) => {
                    tracing::warn!(%error, seconds = wait.as_secs(), "it goes on where it was after a while");
                    tokio::time::sleep(wait).await;
                }
                None => return Err(error).context("comparing the books; asked for again within an hour, it goes on where it was"),
            },
        }
    }
    bail!("the books could not be compared")
}

async fn begin(db: &Db, tenant: &TenantRecord, window: Option<Window>, clock: &Arc<dyn Clock>) -> anyhow::Result<AuditRun> {
    if let Some(stopped) = db.stopped_audit(&tenant.id, window).await? {
        tracing::info!(audit = stopped.id, "going on with an audit that was stopped");
        return Ok(stopped);
    }
    let window = window.unwrap_or_else(|| usual(clock.now()));
    let new = NewAudit { tenant: tenant.id.clone(), window, night: None, rules_version: tenant.rules_version };
    db.begin_audit(&new).await?.context("the audit could not be begun")
}

/// How long to wait, if that may help.
fn wait(error: &ReadError) -> Option<Duration> {
    match error {
        ReadError::Call { error: CallError::Throttled { retry_after }, .. } => Some(retry_after.unwrap_or(WAIT).min(WAIT_MAX)),
        ReadError::Call { error: CallError::Quota(_) | CallError::NotSent { .. } | CallError::Uncertain { .. }, .. } => Some(WAIT),
        ReadError::Db(error) if error.is_transient() => Some(WAIT),
        ReadError::Call { .. } | ReadError::Db(_) | ReadError::NoProgress { .. } => None,
    }
}

/// The tenant's clients and rules, as a processor would have them.
async fn session(settings: &Settings, db: &Db, tenant: &TenantRecord, clock: &Arc<dyn Clock>) -> anyhow::Result<Session> {
    let gate: Arc<dyn QuotaGate> = Arc::new(PostgresQuotaGate::new(db.clone(), Arc::clone(clock), settings.quota.clone()));
    let platforms = Platforms { db: db.clone(), http: settings.http.client()?, gate };
    let account = db.account(&tenant.account).await?.with_context(|| format!("account {} is not known", tenant.account))?;
    if let AccountState::Parked { reason } = &account.state {
        bail!("account {} is parked: {reason}", account.code);
    }
    let (brightpearl, _) = platforms.account(&account).await?;
    let (bigcommerce, _) = platforms.store(tenant).await?;
    let (lists, store_lists) = (db.account_reference(&tenant.account).await?, db.store_reference(&tenant.id).await?);
    let never_read =
        || format!("the lists of account {} and its store were never read: `orderbridge rules refresh {}` does it", tenant.account, tenant.id);
    let (lists, store_lists) = lists.zip(store_lists).with_context(never_read)?;
    let calls_at_once = usize::try_from(settings.processor.calls_at_once).unwrap_or(1);
    ensure!(calls_at_once > 0, "processor.calls_at_once must be at least 1");
    Ok(Session {
        tenant: tenant.id.clone(),
        account: account.code.clone(),
        store: tenant.store.clone(),
        // Only what is made needs to know by whom.
        installation: account.installation.unwrap_or(InstallationId(0)),
        search_before_creating: false,
        rules: Arc::new(tenant.rules.clone()),
        rules_version: tenant.rules_version,
        reference: Arc::new(Reference { account: lists.lists, store: store_lists.lists }),
        live_since: tenant.live_since,
        bigcommerce,
        brightpearl,
        db: db.clone(),
        hasher: db.email_hasher().await?,
        method_names: None,
        nested: Arc::new(NestedReads::new(false)),
        share: SHARE,
        calls_at_once,
    })
}
