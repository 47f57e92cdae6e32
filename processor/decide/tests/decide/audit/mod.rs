//! The books of both platforms side by side: agreeing ones, and each thing in which they may differ.

mod orders;
mod payments;
mod properties;
mod refunds;

use jiff::Timestamp;
use orderbridge_decide::audit::{Findings, HeldEffect, OrderBooks, audit_order};
use orderbridge_decide::{Context, OrderFacts};
use orderbridge_schema::audit::{BookedPayment, Difference, DifferenceKind, MoneyWay, SalesOrderFigures, Window};
use orderbridge_schema::command::PaymentKind;
use orderbridge_schema::decision::Effect;
use orderbridge_schema::facts::{StoreOrder, Transaction, Transactions};
use orderbridge_schema::ids::{PaymentId, SalesOrderId, StoreHash};
use orderbridge_schema::link::{OrderLink, PaymentLink};
use orderbridge_schema::reference::Reference;
use orderbridge_schema::rules::Rules;
use orderbridge_schema::work::Aspects;

use crate::facts::{INSTALLATION, ORDER, SALES_ORDER, ago, d, now, rules, store_order};

/// One order on both sides, and the rules.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub rules: Rules,
    pub books: OrderBooks,
}

/// The day before now.
pub fn window() -> Window {
    Window::new(ago(86_400), now())
}

/// What Brightpearl has of [`store_order`].
pub fn figures(id: SalesOrderId) -> SalesOrderFigures {
    SalesOrderFigures {
        id,
        external_ref: "bc-store7-250".into(),
        reference: "250".into(),
        parent: None,
        currency: "GBP".into(),
        total: d("42"),
        tax: d("7"),
        added_total: d("0"),
        added_tax: d("0"),
    }
}

/// A payment of the order, an hour ago.
pub fn booked(id: u64, what: &str, amount: &str) -> BookedPayment {
    let reference = if what.is_empty() { String::new() } else { format!("bc-store7-{what}") };
    let paid_at = Some(ago(3600));
    BookedPayment { id: PaymentId(id), reference, way: MoneyWay::In, order: Some(SALES_ORDER), currency: "GBP".into(), amount: d(amount), paid_at }
}

/// Money out on the order's sales order.
pub fn paid_out(id: u64, what: &str, amount: &str) -> BookedPayment {
    BookedPayment { way: MoneyWay::Out, ..booked(id, what, amount) }
}

impl Ledger {
    /// The plain order without a sales order.
    pub fn unlinked() -> Self {
        let mut facts = OrderFacts::new(ORDER, Aspects::ALL);
        facts.store_order = Some(Some(store_order()));
        Self { rules: rules(), books: OrderBooks::new(facts) }
    }

    /// The plain order with its sales order: the books agree.
    pub fn agreeing() -> Self {
        let mut ledger = Self::unlinked();
        ledger.books.facts.links = vec![OrderLink {
            order: ORDER,
            part: 0,
            sales_order: SALES_ORDER,
            installation: INSTALLATION,
            external_ref: "bc-store7-250".into(),
            verified: true,
        }];
        ledger.books.sales_orders.insert(SALES_ORDER, Some(figures(SALES_ORDER)));
        ledger.books.facts.sales_orders.insert(SALES_ORDER, Some(crate::facts::sales_order()));
        ledger
    }

    /// The same with payments booked by the rules, and these records at the store.
    pub fn paid(rows: Vec<Transaction>) -> Self {
        let mut ledger = Self::agreeing();
        ledger.rules.payments.enabled = true;
        ledger.rules.payments.default_method = Some("STRIPE".into());
        ledger.books.facts.transactions = Some(Transactions::Read(rows));
        ledger
    }

    pub fn order(&mut self) -> &mut StoreOrder {
        self.books.facts.store_order.as_mut().unwrap().as_mut().unwrap()
    }

    pub fn sales_order(&mut self) -> &mut SalesOrderFigures {
        self.books.sales_orders.get_mut(&SALES_ORDER).unwrap().as_mut().unwrap()
    }

    pub fn hold(&mut self, effect: Effect, cause: &str) {
        self.books.holds.push(HeldEffect { effect, cause: cause.into(), why: "told when it was held".into() });
    }

    /// What we remember to have booked.
    pub fn remember(&mut self, what: &str, amount: &str) {
        self.books.facts.payment_links.push(PaymentLink {
            order: ORDER,
            reference: format!("bc-store7-{what}"),
            sales_order: SALES_ORDER,
            payment: PaymentId(1),
            kind: PaymentKind::Receipt,
            method: "STRIPE".into(),
            amount: d(amount),
            currency: "GBP".into(),
            rate: None,
        });
    }

    pub fn findings(&self) -> Findings {
        self.findings_at(now())
    }

    pub fn findings_at(&self, now: Timestamp) -> Findings {
        let (store, reference) = (StoreHash::new("store7").unwrap(), Reference::default());
        let ctx = Context {
            store: &store,
            installation: INSTALLATION,
            search_before_creating: false,
            rules: &self.rules,
            reference: &reference,
            live_since: ago(86_400 * 30),
            now,
        };
        let findings = audit_order(&ctx, window(), &self.books);
        assert_eq!(findings, audit_order(&ctx, window(), &self.books), "the same books always give the same");
        findings
    }

    /// The kinds of its differences.
    pub fn kinds(&self) -> Vec<DifferenceKind> {
        self.findings().differences.iter().map(|difference| difference.kind).collect()
    }

    /// The one difference there is.
    pub fn difference(&self) -> Difference {
        let mut differences = self.findings().differences;
        assert_eq!(differences.len(), 1, "{differences:?}");
        differences.remove(0)
    }
}
