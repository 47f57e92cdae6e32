//! The Brightpearl simulator: a strict, stateful stand-in written from the fact sheet alone (BP §l).
//!
//! One instance holds any number of accounts. The state machine knows no I/O: HTTP, faults, ledger, clock and the
//! sending of webhooks are the core's.

mod account;
mod call;
mod contact;
mod contact_api;
mod control;
mod country;
mod custom_field;
mod drop_ship;
mod forgery;
mod goods_in;
mod goods_note;
mod goods_out;
mod idset;
mod installation;
mod json;
mod lists;
mod multi;
mod note_search;
mod oauth;
mod order;
mod order_api;
mod order_build;
mod order_row;
mod order_status;
mod order_view;
mod outbox;
mod payment;
mod product;
mod product_api;
mod reply;
mod reservation;
mod sales_order;
mod search;
mod search_columns;
mod search_rows;
mod service;
mod stock;
mod switches;
mod throttle;
mod time;
mod warehouse_api;
mod webhook;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::account::Account;
use self::outbox::Outbox;
use self::switches::Switches;
use self::throttle::Throttle;
use crate::core::{ApiRequest, ApiResponse, Delivery, DeliveryOutcome, Platform};

/// The simulated platform.
#[derive(Debug)]
pub struct Brightpearl {
    accounts: BTreeMap<String, Account>,
    switches: Switches,
    throttle: Throttle,
    outbox: Outbox,
    requests: u64,
    seed: u64,
}

impl Brightpearl {
    /// An empty platform; accounts are made through its control endpoints.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { accounts: BTreeMap::new(), switches: Switches::default(), throttle: Throttle::default(), outbox: Outbox::default(), requests: 0, seed }
    }

    /// Ends a call: index and webhooks learn what changed.
    fn settle(&mut self, code: &str, now: Timestamp) {
        if let Some(account) = self.accounts.get_mut(code) {
            account.settle_index(&self.switches, now);
            self.outbox.accept(account, &self.switches, now);
        }
    }
}

impl Platform for Brightpearl {
    fn name(&self) -> &'static str {
        "brightpearl"
    }

    fn tenant(&self, request: &ApiRequest) -> Option<String> {
        let segments = request.segments();
        let mut parts = segments.iter().map(String::as_str);
        match (parts.next()?, parts.next()?) {
            ("public-api" | "token" | "authorize", code) => Some(code.to_owned()),
            (code, "oauth") => Some(code.to_owned()),
            ("_sim", "accounts") => parts.next().map(str::to_owned),
            _ => None,
        }
    }

    fn handle(&mut self, request: &ApiRequest) -> ApiResponse {
        service::handle(self, request)
    }

    fn control(&mut self, request: &ApiRequest) -> Option<ApiResponse> {
        control::handle(self, request)
    }

    fn tick(&mut self, now: Timestamp) {
        let Self { accounts, switches, outbox, .. } = self;
        for account in accounts.values_mut().filter(|account| account.pending_invoices.iter().any(|(at, _)| *at <= now)) {
            sales_order::finish_invoices(account, now);
            account.settle_index(switches, now);
            outbox.accept(account, switches, now);
        }
    }

    fn due_deliveries(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.outbox.due(&self.switches, now)
    }

    fn delivered(&mut self, id: u64, outcome: DeliveryOutcome, now: Timestamp) {
        self.outbox.delivered(id, &outcome, &self.switches, now);
    }

    fn throttled(&mut self, request: &ApiRequest, empty: bool) -> ApiResponse {
        service::throttled(self, request, empty)
    }

    fn reset(&mut self, seed: u64) {
        *self = Self::new(seed);
    }
}
