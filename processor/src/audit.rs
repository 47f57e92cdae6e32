//! The nightly comparison of the books: each tenant's once a night, under the lease of its account, with reads from the sweeps' share.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use orderbridge_postgres::{AccountState, AuditedNight, NewAudit, TenantRecord, TenantState};
use orderbridge_reconcile::audit;
use orderbridge_schema::audit::{AuditReport, Window};
use orderbridge_schema::ids::{AccountCode, TenantId};
use orderbridge_schema::work::Share;
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;

use crate::account::Worker;
use crate::connections::of_db;
use crate::outcome::Outcome;

/// How long a night's audit that failed is left before it goes on where it was.
const FAILED_WAIT: Duration = Duration::from_secs(15 * 60);
/// The time between two nights.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Longer would not be a nightly look any more.
const OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// When the books are compared by themselves, `[processor.audit]`. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// Whether they are.
    pub enabled: bool,
    /// The time of day (UTC) from which on the audits of a night begin.
    pub at: Time,
    /// Within which time after that they begin, so that tenants do not read together.
    #[serde(with = "humantime_serde")]
    pub spread: Duration,
    /// How much longer than a day the window is: what came late the night before is looked at once more.
    #[serde(with = "humantime_serde")]
    pub overlap: Duration,
}

impl Default for AuditSettings {
    fn default() -> Self {
        let at = Time::constant(2, 30, 0, 0);
        Self { enabled: true, at, spread: Duration::from_secs(3600), overlap: Duration::from_secs(2 * 3600) }
    }
}

impl AuditSettings {
    /// Everything wrong with the settings, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.spread > Duration::from_secs(12 * 3600) {
            found.push("processor.audit.spread must be at most 12h".into());
        }
        if self.overlap > OVERLAP_MAX {
            found.push("processor.audit.overlap must be at most 7days".into());
        }
        found
    }

    /// The newest moment at which a tenant's books were to be compared; none before the first day that can be told.
    fn night(&self, tenant: &TenantId, now: Timestamp) -> Option<Timestamp> {
        let spread = i64::try_from(self.spread.as_secs()).unwrap_or(0);
        let later = SignedDuration::from_secs(place_of(tenant).checked_rem(spread.max(1)).unwrap_or(0));
        let today = now.to_zoned(TimeZone::UTC).date().to_datetime(self.at).to_zoned(TimeZone::UTC).ok()?.timestamp().checked_add(later).ok()?;
        let yesterday = today.checked_sub(DAY).ok()?;
        [today, yesterday].into_iter().find(|night| *night <= now)
    }

    /// What a night's audit is about: the day before it, and the overlap.
    fn window(&self, night: Timestamp) -> Window {
        let overlap = SignedDuration::try_from(self.overlap).unwrap_or(SignedDuration::ZERO);
        Window::new(night.checked_sub(DAY.saturating_add(overlap)).unwrap_or(night), night)
    }
}

/// A number of a tenant, the same on every day and in every process.
fn place_of(tenant: &TenantId) -> i64 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    i64::from(tenant.as_str().bytes().fold(0x811c_9dc5, mix))
}

/// How many differences the newest nights found, by account: for the metric, which knows no tenant.
#[derive(Debug, Default)]
pub(crate) struct NightsFound(Mutex<BTreeMap<AccountCode, u32>>);

impl NightsFound {
    fn set(&self, account: &AccountCode, count: Option<u32>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match count {
            Some(count) => counts.insert(account.clone(), count),
            None => counts.remove(account),
        };
        let all = counts.values().fold(0, |sum: u32, count| sum.saturating_add(*count));
        metrics::gauge!("orderbridge_audit_differences").set(all);
    }

    /// Another processor counts that account's from now on.
    pub(crate) fn forget(&self, account: &AccountCode) {
        self.set(account, None);
    }
}

impl Worker {
    /// Compares the books of the account's tenants once a night. Never ends by itself.
    pub(crate) async fn watch_books(&self) {
        let mut ticks = tokio::time::interval(self.settings.mended_check);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut again_at: BTreeMap<TenantId, Instant> = BTreeMap::new();
        loop {
            ticks.tick().await;
            if let Err(outcome) = self.look_after_books(&mut again_at).await {
                tracing::debug!(account = %self.lease.account, ?outcome, "it could not be told whose books are to be compared");
            }
        }
    }

