//! Whether the books of both platforms agree about an order, and if not, why.
//!
//! Pure comparison: what was read of both sides and what we remember in, differences with their causes out. Whoever reads asks once with
//! what lists told, reads again what differs, and asks again: the two sides are never read at the same moment.

mod cause;
mod orders;
mod payments;
mod refunds;

use std::collections::BTreeMap;

use orderbridge_schema::audit::{AuditReport, Book, BookedPayment, Difference, RefundFigures, SalesOrderFigures, Standing, Window};
use orderbridge_schema::decision::Effect;
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::{SalesOrderId, StoreHash, StoreOrderId, TenantId};
use rust_decimal::Decimal;

use crate::facts::{Context, OrderFacts};

/// An effect of an order that waits, as it was told when it was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldEffect {
    /// What waits.
    pub effect: Effect,
    /// Why, for machines.
    pub cause: String,
    /// Why, in plain words without personal data.
    pub why: String,
}

/// What the store's order said when its sales order was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentAmounts {
    /// Its total with tax.
    pub total: Decimal,
    /// The tax in it.
    pub tax: Decimal,
}

/// Everything that is known of one order on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBooks {
    /// Its links, its order at the store as it was read, and its payment records if those were read.
    pub facts: OrderFacts,
    /// What of it waits.
    pub holds: Vec<HeldEffect>,
    /// How often its work was tried, if some is due.
    pub due: Option<u32>,
    /// A call about it is sent or in doubt.
    pub in_doubt: bool,
    /// Linked sales orders; an inner `None` is one that is gone.
    pub sales_orders: BTreeMap<SalesOrderId, Option<SalesOrderFigures>>,
    /// Other sales orders that carry its key or its number, or were made from a linked one.
    pub found: Vec<SalesOrderFigures>,
    /// What it said when its sales order was made, if that is remembered.
    pub sent: Option<SentAmounts>,
    /// Payments on its sales orders or with a key of its own.
    pub payments: Vec<BookedPayment>,
    /// All payments of its sales orders are among them, whatever their date.
    pub all_payments: bool,
    /// Its refunds.
    pub refunds: Vec<RefundFigures>,
}

impl OrderBooks {
    /// With nothing read.
    #[must_use]
    pub const fn new(facts: OrderFacts) -> Self {
        Self {
            facts,
            holds: Vec::new(),
            due: None,
            in_doubt: false,
            sales_orders: BTreeMap::new(),
            found: Vec::new(),
            sent: None,
            payments: Vec::new(),
            all_payments: false,
            refunds: Vec::new(),
        }
    }

    fn store_order(&self) -> Option<&StoreOrder> {
        self.facts.store_order.as_ref().and_then(Option::as_ref)
    }
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// In what the sides differ.
    pub differences: Vec<Difference>,
    /// Differences that are about to go by themselves.
    pub waiting: Vec<Difference>,
    /// Held orders.
    pub held: Vec<Standing>,
    /// Orders that the rules leave alone.
    pub skipped: Vec<Standing>,
    /// Totals by currency.
    pub books: BTreeMap<String, Book>,
    /// A payment that was booked is not among those of the window, which need not mean anything: all of the order's are to be read.
    pub wants_payments: bool,
}

impl Findings {
    /// Whether it says that something may be wrong, so that it is worth reading again.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        !self.differences.is_empty() || !self.waiting.is_empty()
    }

    /// Adds what was found about other orders.
    pub fn merge(&mut self, other: Self) {
        self.differences.extend(other.differences);
        self.waiting.extend(other.waiting);
        self.held.extend(other.held);
        self.skipped.extend(other.skipped);
        for (currency, book) in &other.books {
            self.book(currency).merge(book);
        }
        self.wants_payments |= other.wants_payments;
    }

    fn book(&mut self, currency: &str) -> &mut Book {
        self.books.entry(currency.to_owned()).or_insert_with(|| Book::of(currency))
    }

    /// What is about to go by itself stands apart.
    fn differ(&mut self, difference: Difference) {
        if difference.cause == cause::WAITING { self.waiting.push(difference) } else { self.differences.push(difference) }
    }

    /// As a report, in the order of the store's numbers.
    #[must_use]
    pub fn report(mut self, tenant: TenantId, window: Window, ctx: &Context<'_>, rules_version: i64) -> AuditReport {
        let place = |one: &Difference| (one.order, one.kind, one.sales_order, one.reference.clone());
        self.differences.sort_by_key(place);
        self.waiting.sort_by_key(place);
        self.held.sort_by_key(|one| one.order);
        self.skipped.sort_by_key(|one| one.order);
        // Amounts are shown as their currency is written, however each side spells them.
        self.differences.iter_mut().chain(&mut self.waiting).for_each(Difference::written_out);
        self.held.iter_mut().chain(&mut self.skipped).for_each(|one| one.total.written_out());
        self.books.values_mut().for_each(Book::written_out);
        AuditReport {
            tenant,
            window,
            rules_version,
            payments_compared: ctx.rules.payments.enabled,
            books: self.books.into_values().collect(),
            differences: self.differences,
            held: self.held,
            skipped: self.skipped,
            waiting: self.waiting,
            orders_compared: 0,
            transactions_read: 0,
            held_left_out: 0,
        }
    }
}

/// Compares one order.
#[must_use]
pub fn audit_order(ctx: &Context<'_>, window: Window, books: &OrderBooks) -> Findings {
    let mut findings = Findings::default();
    let compared = orders::compare(ctx, window, books, &mut findings);
    if compared && ctx.rules.payments.enabled {
        payments::compare(ctx, window, books, &mut findings);
        refunds::compare(ctx, window, books, &mut findings);
    }
    findings
}

/// Payments with keys of ours on what stands for no order that we know.
#[must_use]
pub fn audit_strays(ctx: &Context<'_>, window: Window, strays: &[BookedPayment]) -> Findings {
    let mut findings = Findings::default();
    if ctx.rules.payments.enabled {
        payments::strays(window, strays, &mut findings);
    }
    findings
}

/// The order whose key a sales order carries, also one of several that a store order became (`-a{address}`).
#[must_use]
pub fn order_of_key(store: &StoreHash, external_ref: &str) -> Option<StoreOrderId> {
    let rest = external_ref.strip_prefix("bc-")?.strip_prefix(store.as_str())?.strip_prefix('-')?;
    let (order, part) = rest.split_once("-a").unwrap_or((rest, "0"));
    part.parse::<u64>().ok()?;
    order.parse().ok()
}

/// The refund whose key a payment carries.
#[must_use]
pub fn refund_of_key(store: &StoreHash, reference: &str) -> Option<u64> {
    let rest = reference.strip_prefix("bc-")?.strip_prefix(store.as_str())?.strip_prefix("-refund-")?;
    rest.split('-').next()?.parse().ok()
}

/// Whether a payment carries a key of ours.
#[must_use]
pub fn is_our_payment(store: &StoreHash, reference: &str) -> bool {
    reference.strip_prefix("bc-").and_then(|rest| rest.strip_prefix(store.as_str())).is_some_and(|rest| rest.starts_with('-'))
}
