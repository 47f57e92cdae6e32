//! One command as calls to its platform, and the look-up that tells whether an earlier one took effect.

use orderbridge_decide::{choose_contact, is_there, normalise_email};
use orderbridge_http_client::{CallError, Deadline, Permit, PoolKey, QuotaGate, SendGuard};
use orderbridge_reconcile::Session;
use orderbridge_schema::command::{Command, CommandKind, NewContact, NewShipment};
use orderbridge_schema::facts::{CustomerField, StoreShipment, WholeSalesOrder};
use orderbridge_schema::ids::Platform;
use orderbridge_schema::refund::ExtraRow;
use orderbridge_schema::work::Share;

/// The platform a kind of command changes.
pub(crate) const fn platform(kind: CommandKind) -> Platform {
    kind.platform()
}

/// Pays for a command before it is marked sent, so that no sent command ever waits for quota.
pub(crate) async fn pay(gate: &dyn QuotaGate, session: &Session, kind: CommandKind) -> Result<Vec<Permit>, CallError> {
    let pool: &PoolKey = match platform(kind) {
        Platform::Brightpearl => session.brightpearl.pool(),
        Platform::Bigcommerce => session.bigcommerce.pool(),
    };
    let mut permits = Vec::new();
    let share = share(session, kind);
    for _call in 0..kind.calls() {
        let paid = gate.acquire(pool, share).await.inspect_err(|_| give_back(gate, &mut permits))?;
        permits.push(paid);
    }
    Ok(permits)
}

/// Gives back what was paid for calls that are not made.
pub(crate) fn give_back(gate: &dyn QuotaGate, permits: &mut Vec<Permit>) {
    permits.drain(..).for_each(|permit| gate.give_back(permit));
}

/// What failed before, and what a person has done over again, is paid from nobody else's share.
const fn share(session: &Session, kind: CommandKind) -> Share {
    match (session.share, kind) {
        (Share::Replay | Share::Retries, _) => session.share,
        (_, CommandKind::CreateShipment | CommandKind::CreatePayment) => Share::Fulfilment,
        (
            _,
            CommandKind::CreateContact
            | CommandKind::CreateSalesOrder
            | CommandKind::SetExternalOrderId
            | CommandKind::SetSalesOrderStatus
            | CommandKind::SetStoreStatus
            | CommandKind::ReserveStock
            | CommandKind::SetReservation
            | CommandKind::SetOrderFields
            | CommandKind::AddOrderNote
            | CommandKind::UpdateContact
            | CommandKind::SetContactAddress
            | CommandKind::SetOrderRow
            | CommandKind::AddOrderRow
            | CommandKind::CreateSalesCredit
            | CommandKind::ReceiveGoods
            | CommandKind::EditSalesOrder,
        ) => Share::Orders,
    }
}

/// What an answer told.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Id of what was made, if the answer named one.
    pub(crate) id: Option<u64>,
    /// The sales order as it is after a change, if the answer told.
    pub(crate) sales_order: Option<WholeSalesOrder>,
}

/// Makes the call, with what was paid for it.
pub(crate) async fn call(session: &Session, command: &Command, permits: &mut Vec<Permit>, deadline: Deadline) -> Result<Answer, CallError> {
    let Command::EditSalesOrder(edit) = command else {
        return create_or_set(session, command, permits, deadline).await.map(|id| Answer { id, sales_order: None });
    };
    let permit = permits.pop().ok_or_else(|| CallError::not_sent("the command was not paid for"))?;
    let sales_order = session.brightpearl.edit_sales_order(edit, SendGuard { permit, deadline }).await?;
    Ok(Answer { id: None, sales_order })
}

