//! Records that cannot be understood, kept with where they came from.

use std::time::Duration;

use jiff::Timestamp;
use orderbridge_schema::topics::Topic;
use rdkafka::message::{Header, OwnedHeaders};

use crate::consumer::Record;
use crate::producer::{Outgoing, Producer, PublishError, Published};
use crate::settings::KafkaSettings;

/// Publishes to the dead-letter topic. The record's bytes are the value; its coordinates and the reason are headers.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    producer: Producer,
}

impl DeadLetters {
    /// The header with the topic the record came from.
    pub const TOPIC: &'static str = "dead-letter-topic";
    /// The header with its partition.
    pub const PARTITION: &'static str = "dead-letter-partition";
    /// The header with its offset.
    pub const OFFSET: &'static str = "dead-letter-offset";
    /// The header with the reason, in plain words.
    pub const REASON: &'static str = "dead-letter-reason";
    /// The header with the moment it was first found unreadable, RFC 3339.
    pub const FIRST_AT: &'static str = "dead-letter-first-at";

    /// Starts a producer for the dead-letter topic.
    ///
    /// # Errors
    /// [`PublishError::Unavailable`] if the client library refuses the settings.
    pub fn start(settings: &KafkaSettings) -> Result<Self, PublishError> {
        let producer = Producer::start(settings, vec![Topic::DeadLetters], settings.dead_letter_bytes_max)?;
        Ok(Self { producer })
    }

    /// Keeps one record and waits for the acknowledgement; only then may its offset be passed.
    ///
    /// # Errors
    /// [`PublishError`]; the letter may have been written nevertheless, and writing it again is harmless.
    pub async fn publish(&self, record: &Record, reason: &str, first_at: Timestamp) -> Result<Published, PublishError> {
        let (partition, offset, first_at) = (record.partition.to_string(), record.offset.to_string(), first_at.to_string());
        let coordinates = [
            (Self::TOPIC, record.topic.name()),
            (Self::PARTITION, &partition),
            (Self::OFFSET, &offset),
            (Self::REASON, reason),
            (Self::FIRST_AT, &first_at),
        ];
        let mut headers = OwnedHeaders::new_with_capacity(coordinates.len() + record.headers.len());
        for (key, value) in coordinates {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        self.producer.send(Outgoing { topic: Topic::DeadLetters, key: record.key.clone(), value: record.value.clone(), headers }).await
    }

    /// Whether dead letters can be written, as far as is known.
    ///
    /// # Errors
    /// Why not, in plain words.
    pub fn health(&self) -> Result<(), String> {
        self.producer.health()
    }

    /// Waits until everything handed over is acknowledged or given up, at most `limit`.
    ///
    /// # Errors
    /// The number of records that were still on their way.
    pub async fn flush(&self, limit: Duration) -> Result<(), usize> {
        self.producer.flush(limit).await
    }
}
