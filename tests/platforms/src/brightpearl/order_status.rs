//! Status changes with the cancel guard, and order notes (BP §e.5, §e.7).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Account, IdKind};
use super::call::Call;
use super::json::{flag, instant, int, object, text};
use super::order::{Note, Order};
use super::order_build::status;
use super::reply::{Answer, Refusal, Reply};
use super::switches::Switches;

/// `PUT /order/{id}/status`.
pub fn put(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let order = call.account.orders.get(&id).ok_or_else(|| Refusal::bad("ORDC-003", format!("Invalid order id {id}")))?;
    let wanted = int(&body, "orderStatusId")?.ok_or_else(|| Refusal::bad("ORDC-999", "orderStatusId is required"))?;
    let wanted = status(call.account, &order.kind, wanted)?;
    let note = object(&body, "orderNote")?.cloned();
    let note_text = match &note {
        Some(note) => text(note, "text")?,
        None => None,
    };
    let public = note.as_ref().map(|note| flag(note, "isPublic")).transpose()?.flatten().unwrap_or(false);
    change(call.account, id, wanted, call.switches, call.now)?;
    let name = call.account.lists.status(wanted).and_then(|entry| entry.get("name")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let words = note_text.unwrap_or_else(|| format!("Order status changed to {name}"));
    push_note(call.account, id, words, public, call.actor.contact, call.now);
    Reply::done()
}

/// Whether an order may move to a status: cancelling is refused while notes exist, when invoiced, or while payments do not net to zero.
///
/// # Errors
/// 400 if it may not.
pub fn guard(account: &Account, order: &Order, wanted: i64, switches: &Switches) -> Result<(), Refusal> {
    let cancelled = account.lists.config_id("cancelledOrderStatusId");
    if cancelled == 0 || wanted != cancelled || order.status_id == cancelled {
        return Ok(());
    }
    let refuse = |why: &str| Err(Refusal::bad("ORDC-999", format!("Order {} cannot be cancelled: {why}", order.id)));
    if !order.goods_out.is_empty() || !order.drop_ships.is_empty() {
        return refuse("it has goods-out notes");
    }
    if !order.invoice.reference.is_empty() {
        return refuse("it is invoiced");
    }
    if !account.paid(order, switches).is_zero() {
        return refuse("it has payments");
    }
    Ok(())
}

/// Moves an order to a status; cancelling releases what was reserved.
///
/// # Errors
/// The cancel guard's.
pub fn change(account: &mut Account, id: i64, wanted: i64, switches: &Switches, now: Timestamp) -> Result<(), Refusal> {
    let order = account.orders.get(&id).cloned().ok_or_else(|| Refusal::bad("ORDC-003", format!("Invalid order id {id}")))?;
    guard(account, &order, wanted, switches)?;
    if wanted == account.lists.config_id("cancelledOrderStatusId") {
        account.drop_reservation(id, switches, now);
    }
    if order.status_id == wanted {
        return Ok(());
    }
    if let Some(order) = account.orders.get_mut(&id) {
        order.status_id = wanted;
    }
    account.bump(id, now);
    account.raise("order.modified.order-status", id, now);
    Ok(())
}

/// Adds a note.
pub fn push_note(account: &mut Account, id: i64, words: String, is_public: bool, by: i64, at: Timestamp) -> i64 {
    let note_id = account.next_id(IdKind::OrderNote);
    if let Some(order) = account.orders.get_mut(&id) {
        let status_id = order.status_id;
        order.notes.push(Note { id: note_id, text: words, is_public, status_id, added_on: at, created_by: by });
    }
    note_id
}

/// `POST /order/{id}/note`.
pub fn add_note(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    if !call.account.orders.contains_key(&id) {
        return Err(Refusal::bad("ORDC-003", format!("Invalid order id {id}")));
    }
    let words = text(&body, "text")?.filter(|words| !words.is_empty()).ok_or_else(|| Refusal::bad("ORDC-999", "text is required"))?;
    let public = flag(&body, "isPublic")?.unwrap_or(false);
    let added_on = instant(&body, "addedOn")?.unwrap_or(call.now);
    let note = push_note(call.account, id, words, public, call.actor.contact, added_on);
    call.account.bump(id, call.now);
    call.account.raise("order.modified", id, call.now);
    Reply::data(note)
}

/// `GET /order/{id}/note`.
pub fn notes(call: &Call<'_>, id: i64) -> Answer {
    let order = call.account.orders.get(&id).ok_or_else(|| Refusal::bad("ORDC-003", format!("Invalid order id {id}")))?;
    let shown: Vec<Value> = order.notes.iter().map(|note| view(call.account, id, note)).collect();
    Reply::data(shown)
}

/// One note as the API shows it.
pub fn view(account: &Account, order: i64, note: &Note) -> Value {
    json!({"noteId": note.id, "orderId": order, "text": note.text, "isPublic": note.is_public, "addedOn": account.show(note.added_on),
        "createdOn": account.show(note.added_on), "createdBy": note.created_by, "orderStatusId": note.status_id})
}
