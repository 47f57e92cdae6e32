//! The processor as one thing that is built, run and stopped.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orderbridge_http_client::{HttpClient, QuotaGate};
use orderbridge_http_server::{Check, HttpServer, HttpServerSettings, Metrics, Readiness, ServerError};
use orderbridge_kafka::{Consumer, ConsumerError, ConsumerSettings, ConsumerStatus, DeadLetters, KafkaSettings, PublishError, Publisher};
use orderbridge_postgres::{Db, DbError};
use orderbridge_schema::clock::Clock;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use crate::intake::Intake;
use crate::scheduler::{Scheduler, Tools};
use crate::settings::ProcessorSettings;

/// How often the database is asked whether it answers, for readiness.
const PING_EVERY: Duration = Duration::from_secs(2);

/// What the processor is given.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database, migrated, able to open secrets.
    pub db: Db,
    /// Where the brokers are.
    pub kafka: KafkaSettings,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Pays for calls.
    pub gate: Arc<dyn QuotaGate>,
    /// Makes calls.
    pub http: HttpClient,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// What else must hold for being ready.
    pub checks: Vec<Check>,
    /// Where the platforms reach ingest; without it webhook registrations are not looked after.
    pub public_url: Option<Url>,
}

/// Why the processor cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    /// Settings are wrong; all that is wrong with them.
    #[error("{}", .0.join("; "))]
    Settings(Vec<String>),
    /// What publishes dead letters, or what sweeps find, cannot be made.
    #[error("publishing: {0}")]
    Publishing(#[from] PublishError),
    /// Intake cannot be started, or ended by itself.
    #[error("intake: {0}")]
    Consumer(#[from] ConsumerError),
    /// The database's signals cannot be listened for.
    #[error("work signals: {0}")]
    Signals(#[from] DbError),
    /// Health and metrics cannot be served.
    #[error("health endpoint: {0}")]
    Server(#[from] ServerError),
}

/// A processor that is ready to run.
#[derive(Debug)]
pub struct App {
    scheduler: Scheduler,
    intake: IntakeParts,
    server: HttpServer,
    status: Arc<Mutex<ConsumerStatus>>,
    database: Arc<Mutex<Result<(), String>>>,
    db: Db,
}

#[derive(Debug)]
struct IntakeParts {
    kafka: KafkaSettings,
    consumer: ConsumerSettings,
    dead_letters: DeadLetters,
    clock: Arc<dyn Clock>,
}

impl App {
    /// Prepares everything; nothing is read or called yet. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ProcessorError`] if settings are wrong or the health address is taken.
    pub fn build(settings: ProcessorSettings, deps: Deps) -> Result<Self, ProcessorError> {
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(ProcessorError::Settings(problems));
        }
        let named = !settings.instance.is_empty();
        let owner = if named { settings.instance.clone() } else { format!("processor-{}", Uuid::new_v4().simple()) };
        let mut consumer = ConsumerSettings::new(settings.consumer_group.clone());
        // Static membership is for replicas with a lasting name; a random one would only be waited for after its end.
        consumer.group_instance_id = named.then(|| owner.clone());
        let status = Arc::new(Mutex::new(ConsumerStatus { waiting: Some("intake has not started".into()), ..ConsumerStatus::default() }));
        let database = Arc::new(Mutex::new(Err("the database was not asked yet".to_owned())));
        let readiness = readiness(&status, &database, deps.checks);
        let server = HttpServer::bind(&HttpServerSettings::new(settings.listen), readiness, deps.metrics, |_routes| {})?;
        let dead_letters = DeadLetters::start(&deps.kafka)?;
        let publisher = Publisher::start(&deps.kafka)?;
        let intake = IntakeParts { kafka: deps.kafka, consumer, dead_letters, clock: Arc::clone(&deps.clock) };
        let signals = deps.db.work_signals()?;
        let tools = Tools { db: deps.db.clone(), clock: deps.clock, gate: deps.gate, http: deps.http, publisher, public_url: deps.public_url };
        let scheduler = Scheduler::new(tools, signals, Arc::new(settings), owner);
        Ok(Self { scheduler, intake, server, status, database, db: deps.db })
    }

    /// Where health and metrics answer.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Runs until the token is cancelled: then intake stops, calls that have begun are finished, leases are given back.
    ///
    /// # Errors
    /// [`ProcessorError`] if intake or the health endpoint ends by itself.
    pub async fn run(self, token: CancellationToken) -> Result<(), ProcessorError> {
        let Self { scheduler, intake, server, status, database, db } = self;
        let handler = Intake {
            db: db.clone(),
            dead_letters: intake.dead_letters,
            clock: intake.clock,
            runtime: Handle::current(),
            buried: Mutex::default(),
            places: Mutex::default(),
        };
        let consumer = Consumer::start(&intake.kafka, &intake.consumer, handler, token.child_token())?;
        let watching = watch_status(consumer.status(), status);
        let pinging = ping(db, database);
        let working = async {
            let ended = tokio::select! {
                ended = consumer.ended() => ended.map_err(ProcessorError::from),
                () = watching => Ok(()),
                () = pinging => Ok(()),
            };
            // However intake ended, the rest is stopped in order.
            token.cancel();
            ended
        };
        let (ended, (), served) = tokio::join!(working, scheduler.run(token.clone()), server.run(token.clone()));
        ended.and(served.map_err(ProcessorError::from))
    }
}

fn readiness(status: &Arc<Mutex<ConsumerStatus>>, database: &Arc<Mutex<Result<(), String>>>, more: Vec<Check>) -> Readiness {
    let (status, database) = (Arc::clone(status), Arc::clone(database));
    let intake = move || {
        let status = status.lock().unwrap_or_else(PoisonError::into_inner);
        match (&status.waiting, status.halted) {
            (Some(why), _) => Err(why.clone()),
            (None, 0) => Ok(()),
            (None, halted) => Err(format!("{halted} partitions hold records of a newer version")),
        }
    };
    let database = move || database.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let ours = [Check::new("intake", intake), Check::new("database", database)];
    Readiness::new(ours.into_iter().chain(more).collect())
}

async fn watch_status(mut seen: tokio::sync::watch::Receiver<ConsumerStatus>, status: Arc<Mutex<ConsumerStatus>>) {
    loop {
        let now = seen.borrow_and_update().clone();
        *status.lock().unwrap_or_else(PoisonError::into_inner) = now;
        if seen.changed().await.is_err() {
            // The consumer has ended; its own result says why.
            std::future::pending::<()>().await;
        }
    }
}

async fn ping(db: Db, database: Arc<Mutex<Result<(), String>>>) {
    let mut ticks = tokio::time::interval(PING_EVERY);
    loop {
        ticks.tick().await;
        let answer = db.ping().await.map_err(|error| error.to_string());
        *database.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}
