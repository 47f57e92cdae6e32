//! Medians, quantiles and spreads.

use serde_json::{Value, json};

/// The same thing measured several times.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One more measurement.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The one in the middle; 0 if there is none.
    pub fn median(&self) -> f64 {
        between(&self.sorted(), 0.5)
    }

    /// How far the middle half of the measurements lies apart, as a part of the median: one disturbed run of five does not count.
    pub fn spread(&self) -> f64 {
        let sorted = self.sorted();
        let median = between(&sorted, 0.5);
        if median == 0.0 { 0.0 } else { (between(&sorted, 0.75) - between(&sorted, 0.25)) / median }
    }

    /// Median, spread, and every measurement in the order they were made.
    pub fn to_json(&self) -> Value {
        json!({ "median": rounded(self.median()), "spread": rounded(self.spread()), "runs": self.0.iter().map(|value| rounded(*value)).collect::<Vec<_>>() })
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// A quantile between the nearest two of sorted values.
fn between(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = part * count(last);
    let below = whole(place.floor());
    let at = |index: usize| sorted.get(index.min(last)).copied().unwrap_or_default();
    at(below) + (at(below + 1) - at(below)) * (place - place.floor())
}

/// Latencies in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Vec<f64>);

impl Latencies {
    /// Sorts them once.
    pub fn of(mut milliseconds: Vec<f64>) -> Self {
        milliseconds.sort_by(f64::total_cmp);
        Self(milliseconds)
    }

    /// The value that this part of all stays at or below; 0 if there is none.
    pub fn at(&self, part: f64) -> f64 {
        let rank = whole((part * count(self.0.len())).ceil());
        self.0.get(rank.saturating_sub(1).min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What a reader of the raw numbers wants.
    pub fn to_json(&self) -> Value {
        let at = |part| rounded(self.at(part));
        json!({ "count": self.len(), "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "max_ms": at(1.0) })
    }
}

/// A number as a fraction; exact up to 2^53.
pub fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

/// The whole part of a number that is 0 or more.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "indices and rates are far below 2^53 and never below 0")]
pub fn whole(number: f64) -> usize {
    number.max(0.0) as usize
}

/// To three decimals or, where that leaves nothing, four digits.
pub fn rounded(number: f64) -> f64 {
    let scale = if number.abs() < 0.1 { 1e6 } else { 1e3 };
    (number * scale).round() / scale
}

/// A rate, or 0 where nothing took any time.
pub fn per(amount: f64, of: f64) -> f64 {
    if of > 0.0 { amount / of } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let samples: Samples = [4.0, 1.0, 3.0, 2.0].into_iter().collect();
        assert!((samples.median() - 2.5).abs() < 1e-9);
        assert!(Samples::default().median().abs() < 1e-9);
    }

    #[test]
    fn one_disturbed_run_of_five_is_no_spread() {
        let calm: Samples = [100.0, 101.0, 99.0, 100.0, 250.0].into_iter().collect();
        assert!(calm.spread() < 0.02, "{}", calm.spread());
        let wild: Samples = [60.0, 80.0, 100.0, 120.0, 140.0].into_iter().collect();
        assert!((wild.spread() - 0.4).abs() < 1e-9);
    }

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let latencies = Latencies::of((1..=200_u32).rev().map(f64::from).collect());
        assert_eq!([0.5, 0.99, 1.0].map(|part| whole(latencies.at(part))), [100, 198, 200]);
        assert_eq!(whole(Latencies::of(vec![7.0]).at(0.99)), 7);
        assert!(Latencies::default().at(0.5).abs() < 1e-9);
    }
}
