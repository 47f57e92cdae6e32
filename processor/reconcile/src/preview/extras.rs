//! Reservations and texts in a preview.

use orderbridge_decide::{Context, Need, OrderFacts, Step, decide_order};
use orderbridge_schema::command::{Command, CommandKey, CommandKind, NewSalesOrder, SalesOrderEdit};
use orderbridge_schema::decision::Decision;
use orderbridge_schema::ids::{SalesOrderId, StoreOrderId};
use orderbridge_schema::order_text::{FieldWrite, OrderNote, SentText, TextSource};
use orderbridge_schema::reservation::{ReservationMark, ReservationState};
use orderbridge_schema::work::Scope;

use super::{Change, Preview, What};
use crate::own_records;
use crate::session::Session;

/// What a command about a reservation or a text would do, without any of the words.
pub(super) fn what(command: &Command) -> What {
    let field = |of: String, field, to| What::Field { of, field, from: String::new(), to };
    match command {
        Command::ReserveStock(reservation) | Command::SetReservation(reservation) => {
            let to = format!("{} pieces in warehouse {}", reservation.pieces(), reservation.warehouse);
            field(format!("sales order {}", reservation.sales_order), "reservation", to)
        }
        Command::SetOrderFields { sales_order, fields } => field(format!("sales order {sales_order}"), "custom fields", codes(fields)),
        Command::AddOrderNote(note) => {
            field(format!("sales order {}", note.sales_order), "order notes", format!("one more, with the {}", note.source.words()))
        }
        Command::CreateContact(_)
        | Command::CreateSalesOrder(_)
        | Command::SetExternalOrderId { .. }
        | Command::SetSalesOrderStatus { .. }
        | Command::SetStoreStatus { .. }
        | Command::CreateShipment(_)
        | Command::CreatePayment(_)
        | Command::UpdateContact(_)
        | Command::SetContactAddress(_)
        | Command::SetOrderRow(_)
        | Command::AddOrderRow(_)
        | Command::CreateSalesCredit(_)
        | Command::ReceiveGoods(_)
        | Command::EditSalesOrder(_) => What::Contact,
    }
}

fn codes(fields: &[FieldWrite]) -> String {
    let told = |field: &FieldWrite| format!("the {} in {}", field.source.words(), field.code);
    fields.iter().map(told).collect::<Vec<_>>().join(" and ")
}

/// The facts as they would be after such a command.
pub(super) fn pretend(facts: &mut OrderFacts, command: &Command) {
    match command {
        Command::ReserveStock(reservation) | Command::SetReservation(reservation) => {
            facts.lowered.insert(reservation.sales_order);
            done(facts, reservation.sales_order);
        }
        Command::SetOrderFields { sales_order, fields } => {
            for field in fields {
                sent(facts, SentText { sales_order: *sales_order, source: field.source, digest: field.digest.clone() });
            }
        }
        Command::AddOrderNote(note) => {
            sent(facts, SentText { sales_order: note.sales_order, source: note.source, digest: note.digest.clone() });
            facts.order_notes.entry(note.sales_order).or_default().push(OrderNote { id: 0, text: note.text.clone() });
        }
        Command::CreateContact(_)
        | Command::CreateSalesOrder(_)
        | Command::SetExternalOrderId { .. }
        | Command::SetSalesOrderStatus { .. }
        | Command::SetStoreStatus { .. }
        | Command::CreateShipment(_)
        | Command::CreatePayment(_)
        | Command::UpdateContact(_)
        | Command::SetContactAddress(_)
        | Command::SetOrderRow(_)
        | Command::AddOrderRow(_)
        | Command::CreateSalesCredit(_)
        | Command::ReceiveGoods(_)
        | Command::EditSalesOrder(_) => {}
    }
}

/// The facts as they would be after an edit was carried: both sides say what the store says now.
pub(super) fn pretend_edit(facts: &mut OrderFacts, edit: &SalesOrderEdit) {
    let seen_at = facts.store_order.iter().flatten().next().map(|order| order.modified_at);
    for mark in facts.in_step.iter_mut().filter(|mark| mark.sales_order == edit.sales_order) {
        mark.contents = edit.contents.clone();
        mark.seen_at = seen_at.unwrap_or(mark.seen_at);
    }
}

