//! Records that cannot be understood, kept with where they came from, and put back there when that may help.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use orderbridge_schema::topics::Topic;
use rdkafka::message::{Header, OwnedHeaders};

use crate::consumer::{Partition, Record};
use crate::producer::{Outgoing, Producer, PublishError, Published};
use crate::reader::StoredRecord;
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
    /// The header of a record that was put back: the dead letter it was, `partition:offset`. Should it come back, it names that one.
    pub const FORMER: &'static str = "dead-letter-former";
    /// What all these begin with.
    const PREFIX: &'static str = "dead-letter-";

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

/// Where a dead letter lies on its topic, written `partition:offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterPlace {
    /// The partition of the dead-letter topic.
    pub partition: i32,
    /// The offset in it.
    pub offset: i64,
}

impl fmt::Display for LetterPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

impl FromStr for LetterPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (partition, offset) = text.split_once(':')?;
            let place = Self { partition: partition.parse().ok()?, offset: offset.parse().ok()? };
            (place.partition >= 0 && place.offset >= 0).then_some(place)
        };
        read().ok_or("a dead letter is named PARTITION:OFFSET, such as 0:17")
    }
}

/// One dead letter, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it lies.
    pub place: LetterPlace,
    /// When it was put there.
    pub appended_at: Option<Timestamp>,
    /// Where the record came from; none if whoever wrote it here did not say, or named no topic of ours.
    pub from: Option<(Partition, i64)>,
    /// Why it is here, in plain words.
    pub reason: String,
    /// When it was first found unreadable.
    pub first_at: Option<Timestamp>,
    /// The dead letter that it was before it was put back and came here again.
    pub former: Option<LetterPlace>,
    /// The record's key.
    pub key: Vec<u8>,
    /// The record's value.
    pub value: Vec<u8>,
    /// The record's own headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl From<StoredRecord> for DeadLetter {
    fn from(record: StoredRecord) -> Self {
        let from = || {
            let topic = Topic::from_name(record.header(DeadLetters::TOPIC)?).filter(|topic| *topic != Topic::DeadLetters)?;
            let partition = record.header(DeadLetters::PARTITION)?.parse().ok()?;
            Some((Partition { topic, partition }, record.header(DeadLetters::OFFSET)?.parse().ok()?))
        };
        Self {
            place: LetterPlace { partition: record.at.partition, offset: record.offset },
            appended_at: record.appended_at,
            from: from(),
            reason: record.header(DeadLetters::REASON).unwrap_or("not told").to_owned(),
            first_at: record.header(DeadLetters::FIRST_AT).and_then(|at| at.parse().ok()),
            former: record.header(DeadLetters::FORMER).and_then(|place| place.parse().ok()),
            headers: record.headers.into_iter().filter(|(name, _)| !name.starts_with(DeadLetters::PREFIX)).collect(),
            key: record.key,
            value: record.value,
        }
    }
}

/// Puts dead letters back on the topics they came from.
#[derive(Debug, Clone)]
pub struct PutBack {
    producer: Producer,
}

impl PutBack {
    /// A person waits for this, not a platform: brokers that are slow to answer are waited for.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Starts a producer for the event topics.
    ///
    /// # Errors
    /// [`PublishError::Unavailable`] if the client library refuses the settings.
    pub fn start(settings: &KafkaSettings) -> Result<Self, PublishError> {
        let settings = KafkaSettings { publish_timeout: Self::PATIENCE, message_timeout: Self::PATIENCE, ..settings.clone() };
        Ok(Self { producer: Producer::start(&settings, Topic::events().collect(), settings.message_bytes_max)? })
    }

    /// Writes the record as it was, with a header that names the dead letter; `None` if it is not known where it came from.
    ///
    /// # Errors
    /// [`PublishError`]; it may have been written nevertheless, and writing it again is harmless.
    pub async fn put_back(&self, letter: &DeadLetter) -> Result<Option<Published>, PublishError> {
        let Some((from, _)) = letter.from else { return Ok(None) };
        let former = letter.place.to_string();
        let mut headers = OwnedHeaders::new_with_capacity(letter.headers.len() + 1);
        for (key, value) in &letter.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        headers = headers.insert(Header { key: DeadLetters::FORMER, value: Some(&former) });
        let outgoing = Outgoing { topic: from.topic, key: letter.key.clone(), value: letter.value.clone(), headers };
        self.producer.send(outgoing).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_named_as_it_is_printed() {
        assert_eq!("2:17".parse::<LetterPlace>().unwrap().to_string(), "2:17");
        for bad in ["", "17", "2:", ":17", "-1:17", "2:-17", "2:17:3", "a:b"] {
            assert!(bad.parse::<LetterPlace>().is_err(), "{bad}");
        }
    }
}
