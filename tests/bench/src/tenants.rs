//! Ten thousand tenants, each with a store and an account of its own: imported once, then copied with their database.

use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use orderbridge_postgres::{
    AccountImport, Connection, DatabaseSettings, Db, Directory, DirectorySettings, Keyring, Lookup, SignatureMode, StoreImport, TenantImport,
};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::ids::{AccountCode, InstallationId, StoreHash, TenantId};
use orderbridge_schema::rules::Rules;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use crate::deliveries::Endpoint;
use crate::place::Place;
use crate::report::tell;

/// How many.
pub const TENANTS: usize = 10_000;
/// Imports side by side.
const IMPORTERS: u32 = 6;

/// The machine's own time.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The tenants' database, to be copied and never written to.
#[derive(Debug)]
pub struct Tenants {
    /// Its name.
    pub template: String,
    /// The master key that its secrets are sealed under.
    pub keys: SecretString,
}

impl Tenants {
    /// Makes the database if it is not there, for these migrations.
    pub async fn prepare(place: &Place) -> anyhow::Result<Self> {
        let template = format!("bench_tenants_{}", migrations(place)?);
        let keys = keys(place)?;
        let tenants = Self { template, keys };
        let exists = format!("select 1 from pg_database where datname = '{}'", tenants.template);
        if place.server.admin(&exists).await?.is_empty() {
            tenants.make(place).await?;
        }
        Ok(tenants)
    }

    async fn make(&self, place: &Place) -> anyhow::Result<()> {
        tell(&format!("importing {TENANTS} tenants, once for this data folder"));
        let old = place.server.admin("select datname from pg_database where datname like 'bench\\_tenants\\_%'").await?;
        for name in old.lines() {
            place.server.remove(name).await?;
        }
        let unfinished = format!("{}_new", self.template);
        place.server.create(&unfinished, None).await?;
        let db = self.open(&place.server.loading_url_of(&unfinished), IMPORTERS)?;
        db.migrate().await?;
        let mut importers = JoinSet::new();
        for first in 0..usize::try_from(IMPORTERS)? {
            let db = db.clone();
            importers.spawn(async move {
                for number in (first..TENANTS).step_by(IMPORTERS as usize) {
                    db.import_tenant(&tenant(number)?).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(imported) = importers.join_next().await {
            imported??;
        }
        drop(db);
        place.server.sql(&unfinished, "vacuum analyze").await?;
        place.server.admin(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{unfinished}'")).await?;
        place.server.admin(&format!("alter database {unfinished} rename to {}", self.template)).await.map(drop)
    }

    /// Opens a copy.
    pub fn open(&self, url: &str, connections: u32) -> anyhow::Result<Db> {
        let mut settings = DatabaseSettings::at(SecretString::from(url));
        settings.bulk_connections = connections;
        settings.checkout_timeout = std::time::Duration::from_secs(5);
        let keyring = Arc::new(Keyring::parse(self.keys.expose_secret())?);
        Ok(Db::connect(&settings, Arc::new(SystemClock))?.with_keyring(keyring))
    }

    /// Where each tenant's webhooks go, with the secrets, as ingest itself would know them.
    pub async fn endpoints(&self, place: &Place, name: &str) -> anyhow::Result<Vec<Endpoint>> {
        let db = self.open(&place.server.url_of(name), 2)?;
        let directory = Directory::open(&db, DirectorySettings::with_file(None)).await?;
        let first = |secrets: &[SecretString]| secrets.first().map(|secret| secret.expose_secret().to_owned()).unwrap_or_default();
        let mut endpoints = Vec::new();
        for tenant in db.tenants().await? {
            let Lookup::Found(found) = directory.find(&tenant.connection) else { bail!("tenant {} is not in the directory", tenant.id) };
            let Connection::Bigcommerce(store) = &*found else { bail!("tenant {} has no store", tenant.id) };
            endpoints.push(Endpoint {
                connection: store.id.to_string(),
                store: store.store.to_string(),
                client_secret: first(&store.client_secrets),
                header_secret: first(&store.header_secrets),
            });
        }
        if endpoints.len() != TENANTS {
            bail!("{} tenants instead of {TENANTS}: deploy/local/bench --purge", endpoints.len());
        }
        Ok(endpoints)
    }
}

/// A digest of all migrations: a copy made by others is of no use.
fn migrations(place: &Place) -> anyhow::Result<String> {
    let folder = place.repository.join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path().join("up.sql")).collect();
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        digest.update(std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    Ok(digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

/// The master key of this data folder, made once.
fn keys(place: &Place) -> anyhow::Result<SecretString> {
    let path = place.local.join("keys");
    if let Ok(known) = std::fs::read_to_string(&path) {
        return Ok(SecretString::from(known.trim().to_owned()));
    }
    let keys = Keyring::generate("bench")?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    std::io::Write::write_all(&mut file, keys.expose_secret().as_bytes())?;
    Ok(keys)
}

fn tenant(number: usize) -> anyhow::Result<TenantImport> {
    let secret = |what: &str| SecretString::from(format!("{what}-{number:05}-{}", "0123456789abcdef".repeat(3)));
    Ok(TenantImport {
        id: TenantId::new(format!("bench-{number:05}"))?,
        store: StoreImport {
            hash: StoreHash::new(format!("bench{number:05}"))?,
            base: "http://127.0.0.1:9".parse()?,
            signature_mode: SignatureMode::Require,
            client_id: format!("client-{number:05}"),
            client_secret: secret("client"),
            access_token: secret("store"),
        },
        account: AccountImport {
            code: AccountCode::new(format!("bench{number:05}"))?,
            api_base: "http://127.0.0.1:9".parse()?,
            token_base: "http://127.0.0.1:9".parse()?,
            app_ref: "bench".into(),
            dev_ref: "bench".into(),
            installation: Some(InstallationId(7)),
            client_secret: Some(secret("app")),
            access_token: Some(secret("access")),
            refresh_token: Some(secret("refresh")),
            expires_at: None,
        },
        rules: Rules::default(),
    })
}
