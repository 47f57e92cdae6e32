//! What became of a delivery, and what its sender is told.

use std::time::Duration;

use actix_web::HttpResponse;
use metrics::{Counter, Histogram};
use orderbridge_http_server::Problem;
use orderbridge_schema::ids::Platform;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All in-sync replicas have it.
    Stored,
    /// It is authentic and none of our business.
    Ignored,
    /// Its tenant was removed. Its hooks are still dying, and each refusal would count against every tenant of the domain (BC §c).
    Dropped,
    /// Its secret or signature is wrong.
    Unauthorised,
    /// Nobody has this connection.
    Unknown,
    /// It is authentic and cannot be read.
    Malformed,
    /// Its body is longer than allowed.
    TooLarge,
    /// It is authentic, but not what our hooks send: one that another release of ours registered, or a template of ours that is wrong.
    Unexpected,
    /// The body did not come whole or in time.
    BodyLost,
    /// Who may send cannot be said at the moment.
    NotReady,
    /// The brokers did not acknowledge it in time, nothing more fits into the queue, or the topic takes less than we do.
    NotPublished,
}

impl Outcome {
    const ALL: [Self; 11] = [
        Self::Stored,
        Self::Ignored,
        Self::Dropped,
        Self::Unauthorised,
        Self::Unknown,
        Self::Malformed,
        Self::TooLarge,
        Self::Unexpected,
        Self::BodyLost,
        Self::NotReady,
        Self::NotPublished,
    ];

    /// The label in metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Ignored => "ignored",
            Self::Dropped => "dropped",
            Self::Unauthorised => "unauthorised",
            Self::Unknown => "unknown",
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
            Self::Unexpected => "unexpected",
            Self::BodyLost => "body-lost",
            Self::NotReady => "not-ready",
            Self::NotPublished => "not-published",
        }
    }

    /// The answer. It depends on the outcome alone, so that nothing about a tenant can be read from it. A 4xx loses a Brightpearl event
    /// for good (BP §d.4): everything that may be our fault is 503.
    pub(crate) fn response(self, retry_after: Duration) -> HttpResponse {
        match self {
            Self::Stored => HttpResponse::Ok().finish(),
            Self::Ignored | Self::Dropped => HttpResponse::NoContent().finish(),
            Self::Unauthorised => Problem::unauthorised().response(),
            Self::Unknown => Problem::not_found().response(),
            Self::Malformed => Problem::malformed().response(),
            Self::TooLarge => Problem::too_large().response(),
            Self::Unexpected | Self::BodyLost | Self::NotReady | Self::NotPublished => Problem::unavailable(retry_after).response(),
        }
    }
}

/// What is counted of deliveries, looked up once. There is no tenant in the labels: their number would grow with the tenants'.
#[derive(Debug)]
pub(crate) struct Counts {
    bigcommerce: OfPlatform,
    brightpearl: OfPlatform,
}

#[derive(Debug)]
struct OfPlatform {
    events: Vec<(Outcome, Counter)>,
    duration: Histogram,
}

impl OfPlatform {
    fn new(platform: Platform) -> Self {
        let counter =
            |outcome: Outcome| metrics::counter!("orderbridge_ingest_events_total", "platform" => platform.as_str(), "outcome" => outcome.as_str());
        Self {
            events: Outcome::ALL.into_iter().map(|outcome| (outcome, counter(outcome))).collect(),
            duration: metrics::histogram!("orderbridge_ingest_duration_seconds", "platform" => platform.as_str()),
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self { bigcommerce: OfPlatform::new(Platform::Bigcommerce), brightpearl: OfPlatform::new(Platform::Brightpearl) }
    }
}

impl Counts {
    /// Counts a delivery.
    pub(crate) fn record(&self, platform: Platform, outcome: Outcome, elapsed: Duration) {
        let counts = match platform {
            Platform::Bigcommerce => &self.bigcommerce,
            Platform::Brightpearl => &self.brightpearl,
        };
        counts.events.iter().filter(|(counted, _)| *counted == outcome).for_each(|(_, counter)| counter.increment(1));
        counts.duration.record(elapsed);
    }
}
