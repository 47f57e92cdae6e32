//! Serves both simulated platforms until it is told to end.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use platforms::{Running, Settings};
use tokio::signal::unix::{SignalKind, signal};

/// Stand-ins for the BigCommerce and Brightpearl APIs.
#[derive(Debug, Parser)]
#[command(name = "platforms", version)]
struct Arguments {
    /// Address to serve BigCommerce on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    bigcommerce: SocketAddr,
    /// Address to serve Brightpearl on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    brightpearl: SocketAddr,
    /// Address to serve BigCommerce's sign-in on; the API's port then has no token endpoint.
    #[arg(long)]
    bigcommerce_login: Option<SocketAddr>,
    /// Address to serve Brightpearl's sign-in on; the API's port then has no token endpoint.
    #[arg(long)]
    brightpearl_oauth: Option<SocketAddr>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File that shares the clock's offset (milliseconds) with other processes.
    #[arg(long)]
    clock_file: Option<PathBuf>,
    /// Keep no request and response bodies in the ledgers.
    #[arg(long)]
    no_bodies: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot serve the platforms");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> std::io::Result<()> {
    // Before the ready line, so that whoever reads it may already end us.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = platforms::start(Settings {
        bigcommerce: arguments.bigcommerce,
        brightpearl: arguments.brightpearl,
        bigcommerce_login: arguments.bigcommerce_login,
        brightpearl_oauth: arguments.brightpearl_oauth,
        seed: arguments.seed,
        clock_file: arguments.clock_file,
        bodies: !arguments.no_bodies,
        ..Settings::default()
    })
    .await?;
    announce(&running)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(())
}

/// One JSON line on standard output, once both ports accept connections.
fn announce(running: &Running) -> std::io::Result<()> {
    let line = serde_json::json!({ "bigcommerce": running.bigcommerce_url, "brightpearl": running.brightpearl_url,
        "bigcommerce_login": running.bigcommerce_login_url, "brightpearl_oauth": running.brightpearl_oauth_url });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
