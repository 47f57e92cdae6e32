//! Databases of the bench's own PostgreSQL server.

use anyhow::{Context as _, bail};
use tokio::process::Command;
use url::Url;

/// The server.
#[derive(Debug, Clone)]
pub struct Server {
    url: Url,
}

impl Server {
    /// The server that a database URL names.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { url: Url::parse(url).context("DATABASE_URL is no URL")? })
    }

    /// The URL of one of its databases.
    pub fn url_of(&self, name: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(name);
        url.into()
    }

    /// The same for bulk loading, which nobody measures: commits do not wait for the disk.
    pub fn loading_url_of(&self, name: &str) -> String {
        format!("{}?options=-c%20synchronous_commit%3Doff", self.url_of(name))
    }

    /// Runs SQL in one of its databases and gives what it prints, one row a line.
    pub async fn sql(&self, name: &str, statement: &str) -> anyhow::Result<String> {
        let mut psql = Command::new("psql");
        psql.args(["-XqAt", "--set", "ON_ERROR_STOP=1", "--dbname", &self.url_of(name), "--command", statement]);
        let done = psql.env("PGOPTIONS", "-c client_min_messages=warning").output().await.context("cannot run psql")?;
        if !done.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&done.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// Runs SQL in the database that the server was named by.
    pub async fn admin(&self, statement: &str) -> anyhow::Result<String> {
        self.sql(self.url.path().trim_start_matches('/'), statement).await
    }

    /// Makes a database anew, as a copy of another or empty.
    pub async fn create(&self, name: &str, template: Option<&str>) -> anyhow::Result<()> {
        self.admin(&format!("drop database if exists {name} with (force)")).await?;
        if let Some(template) = template {
            // Nobody may be connected to what is copied.
            self.admin(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{template}'")).await?;
        }
        let from = template.map(|template| format!(" template {template}")).unwrap_or_default();
        self.admin(&format!("create database {name}{from}")).await.map(drop)
    }

    /// Drops a database.
    pub async fn remove(&self, name: &str) -> anyhow::Result<()> {
        self.admin(&format!("drop database if exists {name} with (force)")).await.map(drop)
    }

    /// The settings that numbers depend on.
    pub async fn settings(&self) -> anyhow::Result<serde_json::Value> {
        let names = "'server_version','fsync','synchronous_commit','shared_buffers','max_wal_size','full_page_writes'";
        let rows = self.admin(&format!("select name || '=' || current_setting(name) from pg_settings where name in ({names}) order by name")).await?;
        let pairs = rows.lines().filter_map(|line| line.split_once('='));
        Ok(serde_json::Value::Object(pairs.map(|(name, value)| (name.to_owned(), value.into())).collect()))
    }
}
