//! One installation of the product between two simulated platforms, with a database and topics of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use orderbridge_postgres::Keyring;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::api::Api;
use crate::deliveries::Deliveries;
use crate::load;
use crate::merchant::Merchant;
use crate::place::{Place, free_address, private_folder, until};
use crate::process::{Process, Start, Watch};

const SOON: Duration = Duration::from_secs(60);
/// The longest that any load may take to become sales orders.
pub const DEADLINE: Duration = Duration::from_secs(180);
/// "Without quotas": more than anybody can use.
pub const NO_QUOTA: u32 = 1_000_000;

/// No store of ours has orders from here on.
const NO_ORDERS: u64 = 1_000_000_000;

/// What every process of the product is told. The topics' prefix is the database's name.
pub fn common_environment(place: &Place, database: &str, keys: &str) -> Vec<(String, String)> {
    let directory = place.local.join(format!("{database}.directory"));
    let told = [
        ("DATABASE_URL", place.server.url_of(database)),
        ("KAFKA_BROKERS", place.brokers.clone()),
        ("ORDERBRIDGE__KEYS", keys.to_owned()),
        ("ORDERBRIDGE__KAFKA__TOPIC_PREFIX", format!("{database}.{}.", std::process::id())),
        ("ORDERBRIDGE__TOPICS__PARTITIONS", place.partitions.to_string()),
        ("ORDERBRIDGE__TOPICS__REPLICATION", "1".into()),
        ("ORDERBRIDGE__TOPICS__MIN_INSYNC_REPLICAS", "1".into()),
        ("ORDERBRIDGE__INGEST__DIRECTORY__FILE", directory.display().to_string()),
        ("ORDERBRIDGE__INGEST__HTTP__UNREADY_DELAY", "0s".into()),
        ("ORDERBRIDGE__PROCESSOR__CONSUMER_GROUP", format!("{database}.{}", std::process::id())),
        ("RUST_LOG", "info".into()),
    ];
    told.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Runs a command of the product to its end.
pub async fn orderbridge(place: &Place, environment: &[(String, String)], arguments: &[&str]) -> anyhow::Result<String> {
    let environment = environment.iter().map(|(name, value)| (name, value));
    let output = Command::new(place.program("orderbridge")).args(arguments).envs(environment).stdin(Stdio::null()).output().await?;
    if !output.status.success() {
        bail!("orderbridge {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Both simulators, on the load's core.
#[derive(Debug)]
pub struct Platforms {
    /// The stores.
    pub bigcommerce: Api,
    /// The accounts.
    pub brightpearl: Api,
    process: Process,
}

impl Platforms {
    /// Starts them.
    pub async fn start(place: &Place, name: &str) -> anyhow::Result<Self> {
        let (stores, accounts) = (free_address()?, free_address()?);
        let process = Process::start(Start {
            core: &place.load_core,
            program: &place.program("platforms"),
            arguments: &["--bigcommerce", &stores.to_string(), "--brightpearl", &accounts.to_string()],
            environment: &[],
            log: place.log(&format!("{name}.platforms")),
        })?;
        let (bigcommerce, brightpearl) = (Api::new(&format!("http://{stores}"))?, Api::new(&format!("http://{accounts}"))?);
        for api in [&bigcommerce, &brightpearl] {
            until("the simulators answer", SOON, || async { Ok(api.is_fine("/_sim/health").await.then_some(())) }).await?;
        }
        bigcommerce.act("switches", &json!({ "allow_loopback_http": true })).await?;
        brightpearl.act("switches", &json!({ "webhook_http": true })).await?;
        Ok(Self { bigcommerce, brightpearl, process })
    }

    /// Calls that an account allows in a minute.
    pub async fn allow_per_minute(&self, calls: u32) -> anyhow::Result<()> {
        self.brightpearl.act("switches", &json!({ "requests_per_minute": calls })).await.map(drop)
    }

    /// Forgets all calls and deliveries, and says whether bodies are to be kept from now on.
    pub async fn forget(&self, bodies: bool) -> anyhow::Result<()> {
        for api in [&self.bigcommerce, &self.brightpearl] {
            api.clear("ledger/calls").await?;
            api.clear("ledger/deliveries").await?;
            api.act("ledger", &json!({ "bodies": bodies })).await?;
        }
        Ok(())
    }

    /// The part of all webhooks of both platforms that never arrives.
    pub async fn lose(&self, part: f64) -> anyhow::Result<()> {
        for api in [&self.bigcommerce, &self.brightpearl] {
            api.act("chaos", &json!({ "drop": part })).await?;
        }
        Ok(())
    }

    /// Calls of both platforms.
    pub async fn calls(&self) -> anyhow::Result<u64> {
        Ok(self.bigcommerce.counted("calls", "").await? + self.brightpearl.counted("calls", "").await?)
    }

    /// Waits until nothing has been called for a while.
    pub async fn quiet(&self, span: Duration, deadline: Duration) -> anyhow::Result<()> {
        let began = std::time::Instant::now();
        let (mut known, mut since) = (self.calls().await?, began);
        while since.elapsed() < span {
            if began.elapsed() > deadline {
                bail!("calls have not ended for {deadline:?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = self.calls().await?;
            if now != known {
                (known, since) = (now, std::time::Instant::now());
            }
        }
        Ok(())
    }

    /// Webhooks of a store that were not tried yet. What a receiver refused waits a minute and more for its next try.
    pub async fn undelivered(&self, store: &str) -> anyhow::Result<usize> {
        let waiting = self.bigcommerce.look(&format!("stores/{store}/deliveries")).await?;
        let first_try = |entry: &&Value| entry.get("attempt").and_then(Value::as_u64) == Some(1);
        Ok(waiting.as_array().map_or(0, |entries| entries.iter().filter(first_try).count()))
    }

    /// Sales orders that were made, by calls that succeeded.
    pub async fn sales_orders(&self) -> anyhow::Result<u64> {
        self.brightpearl.counted("calls", "method=POST&path=/order-service/sales-order&status=200").await
    }

    /// Their process.
    pub const fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends them.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

/// What an installation allows itself.
#[derive(Debug, Clone, Copy)]
pub struct Quotas {
    /// Calls to a store in 30 seconds.
    pub per_store: u32,
    /// Calls to an account in a minute.
    pub per_account: u32,
}

/// The product between the two platforms.
#[derive(Debug)]
pub struct Installation<'a> {
    /// Where it runs.
    pub place: &'a Place,
    /// The simulators.
    pub platforms: Platforms,
    /// Where webhooks go.
    pub ingest: SocketAddr,
    name: String,
    environment: Vec<(String, String)>,
    folder: PathBuf,
    role: Process,
}

impl<'a> Installation<'a> {
    /// Makes database and topics and starts `orderbridge all`.
    pub async fn start(place: &'a Place, part: &str, quotas: Quotas) -> anyhow::Result<Self> {
        let name = format!("bench_{part}");
        let platforms = Platforms::start(place, &name).await?;
        platforms.allow_per_minute(quotas.per_account).await?;
        place.server.create(&name, None).await?;
        let (ingest, processor) = (free_address()?, free_address()?);
        let keys = Keyring::generate("bench")?;
        let mut environment = common_environment(place, &name, keys.expose_secret());
        let more = [
            ("ORDERBRIDGE__PUBLIC_URL", format!("http://{ingest}")),
            ("ORDERBRIDGE__INGEST__HTTP__LISTEN", ingest.to_string()),
            ("ORDERBRIDGE__PROCESSOR__LISTEN", processor.to_string()),
            // What is swept at the start is no part of what is measured: it is to be over soon.
            ("ORDERBRIDGE__PROCESSOR__SWEEPS__START_WITHIN", "1s".into()),
            ("ORDERBRIDGE__QUOTA__BIGCOMMERCE_PER_WINDOW", quotas.per_store.to_string()),
            ("ORDERBRIDGE__QUOTA__BRIGHTPEARL_PER_MINUTE", quotas.per_account.to_string()),
        ];
        environment.extend(more.map(|(name, value)| (name.to_owned(), value)));
        let folder = place.local.join(&name);
        private_folder(&folder)?;
        orderbridge(place, &environment, &["migrate", "up"]).await?;
        orderbridge(place, &environment, &["topics", "create"]).await?;
        let role = Process::start(Start {
            core: &place.product_core,
            program: &place.program("orderbridge"),
            arguments: &["all"],
            environment: &environment,
            log: place.log(&name),
        })?;
        let mut installation = Self { place, platforms, ingest, name, environment, folder, role };
        for addr in [ingest, processor] {
            let api = Api::new(&format!("http://{addr}"))?;
            until("orderbridge is ready", SOON, || async { Ok(api.is_fine("/readyz").await.then_some(())) })
                .await
                .with_context(|| format!("see {}", place.log(&installation.name).display()))?;
        }
        installation.role.check()?;
        Ok(installation)
    }

    /// Sends events about orders that do not exist until all are acknowledged: a broker that just began answers late, and a store leaves a
    /// receiver alone for minutes that says no too often (BC §c, delivery semantics).
    pub async fn warm_up(&self, merchants: &[Merchant]) -> anyhow::Result<()> {
        let mut endpoints = Vec::new();
        for merchant in merchants {
            endpoints.push(merchant.endpoint(self).await?);
        }
        let deliveries = Arc::new(Deliveries::make(&endpoints, self.ingest, NO_ORDERS, 2_000));
        let ask = || async {
            let outcome = load::closed(self.ingest, &deliveries, 16, Duration::ZERO, Duration::from_millis(500)).await;
            Ok((outcome.failed() < 0.01).then_some(()))
        };
        until("ingest acknowledges events", SOON, ask).await?;
        self.platforms.quiet(Duration::from_secs(1), DEADLINE).await
    }

    /// Imports a tenant's file and registers its webhooks.
    pub async fn connect(&self, tenant: &str, file: &str) -> anyhow::Result<()> {
        let path = self.folder.join(format!("{tenant}.toml"));
        std::fs::write(&path, file)?;
        let path = path.to_str().context("the folder's name is no text")?;
        orderbridge(self.place, &self.environment, &["tenant", "import", path]).await?;
        orderbridge(self.place, &self.environment, &["hooks", "sync", "--tenant", tenant]).await.map(drop)
    }

    /// The process of the product.
    pub const fn role(&self) -> &Process {
        &self.role
    }

    /// Fails if the product has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.role.check()
    }

    /// Whose use of the processor is told.
    pub fn watch(&self) -> anyhow::Result<Watch> {
        let [kafka, postgres] = self.place.services()?;
        Ok(Watch::new(&[("orderbridge", self.role.pid()), kafka, postgres, ("simulators", self.platforms.pid())]))
    }

    /// Waits until so many sales orders have been made since the ledgers were emptied; if they are not, says where the others are.
    pub async fn made(&mut self, orders: usize) -> anyhow::Result<()> {
        let wanted = u64::try_from(orders)?;
        let platforms = &self.platforms;
        let waited =
            until("all orders are in Brightpearl", DEADLINE, || async { Ok((platforms.sales_orders().await? >= wanted).then_some(())) }).await;
        self.role.check()?;
        if let Err(error) = waited {
            bail!("{error:#}; {} of {wanted} are: {}", self.platforms.sales_orders().await?, self.whereabouts().await?);
        }
        Ok(())
    }

    /// What waits, and for what.
    async fn whereabouts(&self) -> anyhow::Result<String> {
        let work = "select kind || ' ' || state || ' ' || count(*) || ' ' || coalesce(reason, '') from work_items where kind <> 'sweep' group by kind, state, reason";
        let held = "select 'held ' || effect || ' ' || cause || ' ' || count(*) from holds group by effect, cause";
        let mut rows = vec![self.place.server.sql(&self.name, work).await?, self.place.server.sql(&self.name, held).await?];
        for status in [200, 503] {
            let answered = self.platforms.bigcommerce.counted("deliveries", &format!("status={status}")).await?;
            rows.push(format!("{answered} of the stores' webhooks were answered with {status}"));
        }
        Ok(rows.join("\n"))
    }

    /// Asks a simulator for one of its stores' hooks, for deliveries of our own.
    pub async fn hook(&self, store: &str) -> anyhow::Result<Value> {
        let hooks = self.platforms.bigcommerce.look(&format!("stores/{store}/hooks")).await?;
        let list = hooks.as_array().or_else(|| hooks.get("hooks").and_then(Value::as_array)).cloned().unwrap_or_default();
        list.into_iter()
            .find(|hook| hook.get("scope").and_then(Value::as_str).is_some_and(|scope| scope.contains("order")))
            .context("the store has no hook")
    }

    /// Ends everything.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.role.stop().await?;
        self.platforms.stop().await?;
        self.place.server.remove(&self.name).await
    }
}
