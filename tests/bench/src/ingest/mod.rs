//! Ingest on real Kafka beside a bare handler: signature, directory look-up, key, headers and an acknowledged record against nothing.

mod pairs;
mod role;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::deliveries::Deliveries;
use crate::load;
use crate::place::Place;
use crate::report::{Bound, Figure, Report, Target, tell};
use crate::stats::{Samples, rounded};
use pairs::{Pairs, Rates, percent};
use role::Roles;

/// Connections of the three closed loops.
const CONNECTIONS: [usize; 3] = [16, 64, 256];
/// How much longer than the bare handler's the slowest hundredth may take at half load.
const SLOWER_MS: f64 = 5.0;

/// How long everything takes.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    warm_up: Duration,
    ramp: Duration,
    closed: Duration,
    open: Duration,
    frozen: Duration,
    pairs: usize,
}

impl Spans {
    fn of(place: &Place) -> Self {
        let ms = |full, quick| Duration::from_millis(place.pick(full, quick));
        Self {
            // A Java virtual machine on one core goes on compiling for longer than it seems.
            warm_up: ms(45_000, 3_000),
            ramp: ms(500, 200),
            closed: ms(3_000, 500),
            open: ms(5_000, 800),
            frozen: ms(60_000, 5_000),
            pairs: place.pick(5, 3),
        }
    }
}

/// Runs the part.
pub async fn run(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let spans = Spans::of(place);
    let mut roles = Roles::start(place).await?;
    let (at_start_mb, resident_at_start_mb) = (roles.peak_mb(), roles.resident_mb());
    tell("ingest: warming the broker up");
    roles.warm_up(256, spans.warm_up).await?;
    let mut pairs = Pairs::new(&mut roles, spans);
    let mut closed = Vec::new();
    for connections in CONNECTIONS {
        tell(&format!("ingest: {} pairs at {connections} connections", spans.pairs));
        closed.push((connections, pairs.closed(connections).await?));
    }
    let largest = closed.iter().map(|(_, rates)| rates.ours.rate.median()).fold(0.0, f64::max);
    let half = largest / 2.0;
    tell(&format!("ingest: {} pairs at {half:.0} requests a second, half of our maximum", spans.pairs));
    let at_half = pairs.open(half).await?;
    let after_load_mb = roles.peak_mb();
    tell(&format!("ingest: {} s with a frozen broker", spans.frozen.as_secs()));
    let frozen = frozen(place, &mut roles, spans).await?;
    let peak_mb = roles.peak_mb();
    let raw = json!({
        "closed": closed.iter().map(|(connections, rates)| (connections.to_string(), rates.to_json())).collect::<serde_json::Map<_, _>>(),
        "half_load": { "rate": rounded(half), "pairs": at_half.to_json() },
        "memory_mb": { "peak_once_ready": rounded(at_start_mb), "peak_after_load": rounded(after_load_mb), "peak_after_frozen_broker": rounded(peak_mb),
            "resident_once_ready": rounded(resident_at_start_mb), "resident_in_the_end": rounded(roles.resident_mb()) },
        "frozen_broker": frozen, "workers": role::WORKERS, "tenants": crate::tenants::TENANTS,
        "pairs": spans.pairs, "seconds_per_run": spans.closed.as_secs_f64(),
    });
    let mut lines = lines(&closed, &at_half, half, [at_start_mb, after_load_mb, peak_mb]);
    lines.push(format!("resident once ready {resident_at_start_mb:.1} MB, in the end {:.1} MB", roles.resident_mb()));
    report.add("ingest", figures(&closed, &at_half, peak_mb), &lines, raw);
    roles.stop().await
}

