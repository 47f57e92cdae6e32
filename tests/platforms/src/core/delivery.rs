//! Sends webhooks: polls the platform for due ones and posts them, spoilt on purpose where a test wants that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::ledger::{Sent, body_value};
use super::platform::{Delivery, DeliveryOutcome, Platform};
use super::server::Shared;

/// How often the platform is asked for due deliveries, in real time.
const POLL: Duration = Duration::from_millis(20);
/// Posts under way to one receiver at a time: a slow receiver fills its own places only.
const PER_RECEIVER: usize = 32;
/// Bounds of the random hold-back of a reordered delivery, in milliseconds.
const REORDER_MS: (i64, i64) = (200, 2000);

/// What goes wrong with deliveries, as probabilities from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Chaos {
    /// Never sent, and the platform believes it was.
    pub drop: f64,
    /// Sent twice.
    pub duplicate: f64,
    /// Held back 200 to 2000 ms, so that later ones overtake it.
    pub reorder: f64,
    /// Each delivery waits a random time up to this many milliseconds.
    pub delay_ms_max: u64,
}

struct Plan {
    drop: bool,
    copies: u32,
    delay_ms: u64,
}

impl<P: Platform> Shared<P> {
    fn plan(&self) -> Plan {
        let mut core = self.core();
        let chaos = core.chaos;
        if chaos == Chaos::default() {
            return Plan { drop: false, copies: 1, delay_ms: 0 };
        }
        let rng = &mut core.rng;
        let drop = rng.chance(chaos.drop);
        let copies = if rng.chance(chaos.duplicate) { 2 } else { 1 };
        let held = if rng.chance(chaos.reorder) { rng.range(REORDER_MS.0, REORDER_MS.1) } else { 0 };
        let slow = rng.range(0, i64::try_from(chaos.delay_ms_max).unwrap_or(i64::MAX));
        Plan { drop, copies, delay_ms: u64::try_from(held.saturating_add(slow)).unwrap_or(0) }
    }

    fn record(&self, delivery: &Delivery, plan: &Plan, duplicated: bool, outcome: Option<&DeliveryOutcome>) {
        let (answer, error) = match outcome {
            Some(DeliveryOutcome::Answered(status)) => (Some(*status), None),
            Some(DeliveryOutcome::Failed(why)) => (None, Some(why.clone())),
            None => (None, None),
        };
        let sent = Sent {
            seq: 0,
            at: self.clock.now(),
            tenant: delivery.tenant.clone(),
            event: delivery.event.clone(),
            attempt: delivery.attempt,
            url: delivery.url.clone(),
            headers: delivery.headers.clone(),
            body: body_value(&delivery.body),
            answer,
            error,
            dropped: plan.drop,
            duplicated,
            delayed_ms: plan.delay_ms,
        };
        self.core().ledger.sent(sent);
    }

    /// Tells the platform, unless it was reset since the delivery was handed out.
    fn report(&self, delivery: &Delivery, generation: u64, outcome: DeliveryOutcome) {
        let mut platform = self.platform();
        if self.core().generation == generation {
            platform.delivered(delivery.id, outcome, self.clock.now());
        }
    }
}

/// Runs until cancelled.
pub(super) async fn run<P: Platform>(shared: Arc<Shared<P>>, stop: CancellationToken) {
    let client = match reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "cannot build the client that sends webhooks");
            return;
        }
    };
    let mut places: HashMap<String, Arc<Semaphore>> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(POLL) => {}
        }
        let (generation, due) = take_due(&shared);
        for delivery in due {
            let receiver = url::Url::parse(&delivery.url).map(|url| url.authority().to_owned()).unwrap_or_default();
            let place = Arc::clone(places.entry(receiver).or_insert_with(|| Arc::new(Semaphore::new(PER_RECEIVER))));
            let (shared, client, stop) = (Arc::clone(&shared), client.clone(), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = deliver(shared, client, place, generation, delivery) => {}
                }
            });
        }
    }
}

fn take_due<P: Platform>(shared: &Shared<P>) -> (u64, Vec<Delivery>) {
    let mut platform = shared.platform();
    let now = shared.clock.now();
    platform.tick(now);
    let due = platform.due_deliveries(now);
    (shared.core().generation, due)
}

async fn deliver<P: Platform>(shared: Arc<Shared<P>>, client: reqwest::Client, place: Arc<Semaphore>, generation: u64, delivery: Delivery) {
    let plan = shared.plan();
    if plan.drop {
        shared.record(&delivery, &plan, false, None);
        // Lost on the way: the platform must not try again.
        shared.report(&delivery, generation, DeliveryOutcome::Answered(200));
        return;
    }
    if plan.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(plan.delay_ms)).await;
    }
    for copy in 0..plan.copies {
        let Ok(_permit) = place.acquire().await else {
            return;
        };
        let outcome = post(&shared, &client, &delivery).await;
        shared.record(&delivery, &plan, plan.copies > 1, Some(&outcome));
        if copy == 0 {
            shared.report(&delivery, generation, outcome);
        }
    }
}

async fn post<P: Platform>(shared: &Shared<P>, client: &reqwest::Client, delivery: &Delivery) -> DeliveryOutcome {
    let timeout = Duration::from_millis(shared.core().delivery_timeout_ms);
    let Ok(method) = delivery.method.parse::<reqwest::Method>() else {
        return DeliveryOutcome::Failed("the method is not a method".to_owned());
    };
    let mut request = client.request(method, &delivery.url).timeout(timeout).body(delivery.body.clone());
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) => DeliveryOutcome::Answered(answer.status().as_u16()),
        Err(error) if error.is_timeout() => DeliveryOutcome::Failed("timed out".to_owned()),
        Err(error) if error.is_connect() => DeliveryOutcome::Failed("cannot connect".to_owned()),
        Err(error) => DeliveryOutcome::Failed(error.without_url().to_string()),
    }
}
