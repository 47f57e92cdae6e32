//! Work items straight on PostgreSQL: what a backlog costs a claim, and how fast events are taken in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use orderbridge_postgres::{Db, OffsetStep, ShareLimit};
use orderbridge_schema::ids::{AccountCode, TenantId};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::topics::Topic;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};
use serde_json::json;

use crate::place::Place;
use crate::process::Watch;
use crate::report::{Figure, Report, Target, tell};
use crate::stats::{Latencies, Samples, count, per, rounded};
use crate::tenants::{TENANTS, Tenants};

const OWNER: &str = "bench";
/// Items that a claim takes.
const CLAIMED: u32 = 20;
/// Upserts of one batch, as many as intake reads at once.
const BATCH: u64 = 500;
/// Coprime to the number of tenants: going on by so many meets all of them, and no neighbours.
const STRIDE: usize = 7919;

/// A database of work items, all accounts leased.
struct Shelf {
    db: Db,
    tenants: Vec<(TenantId, AccountCode)>,
    fences: HashMap<AccountCode, i64>,
    turn: usize,
    /// Entities from here on are new.
    fresh: u64,
    next_offset: Option<i64>,
}

/// Claims of one run, in milliseconds.
struct Claims {
    full_handed: Latencies,
    empty_handed: Latencies,
}

impl Shelf {
    async fn open(place: &Place, tenants: &Tenants, name: &str, each: usize) -> anyhow::Result<Self> {
        place.server.create(name, Some(&tenants.template)).await?;
        if each > 0 {
            let items = format!(
                "insert into work_items (scope, kind, entity, account, priority, aspects, due_at, first_event_at, last_event_at, cause) \
                 select t.id, 'order', g, t.account, {}, 1, now() - random() * interval '1 hour', now(), now(), 'store/order/created' \
                 from tenants t cross join generate_series(1, {each}) g",
                Share::Orders.priority()
            );
            place.server.sql(name, &items).await?;
        }
        for upkeep in ["vacuum analyze work_items", "checkpoint"] {
            place.server.sql(name, upkeep).await?;
        }
        let db = tenants.open(&place.server.url_of(name), 2)?;
        let known = db.tenants().await?.into_iter().map(|tenant| (tenant.id, tenant.account)).collect();
        let leases = db.acquire_leases(OWNER, u32::try_from(TENANTS)?, Duration::from_secs(3600)).await?;
        let fences = leases.into_iter().map(|lease| (lease.account, lease.fence)).collect();
        Ok(Self { db, tenants: known, fences, turn: 0, fresh: 1_000_000, next_offset: None })
    }

    fn next_tenant(&mut self) -> anyhow::Result<(TenantId, AccountCode)> {
        self.turn = (self.turn + STRIDE) % self.tenants.len().max(1);
        self.tenants.get(self.turn).cloned().context("there are no tenants")
    }

    fn upsert_of(tenant: &TenantId, account: &AccountCode, entity: u64) -> Upsert {
        Upsert {
            key: WorkKey { scope: Scope::Tenant(tenant.clone()), kind: WorkKind::Order, entity },
            account: account.clone(),
            aspects: Aspects::STORE_ORDER,
            share: Share::Orders,
            event_at: Timestamp::now(),
            cause: "store/order/updated".into(),
            event: None,
            seen: StatusSet::NONE,
        }
    }

    fn fresh_upsert(&mut self, tenant: &TenantId, account: &AccountCode) -> Upsert {
        self.fresh += 1;
        Self::upsert_of(tenant, account, self.fresh)
    }

    /// Puts as many items in as are claimed, so that the backlog stays what it is.
    async fn claims(&mut self, samples: usize) -> anyhow::Result<Claims> {
        let (mut full_handed, mut empty_handed) = (Vec::new(), Vec::new());
        let limits: Vec<ShareLimit> = Share::ALL.iter().map(|&share| ShareLimit::new(share, CLAIMED)).collect();
        let nothing = [ShareLimit::new(Share::Stock, CLAIMED)];
        for _ in 0..samples {
            let (tenant, account) = self.next_tenant()?;
            let fence = self.fences.get(&account).copied().context("an account is not leased")?;
            let upserts: Vec<Upsert> = (0..CLAIMED).map(|_| self.fresh_upsert(&tenant, &account)).collect();
            self.db.upsert(&upserts).await?;
            let began = Instant::now();
            let claimed = self.db.claim(&account, fence, OWNER, &limits).await?;
            full_handed.push(began.elapsed().as_secs_f64() * 1e3);
            if claimed.len() != upserts.len() {
                bail!("{} items were claimed instead of {CLAIMED}", claimed.len());
            }
            self.db.complete_many(&claimed).await?;
            let began = Instant::now();
            self.db.claim(&account, fence, OWNER, &nothing).await?;
            empty_handed.push(began.elapsed().as_secs_f64() * 1e3);
        }
        Ok(Claims { full_handed: Latencies::of(full_handed), empty_handed: Latencies::of(empty_handed) })
    }

