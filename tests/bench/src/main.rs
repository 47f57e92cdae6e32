//! Measures speed, memory, fairness and the cost in calls, on real PostgreSQL and Kafka and on simulated platforms.
//!
//! `deploy/local/bench` (or `make bench`) prepares what this needs: services of its own on one core, and this process, which makes the
//! load, on another. All figures of a run are from the same run; what is compared alternates. Nothing here is part of the product.

#![allow(clippy::float_arithmetic, reason = "measuring is counting with fractions, and no money is here")]

mod api;
mod bare;
mod calls;
mod ceilings;
mod database;
mod deliveries;
mod fairness;
mod http;
mod ingest;
mod installation;
mod ledger;
mod load;
mod merchant;
mod pipeline;
mod place;
mod process;
mod report;
mod stats;
mod tenants;
mod work_items;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::place::Place;
use crate::report::{Report, say, tell};

/// Measures Orderbridge.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure all parts, or those that are named
    Run {
        /// Short runs that only show whether everything works
        #[arg(long)]
        quick: bool,
        /// Partitions of each topic; the default is production's
        #[arg(long, default_value_t = 12)]
        partitions: u32,
        /// Where the figures go
        #[arg(long, default_value = "target/bench.json")]
        out: PathBuf,
        /// Which parts
        #[arg(value_enum)]
        parts: Vec<Part>,
    },
    /// Serve the handler that ingest is compared with
    Bare {
        /// Address to listen on
        #[arg(long)]
        listen: SocketAddr,
        /// Threads that serve requests
        #[arg(long)]
        workers: usize,
    },
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Part {
    /// Webhooks a second beside a bare handler, latency at half load, memory
    Ingest,
    /// Orders a second, webhook to effect at a steady pace
    Pipeline,
    /// Claims beside a backlog, upserts a second
    WorkItems,
    /// Small tenants while another floods
    Fairness,
    /// Calls per order and shipment
    Calls,
}

impl Part {
    async fn run(self, place: &Place, report: &mut Report) -> anyhow::Result<()> {
        match self {
            Self::Ingest => ingest::run(place, report).await,
            Self::Pipeline => pipeline::run(place, report).await,
            Self::WorkItems => work_items::run(place, report).await,
            Self::Fairness => fairness::run(place, report).await,
            Self::Calls => calls::run(place, report).await,
        }
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Bare { listen, workers } => bare::serve(listen, workers),
        Command::Run { quick, partitions, out, parts } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime
                .map_err(anyhow::Error::from)
                .and_then(|runtime| runtime.block_on(async { run(Place::find(quick, partitions)?, &out, &parts).await }))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(place: Place, out: &std::path::Path, parts: &[Part]) -> anyhow::Result<()> {
    let parts = if parts.is_empty() { Part::value_variants() } else { parts };
    let mut report = Report::default();
    report.note("quick", json!(place.quick));
    report.note("measured_at", json!(jiff::Timestamp::now()));
    let settings = place.settings().await?;
    if place.quick {
        say("QUICK: runs too short to be believed");
    }
    say(&format!("{settings}"));
    report.note("settings", settings);
    let mut failed = serde_json::Map::new();
    for part in parts {
        let began = Instant::now();
        // One part that cannot be measured is no reason to lose the others' figures.
        if let Err(error) = part.run(&place, &mut report).await {
            tell(&format!("{part:?} failed: {error:#}"));
            failed.insert(format!("{part:?}"), json!(format!("{error:#}")));
        }
        tell(&format!("{part:?} took {:.0} s", began.elapsed().as_secs_f64()));
    }
    let all_measured = failed.is_empty();
    report.note("failed", Value::Object(failed));
    report.finish(out)?;
    anyhow::ensure!(all_measured, "not all parts could be measured");
    Ok(())
}
