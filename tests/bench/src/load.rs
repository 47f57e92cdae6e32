//! The load generator: closed loops over kept connections, and an open loop that sends at a rate whatever the answers do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::deliveries::Deliveries;
use crate::http::Connection;
use crate::stats::{Latencies, count, per};

/// How long a connection that failed waits before it is opened anew: a server that is gone must not keep us busy.
const REOPEN: Duration = Duration::from_millis(20);
/// Requests of an open loop that may wait for a free connection.
const QUEUE: usize = 1 << 16;

/// What came back.
#[derive(Debug, Default)]
pub struct Outcome {
    latencies: Vec<f64>,
    /// Measured answers with a 2xx.
    fine: usize,
    /// Every answer by status, those while connections were being opened too; 0 is none at all.
    pub statuses: BTreeMap<u16, u64>,
    seconds: f64,
}

impl Outcome {
    fn note(&mut self, status: u16, latency: Option<Duration>) {
        *self.statuses.entry(status).or_default() += 1;
        self.fine += usize::from(latency.is_some() && (200..300).contains(&status));
        self.latencies.extend(latency.map(|latency| latency.as_secs_f64() * 1e3));
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.fine += other.fine;
        for (status, more) in other.statuses {
            *self.statuses.entry(status).or_default() += more;
        }
    }

    /// Requests answered with a 2xx per second, while it was measured.
    pub fn rate(&self) -> f64 {
        per(count(self.fine), self.seconds)
    }

    /// All answers, measured or not.
    pub fn all(&self) -> f64 {
        self.statuses.values().map(|number| count(usize::try_from(*number).unwrap_or(usize::MAX))).sum()
    }

    /// The part of all that was not a 2xx.
    pub fn failed(&self) -> f64 {
        let fine: u64 = self.statuses.iter().filter(|(status, _)| (200..300).contains(*status)).map(|(_, number)| number).sum();
        1.0 - per(count(usize::try_from(fine).unwrap_or(usize::MAX)), self.all())
    }

    /// Latencies of what was measured, whatever the answer.
    pub fn latencies(&self) -> Latencies {
        Latencies::of(self.latencies.clone())
    }

    /// Statuses, for the raw numbers.
    pub fn statuses_json(&self) -> Value {
        let told = self.statuses.iter().map(|(status, number)| (if *status == 0 { "none".into() } else { status.to_string() }, json!(number)));
        Value::Object(told.collect())
    }
}

/// One connection, opened anew when it fails.
struct Line {
    addr: SocketAddr,
    connection: Option<Connection>,
}

impl Line {
    /// The status, or 0.
    async fn send(&mut self, request: &[u8]) -> u16 {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match Connection::open(self.addr).await {
                Ok(connection) => connection,
                Err(_gone) => {
                    tokio::time::sleep(REOPEN).await;
                    return 0;
                }
            },
        };
        let status = connection.exchange(request).await.map_or(0, |(status, _)| status);
        if status != 0 {
            self.connection = Some(connection);
        }
        status
    }
}

/// Each of so many connections sends its next request as soon as it has its answer. The first while is not measured.
pub async fn closed(addr: SocketAddr, deliveries: &Arc<Deliveries>, connections: usize, ramp: Duration, span: Duration) -> Outcome {
    let from = Instant::now() + ramp;
    let until = from + span;
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (deliveries, next) = (Arc::clone(deliveries), Arc::clone(&next));
        tasks.spawn(async move {
            let mut line = Line { addr, connection: None };
            let mut outcome = Outcome::default();
            loop {
                let began = Instant::now();
                if began >= until {
                    return outcome;
                }
                let status = line.send(deliveries.get(next.fetch_add(1, Ordering::Relaxed))).await;
                let ended = Instant::now();
                outcome.note(status, (ended >= from && ended <= until).then(|| ended - began));
            }
        });
    }
    let mut outcome = Outcome { seconds: span.as_secs_f64(), ..Outcome::default() };
    while let Some(ended) = tasks.join_next().await {
        outcome.add(ended.unwrap_or_default());
    }
    outcome
}

