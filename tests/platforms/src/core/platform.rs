//! What a simulated platform must be able to do.

use jiff::Timestamp;

use super::message::{ApiRequest, ApiResponse};

/// One simulated platform. Every method is called under the platform's one lock, so each call is atomic.
pub trait Platform: Send + 'static {
    /// `bigcommerce` or `brightpearl`.
    fn name(&self) -> &'static str;
    /// The store hash or account code a request belongs to, for the ledger and for fault rules.
    fn tenant(&self, request: &ApiRequest) -> Option<String>;
    /// The platform's own API.
    fn handle(&mut self, request: &ApiRequest) -> ApiResponse;
    /// `/_sim/…` beyond the core's own endpoints; `None` is answered as 404.
    fn control(&mut self, request: &ApiRequest) -> Option<ApiResponse>;
    /// Applies asynchronous effects that have fallen due. Called before every request and every few milliseconds, so it
    /// must be cheap when nothing is due.
    fn tick(&mut self, now: Timestamp);
    /// Webhook posts to send now, rendered and signed. A delivery is handed out once per attempt.
    fn due_deliveries(&mut self, now: Timestamp) -> Vec<Delivery>;
    /// What became of a delivery: forget it, or schedule its retry.
    fn delivered(&mut self, id: u64, outcome: DeliveryOutcome, now: Timestamp);
    /// What a `throttle` fault answers: the platform's own throttle answer, as if the quota were used up; with `empty` it then is.
    fn throttled(&mut self, request: &ApiRequest, empty: bool) -> ApiResponse;
    /// Forgets everything; the seed starts the platform's random numbers anew.
    fn reset(&mut self, seed: u64);
}

/// One webhook post, ready to be sent.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The platform's own id of this delivery, handed back with the outcome.
    pub id: u64,
    /// The store hash or account code it belongs to.
    pub tenant: String,
    /// The event's name, for the ledger.
    pub event: String,
    /// 1 for the first try.
    pub attempt: u32,
    /// Nearly always `POST`.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Headers in the order to send.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// What the receiver did with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It answered with this status.
    Answered(u16),
    /// No answer: the reason in plain words.
    Failed(String),
}
