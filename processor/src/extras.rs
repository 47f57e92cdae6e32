//! Reservations and texts: what a command achieved, and what is remembered of them without one.

use orderbridge_decide::OrderFacts;
use orderbridge_postgres::{CommandState, Confirmed, DbError, JournalEntry, NewLink, TimelineEntry};
use orderbridge_reconcile::Session;
use orderbridge_schema::command::{Command, CommandKey, CommandKind, NewOrderNote};
use orderbridge_schema::decision::{Decision, FoundText};
use orderbridge_schema::order_text::{SentText, TextSource};
use orderbridge_schema::reservation::{ReservationMark, ReservationState, TOLD};
use orderbridge_schema::rules::{Allocation, Rules};
use orderbridge_schema::work::Scope;

use crate::account::Worker;
use crate::execute::Effected;

/// What a command about a reservation or a text achieved; `None` if it made something whose id is not known.
pub(crate) fn effected(command: &Command, id: Option<u64>) -> Option<Effected> {
    let mark = |sales_order, state| Effected::Reserved(ReservationMark { sales_order, state, tried_at: None });
    match command {
        Command::ReserveStock(reservation) => Some(mark(reservation.sales_order, ReservationState::Asked)),
        Command::SetReservation(reservation) => Some(mark(reservation.sales_order, ReservationState::Set)),
        Command::SetOrderFields { sales_order, fields } => {
            let text = |source, digest| SentText { sales_order: *sales_order, source, digest };
            Some(Effected::Texts(fields.iter().map(|field| text(field.source, field.digest.clone())).collect()))
        }
        Command::AddOrderNote(note) => {
            let text = SentText { sales_order: note.sales_order, source: note.source, digest: note.digest.clone() };
            id.map(|_| Effected::Texts(vec![text]))
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
        | Command::EditSalesOrder(_) => None,
    }
}

/// A reservation may wait for the payment that was just booked: whether the order is paid now is read again.
pub(crate) fn after_payment(rules: &Rules, facts: &mut OrderFacts, command: &Command) {
    let Command::CreatePayment(payment) = command else { return };
    let is_waited_for =
        rules.orders.allocation == Allocation::WhenPaid && facts.reservations.iter().all(|mark| mark.sales_order != payment.sales_order);
    if is_waited_for {
        facts.sales_orders.remove(&payment.sales_order);
    }
}

/// What was reserved is read again after whatever changed it.
pub(crate) fn remember_mark(facts: &mut OrderFacts, mark: ReservationMark) {
    if matches!(mark.state, ReservationState::Asked | ReservationState::Set) {
        facts.reserved.remove(&mark.sales_order);
    }
    match facts.reservations.iter_mut().find(|known| known.sales_order == mark.sales_order) {
        Some(known) => *known = mark,
        None => facts.reservations.push(mark),
    }
}

/// What was written of the rows' texts is read back, as their names are.
pub(crate) fn wrote_text(facts: &mut OrderFacts, text: SentText) {
    if text.source == TextSource::RowTexts {
        facts.order_notes.remove(&text.sales_order);
    }
    remember_text(facts, text);
}

/// The later text takes the earlier one's place.
fn remember_text(facts: &mut OrderFacts, text: SentText) {
    match facts.sent_texts.iter_mut().find(|known| known.sales_order == text.sales_order && known.source == text.source) {
        Some(known) => *known = text,
        None => facts.sent_texts.push(text),
    }
}

impl Worker {
    /// Stores what a decision found out about reservations and texts. Tells whether that was anything new.
    pub(crate) async fn record_extras(&self, session: &Session, facts: &mut OrderFacts, decision: &Decision) -> Result<bool, DbError> {
        let told = decision.remarks.iter().filter(|remark| TOLD.contains(&remark.key));
        let mut told = told.map(|remark| self.entry(session, facts, remark.key, remark.text.clone())).collect();
        let mut is_new = self.record_in_step(session, facts, decision).await?;
        for mark in &decision.reservations {
            if !facts.reservations.contains(mark) {
                self.record_mark(session, facts, *mark, std::mem::take(&mut told)).await?;
                remember_mark(facts, *mark);
                is_new = true;
            }
        }
        for found in &decision.found_texts {
            if !facts.sent_texts.contains(&found.text) {
                self.record_text(session, facts, found).await?;
                remember_text(facts, found.text.clone());
                is_new = true;
            }
        }
        Ok(is_new)
    }

    /// A reservation that was found without an answer of ours may be that of a call whose answer never came.
    async fn record_mark(&self, session: &Session, facts: &OrderFacts, mark: ReservationMark, told: Vec<TimelineEntry>) -> Result<(), DbError> {
        let before = facts.reservations.iter().find(|known| known.sales_order == mark.sales_order).map(|known| known.state);
        let was_answered = matches!(before, None | Some(ReservationState::Asked | ReservationState::Set));
        let may_be_ours = !was_answered && matches!(mark.state, ReservationState::Part | ReservationState::Done);
        let link = NewLink::Reservation(session.tenant.clone(), facts.id, mark);
        let open = if may_be_ours { self.open_command(session, CommandKind::ReserveStock, mark.sales_order.to_string()).await? } else { None };
        self.store(session, (link, told), open, mark.sales_order.0).await
    }

    async fn record_text(&self, session: &Session, facts: &OrderFacts, found: &FoundText) -> Result<(), DbError> {
        let link = NewLink::Text(session.tenant.clone(), facts.id, found.text.clone());
        let open = match found.note {
            Some(_) => self.open_command(session, CommandKind::AddOrderNote, NewOrderNote::key_of(&found.text)).await?,
            None => None,
        };
        self.store(session, (link, Vec::new()), open, found.note.unwrap_or_default()).await
    }

    /// The journal's row of a command that was sent and not answered.
    async fn open_command(&self, session: &Session, kind: CommandKind, id: String) -> Result<Option<JournalEntry>, DbError> {
        let entry = self.db.journal_entry(&CommandKey { scope: Scope::Tenant(session.tenant.clone()), kind, id }).await?;
        Ok(entry.filter(|entry| matches!(entry.state, CommandState::Sent | CommandState::InDoubt)))
    }

    /// Settles the command with what it made, or writes the link and what is to be told of it alone.
    async fn store(
        &self,
        session: &Session,
        (link, timeline): (NewLink, Vec<TimelineEntry>),
        open: Option<JournalEntry>,
        result: u64,
    ) -> Result<(), DbError> {
        match open {
            Some(entry) => {
                let confirmed = Confirmed { links: vec![link], timeline, ..Confirmed::default() };
                self.db.confirm(&entry, Some(result), confirmed).await.map(drop)
            }
            None => self.db.save_links(&session.account, &[link], &timeline).await,
        }
    }
}
