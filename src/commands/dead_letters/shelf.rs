//! The dead letters as they lie, with what became of them.

use std::collections::VecDeque;

use orderbridge_kafka::{DeadLetter, KafkaSettings, LetterPlace, Partition, Reader};
use orderbridge_postgres::{Db, LetterMark};
use orderbridge_schema::topics::Topic;

use super::State;

/// Letters read and looked up at once.
const CHUNK: usize = 500;

/// A dead letter and what became of it.
#[derive(Debug)]
pub struct Lettered {
    /// The letter.
    pub letter: DeadLetter,
    /// What a person did with it, if anything.
    pub mark: Option<LetterMark>,
}

/// Where they are found.
#[derive(Debug)]
pub struct Shelf {
    reader: Reader,
    /// Where it is noted what became of them.
    pub db: Db,
}

impl Shelf {
    /// The letters of an installation.
    ///
    /// # Errors
    /// The brokers' settings cannot be used.
    pub fn new(kafka: &KafkaSettings, db: Db) -> anyhow::Result<Self> {
        Ok(Self { reader: Reader::new(kafka)?, db })
    }

    /// One letter; `None` if it is not there, or not any more.
    ///
    /// # Errors
    /// The brokers or the database fail.
    pub async fn one(&self, place: LetterPlace) -> anyhow::Result<Option<Lettered>> {
        let at = Partition { topic: Topic::DeadLetters, partition: place.partition };
        let Some(record) = self.reader.record(at, place.offset).await? else { return Ok(None) };
        Ok(self.marked(vec![record.into()]).await?.pop())
    }

    /// The newest `limit` letters that came from a topic and are in a state, oldest first.
    ///
    /// # Errors
    /// The brokers or the database fail.
    pub async fn all(&self, topic: Option<Topic>, state: Option<State>, limit: usize) -> anyhow::Result<Vec<Lettered>> {
        let mut reading = self.reader.open(self.reader.whole(Topic::DeadLetters).await?)?;
        let is_wanted = |letter: &DeadLetter| topic.is_none() || letter.from.map(|(from, _)| from.topic) == topic;
        let mut found: VecDeque<Lettered> = VecDeque::new();
        loop {
            let records = reading.next(CHUNK).await?;
            if records.is_empty() {
                break;
            }
            let letters = records.into_iter().map(DeadLetter::from).filter(is_wanted).collect();
            found.extend(self.marked(letters).await?.into_iter().filter(|lettered| state.is_none_or(|state| State::of(lettered) == state)));
            // Partitions come in any order: only what can be told apart by time may be dropped.
            found.make_contiguous().sort_by_key(|lettered| (lettered.letter.appended_at, lettered.letter.place));
            found.drain(..found.len().saturating_sub(limit));
        }
        Ok(found.into())
    }

    async fn marked(&self, letters: Vec<DeadLetter>) -> anyhow::Result<Vec<Lettered>> {
        let places: Vec<(i32, i64)> = letters.iter().map(|letter| (letter.place.partition, letter.place.offset)).collect();
        let mut marks = self.db.letter_marks(Topic::DeadLetters, &places).await?;
        let lettered = |(letter, place)| Lettered { letter, mark: marks.remove(&place) };
        Ok(letters.into_iter().zip(places).map(lettered).collect())
    }
}