/// `None` is a success whose answer named no id.
async fn create_or_set(session: &Session, command: &Command, permits: &mut Vec<Permit>, deadline: Deadline) -> Result<Option<u64>, CallError> {
    let mut guard = || permits.pop().map(|permit| SendGuard { permit, deadline }).ok_or_else(|| CallError::not_sent("the command was not paid for"));
    match command {
        Command::CreateContact(contact) => {
            let address = session.brightpearl.create_address(&contact.address, guard()?).await.map_err(address_only)?;
            session.brightpearl.create_contact(contact, address, guard()?).await.map(|id| Some(id.0))
        }
        Command::CreateSalesOrder(order) => session.brightpearl.create_sales_order(order, guard()?).await.map(|id| id.map(|id| id.0)),
        Command::SetExternalOrderId { order, sales_order } => {
            session.bigcommerce.set_external_order_id(*order, &format!("BP-{sales_order}"), guard()?).await.map(|()| None)
        }
        Command::SetSalesOrderStatus { sales_order, status, .. } => {
            session.brightpearl.set_order_status(*sales_order, *status, guard()?).await.map(|()| None)
        }
        Command::SetStoreStatus { order, status, .. } => session.bigcommerce.set_order_status(*order, *status, guard()?).await.map(|()| None),
        Command::CreateShipment(shipment) => session.bigcommerce.create_shipment(shipment, guard()?).await.map(|id| Some(id.0)),
        Command::CreatePayment(payment) => session.brightpearl.create_payment(payment, guard()?).await.map(|id| id.map(|id| id.0)),
        // There is one reservation per order at most (BP §h.2): the order's id is its own.
        Command::ReserveStock(reservation) => session.brightpearl.reserve(reservation, guard()?).await.map(|()| Some(reservation.sales_order.0)),
        Command::SetReservation(reservation) => session.brightpearl.set_reservation(reservation, guard()?).await.map(|()| None),
        Command::SetOrderFields { sales_order, fields } => session.brightpearl.set_order_fields(*sales_order, fields, guard()?).await.map(|()| None),
        Command::AddOrderNote(note) => session.brightpearl.add_order_note(note, guard()?).await,
        Command::UpdateContact(update) => session.brightpearl.update_contact(update, guard()?).await.map(|()| None),
        Command::SetContactAddress(new) => {
            let address = session.brightpearl.create_address(&new.address, guard()?).await.map_err(address_only)?;
            session.brightpearl.set_contact_address(new, address, guard()?).await.map(|()| None)
        }
        Command::SetOrderRow(change) => session.brightpearl.set_order_row(change, guard()?).await.map(|()| None),
        Command::AddOrderRow(row) => session.brightpearl.add_order_row(row, guard()?).await,
        Command::CreateSalesCredit(credit) => session.brightpearl.create_sales_credit(credit, guard()?).await.map(|id| id.map(|id| id.0)),
        Command::ReceiveGoods(goods) => session.brightpearl.receive_goods(goods, guard()?).await,
        // Its answer tells more than an id.
        Command::EditSalesOrder(edit) => session.brightpearl.edit_sales_order(edit, guard()?).await.map(|_| None),
    }
}

/// An address in doubt leaves at worst one that nobody refers to; the contact itself was certainly not made.
fn address_only(error: CallError) -> CallError {
    match error {
        CallError::Uncertain { why, .. } => CallError::NotSent { why: format!("postal address: {why}") },
        other => other,
    }
}

/// What a look-up tells of a command in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It took effect; the id of what it made, if it makes something.
    Yes(Option<u64>),
    /// No trace of it now.
    No,
}

