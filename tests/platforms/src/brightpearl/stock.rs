//! The stock engine (BP §l.7): on hand = in stock − allocated, where allocated is reserved or on an unshipped note.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Account;
use super::json::set;
use super::reply::Refusal;
use super::switches::Switches;

/// Stock of one product in one warehouse.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// Physical quantity by location.
    pub in_stock: BTreeMap<i64, i64>,
    /// Of it, on unshipped notes, by location.
    pub on_notes: BTreeMap<i64, i64>,
    /// Reserved or on unshipped notes.
    pub allocated: i64,
}

impl Shelf {
    /// Physical quantity.
    pub fn total(&self) -> i64 {
        self.in_stock.values().sum()
    }

    /// Free to sell.
    pub fn on_hand(&self) -> i64 {
        self.total() - self.allocated
    }

    /// As product-availability shows it.
    pub fn view(&self, by_location: bool) -> Value {
        let mut view = json!({"inStock": self.total(), "onHand": self.on_hand(), "allocated": self.allocated, "inTransit": 0});
        if by_location {
            let all: serde_json::Map<String, Value> = self
                .in_stock
                .iter()
                .map(|(id, quantity)| {
                    let notes = self.on_notes.get(id).copied().unwrap_or(0);
                    (id.to_string(), json!({"inStock": quantity, "onHand": quantity - notes, "allocated": notes, "inTransit": 0}))
                })
                .collect();
            set(&mut view, "byLocation", Value::Object(all));
        }
        view
    }
}

/// A reservation: one per order, in one warehouse (BP §h.2).
#[derive(Debug, Clone, Default)]
pub struct Reservation {
    /// The warehouse.
    pub warehouse: i64,
    /// Quantity by order row.
    pub rows: BTreeMap<i64, i64>,
}

impl Account {
    /// The shelf of a product in a warehouse, made if it is missing.
    pub fn shelf(&mut self, product: i64, warehouse: i64) -> &mut Shelf {
        self.stock.entry(product).or_default().entry(warehouse).or_default()
    }

    /// Quantity free to sell.
    pub fn on_hand(&self, product: i64, warehouse: i64) -> i64 {
        self.stock.get(&product).and_then(|all| all.get(&warehouse)).map_or(0, Shelf::on_hand)
    }

    /// Whether changes can be made one after another, so that a refusal leaves nothing changed.
    ///
    /// # Errors
    /// 400 if a location would become negative.
    pub fn check_corrections(&self, changes: &[StockChange]) -> Result<(), Refusal> {
        let mut levels: BTreeMap<(i64, i64, i64), i64> = BTreeMap::new();
        for change in changes {
            let shelf = self.stock.get(&change.product).and_then(|all| all.get(&change.warehouse));
            let at = |places: &BTreeMap<i64, i64>| places.get(&change.location).copied().unwrap_or(0);
            let free = shelf.map_or(0, |shelf| at(&shelf.in_stock) - at(&shelf.on_notes));
            let level = levels.entry((change.product, change.warehouse, change.location)).or_insert(free);
            *level += change.quantity;
            if *level < 0 {
                return Err(Refusal::bad("WHSC-999", format!("Not enough stock of product {} in location {}", change.product, change.location)));
            }
        }
        Ok(())
    }

    /// Changes the physical quantity; stock that is allocated cannot be taken away.
    ///
    /// # Errors
    /// 400 if the location would become negative.
    pub fn correct_stock(&mut self, line: StockChange, switches: &Switches, at: Timestamp) -> Result<(), Refusal> {
        let shelf = self.shelf(line.product, line.warehouse);
        let held = shelf.on_notes.get(&line.location).copied().unwrap_or(0);
        let place = shelf.in_stock.entry(line.location).or_insert(0);
        if *place + line.quantity < held {
            return Err(Refusal::bad("WHSC-999", format!("Not enough stock of product {} in location {}", line.product, line.location)));
        }
        *place += line.quantity;
        self.raise_on_hand(line.product, switches, at);
        Ok(())
    }

    /// Reserves up to a quantity; gives what could be reserved.
    pub fn allocate(&mut self, product: i64, warehouse: i64, quantity: i64, switches: &Switches, at: Timestamp) -> i64 {
        let shelf = self.shelf(product, warehouse);
        let taken = quantity.min(shelf.on_hand()).max(0);
        shelf.allocated += taken;
        if taken > 0 {
            self.raise_on_hand(product, switches, at);
        }
        taken
    }

    /// Gives reserved stock back.
    pub fn release(&mut self, product: i64, warehouse: i64, quantity: i64, switches: &Switches, at: Timestamp) {
        if quantity > 0 {
            self.shelf(product, warehouse).allocated -= quantity;
            self.raise_on_hand(product, switches, at);
        }
    }

    /// Chooses locations for stock that is already allocated and marks it as on a note: default location first.
    pub fn place_on_note(&mut self, product: i64, warehouse: i64, quantity: i64) -> Vec<(i64, i64)> {
        let order = self.lists.locations.get(&warehouse).cloned().unwrap_or_default();
        let shelf = self.shelf(product, warehouse);
        let others: Vec<i64> = shelf.in_stock.keys().copied().filter(|id| !order.contains(id)).collect();
        let mut left = quantity;
        let mut chosen = Vec::new();
        for location in order.into_iter().chain(others) {
            let held = shelf.on_notes.get(&location).copied().unwrap_or(0);
            let free = shelf.in_stock.get(&location).copied().unwrap_or(0) - held;
            let taken = left.min(free);
            if taken > 0 {
                *shelf.on_notes.entry(location).or_insert(0) += taken;
                chosen.push((location, taken));
                left -= taken;
            }
        }
        chosen
    }

    /// Takes lines off a note again: shipped (the stock leaves) or deleted (it is free again).
    pub fn leave_note(&mut self, product: i64, warehouse: i64, location: i64, quantity: i64, shipped: bool) {
        let shelf = self.shelf(product, warehouse);
        *shelf.on_notes.entry(location).or_insert(0) -= quantity;
        shelf.allocated -= quantity;
        if shipped {
            *shelf.in_stock.entry(location).or_insert(0) -= quantity;
        }
    }

    /// Releases all that an order reserved.
    pub fn drop_reservation(&mut self, order: i64, switches: &Switches, at: Timestamp) {
        let Some(reservation) = self.reservations.remove(&order) else { return };
        for (row, quantity) in reservation.rows {
            let product = self.orders.get(&order).and_then(|order| order.rows.get(&row)).map(|row| row.product_id);
            if let Some(product) = product {
                self.release(product, reservation.warehouse, quantity, switches, at);
            }
        }
    }
}

/// One change of a physical quantity.
#[derive(Debug, Clone, Copy)]
pub struct StockChange {
    /// Product.
    pub product: i64,
    /// Warehouse.
    pub warehouse: i64,
    /// Location.
    pub location: i64,
    /// Difference.
    pub quantity: i64,
}
