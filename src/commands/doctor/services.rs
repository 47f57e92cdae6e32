//! Settings, brokers and database.

use orderbridge_kafka::Topics;
use orderbridge_postgres::Db;

use super::report::Report;
use crate::commands;
use crate::settings::{Profile, Settings};

/// The settings.
///
/// # Errors
/// Standard output cannot be written to.
pub fn settings(report: &mut Report, settings: &Settings) -> anyhow::Result<()> {
    let mut problems = settings.problems();
    problems.extend(settings.public_url().err().map(|error| error.to_string()));
    problems.sort();
    problems.dedup();
    if problems.is_empty() {
        return report.ok(
            "settings",
            match settings.general.profile {
                Profile::Production => "can be used, in the production profile",
                Profile::Development => "can be used, in the development profile: nothing is checked for surviving the loss of a broker",
            },
        );
    }
    problems.into_iter().try_for_each(|problem| report.fail("settings", problem, "change it in the settings file or the environment"))
}

/// The brokers and the topics.
///
/// # Errors
/// Standard output cannot be written to.
pub async fn brokers(report: &mut Report, settings: &Settings) -> anyhow::Result<()> {
    let Ok(kafka) = settings.kafka() else { return report.skip("brokers", "not looked at: they are not set") };
    let described = match Topics::new(kafka, &settings.topics) {
        Ok(topics) => topics.describe().await,
        Err(error) => Err(error),
    };
    let topics = match described {
        Ok(topics) => topics,
        Err(error) => {
            return report.fail("brokers", error.to_string(), format!("check that {} can be reached from here and lets us in", kafka.brokers));
        }
    };
    report.ok("brokers", format!("{} answer", kafka.brokers))?;
    for topic in topics {
        let check = format!("topic {}", topic.topic);
        if topic.drift.is_empty() {
            report.ok(check, format!("{} partitions on {} brokers each", topic.partitions, topic.replication))?;
        } else if topic.partitions == 0 {
            report.fail(check, "does not exist", "run `orderbridge topics create`")?;
        } else {
            report.fail(check, topic.drift.join("; "), "change the topic with the brokers' own tools, or the settings")?;
        }
    }
    Ok(())
}

/// The database, its schema and the keys; `None` if the tenants cannot be read.
///
/// # Errors
/// Standard output cannot be written to.
pub async fn database(report: &mut Report, settings: &Settings) -> anyhow::Result<Option<Db>> {
    let db = match commands::database(settings) {
        Ok(db) => db,
        Err(error) => {
            report.fail("database", error.to_string(), "set DATABASE_URL")?;
            return Ok(None);
        }
    };
    if let Err(error) = db.ping().await {
        report.fail("database", error.to_string(), "check that it runs, can be reached from here and lets us in")?;
        return Ok(None);
    }
    report.ok("database", "answers")?;
    match db.pending_migrations().await {
        Ok(pending) if pending.is_empty() => report.ok("migrations", "none is missing")?,
        Ok(pending) => {
            report.fail("migrations", format!("missing: {}", pending.join(", ")), "run `orderbridge migrate up`")?;
            return Ok(None);
        }
        Err(error) => {
            report.fail("migrations", error.to_string(), "check the rights of the database user")?;
            return Ok(None);
        }
    }
    match settings.keyring() {
        Ok(keyring) => Ok(Some(db.with_keyring(keyring))),
        Err(error) => {
            report.skip("master keys", format!("{error:#}"))?;
            Ok(None)
        }
    }
}
