//! `ingest`, `processor` and `all`: run until told to stop.

use std::future::Future;
use std::sync::Arc;

use anyhow::Context;
use orderbridge_http_server::{Check, Metrics};
use orderbridge_kafka::{Publisher, Topics, TopicsWatch};
use orderbridge_postgres::{Db, Directory, PostgresQuotaGate};
use orderbridge_schema::clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::clock::clock;
use crate::commands::{Ending, database};
use crate::settings::{Profile, Settings};
use crate::signals;

/// Which roles this process has.
#[derive(Debug, Clone, Copy)]
pub struct Roles {
    ingest: bool,
    processor: bool,
}

impl Roles {
    /// Ingest alone.
    pub const INGEST: Self = Self { ingest: true, processor: false };
    /// The processor alone.
    pub const PROCESSOR: Self = Self { ingest: false, processor: true };
    /// Both.
    pub const BOTH: Self = Self { ingest: true, processor: true };
}

/// What the roles share.
struct Shared {
    db: Db,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    /// What both ask of the topics.
    checks: Vec<Check>,
}

/// Runs the roles until a signal, or until one of them ends by itself, which ends the other too.
///
/// # Errors
/// A role cannot start, or failed.
pub async fn run(settings: &Settings, roles: Roles) -> anyhow::Result<Ending> {
    let clock = clock(settings.clock.offset_file.clone());
    let db = database(settings)?.with_keyring(settings.keyring()?);
    let shared = Shared { db, clock, metrics: Metrics::install()?, checks: checks(settings)? };
    let ended = signals::until_stopped(|token| serve(settings, roles, shared, token)).await?;
    ended.unwrap_or(Ok(Ending::Interrupted))
}

/// In production nobody is ready whose topics may lose what is acknowledged: one that was made by hand, or changed since.
fn checks(settings: &Settings) -> anyhow::Result<Vec<Check>> {
    if settings.general.profile != Profile::Production {
        return Ok(Vec::new());
    }
    let watch = TopicsWatch::start(Topics::new(settings.kafka()?, &settings.topics)?);
    Ok(vec![Check::new("topics", move || watch.health())])
}

async fn serve(settings: &Settings, roles: Roles, shared: Shared, token: CancellationToken) -> anyhow::Result<Ending> {
    // Both are built before either runs: a port that is taken is told before anything was taken up.
    let ingest = if roles.ingest { Some(build_ingest(settings, &shared).await.context("ingest cannot start")?) } else { None };
    let processor = if roles.processor { Some(build_processor(settings, &shared).await.context("the processor cannot start")?) } else { None };
    let ingest = async {
        match ingest {
            Some(app) => until_end("ingest", app.run(token.clone()), &token).await,
            None => Ok(()),
        }
    };
    let processor = async {
        match processor {
            Some(app) => until_end("the processor", app.run(token.clone()), &token).await,
            None => Ok(()),
        }
    };
    let (ingest, processor) = tokio::join!(ingest, processor);
    ingest.and(processor).map(|()| Ending::Fine)
}

/// However one role ends, the other is told to stop: a supervisor starts both again.
async fn until_end<E>(role: &'static str, running: impl Future<Output = Result<(), E>>, token: &CancellationToken) -> anyhow::Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let result = running.await;
    token.cancel();
    result.with_context(|| format!("{role} failed"))
}

async fn build_ingest(settings: &Settings, shared: &Shared) -> anyhow::Result<orderbridge_ingest::App> {
    let directory = Directory::open(&shared.db, settings.directory.clone()).await?;
    let publisher = Publisher::start(settings.kafka()?)?;
    let (clock, metrics) = (Arc::clone(&shared.clock), shared.metrics.clone());
    let deps = orderbridge_ingest::Deps { directory, publisher, clock, metrics, checks: shared.checks.clone() };
    Ok(orderbridge_ingest::App::build(settings.ingest.clone(), deps).await?)
}

async fn build_processor(settings: &Settings, shared: &Shared) -> anyhow::Result<orderbridge_processor::App> {
    match shared.db.pending_migrations().await {
        Ok(pending) => anyhow::ensure!(pending.is_empty(), "the database lacks {}: run `orderbridge migrate up`", pending.join(", ")),
        // A database that is away comes back; the processor waits for it and is not ready meanwhile.
        Err(error) if error.is_transient() => tracing::warn!(%error, "the database does not answer yet"),
        Err(error) => return Err(error.into()),
    }
    let gate = PostgresQuotaGate::new(shared.db.clone(), Arc::clone(&shared.clock), settings.quota.clone());
    let deps = orderbridge_processor::Deps {
        db: shared.db.clone(),
        kafka: settings.kafka()?.clone(),
        clock: Arc::clone(&shared.clock),
        gate: Arc::new(gate),
        http: settings.http.client()?,
        metrics: shared.metrics.clone(),
        checks: shared.checks.clone(),
        public_url: settings.general.public_url.clone(),
    };
    Ok(orderbridge_processor::App::build(settings.processor.clone(), deps)?)
}
