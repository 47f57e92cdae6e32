//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    audit, completions, dead_letters, doctor, hooks, keys, migrate, order, reapply, replay, rules, settings, sweep, tenant, timeline, topics, work,
};

const EXAMPLES: &str = "\
Examples:
  orderbridge --config /etc/orderbridge.toml --check-config
  orderbridge keys generate > keys && chmod 600 keys
  orderbridge migrate up && orderbridge topics create
  orderbridge tenant import acme-uk.toml && orderbridge hooks sync --tenant acme-uk
  orderbridge all
  orderbridge doctor
  orderbridge work list --state held
  orderbridge replay --tenant acme-uk --from 2h --dry-run
  orderbridge audit --tenant acme-uk --csv >books.csv

Settings come from defaults, then the file named by --config, then the environment:
  ORDERBRIDGE__SECTION__KEY, such as ORDERBRIDGE__PROCESSOR__LISTEN=0.0.0.0:8081,
  and DATABASE_URL and KAFKA_BROKERS, which other programs use too.

Exit codes: 0 all went well, 1 something failed or a check found something, 2 the command line was wrong,
  3 `audit` found differences.";

/// Keeps BigCommerce stores and Brightpearl accounts in step.
#[derive(Debug, Parser)]
#[command(name = "orderbridge", version, about, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// Settings file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "ORDERBRIDGE_CONFIG")]
    pub config: Option<PathBuf>,

    /// Check the settings, print them without secrets, and do nothing else
    #[arg(long, global = true)]
    pub check_config: bool,

    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Receive webhooks and publish them as events
    Ingest,
    /// Take up events and keep both platforms in step
    Processor,
    /// Ingest and processor in one process
    All,
    /// Bring the database schema up to date, look at it, or take it back
    #[command(subcommand)]
    Migrate(migrate::Migrate),
    /// Make the Kafka topics, or show how they differ from the settings
    #[command(subcommand)]
    Topics(topics::Topics),
    /// Import, export, list, pause and resume tenants
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Look at versions of a tenant's rules, bring one back, or check what they name
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Register our webhooks on both platforms, or list them
    #[command(subcommand)]
    Hooks(hooks::Hooks),
    /// Look for changes that no webhook told of, or list when that is done
    #[command(subcommand)]
    Sweep(sweep::Sweep),
    /// Import single orders by hand, or link them with sales orders that exist
    #[command(subcommand)]
    Order(order::Order),
    /// Compare the books of both platforms, or look at earlier comparisons
    Audit(Box<audit::Audit>),
    /// Look at work items and try them again
    #[command(subcommand)]
    Work(work::Work),
    /// Look at records that could not be understood, put them back or give them up
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLetters),
    /// Have what past events were about looked at again, or see what that would do
    Replay(Box<replay::Replay>),
    /// Compare linked orders by the present rules; first it only says how many
    Reapply(reapply::Reapply),
    /// What happened to an order
    #[command(subcommand)]
    Timeline(timeline::Timeline),
    /// Make master keys and re-encrypt secrets under the newest one
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Check settings, database, brokers, topics, credentials and webhooks, and say what to do
    Doctor(doctor::Doctor),
    /// Check the settings
    #[command(subcommand)]
    Settings(settings::SettingsCommand),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    /// Whether it is one of the roles, which run until they are stopped.
    pub const fn is_role(&self) -> bool {
        matches!(self, Self::Ingest | Self::Processor | Self::All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        fn check(command: &clap::Command, path: &str) {
            assert!(command.get_about().is_some(), "{path} has no description");
            for argument in command.get_arguments().filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version")) {
                assert!(argument.get_help().is_some(), "{path} {} has no description", argument.get_id());
            }
            command.get_subcommands().for_each(|inner| check(inner, &format!("{path} {}", inner.get_name())));
        }
        check(&Cli::command(), "orderbridge");
    }
}
