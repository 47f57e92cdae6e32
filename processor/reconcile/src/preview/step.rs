//! One step of a preview: the decision is noted, and the facts become what they would be.

use jiff::Timestamp;
use orderbridge_decide::{ContactFact, Context, OrderFacts};
use orderbridge_postgres::{CommandState, JournalEntry};
use orderbridge_schema::command::{Command, NewPayment, NewSalesOrder, NewShipment, external_ref, in_words};
use orderbridge_schema::decision::{AgreedStatus, Agreement, Decision};
use orderbridge_schema::facts::StoreShipment;
use orderbridge_schema::ids::{ContactId, PaymentId, SalesOrderId, ShipmentId};
use orderbridge_schema::link::{OrderLink, PaymentLink, ShipmentLink};
use orderbridge_schema::work::{Aspects, Scope};

use super::{Change, Preview, What, extras, refunds};
use crate::error::ReadError;
use crate::session::Session;

/// Whether more is to be found out.
pub(super) enum Next {
    /// Decide again.
    Again,
    /// Nothing more, or nothing that can be known now.
    Settled,
}

/// Takes a step. The journal is asked what became of earlier attempts, since that is what the processor would go by.
pub(super) async fn take(
    session: &Session,
    facts: &mut OrderFacts,
    preview: &mut Preview,
    decision: Decision,
    now: Timestamp,
) -> Result<Next, ReadError> {
    for remark in &decision.remarks {
        if !preview.remarks.contains(remark) {
            preview.remarks.push(remark.clone());
        }
    }
    facts.held.extend(decision.holds.iter().map(|hold| hold.effect));
    preview.holds.clone_from(&decision.holds);
    let recorded = record(session, facts, preview, &decision, now);
    let mut acted = false;
    for command in &decision.commands {
        let key = command.key(&Scope::Tenant(session.tenant.clone()), &session.account);
        let entry = session.db.journal_entry(&key).await?;
        if retried_shipment(facts, command, entry.as_ref()) {
            return Ok(Next::Again);
        }
        if preview.unknown.is_some() && is_status(command) {
            continue;
        }
        acted = true;
        if let Some(next) = made_before(session, facts, preview, command, entry.as_ref()) {
            return Ok(next);
        }
        let in_doubt = entry.is_some_and(|entry| matches!(entry.state, CommandState::Sent | CommandState::InDoubt));
        preview.changes.push(Change { key, in_doubt, what: what(facts, command) });
        if let Command::CreateSalesOrder(order) = command {
            follow_creation(session, facts, preview, order, now);
            return Ok(Next::Settled);
        }
        pretend(facts, preview, command, now);
    }
    if decision.commands.is_empty() {
        preview.settles_in_seconds = decision.again_after_seconds;
    }
    Ok(if recorded || acted { Next::Again } else { Next::Settled })
}

const fn is_status(command: &Command) -> bool {
    matches!(command, Command::SetStoreStatus { .. } | Command::SetSalesOrderStatus { .. })
}

/// What a decision would leave in our own records.
fn record(session: &Session, facts: &mut OrderFacts, preview: &mut Preview, decision: &Decision, now: Timestamp) -> bool {
    let mut recorded = false;
    if let Some(sales_order) = decision.adopted {
        preview.records.push(format!("sales order {sales_order}, made before, is taken over"));
        let mut made_before = link(session, facts, sales_order, false);
        if decision.adopted_without_key {
            made_before.external_ref.clear();
        }
        facts.links.push(made_before);
        facts.aspects = Aspects::ALL;
        recorded = true;
    }
    if let Some((sales_order, rows)) = &decision.verified {
        preview.records.push(format!("the comparison of sales order {sales_order} is noted, with {} rows", rows.len()));
        facts.links.iter_mut().filter(|link| link.sales_order == *sales_order).for_each(|link| link.verified = true);
        facts.row_links.extend(rows.iter().cloned());
        recorded = true;
    }
    for found in &decision.found_shipments {
        preview.records.push(format!("shipment {} is linked to {} {}", found.shipment, found.kind, found.note));
        facts.shipment_links.push(found.clone());
        recorded = true;
    }
    for found in &decision.found_payments {
        preview.records.push(format!("payment {} is linked to {}", found.payment, found.reference));
        facts.payment_links.push(found.clone());
        recorded = true;
    }
    recorded |= extras::record(facts, preview, decision);
    if let Some(said) = &decision.customer {
        facts.carried_of_customer(said);
    }
    recorded |= refunds::record(facts, preview, decision);
    if let Some(pair) = decision.agreed.filter(|pair| facts.agreed.map(|agreement| agreement.pair) != Some(*pair)) {
        preview.records.push(format!("that status {} at the store and {} in Brightpearl agree is noted", pair.store, pair.brightpearl));
        facts.agreed = Some(Agreement { pair, before: facts.agreed.map(|agreement| agreement.pair), at: now });
    }
    recorded
}

