//! Refunds: what a command achieved, and what is remembered of them.

use orderbridge_decide::OrderFacts;
use orderbridge_postgres::{DbError, NewLink};
use orderbridge_reconcile::Session;
use orderbridge_schema::command::Command;
use orderbridge_schema::decision::Decision;
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::refund::{RefundMark, TOLD};

use crate::account::Worker;
use crate::execute::Effected;

/// What a command about a refund achieved; `None` if it made something whose id is not known.
pub(crate) fn effected(command: &Command, facts: &OrderFacts, id: Option<u64>) -> Option<Effected> {
    match command {
        Command::SetOrderRow(_) => Some(Effected::Row(None)),
        Command::AddOrderRow(_) => id.map(|id| Effected::Row(Some(id))),
        Command::CreateSalesCredit(credit) => {
            let mark = facts.refund_marks.iter().find(|mark| mark.refund == credit.refund)?;
            Some(Effected::Refund(RefundMark { credit: Some(SalesOrderId(id?)), ..mark.clone() }))
        }
        Command::ReceiveGoods(goods) => {
            let mark = facts.refund_marks.iter().find(|mark| mark.refund == goods.refund)?;
            Some(Effected::Refund(RefundMark { goods_in: Some(id?), ..mark.clone() }))
        }
        _ => None,
    }
}

/// The later word takes the earlier one's place.
pub(crate) fn remember(facts: &mut OrderFacts, mark: RefundMark) {
    match facts.refund_marks.iter_mut().find(|known| known.refund == mark.refund) {
        Some(known) => *known = mark,
        None => facts.refund_marks.push(mark),
    }
}

/// A reservation was set: what is still reserved after that is not released by setting it again.
pub(crate) fn released(facts: &mut OrderFacts, command: &Command) {
    if let Command::SetReservation(reservation) = command {
        facts.released.insert(reservation.sales_order);
    }
}

impl Worker {
    /// Stores what a decision found out about refunds. Tells whether that was anything new.
    pub(crate) async fn record_refunds(&self, session: &Session, facts: &mut OrderFacts, decision: &Decision) -> Result<bool, DbError> {
        let mut is_new = false;
        let told = decision.remarks.iter().filter(|remark| TOLD.contains(&remark.key));
        let mut told: Vec<_> = told.map(|remark| self.entry(session, facts, remark.key, remark.text.clone())).collect();
        for mark in decision.refunds.iter().filter(|mark| !facts.refund_marks.contains(mark)).cloned().collect::<Vec<_>>() {
            let link = NewLink::Refund(session.tenant.clone(), facts.id, mark.clone());
            self.db.save_links(&session.account, &[link], &std::mem::take(&mut told)).await?;
            remember(facts, mark);
            is_new = true;
        }
        if let Some(seen) = decision.refunds_as_seen.as_ref().filter(|seen| facts.refunds_as_seen.as_ref() != Some(seen)) {
            self.db.save_refunds_seen(&session.tenant, facts.id, seen).await?;
            facts.refunds_as_seen = Some(seen.clone());
        }
        Ok(is_new)
    }
}
