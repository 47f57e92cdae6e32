//! What becomes of an edit: it is carried, or held with the difference in words.

use orderbridge_schema::command::{Command, NewRow, SalesOrderEdit, in_words};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::edit::{Contents, InStep, NowInStep, OwnedRow};
use orderbridge_schema::facts::{SalesOrder, StoreOrder, WholeSalesOrder};
use orderbridge_schema::ids::ShippingMethodId;
use orderbridge_schema::link::{OrderLink, RowLink};

use super::rows::{self, Changes};
use super::{stock, words};
use crate::cancellation::is_cancelled;
use crate::currency;
use crate::delivery::{Delivery, delivery, shipping_method};
use crate::facts::{Ask, Context, Need, OrderFacts, known};
use crate::verification::totals;

/// How often a change is tried anew in one go, if people change the sales order each time.
const TRIES: usize = 3;
/// When it is tried again then.
const AGAIN_SECONDS: u32 = 60;
/// When a read is repeated that shows what was before our own change.
const STALE_SECONDS: u32 = 20;

/// An order that was edited at the store.
pub(super) struct Edit<'a> {
    pub(super) ctx: &'a Context<'a>,
    pub(super) facts: &'a OrderFacts,
    pub(super) link: &'a OrderLink,
    pub(super) order: &'a StoreOrder,
    pub(super) mark: &'a InStep,
    pub(super) contents: Contents,
    pub(super) planned: Vec<NewRow>,
}

/// What is other than the rows.
struct Header {
    billing: bool,
    delivery: bool,
    shipping_method: Option<Option<ShippingMethodId>>,
}

impl Header {
    const fn is_same(&self) -> bool {
        !self.billing && !self.delivery && self.shipping_method.is_none()
    }
}

