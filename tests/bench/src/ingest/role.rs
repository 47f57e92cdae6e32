//! The two servers that are compared, and the deliveries that both get.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use secrecy::ExposeSecret as _;

use super::Shared;
use crate::api::Api;
use crate::deliveries::{Deliveries, Endpoint};
use crate::installation::{common_environment, orderbridge};
use crate::load;
use crate::place::{Place, free_address, until};
use crate::process::{Process, Start, Watch};
use crate::tenants::Tenants;

/// Threads that serve requests, of both: ingest's default.
pub const WORKERS: usize = 2;
const DATABASE: &str = "bench_ingest";
const SOON: Duration = Duration::from_secs(60);
/// The part of a run's requests that may go without a yes before it is told.
pub const REFUSED_MAX: f64 = 0.01;

/// Ingest and the bare handler, both running.
#[derive(Debug)]
pub struct Roles<'a> {
    place: &'a Place,
    ingest: Process,
    bare: Process,
    ingest_addr: SocketAddr,
    bare_addr: SocketAddr,
    endpoints: Vec<Endpoint>,
    /// No two deliveries of a run have the same number.
    next: Cell<u64>,
}

impl<'a> Roles<'a> {
    /// Starts both on the product's core, with ten thousand tenants known to ingest.
    pub async fn start(place: &'a Place) -> anyhow::Result<Self> {
        let tenants = Tenants::prepare(place).await?;
        place.server.create(DATABASE, Some(&tenants.template)).await?;
        let endpoints = tenants.endpoints(place, DATABASE).await?;
        let (ingest_addr, bare_addr) = (free_address()?, free_address()?);
        let mut environment = common_environment(place, DATABASE, tenants.keys.expose_secret());
        environment.push(("ORDERBRIDGE__INGEST__HTTP__LISTEN".into(), ingest_addr.to_string()));
        environment.push(("ORDERBRIDGE__INGEST__HTTP__WORKERS".into(), WORKERS.to_string()));
        orderbridge(place, &environment, &["topics", "create"]).await?;
        let ingest = Process::start(Start {
            core: &place.product_core,
            program: &place.program("orderbridge"),
            arguments: &["ingest"],
            environment: &environment,
            log: place.log("ingest"),
        })?;
        let bare = Process::start(Start {
            core: &place.product_core,
            program: &place.program("bench"),
            arguments: &["bare", "--listen", &bare_addr.to_string(), "--workers", &WORKERS.to_string()],
            environment: &[],
            log: place.log("bare"),
        })?;
        let mut roles = Self { place, ingest, bare, ingest_addr, bare_addr, endpoints, next: Cell::new(1) };
        for addr in [ingest_addr, bare_addr] {
            let api = Api::new(&format!("http://{addr}"))?;
            let ready = || async { Ok(api.is_fine("/readyz").await.then_some(())) };
            until("ingest and the bare handler are ready", SOON, ready).await?;
        }
        roles.ingest.check()?;
        roles.bare.check()?;
        Ok(roles)
    }

    /// Where ingest listens.
    pub const fn ingest_addr(&self) -> SocketAddr {
        self.ingest_addr
    }

    /// Where one of the two listens.
    pub const fn addr(&self, bare: bool) -> SocketAddr {
        if bare { self.bare_addr } else { self.ingest_addr }
    }

    /// Whose use of the processor is told with one of the two.
    pub fn watch(&self, bare: bool) -> anyhow::Result<Watch> {
        if bare {
            return Ok(Watch::new(&[("bare", self.bare.pid())]));
        }
        let [kafka, postgres] = self.place.services()?;
        Ok(Watch::new(&[("ingest", self.ingest.pid()), kafka, postgres]))
    }

    /// So many fresh deliveries.
    pub fn deliveries(&self, count: usize) -> anyhow::Result<Shared> {
        let first = self.next.get();
        self.next.set(first + u64::try_from(count)?);
        Ok(Arc::new(Deliveries::make(&self.endpoints, self.ingest_addr, first, count)))
    }

    /// Loads ingest until it has had its time and says yes to everything: a broker that just began is slow.
    pub async fn warm_up(&mut self, connections: usize, span: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let deliveries = self.deliveries(10_000)?;
            let outcome = load::closed(self.ingest_addr, &deliveries, connections, Duration::ZERO, Duration::from_secs(1)).await;
            self.check()?;
            if began.elapsed() >= span && outcome.failed() < REFUSED_MAX {
                return Ok(());
            }
            if began.elapsed() > span + SOON {
                bail!("ingest refuses much even after a warm-up: {}", outcome.statuses_json());
            }
        }
    }

    /// Fails if one of them has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.ingest.check()?;
        self.bare.check()
    }

    /// Waits until ingest says yes again.
    pub async fn wait_acknowledged(&self, deliveries: &Shared) -> anyhow::Result<()> {
        let ask = || async {
            let outcome = load::closed(self.ingest_addr, deliveries, 1, Duration::ZERO, Duration::from_millis(50)).await;
            Ok((outcome.failed() < REFUSED_MAX && outcome.all() > 0.0).then_some(()))
        };
        until("ingest acknowledges again", SOON, ask).await
    }

    /// The most memory that ingest ever had resident.
    pub fn peak_mb(&self) -> f64 {
        self.ingest.memory_mb("VmHWM")
    }

    /// What it has resident now.
    pub fn resident_mb(&self) -> f64 {
        self.ingest.memory_mb("VmRSS")
    }

    /// Ends both.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.ingest.stop().await?;
        self.bare.stop().await?;
        self.place.server.remove(DATABASE).await
    }
}