/// A shipment that was sent before without an answer is decided with that knowledge.
fn retried_shipment(facts: &mut OrderFacts, command: &Command, entry: Option<&JournalEntry>) -> bool {
    let Command::CreateShipment(_) = command else { return false };
    let sent = entry.filter(|entry| entry.sends > 0).and_then(|entry| Some((entry.key.id.clone(), entry.sent_at?)));
    let Some((mark, sent_at)) = sent.filter(|(mark, _)| !facts.shipments_in_doubt.contains_key(mark)) else { return false };
    facts.shipments_in_doubt.insert(mark, sent_at);
    true
}

/// What the journal knows to be made is not made again: its link would be restored.
fn made_before(session: &Session, facts: &mut OrderFacts, preview: &mut Preview, command: &Command, entry: Option<&JournalEntry>) -> Option<Next> {
    let entry = entry.filter(|entry| entry.state == CommandState::Confirmed)?;
    match (command, entry.result_id) {
        (Command::CreateContact(_), Some(id)) => {
            preview.records.push(format!("contact {id}, made before, is linked"));
            facts.contact = Some(ContactFact::Linked(ContactId(id)));
            Some(Next::Again)
        }
        (Command::CreateSalesOrder(_), Some(id)) => {
            preview.records.push(format!("sales order {id}, made before, is linked"));
            facts.links.push(link(session, facts, SalesOrderId(id), false));
            Some(Next::Again)
        }
        (Command::CreateContact(_) | Command::CreateSalesOrder(_), None) => {
            preview.unknown = Some("it was made before without an answer that named it, and is looked up");
            Some(Next::Settled)
        }
        (Command::UpdateContact(_) | Command::SetContactAddress(_), _) => None,
        (
            Command::CreatePayment(_)
            | Command::CreateShipment(_)
            | Command::SetExternalOrderId { .. }
            | Command::SetSalesOrderStatus { .. }
            | Command::SetStoreStatus { .. }
            | Command::ReserveStock(_)
            | Command::SetReservation(_)
            | Command::SetOrderFields { .. }
            | Command::AddOrderNote(_)
            | Command::SetOrderRow(_)
            | Command::AddOrderRow(_)
            | Command::CreateSalesCredit(_)
            | Command::ReceiveGoods(_)
            | Command::EditSalesOrder(_),
            _,
        ) => None,
    }
}

fn link(session: &Session, facts: &OrderFacts, sales_order: SalesOrderId, verified: bool) -> OrderLink {
    let external_ref = external_ref(&session.store, facts.id);
    OrderLink { order: facts.id, part: 0, sales_order, installation: session.installation, external_ref, verified }
}

/// Which field from what to what.
fn what(facts: &OrderFacts, command: &Command) -> What {
    let store_order = facts.store_order.iter().flatten().next();
    match command {
        Command::CreateContact(_) => What::Contact,
        Command::CreateSalesOrder(order) => What::SalesOrder { total: order.total(), currency: order.currency.clone(), rows: order.rows.len() },
        Command::SetExternalOrderId { order, sales_order } => What::Field {
            of: format!("store order {order}"),
            field: "reference",
            from: store_order.map(|order| order.external_order_id.clone()).unwrap_or_default(),
            to: format!("BP-{sales_order}"),
        },
        Command::SetSalesOrderStatus { sales_order, status, .. } => What::Field {
            of: format!("sales order {sales_order}"),
            field: "status",
            from: facts.sales_orders.get(sales_order).and_then(Option::as_ref).map(|order| order.status.to_string()).unwrap_or_default(),
            to: status.to_string(),
        },
        Command::SetStoreStatus { order, status, .. } => What::Field {
            of: format!("store order {order}"),
            field: "status",
            from: store_order.map(|order| order.status.to_string()).unwrap_or_default(),
            to: status.to_string(),
        },
        Command::CreatePayment(payment) => What::Payment {
            reference: payment.reference.clone(),
            kind: payment.kind,
            amount: payment.amount,
            currency: payment.currency.clone(),
            method: payment.method.clone(),
        },
        Command::CreateShipment(shipment) => {
            What::Shipment { mark: NewShipment::mark(shipment.note_kind, shipment.note, None), lines: shipment.items.clone() }
        }
        Command::EditSalesOrder(edit) => {
            What::Field { of: format!("sales order {}", edit.sales_order), field: "contents", from: String::new(), to: in_words(&edit.words) }
        }
        Command::ReserveStock(_) | Command::SetReservation(_) | Command::SetOrderFields { .. } | Command::AddOrderNote(_) => extras::what(command),
        Command::UpdateContact(update) => of_contact(update.contact, "details", update.shown()),
        Command::SetContactAddress(new) => of_contact(new.contact, "address", "the order's billing address".into()),
        Command::SetOrderRow(_) | Command::AddOrderRow(_) | Command::CreateSalesCredit(_) | Command::ReceiveGoods(_) => refunds::what(command),
    }
}

