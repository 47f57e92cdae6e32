//! What staff do with orders in the demo: wait for the sales order, then ship, in one part or two, or cancel.

use std::time::{Duration, Instant};

use platforms::core::Rng;
use serde_json::{Value, json};

use crate::narrate::now;
use crate::sim::{Sim, Trouble, int};
use crate::state::{State, Tenant};
use crate::warehouse::{Part, open_rows, ship};

/// Brightpearl's "Paid, ready to ship".
const READY: i64 = 18;
/// Brightpearl's "Cancelled".
const CANCELLED: i64 = 5;

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The shopper has second thoughts.
    Cancel,
    /// Staff look it over before it is shipped.
    Review,
    /// Shipped in one part.
    Ship,
    /// Shipped in two parts.
    ShipInTwo,
}

/// An order that is not done.
#[derive(Debug)]
struct Open<'a> {
    tenant: &'a Tenant,
    order: i64,
    fate: Option<Fate>,
    /// Not before this.
    due: Instant,
}

/// The staff of all merchants.
#[derive(Debug)]
pub struct Staff<'a> {
    stores: Sim,
    accounts: Sim,
    open: Vec<Open<'a>>,
    /// Orders placed.
    pub placed: usize,
    /// Notes shipped.
    pub shipped: usize,
    /// Orders cancelled.
    pub cancelled: usize,
}

impl<'a> Staff<'a> {
    /// Nothing to do yet.
    pub fn new(state: &'a State) -> Self {
        Self { stores: state.stores(), accounts: state.accounts(), open: Vec::new(), placed: 0, shipped: 0, cancelled: 0 }
    }

    /// An order was placed.
    pub fn take(&mut self, tenant: &'a Tenant, order: i64) {
        self.placed += 1;
        self.open.push(Open { tenant, order, fate: None, due: Instant::now() });
    }

    /// Looks at every order that is due.
    pub async fn round(&mut self, rng: &mut Rng) -> Result<(), Trouble> {
        let mut left = Vec::new();
        for mut open in std::mem::take(&mut self.open) {
            if Instant::now() < open.due || self.work_on(&mut open, rng).await? {
                left.push(open);
            }
        }
        self.open = left;
        Ok(())
    }

    /// Whether the order stays open.
    async fn work_on(&mut self, open: &mut Open<'a>, rng: &mut Rng) -> Result<bool, Trouble> {
        let reference = open.tenant.external_ref(open.order);
        let seen = self.accounts.get(&format!("accounts/{}/orders?external_ref={reference}", open.tenant.account)).await?;
        let Some(sales_order) = seen.pointer("/orders/0") else { return Ok(true) };
        let Some(fate) = open.fate else {
            open.fate = Some(choose(rng, sales_order));
            open.due = later(rng, 2500, 6000);
            return Ok(true);
        };
        if int(sales_order, "/orderStatus/orderStatusId") == Some(CANCELLED) {
            return Ok(false);
        }
        match fate {
            Fate::Cancel => {
                self.stores.post(&format!("stores/{}/orders/{}/cancel", open.tenant.store, open.order), &json!({})).await?;
                self.cancelled += 1;
                now(&open.tenant.id, "shopper", &format!("cancelled order {}", open.order));
                Ok(false)
            }
            Fate::Review => {
                let id = int(sales_order, "/id").unwrap_or_default();
                let path = format!("accounts/{}/orders/{id}/status", open.tenant.account);
                self.accounts.post(&path, &json!({ "status_id": READY })).await?;
                now(&open.tenant.id, "staff", &format!("set sales order {id} to Paid, ready to ship"));
                (open.fate, open.due) = (Some(Fate::Ship), later(rng, 3000, 5000));
                Ok(true)
            }
            Fate::ShipInTwo => {
                self.ship(open.tenant, sales_order, Part::Half, rng).await?;
                (open.fate, open.due) = (Some(Fate::Ship), later(rng, 4000, 8000));
                Ok(true)
            }
            Fate::Ship => {
                self.ship(open.tenant, sales_order, Part::Rest, rng).await?;
                Ok(false)
            }
        }
    }

    async fn ship(&mut self, tenant: &Tenant, sales_order: &Value, part: Part, rng: &mut Rng) -> Result<(), Trouble> {
        let Some(done) = ship(&self.accounts, tenant, sales_order, part, rng).await? else { return Ok(()) };
        self.shipped += 1;
        let id = int(sales_order, "/id").unwrap_or_default();
        let what = if part == Part::Half { "a first part" } else { "all that was left" };
        now(&tenant.id, "warehouse", &format!("shipped {what} of sales order {id}: note {}, tracking {}", done.note, done.tracking));
        Ok(())
    }
}

fn choose(rng: &mut Rng, sales_order: &Value) -> Fate {
    let pieces: i64 = open_rows(sales_order).iter().map(|(_, quantity)| quantity).sum();
    match rng.range(1, 100) {
        1..=6 => Fate::Cancel,
        7..=18 => Fate::Review,
        19..=48 if pieces > 1 => Fate::ShipInTwo,
        _ => Fate::Ship,
    }
}

fn later(rng: &mut Rng, low: i64, high: i64) -> Instant {
    Instant::now() + Duration::from_millis(u64::try_from(rng.range(low, high)).unwrap_or(3000))
}
