//! One tenant floods, others of the same account order now and then: what does the flood cost them, beside the same load spread evenly?

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::deliveries::{Deliveries, Endpoint, Event};
use crate::installation::{DEADLINE, Installation, Quotas};
use crate::ledger::{self, Call, Way};
use crate::load;
use crate::merchant::{Merchant, Wish};
use crate::place::{Place, until};
use crate::report::{Bound, Figure, Report, Target, tell};
use crate::stats::{Latencies, Samples, count, per, rounded};

/// Tenants that only order now and then.
const SMALL: usize = 4;
/// Latencies below are as good as each other.
const FLOOR_MS: f64 = 50.0;
/// Calls to one account or store at once.
const IN_FLIGHT: u64 = 4;
/// Large plans, so that a run ends in seconds; enforced on both sides.
const QUOTAS: Quotas = Quotas { per_store: 3_000, per_account: 6_000 };

/// What a run is like.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// Orders that make the load.
    orders: usize,
    /// Events about them.
    events: usize,
    /// Events a second.
    events_per_s: f64,
    /// Between two orders of the small tenants.
    probe_every: Duration,
    /// How long those go on.
    span: Duration,
}

/// Everybody, and what was numbered so far.
struct Town<'a> {
    installation: Installation<'a>,
    /// The first floods.
    merchants: Vec<Merchant>,
    endpoints: Vec<Endpoint>,
    scale: Scale,
    numbers: u64,
    buyers: usize,
}

/// What the small tenants saw of one run.
#[derive(Debug)]
struct Run {
    probes: Latencies,
    /// The flooding tenant's calls between a probe's event and its effect: to its own store, and sales orders it made in the shared account.
    store_calls: Latencies,
    sales_orders: Latencies,
    load_lasted_s: f64,
    load_share: f64,
}

fn email(number: usize) -> String {
    format!("customer-{}@example.com", number % 60)
}

impl<'a> Town<'a> {
    async fn build(place: &'a Place, scale: Scale) -> anyhow::Result<Self> {
        let installation = Installation::start(place, "fairness", QUOTAS).await?;
        let quota = QUOTAS.per_store;
        let contacts = (0..60).map(email).collect();
        let mut merchants = vec![Merchant::open(&installation, Wish { id: "flood".into(), contacts, quota, ..Wish::default() }).await?];
        for number in 0..SMALL {
            let shares = merchants.first();
            let wish = Wish { id: format!("small{number}"), shares, quota, ..Wish::default() };
            let small = Merchant::open(&installation, wish).await?;
            merchants.push(small);
        }
        installation.warm_up(&merchants).await?;
        let mut endpoints = Vec::new();
        for merchant in &merchants {
            endpoints.push(merchant.endpoint(&installation).await?);
        }
        let mut town = Self { installation, merchants, endpoints, scale, numbers: 1, buyers: 0 };
        // Catalogue, contacts and everything else that only the first order needs.
        for at in (0..=SMALL).cycle().take(60) {
            town.place(at).await?;
        }
        town.settled(60).await?;
        Ok(town)
    }

    async fn place(&mut self, at: usize) -> anyhow::Result<(usize, u64)> {
        self.buyers += 1;
        let merchant = self.merchants.get(at).context("there is no such merchant")?;
        Ok((at, merchant.place(&self.installation.platforms, &email(self.buyers)).await?))
    }

    /// Waits until so many sales orders have been made and nothing is called any more.
    async fn settled(&mut self, orders: usize) -> anyhow::Result<()> {
        self.installation.made(orders).await?;
        self.installation.platforms.quiet(Duration::from_secs(1), DEADLINE).await
    }

