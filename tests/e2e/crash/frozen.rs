//! A database that stands still: no answer, no error, and connections that stay open.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::outages::Own;
use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{stays, until};

/// How long a lease lasts, and how long before its end its owner has to stop.
const LEASE: [(&str, &str); 2] = [("ORDERBRIDGE__PROCESSOR__LEASE_TTL", "8s"), ("ORDERBRIDGE__PROCESSOR__LEASE_MARGIN", "3s")];
const TTL: Duration = Duration::from_secs(8);

/// Sends a signal to the server and to all its children.
async fn signal(data: &Path, name: &str) {
    // The folder may belong to the server's own user, and this process may be root.
    let server = std::fs::read_to_string(data.join("postmaster.pid")).unwrap().lines().next().unwrap().to_owned();
    let parent = |stat: String| stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1).map(str::to_owned));
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let children = processes.filter(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(parent).as_ref() == Some(&server));
    let all: Vec<String> = std::iter::once(server.clone()).chain(children).collect();
    assert!(all.len() > 1, "a server has children");
    assert!(Command::new("kill").arg(format!("-{name}")).args(&all).status().await.unwrap().success());
}

#[test]
fn an_owner_whose_database_stands_still_stops_before_its_lease_ends() {
    run(async {
        let (own, services) = Own::start().await;
        {
            let installation = Installation::on(services, "frozen".to_owned(), &LEASE).await;
            let _ingest = installation.start("ingest", &[]).await;
            let mut processor = installation.start("processor", &[]).await;
            let merchant = Merchant::new(&installation).await;
            let first = merchant.place_simple().await;
            merchant.synced(first).await;
            let told = |what: &str| installation.log("processor").matches(what).count();
            assert_eq!((told("working on an account"), told("stopping work on an account")), (1, 0));

            signal(&own.data(), "STOP").await;
            // Ingest asks no database, so that this one waits in Kafka.
            let second = merchant.place_simple().await;
            until("the owner stops at its own moment", TTL, || async { (told("stopping work on an account") == 1).then_some(()) }).await;
            stays("it takes nothing up without a lease", TTL, async || told("working on an account") == 1).await;
            assert!(merchant.sales_orders(second).await.is_empty());

            signal(&own.data(), "CONT").await;
            merchant.synced(second).await;
            assert!(told("working on an account") > 1, "under a lease of its own");
            for order in [first, second] {
                assert_eq!(merchant.sales_orders(order).await.len(), 1);
            }
            assert_eq!(processor.stop().await, Some(0));
        }
        own.end().await;
    });
}
