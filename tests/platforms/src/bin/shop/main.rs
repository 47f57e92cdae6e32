//! Plays shoppers and warehouse staff on the two simulated platforms, and tells what happens from the platforms' ledgers.
//!
//! It speaks to the simulators alone, through their control API, and knows nothing of what connects the two platforms.

mod catalogue;
mod clock;
mod demo;
mod demo_staff;
mod judge;
mod judge_shipments;
mod narrate;
mod order;
mod seed;
mod sim;
mod smoke;
mod state;
mod tenant_file;
mod warehouse;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Plays shoppers and warehouse staff on the simulated platforms.
#[derive(Debug, Parser)]
#[command(name = "shop", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make two stores and two accounts with one catalogue, and write the tenants' files
    Seed(Seed),
    /// Order and ship at a human pace until interrupted, and print what happens
    Demo(Demo),
    /// Place orders, ship them all, wait until both sides agree, and judge
    Smoke(Smoke),
}

#[derive(Debug, clap::Args)]
struct Seed {
    /// Base URL of the simulated BigCommerce
    #[arg(long)]
    bigcommerce: String,
    /// Base URL of the simulated Brightpearl
    #[arg(long)]
    brightpearl: String,
    /// Folder with a template of each tenant's file
    #[arg(long)]
    templates: PathBuf,
    /// Folder for the tenants' files and for state.json
    #[arg(long)]
    out: PathBuf,
    /// Calls that each store allows in 30 seconds, as the merchant's plan says
    #[arg(long, default_value_t = 150)]
    quota: u32,
}

#[derive(Debug, clap::Args)]
struct Demo {
    /// state.json of `seed`
    #[arg(long)]
    state: PathBuf,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End by itself after this many seconds
    #[arg(long)]
    seconds: Option<u64>,
}

#[derive(Debug, clap::Args)]
struct Smoke {
    /// state.json of `seed`
    #[arg(long)]
    state: PathBuf,
    /// Orders to place, over both stores
    #[arg(long, default_value_t = 200)]
    orders: usize,
    /// Seconds until both sides must agree, counted from the first order
    #[arg(long, default_value_t = 240)]
    deadline: u64,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the processor shows its metrics, such as http://127.0.0.1:8081/metrics
    #[arg(long)]
    metrics: String,
    /// Orders placed per second
    #[arg(long, default_value_t = 6)]
    pace: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            sim::complain(&format!("shop: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether all is as it must be.
async fn run(command: Command) -> Result<bool, sim::Trouble> {
    match command {
        Command::Seed(args) => {
            let plan = seed::Plan {
                bigcommerce: &args.bigcommerce,
                brightpearl: &args.brightpearl,
                templates: &args.templates,
                out: &args.out,
                quota: args.quota,
            };
            seed::run(&plan).await?;
            Ok(true)
        }
        Command::Demo(args) => {
            let state = state::State::read(&args.state)?;
            demo::run(&state, args.seed, args.seconds.map(Duration::from_secs)).await?;
            Ok(true)
        }
        Command::Smoke(args) => {
            let plan = smoke::Plan {
                orders: args.orders,
                deadline: Duration::from_secs(args.deadline),
                seed: args.seed,
                metrics: args.metrics,
                pause: Duration::from_millis(1000 / args.pace.max(1)),
            };
            smoke::run(&state::State::read(&args.state)?, &plan).await
        }
    }
}
