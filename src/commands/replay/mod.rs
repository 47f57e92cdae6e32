//! `replay`, and `replay list|show|pause|resume|cancel`.

pub mod dry_run;
mod events;
pub mod report;
mod router;
mod run;
pub mod selection;
pub mod tools;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use orderbridge_postgres::{Db, Replay as Stored, ReplayCounts, ReplayPosition, ReplayState};
use serde::Serialize;
use uuid::Uuid;

use crate::clock::clock;
use crate::commands::arguments::operator;
use crate::commands::{Ending, migrated_database};
use crate::output;
use crate::settings::Settings;
use crate::signals;

use run::Ended;
use selection::{Selection, Wish};
use tools::Tools;

const HELP: &str = "\
Examples:
  orderbridge replay --tenant acme-uk --from 2h --dry-run
  orderbridge replay --tenant acme-uk --from 2026-03-01 --to 2026-03-02
  orderbridge replay --tenant acme-uk --entity order/250
  orderbridge replay --topic brightpearl.orders.v1 --offset 0:100-199

Events are hints, so that a replay is safe at any time: each entity they name is looked at once, as it is now, and brought in step. What is
in step already is not written again; a change of rules alone rewrites nothing (see `orderbridge reapply`).

The processors do the work, paid from a share of each quota of its own (a tenth at most) and after everything else. At most
[replay] outstanding_max entities (200) wait at a time. Ctrl-C pauses it; what is put in by then is still looked at. Whatever it does
carries the replay's id in the journal and on timelines.

A dry run decides by the same code with reads alone, paid from the same share. It tells for each entity what would happen (create, change,
no change, held, skipped), and in sum the money of the sales orders to be created and the calls to be made.";

/// A replay to be run, or what to do with another.
#[derive(Debug, Args)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true)]
pub struct Replay {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    run: RunArgs,
}

