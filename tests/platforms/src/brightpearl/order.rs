//! Orders of all four types: the model, totals and status codes (BP §e.1, §e.6, §e.9).

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use super::account::Account;
use super::contact::Address;
use super::json::round;
use super::switches::Switches;

/// One row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its id.
    pub id: i64,
    /// 10, 20, …
    pub sequence: i64,
    /// Product; 1000 for free text.
    pub product_id: i64,
    /// Name.
    pub name: String,
    /// SKU; empty for free text.
    pub sku: String,
    /// Quantity.
    pub quantity: Decimal,
    /// Tax code.
    pub tax_code: String,
    /// Row net as sent.
    pub net: Decimal,
    /// Row tax as sent.
    pub tax: Decimal,
    /// `brightpearl` or `manual`.
    pub tax_calculator: String,
    /// Nominal code.
    pub nominal_code: String,
    /// External reference.
    pub external_ref: Option<String>,
    /// Price of one, of the price list.
    pub price: Decimal,
    /// Cost of one.
    pub cost: Decimal,
    /// Whether stock moves for it: stock-tracked and no bundle parent.
    pub tracked: bool,
    /// A bundle's own row.
    pub bundle_parent: bool,
    /// A component's row.
    pub bundle_child: bool,
    /// Row of the bundle; 0 = none.
    pub parent_row: i64,
    /// Row it was cloned from; 0 = none.
    pub cloned_from: i64,
}

/// The invoice of an order.
#[derive(Debug, Clone, Default)]
pub struct Invoice {
    /// Empty, `pending` or the invoice number.
    pub reference: String,
    /// Tax date.
    pub tax_date: Option<Timestamp>,
    /// When a pending invoice is finished.
    pub finishes_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_on: Option<Timestamp>,
}

/// A note on an order.
#[derive(Debug, Clone)]
pub struct Note {
    /// Its id.
    pub id: i64,
    /// Text.
    pub text: String,
    /// Whether customers see it.
    pub is_public: bool,
    /// Status that the order had.
    pub status_id: i64,
    /// When.
    pub added_on: Timestamp,
    /// By whom.
    pub created_by: i64,
}

/// One order.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Its id.
    pub id: i64,
    /// SO, SC, PO or PC.
    pub kind: String,
    /// Linked order; 0 = none.
    pub parent_id: i64,
    /// Customer reference.
    pub reference: String,
    /// External reference.
    pub external_ref: Option<String>,
    /// Instance that the reference belongs to.
    pub instance: Option<i64>,
    /// Rises with each change.
    pub version: i64,
    /// Status.
    pub status_id: i64,
    /// Placed on.
    pub placed_on: Timestamp,
    /// Created on.
    pub created_on: Timestamp,
    /// Last change.
    pub updated_on: Timestamp,
    /// Created by.
    pub created_by: i64,
    /// Price list.
    pub price_list_id: i64,
    /// INC or EXC.
    pub price_mode: String,
    /// Delivery date.
    pub delivery_date: Option<Timestamp>,
    /// Shipping method; 0 = none.
    pub shipping_method_id: i64,
    /// Invoice.
    pub invoice: Invoice,
    /// Currency.
    pub currency: String,
    /// Between the order's currency and the base, in the direction that the switch says.
    pub exchange_rate: Decimal,
    /// Whether the rate is fixed.
    pub fixed_rate: bool,
    /// Channel.
    pub channel_id: i64,
    /// Lead source.
    pub lead_source_id: i64,
    /// Project.
    pub project_id: i64,
    /// Staff owner.
    pub staff_owner_id: i64,
    /// Team.
    pub team_id: i64,
    /// Warehouse.
    pub warehouse_id: i64,
    /// Customer, or supplier of a purchase.
    pub contact_id: i64,
    /// Billing contact.
    pub billing_contact_id: i64,
    /// Customer's address.
    pub customer_address: Address,
    /// Billing address.
    pub billing_address: Address,
    /// Delivery address.
    pub delivery_address: Address,
    /// Rows by id.
    pub rows: BTreeMap<i64, Row>,
    /// Custom field values.
    pub custom: BTreeMap<String, Value>,
    /// Notes.
    pub notes: Vec<Note>,
    /// Goods-out notes.
    pub goods_out: Vec<i64>,
    /// How many goods-out notes it ever had.
    pub goods_out_made: i64,
    /// Drop-ship notes.
    pub drop_ships: Vec<i64>,
    /// Customer payments.
    pub payments: Vec<i64>,
    /// Received quantity per row of a credit.
    pub received: BTreeMap<i64, i64>,
    /// Whether it was made by cloning another order.
    pub is_clone: bool,
    /// Whether "fully shipped" has been told.
    pub told_shipped: bool,
}

/// Totals of an order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// Net.
    pub net: Decimal,
    /// Tax.
    pub tax: Decimal,
    /// Net and tax.
    pub gross: Decimal,
}

impl Totals {
    /// The same in the base currency, by a rate in the direction that the switch says.
    pub fn base(&self, rate: Decimal, switches: &Switches) -> Self {
        let is_reverse = switches.is("exchange_rate", "base_per_order");
        let turn = |amount: Decimal| round(if is_reverse { amount * rate } else { amount.checked_div(rate).unwrap_or(amount) }, 2);
        Self { net: turn(self.net), tax: turn(self.tax), gross: turn(self.gross) }
    }
}

