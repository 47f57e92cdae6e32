//! The process's metrics, as Prometheus reads them.

use std::fmt;
use std::sync::Mutex;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// From a cached answer to the longest wait for a quota window.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

/// Why metrics cannot be collected.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be collected: {0}")]
pub struct MetricsError(String);

/// Everything this process counts.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Starts collecting, once per process; later calls give the same metrics. Roles are handed them, so that several can run in one
    /// process.
    ///
    /// # Errors
    /// [`MetricsError`] if somebody else collects this process's metrics already.
    pub fn install() -> Result<Self, MetricsError> {
        let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(metrics) = &*installed {
            return Ok(metrics.clone());
        }
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
            .map_err(|error| MetricsError(error.to_string()))?
            .build_recorder();
        let metrics = Self { handle: recorder.handle() };
        metrics::set_global_recorder(recorder).map_err(|error| MetricsError(error.to_string()))?;
        Ok(installed.insert(metrics).clone())
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds what was recorded since the last time into its buckets; without it, a process that nobody scrapes would grow.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}
