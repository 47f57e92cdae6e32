//! Reading parts of topics apart from intake: for looking, repairing and replaying.
//!
//! Without a group: nothing is committed and nobody else's reading is disturbed. What is read ends where it was said to end, however
//! much is written meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orderbridge_schema::envelope::{Envelope, EnvelopeError};
use orderbridge_schema::topics::Topic;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::client::{Quiet, config};
use crate::consumer::Partition;
use crate::settings::KafkaSettings;

/// How long the brokers may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A partition whose leader has just changed (or that has just been made) is asked again for that long.
const SETTLES_IN: Duration = Duration::from_secs(5);
/// How long one poll waits.
const POLL: Duration = Duration::from_millis(100);
/// After this long without a record it is looked whether the rest still exists: retention may have removed it.
const STALLED: Duration = Duration::from_secs(3);
/// After this long without a record, although there is one, reading has failed.
const GIVEN_UP: Duration = Duration::from_secs(30);

/// Why a part of a topic cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// The brokers do not answer, or the client refuses the settings.
    #[error("the brokers could not {doing}: {why}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        why: String,
    },
    /// There is no such topic.
    #[error("topic {0} does not exist: run `orderbridge topics create`")]
    NoTopic(String),
}

impl ReaderError {
    fn unavailable(doing: &'static str) -> impl FnOnce(KafkaError) -> Self {
        move |error| Self::Unavailable { doing, why: error.to_string() }
    }
}

/// A part of a partition: offsets from `from` on, before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Of which partition.
    pub at: Partition,
    /// The first offset.
    pub from: i64,
    /// The offset behind the last.
    pub to: i64,
}

impl Span {
    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    /// How many offsets are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        u64::try_from(self.to.saturating_sub(self.from)).unwrap_or(0)
    }
}

/// One record as it stands at the broker, understood or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its partition.
    pub at: Partition,
    /// Its offset.
    pub offset: i64,
    /// When the broker appended it.
    pub appended_at: Option<Timestamp>,
    /// Its key's bytes.
    pub key: Vec<u8>,
    /// Its value's bytes.
    pub value: Vec<u8>,
    /// Its headers in their order.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl StoredRecord {
    /// The event it carries.
    ///
    /// # Errors
    /// [`EnvelopeError`]; the text never repeats the record's content.
    pub fn envelope(&self) -> Result<Envelope, EnvelopeError> {
        Envelope::from_json(&self.value)
    }

    /// The last header of that name, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(key, _)| key == name)?;
        std::str::from_utf8(&found.1).ok()
    }

    fn copy(at: Partition, message: &BorrowedMessage<'_>) -> Self {
        let header = |header: rdkafka::message::Header<'_, &[u8]>| (header.key.to_owned(), header.value.unwrap_or_default().to_vec());
        Self {
            at,
            offset: message.offset(),
            appended_at: message.timestamp().to_millis().and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            key: message.key().unwrap_or_default().to_vec(),
            value: message.payload().unwrap_or_default().to_vec(),
            headers: message.headers().map(|headers| headers.iter().map(header).collect()).unwrap_or_default(),
        }
    }
}

/// Finds places in topics and reads from them. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub struct Reader {
    client: Arc<BaseConsumer<Quiet>>,
    kafka: KafkaSettings,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("brokers", &self.kafka.brokers).finish_non_exhaustive()
    }
}

fn client(kafka: &KafkaSettings) -> Result<BaseConsumer<Quiet>, ReaderError> {
    let mut config = config(kafka);
    // The library assigns nothing to a client without a group's name. The group is never joined: nothing is subscribed or committed.
    config.set("group.id", "orderbridge-reader").set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config.set("auto.offset.reset", "earliest").set("queued.max.messages.kbytes", "16384");
    config.create_with_context(Quiet::default()).map_err(ReaderError::unavailable("be set up"))
}