/// What changes on a contact is told by name, never by value.
fn of_contact(contact: ContactId, field: &'static str, to: String) -> What {
    What::Field { of: format!("contact {contact}"), field, from: String::new(), to }
}

/// A new sales order is made from the store's order as it is, so that nothing but its id is left to be written there. Its rows are
/// compared once it is made.
fn follow_creation(session: &Session, facts: &mut OrderFacts, preview: &mut Preview, order: &NewSalesOrder, now: Timestamp) {
    let made = SalesOrderId(0);
    let pair = AgreedStatus { store: order.agreed_with, brightpearl: order.status.unwrap_or(0.into()) };
    let mut after = facts.clone();
    after.links.push(link(session, facts, made, true));
    after.agreed = Some(Agreement { pair, before: None, at: now });
    after.aspects = Aspects::STORE_ORDER;
    after.held.clear();
    // What the store says of the customer is carried behind all else.
    after.customer = None;
    // What was paid is told once it is made: only then it is read.
    let mut rules = (*session.rules).clone();
    rules.payments.enabled = false;
    let ctx = Context { rules: &rules, ..session.context(now) };
    after.order_notes.insert(made, Vec::new());
    extras::follow_row_note(session, preview, order);
    let Some(decision) = extras::decided(session, &ctx, &mut after) else { return };
    extras::follow_texts(session, preview, &decision, order.order);
    for command in decision.commands.iter().filter(|command| matches!(command, Command::SetExternalOrderId { .. })) {
        let key = command.key(&Scope::Tenant(session.tenant.clone()), &session.account);
        let What::Field { of, field, from, .. } = what(facts, command) else { continue };
        let to = "BP- and the new sales order's id".to_owned();
        preview.changes.push(Change { key, in_doubt: false, what: What::Field { of, field, from, to } });
    }
    preview.remarks.extend(decision.remarks);
}

/// The facts as they would be after a command.
fn pretend(facts: &mut OrderFacts, preview: &mut Preview, command: &Command, now: Timestamp) {
    let agree = |facts: &mut OrderFacts, pair| {
        facts.agreed = Some(Agreement { pair, before: facts.agreed.map(|agreement| agreement.pair), at: now });
    };
    match command {
        Command::CreateContact(_) => facts.contact = Some(ContactFact::Linked(ContactId(0))),
        Command::CreatePayment(payment) => facts.payment_links.push(payment_link(payment)),
        // Told to its end already.
        Command::CreateSalesOrder(_) => {}
        Command::UpdateContact(update) => facts.carried_of_customer(&update.said),
        Command::SetContactAddress(new) => facts.carried_of_customer(&new.said),
        Command::SetExternalOrderId { sales_order, .. } => {
            facts.store_order.iter_mut().flatten().for_each(|order| order.external_order_id = format!("BP-{sales_order}"));
        }
        Command::SetSalesOrderStatus { sales_order, status, agreed_with } => {
            facts.sales_orders.get_mut(sales_order).into_iter().flatten().for_each(|order| order.status = *status);
            agree(facts, AgreedStatus { store: *agreed_with, brightpearl: *status });
        }
        Command::SetStoreStatus { status, agreed_with, .. } => {
            facts.store_order.iter_mut().flatten().for_each(|order| order.status = *status);
            agree(facts, AgreedStatus { store: *status, brightpearl: *agreed_with });
        }
        Command::EditSalesOrder(edit) => extras::pretend_edit(facts, edit),
        Command::ReserveStock(_) | Command::SetReservation(_) | Command::SetOrderFields { .. } | Command::AddOrderNote(_) => {
            extras::pretend(facts, command);
        }
        Command::SetOrderRow(_) | Command::AddOrderRow(_) | Command::CreateSalesCredit(_) | Command::ReceiveGoods(_) => {
            refunds::pretend(facts, preview, command);
        }
        Command::CreateShipment(shipment) => {
            preview.unknown = Some("the store moves the order's status by itself when a shipment is made; statuses are compared after that");
            let (kind, note, address) = (shipment.note_kind, shipment.note, shipment.address);
            facts.shipment_links.push(ShipmentLink { kind, note, order: facts.id, address, shipment: ShipmentId(0) });
            facts.shipments.iter_mut().for_each(|shipments| {
                shipments.push(StoreShipment {
                    id: ShipmentId(0),
                    address,
                    comments: shipment.comments.clone(),
                    tracking_number: shipment.tracking_number.clone(),
                    created_at: now,
                    items: shipment.items.clone(),
                });
            });
        }
    }
}

fn payment_link(payment: &NewPayment) -> PaymentLink {
    PaymentLink {
        order: payment.order,
        reference: payment.reference.clone(),
        sales_order: payment.sales_order,
        payment: PaymentId(0),
        kind: payment.kind,
        method: payment.method.clone(),
        amount: payment.amount,
        currency: payment.currency.clone(),
        rate: payment.rate,
    }
}
