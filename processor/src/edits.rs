//! Edits at the store: what a carried one changed, what a refused one leaves, and what is remembered of both sides being in step.

use orderbridge_decide::OrderFacts;
use orderbridge_postgres::{DbError, NewLink};
use orderbridge_reconcile::Session;
use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{Decision, Hold};
use orderbridge_schema::edit::NowInStep;
use orderbridge_schema::facts::WholeSalesOrder;

use crate::account::Worker;

/// A sales order was changed. As it was read it is no more; how it is now, the answer may tell.
pub(crate) fn carried(facts: &mut OrderFacts, command: &Command, now: Option<WholeSalesOrder>) {
    let Command::EditSalesOrder(edit) = command else { return };
    facts.carried.insert(edit.sales_order, edit.contents.clone());
    forget(facts, command);
    if let Some(whole) = now {
        facts.sales_orders.insert(edit.sales_order, Some(whole.order.clone()));
        facts.whole.insert(edit.sales_order, Some(whole));
    }
}

/// A refused change is no hold yet: what is there now is read and compared, since somebody may have changed it, to what we want even.
/// Tells whether the command was one.
pub(crate) fn refused(facts: &mut OrderFacts, command: &Command, holds: &[Hold]) -> bool {
    let Command::EditSalesOrder(edit) = command else { return false };
    facts.edits_refused.extend(holds.iter().map(|hold| (edit.sales_order, edit.version, hold.clone())));
    forget(facts, command);
    true
}

/// A reservation that was set is set once in this go; it may have given the sales order another version.
pub(crate) fn after_reservation(facts: &mut OrderFacts, command: &Command) {
    let Command::SetReservation(reservation) = command else { return };
    facts.lowered.insert(reservation.sales_order);
    if facts.whole.remove(&reservation.sales_order).is_some() {
        facts.sales_orders.remove(&reservation.sales_order);
    }
}

fn forget(facts: &mut OrderFacts, command: &Command) {
    if let Command::EditSalesOrder(edit) = command {
        facts.whole.remove(&edit.sales_order);
        facts.sales_orders.remove(&edit.sales_order);
    }
}

fn remember(facts: &mut OrderFacts, now: &NowInStep) {
    let id = now.mark.sales_order;
    facts.in_step.retain(|known| known.sales_order != id);
    facts.in_step.push(now.mark.clone());
    if let Some(links) = &now.row_links {
        facts.row_links.retain(|link| link.sales_order != id);
        facts.row_links.extend(links.iter().cloned());
    }
}

impl Worker {
    /// Stores which sales orders are in step, and what is missing. Tells whether that was anything new.
    pub(crate) async fn record_in_step(&self, session: &Session, facts: &mut OrderFacts, decision: &Decision) -> Result<bool, DbError> {
        let (tenant, order) = (|| session.tenant.clone(), facts.id);
        let in_step: Vec<&NowInStep> = decision.in_step.iter().filter(|now| now.row_links.is_some() || !facts.in_step.contains(&now.mark)).collect();
        let absences: Vec<_> = decision.absences.iter().filter(|absence| !facts.absences.contains(absence)).copied().collect();
        let mut links: Vec<NewLink> = in_step.iter().map(|now| NewLink::InStep(tenant(), order, (*now).clone())).collect();
        links.extend(absences.iter().map(|absence| NewLink::Absence(tenant(), order, *absence)));
        links.extend(decision.found_again.iter().map(|what| NewLink::FoundAgain(tenant(), order, *what)));
        if links.is_empty() {
            return Ok(false);
        }
        self.db.save_links(&session.account, &links, &[]).await?;
        in_step.into_iter().for_each(|now| remember(facts, now));
        for absence in absences {
            facts.absences.retain(|known| known.what != absence.what);
            facts.absences.push(absence);
        }
        facts.absences.retain(|known| !decision.found_again.contains(&known.what));
        Ok(true)
    }
}