/// A request and the moment it should be sent.
type Shot = (usize, Instant);

/// Sends at a rate, spaced evenly, over whichever connection is free. Latencies count from the moment a request should have been sent.
pub async fn open(addr: SocketAddr, deliveries: &Arc<Deliveries>, connections: usize, rate: f64, ramp: Duration, span: Duration) -> Outcome {
    let (sender, receiver) = mpsc::channel::<Shot>(QUEUE);
    let receiver = Arc::new(Mutex::new(receiver));
    let began = Instant::now();
    let from = began + ramp;
    let pacer = std::thread::spawn(move || pace(&sender, began, rate, ramp + span));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (deliveries, receiver) = (Arc::clone(deliveries), Arc::clone(&receiver));
        tasks.spawn(async move {
            let mut line = Line { addr, connection: None };
            let mut outcome = Outcome::default();
            loop {
                let next = receiver.lock().await.recv().await;
                let Some((number, due)) = next else { return outcome };
                let status = line.send(deliveries.get(number)).await;
                outcome.note(status, (due >= from).then(|| due.elapsed()));
            }
        });
    }
    let mut outcome = Outcome { seconds: span.as_secs_f64(), ..Outcome::default() };
    while let Some(ended) = tasks.join_next().await {
        outcome.add(ended.unwrap_or_default());
    }
    if let Ok(lost) = pacer.join()
        && lost > 0
    {
        // What nobody could take counts as unanswered.
        outcome.statuses.entry(0).and_modify(|known| *known += lost).or_insert(lost);
    }
    outcome
}

/// Hands out requests at their moments, on a thread of its own: timers of the runtime are a millisecond coarse. Gives how many nobody took.
fn pace(sender: &mpsc::Sender<Shot>, began: Instant, rate: f64, span: Duration) -> u64 {
    let gap = Duration::from_secs_f64(1.0 / rate.max(1.0));
    let mut lost = 0;
    let mut due = began;
    let mut number = 0;
    while due < began + span {
        loop {
            let now = Instant::now();
            if now >= due {
                break;
            }
            std::thread::park_timeout(due - now);
        }
        lost += u64::from(sender.try_send((number, due)).is_err());
        number += 1;
        due += gap;
    }
    lost
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers every read with 200; requests of these tests come in one piece.
    async fn server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut buffer = [0; 1024];
                    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                });
            }
        });
        addr
    }

    fn deliveries() -> Arc<Deliveries> {
        Arc::new(Deliveries::repeating(b"GET / HTTP/1.1\r\n\r\n", 3))
    }

    #[tokio::test]
    async fn a_closed_loop_measures_what_it_sends() {
        let outcome = closed(server().await, &deliveries(), 4, Duration::from_millis(20), Duration::from_millis(200)).await;
        assert!(outcome.rate() > 10.0 && outcome.failed().abs() < 1e-9, "{outcome:?}");
        assert_eq!(outcome.statuses.keys().collect::<Vec<_>>(), [&200]);
    }

    #[tokio::test]
    async fn an_open_loop_keeps_its_rate_and_counts_from_the_intended_moment() {
        let outcome = open(server().await, &deliveries(), 8, 500.0, Duration::from_millis(100), Duration::from_millis(400)).await;
        assert!((outcome.rate() - 500.0).abs() < 10.0, "{}", outcome.rate());
        assert!(outcome.latencies().at(0.5) > 0.0);
    }

    #[tokio::test]
    async fn a_server_that_is_gone_counts_as_no_answer() {
        let outcome = closed("127.0.0.1:1".parse().unwrap(), &deliveries(), 2, Duration::ZERO, Duration::from_millis(60)).await;
        assert!((outcome.failed() - 1.0).abs() < 1e-9);
    }
}
