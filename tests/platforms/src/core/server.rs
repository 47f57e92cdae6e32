//! Serves one platform over HTTP/1.1: listens, keeps connections and the state beside the platform.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::clock::SimClock;
use super::delivery::{self, Chaos};
use super::exchange::exchange;
use super::fault::Faults;
use super::ledger::Ledger;
use super::message::Door;
use super::platform::Platform;
use super::rng::Rng;

/// What the core keeps beside the platform.
pub(super) struct Core {
    pub(super) ledger: Ledger,
    pub(super) faults: Faults,
    pub(super) chaos: Chaos,
    pub(super) rng: Rng,
    pub(super) delivery_timeout_ms: u64,
    /// Grows at every reset, so that what began before it is not reported after it.
    pub(super) generation: u64,
}

/// Lock order: the platform first, then the core; never the other way round.
pub(super) struct Shared<P> {
    platform: Mutex<P>,
    core: Mutex<Core>,
    pub(super) clock: SimClock,
}

impl<P> Shared<P> {
    // A panic while a lock was held must not take the simulator's other calls down with it.
    pub(super) fn platform(&self) -> MutexGuard<'_, P> {
        self.platform.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Settings of one served platform.
#[derive(Debug, Clone)]
pub struct ServeSettings {
    /// Where its time comes from.
    pub clock: SimClock,
    /// Seed of faults and chaos.
    pub seed: u64,
    /// Whether the ledger keeps bodies.
    pub bodies: bool,
    /// How long a webhook's receiver may take.
    pub delivery_timeout: Duration,
    /// Where sign-in and tokens are served, if not on the API's port.
    pub sign_in: Option<SocketAddr>,
}

impl ServeSettings {
    /// Bodies kept, five seconds for receivers, one port for everything.
    #[must_use]
    pub const fn new(clock: SimClock, seed: u64) -> Self {
        Self { clock, seed, bodies: true, delivery_timeout: Duration::from_secs(5), sign_in: None }
    }
}

/// A platform being served.
#[derive(Debug)]
pub struct Server {
    /// The address it is bound to.
    pub addr: SocketAddr,
    /// The address that sign-in and tokens are served at; the same unless they have a port of their own.
    pub sign_in_addr: SocketAddr,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// The base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The base URL of sign-in and tokens, without a slash at the end.
    #[must_use]
    pub fn sign_in_url(&self) -> String {
        format!("http://{}", self.sign_in_addr)
    }

    /// Closes the port, cuts open connections and ends deliveries.
    pub async fn stop(mut self) {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            // A task that panicked has already been reported by the runtime.
            drop(task.await);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Serves a platform with the usual settings.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve<P: Platform>(platform: P, bind: SocketAddr, clock: SimClock, seed: u64) -> io::Result<Server> {
    serve_with(platform, bind, ServeSettings::new(clock, seed)).await
}

/// Serves a platform.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_with<P: Platform>(platform: P, bind: SocketAddr, settings: ServeSettings) -> io::Result<Server> {
    let listener = TcpListener::bind(bind).await?;
    let addr = listener.local_addr()?;
    let beside = match settings.sign_in {
        Some(bind) => Some(TcpListener::bind(bind).await?),
        None => None,
    };
    let core = Core {
        ledger: Ledger::new(settings.bodies),
        faults: Faults::default(),
        chaos: Chaos::default(),
        rng: Rng::seeded(settings.seed),
        delivery_timeout_ms: u64::try_from(settings.delivery_timeout.as_millis()).unwrap_or(u64::MAX),
        generation: 0,
    };
    let shared = Arc::new(Shared { platform: Mutex::new(platform), core: Mutex::new(core), clock: settings.clock });
    let stop = CancellationToken::new();
    let mut tasks = Vec::new();
    let mut sign_in_addr = addr;
    let mut door = Door::Whole;
    if let Some(beside) = beside {
        sign_in_addr = beside.local_addr()?;
        door = Door::Api;
        tasks.push(tokio::spawn(accept(Arc::clone(&shared), beside, Door::SignIn(addr), stop.clone())));
    }
    tasks.push(tokio::spawn(accept(Arc::clone(&shared), listener, door, stop.clone())));
    tasks.push(tokio::spawn(delivery::run(shared, stop.clone())));
    Ok(Server { addr, sign_in_addr, stop, tasks })
}

async fn accept<P: Platform>(shared: Arc<Shared<P>>, listener: TcpListener, door: Door, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    continue;
                }
            },
        };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection(shared, stream, door) => {}
            }
        });
    }
}

async fn connection<P: Platform>(shared: Arc<Shared<P>>, stream: TcpStream, door: Door) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set nodelay");
    }
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { exchange(shared, request, door).await }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
