//! Reading the event topics for intake.
//!
//! One thread polls, hands over batches and waits for the verdict. Offsets are the handler's business: they are stored in the same
//! transaction as the batch's effect, and what is committed to the brokers only shows lag.

mod assignment;
mod record;
mod run;

use std::fmt;

use jiff::Timestamp;
use orderbridge_schema::topics::Topic;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use record::{Batch, Record};

use crate::settings::{ConsumerSettings, KafkaSettings};

/// A partition of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic.
    pub topic: Topic,
    /// The partition's number.
    pub partition: i32,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// The store of work items and offsets cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreUnavailable(pub String);

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchOutcome {
    /// Effect and offsets are committed; records that cannot be understood are dead letters, acknowledged.
    Stored,
    /// Nothing is known to be stored. The same batch is offered again, later.
    Unavailable(String),
    /// Nothing is stored, because the store stands elsewhere than the batch was read from. Its partitions are read from there.
    Displaced,
}

/// Where a partition stopped because a newer writer's records stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halt {
    /// The partition.
    pub partition: Partition,
    /// The first record that this reader does not know.
    pub offset: i64,
    /// Its envelope's major version.
    pub version: u64,
}

/// Takes batches in. Called on the consumer's own thread, so it may block, for seconds at most.
pub trait BatchHandler: Send + Sync + 'static {
    /// The next offset to read of each partition, in the same order; `None` reads from the oldest record.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: the partitions wait and it is asked again.
    fn stored_offsets(&self, partitions: &[Partition]) -> Result<Vec<Option<i64>>, StoreUnavailable>;

    /// Those partitions whose stored offset is not the one that was told or stored last: somebody put the store back to an earlier
    /// state, or moved the offset by hand. They are read from there. Asked every few seconds.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: it is asked again later.
    fn displaced(&self, partitions: &[Partition]) -> Result<Vec<Partition>, StoreUnavailable>;

    /// Stores a batch and the offsets behind it, in one transaction.
    fn store(&self, batch: &Batch) -> BatchOutcome;

    /// A partition stopped at a record of an unknown major version and stays so until a reader that knows it takes over.
    fn halted(&self, halt: Halt);
}

/// How reading goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Partitions this process reads.
    pub assigned: usize,
    /// Why nothing is taken in at the moment, if so.
    pub waiting: Option<String>,
    /// Partitions that stopped at an unknown major version.
    pub halted: usize,
    /// When the oldest record was appended that was read and is not taken in; none if there is none.
    pub oldest_unread_at: Option<Timestamp>,
}

/// Why a consumer ended other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// The client library refuses the settings, or no thread could be had.
    #[error("the consumer could not be started: {0}")]
    Start(String),
    /// It cannot go on: most often another living process has the same `group_instance_id`.
    #[error("the consumer cannot go on: {0}")]
    Fatal(String),
    /// Its thread ended by a panic.
    #[error("the consumer's thread ended unexpectedly")]
    Lost,
}

/// A running consumer.
#[derive(Debug)]
pub struct Consumer {
    status: watch::Receiver<ConsumerStatus>,
    ended: oneshot::Receiver<Result<(), ConsumerError>>,
}

impl Consumer {
    /// Starts the thread. It ends in order when the token is cancelled: the batch in hand is finished, nothing more is read.
    ///
    /// # Errors
    /// [`ConsumerError::Start`]. Brokers that are away are no error; they are waited for.
    pub fn start(
        kafka: &KafkaSettings,
        settings: &ConsumerSettings,
        handler: impl BatchHandler,
        token: CancellationToken,
    ) -> Result<Self, ConsumerError> {
        let (report, status) = watch::channel(ConsumerStatus::default());
        let (end, ended) = oneshot::channel();
        let intake = run::Intake::new(kafka, settings, handler, token, report)?;
        let run = move || {
            let result = intake.run();
            if let Err(Err(error)) = end.send(result) {
                tracing::error!(%error, "intake ended and nobody waited for it");
            }
        };
        std::thread::Builder::new().name("kafka-intake".into()).spawn(run).map_err(|error| ConsumerError::Start(error.to_string()))?;
        Ok(Self { status, ended })
    }

    /// How it goes now, and a way to wait for a change.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<ConsumerStatus> {
        self.status.clone()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// [`ConsumerError`], unless it ended because it was told to.
    pub async fn ended(self) -> Result<(), ConsumerError> {
        self.ended.await.unwrap_or(Err(ConsumerError::Lost))
    }
}
