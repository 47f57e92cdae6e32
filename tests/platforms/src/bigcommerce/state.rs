//! The state of one store.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::catalogue::Catalogue;
use super::customer::Customer;
use super::hook::Hook;
use super::limits::Bucket;
use super::order::model::Order;
use super::order::pricing::{Quirks, Rate, Rounding, Terms};

/// An API account: a store-level one or an app's.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) token: String,
    /// `*` stands for every scope.
    pub(super) scopes: BTreeSet<String>,
}

impl Account {
    /// Whether the account has one of the scopes; an empty list needs none.
    pub(super) fn may(&self, any_of: &[&str]) -> bool {
        any_of.is_empty() || self.scopes.contains("*") || any_of.iter().any(|scope| self.scopes.contains(*scope))
    }
}

/// Something that happened; hooks turn it into deliveries.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) scope: String,
    pub(super) data: Data,
    pub(super) at: Timestamp,
    /// The only account whose hooks hear of it; every account of the store if there is none.
    pub(super) client_id: Option<String>,
}

/// An event's `data`, in the platform's order of keys.
pub(super) type Data = Vec<(&'static str, Value)>;

/// When the platform takes an order's stock (BC §f).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StockBehaviour {
    OrderPlaced,
    CompletedOrShipped,
}

/// What the merchant has set, and the simulator's own delays.
#[derive(Debug, Clone)]
pub(super) struct StoreSettings {
    pub(super) stock: StockBehaviour,
    pub(super) edit_adjusts_stock: bool,
    pub(super) refund_adjusts_stock: bool,
    pub(super) shipment_mails: bool,
    pub(super) status_mails: bool,
    /// How long an inventory adjustment takes to be readable.
    pub(super) inventory_delay_ms: i64,
    /// How long a capture or void takes.
    pub(super) payment_delay_ms: i64,
    /// How long a new hook takes to start.
    pub(super) hook_delay_ms: i64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            stock: StockBehaviour::OrderPlaced,
            edit_adjusts_stock: true,
            refund_adjusts_stock: false,
            shipment_mails: true,
            status_mails: true,
            inventory_delay_ms: 500,
            payment_delay_ms: 500,
            hook_delay_ms: 0,
        }
    }
}

/// A mail that the platform would have sent.
#[derive(Debug, Clone)]
pub(super) struct Mail {
    pub(super) at: Timestamp,
    /// `shipment`, `status` or `hook`.
    pub(super) kind: &'static str,
    pub(super) order_id: i64,
    pub(super) text: String,
}

/// An effect that happens later.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    SetStock { variant_id: i64, location_id: i64, quantity: i64 },
    AddStock { variant_id: i64, location_id: i64, quantity: i64 },
    Capture { order_id: i64 },
    Void { order_id: i64 },
}

/// A sales channel.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) platform: String,
}

/// One store.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) hash: String,
    pub(super) store_id: i64,
    pub(super) name: String,
    pub(super) currency: String,
    /// Other currencies with their rates from the store's own.
    pub(super) currencies: Vec<(String, Decimal)>,
    pub(super) country: String,
    pub(super) country_iso2: String,
    pub(super) plan: String,
    pub(super) inclusive: bool,
    pub(super) rounding: Rounding,
    /// Tax on what an order description gives no rate for.
    pub(super) rates: Vec<Rate>,
    pub(super) settings: StoreSettings,
    pub(super) bucket: Bucket,
    pub(super) down: bool,
    pub(super) accounts: Vec<Account>,
    pub(super) channels: Vec<Channel>,
    pub(super) orders: BTreeMap<i64, Order>,
    pub(super) customers: BTreeMap<i64, Customer>,
    pub(super) catalogue: Catalogue,
    pub(super) hooks: BTreeMap<i64, Hook>,
    pub(super) admin_emails: Vec<String>,
    /// Rows of order metafields with the client id that made each.
    pub(super) metafields: BTreeMap<i64, (String, Value)>,
    /// Offered refund method sets per order, to hold refunds to them.
    pub(super) quoted: BTreeMap<i64, Vec<Value>>,
    pub(super) mails: Vec<Mail>,
    pub(super) pending: Vec<(Timestamp, Effect)>,
    pub(super) events: Vec<Event>,
    next_ids: BTreeMap<&'static str, i64>,
}

