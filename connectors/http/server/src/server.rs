//! The server itself.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web;
use actix_web::{App, HttpResponse};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::observe::{Routes, observed};
use crate::problem::Problem;
use crate::readiness::Readiness;
use crate::settings::HttpServerSettings;

const UPKEEP: Duration = Duration::from_secs(5);
/// A sender that keeps its connection open without asking holds up the end by no more than this.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {listen}: {source}")]
    Bind {
        /// The address.
        listen: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("the server failed: {0}")]
    Failed(#[source] io::Error),
}

/// A server that is bound to its address; [`run`](Self::run) serves.
pub struct HttpServer {
    server: Server,
    addr: SocketAddr,
    readiness: Readiness,
    metrics: Metrics,
    unready_delay: Duration,
}

impl std::fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpServer").field("addr", &self.addr).field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

impl HttpServer {
    /// Binds the address. Beside the role's own routes it has `/healthz` (alive), `/readyz` (see [`Readiness`]) and `/metrics`. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError::Bind`].
    pub fn bind<F>(settings: &HttpServerSettings, readiness: Readiness, metrics: Metrics, routes: F) -> Result<Self, ServerError>
    where
        F: Fn(&mut Routes<'_>) + Clone + Send + 'static,
    {
        let listen = settings.listen;
        let refused = |source| ServerError::Bind { listen, source };
        let (ready, shown) = (readiness.clone(), metrics.clone());
        let app = move || {
            let (ready, shown) = (ready.clone(), shown.clone());
            let nowhere = web::to(|| async { Problem::not_found().response() });
            let configure = |config: &mut web::ServiceConfig| {
                let checked = ready.clone();
                let mut all = Routes::new(config, &ready);
                all.route("/healthz", web::get().to(|| async { HttpResponse::Ok().body("alive\n") }))
                    .route("/readyz", web::get().to(move || std::future::ready(checked.response())))
                    .route("/metrics", web::get().to(move || std::future::ready(prometheus(&shown))));
                routes(&mut all);
            };
            App::new().default_service(observed(nowhere, "unknown", &ready)).configure(configure)
        };
        let bound = actix_web::HttpServer::new(app)
            .workers(settings.workers)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(settings.drain_timeout.as_secs().max(1))
            .disable_signals()
            .bind(listen)
            .map_err(refused)?;
        let addr = bound.addrs().first().copied().ok_or_else(|| refused(io::ErrorKind::AddrNotAvailable.into()))?;
        Ok(Self { server: bound.run(), addr, readiness, metrics, unready_delay: settings.unready_delay })
    }

    /// The address it is bound to, with the real port.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until the token is cancelled, then ends in order: not ready, no new connections, requests that have begun are finished
    /// (at most [`HttpServerSettings::drain_timeout`]).
    ///
    /// # Errors
    /// [`ServerError::Failed`] if it ended by itself.
    pub async fn run(self, token: CancellationToken) -> Result<(), ServerError> {
        let Self { mut server, readiness, metrics, unready_delay, .. } = self;
        let handle = server.handle();
        let stop = async {
            token.cancelled().await;
            readiness.drain();
            tokio::time::sleep(unready_delay).await;
            handle.stop(true).await;
        };
        let upkeep = async {
            let mut ticks = tokio::time::interval(UPKEEP);
            loop {
                ticks.tick().await;
                metrics.upkeep();
            }
        };
        tokio::select! {
            ended = &mut server => return ended.map_err(ServerError::Failed),
            () = stop => {}
            () = upkeep => {}
        }
        server.await.map_err(ServerError::Failed)
    }
}

fn prometheus(metrics: &Metrics) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(metrics.render())
}
