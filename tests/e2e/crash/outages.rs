//! A database and a broker that are killed under load, and a database that comes back as it was half a minute ago.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::installation::{Installation, Services, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

/// PostgreSQL and Kafka of this test's own, so that nobody else feels what is done to them.
pub(super) struct Own {
    folder: tempfile::TempDir,
    /// Ends the services when this process has ended, in whatever way.
    _guard: Child,
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/local").join(name)
}

impl Own {
    pub(super) async fn start() -> (Self, Services) {
        let folder = tempfile::Builder::new().prefix("services").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut guard = Command::new("sh");
        let ending = "cat > /dev/null; cd /; [ -d \"$ORDERBRIDGE_LOCAL\" ] && \"$0\" --purge > /dev/null 2>&1";
        guard.arg("-c").arg(ending).arg(script("down")).stdin(Stdio::piped());
        let guard = Self::alone(&mut guard, &folder).spawn().unwrap();
        let own = Self { folder, _guard: guard };
        own.run("up", &[]).await;
        let told = own.run("env", &[]).await;
        let value = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
            line.unwrap().trim_matches(['\'', '"']).to_owned()
        };
        let services = Services { database: value("DATABASE_URL"), brokers: value("KAFKA_BROKERS") };
        (own, services)
    }

    /// A command that knows of no other services than these.
    fn alone<'a>(command: &'a mut Command, folder: &tempfile::TempDir) -> &'a mut Command {
        command.env_remove("DATABASE_URL").env_remove("KAFKA_BROKERS").env("ORDERBRIDGE_LOCAL", folder.path())
    }

    async fn run(&self, name: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(script(name));
        let output = Self::alone(&mut command, &self.folder).args(arguments).stdin(Stdio::null()).output().await.unwrap();
        assert!(output.status.success(), "{name}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Copies the stopped database's folder.
    async fn copy(&self, from: &str, to: &str) {
        let postgres = self.folder.path().join("postgres");
        let command = format!("rm -rf {to} && cp -a {from} {to}");
        let done = Command::new("sh").args(["-c", &command]).current_dir(postgres.canonicalize().unwrap()).status().await.unwrap();
        assert!(done.success());
    }

    /// Where the database's files are.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("postgres/data")
    }

    pub(super) async fn end(self) {
        self.run("down", &["--purge"]).await;
    }
}

/// Orders placed while something is done to the services.
async fn place(merchant: &Merchant<'_>, count: usize) -> Vec<u64> {
    let mut orders = Vec::new();
    for _order in 0..count {
        orders.push(merchant.place_simple().await);
    }
    orders
}

/// Lets platforms send again what ingest could not take meanwhile.
fn resend(installation: &Installation) {
    installation.advance(Duration::from_secs(120));
}

/// Everything has arrived once: one sales order each, and one shipment where one was shipped.
async fn all_there(merchant: &Merchant<'_>, orders: &[u64], shipped: &[u64]) {
    for order in orders {
        merchant.synced(*order).await;
    }
    for order in shipped {
        merchant.shipped(*order, 1).await;
    }
    stays("nothing comes twice", Duration::from_secs(5), async || {
        for order in shipped {
            if merchant.shipments(*order).await.len() != 1 {
                return false;
            }
        }
        merchant.sales_orders(orders[0]).await.len() == 1
    })
    .await;
}

/// Ships the whole sales order of each.
async fn ship(merchant: &Merchant<'_>, orders: &[u64]) {
    for order in orders {
        let sales_order: Value = merchant.synced(*order).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
    }
}

#[test]
fn killed_and_restored_services_lose_nothing_and_double_nothing() {
    run(async {
        let (own, services) = Own::start().await;
        {
            let installation = Installation::on(services, "outages".to_owned(), &[]).await;
            let _all = installation.start("all", &[]).await;
            let merchant = Merchant::new(&installation).await;

            let mut orders = place(&merchant, 6).await;
            own.run("restart", &["--kill", "postgres"]).await;
            orders.extend(place(&merchant, 3).await);
            resend(&installation);
            all_there(&merchant, &orders, &[]).await;

            orders.extend(place(&merchant, 6).await);
            own.run("restart", &["--kill", "kafka"]).await;
            orders.extend(place(&merchant, 3).await);
            until("ingest is ready again", SOON, || async {
                installation.http.get(format!("{}/readyz", installation.public_url)).send().await.ok().filter(|answer| answer.status().is_success())
            })
            .await;
            resend(&installation);
            all_there(&merchant, &orders, &[]).await;

            own.run("down", &["postgres"]).await;
            own.copy("data", "copy").await;
            own.run("up", &["postgres"]).await;
            // Half a minute of work that the copy knows nothing of: new customers, orders, shipments.
            let began = std::time::Instant::now();
            let mut shipped = orders.split_off(12);
            orders.extend(&shipped);
            ship(&merchant, &shipped).await;
            while began.elapsed() < Duration::from_secs(30) {
                let placed = place(&merchant, 2).await;
                ship(&merchant, &placed[..1]).await;
                shipped.push(placed[0]);
                orders.extend(placed);
            }
            own.run("down", &["postgres"]).await;
            own.copy("copy", "data").await;
            own.run("up", &["postgres"]).await;
            orders.extend(place(&merchant, 2).await);
            resend(&installation);
            all_there(&merchant, &orders, &shipped).await;
        }
        own.end().await;
    });
}
