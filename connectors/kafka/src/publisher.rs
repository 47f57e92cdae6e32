//! Publishing events.

use std::time::Duration;

use orderbridge_schema::envelope::Envelope;
use orderbridge_schema::topics::Topic;
use rdkafka::message::{Header, OwnedHeaders};

use crate::producer::{Outgoing, Producer, PublishError, Published};
use crate::settings::KafkaSettings;

/// Publishes envelopes, each to the topic it belongs on. Clones share one producer.
#[derive(Debug, Clone)]
pub struct Publisher {
    producer: Producer,
    body_bytes_max: u32,
}

impl Publisher {
    /// Starts a producer. The brokers need not be there yet: see [`health`](Self::health).
    ///
    /// # Errors
    /// [`PublishError::Unavailable`] if the client library refuses the settings.
    pub fn start(settings: &KafkaSettings) -> Result<Self, PublishError> {
        let producer = Producer::start(settings, Topic::events().collect(), settings.message_bytes_max)?;
        Ok(Self { producer, body_bytes_max: settings.body_bytes_max() })
    }

    /// The largest webhook body whose envelope still fits into a record.
    #[must_use]
    pub const fn body_bytes_max(&self) -> u32 {
        self.body_bytes_max
    }

    /// Publishes one event and waits until all in-sync replicas have it, at most [`KafkaSettings::publish_timeout`].
    ///
    /// The future may be dropped at any moment: the record may then still be sent, but nobody is told.
    ///
    /// # Errors
    /// [`PublishError`]; the event may have been published nevertheless, unless it is `QueueFull` or `TooLarge`.
    pub async fn publish(&self, envelope: &Envelope) -> Result<Published, PublishError> {
        let value = serde_json::to_vec(envelope).map_err(|error| PublishError::Unavailable(format!("the envelope could not be written: {error}")))?;
        let event_id = envelope.event_id.to_string();
        let mut headers = OwnedHeaders::new_with_capacity(3)
            .insert(Header { key: "event-id", value: Some(&event_id) })
            .insert(Header { key: "event-type", value: Some(&envelope.event_type) });
        if let Some(traceparent) = &envelope.traceparent {
            headers = headers.insert(Header { key: "traceparent", value: Some(traceparent) });
        }
        self.producer.send(Outgoing { topic: envelope.topic(), key: envelope.key().into_bytes(), value, headers }).await
    }

    /// Whether events can be published, as far as is known: within 5 s of losing the brokers it is false.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.health().is_ok()
    }

    /// Like [`connected`](Self::connected), with the reason.
    ///
    /// # Errors
    /// Why nothing can be published, in plain words.
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