/// What has become of a row's quantity.
#[derive(Debug, Clone, Default)]
pub struct RowState {
    /// Reserved, not yet on a note.
    pub reserved: i64,
    /// On a note.
    pub fulfilled: i64,
    /// On a shipped note.
    pub shipped: i64,
    /// On goods-out notes, by warehouse.
    pub places: BTreeMap<i64, i64>,
}

/// The four status codes of BP §e.6.
#[derive(Debug, Clone)]
pub struct Codes {
    /// Payment status.
    pub payment: &'static str,
    /// Stock or fulfilment status.
    pub stock: String,
    /// Allocation status.
    pub allocation: &'static str,
    /// Shipping status.
    pub shipping: &'static str,
}

impl Order {
    /// Whether it is invoiced for good, so that rows are locked. A pending invoice does not protect it (BP §e.5).
    pub fn is_invoiced(&self) -> bool {
        !self.invoice.reference.is_empty() && self.invoice.reference != "pending"
    }

    /// The totals, rounded as the switch says (BP §m.2).
    pub fn totals(&self, switches: &Switches) -> Totals {
        let shown = switches.is("row_sum", "shown");
        let part = |amount: Decimal| if shown { round(amount, 2) } else { amount };
        let net: Decimal = self.rows.values().map(|row| part(row.net)).sum();
        let tax: Decimal = self.rows.values().map(|row| part(row.tax)).sum();
        Totals { net: round(net, 2), tax: round(tax, 2), gross: round(net + tax, 2) }
    }

    /// The next row sequence.
    pub fn next_sequence(&self) -> i64 {
        self.rows.values().map(|row| row.sequence).max().unwrap_or(0) + 10
    }
}

impl Account {
    /// What has become of each row's quantity.
    pub fn row_states(&self, order: &Order) -> BTreeMap<i64, RowState> {
        let mut states: BTreeMap<i64, RowState> = order.rows.keys().map(|id| (*id, RowState::default())).collect();
        for (row, quantity) in self.reservations.get(&order.id).map(|one| &one.rows).into_iter().flatten() {
            states.entry(*row).or_default().reserved += quantity;
        }
        for note in order.goods_out.iter().filter_map(|id| self.notes.get(id)) {
            for line in &note.lines {
                let state = states.entry(line.row).or_default();
                state.fulfilled += line.quantity;
                state.shipped += if note.shipped_on.is_some() { line.quantity } else { 0 };
                *state.places.entry(note.warehouse).or_insert(0) += line.quantity;
            }
        }
        for note in order.drop_ships.iter().filter_map(|id| self.drop_ships.get(id)) {
            for (row, _, quantity) in &note.lines {
                let state = states.entry(*row).or_default();
                state.fulfilled += quantity;
                state.shipped += if note.shipped_on.is_some() { *quantity } else { 0 };
            }
        }
        states
    }

    /// The money received for an order, refunds taken off; for a credit the money paid out.
    pub fn paid(&self, order: &Order, switches: &Switches) -> Decimal {
        let credit = matches!(order.kind.as_str(), "SC" | "PC");
        order.payments.iter().filter_map(|id| self.payments.get(id)).map(|payment| payment.effect(credit, switches)).sum()
    }

    /// The status codes, recomputed from what happened (BP §l.7, §l.9).
    pub fn codes(&self, order: &Order, switches: &Switches) -> Codes {
        let states = self.row_states(order);
        let (mut wanted, mut reserved, mut fulfilled, mut shipped) = (0, 0, 0, 0);
        for row in order.rows.values().filter(|row| row.tracked || states.get(&row.id).is_some_and(|state| state.fulfilled > 0)) {
            let quantity = row.quantity.to_i64().unwrap_or(0);
            wanted += quantity;
            if let Some(state) = states.get(&row.id) {
                reserved += state.reserved.min(quantity);
                fulfilled += state.fulfilled.min(quantity);
                shipped += state.shipped.min(quantity);
            }
        }
        if order.kind != "SO" {
            fulfilled = order.received.values().sum();
        }
        let stage = |done: i64, none: &'static str, part: &'static str, all: &'static str| {
            if done <= 0 {
                none
            } else if done < wanted {
                part
            } else {
                all
            }
        };
        let sale = order.kind == "SO";
        let stock = match (order.kind.as_str(), wanted) {
            ("SO", 0) => "NON".to_owned(),
            (kind, _) => format!("{kind}{}", stage(fulfilled, "N", "P", "A")),
        };
        Codes {
            payment: self.payment_status(order, switches),
            stock,
            allocation: if wanted == 0 || !sale { "ANR" } else { stage(reserved + fulfilled, "ANA", "APA", "AAA") },
            shipping: if wanted == 0 || !sale { "NST" } else { stage(shipped, "SNS", "SPS", "ASS") },
        }
    }

    fn payment_status(&self, order: &Order, switches: &Switches) -> &'static str {
        let total = order.totals(switches).gross;
        let paid = self.paid(order, switches);
        if total.is_zero() {
            "NOT_APPLICABLE"
        } else if paid <= Decimal::ZERO {
            "UNPAID"
        } else if paid >= total {
            "PAID"
        } else {
            "PARTIALLY_PAID"
        }
    }
}
