//! `completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::commands::Ending;
use crate::output;

/// Arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  orderbridge completions bash > /etc/bash_completion.d/orderbridge")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// Standard output cannot be written to.
pub fn run(args: &Completions) -> anyhow::Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "orderbridge", &mut script);
    output::raw(&script)?;
    Ok(Ending::Fine)
}
