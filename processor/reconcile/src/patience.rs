//! When to stop reading one order after the other.

use orderbridge_http_client::CallError;

/// Single reads that may fail before one works.
const FAILURES_MAX: u32 = 2;

/// Reads of one order each: if the first ones all fail it is the platform that fails, not the orders, and the others cost no call.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    failed: u32,
    last: Option<CallError>,
    works: bool,
}

impl Patience {
    /// What the next call would give, if none has to be made to know that.
    pub(crate) fn lost(&self) -> Option<CallError> {
        self.last.clone().filter(|_| !self.works && self.failed >= FAILURES_MAX)
    }

    /// Takes in what a call gave.
    pub(crate) fn learn(&mut self, result: Result<(), &CallError>) {
        match result {
            Ok(()) => self.works = true,
            Err(error) => {
                self.failed = self.failed.saturating_add(1);
                self.last = Some(error.clone());
            }
        }
    }

    /// Makes the call unless it is known what it would give.
    pub(crate) async fn unless_lost<T, F: Future<Output = Result<T, CallError>>>(&mut self, call: impl FnOnce() -> F) -> Result<T, CallError> {
        if let Some(error) = self.lost() {
            return Err(error);
        }
        let result = call().await;
        self.learn(result.as_ref().map(|_| ()));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    /// How many calls are made for that many orders, of which those up to `works_from` fail.
    fn calls(orders: u32, works_from: u32) -> u32 {
        let (mut patience, mut calls) = (Patience::default(), 0);
        for order in 0..orders {
            let made = patience.unless_lost(|| {
                calls += 1;
                std::future::ready(if order >= works_from { Ok(()) } else { Err(CallError::no_answer(503, "a page")) })
            });
            assert_eq!(made.now_or_never().unwrap().is_ok(), order >= works_from && works_from < FAILURES_MAX);
        }
        calls
    }

    #[test]
    fn a_platform_that_fails_costs_two_calls_however_many_orders_wait() {
        assert_eq!(calls(100, 100), FAILURES_MAX);
    }

    #[test]
    fn one_order_that_cannot_be_read_stops_no_other() {
        assert_eq!(calls(100, 1), 100);
    }
}