/// Looks whether a command in doubt took effect.
pub(crate) async fn look_up(session: &Session, command: &Command) -> Result<Found, CallError> {
    let share = share(session, command.kind());
    let found = match command {
        Command::CreateContact(contact) => contact_of(session, contact, share).await?,
        Command::CreateSalesOrder(order) => {
            // Under whichever installation: it may have changed since the command was sent.
            let found = session.brightpearl.orders_with_external_ref(&order.external_ref, None, share).await?;
            found.first().map(|id| Some(id.0))
        }
        Command::SetExternalOrderId { order, sales_order } => {
            let now = session.bigcommerce.order(*order, share).await?;
            now.filter(|order| order.external_order_id == format!("BP-{sales_order}")).map(|_| None)
        }
        Command::SetSalesOrderStatus { sales_order, status, .. } => {
            let now = session.brightpearl.orders(&[*sales_order], share).await?;
            now.first().filter(|order| order.status == *status).map(|_| None)
        }
        Command::SetStoreStatus { order, status, .. } => {
            session.bigcommerce.order(*order, share).await?.filter(|order| order.status == *status).map(|_| None)
        }
        Command::CreateShipment(shipment) => {
            let present = session.bigcommerce.shipments(shipment.order, share).await?;
            present.iter().find(|present| is_marked(present, shipment)).map(|present| Some(present.id.0))
        }
        Command::CreatePayment(payment) => {
            let present = session.brightpearl.payments_of_order(payment.sales_order, share).await?;
            present.iter().find(|present| present.reference == payment.reference).map(|present| Some(present.id.0))
        }
        Command::ReserveStock(reservation) => {
            let found = session.brightpearl.reservations(&[reservation.sales_order], share).await?;
            found.get(&reservation.sales_order).filter(|rows| !rows.is_empty()).map(|_| Some(reservation.sales_order.0))
        }
        Command::SetReservation(reservation) => {
            let found = session.brightpearl.reservations(&[reservation.sales_order], share).await?;
            let present = found.get(&reservation.sales_order);
            present.filter(|present| reservation.rows.iter().all(|row| present.contains(row))).map(|_| None)
        }
        // Decided anew a moment ago from what is there now: what was sent before did not take effect, and cannot any more.
        Command::EditSalesOrder(_) => None,
        Command::SetOrderFields { sales_order, fields } => session.brightpearl.has_order_fields(*sales_order, fields, share).await?.then_some(None),
        Command::AddOrderNote(note) => {
            let present = session.brightpearl.order_notes(note.sales_order, share).await?;
            present.iter().find(|present| present.text.normalised() == note.text.normalised()).map(|present| Some(present.id))
        }
        Command::UpdateContact(update) => {
            let present = session.brightpearl.contact(update.contact, share).await?;
            present.filter(|present| update.fields.iter().all(|field| is_there(*field, &update.values, &present.billing))).map(|_| None)
        }
        Command::SetContactAddress(new) => {
            let present = session.brightpearl.contact(new.contact, share).await?;
            present.filter(|present| is_there(CustomerField::Address, &new.address, &present.billing)).map(|_| None)
        }
        Command::SetOrderRow(change) => session.brightpearl.has_order_row(change, share).await?.then_some(None),
        Command::AddOrderRow(row) => {
            let found = session.brightpearl.row_named(row.sales_order, &ExtraRow::mark(row.refund), share).await?;
            found.map(Some)
        }
        Command::CreateSalesCredit(credit) => {
            let found = session.brightpearl.sales_credit_with_external_ref(&credit.external_ref, share).await?;
            found.map(|id| Some(id.0))
        }
        Command::ReceiveGoods(goods) => session.brightpearl.goods_in_of(goods.credit, share).await?.map(Some),
    };
    Ok(found.map_or(Found::No, Found::Yes))
}

async fn contact_of(session: &Session, contact: &NewContact, share: Share) -> Result<Option<Option<u64>>, CallError> {
    let matches = match (&contact.reference, contact.found_by_reference) {
        (Some(reference), true) => {
            let name = (contact.address.first_name.as_str(), contact.address.last_name.as_str());
            session.brightpearl.contacts_with_reference(name, reference, share).await?
        }
        _ => session.brightpearl.contacts_with_email(&normalise_email(&contact.address.email), share).await?,
    };
    Ok(choose_contact(&matches).map(|contact| Some(contact.id.0)))
}

fn is_marked(present: &StoreShipment, wanted: &NewShipment) -> bool {
    NewShipment::mark_in(&present.comments) == NewShipment::mark_in(&wanted.comments)
}