/// What a decision would leave in our own records.
pub(super) fn record(facts: &mut OrderFacts, preview: &mut Preview, decision: &Decision) -> bool {
    let mut recorded = false;
    for mark in decision.reservations.iter().filter(|mark| !facts.reservations.contains(mark)).copied().collect::<Vec<_>>() {
        preview.records.push(format!("that the reservation of sales order {} is {} is noted", mark.sales_order, mark.state));
        remember(facts, mark);
        recorded = true;
    }
    for found in decision.found_texts.iter().filter(|found| !facts.sent_texts.contains(&found.text)).cloned().collect::<Vec<_>>() {
        preview.records.push(format!("that the {} stands on sales order {} is noted", found.text.source.words(), found.text.sales_order));
        sent(facts, found.text);
        recorded = true;
    }
    for absence in decision.absences.iter().filter(|absence| !facts.absences.contains(absence)).copied().collect::<Vec<_>>() {
        preview.records.push(format!("that {} is noted", absence.what));
        facts.absences.retain(|known| known.what != absence.what);
        facts.absences.push(absence);
        recorded = true;
    }
    for what in decision.found_again.iter().copied() {
        preview.records.push("that what was missing is there again is noted".to_owned());
        facts.absences.retain(|known| known.what != what);
        recorded = true;
    }
    recorded
}

fn done(facts: &mut OrderFacts, sales_order: SalesOrderId) {
    remember(facts, ReservationMark { sales_order, state: ReservationState::Done, tried_at: None });
}

fn remember(facts: &mut OrderFacts, mark: ReservationMark) {
    facts.reservations.retain(|known| known.sales_order != mark.sales_order);
    facts.reservations.push(mark);
}

fn sent(facts: &mut OrderFacts, text: SentText) {
    facts.sent_texts.retain(|known| known.sales_order != text.sales_order || known.source != text.source);
    facts.sent_texts.push(text);
}

/// The decision about a sales order that is not there yet, for which nothing can be read; digests are worked out.
pub(super) fn decided(session: &Session, ctx: &Context<'_>, after: &mut OrderFacts) -> Option<Box<Decision>> {
    for _round in 0..2 {
        let needs = match decide_order(ctx, after) {
            Step::Decided(decision) => return Some(decision),
            Step::Need(needs) => needs,
        };
        let texts = needs.iter().find_map(|need| if let Need::Digests(texts) = need { Some(texts) } else { None })?;
        own_records::digest(session, after, texts).ok()?;
    }
    None
}

/// Texts that would follow a new sales order. It has no id yet, so that the store's order stands in the key.
pub(super) fn follow_texts(session: &Session, preview: &mut Preview, decision: &Decision, order: StoreOrderId) {
    for command in &decision.commands {
        let What::Field { field, to, .. } = (match command.kind() {
            CommandKind::SetOrderFields | CommandKind::AddOrderNote => what(command),
            _ => continue,
        }) else {
            continue;
        };
        let key = CommandKey { scope: Scope::Tenant(session.tenant.clone()), kind: command.kind(), id: format!("of-order-{order}/{to}") };
        let what = What::Field { of: "the new sales order".to_owned(), field, from: String::new(), to };
        preview.changes.push(Change { key, in_doubt: false, what });
    }
}

/// The note that would follow a new sales order with texts that are too long for its rows' names.
pub(super) fn follow_row_note(session: &Session, preview: &mut Preview, order: &NewSalesOrder) {
    if order.rows.iter().all(|row| row.details.is_empty()) {
        return;
    }
    let to = format!("one more, with the {}", TextSource::RowTexts.words());
    let key =
        CommandKey { scope: Scope::Tenant(session.tenant.clone()), kind: CommandKind::AddOrderNote, id: format!("of-order-{}/{to}", order.order) };
    let what = What::Field { of: "the new sales order".to_owned(), field: "order notes", from: String::new(), to };
    preview.changes.push(Change { key, in_doubt: false, what });
}
