//! From the store's payment records to the payments that stand for them (BC §d.9).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use orderbridge_schema::command::{PaymentKind, payment_reference};
use orderbridge_schema::decision::{Hold, Remark};
use orderbridge_schema::facts::{StoreOrder, Transaction, TransactionEvent};
use orderbridge_schema::ids::{StoreHash, TransactionId};
use rust_decimal::Decimal;

use super::{outside, unclear};
use crate::facts::{Context, OrderFacts};

/// A payment as it should stand in Brightpearl, whether it does already or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) reference: String,
    pub(crate) kind: PaymentKind,
    pub(crate) code: Option<String>,
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
    pub(crate) paid_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) gateway: String,
    pub(crate) texts: Vec<String>,
    /// The authorization that must stand there before.
    pub(crate) joined_to: Option<String>,
}

/// All payments of an order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) payments: Vec<Planned>,
    pub(super) holds: Vec<Hold>,
    pub(super) remarks: Vec<Remark>,
    /// Something is yet to be decided although nothing about the payment may change.
    pub(super) unfinished: bool,
}

/// Our key of a transaction's payment.
pub(super) fn reference(store: &StoreHash, id: TransactionId) -> String {
    payment_reference(store, &format!("txn-{id}"))
}

/// Whether a payment was sent already, or is even booked: it stays what it was.
pub(super) fn begun(facts: &OrderFacts, reference: &str) -> Option<PaymentKind> {
    let booked = facts.payment_links.iter().find(|link| link.reference == reference).map(|link| link.kind);
    booked.or_else(|| facts.payments_in_doubt.get(reference).map(|sent| sent.kind))
}

/// The records that count, and what is known about the order.
struct Records<'a> {
    ctx: &'a Context<'a>,
    facts: &'a OrderFacts,
    order: &'a StoreOrder,
    /// All of real money, by id.
    all: Vec<&'a Transaction>,
}

/// What the store's records ask for, oldest first. Failed and test records never count, and money given back belongs to refunds.
pub(super) fn of_transactions(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, rows: &[Transaction]) -> Plan {
    let mut all: Vec<&Transaction> = rows.iter().filter(|row| !row.test).collect();
    all.sort_by_key(|row| row.id);
    all.dedup_by_key(|row| row.id);
    let records = Records { ctx, facts, order, all };
    let mut plan = Plan::default();
    for row in records.all.iter().filter(|row| row.ok && (!row.amount.is_zero() || row.event == TransactionEvent::Void) && !outside::is_outside(row))
    {
        if !outside::is_covered(ctx, facts, order, row) {
            records.plan(row, &mut plan);
        }
    }
    plan
}

