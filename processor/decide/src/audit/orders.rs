//! Orders side by side: there or not, in which currency, and how much.

use orderbridge_schema::audit::{Difference, DifferenceKind, Money, SalesOrderFigures, Standing, Window};
use orderbridge_schema::command::is_our_key;
use orderbridge_schema::decision::Effect;
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::{SalesOrderId, StoreOrderId, StoreStatusId};
use orderbridge_schema::money::{minor_decimals, round};
use rust_decimal::Decimal;

use super::cause::{self, Reason};
use super::{Findings, OrderBooks, SentAmounts, order_of_key};
use crate::facts::Context;
use crate::gate;

/// Abandoned at the payment page (BC §d.6): no order.
const INCOMPLETE: StoreStatusId = StoreStatusId(0);
const UNKNOWN: &str = "nothing that is remembered tells why: look at the order's timeline and at who changed it";

/// What was compared of an order's total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Amounts {
    total: Decimal,
    tax: Decimal,
}

/// One order under comparison.
struct Comparison<'a> {
    ctx: &'a Context<'a>,
    books: &'a OrderBooks,
    id: StoreOrderId,
    counted: bool,
}

/// Compares an order with what stands for it; true if it is linked and both sides have it, so that its money can be compared.
pub(super) fn compare(ctx: &Context<'_>, window: Window, books: &OrderBooks, findings: &mut Findings) -> bool {
    let store = books.store_order();
    // Of what the store does not have any more, Brightpearl's date brought it here.
    let counted = store.is_none_or(|order| window.has(order.created_at));
    let comparison = Comparison { ctx, books, id: books.facts.id, counted };
    match store {
        Some(order) if !order.deleted => comparison.with_store(order, findings),
        Some(order) => {
            comparison.without_store(Some(order), findings);
            false
        }
        None => {
            comparison.without_store(None, findings);
            false
        }
    }
}

fn money(amount: Decimal, currency: &str) -> Money {
    Money { amount: round(amount, minor_decimals(currency)), currency: currency.to_ascii_uppercase() }
}

/// Together; what is too large for a decimal shows as the largest there is.
pub(super) fn sum(amounts: impl Iterator<Item = Decimal>) -> Decimal {
    amounts.fold(Decimal::ZERO, Decimal::saturating_add)
}