    /// Orders that the stores tell nobody of: their own webhooks would stand in line before those of the small tenants' orders.
    async fn silent(&mut self, alone: bool) -> anyhow::Result<Vec<(usize, u64)>> {
        self.installation.platforms.lose(1.0).await?;
        let mut orders = Vec::new();
        for number in 0..self.scale.orders {
            let at = if alone { 0 } else { number % (SMALL + 1) };
            orders.push(self.place(at).await?);
        }
        let platforms = &self.installation.platforms;
        for merchant in &self.merchants {
            let told = || async { Ok((platforms.undelivered(&merchant.id).await? == 0).then_some(())) };
            until("the stores have told of the load", DEADLINE, told).await?;
        }
        self.installation.platforms.lose(0.0).await?;
        Ok(orders)
    }

    /// The events that the stores did not send, many for each order.
    fn flood(&mut self, orders: &[(usize, u64)]) -> Deliveries {
        let first = self.numbers;
        self.numbers += u64::try_from(self.scale.events).unwrap_or_default();
        let at = Timestamp::now();
        let events = (first..self.numbers).zip(orders.iter().cycle());
        let of = events.filter_map(|(number, (merchant, order))| {
            let event = Event { scope: "store/order/updated", order: *order, number, at };
            Some((self.endpoints.get(*merchant)?, event))
        });
        Deliveries::of(self.installation.ingest, of)
    }

    /// The load on the first tenant alone or on all, while the small ones order now and then.
    async fn run(&mut self, alone: bool) -> anyhow::Result<Run> {
        self.installation.platforms.forget(true).await?;
        let orders = self.silent(alone).await?;
        let deliveries = Arc::new(self.flood(&orders));
        let watch = self.installation.watch()?;
        let (before, begun_at) = (watch.used(), Timestamp::now());
        let flood_span = Duration::from_secs_f64(per(count(deliveries.len()), self.scale.events_per_s));
        let (ingest, rate) = (self.installation.ingest, self.scale.events_per_s);
        let flooding = tokio::spawn(async move { load::open(ingest, &deliveries, 32, rate, Duration::ZERO, flood_span).await });
        let mut probes = HashSet::new();
        let mut ticks = tokio::time::interval(self.scale.probe_every);
        let began = Instant::now();
        let mut turn = 0;
        while began.elapsed() < self.scale.span {
            ticks.tick().await;
            let (at, order) = self.place(1 + turn % SMALL).await?;
            probes.extend(self.merchants.get(at).map(|merchant| merchant.external_ref(order)));
            turn += 1;
        }
        let flooded = flooding.await?;
        if flooded.failed() > 0.01 {
            tell(&format!("fairness: {:.0} % of the flood's events were not acknowledged: {}", flooded.failed() * 100.0, flooded.statuses_json()));
        }
        let load_share = watch.since(&before).load_share();
        self.settled(self.scale.orders + turn).await?;
        self.judge(&probes, begun_at, load_share).await
    }

    async fn judge(&self, probes: &HashSet<String>, begun_at: Timestamp, load_share: f64) -> anyhow::Result<Run> {
        let platforms = &self.installation.platforms;
        let ways = ledger::ways(platforms).await?;
        let calls = ledger::calls(&platforms.bigcommerce, "tenant=flood").await?;
        let made = ledger::calls(&platforms.brightpearl, "method=POST&path=/order-service/sales-order").await?;
        let of_load = made.iter().filter(|call| call.makes().is_some_and(|key| !probes.contains(key)));
        let last = of_load.map(|call| call.at).max().unwrap_or(begun_at);
        let made: Vec<Call> = made.into_iter().filter(|call| call.makes().is_some_and(|key| key.starts_with("bc-flood-"))).collect();
        // What was ordered after the load had been worked off tells nothing about it.
        let seen: Vec<&Way> = ways.iter().filter(|(key, way)| probes.contains(*key) && way.event < last).map(|(_, way)| way).collect();
        anyhow::ensure!(!seen.is_empty(), "none of {} small orders was placed under the load: it was too small", probes.len());
        let between = |calls: &[Call]| {
            let inside = |way: &&Way| count(calls.iter().filter(|call| call.at > way.event && call.at < way.effect).count());
            Latencies::of(seen.iter().map(inside).collect())
        };
        Ok(Run {
            store_calls: between(&calls),
            sales_orders: between(&made),
            probes: ledger::latencies(seen.into_iter()),
            load_lasted_s: last.duration_since(begun_at).as_secs_f64(),
            load_share,
        })
    }
}

