//! The whole journey without a person: places orders, ships them, waits until both sides agree, judges.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use platforms::core::Rng;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::judge::{Seen, Verdict, judge};
use crate::order::{Wish, describe};
use crate::sim::{Sim, Trouble, int, items, say, text, wanted};
use crate::state::{State, Tenant};
use crate::warehouse::{Part, ship};

/// Between two looks at the platforms.
const LOOK: Duration = Duration::from_secs(1);
/// Between the two parts of an order.
const BETWEEN_PARTS: Duration = Duration::from_secs(3);
/// So long nothing may call the platforms before the last judgement, and so long that is waited for.
const QUIET: Duration = Duration::from_secs(4);
const QUIET_WITHIN: Duration = Duration::from_secs(45);
/// Calls that one order may cost on a platform, from its placing to its last shipment, all sweeps and our own echoes included. Beyond
/// that something asks again and again.
const CALLS_PER_ORDER_MAX: u64 = 12;
/// Problems that are printed.
const PROBLEMS_SHOWN: usize = 40;

/// What to do.
#[derive(Debug)]
pub struct Plan {
    /// Orders over all tenants.
    pub orders: usize,
    /// From the first order until all must agree.
    pub deadline: Duration,
    /// Seed.
    pub seed: u64,
    /// The processor's metrics page.
    pub metrics: String,
    /// Between two orders.
    pub pause: Duration,
}

/// The last line.
#[derive(Debug, Serialize)]
struct Outcome {
    orders: usize,
    sales_orders: usize,
    duplicates: usize,
    shipments_expected: usize,
    shipments: usize,
    wrong_totals: usize,
    /// None if the processor does not tell.
    dead_letters: Option<u64>,
    brightpearl_calls_per_order: f64,
    bigcommerce_calls_per_order: f64,
    seconds: f64,
}

/// How far the warehouse is with one order.
#[derive(Debug)]
struct Job {
    tenant: usize,
    parts: usize,
    shipped: usize,
    last: Option<Instant>,
}

struct Smoke<'a> {
    state: &'a State,
    stores: Sim,
    accounts: Sim,
    rng: Rng,
    /// By external reference.
    jobs: BTreeMap<String, Job>,
}

/// Runs it; whether all is as it must be.
pub async fn run(state: &State, plan: &Plan) -> Result<bool, Trouble> {
    let mut smoke = Smoke { state, stores: state.stores(), accounts: state.accounts(), rng: Rng::seeded(plan.seed), jobs: BTreeMap::new() };
    let before = smoke.calls().await?;
    smoke.spoil_webhooks().await?;
    let start = Instant::now();
    let over = start + plan.deadline;
    smoke.play(plan, over).await?;
    let mut verdict = smoke.agree(over, plan.orders).await?;
    let elapsed = start.elapsed();
    if verdict.problems.is_empty() {
        // What was doubled by a late webhook shows only when nothing moves any more.
        smoke.wait_for_quiet().await?;
        verdict = smoke.judge(plan.orders).await?;
    }
    let dead_letters = dead_letters(&plan.metrics).await;
    match &dead_letters {
        Ok(0) => {}
        Ok(some) => verdict.problems.push(format!("{some} events ended as dead letters")),
        Err(trouble) => verdict.problems.push(format!("nobody knows whether there are dead letters: {trouble}")),
    }
    let after = smoke.calls().await?;
    smoke.tell_webhooks().await?;
    let calls = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    for (platform, calls) in [("BigCommerce", calls.0), ("Brightpearl", calls.1)] {
        if calls > CALLS_PER_ORDER_MAX.saturating_mul(u64::try_from(verdict.orders).unwrap_or(u64::MAX)) {
            verdict.problems.push(format!("{calls} calls to {platform} are too many for {} orders", verdict.orders));
        }
    }
    report(&verdict);
    let per_order = |calls: u64| ratio(calls, verdict.orders);
    let outcome = Outcome {
        orders: verdict.orders,
        sales_orders: verdict.sales_orders,
        duplicates: verdict.duplicates,
        shipments_expected: verdict.shipments_expected,
        shipments: verdict.shipments,
        wrong_totals: verdict.wrong_totals,
        dead_letters: dead_letters.ok(),
        brightpearl_calls_per_order: per_order(calls.1),
        bigcommerce_calls_per_order: per_order(calls.0),
        seconds: ratio(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), 1000),
    };
    say(&serde_json::to_string(&outcome).map_err(|error| Trouble::Shape(error.to_string()))?);
    Ok(verdict.problems.is_empty())
}

