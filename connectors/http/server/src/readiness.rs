//! Whether this process should be sent work.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::HttpResponse;
use serde::Serialize;

type Ask = dyn Fn() -> Result<(), String> + Send + Sync;

/// One thing that must hold for work to be done. It is asked often and must answer from memory.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    ask: Arc<Ask>,
}

impl Check {
    /// A check by name; an error says in plain words, without secrets, what is wrong.
    pub fn new(name: &'static str, ask: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self { name, ask: Arc::new(ask) }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// All checks together; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    checks: Arc<[Check]>,
    draining: Arc<AtomicBool>,
}

#[derive(Serialize)]
struct Answer {
    ready: bool,
    checks: BTreeMap<&'static str, String>,
}

impl Readiness {
    /// Ready while all these hold.
    #[must_use]
    pub fn new(checks: Vec<Check>) -> Self {
        Self { checks: checks.into(), draining: Arc::default() }
    }

    /// Whether work should be sent here now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_draining() && self.checks.iter().all(|check| (check.ask)().is_ok())
    }

    /// From now on not ready, for good: the process is about to end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(crate) fn response(&self) -> HttpResponse {
        let mut answer = Answer { ready: true, checks: BTreeMap::new() };
        let results = self.checks.iter().map(|check| (check.name, (check.ask)()));
        let running = if self.is_draining() { Err("the process is about to end".to_owned()) } else { Ok(()) };
        for (name, result) in results.chain([("running", running)]) {
            answer.ready &= result.is_ok();
            answer.checks.insert(name, result.err().unwrap_or_else(|| "ok".into()));
        }
        let mut response = if answer.ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
        response.json(answer)
    }
}
