//! Where a run happens: folders, cores, and services of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::database::Server;

/// What `deploy/local/bench` prepared.
#[derive(Debug)]
pub struct Place {
    /// Short runs, to see whether everything works.
    pub quick: bool,
    /// Partitions of each topic.
    pub partitions: u32,
    /// The executables.
    pub bin: PathBuf,
    /// Data of this bench's services; logs and settings of what it starts.
    pub local: PathBuf,
    /// The repository.
    pub repository: PathBuf,
    /// Where the load generator and the simulators run.
    pub load_core: String,
    /// Where the product and the services run.
    pub product_core: String,
    /// PostgreSQL.
    pub server: Server,
    /// Kafka.
    pub brokers: String,
}

impl Place {
    /// From the environment.
    pub fn find(quick: bool, partitions: u32) -> anyhow::Result<Self> {
        let get = |name: &str| std::env::var(name).map_err(|_unset| anyhow!("{name} is not set: run deploy/local/bench, or make bench"));
        Ok(Self {
            quick,
            partitions,
            bin: get("BENCH_BIN")?.into(),
            local: get("ORDERBRIDGE_LOCAL")?.into(),
            repository: get("BENCH_REPOSITORY")?.into(),
            load_core: get("BENCH_LOAD_CORE")?,
            product_core: get("BENCH_PRODUCT_CORE")?,
            server: Server::new(&get("DATABASE_URL")?)?,
            brokers: get("KAFKA_BROKERS")?,
        })
    }

    /// One of two values.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// An executable.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// A log.
    pub fn log(&self, name: &str) -> PathBuf {
        self.local.join(format!("{name}.log"))
    }

    /// Process ids of the services.
    pub fn services(&self) -> anyhow::Result<[(&'static str, u32); 2]> {
        let first = |path: &str| -> anyhow::Result<u32> {
            let text = std::fs::read_to_string(self.local.join(path)).with_context(|| format!("cannot read {path}"))?;
            Ok(text.lines().next().unwrap_or_default().trim().parse()?)
        };
        Ok([("kafka", first("kafka/pid")?), ("postgres", first("postgres/data/postmaster.pid")?)])
    }

    /// Stops the broker in its tracks, or lets it go on.
    pub async fn broker(&self, script: &str) -> anyhow::Result<()> {
        let done = Command::new(self.repository.join("deploy/local").join(script)).status().await?;
        if done.success() { Ok(()) } else { Err(anyhow!("deploy/local/{script} failed")) }
    }

    /// The settings that numbers depend on, beside the machine.
    pub async fn settings(&self) -> anyhow::Result<Value> {
        let properties = std::fs::read_to_string(self.local.join("kafka/server.properties")).unwrap_or_default();
        let flush: Vec<&str> = properties.lines().filter(|line| line.starts_with("log.flush")).collect();
        let flush = if flush.is_empty() { "left to the operating system (no log.flush.* is set)".to_owned() } else { flush.join(", ") };
        let segment = properties.lines().find_map(|line| line.strip_prefix("log.segment.bytes=")).unwrap_or("default");
        let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model =
            processor.lines().find_map(|line| line.strip_prefix("model name")).map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned());
        Ok(json!({
            "broker": { "brokers": 1, "replication": 1, "min_insync_replicas": 1, "partitions": self.partitions, "flush": flush,
                "segment_bytes": segment, "producer": "idempotent, acks=all" },
            "postgres": self.server.settings().await?,
            "machine": { "processor": model, "load_core": self.load_core, "product_core": self.product_core,
                "cores": processor.lines().filter(|line| line.starts_with("processor")).count() },
        }))
    }
}

/// An address that is free now.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Asks again and again until there is an answer; fails with what was waited for.
pub async fn until<T, F>(what: &str, deadline: Duration, mut ask: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if began.elapsed() > deadline {
            bail!("waited {deadline:?} in vain: {what}");
        }
    }
}

/// Makes a folder that only we may read.
pub fn private_folder(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path)?;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?)
}
