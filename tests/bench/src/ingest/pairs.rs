//! Pairs of runs, bare and ours in turn, so that whatever changes on the machine meanwhile changes for both.

use std::sync::Arc;

use serde_json::{Value, json};

use super::role::{REFUSED_MAX, Roles};
use super::{Side, Spans, enough};
use crate::load::{self, Outcome};
use crate::process::Spent;
use crate::report::tell;
use crate::stats::{Samples, per, rounded};

/// What was measured of both sides.
#[derive(Debug, Default)]
pub struct Rates {
    /// Ingest.
    pub ours: Side,
    /// The bare handler.
    pub bare: Side,
    ratios: Vec<f64>,
}

impl Rates {
    /// Ours as a part of the bare handler's, pair by pair.
    pub fn ratio(&self) -> Samples {
        self.ratios.iter().copied().collect()
    }

    /// Every run.
    pub fn to_json(&self) -> Value {
        json!({ "ratio": self.ratio().to_json(), "ours": self.ours.to_json(), "bare": self.bare.to_json() })
    }
}

impl Side {
    fn note(&mut self, outcome: &Outcome, spent: &Spent) -> f64 {
        let latencies = outcome.latencies();
        self.rate.push(outcome.rate());
        self.p50.push(latencies.at(0.5));
        self.p99.push(latencies.at(0.99));
        self.load_share.push(spent.share("generator"));
        self.spent_line = Some(spent.line(outcome.all()));
        self.runs.push(json!({ "rps": rounded(outcome.rate()), "refused_part": rounded(outcome.failed()), "latency": latencies.to_json(), "statuses": outcome.statuses_json(),
            "cpu": spent.to_json(outcome.all()) }));
        outcome.rate()
    }

    fn to_json(&self) -> Value {
        json!({ "rps": self.rate.to_json(), "p50_ms": self.p50.to_json(), "p99_ms": self.p99.to_json(),
            "generator_core_share": self.load_share.to_json(), "runs": self.runs })
    }
}

/// A spread for readers.
pub fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// How a run loads a server.
#[derive(Debug, Clone, Copy)]
enum Load {
    /// So many connections, each as fast as it can.
    Closed(usize),
    /// So many requests a second.
    Open(f64),
}

/// Runs pairs.
#[derive(Debug)]
pub struct Pairs<'a, 'b> {
    roles: &'a mut Roles<'b>,
    spans: Spans,
    /// The fastest run so far, to make enough deliveries for the next.
    fastest: f64,
}

impl<'a, 'b> Pairs<'a, 'b> {
    /// With these servers.
    pub const fn new(roles: &'a mut Roles<'b>, spans: Spans) -> Self {
        Self { roles, spans, fastest: 20_000.0 }
    }

    /// As fast as so many connections can.
    pub async fn closed(&mut self, connections: usize) -> anyhow::Result<Rates> {
        self.run(Load::Closed(connections)).await
    }

    /// At a rate.
    pub async fn open(&mut self, rate: f64) -> anyhow::Result<Rates> {
        self.run(Load::Open(rate)).await
    }

    async fn run(&mut self, load: Load) -> anyhow::Result<Rates> {
        let mut rates = Rates::default();
        for pair in 0..self.spans.pairs {
            // Whoever goes first changes from pair to pair.
            let (first, second) = (pair % 2 == 0, pair % 2 == 1);
            let one = self.one(load, first, &mut rates).await?;
            let other = self.one(load, second, &mut rates).await?;
            let (bare, ours) = if first { (one, other) } else { (other, one) };
            rates.ratios.push(per(ours, bare));
        }
        Ok(rates)
    }

    async fn one(&mut self, load: Load, bare: bool, rates: &mut Rates) -> anyhow::Result<f64> {
        let (ramp, addr) = (self.spans.ramp, self.roles.addr(bare));
        let (span, expected) = match load {
            Load::Closed(_) => (self.spans.closed, self.fastest),
            Load::Open(rate) => (self.spans.open, rate),
        };
        let deliveries = self.roles.deliveries(enough(expected, ramp + span))?;
        let watch = self.roles.watch(bare)?;
        let before = watch.used();
        let outcome = match load {
            Load::Closed(connections) => load::closed(addr, &deliveries, connections, ramp, span).await,
            Load::Open(rate) => load::open(addr, &deliveries, 256, rate, ramp, span).await,
        };
        let spent = watch.since(&before);
        debug_assert_eq!(Arc::strong_count(&deliveries), 1, "all connections have ended");
        self.roles.check()?;
        if outcome.failed() > REFUSED_MAX {
            tell(&format!("ingest: {} of this run's requests were not answered with a yes: {}", percent(outcome.failed()), outcome.statuses_json()));
        }
        self.fastest = self.fastest.max(outcome.rate());
        Ok(if bare { rates.bare.note(&outcome, &spent) } else { rates.ours.note(&outcome, &spent) })
    }
}
