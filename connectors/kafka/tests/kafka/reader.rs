//! Reading parts of topics, on a real broker: a mocked one does not answer by time.

use std::time::Duration;

use jiff::Timestamp;
use orderbridge_kafka::{DeadLetter, DeadLetters, LetterPlace, Partition, PutBack, Reader, ReaderError, Span, StoredRecord};
use orderbridge_schema::topics::Topic;

use crate::consumer::publish;
use crate::real::{settings, topics};
use crate::support::{Handler, Store, eventually, write_raw};

const TOPIC: Topic = Topic::BigcommerceOrders;

async fn all(reader: &Reader, spans: Vec<Span>) -> Vec<StoredRecord> {
    let mut reading = reader.open(spans).unwrap();
    let mut records = Vec::new();
    loop {
        let read = reading.next(7).await.unwrap();
        assert!(read.len() <= 7);
        if read.is_empty() {
            assert_eq!(reading.left().count(), 0);
            return records;
        }
        records.extend(read);
    }
}

#[tokio::test]
async fn what_is_there_is_read_and_what_comes_later_is_not() {
    let settings = settings();
    let topics = topics(&settings);
    let reader = Reader::new(&settings).unwrap();
    assert!(matches!(reader.whole(TOPIC).await, Err(ReaderError::NoTopic(name)) if name == settings.topic_name(TOPIC)));
    topics.create().await.unwrap();
    assert!(all(&reader, reader.whole(TOPIC).await.unwrap()).await.is_empty(), "an empty topic ends at once");
    publish(&settings, 0..40).await;
    let spans = reader.whole(TOPIC).await.unwrap();
    assert_eq!((spans.len(), spans.iter().map(Span::len).sum::<u64>()), (3, 40));
    publish(&settings, 40..60).await;
    let read = all(&reader, spans).await;
    let mut orders: Vec<usize> = read.iter().map(|record| record.envelope().unwrap().ids.parse().unwrap()).collect();
    orders.sort_unstable();
    assert_eq!(orders, (0..40).collect::<Vec<_>>());
    assert!(read[0].header("event-id").is_some());
    topics.delete_prefixed().await.unwrap();
}

#[tokio::test]
async fn a_part_is_found_by_time_and_by_offset() {
    let settings = settings();
    let topics = topics(&settings);
    topics.create().await.unwrap();
    publish(&settings, 0..20).await;
    let reader = Reader::new(&settings).unwrap();
    let first = all(&reader, reader.whole(TOPIC).await.unwrap()).await;
    let last = first.iter().filter_map(|record| record.appended_at).max().unwrap();
    // The broker counts milliseconds: what follows must be of another one.
    let between = last + Duration::from_millis(1);
    eventually("a millisecond passes", || Timestamp::now() > between + Duration::from_millis(5)).await;
    publish(&settings, 20..30).await;
    let whole = reader.whole(TOPIC).await.unwrap();
    let split = reader.offsets_at(&whole, between).await.unwrap();
    let since: Vec<Span> = whole.iter().zip(&split).map(|(span, &from)| Span { from, ..*span }).collect();
    assert_eq!(all(&reader, since).await.len(), 10);
    let until: Vec<Span> = whole.iter().zip(&split).map(|(span, &to)| Span { to, ..*span }).collect();
    assert_eq!(all(&reader, until).await.len(), 20);
    let never = reader.offsets_at(&whole, last + Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(never, whole.iter().map(|span| span.to).collect::<Vec<_>>());

    assert!(reader.offsets_at(&[], between).await.unwrap().is_empty());

    let known = &first[3];
    assert_eq!(reader.record(known.at, known.offset).await.unwrap().as_ref(), Some(known));
    assert_eq!(reader.record(known.at, 999).await.unwrap(), None);
    assert_eq!(reader.record(Partition { topic: TOPIC, partition: 77 }, 0).await.unwrap(), None);
    topics.delete_prefixed().await.unwrap();
}

#[tokio::test]
async fn a_dead_letter_that_is_put_back_and_comes_again_names_the_former_one() {
    let settings = settings();
    let topics = topics(&settings);
    topics.create().await.unwrap();
    let bytes = b"not json, \xff\xfe";
    write_raw(&settings.brokers, &settings.topic_name(Topic::BrightpearlNotes), 2, bytes);
    let store = std::sync::Arc::new(Store::default());
    let token = tokio_util::sync::CancellationToken::new();
    let group = crate::support::consumer(&format!("{}group", settings.topic_prefix));
    let running = orderbridge_kafka::Consumer::start(&settings, &group, Handler(std::sync::Arc::clone(&store)), token.clone()).unwrap();
    eventually("it is handed over", || store.records.lock().unwrap().len() == 1).await;
    let letters = DeadLetters::start(&settings).unwrap();
    let record = store.records.lock().unwrap()[0].clone();
    // The first try must wait for the connection; on a busy machine it may be given up all the same, as intake's may.
    crate::support::eventually("the producer is connected", || letters.health().is_ok()).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while let Err(error) = letters.publish(&record, "no good", "2026-03-01T09:30:00Z".parse().unwrap()).await {
        assert!(error.is_transient() && std::time::Instant::now() < deadline, "{error}");
    }

    let reader = Reader::new(&settings).unwrap();
    let read = all(&reader, reader.whole(Topic::DeadLetters).await.unwrap()).await;
    let letter = DeadLetter::from(read.into_iter().next().unwrap());
    assert_eq!(letter.from, Some((record.at(), record.offset)));
    assert_eq!((letter.reason.as_str(), letter.former), ("no good", None));
    assert_eq!(letter.first_at, Some("2026-03-01T09:30:00Z".parse().unwrap()));
    assert_eq!((letter.key.as_slice(), letter.value.as_slice()), (b"k".as_slice(), bytes.as_slice()));

    let back = PutBack::start(&settings).unwrap().put_back(&letter).await.unwrap().unwrap();
    assert_eq!(back.topic, Topic::BrightpearlNotes);
    eventually("it is handed over again", || store.records.lock().unwrap().len() == 2).await;
    let again = store.records.lock().unwrap()[1].clone();
    assert_eq!((again.key.as_slice(), again.value.as_slice()), (b"k".as_slice(), bytes.as_slice()));
    let place = letters.publish(&again, "no good still", Timestamp::now()).await.unwrap();
    let at = Partition { topic: Topic::DeadLetters, partition: place.partition };
    let second = DeadLetter::from(reader.record(at, place.offset).await.unwrap().unwrap());
    assert_eq!(second.former, Some(letter.place));
    assert_eq!(second.place, LetterPlace { partition: place.partition, offset: place.offset });
    assert_eq!(second.headers, letter.headers, "the record's own headers are as they were");
    assert!(PutBack::start(&settings).unwrap().put_back(&DeadLetter { from: None, ..second }).await.unwrap().is_none());
    token.cancel();
    running.ended().await.unwrap();
    topics.delete_prefixed().await.unwrap();
}