    /// Batches a second, each with its offset in one transaction, on intake's one connection.
    async fn batches(&mut self, known: Option<u64>, span: Duration) -> anyhow::Result<f64> {
        let (mut spent, mut done) = (Duration::ZERO, 0_usize);
        while spent < span {
            let mut batch = Vec::new();
            for number in 0..BATCH {
                let (tenant, account) = self.next_tenant()?;
                batch.push(match known {
                    Some(each) => Self::upsert_of(&tenant, &account, 1 + (self.fresh + number) % each),
                    None => self.fresh_upsert(&tenant, &account),
                });
            }
            self.fresh += 1;
            let next = self.next_offset.unwrap_or(0) + i64::try_from(BATCH)?;
            let step = OffsetStep { topic: Topic::BigcommerceOrders, partition: 0, from: self.next_offset, next };
            let began = Instant::now();
            let stored = self.db.intake(&batch, &[step]).await?;
            spent += began.elapsed();
            if !stored {
                bail!("the batch was not read from where the partition stands");
            }
            self.next_offset = Some(next);
            done += 1;
        }
        Ok(per(count(done), spent.as_secs_f64()))
    }
}

/// Runs the part.
pub async fn run(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let each: usize = place.pick(100, 20);
    let (pairs, samples, span) = (place.pick(5, 3), place.pick(600, 60), Duration::from_millis(place.pick(3_000, 700)));
    let tenants = Tenants::prepare(place).await?;
    tell(&format!("work items: {} pending over {TENANTS} tenants", each * TENANTS));
    let mut full = Shelf::open(place, &tenants, "bench_work_full", each).await?;
    let mut empty = Shelf::open(place, &tenants, "bench_work_empty", 0).await?;
    tell(&format!("work items: {pairs} pairs of {samples} claims"));
    for shelf in [&mut empty, &mut full] {
        shelf.claims(samples / 4).await?;
    }
    let mut claims = ClaimRuns::default();
    for _ in 0..pairs {
        claims.note(&empty.claims(samples).await?, &full.claims(samples).await?);
    }
    tell(&format!("work items: {pairs} pairs of batches of {BATCH}"));
    let known = Some(u64::try_from(each)?);
    full.batches(known, span / 2).await?;
    let (mut repeated, mut first) = (Samples::default(), Samples::default());
    let [_, postgres] = place.services()?;
    let watch = Watch::new(&[postgres]);
    let before = watch.used();
    for _ in 0..pairs {
        repeated.push(full.batches(known, span).await?);
        first.push(full.batches(None, span).await?);
    }
    let spent = watch.since(&before);
    // Every span is spent in batches, at these rates.
    let batches = (repeated.median() + first.median()) * span.as_secs_f64() * count(pairs);
    let slower = if first.median() < repeated.median() { &first } else { &repeated };
    let figures = vec![
        Figure::median("claim_p99_ratio_1m", &claims.ratio, "").target(Target::AtMost(2.0)),
        Figure::median("upsert_batches_per_s", slower, "/s").target(Target::AtLeast(100.0)),
    ];
    let lines = [
        format!(
            "claims of {CLAIMED} items: p99 {:.2} ms with {} pending, {:.2} ms with none besides",
            claims.full.median(),
            each * TENANTS,
            claims.empty.median()
        ),
        format!(
            "claims that find nothing: p99 {:.2} ms and {:.2} ms, ratio {:.2}",
            claims.idle_full.median(),
            claims.idle_empty.median(),
            claims.idle_ratio.median()
        ),
        format!("batches of {BATCH}: {:.0}/s of known items, {:.0}/s of new ones; the figure is the smaller", repeated.median(), first.median()),
        format!("each batch: {}", spent.line(batches)),
    ];
    let raw = json!({ "pending": each * TENANTS, "claimed_at_once": CLAIMED, "claims_per_run": samples, "claims": claims.to_json(),
        "batch": BATCH, "cpu_per_batch": spent.to_json(batches), "batches_per_s_known": repeated.to_json(), "batches_per_s_new": first.to_json(),
        "rows_per_s_known": rounded(repeated.median() * 500.0), "rows_per_s_new": rounded(first.median() * 500.0) });
    report.add("work_items", figures, &lines, raw);
    drop((full, empty));
    place.server.remove("bench_work_full").await?;
    place.server.remove("bench_work_empty").await
}

/// The slowest hundredth of each run, and how the two databases compare.
#[derive(Default)]
struct ClaimRuns {
    ratio: Samples,
    empty: Samples,
    full: Samples,
    idle_ratio: Samples,
    idle_empty: Samples,
    idle_full: Samples,
}

impl ClaimRuns {
    fn note(&mut self, empty: &Claims, full: &Claims) {
        let (e, f) = (empty.full_handed.at(0.99), full.full_handed.at(0.99));
        self.empty.push(e);
        self.full.push(f);
        self.ratio.push(per(f, e));
        let (e, f) = (empty.empty_handed.at(0.99), full.empty_handed.at(0.99));
        self.idle_empty.push(e);
        self.idle_full.push(f);
        self.idle_ratio.push(per(f, e));
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "p99_ratio": self.ratio.to_json(), "p99_ms_nothing_else_pending": self.empty.to_json(), "p99_ms_backlog": self.full.to_json(),
            "finding_nothing": { "p99_ratio": self.idle_ratio.to_json(), "p99_ms_nothing_pending": self.idle_empty.to_json(),
                "p99_ms_backlog": self.idle_full.to_json() },
        })
    }
}
