//! The whole pipeline without quotas and without settling: from a shopper's order to Brightpearl's sales order.

use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::json;

use crate::ceilings;
use crate::installation::{DEADLINE, Installation, NO_QUOTA, Quotas};
use crate::ledger::{self, Way};
use crate::merchant::{Merchant, Wish};
use crate::place::Place;
use crate::process::Spent;
use crate::report::{Bound, Figure, Report, Target, tell};
use crate::stats::{Latencies, Samples, count, per, rounded};

/// Orders a second of the steady phase.
const STEADY: u32 = 20;
/// What the simulators themselves add to a webhook's way: they look for due deliveries this often.
const SIMULATORS_MS: f64 = 20.0;

/// Merchants that order, all with customers that Brightpearl knows.
struct Shops {
    merchants: Vec<Merchant>,
    customers: usize,
    turn: usize,
}

impl Shops {
    async fn open(installation: &Installation<'_>, shops: usize, customers: usize) -> anyhow::Result<Self> {
        let mut merchants = Vec::new();
        for number in 0..shops {
            let contacts = (0..customers).map(customer).collect();
            let wish = Wish { id: format!("shop{number}"), contacts, quota: NO_QUOTA, ..Wish::default() };
            merchants.push(Merchant::open(installation, wish).await?);
        }
        installation.warm_up(&merchants).await?;
        Ok(Self { merchants, customers, turn: 0 })
    }

    /// The next order, going round all merchants and then on to the next customer.
    async fn place(&mut self, installation: &Installation<'_>) -> anyhow::Result<()> {
        let (shop, buyer) = (self.turn % self.merchants.len(), self.turn / self.merchants.len() % self.customers);
        self.turn += 1;
        let Some(merchant) = self.merchants.get(shop) else { bail!("there are no merchants") };
        merchant.place(&installation.platforms, &customer(buyer)).await.map(drop)
    }
}

fn customer(number: usize) -> String {
    format!("customer-{number}@example.com")
}

/// Places orders as fast as the simulator takes them, and waits until all are in Brightpearl. Gives seconds and use.
async fn burst(installation: &mut Installation<'_>, shops: &mut Shops, orders: usize) -> anyhow::Result<(f64, Spent)> {
    installation.platforms.forget(false).await?;
    let watch = installation.watch()?;
    let (before, began) = (watch.used(), Instant::now());
    for _ in 0..orders {
        shops.place(installation).await?;
    }
    installation.made(orders).await?;
    let (seconds, spent) = (began.elapsed().as_secs_f64(), watch.since(&before));
    installation.platforms.quiet(Duration::from_secs(1), DEADLINE).await?;
    Ok((seconds, spent))
}

/// What the steady phase gave.
struct Steady {
    all: Latencies,
    /// The slowest hundredth of each tenth of the time.
    windows: Samples,
    spent: Spent,
    orders: usize,
    late: usize,
}

/// Places orders at an even pace.
async fn steady(installation: &mut Installation<'_>, shops: &mut Shops, span: Duration) -> anyhow::Result<Steady> {
    installation.platforms.forget(true).await?;
    let watch = installation.watch()?;
    let before = watch.used();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / STEADY);
    let began = Instant::now();
    let (mut orders, mut late) = (0, 0);
    while began.elapsed() < span {
        let due = ticks.tick().await;
        late += usize::from(due.elapsed() > Duration::from_millis(25));
        shops.place(installation).await?;
        orders += 1;
    }
    let spent = watch.since(&before);
    installation.made(orders).await?;
    let mut ways: Vec<Way> = ledger::ways(&installation.platforms).await?.into_values().collect();
    if ways.len() < orders {
        bail!("{} of {orders} orders have no webhook or no sales order in the ledgers", orders - ways.len());
    }
    ways.sort_by_key(|way| way.event);
    let windows = ways.chunks(ways.len().div_ceil(10).max(1)).map(|part| ledger::latencies(part.iter()).at(0.99)).collect();
    Ok(Steady { all: ledger::latencies(ways.iter()), windows, spent, orders, late })
}

/// Runs the part.
pub async fn run(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    tell("pipeline: the simulators' own ceilings");
    let ceilings = ceilings::measure(place).await?;
    let quotas = Quotas { per_store: NO_QUOTA, per_account: NO_QUOTA };
    let mut installation = Installation::start(place, "pipeline", quotas).await?;
    let mut shops = Shops::open(&installation, place.pick(10, 3), 40).await?;
    let (rounds, orders) = (place.pick(5, 2), place.pick(400, 60));
    tell(&format!("pipeline: {rounds} rounds of {orders} orders at once, after one that warms up"));
    burst(&mut installation, &mut shops, orders).await?;
    let (mut rates, mut load, mut runs, mut line) = (Samples::default(), Samples::default(), Vec::new(), String::new());
    for _ in 0..rounds {
        let (seconds, spent) = burst(&mut installation, &mut shops, orders).await?;
        rates.push(per(count(orders), seconds));
        load.push(spent.load_share());
        line = spent.line(count(orders));
        runs.push(json!({ "orders_per_s": rounded(per(count(orders), seconds)), "cpu": spent.to_json(count(orders)) }));
    }
    let span = Duration::from_secs(place.pick(180, 12));
    tell(&format!("pipeline: {STEADY} orders a second for {} s", span.as_secs()));
    let steady = steady(&mut installation, &mut shops, span).await?;
    let (now_mb, peak_mb) = (installation.role().memory_mb("VmRSS"), installation.role().memory_mb("VmHWM"));
    let latency_bound = Bound::of_latency(steady.spent.load_share());
    let figures = vec![
        Figure::median("orders_per_s", &rates, "/s").bound(Bound::of_rate(load.median())),
        Figure::new("p50_ms", steady.all.at(0.5), "ms").bound(latency_bound),
        Figure::new("p99_ms", steady.all.at(0.99), "ms")
            .spread(steady.windows.spread())
            .target(Target::AtMost(250.0 + SIMULATORS_MS))
            .bound(latency_bound),
        Figure::new("rss_mb", now_mb, "MB"),
    ];
    let lines = [
        format!("at once: {line}"),
        format!("{STEADY}/s: {}", steady.spent.line(count(steady.orders))),
        format!("peak memory {peak_mb:.1} MB; orders placed late by the generator: {} of {}", steady.late, steady.orders),
        ceilings.line(),
    ];
    let raw = json!({
        "burst": { "orders": orders, "merchants": shops.merchants.len(), "orders_per_s": rates.to_json(), "load_core_share": load.to_json(), "runs": runs },
        "steady": { "per_s": STEADY, "seconds": span.as_secs(), "orders": steady.orders, "placed_late": steady.late, "webhook_to_effect": steady.all.to_json(),
            "p99_ms_by_tenth": steady.windows.to_json(), "cpu": steady.spent.to_json(count(steady.orders)),
            "from": "the ledger's time of the first webhook that was answered", "to": "arrival of the call that makes the sales order" },
        "simulators_delay_ms": SIMULATORS_MS, "memory_mb": { "resident": rounded(now_mb), "peak": rounded(peak_mb) }, "ceilings": ceilings.to_json(),
    });
    report.add("pipeline", figures, &lines, raw);
    installation.stop().await
}