impl Store {
    /// A store without accounts, orders or products.
    pub(super) fn new(hash: String, store_id: i64, currency: String) -> Self {
        Self {
            name: format!("Store {hash}"),
            hash,
            store_id,
            currency,
            currencies: Vec::new(),
            country: "United Kingdom".to_owned(),
            country_iso2: "GB".to_owned(),
            plan: "Standard".to_owned(),
            inclusive: false,
            rounding: Rounding::Rate,
            rates: vec![Rate { name: "VAT".to_owned(), percent: Decimal::from(20) }],
            settings: StoreSettings::default(),
            bucket: Bucket::standard(),
            down: false,
            accounts: Vec::new(),
            channels: vec![Channel {
                id: 1,
                name: "Default storefront".to_owned(),
                kind: "storefront".to_owned(),
                platform: "bigcommerce".to_owned(),
            }],
            orders: BTreeMap::new(),
            customers: BTreeMap::new(),
            catalogue: Catalogue::new(),
            hooks: BTreeMap::new(),
            admin_emails: Vec::new(),
            metafields: BTreeMap::new(),
            quoted: BTreeMap::new(),
            mails: Vec::new(),
            pending: Vec::new(),
            events: Vec::new(),
            next_ids: BTreeMap::new(),
        }
    }

    /// The next id of a kind; the first one is `first`.
    pub(super) fn next_id(&mut self, kind: &'static str, first: i64) -> i64 {
        let next = self.next_ids.entry(kind).or_insert(first);
        let id = *next;
        *next += 1;
        id
    }

    /// Makes the next id of a kind at least this.
    pub(super) fn reserve_id(&mut self, kind: &'static str, at_least: i64) {
        let next = self.next_ids.entry(kind).or_insert(at_least);
        *next = (*next).max(at_least);
    }

    /// How new orders in a currency are priced.
    pub(super) fn terms(&self, currency: &str) -> Terms {
        Terms { inclusive: self.inclusive, places: minor_units(currency), rounding: self.rounding, quirks: Quirks::default() }
    }

    /// The id of a currency; the store's own is 1.
    pub(super) fn currency_id(&self, code: &str) -> i64 {
        let other = self.currencies.iter().position(|(known, _)| known == code);
        other.and_then(|at| i64::try_from(at).ok()).map_or(1, |at| at + 2)
    }

    /// Remembers an event.
    pub(super) fn emit(&mut self, scope: impl Into<String>, data: Data, at: Timestamp) {
        self.events.push(Event { scope: scope.into(), data, at, client_id: None });
    }

    /// Remembers an event that concerns one account alone.
    pub(super) fn emit_to(&mut self, client_id: &str, scope: impl Into<String>, data: Data, at: Timestamp) {
        self.events.push(Event { scope: scope.into(), data, at, client_id: Some(client_id.to_owned()) });
    }

    /// Remembers an order's event, with its variant for the order's channel where the platform has one.
    pub(super) fn emit_order(&mut self, id: i64, what: &str, more: Data, at: Timestamp) {
        let mut data: Data = vec![("type", json!("order")), ("id", json!(id))];
        data.extend(more);
        self.emit(format!("store/order/{what}"), data, at);
        let of_channel = ["created", "updated", "archived", "statusUpdated", "message/created", "refund/created"];
        if let (true, Some(order)) = (of_channel.contains(&what), self.orders.get(&id)) {
            let channel = order.channel_id;
            self.emit(format!("store/channel/{channel}/order/{what}"), vec![("order_id", json!(id))], at);
        }
    }

    /// Marks an order as changed and tells hooks.
    pub(super) fn touch(&mut self, id: i64, at: Timestamp) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.modified = at;
            self.emit_order(id, "updated", Vec::new(), at);
        }
    }

    /// Sets an order's status with all that follows from it: mail, stock, events. Nothing if it has that status.
    pub(super) fn set_status(&mut self, id: i64, status: i64, at: Timestamp) {
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        let before = order.status;
        if before == status {
            return;
        }
        order.status = status;
        order.modified = at;
        let change = json!({ "previous_status_id": before, "new_status_id": status });
        if self.settings.status_mails && before != super::status::INCOMPLETE {
            let text = format!("status {before} -> {status}");
            self.mails.push(Mail { at, kind: "status", order_id: id, text });
        }
        self.stock_follows_status(id, at);
        self.emit_order(id, "statusUpdated", vec![("status", change)], at);
    }

    /// Whether any effect is due, cheaply.
    pub(super) fn has_due(&self, now: Timestamp) -> bool {
        self.pending.iter().any(|(due, _)| *due <= now)
    }

    /// Takes the effects that are due, in the order they were asked for.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<Effect> {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(|(at, _)| *at <= now);
        self.pending = later;
        due.into_iter().map(|(_, effect)| effect).collect()
    }
}

/// Decimals of a currency's minor unit.
pub(super) fn minor_units(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "CLP" | "ISK" | "VND" => 0,
        "KWD" | "BHD" | "OMR" | "JOD" | "TND" => 3,
        _ => 2,
    }
}