impl Reader {
    /// A reader of these brokers' topics. They need not be there yet.
    ///
    /// # Errors
    /// [`ReaderError::Unavailable`] if the client library refuses the settings.
    pub fn new(kafka: &KafkaSettings) -> Result<Self, ReaderError> {
        Ok(Self { client: Arc::new(client(kafka)?), kafka: kafka.clone() })
    }

    /// All that is in a topic at this moment, partition by partition.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub async fn whole(&self, topic: Topic) -> Result<Vec<Span>, ReaderError> {
        let name = self.kafka.topic_name(topic);
        self.ask("find a topic's ends", move |client| {
            // All topics: asking for one by name would make it where brokers are careless.
            let metadata = client.fetch_metadata(None, TIMEOUT).map_err(ReaderError::unavailable("list topics"))?;
            let found = metadata.topics().iter().find(|found| found.name() == name).ok_or_else(|| ReaderError::NoTopic(name.clone()))?;
            let span = |partition: i32| {
                let (from, to) = client.fetch_watermarks(&name, partition, TIMEOUT).map_err(ReaderError::unavailable("find a topic's ends"))?;
                Ok(Span { at: Partition { topic, partition }, from, to })
            };
            found.partitions().iter().map(|partition| span(partition.id())).collect()
        })
        .await
    }

    /// For each span the offset of its first record that was appended at or after a moment; its end if there is none.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub async fn offsets_at(&self, spans: &[Span], at: Timestamp) -> Result<Vec<i64>, ReaderError> {
        // The library refuses to be asked about nothing.
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let (spans, kafka) = (spans.to_vec(), self.kafka.clone());
        self.ask("find a time's offsets", move |client| {
            let failed = |error| ReaderError::unavailable("find a time's offsets")(error);
            let mut asked = TopicPartitionList::new();
            for span in &spans {
                let offset = Offset::Offset(at.as_millisecond());
                asked.add_partition_offset(&kafka.topic_name(span.at.topic), span.at.partition, offset).map_err(failed)?;
            }
            let found = client.offsets_for_times(asked, TIMEOUT).map_err(failed)?;
            let place = |span: &Span| match found.find_partition(&kafka.topic_name(span.at.topic), span.at.partition).map(|found| found.offset()) {
                Some(Offset::Offset(offset)) => offset.clamp(span.from, span.to),
                _ => span.to,
            };
            Ok(spans.iter().map(place).collect())
        })
        .await
    }

    /// Begins to read spans.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn open(&self, spans: impl IntoIterator<Item = Span>) -> Result<Reading, ReaderError> {
        let left: BTreeMap<Partition, Span> = spans.into_iter().filter(|span| !span.is_empty()).map(|span| (span.at, span)).collect();
        let client = client(&self.kafka)?;
        let assigned = || {
            let mut list = TopicPartitionList::new();
            for span in left.values() {
                list.add_partition_offset(&self.kafka.topic_name(span.at.topic), span.at.partition, Offset::Offset(span.from))?;
            }
            client.assign(&list)
        };
        assigned().map_err(ReaderError::unavailable("begin reading"))?;
        Ok(Reading { poller: Arc::new(Poller { client, kafka: self.kafka.clone() }), left })
    }

    /// One record; `None` if it is not there (any more).
    ///
    /// # Errors
    /// [`ReaderError`].
    pub async fn record(&self, at: Partition, offset: i64) -> Result<Option<StoredRecord>, ReaderError> {
        let whole = self.whole(at.topic).await?;
        let is_there = whole.iter().any(|span| span.at == at && (span.from..span.to).contains(&offset));
        if !is_there {
            return Ok(None);
        }
        let read = self.open([Span { at, from: offset, to: offset + 1 }])?.next(1).await?;
        Ok(read.into_iter().find(|record| record.offset == offset))
    }

    async fn ask<T, F>(&self, doing: &'static str, ask: F) -> Result<T, ReaderError>
    where
        T: Send + 'static,
        F: Fn(&BaseConsumer<Quiet>) -> Result<T, ReaderError> + Clone + Send + 'static,
    {
        let began = Instant::now();
        loop {
            let (client, ask) = (Arc::clone(&self.client), ask.clone());
            let asked = tokio::task::spawn_blocking(move || ask(&client)).await;
            match asked.map_err(|error| ReaderError::Unavailable { doing, why: error.to_string() })? {
                Err(ReaderError::Unavailable { .. }) if began.elapsed() < SETTLES_IN => tokio::time::sleep(POLL).await,
                answer => return answer,
            }
        }
    }
}

