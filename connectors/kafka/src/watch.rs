//! Whether the topics keep what is published to them, looked at again and again for readiness.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::topics::Topics;

/// How often topics are looked at that are not known to be well.
const WHILE_BAD: Duration = Duration::from_secs(5);
/// How often those that are: somebody may change them.
const WHILE_WELL: Duration = Duration::from_secs(60);

type State = Mutex<Result<(), String>>;

/// What is known of the topics. Clones are the same; the looking ends with the last of them.
#[derive(Debug, Clone)]
pub struct TopicsWatch {
    state: Arc<State>,
}

impl TopicsWatch {
    /// Begins to look, in a task of its own. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(topics: Topics) -> Self {
        let state: Arc<State> = Arc::new(Mutex::new(Err("the topics were not looked at yet".to_owned())));
        tokio::spawn(watch(topics, Arc::downgrade(&state)));
        Self { state }
    }

    /// Whether an acknowledged event survives the loss of a broker and a long outage, as of the last answer.
    ///
    /// # Errors
    /// What is wrong with which topic.
    pub fn health(&self) -> Result<(), String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn watch(topics: Topics, state: Weak<State>) {
    loop {
        let looked = topics.describe().await;
        let Some(state) = state.upgrade() else { return };
        let is_well = {
            let mut known = state.lock().unwrap_or_else(PoisonError::into_inner);
            match looked {
                Ok(reports) => {
                    let weak = reports.iter().filter(|report| !report.weaknesses.is_empty());
                    let weak: Vec<String> = weak.map(|report| format!("{}: {}", report.topic, report.weaknesses.join(", "))).collect();
                    let now = if weak.is_empty() { Ok(()) } else { Err(weak.join("; ")) };
                    if now != *known
                        && let Err(why) = &now
                    {
                        tracing::error!(why, "the topics may lose events: not ready");
                    }
                    *known = now;
                }
                // Brokers that are away are told of by others; what was known of the topics stays known.
                Err(error) => tracing::debug!(%error, "the topics could not be looked at"),
            }
            known.is_ok()
        };
        drop(state);
        tokio::time::sleep(if is_well { WHILE_WELL } else { WHILE_BAD }).await;
    }
}
