//! The role: built once, run until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web::{self, Data};
use orderbridge_http_server::{Check, HttpServer, Metrics, Readiness, Routes, ServerError};
use orderbridge_kafka::Publisher;
use orderbridge_postgres::Directory;
use orderbridge_schema::clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::answer::Counts;
use crate::receive::{Receiver, bigcommerce, brightpearl};
use crate::settings::IngestSettings;
use crate::verify::Verifier;

/// What the role needs from outside.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Who may send, in memory.
    pub directory: Directory,
    /// Where events go.
    pub publisher: Publisher,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// What the process counts.
    pub metrics: Metrics,
    /// What else must hold for being ready.
    pub checks: Vec<Check>,
}

/// Why the role cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Settings are wrong; every problem is listed.
    #[error("settings are wrong: {}", .0.join("; "))]
    Settings(Vec<String>),
    /// There is no server.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// Why the role ended other than by being told to, or not quite in order.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The server failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Records were still on their way at the end. Nobody was told that they are stored, so they come again.
    #[error("{0} records were not acknowledged before the end")]
    Unflushed(usize),
}

/// The role.
#[derive(Debug)]
pub struct App {
    server: HttpServer,
    publisher: Publisher,
    settings: IngestSettings,
}

impl App {
    /// Checks the settings and binds the address. The brokers and the database need not be there yet.
    ///
    /// # Errors
    /// [`BuildError`].
    #[expect(clippy::unused_async, reason = "all roles are built alike, and others have to wait")]
    pub async fn build(settings: IngestSettings, deps: Deps) -> Result<Self, BuildError> {
        let publishable = usize::try_from(deps.publisher.body_bytes_max()).unwrap_or(usize::MAX);
        let problems = settings.validate(publishable);
        if !problems.is_empty() {
            return Err(BuildError::Settings(problems));
        }
        let Deps { directory, publisher, clock, metrics, checks } = deps;
        let readiness = readiness(&publisher, &directory, checks);
        let verifier = Verifier::new(directory, &settings);
        let counts = Counts::default();
        let receiver = Data::new(Receiver { verifier, publisher: publisher.clone(), clock, counts, settings: settings.clone() });
        let routes = move |routes: &mut Routes<'_>| {
            routes
                .data(receiver.clone())
                .route("/webhooks/bigcommerce/{connection}", web::post().to(bigcommerce))
                .route("/webhooks/brightpearl/{connection}/{secret}", web::post().to(brightpearl));
        };
        let server = HttpServer::bind(&settings.http, readiness, metrics, routes)?;
        tracing::info!(addr = %server.addr(), "ingest listens");
        Ok(Self { server, publisher, settings })
    }

    /// The address it listens on, with the real port.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Serves until the token is cancelled; then: not ready, no new connections, requests in hand are finished, the producer is flushed.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn run(self, token: CancellationToken) -> Result<(), RunError> {
        self.server.run(token).await?;
        self.publisher.flush(self.settings.flush_timeout).await.map_err(RunError::Unflushed)?;
        tracing::info!("ingest ended");
        Ok(())
    }
}

fn readiness(publisher: &Publisher, directory: &Directory, more: Vec<Check>) -> Readiness {
    let (publisher, directory) = (publisher.clone(), directory.clone());
    let ours = [
        Check::new("broker", move || publisher.health()),
        // A directory that is stale still knows whom to serve; one that was never filled knows nobody.
        Check::new("connections", move || {
            if directory.is_fresh() || !directory.is_empty() { Ok(()) } else { Err("the connections are not loaded yet".into()) }
        }),
    ];
    Readiness::new(ours.into_iter().chain(more).collect())
}