fn figures(closed: &[(usize, Rates)], at_half: &Rates, peak_mb: f64) -> Vec<Figure> {
    let empty = Rates::default();
    let at = |connections: usize| closed.iter().find(|(known, _)| *known == connections).map_or(&empty, |(_, rates)| rates);
    let bare = at_half.bare.p99.median();
    let load = |rates: &Rates| rates.ours.load_share.median();
    // A bare handler that the generator holds back makes the ratio look better than it is.
    let ratio_bound = if Bound::of_rate(at(256).bare.load_share.median()) == Bound::Lower { Bound::Upper } else { Bound::Exact };
    vec![
        Figure::median("ratio_to_bare_256", &at(256).ratio(), "").target(Target::AtLeast(0.35)).bound(ratio_bound),
        Figure::median("rps_256", &at(256).ours.rate, "/s").bound(Bound::of_rate(load(at(256)))),
        Figure::median("p50_ms_16", &at(16).ours.p50, "ms").bound(Bound::of_latency(load(at(16)))),
        Figure::median("p99_ms_half_load", &at_half.ours.p99, "ms").target(Target::AtMost(bare + SLOWER_MS)).bound(Bound::of_latency(load(at_half))),
        Figure::new("bare_p99_ms_same_rate", bare, "ms").spread(at_half.bare.p99.spread()).bound(Bound::of_latency(at_half.bare.load_share.median())),
        Figure::new("rss_peak_mb", peak_mb, "MB").target(Target::AtMost(60.0)),
    ]
}

fn lines(closed: &[(usize, Rates)], at_half: &Rates, half: f64, peaks_mb: [f64; 3]) -> Vec<String> {
    let mut lines = Vec::new();
    for (connections, rates) in closed {
        lines.push(format!(
            "{connections} connections: ours {:.0}/s (p50 {:.2} ms, p99 {:.2} ms), bare {:.0}/s (p50 {:.2} ms, p99 {:.2} ms), ratio {:.3}, spreads {} and {}",
            rates.ours.rate.median(),
            rates.ours.p50.median(),
            rates.ours.p99.median(),
            rates.bare.rate.median(),
            rates.bare.p50.median(),
            rates.bare.p99.median(),
            rates.ratio().median(),
            percent(rates.ours.rate.spread()),
            percent(rates.bare.rate.spread()),
        ));
        lines.extend(rates.ours.spent_line.iter().map(|line| format!("  ours: {line}")));
        lines.extend(rates.bare.spent_line.iter().map(|line| format!("  bare: {line}")));
    }
    lines.push(format!(
        "at {half:.0}/s: ours p50 {:.2} ms, p99 {:.2} ms; bare p50 {:.2} ms, p99 {:.2} ms",
        at_half.ours.p50.median(),
        at_half.ours.p99.median(),
        at_half.bare.p50.median(),
        at_half.bare.p99.median()
    ));
    lines.extend(at_half.ours.spent_line.iter().map(|line| format!("  ours: {line}")));
    let [at_start, after_load, after_frozen] = peaks_mb;
    lines.push(format!("peak memory once ready {at_start:.1} MB, after the load {after_load:.1} MB, after the frozen broker {after_frozen:.1} MB"));
    lines
}

/// Load goes on while the broker stands still: what waits for it must stay bounded.
async fn frozen(place: &Place, roles: &mut Roles<'_>, spans: Spans) -> anyhow::Result<Value> {
    let deliveries = roles.deliveries(20_000)?;
    place.broker("kafka-freeze").await?;
    let outcome = load::closed(roles.ingest_addr(), &deliveries, 256, Duration::ZERO, spans.frozen).await;
    let memory = roles.peak_mb();
    place.broker("kafka-thaw").await?;
    let thawed = Instant::now();
    roles.wait_acknowledged(&roles.deliveries(2_000)?).await?;
    let answers = outcome.latencies();
    Ok(json!({
        "seconds": spans.frozen.as_secs(), "statuses": outcome.statuses_json(), "answers": answers.to_json(),
        "peak_mb": rounded(memory), "acknowledged_again_after_s": rounded(thawed.elapsed().as_secs_f64()),
    }))
}

/// Requests enough for a run at this rate, so that none is sent twice.
fn enough(rate: f64, span: Duration) -> usize {
    crate::stats::whole(rate * span.as_secs_f64() * 1.3) + 2_000
}

/// Deliveries for a run, shared by all its connections.
type Shared = Arc<Deliveries>;

/// What was measured of one side, run by run.
#[derive(Debug, Default)]
pub struct Side {
    rate: Samples,
    p50: Samples,
    p99: Samples,
    load_share: Samples,
    /// The last run's use of the processor.
    spent_line: Option<String>,
    runs: Vec<Value>,
}
