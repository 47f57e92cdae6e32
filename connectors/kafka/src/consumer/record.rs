//! Records and batches.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderbridge_schema::envelope::{Envelope, EnvelopeError};
use orderbridge_schema::topics::Topic;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

use super::Partition;

/// One record of an event topic.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// When the broker appended it.
    pub appended_at: Option<Timestamp>,
    /// Its key's bytes.
    pub key: Vec<u8>,
    /// Its value's bytes.
    pub value: Vec<u8>,
    /// Its headers, those that are text.
    pub headers: Vec<(String, String)>,
    /// The event, or why the value is none, in plain words without its content.
    pub envelope: Result<Envelope, String>,
    /// Which assignment of the partition it was read under.
    pub(super) epoch: u64,
}

impl Record {
    /// Copies a message out of the library's memory.
    ///
    /// # Errors
    /// The major version, if this reader does not know it.
    pub(super) fn read(topic: Topic, message: &BorrowedMessage<'_>, epoch: u64) -> Result<Self, u64> {
        let value = message.payload().unwrap_or_default();
        let envelope = match Envelope::from_json(value) {
            Ok(envelope) => Ok(envelope),
            Err(EnvelopeError::UnknownVersion(version)) => return Err(version),
            Err(error @ EnvelopeError::Malformed(_)) => Err(error.to_string()),
        };
        let text = |bytes: Option<&[u8]>| bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        let headers =
            message.headers().map(|headers| headers.iter().filter_map(|header| Some((header.key.to_owned(), text(header.value)?))).collect());
        Ok(Self {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            appended_at: message.timestamp().to_millis().and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            key: message.key().unwrap_or_default().to_vec(),
            value: value.to_vec(),
            headers: headers.unwrap_or_default(),
            envelope,
            epoch,
        })
    }

    /// The partition it stands on.
    #[must_use]
    pub const fn at(&self) -> Partition {
        Partition { topic: self.topic, partition: self.partition }
    }
}

/// Records to be stored together, in order within each partition.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The records.
    pub records: Vec<Record>,
}

impl Batch {
    /// For each partition in it, the offset behind its last record: where reading goes on once it is stored.
    #[must_use]
    pub fn next_offsets(&self) -> Vec<(Partition, i64)> {
        let mut next = BTreeMap::new();
        for record in &self.records {
            let offset = next.entry(record.at()).or_insert(0);
            *offset = (*offset).max(record.offset + 1);
        }
        next.into_iter().collect()
    }
}
