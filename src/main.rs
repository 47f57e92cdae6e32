//! The `orderbridge` executable: reads settings, installs logging, clock, metrics and signals, and runs one subcommand.

mod cli;
mod clock;
mod commands;
mod output;
mod settings;
mod signals;
mod telemetry;
mod tenant_file;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use commands::{Ending, Usage};
use settings::{BadSettings, Settings};

/// All went well.
const DONE: u8 = 0;
/// Something did not work, or a check found something.
const FAILED: u8 = 1;
/// The books of both platforms differ.
const DIFFERENT: u8 = 3;
/// The command line was wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { DONE };
            return ExitCode::from(if error.print().is_ok() { code } else { FAILED });
        }
    };
    match run(cli) {
        Ok(Ending::Fine) => ExitCode::from(DONE),
        Ok(Ending::Bad) => ExitCode::from(FAILED),
        Ok(Ending::Differs) => ExitCode::from(DIFFERENT),
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(error) => {
            let code = if error.is::<Usage>() { USAGE } else { FAILED };
            // With standard error gone too, the exit code alone has to tell.
            let told = writeln!(std::io::stderr().lock(), "orderbridge: {error:#}");
            ExitCode::from(if told.is_ok() { code } else { FAILED })
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Ending> {
    let load = || Settings::load(cli.config.as_deref(), std::env::vars().collect());
    let command = match cli.command {
        _ if cli.check_config => return commands::settings::check(&load()?),
        Some(command) => command,
        None => return Err(Usage("no command given; `orderbridge --help` lists them".into()).into()),
    };
    // These need no settings, and must work before there are any.
    match &command {
        Command::Completions(args) => return commands::completions::run(args),
        Command::Keys(args) if args.is_generate() => return commands::keys::generate(args),
        _ => {}
    }
    let settings = load()?;
    if command.is_role() {
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(BadSettings(problems).into());
        }
    }
    settings.log.install()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ending = runtime.block_on(commands::run(command, &settings));
    // What still runs has been told to stop or belongs to a command that failed; nothing is waited for twice.
    runtime.shutdown_background();
    ending
}
