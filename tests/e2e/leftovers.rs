//! Databases and topics of earlier runs: a run that was killed, and the shared installation, which lives as long as its process.

use std::io::Write;
use std::path::PathBuf;

use orderbridge_kafka::{KafkaSettings, TopicSettings, Topics};
use tokio::process::Command;

use crate::installation::service;

/// Names of installations, each behind the process that made it.
fn register() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("e2e-installations")
}

/// Notes an installation of this process.
pub fn note(name: &str) {
    let mut file = std::fs::File::options().create(true).append(true).open(register()).unwrap();
    writeln!(file, "{} {name}", std::process::id()).unwrap();
}

/// Removes what processes that have ended left behind.
pub async fn clear() {
    let noted = std::fs::read_to_string(register()).unwrap_or_default();
    let mut kept = String::new();
    for (process, name) in noted.lines().filter_map(|line| line.split_once(' ')) {
        if PathBuf::from(format!("/proc/{process}")).exists() {
            kept.push_str(&format!("{process} {name}\n"));
        } else {
            remove(name).await;
        }
    }
    std::fs::write(register(), kept).unwrap();
}

/// Removes one installation's database and topics, if they are still there.
pub async fn remove(name: &str) {
    let mut psql = Command::new("psql");
    psql.args(["--quiet", "--no-psqlrc", "--dbname", &service("DATABASE_URL"), "--command"]);
    // The outcome of tests does not hang on a clean-up.
    let _dropped = psql.arg(format!("drop database if exists {name} with (force)")).output().await;
    let mut kafka = KafkaSettings::new(service("KAFKA_BROKERS"));
    kafka.topic_prefix = format!("{name}.");
    if let Ok(topics) = Topics::new(&kafka, &TopicSettings::single_broker()) {
        let _deleted = topics.delete_prefixed().await;
    }
}