impl Edit<'_> {
    pub(super) fn decide(self) -> Ask<Decision> {
        let to = match delivery(self.facts, self.order)? {
            Ok(to) => to,
            Err(hold) => return Ok(held_as_edits(vec![hold])),
        };
        let words = words::differences(self.mark, &self.planned, &self.contents);
        if words.is_empty() {
            return Ok(in_step(NowInStep { mark: self.new_mark(self.mark.rows.clone()), row_links: None }));
        }
        if !self.ctx.rules.orders.edits {
            return Ok(self.held(Cause::EditsOff, "and edits are not carried", &words));
        }
        if self.link.external_ref.is_empty() {
            return Ok(self.held(Cause::EditOfOthers, "which others entered", &words));
        }
        let id = self.mark.sales_order;
        let Some(whole) = known(self.facts.whole.get(&id), Need::WholeSalesOrder(id))? else { return Ok(Decision::default()) };
        let changes = rows::compare(self.mark, &self.planned, &whole.order, self.decimals());
        let header = match self.header(&to, whole) {
            Ok(header) => header,
            Err(hold) => return Ok(held_as_edits(vec![hold])),
        };
        if changes.is_empty() && header.is_same() {
            return Ok(self.reached(changes, &whole.order));
        }
        match self.obstacle(whole, &changes, &words) {
            Some(decision) => Ok(decision),
            None => self.carry(whole, changes, header, to, words),
        }
    }

    fn decimals(&self) -> u32 {
        currency::decimals(self.order, &self.ctx.reference.store)
    }

    fn new_mark(&self, rows: Vec<OwnedRow>) -> InStep {
        InStep {
            sales_order: self.mark.sales_order,
            seen_at: super::seen_at(self.ctx, self.facts, self.order),
            contents: self.contents.clone(),
            rows,
        }
    }

    /// What is other than when both sides were in step, and not carried in this go.
    fn header(&self, to: &Delivery, whole: &WholeSalesOrder) -> Result<Header, Hold> {
        let (before, now) = (&self.mark.contents, &self.contents);
        let is_carried = self.facts.carried.get(&self.mark.sales_order) == Some(now);
        let shipping_method = if before.shipping == now.shipping || is_carried {
            None
        } else {
            let method = shipping_method(&self.ctx.rules.orders, to.method.as_deref())?;
            (method != whole.shipping_method).then_some(method)
        };
        Ok(Header {
            billing: before.billing != now.billing && !is_carried,
            delivery: before.delivery != now.delivery && !is_carried,
            shipping_method,
        })
    }

    /// Both sides are in step: by our own change, or because people made it before us.
    fn reached(self, changes: Changes, sales_order: &SalesOrder) -> Decision {
        let id = self.mark.sales_order;
        let before: Vec<&RowLink> = self.facts.row_links.iter().filter(|link| link.sales_order == id).collect();
        let is_same = before.len() == changes.links.len() && changes.links.iter().all(|link| before.contains(&link));
        let row_links = (!is_same).then_some(changes.links);
        let reservations = stock::wanted_again(self.ctx, self.facts, (self.mark, &self.planned), sales_order.standing.allocated);
        // Each planned row has its own by now, in the same order.
        let present = |owned: &OwnedRow| sales_order.rows.iter().find(|row| row.id == owned.row);
        let ours: Vec<_> = self.planned.iter().zip(&changes.owned).filter_map(|(plan, owned)| Some((plan, present(owned)?))).collect();
        let (remarks, holds) = match totals(self.ctx, self.order, (&self.planned, sales_order), (&ours, false)) {
            Ok(remark) => (vec![remark], Vec::new()),
            Err(hold) => (Vec::new(), vec![hold]),
        };
        Decision { reservations, remarks, holds, ..in_step(NowInStep { mark: self.new_mark(changes.owned), row_links }) }
    }

    /// Why it cannot be carried, if it cannot.
    fn obstacle(&self, whole: &WholeSalesOrder, changes: &Changes, words: &[String]) -> Option<Decision> {
        let standing = whole.order.standing;
        if standing.invoiced {
            return Some(self.held(Cause::EditTooLate("invoiced"), "which is invoiced", words));
        }
        if standing.fulfilled {
            return Some(self.held(Cause::EditTooLate("on-its-way"), "which is on its way, or a part of it", words));
        }
        if is_cancelled(self.ctx, &whole.order) {
            return Some(self.held(Cause::EditTooLate("cancelled"), "which is cancelled", words));
        }
        // What refunds took off its rows stays off; what the shopper gets besides them is a person's to say.
        if self.facts.refund_marks.iter().any(|mark| mark.sales_order == self.mark.sales_order) {
            return Some(self.held(Cause::EditTooLate("refunded"), "of which something was refunded", words));
        }
        if !changes.conflicts.is_empty() {
            let which = format!("in which people changed the same ({})", in_words(&changes.conflicts));
            return Some(self.held(Cause::EditedOnBothSides, &which, words));
        }
        let refused = || self.facts.edits_refused.iter().filter(|(id, ..)| *id == self.mark.sales_order);
        if let Some((.., hold)) = refused().find(|(_, version, _)| *version == whole.version) {
            return Some(Decision { holds: vec![hold.clone()], ..Decision::default() });
        }
        let again = |seconds| Some(Decision { again_after_seconds: Some(seconds), ..Decision::default() });
        if refused().count() >= TRIES {
            return again(AGAIN_SECONDS);
        }
        // What was carried a moment ago and does not show was read too early.
        if self.facts.carried.get(&self.mark.sales_order) == Some(&self.contents) { again(STALE_SECONDS) } else { None }
    }

    fn carry(self, whole: &WholeSalesOrder, changes: Changes, header: Header, to: Delivery, words: Vec<String>) -> Ask<Decision> {
        // First what is kept back: Brightpearl refuses a row fewer pieces than are reserved for it (BP §e.5).
        if let Some(command) = stock::lowered(self.ctx, self.facts, whole, &changes)? {
            return Ok(Decision { commands: vec![command], ..Decision::default() });
        }
        let edit = SalesOrderEdit {
            order: self.order.id,
            sales_order: self.mark.sales_order,
            version: whole.version,
            writable: whole.writable.clone(),
            decimals: self.decimals(),
            changed: changes.changed,
            added: changes.added,
            removed: changes.removed,
            keys: self.mark.rows.iter().chain(&changes.owned).map(|row| (row.row, row.key.clone())).collect(),
            billing: header.billing.then(|| self.order.billing.clone()),
            delivery: header.delivery.then_some(to.address),
            shipping_method: header.shipping_method,
            contents: self.contents,
            words,
        };
        Ok(Decision { commands: vec![Command::EditSalesOrder(Box::new(edit))], ..Decision::default() })
    }

    fn held(&self, cause: Cause, which: &str, words: &[String]) -> Decision {
        let remedy = match cause {
            Cause::EditsOff => "enter the change in the sales order by hand, or let edits be carried in the tenant's settings (orders.edits)",
            Cause::EditTooLate(_) => "settle the difference by hand, such as with another order or a credit; the sales order is not changed any more",
            _ => "enter the change in the sales order by hand: as soon as both agree, this is settled",
        };
        let why = format!("the order was edited at the store after sales order {} was made, {which}: {}", self.mark.sales_order, in_words(words));
        Decision { holds: vec![Hold { effect: Effect::Edit, cause, why, remedy: remedy.into() }], ..Decision::default() }
    }
}

/// Both sides are in step, which is to be remembered.
pub(super) fn in_step(now: NowInStep) -> Decision {
    Decision { in_step: vec![now], cleared: vec![Effect::Edit], ..Decision::default() }
}

/// What would hold a creation holds an edit alone.
pub(super) fn held_as_edits(holds: Vec<Hold>) -> Decision {
    Decision { holds: holds.into_iter().map(|hold| Hold { effect: Effect::Edit, ..hold }).collect(), ..Decision::default() }
}
