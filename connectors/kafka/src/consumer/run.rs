//! The loop: poll, hand over, go on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orderbridge_schema::topics::Topic;
use rdkafka::Message;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::Offset;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::assignment::{Client, Context, Reading, start_at};
use super::{Batch, BatchHandler, BatchOutcome, ConsumerError, ConsumerStatus, Halt, Partition, Record};
use crate::client::config;
use crate::settings::{ConsumerSettings, KafkaSettings};

/// How long a poll waits where there is nothing to do; bounds how late a stop is noticed.
const IDLE: Duration = Duration::from_millis(100);
/// The first pause before a batch is offered again; doubles from there.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// How often it is looked whether the store still stands where it did.
const DISPLACED_CHECK: Duration = Duration::from_secs(5);
/// Until then a store that is away is waited for in silence: pausing throws away what was fetched ahead.
const PAUSE_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Intake<H: BatchHandler> {
    client: Client<H>,
    settings: ConsumerSettings,
    token: CancellationToken,
    report: watch::Sender<ConsumerStatus>,
    /// Read while a batch waited, or more than one batch takes: goes first next time.
    ahead: Vec<Record>,
    place_again_at: Option<Instant>,
    look_at: Instant,
    /// When the oldest record of the batch that is being stored was appended.
    in_hand: Option<Timestamp>,
    /// When the records were appended at which partitions stopped.
    halted_at: RefCell<BTreeMap<Partition, Timestamp>>,
}

