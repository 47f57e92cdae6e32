//! The quota: calls are paid with tokens that all processes draw, in blocks, from one row per pool.
//!
//! Within a process each pool has a queue per share, first come, first served. While several shares wait, the one that has had the
//! least of its floor in this window goes first, so each gets at least its floor; what a share does not ask for goes to the others.

mod pool;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orderbridge_http_client::{BoxFuture, Permit, PoolKey, QuotaDenied, QuotaGate, QuotaSeen};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::work::Share;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::db::Db;
use pool::{Next, Pool, later};

/// How many calls may be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaSettings {
    /// Calls per UTC minute of one Brightpearl account (BP §c).
    pub brightpearl_per_minute: u32,
    /// Calls per window of one store (BC §b).
    pub bigcommerce_per_window: u32,
    /// Length of that window until a reply says when it ends.
    #[serde(with = "humantime_serde")]
    pub bigcommerce_window: Duration,
    /// Per cent of Brightpearl's calls that are left alone.
    pub brightpearl_reserve_percent: u32,
    /// Per cent of a store's calls that are left to its other apps.
    pub bigcommerce_reserve_percent: u32,
    /// Tokens that a process draws at once.
    pub block: u32,
    /// No call is started this shortly before a window's end, since it would be counted in the next.
    #[serde(with = "humantime_serde")]
    pub edge: Duration,
    /// How long a call may wait for a token.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
}

impl Default for QuotaSettings {
    fn default() -> Self {
        Self {
            brightpearl_per_minute: 200,
            bigcommerce_per_window: 150,
            bigcommerce_window: Duration::from_secs(30),
            brightpearl_reserve_percent: 5,
            bigcommerce_reserve_percent: 10,
            block: 10,
            edge: Duration::from_millis(250),
            wait: Duration::from_secs(120),
        }
    }
}

/// How a waiting pool looks at the clock: often enough that a test's leap is noticed at once, rarely enough to cost nothing.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// When to ask again if the database cannot be drawn from.
const DATABASE_AWAY: Duration = Duration::from_secs(2);

/// The gate that all processes share through the database.
#[derive(Debug, Clone)]
pub struct PostgresQuotaGate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    db: Db,
    clock: Arc<dyn Clock>,
    settings: QuotaSettings,
    pools: Mutex<HashMap<PoolKey, Arc<Mutex<Pool>>>>,
}

impl PostgresQuotaGate {
    /// A gate for this process.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, settings: QuotaSettings) -> Self {
        Self { shared: Arc::new(Shared { db, clock, settings, pools: Mutex::default() }) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn pool(&self, key: &PoolKey) -> Arc<Mutex<Pool>> {
        let mut pools = locked(&self.pools);
        Arc::clone(pools.entry(key.clone()).or_insert_with(|| Arc::new(Mutex::new(Pool::new(key.clone(), &self.settings)))))
    }
}

/// Serves a pool's waiters until there are none: draws blocks, and waits for the next window when there is nothing to draw.
async fn serve(shared: Arc<Shared>, pool: Arc<Mutex<Pool>>) {
    loop {
        let next = locked(&pool).next(shared.clock.now());
        match next {
            Next::Idle => return,
            Next::Wait(until) => {
                let now = shared.clock.now();
                if until > later(now, shared.settings.wait) {
                    return locked(&pool).deny(until);
                }
                let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                tokio::time::sleep(left.clamp(Duration::from_millis(1), LOOK_EVERY)).await;
            }
            Next::Draw(draw) => match window::draw(&shared.db, draw).await {
                Ok(drawn) => locked(&pool).take_in(drawn),
                Err(error) => {
                    tracing::warn!(%error, "no calls can be drawn from the quota");
                    return locked(&pool).deny(later(shared.clock.now(), DATABASE_AWAY));
                }
            },
        }
    }
}

impl QuotaGate for PostgresQuotaGate {
    fn acquire<'a>(&'a self, key: &'a PoolKey, share: Share) -> BoxFuture<'a, Result<Permit, QuotaDenied>> {
        Box::pin(async move {
            let pool = self.shared.pool(key);
            let (waiter, granted) = oneshot::channel();
            let must_serve = locked(&pool).enter(share, waiter, self.shared.clock.now());
            if must_serve {
                // Apart from the caller, who may give up while others still wait.
                tokio::spawn(serve(Arc::clone(&self.shared), Arc::clone(&pool)));
            }
            match tokio::time::timeout(self.shared.settings.wait, granted).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) | Err(_) => Err(QuotaDenied::used_up(locked(&pool).retry_at(self.shared.clock.now()))),
            }
        })
    }

    fn give_back(&self, permit: Permit) {
        let pool = self.shared.pool(permit.pool());
        locked(&pool).give_back(&permit, self.shared.clock.now());
    }

    fn observe(&self, key: &PoolKey, seen: QuotaSeen) {
        let pool = self.shared.pool(key);
        let now: Timestamp = self.shared.clock.now();
        let closing = locked(&pool).observe(&seen, now);
        // Other processes must not run into the same wall; whoever calls from outside a runtime only spares this process.
        if let (Some(closing), Ok(runtime)) = (closing, tokio::runtime::Handle::try_current()) {
            let db = self.shared.db.clone();
            runtime.spawn(async move {
                if let Err(error) = window::close(&db, closing).await {
                    tracing::debug!(%error, "telling other processes of a used-up quota");
                }
            });
        }
    }
}
