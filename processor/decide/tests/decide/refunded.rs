//! An order of which something was refunded, and a Brightpearl that carries out what is decided.

use orderbridge_decide::after_row;
use orderbridge_schema::command::{Command, NewSalesCredit, PaymentKind};
use orderbridge_schema::decision::{AgreedStatus, Decision};
use orderbridge_schema::facts::{Refund, RefundItem, RefundPayment, Refunds, SalesOrder, SalesOrderPayment, TransactionEvent};
use orderbridge_schema::ids::{OrderLineId, PaymentId, ProductId, RefundId, SalesOrderId, SalesOrderRowId, StoreStatusId};
use orderbridge_schema::refund::RefundMark;
use orderbridge_schema::work::Aspects;
use rust_decimal::Decimal;

use crate::case::Case;
use crate::facts::{SALES_ORDER, ago, agreement, d, row};
use crate::payments::{link, paid_by, row as transaction};

pub const CREDIT: SalesOrderId = SalesOrderId(79001);
/// More steps than any refund takes.
const STEPS_MAX: usize = 40;

pub fn product(line: OrderLineId, quantity: u32) -> RefundItem {
    RefundItem::Product { line, quantity }
}

pub fn amount(what: &str) -> RefundItem {
    RefundItem::Amount(what.into())
}

/// A refund that was paid back by card; its payment's id is ten times its own.
pub fn refund(id: u64, total: &str, tax: &str, items: Vec<RefundItem>) -> Refund {
    let payment = RefundPayment { id: id * 10, provider: "stripe".into(), amount: d(total), offline: false, declined: false };
    Refund { id: RefundId(id), created_at: ago(60), total: d(total), tax: d(tax), items, payments: vec![payment] }
}

/// The plain order with its amounts, paid and compared, of which the store refunded something.
pub fn refunded(refunds: Vec<Refund>) -> Case {
    let mut case = paid_by(vec![transaction(1, TransactionEvent::Purchase, "42")]);
    case.reference.account.configuration.insert("cancelledOrderStatusId".into(), "5".into());
    for (row, (net, tax)) in case.sales_order().rows.iter_mut().zip([("20", "4"), ("10", "2"), ("5", "1")]) {
        (row.net, row.tax, row.tax_code) = (d(net), d(tax), "T20".into());
    }
    let receipts = crate::payments::book(&mut case);
    assert_eq!(receipts.len(), 1);
    case.sales_order().payment_status = "PAID".into();
    let seen = case.decision().paid_as_seen;
    case.rules.payments.refunds.enabled = true;
    case.full.paid_as_seen = seen;
    case.full.payments = Some(vec![SalesOrderPayment {
        id: PaymentId(1),
        reference: receipts[0].reference.clone(),
        method: receipts[0].method.clone(),
        kind: Some(PaymentKind::Receipt),
        amount: receipts[0].amount,
    }]);
    case.order().status = StoreStatusId(14);
    case.full.agreed = Some(agreement(14, 2));
    case.full.refunds = Some(Refunds::Read(refunds));
    case.with_aspects(Aspects::STORE_ORDER.with(Aspects::REFUNDS))
}

/// What was done, call by call, and the decision with which nothing was left to be done.
pub struct Played {
    pub calls: Vec<Command>,
    pub end: Decision,
    pub credits: Vec<NewSalesCredit>,
}

impl Played {
    /// What each call does, in short.
    pub fn told(&self) -> Vec<String> {
        self.calls.iter().map(Command::describe).collect()
    }

    pub fn causes(&self) -> Vec<String> {
        self.end.holds.iter().map(|hold| hold.cause.key()).collect()
    }
}

/// Carries out what is decided until nothing is left.
pub fn play(case: &mut Case) -> Played {
    let mut played = Played { calls: Vec::new(), end: Decision::default(), credits: Vec::new() };
    for _step in 0..STEPS_MAX {
        if !step(case, &mut played) {
            return played;
        }
    }
    panic!("no end: {:?}", played.told());
}

