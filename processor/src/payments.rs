//! Payments through the journal: those that were there already, and refusals that say no more than that.

use orderbridge_decide::OrderFacts;
use orderbridge_http_client::CallError;
use orderbridge_postgres::{CommandState, Confirmed, DbError, JournalEntry, NewLink};
use orderbridge_reconcile::Session;
use orderbridge_schema::command::{Command, CommandKey, CommandKind, NewPayment};
use orderbridge_schema::decision::Decision;
use orderbridge_schema::ids::PaymentId;
use orderbridge_schema::link::PaymentLink;
use orderbridge_schema::work::Scope;

use crate::account::Worker;
use crate::execute::Effected;
use crate::outcome::Outcome;
use crate::perform::{self, Found};

/// The link that a booked payment leaves.
pub(crate) fn link(payment: &NewPayment, id: PaymentId) -> PaymentLink {
    PaymentLink {
        order: payment.order,
        reference: payment.reference.clone(),
        sales_order: payment.sales_order,
        payment: id,
        kind: payment.kind,
        method: payment.method.clone(),
        amount: payment.amount,
        currency: payment.currency.clone(),
        rate: payment.rate,
    }
}

impl Worker {
    /// Stores what a decision found out about payments without booking one. Tells whether anything of it matters to the order.
    pub(crate) async fn record_payments(&self, session: &Session, facts: &mut OrderFacts, decision: &Decision) -> Result<bool, DbError> {
        for found in &decision.found_payments {
            self.link_found_payment(session, facts, found).await?;
            facts.payments_in_doubt.remove(&found.reference);
            facts.payment_links.push(found.clone());
        }
        if let Some(seen) = decision.paid_as_seen.as_ref().filter(|seen| facts.paid_as_seen.as_ref() != Some(seen)) {
            self.db.save_payments_seen(&session.tenant, facts.id, seen).await?;
            facts.paid_as_seen = Some(seen.clone());
        }
        Ok(!decision.found_payments.is_empty())
    }

    /// A payment with our key that is not linked: booked by an attempt whose answer never came, or before a database was restored.
    async fn link_found_payment(&self, session: &Session, facts: &OrderFacts, found: &PaymentLink) -> Result<(), DbError> {
        let text = format!("{} was found in Brightpearl as payment {}", found.reference, found.payment);
        let timeline = vec![self.entry(session, facts, "payment-found", text)];
        let link = NewLink::Payment(session.tenant.clone(), found.clone());
        let scope = Scope::Tenant(session.tenant.clone());
        let key = CommandKey { scope, kind: CommandKind::CreatePayment, id: found.reference.clone() };
        match self.db.journal_entry(&key).await? {
            Some(entry) if entry.state != CommandState::Confirmed || entry.result_id.is_none() => {
                let confirmed = Confirmed { links: vec![link], timeline, agreed: None };
                self.db.confirm(&entry, Some(found.payment.0), confirmed).await?;
            }
            _ => self.db.save_links(&session.account, &[link], &timeline).await?,
        }
        Ok(())
    }

    /// A definite no. Brightpearl refuses a payment that it has already, and no code tells that (BP §m.2): it is looked for, and found
    /// it is a success. As long as that cannot be told, it stays in doubt, since its method must not change then.
    pub(crate) async fn refused_or_there(
        &self,
        session: &Session,
        command: &Command,
        facts: &OrderFacts,
        entry: &JournalEntry,
        error: &CallError,
        attempts: u32,
    ) -> Result<Effected, Outcome> {
        if matches!(command, Command::CreatePayment(_)) && matches!(error, CallError::Refused { .. }) {
            match perform::look_up(session, command).await {
                Ok(Found::Yes(id)) => return self.confirm(session, command, facts, entry, id).await,
                Ok(Found::No) => {}
                Err(look_up) => {
                    tracing::info!(tenant = %session.tenant, command = %entry.key, error = %look_up, "whether a refused payment is there cannot be told");
                    return Err(self.doubt(session, entry, error).await);
                }
            }
        }
        Err(self.refuse(session, command, facts, entry, error, attempts).await)
    }
}