/// Spans being read.
pub struct Reading {
    poller: Arc<Poller>,
    left: BTreeMap<Partition, Span>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("left", &self.left.values()).finish_non_exhaustive()
    }
}

impl Reading {
    /// The next records, at most `max` of them, in order within each partition. Empty only at the end of all spans.
    ///
    /// # Errors
    /// [`ReaderError`]; reading may be tried again from where [`Self::left`] says.
    pub async fn next(&mut self, max: usize) -> Result<Vec<StoredRecord>, ReaderError> {
        let (poller, mut left) = (Arc::clone(&self.poller), self.left.clone());
        let polled = tokio::task::spawn_blocking(move || poller.poll(&mut left, max).map(|records| (records, left))).await;
        let (records, left) = polled.map_err(|error| ReaderError::Unavailable { doing: "read", why: error.to_string() })??;
        self.left = left;
        Ok(records)
    }

    /// What is left to read.
    pub fn left(&self) -> impl Iterator<Item = Span> {
        self.left.values().copied()
    }
}

struct Poller {
    client: BaseConsumer<Quiet>,
    kafka: KafkaSettings,
}

impl Poller {
    /// Collects records until there are enough, or nothing more comes for a moment, or all spans are read.
    fn poll(&self, left: &mut BTreeMap<Partition, Span>, max: usize) -> Result<Vec<StoredRecord>, ReaderError> {
        let mut records = Vec::new();
        let (began, mut looked_at) = (Instant::now(), Instant::now());
        while records.len() < max && !left.is_empty() {
            match self.client.poll(POLL) {
                Some(Ok(message)) => records.extend(self.take(left, &message)),
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(ReaderError::unavailable("read")(error)),
                // The library itself tries again; how long that may take is bounded below.
                Some(Err(error)) => tracing::debug!(%error, "a poll reported trouble"),
                None if !records.is_empty() => break,
                None => {}
            }
            if records.is_empty() && looked_at.elapsed() > STALLED {
                looked_at = Instant::now();
                self.drop_removed(left)?;
            }
            if records.is_empty() && began.elapsed() > GIVEN_UP {
                return Err(ReaderError::Unavailable { doing: "read", why: "no record came, although there are some".into() });
            }
        }
        Ok(records)
    }

    /// A record of a span, which is then behind us. What comes after a span's end ends it.
    fn take(&self, left: &mut BTreeMap<Partition, Span>, message: &BorrowedMessage<'_>) -> Option<StoredRecord> {
        let at = Partition { topic: self.kafka.topic_of(message.topic())?, partition: message.partition() };
        let span = left.get_mut(&at)?;
        let is_wanted = (span.from..span.to).contains(&message.offset());
        span.from = span.from.max(message.offset() + 1);
        if span.is_empty() {
            left.remove(&at);
        }
        is_wanted.then(|| StoredRecord::copy(at, message))
    }

    /// Retention removes records at any moment, also those that were to be read.
    fn drop_removed(&self, left: &mut BTreeMap<Partition, Span>) -> Result<(), ReaderError> {
        for at in left.keys().copied().collect::<Vec<_>>() {
            let name = self.kafka.topic_name(at.topic);
            let (first, _) = self.client.fetch_watermarks(&name, at.partition, TIMEOUT).map_err(ReaderError::unavailable("find a topic's ends"))?;
            if left.get(&at).is_some_and(|span| first >= span.to) {
                left.remove(&at);
            }
        }
        Ok(())
    }
}
