//! Doing events over again.

use serde::Deserialize;

/// Under `[replay]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplaySettings {
    /// Entities of one replay that may wait to be looked at before more are put in.
    pub outstanding_max: u32,
}

impl Default for ReplaySettings {
    fn default() -> Self {
        Self { outstanding_max: 200 }
    }
}

impl ReplaySettings {
    /// Everything wrong with them.
    pub fn problems(self) -> Vec<String> {
        let fine = (1..=10_000).contains(&self.outstanding_max);
        if fine { Vec::new() } else { vec!["replay.outstanding_max must be 1 to 10000".into()] }
    }
}