fn client_config(kafka: &KafkaSettings, settings: &ConsumerSettings) -> ClientConfig {
    let mut config = config(kafka);
    config
        .set("group.id", &settings.group_id)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", settings.session_timeout.as_millis().to_string())
        .set("heartbeat.interval.ms", (settings.session_timeout.as_millis() / 4).to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("queued.max.messages.kbytes", "16384");
    if let Some(id) = &settings.group_instance_id {
        config.set("group.instance.id", id);
    }
    config
}

/// Shows how long the oldest record that is not taken in has waited: if that nears the topics' retention, events are about to be lost.
fn show_age(oldest: Option<Timestamp>) {
    let waited = oldest.map(|at| Timestamp::now().duration_since(at));
    let waited = waited.and_then(|waited| Duration::try_from(waited).ok()).unwrap_or_default();
    metrics::gauge!("orderbridge_intake_oldest_record_age_seconds").set(waited.as_secs_f64());
}

/// When the oldest of some records was appended: they come from many partitions, so it need not be the first.
fn oldest(records: &[Record]) -> Option<Timestamp> {
    records.iter().filter_map(|record| record.appended_at).min()
}

impl<H: BatchHandler> Intake<H> {
    pub(super) fn new(
        kafka: &KafkaSettings,
        settings: &ConsumerSettings,
        handler: H,
        token: CancellationToken,
        report: watch::Sender<ConsumerStatus>,
    ) -> Result<Self, ConsumerError> {
        let start = |error: KafkaError| ConsumerError::Start(error.to_string());
        let context = Context::new(handler, kafka.clone());
        let client: BaseConsumer<Context<H>> = client_config(kafka, settings).create_with_context(context).map_err(start)?;
        let names: Vec<String> = Topic::events().map(|topic| kafka.topic_name(topic)).collect();
        client.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>()).map_err(start)?;
        Ok(Self {
            client: client.into(),
            settings: settings.clone(),
            token,
            report,
            ahead: Vec::new(),
            place_again_at: None,
            look_at: Instant::now() + DISPLACED_CHECK,
            in_hand: None,
            halted_at: RefCell::default(),
        })
    }

    pub(super) fn run(mut self) -> Result<(), ConsumerError> {
        while !self.token.is_cancelled() {
            self.look();
            self.place();
            let batch = self.collect()?;
            if !batch.records.is_empty() {
                self.hand_over(batch)?;
                self.in_hand = None;
            }
            self.tell(None);
        }
        tracing::info!("intake stops");
        Ok(())
    }

    /// Collects a batch: until it is full, or `batch_wait` after its first record, or nothing comes.
    fn collect(&mut self) -> Result<Batch, ConsumerError> {
        let mut records = std::mem::take(&mut self.ahead);
        let mut until = Instant::now() + if records.is_empty() { IDLE } else { self.settings.batch_wait };
        while records.len() < self.settings.batch_records_max && !self.token.is_cancelled() {
            let wait = until.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            if let Some(record) = self.poll(wait)? {
                if records.is_empty() {
                    until = Instant::now() + self.settings.batch_wait;
                }
                records.push(record);
            }
        }
        let rest = records.split_off(records.len().min(self.settings.batch_records_max));
        self.ahead = rest;
        Ok(Batch { records })
    }

    /// One poll. Rebalances, errors and logs are served by it, so it goes on whatever else does not.
    fn poll(&self, wait: Duration) -> Result<Option<Record>, ConsumerError> {
        match self.client.poll(wait) {
            None => Ok(None),
            Some(Ok(message)) => Ok(self.take(&message)),
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => Err(ConsumerError::Fatal(error.to_string())),
            Some(Err(error)) => {
                // Said once by the context; the library itself tries again.
                metrics::counter!("orderbridge_intake_poll_errors_total").increment(1);
                tracing::debug!(%error, "a poll reported trouble");
                Ok(None)
            }
        }
    }

    fn take(&self, message: &BorrowedMessage<'_>) -> Option<Record> {
        let context = self.client.context();
        let topic = context.settings().topic_of(message.topic())?;
        let partition = Partition { topic, partition: message.partition() };
        let epoch = context.assignment().epoch(partition)?;
        match Record::read(topic, message, epoch) {
            Ok(record) => Some(record),
            Err(version) => {
                let appended_at = message.timestamp().to_millis().and_then(|ms| Timestamp::from_millisecond(ms).ok());
                self.halted_at.borrow_mut().extend(appended_at.map(|at| (partition, at)));
                self.halt(Halt { partition, offset: message.offset(), version });
                None
            }
        }
    }

    /// Stops one partition where only a newer reader can go on. Its offset stays before the record, so that reader finds it.
    fn halt(&self, halt: Halt) {
        tracing::error!(partition = %halt.partition, offset = halt.offset, version = halt.version, "a newer envelope version: this partition stops until a newer release reads it");
        let context = self.client.context();
        context.assignment().mark(halt.partition, Reading::Halted);
        self.pause(&[halt.partition]);
        context.handler.halted(halt);
    }

    /// Offers a batch until it is stored, or until its partitions are somebody else's.
    fn hand_over(&mut self, mut batch: Batch) -> Result<(), ConsumerError> {
        let began = Instant::now();
        let mut wait = FIRST_RETRY;
        loop {
            self.keep_ours(&mut batch.records);
            if batch.records.is_empty() {
                break;
            }
            self.in_hand = oldest(&batch.records);
            show_age(self.oldest_unread());
            let why = match self.store(&batch) {
                BatchOutcome::Stored => {
                    self.stored(&batch);
                    break;
                }
                BatchOutcome::Displaced => {
                    self.displace(&batch.next_offsets().into_iter().map(|(at, _)| at).collect::<Vec<_>>());
                    break;
                }
                BatchOutcome::Unavailable(why) => why,
            };
            if self.token.is_cancelled() {
                // Nothing is lost: its offsets are not stored either.
                return Ok(());
            }
            self.wait(&why, began, wait.mul_f64(rand::random_range(0.5..1.0)))?;
            wait = wait.saturating_mul(2).min(self.settings.retry_wait_max);
        }
        self.resume();
        Ok(())
    }

    /// A panic of the handler is this batch's trouble alone and must not end intake in silence.
    fn store(&self, batch: &Batch) -> BatchOutcome {
        let handler = &self.client.context().handler;
        catch_unwind(AssertUnwindSafe(|| handler.store(batch))).unwrap_or_else(|_panic| {
            metrics::counter!("orderbridge_intake_panics_total").increment(1);
            BatchOutcome::Unavailable("taking the batch in panicked".into())
        })
    }

    fn stored(&self, batch: &Batch) {
        metrics::counter!("orderbridge_intake_records_total").increment(u64::try_from(batch.records.len()).unwrap_or(u64::MAX));
        let context = self.client.context();
        let offsets = batch.next_offsets().into_iter().map(|(at, next)| (at, Offset::Offset(next)));
        let committed = context.list(offsets).and_then(|list| self.client.commit(&list, CommitMode::Async));
        if let Err(error) = committed {
            tracing::debug!(%error, "offsets could not be committed to the brokers");
        }
    }

    /// Waits before the next attempt. Polling goes on, at first without pausing: what arrives then is kept for the next batch.
    fn wait(&mut self, why: &str, began: Instant, wait: Duration) -> Result<(), ConsumerError> {
        self.tell(Some(why));
        let pause = began.elapsed() >= PAUSE_AFTER || self.ahead.len() >= self.settings.batch_records_max;
        let newly = pause && !std::mem::replace(&mut self.client.context().assignment().holding, pause);
        if newly {
            tracing::warn!(why, "events cannot be taken in, reading pauses");
            let flowing = self.client.context().assignment().all(Reading::Flowing);
            self.pause(&flowing);
        }
        let until = Instant::now() + wait;
        while Instant::now() < until && !self.token.is_cancelled() {
            let left = until.saturating_duration_since(Instant::now()).min(IDLE);
            if self.ahead.len() >= self.settings.batch_records_max && !pause {
                break;
            }
            if let Some(record) = self.poll(left)? {
                self.ahead.push(record);
            }
        }
        Ok(())
    }

    /// Lets go of records whose partitions went to others in the meantime: those read them again from the stored offset.
    fn keep_ours(&mut self, records: &mut Vec<Record>) {
        let assignment = self.client.context().assignment();
        records.retain(|record| assignment.owns(record.at(), record.epoch));
        self.ahead.retain(|record| assignment.owns(record.at(), record.epoch));
    }

    fn resume(&self) {
        let context = self.client.context();
        let flowing = {
            let mut assignment = context.assignment();
            if !std::mem::take(&mut assignment.holding) {
                return;
            }
            assignment.all(Reading::Flowing)
        };
        tracing::info!("events are taken in again");
        let list = context.list(flowing.into_iter().map(|at| (at, Offset::Invalid)));
        if let Err(error) = list.and_then(|list| self.client.resume(&list)) {
            tracing::error!(%error, "partitions could not be resumed");
        }
    }

    fn pause(&self, partitions: &[Partition]) {
        let list = self.client.context().list(partitions.iter().map(|&at| (at, Offset::Invalid)));
        if let Err(error) = list.and_then(|list| self.client.pause(&list)) {
            tracing::error!(%error, "partitions could not be paused");
        }
    }

    /// A store that was put back to an earlier state lacks what was taken in since: those partitions are read again.
    fn look(&mut self) {
        if Instant::now() < self.look_at {
            return;
        }
        self.look_at = Instant::now() + DISPLACED_CHECK;
        let context = self.client.context();
        let flowing = context.assignment().all(Reading::Flowing);
        match context.handler.displaced(&flowing) {
            Ok(displaced) if displaced.is_empty() => {}
            Ok(displaced) => self.displace(&displaced),
            Err(error) => tracing::debug!(%error, "the stored offsets could not be looked at"),
        }
    }

    /// Nothing read so far of these partitions counts; they are placed anew.
    fn displace(&self, partitions: &[Partition]) {
        tracing::warn!(partitions = partitions.len(), "the store does not stand where it did: reading from where it stands");
        let mut assignment = self.client.context().assignment();
        for &partition in partitions {
            assignment.displace(partition);
        }
    }

    /// Finds the place of partitions whose offset could not be asked when they came to us.
    fn place(&mut self) {
        let context = self.client.context();
        let waiting = context.assignment().all(Reading::Unplaced);
        if waiting.is_empty() || self.place_again_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let placed = match context.handler.stored_offsets(&waiting) {
            Ok(offsets) => self.seek(&waiting, offsets),
            Err(error) => Err(error.to_string()),
        };
        self.place_again_at = placed.is_err().then(|| Instant::now() + self.settings.retry_wait_max.min(Duration::from_secs(1)));
        if let Err(why) = placed {
            self.tell(Some(&why));
        }
    }

    fn seek(&self, partitions: &[Partition], offsets: Vec<Option<i64>>) -> Result<(), String> {
        let context = self.client.context();
        let places: Vec<_> = partitions.iter().copied().zip(offsets.into_iter().map(start_at)).collect();
        let list = context.list(places.iter().copied()).map_err(|error| error.to_string())?;
        // Taken away and given again at the right place: seeking fails while the first fetch is still being set up.
        self.client.incremental_unassign(&list).map_err(|error| error.to_string())?;
        self.client.incremental_assign(&list).map_err(|error| error.to_string())?;
        self.client.resume(&list).map_err(|error| error.to_string())?;
        let mut assignment = context.assignment();
        for (partition, _) in places {
            assignment.mark(partition, Reading::Flowing);
        }
        tracing::info!(partitions = partitions.len(), "partitions are read from their stored offsets");
        Ok(())
    }

    /// When the oldest record was appended that was read and is not taken in.
    fn oldest_unread(&self) -> Option<Timestamp> {
        let halted = self.client.context().assignment().all(Reading::Halted);
        let halted_at = self.halted_at.borrow();
        let halted = halted.iter().filter_map(|partition| halted_at.get(partition).copied());
        oldest(&self.ahead).into_iter().chain(self.in_hand).chain(halted).min()
    }

    fn tell(&self, why: Option<&str>) {
        let oldest_unread_at = self.oldest_unread();
        show_age(oldest_unread_at);
        let assignment = self.client.context().assignment();
        let unplaced = !assignment.all(Reading::Unplaced).is_empty();
        let waiting = why.map(str::to_owned).or_else(|| unplaced.then(|| "stored offsets cannot be read".to_owned()));
        let status = ConsumerStatus { assigned: assignment.len(), waiting, halted: assignment.all(Reading::Halted).len(), oldest_unread_at };
        self.report.send_if_modified(|known| {
            let changed = *known != status;
            metrics::gauge!("orderbridge_intake_halted_partitions").set(u32::try_from(status.halted).unwrap_or(u32::MAX));
            *known = status;
            changed
        });
    }
}