impl Records<'_> {
    fn plan(&self, row: &Transaction, plan: &mut Plan) {
        let kind = match row.event {
            TransactionEvent::Purchase => self.money_in(row, PaymentKind::Receipt, plan),
            TransactionEvent::Capture => {
                self.money_in(row, if self.promise_of(row).is_some() { PaymentKind::Capture } else { PaymentKind::Receipt }, plan)
            }
            TransactionEvent::Settled => self.settled(row),
            TransactionEvent::Authorization => self.is_promised(row).then_some(PaymentKind::Auth),
            TransactionEvent::Void => self.void(row, plan),
            TransactionEvent::Refund | TransactionEvent::Pending | TransactionEvent::Other => None,
        };
        plan.payments.extend(kind.map(|kind| self.planned(row, kind)));
    }

    fn reference(&self, row: &Transaction) -> String {
        reference(self.ctx.store, row.id)
    }

    fn begun(&self, row: &Transaction) -> Option<PaymentKind> {
        begun(self.facts, &self.reference(row))
    }

    fn find(&self, id: TransactionId) -> Option<&Transaction> {
        self.all.iter().copied().find(|row| row.id == id)
    }

    /// The first record of the chain that a record continues. A capture or void that names none belongs to the one authorization that
    /// there is of its gateway.
    fn root(&self, row: &Transaction) -> TransactionId {
        let mut at = row.id;
        let mut passed = BTreeSet::from([at]);
        let mut continues = row.continues.or_else(|| self.only_promise(row));
        while let Some(earlier) = continues.filter(|earlier| passed.insert(*earlier)) {
            at = earlier;
            continues = self.find(earlier).and_then(|row| row.continues);
        }
        at
    }

    fn only_promise(&self, row: &Transaction) -> Option<TransactionId> {
        if !matches!(row.event, TransactionEvent::Capture | TransactionEvent::Void) {
            return None;
        }
        let is_one = |other: &&&Transaction| other.event == TransactionEvent::Authorization && other.ok && other.gateway == row.gateway;
        let mut promises = self.all.iter().filter(is_one);
        promises.next().filter(|_| promises.next().is_none()).map(|promise| promise.id)
    }

    /// Successful records of one chain that say the money came in.
    fn family(&self, row: &Transaction, event: impl Fn(TransactionEvent) -> bool) -> Vec<&Transaction> {
        let root = self.root(row);
        self.all.iter().copied().filter(|other| other.ok && event(other.event) && self.root(other) == root).collect()
    }

    /// Whether an authorization is booked: by the rules, or because it was sent by earlier ones. One whose capture is a plain receipt
    /// already would promise the same money again.
    fn is_promised(&self, promise: &Transaction) -> bool {
        let received =
            || self.family(promise, |event| event == TransactionEvent::Capture).into_iter().any(|row| self.begun(row) == Some(PaymentKind::Receipt));
        self.begun(promise).is_some() || (self.ctx.rules.payments.uncaptured && !received())
    }

    /// The booked authorization that a record continues.
    fn promise_of(&self, row: &Transaction) -> Option<&Transaction> {
        let root = self.find(self.root(row)).filter(|root| root.event == TransactionEvent::Authorization && root.ok && root.id != row.id)?;
        let is_mine = self.begun(row) != Some(PaymentKind::Receipt);
        Some(root).filter(|root| is_mine && self.is_promised(root))
    }

    /// A purchase or capture. Where its settlement came first and was booked, the same money is not booked again.
    fn money_in(&self, row: &Transaction, kind: PaymentKind, plan: &mut Plan) -> Option<PaymentKind> {
        let settled: Vec<&Transaction> =
            self.family(row, |event| event == TransactionEvent::Settled).into_iter().filter(|row| self.begun(row).is_some()).collect();
        if self.begun(row).is_some() || settled.is_empty() {
            return Some(kind);
        }
        let taken = self.family(row, is_taken);
        if total(&taken) != total(&settled) {
            let reference = self.reference(row);
            plan.holds.push(*unclear(&reference, "its settlement was booked before with another amount".to_owned()));
        }
        None
    }

    /// A settlement of what was purchased or captured tells nothing new.
    fn settled(&self, row: &Transaction) -> Option<PaymentKind> {
        let is_new = self.family(row, is_taken).is_empty();
        (is_new || self.begun(row).is_some()).then_some(PaymentKind::Receipt)
    }

    fn void(&self, row: &Transaction, plan: &mut Plan) -> Option<PaymentKind> {
        if self.promise_of(row).is_some() {
            return Some(PaymentKind::Void);
        }
        let root = self.find(self.root(row)).filter(|root| root.id != row.id);
        if root.is_none_or(|root| root.event != TransactionEvent::Authorization) {
            let why = "it takes back something that was not merely authorised".to_owned();
            plan.holds.push(*unclear(&self.reference(row), why));
        }
        None
    }

    fn planned(&self, row: &Transaction, kind: PaymentKind) -> Planned {
        let promise = self.promise_of(row).filter(|_| matches!(kind, PaymentKind::Capture | PaymentKind::Void));
        let days = i64::from(self.ctx.rules.payments.authorization_days);
        let expires_at =
            (kind == PaymentKind::Auth).then(|| row.created_at.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(row.created_at));
        Planned {
            reference: self.reference(row),
            kind,
            code: Some(self.root(row).to_string()),
            // A void need not repeat what it takes back.
            amount: promise.filter(|_| row.amount.is_zero()).map_or(row.amount, |promise| promise.amount),
            currency: row.currency.clone(),
            paid_at: row.created_at,
            expires_at,
            gateway: row.gateway.clone(),
            texts: outside::texts(self.order, row),
            joined_to: promise.map(|promise| self.reference(promise)),
        }
    }
}

const fn is_taken(event: TransactionEvent) -> bool {
    matches!(event, TransactionEvent::Purchase | TransactionEvent::Capture)
}

/// `None` if it does not fit.
fn total(rows: &[&Transaction]) -> Option<Decimal> {
    rows.iter().try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.amount))
}
