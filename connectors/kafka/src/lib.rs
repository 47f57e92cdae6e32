//! Apache Kafka: publishing events, reading them, keeping unreadable ones, and the topics themselves.
//!
//! The only crate that knows librdkafka. It knows no platform and no database: where intake stands is asked of and told to a
//! [`BatchHandler`], because offsets live with the work items, not with the broker.

mod client;
mod consumer;
mod dead_letters;
mod producer;
mod publisher;
mod reader;
mod settings;
mod topics;
mod watch;

pub use consumer::{Batch, BatchHandler, BatchOutcome, Consumer, ConsumerError, ConsumerStatus, Halt, Partition, Record, StoreUnavailable};
pub use dead_letters::{DeadLetter, DeadLetters, LetterPlace, PutBack};
pub use producer::{PublishError, Published};
pub use publisher::Publisher;
pub use reader::{Reader, ReaderError, Reading, Span, StoredRecord};
pub use settings::{ConnectionProperties, ConsumerSettings, KafkaSettings, TopicSettings};
pub use topics::{Creation, TopicReport, Topics, TopicsError};
pub use watch::TopicsWatch;
