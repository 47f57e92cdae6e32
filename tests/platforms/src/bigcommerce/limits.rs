//! The request quota of one store, shared by all its apps (BC §b).

use jiff::{SignedDuration, Timestamp};

use crate::core::{ApiRequest, ApiResponse};

use super::reply::{v2_error, v3_error};

/// How a throttled call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThrottleStyle {
    /// The four headers.
    Headers,
    /// The four headers and `X-Retry-After` in seconds.
    RetryAfter,
    /// No rate headers: the platform is under load.
    Bare,
}

/// A window of requests.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) quota: i64,
    pub(super) window_ms: i64,
    /// Requests of other apps, taken out of each new window at its start.
    pub(super) others_per_window: i64,
    pub(super) style: ThrottleStyle,
    started: Timestamp,
    used: i64,
}

impl Bucket {
    /// 150 requests in 30 seconds.
    pub(super) const fn standard() -> Self {
        Self { quota: 150, window_ms: 30_000, others_per_window: 0, style: ThrottleStyle::Headers, started: Timestamp::UNIX_EPOCH, used: 0 }
    }

    fn roll(&mut self, now: Timestamp) {
        let age = now.duration_since(self.started);
        // A clock that was set back must not freeze the window.
        if age >= SignedDuration::from_millis(self.window_ms) || age.is_negative() {
            self.started = now;
            self.used = self.others_per_window;
        }
    }

    /// Takes one request out of the window; false when it is empty.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        self.roll(now);
        if self.used >= self.quota {
            return false;
        }
        self.used += 1;
        true
    }

    /// Requests that other apps make now.
    pub(super) fn consume(&mut self, now: Timestamp, requests: i64) {
        self.roll(now);
        self.used = self.used.saturating_add(requests);
    }

    /// Requests left in the window.
    pub(super) fn left(&self) -> i64 {
        (self.quota - self.used).max(0)
    }

    /// The answer to a call that is throttled whether or not the window is empty; with `empty` it then is.
    pub(super) fn refuse_anyway(&mut self, request: &ApiRequest, empty: bool) -> ApiResponse {
        self.roll(request.at);
        let used = self.used;
        self.used = used.max(self.quota);
        let answer = self.refuse(request);
        if !empty {
            self.used = used;
        }
        answer
    }

    fn reset_ms(&self, now: Timestamp) -> i64 {
        let age = i64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(0);
        (self.window_ms - age).clamp(0, self.window_ms)
    }

    /// Adds the four rate headers.
    pub(super) fn stamp(&mut self, answer: ApiResponse, now: Timestamp) -> ApiResponse {
        self.roll(now);
        answer
            .with_header("X-Rate-Limit-Time-Window-Ms", self.window_ms.to_string())
            .with_header("X-Rate-Limit-Time-Reset-Ms", self.reset_ms(now).to_string())
            .with_header("X-Rate-Limit-Requests-Quota", self.quota.to_string())
            .with_header("X-Rate-Limit-Requests-Left", self.left().to_string())
    }

    /// The answer to a call that found the window empty.
    pub(super) fn refuse(&mut self, request: &ApiRequest) -> ApiResponse {
        let text = "You have exceeded the rate limit.";
        let body = if request.path.contains("/v3/") { v3_error(429, text) } else { v2_error(429, text) };
        match self.style {
            ThrottleStyle::Bare => body,
            ThrottleStyle::Headers => self.stamp(body, request.at),
            ThrottleStyle::RetryAfter => {
                let seconds = u64::try_from(self.reset_ms(request.at)).unwrap_or(0).div_ceil(1000);
                self.stamp(body, request.at).with_header("X-Retry-After", seconds.to_string())
            }
        }
    }
}
