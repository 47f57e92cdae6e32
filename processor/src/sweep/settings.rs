//! Settings of the sweeps.

use std::time::Duration;

use orderbridge_postgres::{SweepEvery, Timetable};
use orderbridge_schema::sweep::SweepSource;
use serde::{Deserialize, Serialize};

/// A timetable is looked at every few seconds; shorter intervals would only promise more than is kept.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longer ones would lose what platforms forget: BigCommerce gives a silent hook up after 90 days (BC §c).
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often what is swept, `[processor.sweeps]`. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SweepSettings {
    /// Changed orders of both platforms.
    #[serde(with = "humantime_serde")]
    pub orders: Duration,
    /// Shipped goods-out and drop-ship notes.
    #[serde(with = "humantime_serde")]
    pub notes: Duration,
    /// Changed products.
    #[serde(with = "humantime_serde")]
    pub products: Duration,
    /// Everything that products are matched by, changed or not: only that finds what was deleted.
    #[serde(with = "humantime_serde")]
    pub catalogue: Duration,
    /// Registrations of our webhooks.
    #[serde(with = "humantime_serde")]
    pub hooks: Duration,
    /// How far behind its watermark a sweep begins: search indexes lag, and clocks differ.
    #[serde(with = "humantime_serde")]
    pub overlap: Duration,
    /// The same for goods-out notes, whose date is what whoever shipped them said (BP §h.3).
    #[serde(with = "humantime_serde")]
    pub notes_overlap: Duration,
    /// How far a single interval may be off, in per cent, so that tenants do not sweep together.
    pub jitter_percent: u32,
    /// Within which time everything is swept that a starting processor takes over.
    #[serde(with = "humantime_serde")]
    pub start_within: Duration,
    /// Pages that one go reads at most, before it lets other sweeps of its tenant or account have their turn.
    pub pages_max: u32,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self {
            orders: Duration::from_secs(15 * 60),
            notes: Duration::from_secs(15 * 60),
            products: Duration::from_secs(6 * 3600),
            catalogue: Duration::from_secs(24 * 3600),
            hooks: Duration::from_secs(3600),
            overlap: Duration::from_secs(10 * 60),
            notes_overlap: Duration::from_secs(2 * 3600),
            jitter_percent: 10,
            start_within: Duration::from_secs(20),
            pages_max: 20,
        }
    }
}

impl SweepSettings {
    /// The time between two sweeps of a source.
    #[must_use]
    pub const fn every(&self, source: SweepSource) -> Duration {
        match source {
            SweepSource::StoreOrders | SweepSource::SalesOrders => self.orders,
            SweepSource::GoodsOutNotes | SweepSource::DropShipNotes => self.notes,
            SweepSource::Products => self.products,
            SweepSource::StoreHooks | SweepSource::AccountHooks => self.hooks,
            SweepSource::Catalogue | SweepSource::StoreVariants => self.catalogue,
        }
    }

    /// How far behind its watermark a sweep of a source begins.
    #[must_use]
    pub const fn overlap_of(&self, source: SweepSource) -> Duration {
        match source {
            SweepSource::GoodsOutNotes => self.notes_overlap,
            SweepSource::StoreOrders
            | SweepSource::SalesOrders
            | SweepSource::DropShipNotes
            | SweepSource::Products
            | SweepSource::StoreHooks
            | SweepSource::AccountHooks
            | SweepSource::Catalogue
            | SweepSource::StoreVariants => self.overlap,
        }
    }

    /// The timetable of all sources.
    #[must_use]
    pub fn timetable(&self) -> Timetable {
        let sources = SweepSource::ALL.into_iter().map(|source| SweepEvery { source, every: self.every(source) }).collect();
        Timetable { sources, jitter_percent: self.jitter_percent, start_within: self.start_within }
    }

    /// Everything wrong with the settings, each with its key.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let intervals =
            [("orders", self.orders), ("notes", self.notes), ("products", self.products), ("catalogue", self.catalogue), ("hooks", self.hooks)];
        for (key, _) in intervals.into_iter().filter(|(_, every)| !(SHORTEST..=LONGEST).contains(every)) {
            found.push(format!("processor.sweeps.{key} must be 1s to 7days"));
        }
        let overlaps = [("overlap", self.overlap), ("notes_overlap", self.notes_overlap)];
        for (key, _) in overlaps.into_iter().filter(|(_, overlap)| overlap.is_zero() || *overlap > LONGEST) {
            found.push(format!("processor.sweeps.{key} must be above 0 and at most 7days: a search index may lag behind"));
        }
        if self.jitter_percent > 50 {
            found.push("processor.sweeps.jitter_percent must be 0 to 50".into());
        }
        if self.start_within > LONGEST {
            found.push("processor.sweeps.start_within must be at most 7days".into());
        }
        if !(1..=100).contains(&self.pages_max) {
            found.push("processor.sweeps.pages_max must be 1 to 100".into());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_every_problem_is_named() {
        assert_eq!(SweepSettings::default().problems(), Vec::<String>::new());
        let wrong = SweepSettings {
            orders: Duration::ZERO,
            notes: Duration::from_millis(999),
            products: LONGEST * 2,
            catalogue: Duration::ZERO,
            hooks: Duration::ZERO,
            overlap: Duration::ZERO,
            notes_overlap: LONGEST * 2,
            jitter_percent: 51,
            start_within: LONGEST * 2,
            pages_max: 0,
        };
        assert_eq!(wrong.problems().len(), 10);
    }

    #[test]
    fn every_source_has_its_place_in_the_timetable() {
        let timetable = SweepSettings::default().timetable();
        assert_eq!(timetable.sources.iter().map(|every| every.source).collect::<Vec<_>>(), SweepSource::ALL);
    }
}
