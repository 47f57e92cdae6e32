//! One account: everything the platform keeps for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

use super::contact::Address;
use super::contact::Contact;
use super::drop_ship::DropShipNote;
use super::goods_note::GoodsOutNote;
use super::installation::Installation;
use super::lists::Lists;
use super::order::Order;
use super::payment::Payment;
use super::product::Product;
use super::search::{Index, Kind};
use super::stock::{Reservation, Shelf};
use super::switches::Switches;
use super::webhook::Hook;

/// The kinds of id that are counted apart: ids are positive, per resource, never reused (BP §a.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdKind {
    /// Orders of all types.
    Order,
    /// Order rows.
    Row,
    /// Order notes.
    OrderNote,
    /// Contacts.
    Contact,
    /// Postal addresses.
    Address,
    /// Companies.
    Company,
    /// Products.
    Product,
    /// Goods-out notes.
    GoodsOut,
    /// Drop-ship notes.
    DropShip,
    /// Goods-in notes.
    GoodsIn,
    /// Customer payments.
    Payment,
    /// Journals.
    Journal,
    /// Invoices.
    Invoice,
    /// Webhooks.
    Hook,
    /// Installed integration instances.
    Instance,
    /// Events of goods-out notes.
    NoteEvent,
    /// Stock corrections and other goods movements.
    Movement,
}

/// An event raised by a change, before it is matched with hooks.
#[derive(Debug, Clone)]
pub struct Raised {
    /// Full event, such as `goods-out-note.modified.shipped`.
    pub event: String,
    /// Id of the object.
    pub id: i64,
    /// When.
    pub at: Timestamp,
}

/// A made-up webhook call (BP §d.1).
#[derive(Debug)]
pub struct Simulated {
    /// The hook.
    pub hook: i64,
    /// Template variables.
    pub variables: Vec<(String, String)>,
    /// Ids.
    pub ids: Vec<i64>,
}

/// One account.
#[derive(Debug)]
pub struct Account {
    /// Account code.
    pub code: String,
    /// Data centre, such as `euw1`.
    pub datacenter: String,
    /// Host that token answers name; without one, the host the client used.
    pub api_domain: Option<String>,
    /// Zone in which instants are shown.
    pub zone: TimeZone,
    /// Base currency.
    pub base_currency: String,
    /// OAuth installations.
    pub installations: Vec<Installation>,
    /// Reference lists and configuration.
    pub lists: Lists,
    /// Contacts by id.
    pub contacts: BTreeMap<i64, Contact>,
    /// Postal addresses by id.
    pub addresses: BTreeMap<i64, Address>,
    /// Companies: name by id.
    pub companies: BTreeMap<i64, (String, Timestamp)>,
    /// Products by id.
    pub products: BTreeMap<i64, Product>,
    /// Orders by id.
    pub orders: BTreeMap<i64, Order>,
    /// Keys (externalRef, instance) of orders, with type, to the order.
    pub order_keys: BTreeMap<(String, i64, String), i64>,
    /// Stock by product and warehouse.
    pub stock: BTreeMap<i64, BTreeMap<i64, Shelf>>,
    /// Reservations by order.
    pub reservations: BTreeMap<i64, Reservation>,
    /// Goods-out notes by id.
    pub notes: BTreeMap<i64, GoodsOutNote>,
    /// Drop-ship notes by id.
    pub drop_ships: BTreeMap<i64, DropShipNote>,
    /// Goods-in notes by id, as they are shown.
    pub goods_in: BTreeMap<i64, Value>,
    /// Customer payments by id.
    pub payments: BTreeMap<i64, Payment>,
    /// Orders whose invoice is pending, with when it is finished.
    pub pending_invoices: Vec<(Timestamp, i64)>,
    /// Registered webhooks by id.
    pub hooks: BTreeMap<i64, Hook>,
    /// What searches see.
    pub index: Index,
    /// Events of the call in progress.
    pub raised: Vec<Raised>,
    /// Objects that the call in progress changed.
    pub changed: BTreeSet<(Kind, i64)>,
    /// Simulated webhook calls of the call in progress.
    pub simulated: Vec<Simulated>,
    /// Randomness of this account.
    pub rng: StdRng,
    counters: BTreeMap<IdKind, i64>,
}

