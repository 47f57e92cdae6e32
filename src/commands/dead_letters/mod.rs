//! `dead-letters list|show|retry|discard`.

mod shelf;
mod shown;

use clap::{Subcommand, ValueEnum};
use orderbridge_kafka::{DeadLetter, LetterPlace, PutBack};
use orderbridge_postgres::LetterState;
use orderbridge_schema::topics::Topic;

use crate::commands::arguments::{event_topic, operator};
use crate::commands::{Ending, migrated_database};
use crate::output;
use crate::settings::Settings;

use shelf::{Lettered, Shelf};
use shown::Shown;

const HELP: &str = "\
Examples:
  orderbridge dead-letters list --state open
  orderbridge dead-letters show 0:17
  orderbridge dead-letters retry 0:17
  orderbridge dead-letters retry --all --topic brightpearl.orders.v1
  orderbridge dead-letters discard 0:17 --why \"a test of the network team\"

A record that intake cannot understand is put on the dead-letter topic with where it came from and why. It is named PARTITION:OFFSET by
its place there. To retry one writes it, as it was, to the topic it came from; should it be unreadable still, it comes back as a new
dead letter that names the former one. A letter stays on its topic until its retention ends, whatever became of it.";

/// What to do with records that could not be understood.
#[derive(Debug, Subcommand)]
#[command(after_help = HELP)]
pub enum DeadLetters {
    /// List dead letters, oldest first, with where they came from and why they are there
    List {
        /// Only those that came from this topic
        #[arg(long, value_name = "TOPIC", value_parser = event_topic)]
        topic: Option<Topic>,
        /// Only those in this state
        #[arg(long)]
        state: Option<State>,
        /// At most this many, the newest of them
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one with its content, which may be anything that was written to the topic
    Show {
        /// Which one, such as 0:17
        #[arg(value_name = "LETTER")]
        letter: LetterPlace,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write records, as they were, to the topics they came from
    Retry {
        /// Which ones, such as 0:17
        #[arg(value_name = "LETTER", required_unless_present = "all", conflicts_with = "all")]
        letters: Vec<LetterPlace>,
        /// All open ones
        #[arg(long)]
        all: bool,
        /// With --all: only those that came from this topic
        #[arg(long, value_name = "TOPIC", value_parser = event_topic, requires = "all")]
        topic: Option<Topic>,
        /// Also those that were retried or discarded before
        #[arg(long, conflicts_with = "all")]
        again: bool,
    },
    /// Give records up: nothing is done about them any more
    Discard {
        /// Which ones, such as 0:17
        #[arg(value_name = "LETTER", required = true)]
        letters: Vec<LetterPlace>,
        /// Why, for those who look later
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
    },
}

/// What became of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// Nothing was done about it
    Open,
    /// It was put back
    Retried,
    /// It was given up
    Discarded,
}

impl State {
    fn of(lettered: &Lettered) -> Self {
        match lettered.mark.as_ref().map(|mark| mark.state) {
            None => Self::Open,
            Some(LetterState::Retried) => Self::Retried,
            Some(LetterState::Discarded) => Self::Discarded,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Retried => LetterState::Retried.as_str(),
            Self::Discarded => LetterState::Discarded.as_str(),
        }
    }
}

/// Runs it.
///
/// # Errors
/// The brokers or the database fail, or there is no such letter.
pub async fn run(args: &DeadLetters, settings: &Settings) -> anyhow::Result<Ending> {
    let shelf = Shelf::new(settings.kafka()?, migrated_database(settings).await?)?;
    match args {
        DeadLetters::List { topic, state, limit, json } => {
            let found = shelf.all(*topic, *state, usize::try_from(*limit)?).await?;
            let shown: Vec<Shown> = found.iter().map(Shown::without_content).collect();
            output::list(&shown, *json, &["LETTER", "STATE", "SINCE", "CAME FROM", "WHY"], Shown::row)?;
            Ok(Ending::Fine)
        }
        DeadLetters::Show { letter, json } => {
            let lettered = shelf.one(*letter).await?.ok_or_else(|| anyhow::anyhow!("there is no dead letter {letter}"))?;
            let shown = Shown::with_content(&lettered);
            if *json {
                output::object(&shown)?
            } else {
                shown.lines().iter().try_for_each(|line| output::line(line))?
            }
            Ok(Ending::Fine)
        }
        DeadLetters::Retry { letters, all, topic, again } => {
            let mut found = Vec::new();
            if *all {
                let open = shelf.all(*topic, Some(State::Open), usize::MAX).await?;
                found.extend(open.into_iter().map(|lettered| (lettered.letter.place, Some(lettered))));
            }
            for &place in letters {
                found.push((place, shelf.one(place).await?));
            }
            retry(&shelf, settings, found, *again).await
        }
        DeadLetters::Discard { letters, why } => discard(&shelf, letters, why.as_deref()).await,
    }
}

async fn retry(shelf: &Shelf, settings: &Settings, found: Vec<(LetterPlace, Option<Lettered>)>, again: bool) -> anyhow::Result<Ending> {
    if found.is_empty() {
        output::line("no dead letter is open")?;
        return Ok(Ending::Fine);
    }
    let (put_back, by) = (PutBack::start(settings.kafka()?)?, operator());
    let mut fine = true;
    for (place, lettered) in found {
        let told = match lettered {
            None => Err("there is no such dead letter".to_owned()),
            Some(lettered) => match refusal(&lettered, again) {
                Some(why) => Err(why),
                None => put(shelf, &put_back, &lettered.letter, &by).await,
            },
        };
        fine &= told.is_ok();
        output::line(&format!("{place}: {}", told.unwrap_or_else(|why| format!("not retried: {why}"))))?;
    }
    Ok(Ending::fine_if(fine))
}

/// Why a letter is not retried without being told twice.
fn refusal(lettered: &Lettered, again: bool) -> Option<String> {
    let mark = lettered.mark.as_ref().filter(|_| !again)?;
    Some(format!("it was {} by {} at {:.0}; --again retries it all the same", mark.state.as_str(), mark.by, mark.at))
}

/// Written first, marked then: a letter that is marked was certainly put back.
async fn put(shelf: &Shelf, put_back: &PutBack, letter: &DeadLetter, by: &str) -> Result<String, String> {
    let published = put_back.put_back(letter).await.map_err(|error| error.to_string())?;
    let published = published.ok_or_else(|| "it does not say which topic of events it came from".to_owned())?;
    let marked = shelf.db.mark_letter(Topic::DeadLetters, (letter.place.partition, letter.place.offset), LetterState::Retried, by, None).await;
    marked.map_err(|error| format!("it was put back, but that could not be noted: {error}"))?;
    Ok(format!("put back on {}, partition {}, offset {}", published.topic, published.partition, published.offset))
}

async fn discard(shelf: &Shelf, places: &[LetterPlace], why: Option<&str>) -> anyhow::Result<Ending> {
    let by = operator();
    let mut fine = true;
    for &place in places {
        let told = match shelf.one(place).await? {
            None => {
                fine = false;
                "not discarded: there is no such dead letter"
            }
            Some(lettered) if State::of(&lettered) == State::Discarded => "was discarded already",
            Some(_) => {
                shelf.db.mark_letter(Topic::DeadLetters, (place.partition, place.offset), LetterState::Discarded, &by, why).await?;
                "discarded"
            }
        };
        output::line(&format!("{place}: {told}"))?;
    }
    Ok(Ending::fine_if(fine))
}