/// One decision and what it asks for; false if that was nothing.
pub fn step(case: &mut Case, played: &mut Played) -> bool {
    let decision = case.decision();
    let mut is_new = false;
    for mark in &decision.refunds {
        is_new |= remember(case, mark.clone());
    }
    if decision.refunds_as_seen.is_some() {
        case.full.refunds_as_seen.clone_from(&decision.refunds_as_seen);
    }
    for command in &decision.commands {
        carry_out(case, command, played);
    }
    played.calls.extend(decision.commands.iter().cloned());
    let goes_on = is_new || !decision.commands.is_empty();
    played.end = decision;
    goes_on
}

fn remember(case: &mut Case, mark: RefundMark) -> bool {
    if case.full.refund_marks.contains(&mark) {
        return false;
    }
    case.full.refund_marks.retain(|known| known.refund != mark.refund);
    case.full.refund_marks.push(mark);
    true
}

fn carry_out(case: &mut Case, command: &Command, played: &mut Played) {
    match command {
        Command::SetOrderRow(_) | Command::AddOrderRow(_) => after_row(&mut case.full, command, Some(89_000)),
        Command::CreatePayment(payment) => case.full.payment_links.push(link(payment, 900 + played.calls.len() as u64)),
        Command::SetSalesOrderStatus { status, agreed_with, .. } => {
            case.sales_order().status = *status;
            case.full.agreed = Some(orderbridge_schema::decision::Agreement {
                pair: AgreedStatus { store: *agreed_with, brightpearl: *status },
                before: None,
                at: ago(600),
            });
        }
        Command::SetReservation(reservation) => {
            case.full.released.insert(reservation.sales_order);
            let kept = case.full.reserved.get_mut(&reservation.sales_order).unwrap();
            for row in kept {
                row.quantity = reservation.rows.iter().find(|one| one.row == row.row).map_or(row.quantity, |one| one.quantity);
            }
        }
        Command::CreateSalesCredit(credit) => {
            let id = SalesOrderId(CREDIT.0 + case.full.sales_orders.len() as u64 - 1);
            case.full.sales_orders.insert(id, Some(made(credit, id, case)));
            let mark = case.full.refund_marks.iter().find(|mark| mark.refund == credit.refund).unwrap().clone();
            remember(case, RefundMark { credit: Some(id), ..mark });
            played.credits.push((**credit).clone());
        }
        Command::ReceiveGoods(goods) => {
            let mark = case.full.refund_marks.iter().find(|mark| mark.refund == goods.refund).unwrap().clone();
            remember(case, RefundMark { goods_in: Some(4301), ..mark });
        }
        other => panic!("no part of a refund: {other:?}"),
    }
}

fn made(credit: &NewSalesCredit, id: SalesOrderId, case: &Case) -> SalesOrder {
    let tax: Decimal = credit.rows.iter().map(|row| row.tax).sum();
    let net: Decimal = credit.rows.iter().map(|row| row.net).sum();
    let sales_order = case.full.sales_orders[&SALES_ORDER].clone().unwrap();
    let sent = credit.rows.iter().zip(91_001..);
    let rows = sent.map(|(sent, id)| row(SalesOrderRowId(id), sent.product.unwrap_or(ProductId(1000)), sent.quantity, &sent.name)).collect();
    SalesOrder { id, type_code: "SC".into(), total: net + tax, tax, rows, parent: Some(credit.sales_order), ..sales_order }
}

/// Total and tax of the sales order's rows.
pub fn left(case: &mut Case) -> (Decimal, Decimal) {
    let rows = &case.sales_order().rows;
    let tax: Decimal = rows.iter().map(|row| row.tax).sum();
    (rows.iter().map(|row| row.net).sum::<Decimal>() + tax, tax)
}

/// Money in less money out on a sales order or credit.
pub fn net_paid(case: &Case, on: SalesOrderId) -> Decimal {
    let signed = |kind, amount: Decimal| if kind == PaymentKind::Payment { -amount } else { amount };
    case.full.payment_links.iter().filter(|link| link.sales_order == on).map(|link| signed(link.kind, link.amount)).sum()
}
