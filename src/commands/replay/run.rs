//! `replay` and `replay resume`: events become work again, a few entities at a time.
//!
//! Positions move in the transaction of their effect, so that a replay that was killed goes on where it was. Nothing is executed here:
//! the processors do the work, from a share of the quotas of its own.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::Context;
use orderbridge_kafka::{Partition, Reading, Span, StoredRecord};
use orderbridge_postgres::{DbError, PutIn, ReplayCounts, ReplayPosition, ReplayState};
use orderbridge_schema::work::{Upsert, WorkKind};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::events::{TOGETHER, understand};
use super::router::Router;
use super::selection::Selection;
use super::tools::{SHARE, Tools};
use crate::output;

/// How often it is looked how far the processors are.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often progress is printed, at most.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How long a database that is away is waited for.
const DATABASE_PATIENCE: Duration = Duration::from_secs(60);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All was looked at.
    Done(ReplayCounts),
    /// A signal stopped it; it can be resumed.
    Paused(ReplayCounts),
    /// Somebody paused or cancelled it, or goes on with it elsewhere.
    TakenAway(ReplayState),
}

/// One run of a replay.
#[derive(Debug)]
pub struct Run<'a> {
    tools: &'a Tools,
    id: Uuid,
    runner: Uuid,
    cause: String,
    router: Router<'a>,
    reading: Reading,
    /// Read and not put in yet.
    pending: VecDeque<StoredRecord>,
    positions: BTreeMap<Partition, ReplayPosition>,
    is_read: bool,
    quiet: bool,
    told: Option<(Instant, ReplayCounts)>,
}

/// Notes a new replay of what is selected.
///
/// # Errors
/// Nothing is selected, or the brokers or the database fail.
pub async fn start<'a>(tools: &'a Tools, selection: &'a Selection, by: &str, quiet: bool) -> anyhow::Result<Run<'a>> {
    let router = Router::new(tools, selection).await?;
    let spans = selection.spans(&tools.reader).await?;
    let positions: Vec<ReplayPosition> = spans.iter().map(position).collect();
    let (id, runner) = (Uuid::now_v7(), Uuid::now_v7());
    tools.db.start_replay(id, serde_json::to_value(selection)?, by, runner, &positions).await?;
    if !quiet {
        let records: u64 = spans.iter().map(Span::len).sum();
        output::line(&format!("replay {id}: up to {records} records; Ctrl-C pauses it"))?;
    }
    Run::new(tools, id, runner, router, positions, quiet)
}

/// Goes on with a replay that was paused, or whose process is gone.
///
/// # Errors
/// It is over or not known, or the brokers or the database fail.
pub async fn resume<'a>(tools: &'a Tools, selection: &'a Selection, id: Uuid, quiet: bool) -> anyhow::Result<Run<'a>> {
    let router = Router::new(tools, selection).await?;
    let runner = Uuid::now_v7();
    anyhow::ensure!(tools.db.take_replay(id, runner).await?, "replay {id} is over");
    let replay = tools.db.replay(id).await?.with_context(|| format!("there is no replay {id}"))?;
    Run::new(tools, id, runner, router, replay.positions, quiet)
}

const fn position(span: &Span) -> ReplayPosition {
    ReplayPosition { topic: span.at.topic, partition: span.at.partition, next: span.from, end: span.to }
}

impl<'a> Run<'a> {
    fn new(tools: &'a Tools, id: Uuid, runner: Uuid, router: Router<'a>, positions: Vec<ReplayPosition>, quiet: bool) -> anyhow::Result<Self> {
        let at = |position: &ReplayPosition| Partition { topic: position.topic, partition: position.partition };
        let spans = positions.iter().map(|position| Span { at: at(position), from: position.next, to: position.end });
        let reading = tools.reader.open(spans)?;
        let positions = positions.iter().map(|position| (at(position), *position)).collect();
        let (cause, pending) = (format!("replay {id}"), VecDeque::new());
        Ok(Self { tools, id, runner, cause, router, reading, pending, positions, is_read: false, quiet, told: None })
    }

    /// Which replay it is.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Puts entities in until all are, and waits until the processors have looked at them.
    ///
    /// # Errors
    /// The brokers, the database or a platform fail for longer than they are waited for; the replay is paused then, if that can be noted.
    pub async fn drive(mut self, token: CancellationToken) -> anyhow::Result<Ended> {
        let stopped = token.clone();
        let ended = tokio::select! {
            ended = self.until_done() => Some(ended),
            () = stopped.cancelled() => None,
        };
        match ended {
            Some(Ok(ended)) => Ok(ended),
            // Dropped in the middle of a transaction, that one still ends, one way or the other: only then the counts are right.
            None => {
                self.tools.db.end_replay(self.id, Some(self.runner), ReplayState::Paused).await?;
                Ok(Ended::Paused(self.count().await?))
            }
            Some(Err(error)) => {
                let noted = self.tools.db.end_replay(self.id, Some(self.runner), ReplayState::Paused).await;
                let state = if noted.is_ok() { "is paused" } else { "stopped where it was" };
                Err(error.context(format!("replay {0} {state}; `orderbridge replay resume {0}` goes on with it", self.id)))
            }
        }
    }

