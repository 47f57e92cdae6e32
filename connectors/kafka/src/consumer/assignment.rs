//! Which partitions are ours, and from where they are read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;

use super::{BatchHandler, Partition};
use crate::client::Complaints;
use crate::settings::KafkaSettings;

/// What is known of a partition of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is read.
    Flowing,
    /// Where to read from could not be asked: nothing of it may be handed over yet.
    Unplaced,
    /// It stopped at a record that only a newer reader knows.
    Halted,
}

#[derive(Debug, Default)]
pub(super) struct Assignment {
    ours: BTreeMap<Partition, (u64, Reading)>,
    epochs: u64,
    /// While a batch waits for the store, partitions that come to us wait too.
    pub(super) holding: bool,
}

impl Assignment {
    /// Notes a partition as ours, under a new epoch: records read under an older one are not ours to store.
    fn add(&mut self, partition: Partition, reading: Reading) {
        self.epochs += 1;
        self.ours.insert(partition, (self.epochs, reading));
    }

    /// A partition of ours whose place must be asked anew; records read of it so far are not ours to store.
    pub(super) fn displace(&mut self, partition: Partition) {
        if self.ours.contains_key(&partition) {
            self.add(partition, Reading::Unplaced);
        }
    }

    pub(super) fn mark(&mut self, partition: Partition, reading: Reading) {
        if let Some((_, state)) = self.ours.get_mut(&partition) {
            *state = reading;
        }
    }

    /// The epoch under which a record of this partition may be taken now.
    pub(super) fn epoch(&self, partition: Partition) -> Option<u64> {
        self.ours.get(&partition).filter(|(_, reading)| *reading == Reading::Flowing).map(|(epoch, _)| *epoch)
    }

    /// Whether a record that was read under an epoch is still ours.
    pub(super) fn owns(&self, partition: Partition, epoch: u64) -> bool {
        self.ours.get(&partition).is_some_and(|(current, _)| *current == epoch)
    }

    pub(super) fn all(&self, wanted: Reading) -> Vec<Partition> {
        self.ours.iter().filter(|(_, (_, reading))| *reading == wanted).map(|(partition, _)| *partition).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.ours.len()
    }
}

/// The consumer's context: answers rebalances with offsets of the handler's.
pub(super) struct Context<H> {
    pub(super) handler: H,
    settings: KafkaSettings,
    assignment: Mutex<Assignment>,
    complaints: Complaints,
}

impl<H> Context<H> {
    pub(super) fn new(handler: H, settings: KafkaSettings) -> Self {
        Self { handler, settings, assignment: Mutex::default(), complaints: Complaints::default() }
    }

    pub(super) fn assignment(&self) -> MutexGuard<'_, Assignment> {
        self.assignment.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    /// A list for the library, each partition at an offset.
    pub(super) fn list(&self, partitions: impl IntoIterator<Item = (Partition, Offset)>) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (at, offset) in partitions {
            list.add_partition_offset(&self.settings.topic_name(at.topic), at.partition, offset)?;
        }
        Ok(list)
    }

    fn ours(&self, list: &TopicPartitionList) -> Vec<Partition> {
        let known = |name: &str, partition| self.settings.topic_of(name).map(|topic| Partition { topic, partition });
        list.elements().iter().filter_map(|element| known(element.topic(), element.partition())).collect()
    }
}

/// The offset at which reading begins. Without a stored one it is the oldest record, never what was committed to the brokers: a
/// database that lost everything must see everything again.
pub(super) fn start_at(stored: Option<i64>) -> Offset {
    stored.map_or(Offset::Beginning, Offset::Offset)
}

impl<H: BatchHandler> Context<H> {
    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        let partitions = self.ours(list);
        let (placed, reading) = match self.handler.stored_offsets(&partitions) {
            Ok(offsets) => (self.list(partitions.iter().copied().zip(offsets.into_iter().map(start_at)))?, Reading::Flowing),
            Err(error) => {
                tracing::warn!(%error, partitions = partitions.len(), "offsets cannot be read, assigned partitions wait");
                // Assigned they must be, or the group would rebalance for ever; from the end, so that little is fetched in vain.
                (self.list(partitions.iter().map(|&at| (at, Offset::End)))?, Reading::Unplaced)
            }
        };
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(&placed)?,
            RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.assign(&placed)?,
        }
        let mut assignment = self.assignment();
        for &partition in &partitions {
            assignment.add(partition, reading);
        }
        if reading == Reading::Unplaced || assignment.holding {
            consumer.pause(&placed)?;
        }
        tracing::info!(partitions = partitions.len(), "partitions assigned");
        Ok(())
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        // Handing over happens on this thread too, so no batch is between us and the store at this moment.
        let partitions = self.ours(list);
        {
            let mut assignment = self.assignment();
            for partition in &partitions {
                assignment.ours.remove(partition);
            }
        }
        tracing::info!(partitions = partitions.len(), "partitions revoked");
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.unassign(),
        }
    }
}

impl<H: BatchHandler> ClientContext for Context<H> {
    fn error(&self, error: KafkaError, reason: &str) {
        self.complaints.log("consumer", &error, reason);
    }
}

impl<H: BatchHandler> ConsumerContext for Context<H> {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, kind: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let answered =
            if kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS { self.assign(consumer, list) } else { self.revoke(consumer, list) };
        if let Err(error) = answered {
            tracing::error!(%error, "a change of the assignment could not be answered");
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            // Only the display of lag suffers.
            tracing::debug!(%error, "offsets could not be committed to the brokers");
        }
    }
}

/// The consumer with its context, shared by the loop and what it calls.
pub(super) type Client<H> = Arc<BaseConsumer<Context<H>>>;
