//! Drop-ship notes (BP §h.4).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::call::Call;
use super::goods_out::{orders_of, tell_shipped};
use super::idset;
use super::json::{array, compact, instant, int, set, text};
use super::lists::Lists;
use super::order_build::short;
use super::reply::{Answer, Refusal, Reply};
use super::switches::Switches;

/// Notes per GET (BP §a.6).
const PAGE: usize = 200;

/// One drop-ship note.
#[derive(Debug, Clone, Default)]
pub struct DropShipNote {
    /// Its id.
    pub id: i64,
    /// Sales order.
    pub order: i64,
    /// Purchase order.
    pub purchase_order: i64,
    /// Supplier.
    pub supplier: i64,
    /// Row, product, quantity.
    pub lines: Vec<(i64, i64, i64)>,
    /// When it was shipped.
    pub shipped_on: Option<Timestamp>,
    /// By whom.
    pub shipped_by: i64,
    /// Tracking reference.
    pub reference: String,
    /// Shipping method.
    pub method: i64,
    /// Created.
    pub created_on: Timestamp,
    /// Events: when, owner, code.
    pub events: Vec<(Timestamp, i64, String)>,
}

impl DropShipNote {
    /// As the API shows it; where the tracking stands is a switch.
    pub fn view(&self, account: &Account, switches: &Switches) -> Value {
        let mut rows: Map<String, Value> = Map::new();
        for (row, product, quantity) in &self.lines {
            rows.insert(row.to_string(), json!([{"productId": product, "quantity": quantity, "locationId": 0}]));
        }
        let events: Vec<Value> =
            self.events.iter().map(|(at, by, code)| json!({"occured": account.show(*at), "eventOwnerId": by, "eventCode": code})).collect();
        let mut view = json!({
            "orderId": self.order, "purchaseOrderId": self.purchase_order, "supplierId": self.supplier,
            "status": {"shipped": self.shipped_on.is_some(), "shippedOn": self.shipped_on.map(|at| account.show(at)),
                "shippedById": self.shipped_on.map(|_| self.shipped_by)},
            "shipping": {"shippingMethodId": self.method}, "createdOn": account.show(self.created_on), "orderRows": rows, "events": events,
        });
        if switches.is("drop_ship_tracking", "trackingReference") {
            set(&mut view, "trackingReference", json!(self.reference));
        } else {
            if let Some(inner) = view.get_mut("shipping") {
                set(inner, "reference", json!(self.reference));
            }
        }
        compact(view)
    }
}

/// `GET /order/{ids|*}/goods-note/drop-ship[/{ids}]`.
pub fn read(call: &Call<'_>, orders: &str, ids: Option<&str>) -> Answer {
    let orders = orders_of(orders)?;
    let ids = ids.map(|ids| idset::parse_capped(ids, PAGE)).transpose()?;
    let shown: Map<String, Value> = call
        .account
        .drop_ships
        .values()
        .filter(|note| ids.as_ref().is_none_or(|ids| ids.contains(&note.id)) && orders.as_ref().is_none_or(|orders| orders.contains(&note.order)))
        .map(|note| (note.id.to_string(), note.view(call.account, call.switches)))
        .collect();
    if shown.len() > PAGE {
        return Err(Refusal::bad("WHSC-999", format!("At most {PAGE} drop-ship notes may be requested at once")));
    }
    Reply::data(Value::Object(shown))
}

/// `POST /goods-note/drop-ship/{id}/event` with SHS.
pub fn event(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let invalid = || Refusal::bad("WHSC-999", format!("You have provided an invalid drop-ship note Id: {id}"));
    let mut note = call.account.drop_ships.get(&id).cloned().ok_or_else(invalid)?;
    if note.shipped_on.is_some() {
        return Err(Refusal::bad("WHSC-999", format!("Drop-ship note {id} cannot be changed: it has been shipped.")));
    }
    if let Some(reference) = short(text(&body, "trackingReference")?, "trackingReference", 64)? {
        note.reference = reference;
    }
    if let Some(method) = int(&body, "shippingMethodId")? {
        if !Lists::has(&call.account.lists.shipping_methods, "id", method) {
            return Err(Refusal::bad("WHSC-999", format!("Shipping method {method} does not exist")));
        }
        note.method = method;
    }
    for entry in array(&body, "events")? {
        let code = text(entry, "eventCode")?.unwrap_or_default();
        if code != "SHS" {
            return Err(Refusal::bad("WHSC-999", format!("{code} is not a valid event code")));
        }
        let occured = instant(entry, "occured")?.unwrap_or(call.now);
        note.shipped_on = Some(occured);
        note.shipped_by = int(entry, "eventOwnerId")?.unwrap_or(call.actor.contact);
        note.events.push((occured, note.shipped_by, code));
    }
    let order = note.order;
    let shipped = note.shipped_on.is_some();
    call.account.drop_ships.insert(id, note);
    if shipped {
        call.account.raise("drop-ship-note.modified.shipped", id, call.now);
        call.account.bump(order, call.now);
        call.account.raise("order.modified", order, call.now);
        tell_shipped(call.account, order, call.switches, call.now);
    }
    Reply::done()
}