/// What to do with replays that were begun.
#[derive(Debug, Subcommand)]
enum Action {
    /// List replays, the newest first
    List {
        /// At most this many
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        limit: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one replay and how far it is
    Show {
        /// Which one
        #[arg(value_name = "ID")]
        id: Uuid,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Put nothing more in until it is resumed; what is put in is still looked at
    Pause {
        /// Which one
        #[arg(value_name = "ID")]
        id: Uuid,
    },
    /// Go on with a paused replay, or with one whose process is gone
    Resume {
        /// Which one
        #[arg(value_name = "ID")]
        id: Uuid,
        /// Print nothing on the way, and the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a replay up; what is put in is still looked at
    Cancel {
        /// Which one
        #[arg(value_name = "ID")]
        id: Uuid,
    },
}

/// What to replay, and how.
#[derive(Debug, Args)]
struct RunArgs {
    /// Only tell what would happen: nothing is changed on either platform or in our records
    #[arg(long)]
    dry_run: bool,
    /// Print nothing on the way, and the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    wish: Wish,
}

/// Runs it.
///
/// # Errors
/// The selection is wrong or empty, or the brokers, the database or a platform fail.
pub async fn run(args: &Replay, settings: &Settings) -> anyhow::Result<Ending> {
    let Some(action) = &args.action else { return run_new(&args.run, settings).await };
    match action {
        Action::Resume { id, json } => {
            let tools = Tools::new(settings).await?;
            let stored = find(&tools.db, *id).await?;
            let selection: Selection = serde_json::from_value(stored.selection).context("reading what the replay selects")?;
            drive(&tools, *json, run::resume(&tools, &selection, *id, *json).await?).await
        }
        Action::List { limit, json } => list(&migrated_database(settings).await?, *limit, *json).await,
        Action::Show { id, json } => show(&migrated_database(settings).await?, *id, *json).await,
        Action::Pause { id } => end(&migrated_database(settings).await?, *id, ReplayState::Paused).await,
        Action::Cancel { id } => end(&migrated_database(settings).await?, *id, ReplayState::Cancelled).await,
    }
}

async fn run_new(args: &RunArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let selection = Selection::of(&args.wish, clock(settings.clock.offset_file.clone()).now())?;
    let tools = Tools::new(settings).await?;
    if args.dry_run {
        let report = dry_run::run(&tools, &selection).await?;
        report.print(args.json)?;
        return Ok(Ending::fine_if(report.is_complete()));
    }
    drive(&tools, args.json, run::start(&tools, &selection, &operator(), args.json).await?).await
}

async fn drive(tools: &Tools, json: bool, run: run::Run<'_>) -> anyhow::Result<Ending> {
    let id = run.id();
    let Some(ended) = signals::until_stopped(|token| run.drive(token)).await? else { return Ok(Ending::Interrupted) };
    let ended = ended?;
    if json {
        output::object(&Shown::of(find(&tools.db, id).await?)?)?;
    } else {
        output::line(&match ended {
            Ended::Done(counts) => format!("replay {id} is done: {}", run::told(&counts)),
            Ended::Paused(counts) => format!("replay {id} is paused: {}\n`orderbridge replay resume {id}` goes on with it", run::told(&counts)),
            Ended::TakenAway(ReplayState::Running) => format!("replay {id} goes on in another process"),
            Ended::TakenAway(state) => format!("replay {id} was {state} by somebody else"),
        })?;
    }
    Ok(Ending::Fine)
}

async fn find(db: &Db, id: Uuid) -> anyhow::Result<Stored> {
    db.replay(id).await?.with_context(|| format!("there is no replay {id}"))
}

async fn end(db: &Db, id: Uuid, state: ReplayState) -> anyhow::Result<Ending> {
    if !db.end_replay(id, None, state).await? {
        let known = find(db, id).await?;
        bail!("replay {id} is {} already", known.state);
    }
    output::line(&format!("replay {id} is {state}"))?;
    Ok(Ending::Fine)
}

#[derive(Debug, Serialize)]
struct Shown {
    id: Uuid,
    state: ReplayState,
    selection: Selection,
    started_by: String,
    started_at: Timestamp,
    changed_at: Timestamp,
    #[serde(flatten)]
    counts: ReplayCounts,
    left: u64,
    positions: Vec<ReplayPosition>,
}

impl Shown {
    fn of(stored: Stored) -> anyhow::Result<Self> {
        Ok(Self {
            id: stored.id,
            state: stored.state,
            selection: serde_json::from_value(stored.selection).context("reading what the replay selects")?,
            started_by: stored.started_by,
            started_at: stored.started_at,
            changed_at: stored.changed_at,
            counts: stored.counts,
            left: stored.counts.left(),
            positions: stored.positions,
        })
    }
}

async fn list(db: &Db, limit: u32, json: bool) -> anyhow::Result<Ending> {
    let shown: Vec<Shown> = db.replays(limit).await?.into_iter().map(Shown::of).collect::<anyhow::Result<_>>()?;
    output::list(&shown, json, &["REPLAY", "STATE", "STARTED", "LAST MOVED", "PROGRESS", "SELECTION"], |replay| {
        let at = |at: Timestamp| format!("{at:.0}");
        let progress = run::told(&replay.counts);
        vec![replay.id.to_string(), replay.state.to_string(), at(replay.started_at), at(replay.changed_at), progress, replay.selection.told()]
    })?;
    Ok(Ending::Fine)
}

async fn show(db: &Db, id: Uuid, json: bool) -> anyhow::Result<Ending> {
    // Looked at anew, since the processors may have gone on with what is put in while nobody drives it.
    db.count_replay(id).await?;
    let shown = Shown::of(find(db, id).await?)?;
    if json {
        output::object(&shown)?;
        return Ok(Ending::Fine);
    }
    let mut lines = vec![
        format!("replay {id}"),
        format!("  state       {}", shown.state),
        format!("  started     {:.0} by {}", shown.started_at, shown.started_by),
        format!("  last moved  {:.0}", shown.changed_at),
        format!("  selection   {}", shown.selection.told()),
        format!("  progress    {}", run::told(&shown.counts)),
    ];
    lines.extend(shown.positions.iter().map(|at| format!("  position    {} partition {}: {} of {}", at.topic, at.partition, at.next, at.end)));
    if shown.state == ReplayState::Paused {
        lines.push(format!("`orderbridge replay resume {id}` goes on with it"));
    }
    lines.iter().try_for_each(|line| output::line(line))?;
    Ok(Ending::Fine)
}