    async fn look_after_books(&self, again_at: &mut BTreeMap<TenantId, Instant>) -> Result<(), Outcome> {
        let nights = self.db.audited_nights(&self.lease.account).await.map_err(|error| of_db(&error))?;
        self.count(&nights);
        let account = self.db.account(&self.lease.account).await.map_err(|error| of_db(&error))?;
        let works = account.is_some_and(|account| account.state == AccountState::Active);
        if !self.settings.audit.enabled || !works {
            return Ok(());
        }
        let tenants = self.db.tenants_of_account(&self.lease.account).await.map_err(|error| of_db(&error))?;
        for tenant in tenants.iter().filter(|tenant| tenant.state == TenantState::Active && tenant.parked.is_none()) {
            let audited = nights.iter().find(|night| night.tenant == tenant.id).and_then(|night| night.night);
            let night = self.settings.audit.night(&tenant.id, self.clock.now());
            // Of the time before a tenant was here there is nothing to compare.
            let Some(night) = night.filter(|night| audited.is_none_or(|audited| audited < *night) && tenant.live_since < *night) else { continue };
            if again_at.get(&tenant.id).is_some_and(|at| Instant::now() < *at) {
                continue;
            }
            match self.audit(tenant, night).await {
                Ok(report) => {
                    again_at.remove(&tenant.id);
                    report.iter().for_each(tell);
                    metrics::counter!("orderbridge_audits_total", "result" => "finished").increment(1);
                }
                Err(outcome) => {
                    again_at.insert(tenant.id.clone(), Instant::now() + FAILED_WAIT);
                    metrics::counter!("orderbridge_audits_total", "result" => "failed").increment(1);
                    tracing::warn!(tenant = %tenant.id, ?outcome, "the books could not be compared; it goes on where it was in a quarter of an hour");
                }
            }
        }
        Ok(())
    }

    /// A night's audit of one tenant; none if it was made meanwhile.
    async fn audit(&self, tenant: &TenantRecord, night: Timestamp) -> Result<Option<AuditReport>, Outcome> {
        let account = self.connections.account(&self.lease.account).await?;
        let mut session = self.connections.session(&account, &tenant.id, Share::Sweeps).await?;
        session.reference = self.reference(&session).await?;
        let window = self.settings.audit.window(night);
        let new = NewAudit { tenant: tenant.id.clone(), window, night: Some(night), rules_version: session.rules_version };
        let Some(run) = self.db.begin_audit(&new).await.map_err(|error| of_db(&error))? else { return Ok(None) };
        let report = audit(&session, &run, self.clock.now()).await;
        report.map(Some).map_err(|error| Outcome::later(FAILED_WAIT, error.to_string()))
    }

    fn count(&self, nights: &[AuditedNight]) {
        let found = nights.iter().filter_map(|night| night.differences).fold(0, u32::saturating_add);
        self.connections.nights_found.set(&self.lease.account, Some(found));
    }
}

fn tell(report: &AuditReport) {
    let (orders, differences) = (report.orders_compared, report.differences.len());
    let (held, skipped, waiting) = (report.held.len(), report.skipped.len(), report.waiting.len());
    if differences == 0 {
        tracing::info!(tenant = %report.tenant, orders, skipped, waiting, "the books of both platforms agree");
    } else {
        tracing::warn!(
            tenant = %report.tenant, orders, differences, held, skipped, waiting,
            "the books of both platforms differ: `orderbridge audit list` and `audit show` say in what"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_night_is_the_newest_that_has_begun_and_tenants_are_spread() {
        let settings = AuditSettings { spread: Duration::ZERO, ..AuditSettings::default() };
        let tenant: TenantId = "acme-uk".parse().unwrap();
        for (now, night) in [
            ("2026-03-02T02:30:00Z", "2026-03-02T02:30:00Z"),
            ("2026-03-02T23:59:59Z", "2026-03-02T02:30:00Z"),
            ("2026-03-03T02:29:59Z", "2026-03-02T02:30:00Z"),
        ] {
            assert_eq!(settings.night(&tenant, at(now)), Some(at(night)), "{now}");
        }
        let spread = AuditSettings::default();
        let nights: Vec<_> =
            ["a", "b", "acme-uk"].into_iter().map(|id| spread.night(&id.parse().unwrap(), at("2026-03-02T12:00:00Z")).unwrap()).collect();
        assert!(nights.iter().all(|night| (at("2026-03-02T02:30:00Z")..at("2026-03-02T03:30:00Z")).contains(night)), "{nights:?}");
        assert!(nights.windows(2).any(|two| two[0] != two[1]));
        let window = settings.window(at("2026-03-02T02:30:00Z"));
        assert_eq!((window.from, window.to), (at("2026-03-01T00:30:00Z"), at("2026-03-02T02:30:00Z")));
    }

    #[test]
    fn the_defaults_are_valid_and_every_problem_is_named() {
        assert_eq!(AuditSettings::default().problems(), Vec::<String>::new());
        let wrong = AuditSettings { spread: Duration::from_secs(13 * 3600), overlap: OVERLAP_MAX * 2, ..AuditSettings::default() };
        assert_eq!(wrong.problems().len(), 2);
    }
}