/// Two decimals.
fn ratio(part: u64, whole: usize) -> f64 {
    let quotient = Decimal::from(part).checked_div(Decimal::from(whole)).unwrap_or_default();
    quotient.round_dp(2).to_f64().unwrap_or_default()
}

fn report(verdict: &Verdict) {
    for problem in verdict.problems.iter().take(PROBLEMS_SHOWN) {
        say(&format!("NOT RIGHT  {problem}"));
    }
    if let Some(more) = verdict.problems.len().checked_sub(PROBLEMS_SHOWN).filter(|more| *more > 0) {
        say(&format!("NOT RIGHT  and {more} more"));
    }
}

/// The sum of the processor's counter; it is not shown before the first one.
async fn dead_letters(metrics: &str) -> Result<u64, Trouble> {
    let failed = |source| Trouble::Http { what: format!("GET {metrics}"), source };
    let answer = reqwest::get(metrics).await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    Ok(sum_of(&answer.text().await.map_err(failed)?, "orderbridge_dead_letters_total"))
}

fn sum_of(page: &str, counter: &str) -> u64 {
    let of_counter = page.lines().filter_map(|line| line.strip_prefix(counter)).filter(|rest| rest.starts_with(['{', ' ']));
    of_counter.filter_map(|rest| rest.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

impl Smoke<'_> {
    async fn spoil_webhooks(&self) -> Result<(), Trouble> {
        let chaos = json!({ "drop": 0.02, "duplicate": 0.05, "reorder": 0.05 });
        self.stores.post("chaos", &chaos).await?;
        self.accounts.post("chaos", &chaos).await?;
        Ok(())
    }

    /// API calls so far: of all stores, of all accounts.
    async fn calls(&self) -> Result<(u64, u64), Trouble> {
        let mut sum = (0, 0);
        for tenant in &self.state.tenants {
            sum.0 += count(&self.stores, "calls", &tenant.store).await?;
            sum.1 += count(&self.accounts, "calls", &tenant.account).await?;
        }
        Ok(sum)
    }

    async fn tell_webhooks(&self) -> Result<(), Trouble> {
        for (name, sim) in [("BigCommerce", &self.stores), ("Brightpearl", &self.accounts)] {
            let sent = sim.get("ledger/deliveries").await?;
            let sent = items(&sent, "");
            let doubled = sent.iter().filter(|one| one.get("duplicated") == Some(&Value::Bool(true))).count() / 2;
            let late = sent.iter().filter(|one| int(one, "/delayed_ms").is_some_and(|ms| ms > 0)).count();
            let is_lost = |one: &&Value| one.get("dropped") == Some(&Value::Bool(true));
            let lost = sent.iter().filter(is_lost).count();
            let refused = |one: &&Value| !is_lost(one) && !int(one, "/answer").is_some_and(|answer| (200..300).contains(&answer));
            let refused = sent.iter().filter(refused).count();
            let all = sent.len();
            say(&format!("{name}: {all} webhooks, {lost} of them lost, {doubled} sent twice, {late} held back; {refused} were not accepted"));
        }
        Ok(())
    }

    /// Places all orders and ships each as soon as its sales order is there.
    async fn play(&mut self, plan: &Plan, over: Instant) -> Result<(), Trouble> {
        let mut placed = 0;
        let mut next_order = Instant::now();
        let mut next_look = Instant::now() + LOOK;
        while Instant::now() < over {
            if placed < plan.orders && Instant::now() >= next_order {
                self.place(placed, plan.orders).await?;
                placed += 1;
                next_order += plan.pause;
                if placed == plan.orders {
                    say(&format!("{placed} orders are placed"));
                }
            }
            if Instant::now() >= next_look {
                self.ship_what_is_there().await?;
                next_look = Instant::now() + LOOK;
                if placed == plan.orders && self.jobs.values().all(|job| job.shipped == job.parts) {
                    say("all orders are shipped");
                    return Ok(());
                }
            }
            let next = if placed < plan.orders { next_order.min(next_look) } else { next_look };
            tokio::time::sleep(next.saturating_duration_since(Instant::now())).await;
        }
        Ok(())
    }

    /// The `number`-th order of `all`; tenants take turns, every third order is shipped in two parts.
    async fn place(&mut self, number: usize, all: usize) -> Result<(), Trouble> {
        let at = number.checked_rem(self.state.tenants.len()).unwrap_or(0);
        let Some(tenant) = self.state.tenants.get(at) else { return Ok(()) };
        let in_two = number.is_multiple_of(3);
        let lines = (number == all / 2).then_some(60);
        let wish = Wish { number, lines, two_pieces: in_two, known: !(number / self.state.tenants.len()).is_multiple_of(3) };
        let order = describe(&mut self.rng, tenant, wish);
        let made = self.stores.post(&format!("stores/{}/orders", tenant.store), &order).await?;
        let job = Job { tenant: at, parts: if in_two { 2 } else { 1 }, shipped: 0, last: None };
        self.jobs.insert(tenant.external_ref(wanted(&made, "/id")?), job);
        Ok(())
    }

    async fn ship_what_is_there(&mut self) -> Result<(), Trouble> {
        for (at, tenant) in self.state.tenants.iter().enumerate() {
            if self.jobs.values().any(|job| job.tenant == at && job.shipped < job.parts) {
                self.ship_of(tenant).await?;
            }
        }
        Ok(())
    }

    async fn ship_of(&mut self, tenant: &Tenant) -> Result<(), Trouble> {
        let seen = self.accounts.get(&format!("accounts/{}/orders", tenant.account)).await?;
        for order in items(&seen, "/orders") {
            let Some(job) = self.jobs.get_mut(text(order, "/externalRef")) else { continue };
            if job.shipped == job.parts || job.last.is_some_and(|last| last.elapsed() < BETWEEN_PARTS) {
                continue;
            }
            let part = if job.shipped + 1 < job.parts { Part::Half } else { Part::Rest };
            if ship(&self.accounts, tenant, order, part, &mut self.rng).await?.is_some() {
                job.shipped += 1;
                job.last = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Looks until nothing is wrong any more or the time is over.
    async fn agree(&self, over: Instant, orders: usize) -> Result<Verdict, Trouble> {
        loop {
            let verdict = self.judge(orders).await?;
            if verdict.problems.is_empty() || Instant::now() >= over {
                return Ok(verdict);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn judge(&self, orders: usize) -> Result<Verdict, Trouble> {
        let mut verdict = Verdict::default();
        for tenant in &self.state.tenants {
            verdict.add(judge(tenant, &Seen::read(&self.stores, &self.accounts, tenant).await?));
        }
        if verdict.orders != orders {
            verdict.problems.push(format!("{} orders were placed instead of {orders}", verdict.orders));
        }
        let notes: usize = self.jobs.values().map(|job| job.parts).sum();
        if verdict.shipments_expected != notes {
            verdict.problems.push(format!("{} notes were shipped instead of {notes}", verdict.shipments_expected));
        }
        Ok(verdict)
    }

    async fn wait_for_quiet(&self) -> Result<(), Trouble> {
        let over = Instant::now() + QUIET_WITHIN;
        let mut last = self.calls().await?;
        let mut since = Instant::now();
        while since.elapsed() < QUIET && Instant::now() < over {
            tokio::time::sleep(LOOK / 2).await;
            let now = self.calls().await?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        Ok(())
    }
}

async fn count(sim: &Sim, what: &str, tenant: &str) -> Result<u64, Trouble> {
    let found = sim.get(&format!("ledger/{what}/count?tenant={tenant}")).await?;
    Ok(u64::try_from(wanted(&found, "/count")?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_summed_over_its_labels_and_others_with_a_longer_name_do_not_count() {
        let page = "# TYPE orderbridge_dead_letters_total counter\norderbridge_dead_letters_total{topic=\"a\"} 2\n\
                    orderbridge_dead_letters_total{topic=\"b\"} 3\norderbridge_dead_letters_total_seen 9\n";
        assert_eq!(sum_of(page, "orderbridge_dead_letters_total"), 5);
        assert_eq!(sum_of("", "orderbridge_dead_letters_total"), 0);
        assert_eq!(sum_of("orderbridge_dead_letters_total 4\n", "orderbridge_dead_letters_total"), 4);
    }

    #[test]
    fn calls_per_order_have_two_decimals() {
        assert!((ratio(1234, 200) - 6.17).abs() < f64::EPSILON);
        assert!(ratio(5, 0).abs() < f64::EPSILON);
    }
}