    async fn until_done(&mut self) -> anyhow::Result<Ended> {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let counts = self.count().await?;
            self.tell(counts)?;
            let mut room = self.tools.outstanding_max.saturating_sub(counts.left());
            while room > 0 && !self.is_read {
                match self.put_in(room).await? {
                    Some(put) => room = room.saturating_sub(put),
                    None => return Ok(Ended::TakenAway(self.state().await?)),
                }
            }
            if self.is_read && counts.left() == 0 {
                // Counted once more: what was put in a moment ago is not in these counts.
                let counts = self.count().await?;
                if counts.left() == 0 {
                    let ended = self.tools.db.end_replay(self.id, Some(self.runner), ReplayState::Done).await?;
                    return Ok(if ended { Ended::Done(counts) } else { Ended::TakenAway(self.state().await?) });
                }
            }
            ticks.tick().await;
            let state = self.state().await?;
            if state != ReplayState::Running {
                return Ok(Ended::TakenAway(state));
            }
        }
    }

    /// Makes work of the next records, of about as many entities as there is room for. Tells how many there may be; none if the replay is
    /// not ours any more.
    async fn put_in(&mut self, room: u64) -> anyhow::Result<Option<u64>> {
        if self.pending.is_empty() {
            self.pending = self.reading.next(TOGETHER).await?.into();
            self.is_read = self.pending.is_empty();
        }
        let (records, asked) = self.next_records(room);
        let wanted = self.router.route(asked).await?.wanted;
        let upserts: Vec<Upsert> = wanted.into_iter().map(|upsert| self.again(upsert)).collect();
        let entities = u64::try_from(upserts.len()).unwrap_or(u64::MAX);
        let put_in = PutIn { records, positions: self.positions.values().copied().collect(), upserts };
        let is_ours = self.waiting_for_database(|| self.tools.db.put_in(self.id, self.runner, &put_in)).await?;
        Ok(is_ours.then_some(entities))
    }

    /// Takes records until they name as many entities as there is room for, and moves the positions behind them.
    fn next_records(&mut self, room: u64) -> (u64, Vec<Upsert>) {
        let (mut records, mut asked) = (0, Vec::new());
        while u64::try_from(asked.len()).is_ok_and(|asked| asked < room) {
            let Some(record) = self.pending.pop_front() else { break };
            records += 1;
            asked.extend(understand([&record]).asked);
            if let Some(position) = self.positions.get_mut(&record.at) {
                position.next = record.offset + 1;
            }
        }
        if self.is_read {
            self.positions.values_mut().for_each(|position| position.next = position.end);
        }
        (records, asked)
    }

    /// The same work, asked for by the replay and paid from its share. A sweep goes by the time of the event.
    fn again(&self, upsert: Upsert) -> Upsert {
        let event_at = if upsert.key.kind == WorkKind::Sweep { upsert.event_at } else { self.tools.clock.now() };
        Upsert { share: SHARE, cause: self.cause.clone(), event: None, event_at, ..upsert }
    }

    async fn count(&self) -> anyhow::Result<ReplayCounts> {
        let counts = self.waiting_for_database(|| self.tools.db.count_replay(self.id)).await?;
        counts.with_context(|| format!("replay {} is gone", self.id))
    }

    async fn state(&self) -> anyhow::Result<ReplayState> {
        let replay = self.waiting_for_database(|| self.tools.db.replay(self.id)).await?;
        Ok(replay.with_context(|| format!("replay {} is gone", self.id))?.state)
    }

    /// A database that is restarted is waited for.
    async fn waiting_for_database<T, F: Future<Output = Result<T, DbError>>>(&self, ask: impl Fn() -> F) -> anyhow::Result<T> {
        let began = Instant::now();
        loop {
            match ask().await {
                Err(error) if error.is_transient() && began.elapsed() < DATABASE_PATIENCE => tokio::time::sleep(LOOK_EVERY).await,
                answer => return Ok(answer?),
            }
        }
    }

    fn tell(&mut self, counts: ReplayCounts) -> anyhow::Result<()> {
        let is_news = self.told.is_none_or(|(at, told)| told != counts && at.elapsed() >= TELL_EVERY);
        if self.quiet || !is_news {
            return Ok(());
        }
        self.told = Some((Instant::now(), counts));
        output::line(&told(&counts))
    }
}

/// Progress in one line.
pub fn told(counts: &ReplayCounts) -> String {
    let ReplayCounts { records, entities, done, held } = counts;
    format!("{records} records read, {entities} entities: {done} done, {held} held, {} left", counts.left())
}
