//! Shoppers and staff at a human pace, until somebody has seen enough.

use std::time::{Duration, Instant};

use platforms::core::Rng;
use tokio::signal::unix::{SignalKind, signal};

use crate::demo_staff::Staff;
use crate::narrate::{Narrator, now};
use crate::order::{Wish, describe};
use crate::sim::{Sim, Trouble, amount, items, say, wanted};
use crate::state::State;

/// How often the ledgers are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How often staff look around.
const ROUND: Duration = Duration::from_millis(800);
/// Milliseconds between two orders.
const PAUSE_MS: (i64, i64) = (2000, 3000);
/// What happened before is of no use to anybody by then, and would fill the memory.
const LEDGERS_KEPT: Duration = Duration::from_secs(1800);

/// Runs until interrupted, or for a time.
pub async fn run(state: &State, seed: u64, seconds: Option<Duration>) -> Result<(), Trouble> {
    // Before anything else: whoever sees us begin may already end us.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|source| Trouble::File { what: "SIGINT".to_owned(), source })?;
    let mut narrator = Narrator::follow(state).await?;
    let mut staff = Staff::new(state);
    let start = Instant::now();
    let shown = tokio::select! {
        shown = play(state, seed, seconds, &mut narrator, &mut staff) => shown,
        _ = interrupt.recv() => Ok(()),
    };
    let tally = narrator.tally;
    say(&format!(
        "\n{} s: {} orders placed, {} sales orders, {} notes shipped, {} shipments, {} cancelled; {} webhooks accepted, {} calls made, \
         {} refusals",
        start.elapsed().as_secs(),
        staff.placed,
        tally.sales_orders,
        staff.shipped,
        tally.shipments,
        staff.cancelled,
        tally.webhooks,
        tally.calls,
        tally.refused
    ));
    shown
}

async fn play<'a>(state: &'a State, seed: u64, seconds: Option<Duration>, narrator: &mut Narrator<'a>, staff: &mut Staff<'a>) -> Result<(), Trouble> {
    let mut rng = Rng::seeded(seed);
    let stores = state.stores();
    let start = Instant::now();
    let (mut next_order, mut next_round, mut next_clearing) = (start, start + ROUND, start + LEDGERS_KEPT);
    while seconds.is_none_or(|seconds| start.elapsed() < seconds) {
        if Instant::now() >= next_order {
            place(state, &stores, staff, &mut rng).await?;
            next_order = Instant::now() + Duration::from_millis(u64::try_from(rng.range(PAUSE_MS.0, PAUSE_MS.1)).unwrap_or(2500));
        }
        if Instant::now() >= next_round {
            staff.round(&mut rng).await?;
            next_round = Instant::now() + ROUND;
        }
        narrator.tell().await?;
        if Instant::now() >= next_clearing {
            forget(state).await?;
            next_clearing = Instant::now() + LEDGERS_KEPT;
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn place<'a>(state: &'a State, stores: &Sim, staff: &mut Staff<'a>, rng: &mut Rng) -> Result<(), Trouble> {
    let Some(tenant) = rng.pick(&state.tenants) else { return Ok(()) };
    let wish = Wish { number: staff.placed, lines: None, two_pieces: false, known: rng.chance(0.6) };
    let made = stores.post(&format!("stores/{}/orders", tenant.store), &describe(rng, tenant, wish)).await?;
    let (id, total, lines) = (wanted(&made, "/id")?, amount(&made, "/total_inc_tax").unwrap_or_default(), items(&made, "/products").len());
    let plural = if lines == 1 { "" } else { "s" };
    now(&tenant.id, "shopper", &format!("placed order {id}: {lines} line{plural}, {} {total:.2}", tenant.currency));
    staff.take(tenant, id);
    Ok(())
}

async fn forget(state: &State) -> Result<(), Trouble> {
    for sim in [state.stores(), state.accounts()] {
        sim.delete("ledger/calls").await?;
        sim.delete("ledger/deliveries").await?;
    }
    Ok(())
}
