//! The simulated BigCommerce (BC §i): V2 orders, V3 everything else, webhooks, quotas.
//!
//! Nothing here knows HTTP's asynchrony: every call is one step of a state machine over stores.

mod address;
mod catalogue;
mod catalogue_api;
mod catalogue_view;
mod context;
mod control;
mod cursor;
mod customer;
mod customer_address;
mod envelope;
mod health;
mod hook;
mod hook_input;
mod info;
mod inventory;
mod inventory_items;
mod limits;
mod oauth;
mod order;
mod outbox;
mod reply;
mod route;
mod signing;
mod state;
mod status;
mod switches;
mod value;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use self::oauth::Code;
use self::outbox::Outbox;
use self::reply::{v2_error, v3_error};
use self::state::{Effect, Store};
use crate::core::{ApiRequest, ApiResponse, Delivery, DeliveryOutcome, Platform, Rng, Switches};

/// A hook without events for this long is deactivated (BC §c).
const SILENCE_MAX: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The simulated platform with all its stores.
#[derive(Debug)]
pub struct BigCommerce {
    stores: BTreeMap<String, Store>,
    switches: Switches,
    outbox: Outbox,
    codes: Vec<Code>,
    rng: Rng,
    silence_checked: Timestamp,
}

impl BigCommerce {
    /// A platform without stores.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            stores: BTreeMap::new(),
            switches: Switches::new(switches::SWITCHES),
            outbox: Outbox::new(),
            codes: Vec::new(),
            rng: Rng::seeded(seed),
            silence_checked: Timestamp::UNIX_EPOCH,
        }
    }

    /// Turns what happened into deliveries.
    fn flush(&mut self) {
        for store in self.stores.values_mut() {
            for event in std::mem::take(&mut store.events) {
                self.outbox.publish(store, &event);
            }
        }
    }

    fn deactivate_silent_hooks(&mut self, now: Timestamp) {
        if now.duration_since(self.silence_checked).abs() < SignedDuration::from_mins(10) {
            return;
        }
        self.silence_checked = now;
        for store in self.stores.values_mut() {
            let silent = store.hooks.values().filter(|hook| hook.active && now.duration_since(hook.last_event) > SILENCE_MAX);
            for id in silent.map(|hook| hook.id).collect::<Vec<_>>() {
                outbox::deactivate(store, id, now);
            }
        }
    }
}

impl Platform for BigCommerce {
    fn name(&self) -> &'static str {
        "bigcommerce"
    }

    fn tenant(&self, request: &ApiRequest) -> Option<String> {
        let mut parts = request.path.split('/').filter(|part| !part.is_empty());
        (parts.next() == Some("stores")).then(|| parts.next().map(str::to_owned)).flatten()
    }

    fn handle(&mut self, request: &ApiRequest) -> ApiResponse {
        let answer = self.answer(request);
        self.flush();
        answer
    }

    fn control(&mut self, request: &ApiRequest) -> Option<ApiResponse> {
        let answer = control::answer(self, request);
        self.flush();
        answer
    }

    fn tick(&mut self, now: Timestamp) {
        for store in self.stores.values_mut().filter(|store| store.has_due(now)) {
            for effect in store.take_due(now) {
                match effect {
                    Effect::SetStock { variant_id, location_id, quantity } => {
                        inventory::set(store, variant_id, location_id, quantity, now);
                    }
                    Effect::AddStock { variant_id, location_id, quantity } => {
                        inventory::add(store, variant_id, location_id, quantity, now);
                    }
                    Effect::Capture { order_id } => order::payment::captured(store, order_id, now),
                    Effect::Void { order_id } => order::payment::voided(store, order_id, now),
                }
            }
        }
        self.deactivate_silent_hooks(now);
        self.flush();
    }

    fn due_deliveries(&mut self, now: Timestamp) -> Vec<Delivery> {
        let due = self.outbox.take_due(&mut self.stores, &self.switches, now);
        self.flush();
        due
    }

    fn delivered(&mut self, id: u64, outcome: DeliveryOutcome, now: Timestamp) {
        self.outbox.delivered(id, &outcome, &mut self.stores, now);
        self.flush();
    }

    fn throttled(&mut self, request: &ApiRequest, empty: bool) -> ApiResponse {
        let store = self.tenant(request).and_then(|hash| self.stores.get_mut(&hash));
        match store {
            Some(store) => store.bucket.refuse_anyway(request, empty),
            None if request.path.contains("/v3/") => v3_error(429, "You have exceeded the rate limit."),
            None => v2_error(429, "You have exceeded the rate limit."),
        }
    }

    fn reset(&mut self, seed: u64) {
        *self = Self::new(seed);
    }
}