impl Run {
    fn to_json(&self) -> Value {
        let between = |of: &Latencies| json!({ "median": rounded(of.at(0.5)), "p99": rounded(of.at(0.99)), "max": rounded(of.at(1.0)) });
        json!({ "probes": self.probes.to_json(), "load_lasted_s": rounded(self.load_lasted_s), "load_core_share": rounded(self.load_share),
            "flooding_tenant_between_event_and_effect": { "calls_to_its_store": between(&self.store_calls),
                "sales_orders_in_the_shared_account": between(&self.sales_orders) } })
    }
}

/// Runs the part.
pub async fn run(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let scale = Scale {
        orders: place.pick(900, 120),
        events: place.pick(20_000, 2_000),
        events_per_s: place.pick(2_000.0, 800.0),
        probe_every: Duration::from_millis(place.pick(250, 150)),
        span: Duration::from_secs(place.pick(12, 3)),
    };
    let pairs = place.pick(5, 1);
    let mut town = Town::build(place, scale).await?;
    tell(&format!("fairness: {pairs} pairs of {} events about {} orders", scale.events, scale.orders));
    let (mut ratio, mut load) = (Samples::default(), Samples::default());
    let (mut flooded, mut even) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        let one = town.run(true).await?;
        let other = town.run(false).await?;
        ratio.push(per(one.probes.at(0.99).max(FLOOR_MS), other.probes.at(0.99).max(FLOOR_MS)));
        load.push(one.load_share.max(other.load_share));
        flooded.push(one);
        even.push(other);
    }
    let middle = |runs: &[Run], of: fn(&Run) -> f64| runs.iter().map(of).collect::<Samples>().median();
    let figures = vec![Figure::median("p99_ratio", &ratio, "").target(Target::AtMost(2.0)).bound(Bound::of_latency(load.median()))];
    let lines = [
        format!(
            "small tenants under the flood: p50 {:.0} ms, p99 {:.0} ms; the same load spread evenly: p50 {:.0} ms, p99 {:.0} ms",
            middle(&flooded, |run| run.probes.at(0.5)),
            middle(&flooded, |run| run.probes.at(0.99)),
            middle(&even, |run| run.probes.at(0.5)),
            middle(&even, |run| run.probes.at(0.99))
        ),
        format!(
            "between a small tenant's event and its effect the flooding one made {:.0} sales orders in the shared account (p99 {:.0}; {IN_FLIGHT} calls at once) \
             and {:.0} calls to its own store",
            middle(&flooded, |run| run.sales_orders.at(0.5)),
            middle(&flooded, |run| run.sales_orders.at(0.99)),
            middle(&flooded, |run| run.store_calls.at(0.5))
        ),
        format!(
            "the load lasted {:.0} s; busiest of the load's side: {:.0} % of its core",
            middle(&flooded, |run| run.load_lasted_s),
            load.median() * 100.0
        ),
    ];
    let raw = json!({
        "small_tenants": SMALL, "orders": scale.orders, "events": scale.events, "floor_ms": FLOOR_MS, "in_flight_cap": IN_FLIGHT,
        "quotas": { "per_store_30s": QUOTAS.per_store, "per_account_minute": QUOTAS.per_account }, "p99_ratio": ratio.to_json(),
        "flooded": flooded.iter().map(Run::to_json).collect::<Vec<_>>(), "spread_evenly": even.iter().map(Run::to_json).collect::<Vec<_>>(),
    });
    report.add("fairness", figures, &lines, raw);
    town.installation.stop().await
}
