//! `topics create|describe`.

use clap::Subcommand;

use crate::commands::Ending;
use crate::output;
use crate::settings::Settings;

/// What to do with the topics.
#[derive(Debug, Subcommand)]
pub enum Topics {
    /// Make the topics that do not exist; those that do are left as they are
    Create {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the topics and how they differ from the settings; exit code 1 if one does
    Describe {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
///
/// # Errors
/// The brokers fail, or the settings are wrong.
pub async fn run(args: &Topics, settings: &Settings) -> anyhow::Result<Ending> {
    let topics = orderbridge_kafka::Topics::new(settings.kafka()?, &settings.topics)?;
    match args {
        Topics::Create { json } => {
            let made = topics.create().await?;
            let state = |created| if created { "created" } else { "was there" };
            output::list(&made, *json, &["TOPIC", "STATE"], |topic| vec![topic.topic.clone(), state(topic.created).to_owned()])?;
            Ok(Ending::Fine)
        }
        Topics::Describe { json } => {
            let reports = topics.describe().await?;
            output::list(&reports, *json, &["TOPIC", "PARTITIONS", "REPLICATION", "DIFFERS FROM THE SETTINGS"], |report| {
                let drift = if report.drift.is_empty() { "no".to_owned() } else { report.drift.join("; ") };
                vec![report.topic.clone(), report.partitions.to_string(), report.replication.to_string(), drift]
            })?;
            Ok(Ending::fine_if(reports.iter().all(|report| report.drift.is_empty())))
        }
    }
}