impl Account {
    /// An empty account; the seeding module fills it.
    pub fn new(code: &str, seed: u64) -> Self {
        let salt = code.bytes().fold(seed, |mix, byte| mix.wrapping_mul(1_099_511_628_211).wrapping_add(u64::from(byte)));
        Self {
            code: code.to_owned(),
            datacenter: "euw1".to_owned(),
            api_domain: None,
            zone: TimeZone::UTC,
            base_currency: "GBP".to_owned(),
            installations: Vec::new(),
            lists: Lists::default(),
            contacts: BTreeMap::new(),
            addresses: BTreeMap::new(),
            companies: BTreeMap::new(),
            products: BTreeMap::new(),
            orders: BTreeMap::new(),
            order_keys: BTreeMap::new(),
            stock: BTreeMap::new(),
            reservations: BTreeMap::new(),
            notes: BTreeMap::new(),
            drop_ships: BTreeMap::new(),
            goods_in: BTreeMap::new(),
            payments: BTreeMap::new(),
            pending_invoices: Vec::new(),
            hooks: BTreeMap::new(),
            index: Index::default(),
            raised: Vec::new(),
            changed: BTreeSet::new(),
            simulated: Vec::new(),
            rng: StdRng::seed_from_u64(salt),
            counters: BTreeMap::new(),
        }
    }

    /// The next id of a kind. Each kind starts elsewhere, so that mixed-up ids show.
    pub fn next_id(&mut self, kind: IdKind) -> i64 {
        let start = match kind {
            IdKind::Order => 70_000,
            IdKind::Row => 81_000,
            IdKind::OrderNote => 60_000,
            IdKind::Contact => 30_000,
            IdKind::Address => 91_000,
            IdKind::Company => 2_000,
            IdKind::Product => 5_000,
            IdKind::GoodsOut => 4_100,
            IdKind::DropShip => 100,
            IdKind::GoodsIn => 7_000,
            IdKind::Payment => 935_400,
            IdKind::Journal => 88_100,
            IdKind::Invoice => 1_000,
            IdKind::Hook => 120,
            IdKind::Instance => 40,
            IdKind::NoteEvent => 3_131_000,
            IdKind::Movement => 500_000,
        };
        let counter = self.counters.entry(kind).or_insert(start);
        *counter += 1;
        *counter
    }

    /// Lets ids of a kind start above one that the control API chose.
    pub fn reserve_id(&mut self, kind: IdKind, id: i64) {
        let counter = self.counters.entry(kind).or_insert(id);
        *counter = (*counter).max(id);
    }

    /// Notes an event; hooks are matched when the call is over.
    pub fn raise(&mut self, event: &str, id: i64, at: Timestamp) {
        self.raised.push(Raised { event: event.to_owned(), id, at });
    }

    /// Notes that searches must see this object anew.
    pub fn touch(&mut self, kind: Kind, id: i64) {
        self.changed.insert((kind, id));
    }

    /// Raises the on-hand event of a product, unless the switch drops it (BP §d.4, §l.7).
    pub fn raise_on_hand(&mut self, product: i64, switches: &Switches, at: Timestamp) {
        let percent = switches.number("on_hand_event_drop_percent");
        let roll: i64 = if percent > 0 { rand::Rng::random_range(&mut self.rng, 0..100) } else { 100 };
        if roll >= percent {
            self.raise("product.modified.on-hand-modified", product, at);
        }
    }

    /// Shows an instant in the account's zone.
    pub fn show(&self, at: Timestamp) -> String {
        super::time::show(at, &self.zone)
    }

    /// A change of an order: version, time and search row; the event is the caller's.
    pub fn bump(&mut self, order: i64, at: Timestamp) {
        if let Some(order) = self.orders.get_mut(&order) {
            order.version += 1;
            order.updated_on = at;
        }
        self.touch(Kind::Order, order);
    }
}