impl Comparison<'_> {
    fn with_store(&self, order: &StoreOrder, findings: &mut Findings) -> bool {
        let (linked, strangers) = self.sales_orders();
        let is_known = !self.books.facts.links.is_empty() || !linked.is_empty();
        if !is_known {
            self.without_sales_order(order, &strangers, findings);
            return false;
        }
        self.count_brightpearl(linked.iter().chain(&strangers).copied(), findings);
        self.linked(order, &linked, findings);
        strangers.iter().for_each(|stranger| self.doubled(stranger, findings));
        !self.books.facts.links.is_empty() && !linked.is_empty()
    }

    /// What stands for the order, and what else carries its key or number. Without a link the first with our key stands for it.
    fn sales_orders(&self) -> (Vec<&SalesOrderFigures>, Vec<&SalesOrderFigures>) {
        let links = &self.books.facts.links;
        let mut linked: Vec<&SalesOrderFigures> = links.iter().filter_map(|link| self.books.sales_orders.get(&link.sales_order)?.as_ref()).collect();
        let is_linked = |id: SalesOrderId| links.iter().any(|link| link.sales_order == id);
        let mut others: Vec<&SalesOrderFigures> = self.books.found.iter().filter(|found| !is_linked(found.id)).collect();
        others.sort_by_key(|found| found.id);
        others.dedup_by_key(|found| found.id);
        if links.is_empty() {
            let keyed = others.iter().position(|found| order_of_key(self.ctx.store, &found.external_ref) == Some(self.id));
            if let Some(place) = keyed {
                linked.push(others.remove(place));
            }
        }
        // A back-order carries on a part of the order that it was made from (BP §k.1 8); a copy of a whole one is one too many.
        let is_whole = self.books.store_order().is_some_and(|order| {
            let theirs = sum(linked.iter().map(|one| one.own_total()));
            !linked.is_empty() && theirs == self.store_amounts(order, theirs).total
        });
        let is_child = |parent: SalesOrderId| is_linked(parent) || linked.iter().any(|one| one.id == parent);
        let is_part = |found: &&SalesOrderFigures| !is_whole && found.parent.is_some_and(is_child);
        let (parts, strangers): (Vec<_>, Vec<_>) = others.into_iter().partition(is_part);
        linked.extend(parts);
        (linked, strangers)
    }

    fn linked(&self, order: &StoreOrder, linked: &[&SalesOrderFigures], findings: &mut Findings) {
        let gone: Vec<SalesOrderId> = self.gone();
        if let Some(first) = linked.first().filter(|_| self.books.facts.links.is_empty()) {
            let reason =
                cause::of(self.books, |effect| effect == Effect::Creation, "a sales order carries the order's key, and no link to it is remembered");
            findings.differ(self.difference(DifferenceKind::SalesOrderNotLinked, Some(first.id), None, None, reason));
        }
        let brightpearl = Amounts { total: sum(linked.iter().map(|one| one.own_total())), tax: sum(linked.iter().map(|one| one.own_tax())) };
        let store = self.store_amounts(order, brightpearl.total);
        self.count_store(order, store, findings);
        if let Some(other) = linked.iter().find(|one| !one.currency.eq_ignore_ascii_case(&order.currency)) {
            let of = |currency: &str| sum(linked.iter().filter(|one| one.currency.eq_ignore_ascii_case(currency)).map(|one| one.own_total()));
            let rest = store.total.saturating_sub(of(&order.currency));
            let (ours, theirs) = (money(rest, &order.currency), money(of(&other.currency), &other.currency));
            let reason = cause::of(self.books, is_of_total, UNKNOWN);
            findings.differ(self.difference(DifferenceKind::CurrencyDiffers, Some(other.id), Some(ours), Some(theirs), reason));
        } else if let Some(first) = gone.first() {
            let left = (!linked.is_empty()).then(|| money(brightpearl.total, &order.currency));
            let reason = cause::remembered(self.books, is_of_total).unwrap_or_else(|| {
                Reason::new("deleted-in-brightpearl", "it was linked and is not in Brightpearl any more; it is never made again by itself")
            });
            findings.differ(self.difference(DifferenceKind::SalesOrderGone, Some(*first), Some(money(store.total, &order.currency)), left, reason));
        } else if let Some(first) = linked.first() {
            self.amounts(order, first.id, store, brightpearl, findings);
        }
    }

    /// Totals and taxes, to the minor unit.
    fn amounts(&self, order: &StoreOrder, id: SalesOrderId, store: Amounts, brightpearl: Amounts, findings: &mut Findings) {
        let refunded = sum(self.books.refunds.iter().map(|refund| refund.total));
        let less = store.total.saturating_sub(brightpearl.total);
        let less_tax = store.tax.saturating_sub(brightpearl.tax);
        let is_refunded = |less: Decimal| less > Decimal::ZERO && less <= refunded;
        let currency = &order.currency;
        if is_refunded(less) && (less_tax.is_zero() || is_refunded(less_tax)) {
            // What is refunded before it is shipped comes off the sales order; the store's total stays (BC §d.2).
            if self.counted {
                findings.book(&currency.to_ascii_uppercase()).taken_off.add(less);
            }
            return;
        }
        let sides = |ours: Decimal, theirs: Decimal| (Some(money(ours, currency)), Some(money(theirs, currency)));
        if !less.is_zero() {
            let (ours, theirs) = sides(store.total, brightpearl.total);
            let reason = self.who_changed(store.total, brightpearl.total, |sent| sent.total);
            findings.differ(self.difference(DifferenceKind::TotalDiffers, Some(id), ours, theirs, reason));
        }
        if !less_tax.is_zero() {
            let (ours, theirs) = sides(store.tax, brightpearl.tax);
            let reason = self.who_changed(store.tax, brightpearl.tax, |sent| sent.tax);
            findings.differ(self.difference(DifferenceKind::TaxDiffers, Some(id), ours, theirs, reason));
        }
    }

    /// Which side has another amount than when the sales order was made.
    fn who_changed(&self, ours: Decimal, theirs: Decimal, amount: fn(&SentAmounts) -> Decimal) -> Reason {
        cause::remembered(self.books, is_of_total).unwrap_or_else(|| match self.books.sent.as_ref().map(amount) {
            Some(sent) if sent == theirs => Reason::new("changed-at-the-store", "the store's order was changed after its sales order was made"),
            Some(sent) if sent == ours => {
                Reason::new("changed-in-brightpearl", "the sales order was changed in Brightpearl, or was made otherwise than sent")
            }
            Some(_) => Reason::new("changed-on-both-sides", "both orders were changed after the sales order was made"),
            None => Reason::new("unknown", UNKNOWN),
        })
    }

    fn without_sales_order(&self, order: &StoreOrder, strangers: &[&SalesOrderFigures], findings: &mut Findings) {
        let total = money(order.total, &order.currency);
        let skipped = gate::left_alone(self.ctx, &self.books.facts, order).and_then(|decision| decision.remarks.into_iter().next());
        if order.status == INCOMPLETE && skipped.is_some() {
            return;
        }
        self.count_store(order, self.store_amounts(order, order.total), findings);
        match (skipped, strangers.first()) {
            (Some(remark), _) => {
                if self.counted {
                    findings.book(&total.currency).skipped.add(total.amount);
                }
                findings.skipped.push(self.standing(total, Reason { cause: format!("skipped:{}", remark.key), why: remark.text }));
            }
            (None, Some(stranger)) => {
                let why = "a sales order made by others carries the order's number: `orderbridge order adopt` links it";
                let reason = cause::of(self.books, |effect| effect == Effect::Creation, why);
                self.count_brightpearl(strangers.iter().copied(), findings);
                let theirs = money(sum(strangers.iter().map(|one| one.own_total())), &stranger.currency);
                findings.differ(self.difference(DifferenceKind::SalesOrderNotLinked, Some(stranger.id), Some(total), Some(theirs), reason));
            }
            (None, None) => self.missing(order, total, findings),
        }
    }

    fn missing(&self, order: &StoreOrder, total: Money, findings: &mut Findings) {
        let comes_to_rest = || {
            let why = "it has changed a moment ago and comes to rest";
            gate::settles_in(self.ctx, &self.books.facts, order).map(|_seconds| Reason::new(cause::WAITING, why))
        };
        let why = "nothing is remembered of it: `orderbridge sweep run` looks for orders that no webhook told of";
        let remembered = cause::remembered(self.books, |effect| effect == Effect::Creation);
        let reason = remembered.or_else(comes_to_rest).unwrap_or_else(|| Reason::new("unknown", why));
        let is_held = reason.cause.starts_with("held:");
        if is_held {
            findings.held.push(self.standing(total.clone(), reason.clone()));
        }
        if self.counted {
            let book = findings.book(&total.currency);
            match (is_held, reason.cause == cause::WAITING) {
                (true, _) => book.held.add(total.amount),
                (false, true) => book.waiting.add(total.amount),
                (false, false) => {}
            }
        }
        findings.differ(self.difference(DifferenceKind::MissingInBrightpearl, None, Some(total), None, reason));
    }

    fn standing(&self, total: Money, reason: Reason) -> Standing {
        Standing { order: self.id, total, counted: self.counted, cause: reason.cause, why: reason.why }
    }

    /// The store has it no more, or archived it.
    fn without_store(&self, archived: Option<&StoreOrder>, findings: &mut Findings) {
        let (linked, strangers) = self.sales_orders();
        let counted = self.counted;
        self.count_brightpearl(linked.iter().chain(&strangers).copied(), findings);
        for one in linked.iter().chain(&strangers) {
            let reason = match archived {
                Some(_) => {
                    Reason::new("archived", "the store's order is archived, which is how BigCommerce deletes; nothing is done to its sales order")
                }
                None => Reason::new("deleted-at-the-store", "the store has no such order any more"),
            };
            let theirs = money(one.own_total(), &one.currency);
            findings.differ(self.difference(DifferenceKind::StoreOrderGone, Some(one.id), None, Some(theirs), reason));
        }
        if let Some(order) = archived.filter(|_| linked.is_empty() && strangers.is_empty() && self.books.facts.links.is_empty()) {
            let why = "the order is archived at the store".to_owned();
            let total = money(order.total, &order.currency);
            if counted {
                let book = findings.book(&total.currency);
                book.orders.store.add(total.amount);
                book.skipped.add(total.amount);
            }
            findings.skipped.push(Standing { order: self.id, total, counted, cause: "skipped:order-archived".into(), why });
        }
    }

    fn doubled(&self, stranger: &SalesOrderFigures, findings: &mut Findings) {
        let why = if is_our_key(&stranger.external_ref) {
            "it carries the key of an order that has a sales order already, and was made under another installation of the app or is not linked"
        } else {
            "it carries the number of an order that has a sales order already; somebody entered the order once more"
        };
        let theirs = money(stranger.own_total(), &stranger.currency);
        let reason = Reason::new("doubled", why);
        findings.differ(self.difference(DifferenceKind::DoubledSalesOrder, Some(stranger.id), None, Some(theirs), reason));
    }

    fn gone(&self) -> Vec<SalesOrderId> {
        let is_gone = |id: &SalesOrderId| self.books.sales_orders.get(id) == Some(&None);
        self.books.facts.links.iter().map(|link| link.sales_order).filter(is_gone).collect()
    }

    /// The store's amounts; where gift certificates and store credit are taken off its total and the sales order has them in its rows,
    /// with them (BC §j.2).
    fn store_amounts(&self, order: &StoreOrder, theirs: Decimal) -> Amounts {
        let decimals = minor_decimals(&order.currency);
        let total = round(order.total, decimals);
        let with_tenders = round(sum([order.total, order.store_credit, order.gift_certificates].into_iter()), decimals);
        Amounts { total: if total != theirs && with_tenders == theirs { with_tenders } else { total }, tax: round(order.tax, decimals) }
    }

    fn count_store(&self, order: &StoreOrder, amounts: Amounts, findings: &mut Findings) {
        if self.counted {
            let book = findings.book(&order.currency.to_ascii_uppercase());
            book.orders.store.add(amounts.total);
            book.tax.store.add(amounts.tax);
        }
    }

    fn count_brightpearl<'b>(&self, orders: impl Iterator<Item = &'b SalesOrderFigures>, findings: &mut Findings) {
        for one in orders.filter(|_| self.counted) {
            let book = findings.book(&one.currency.to_ascii_uppercase());
            book.orders.brightpearl.add(one.own_total());
            book.tax.brightpearl.add(one.own_tax());
        }
    }

    fn difference(
        &self,
        kind: DifferenceKind,
        sales_order: Option<SalesOrderId>,
        store: Option<Money>,
        brightpearl: Option<Money>,
        reason: Reason,
    ) -> Difference {
        build(kind, Some(self.id), sales_order, None, store, brightpearl, self.counted, reason)
    }
}

/// Holds that have to do with the total of a sales order.
fn is_of_total(effect: Effect) -> bool {
    matches!(effect, Effect::Creation | Effect::Verification | Effect::Edit)
}

/// A difference, by how much the store has more.
#[expect(clippy::too_many_arguments, reason = "they are the fields of what it makes")]
pub(super) fn build(
    kind: DifferenceKind,
    order: Option<StoreOrderId>,
    sales_order: Option<SalesOrderId>,
    reference: Option<String>,
    store: Option<Money>,
    brightpearl: Option<Money>,
    counted: bool,
    reason: Reason,
) -> Difference {
    let by = match (&store, &brightpearl) {
        (Some(ours), Some(theirs)) if ours.currency != theirs.currency => None,
        (ours, theirs) => {
            let amount = |money: &Option<Money>| money.as_ref().map_or(Decimal::ZERO, |money| money.amount);
            (ours.is_some() || theirs.is_some()).then(|| amount(ours).saturating_sub(amount(theirs)))
        }
    };
    let Reason { cause, why } = reason;
    Difference { kind, order, sales_order, reference, store, brightpearl, by, counted, cause, why }
}
