//! What was paid at the store, booked in Brightpearl.

use orderbridge_decide::Need;
use orderbridge_schema::command::{Command, NewPayment, PaymentKind};
use orderbridge_schema::decision::{Cause, Decision, Effect};
use orderbridge_schema::facts::{Transaction, TransactionEvent, Transactions};
use orderbridge_schema::ids::{PaymentId, StoreStatusId, TransactionId};
use orderbridge_schema::link::PaymentLink;
use orderbridge_schema::reference::PaymentMethod;
use orderbridge_schema::rules::{OfflineEntry, PaymentMethodEntry};

use crate::case::{Case, remark_keys};
use crate::facts::{ORDER, SALES_ORDER, ago, d};

/// The linked order, with payments switched on and two usable methods.
pub fn paid_by(rows: Vec<Transaction>) -> Case {
    let mut case = Case::linked();
    case.rules.payments.enabled = true;
    case.rules.payments.default_method = Some("STRIPE".into());
    case.reference.account.configuration.insert("baseCurrencyCode".into(), "GBP".into());
    let method = |code: &str, active, currencies: &[&str]| PaymentMethod {
        code: code.into(),
        name: code.into(),
        active,
        currencies: currencies.iter().map(|&code| code.to_owned()).collect(),
    };
    case.reference.account.payment_methods = vec![
        method("STRIPE", true, &["EUR", "GBP"]),
        method("GIFTCARD", true, &["GBP"]),
        method("OLD", false, &["GBP"]),
        method("BARE", true, &["EUR"]),
    ];
    case.full.transactions = Some(Transactions::Read(rows));
    case
}

pub fn row(id: u64, event: TransactionEvent, amount: &str) -> Transaction {
    Transaction {
        id: TransactionId(id),
        event,
        method: "credit_card".into(),
        gateway: "stripe".into(),
        amount: d(amount),
        currency: "GBP".into(),
        ok: true,
        test: false,
        continues: None,
        shown: String::new(),
        created_at: ago(3600),
    }
}

pub fn after(id: u64, event: TransactionEvent, amount: &str, continues: u64) -> Transaction {
    Transaction { continues: Some(TransactionId(continues)), ..row(id, event, amount) }
}

pub fn tender(id: u64, method: &str, gateway: &str, amount: &str) -> Transaction {
    Transaction { method: method.into(), gateway: gateway.into(), ..row(id, TransactionEvent::Purchase, amount) }
}

pub fn payments(decision: &Decision) -> Vec<NewPayment> {
    let payment = |command: &Command| if let Command::CreatePayment(payment) = command { Some((**payment).clone()) } else { None };
    decision.commands.iter().filter_map(payment).collect()
}

/// Our keys behind the store's part, with kind and amount.
pub fn booked(case: &Case) -> Vec<(String, PaymentKind, String)> {
    let short = |payment: NewPayment| (payment.reference.replace("bc-store7-", ""), payment.kind, payment.amount.normalize().to_string());
    payments(&case.decision()).into_iter().map(short).collect()
}

pub fn is(reference: &str, kind: PaymentKind, amount: &str) -> (String, PaymentKind, String) {
    (reference.into(), kind, amount.into())
}

pub fn causes(case: &Case) -> Vec<String> {
    let decision = case.decision();
    assert!(decision.holds.iter().all(|hold| hold.effect == Effect::Payment && !hold.why.is_empty() && !hold.remedy.is_empty()), "{decision:?}");
    decision.holds.iter().map(|hold| hold.cause.key()).collect()
}

pub fn link(payment: &NewPayment, id: u64) -> PaymentLink {
    PaymentLink {
        order: payment.order,
        reference: payment.reference.clone(),
        sales_order: payment.sales_order,
        payment: PaymentId(id),
        kind: payment.kind,
        method: payment.method.clone(),
        amount: payment.amount,
        currency: payment.currency.clone(),
        rate: payment.rate,
    }
}

/// Books all that is due; gives what was booked.
pub fn book(case: &mut Case) -> Vec<NewPayment> {
    let due = payments(&case.decision());
    case.full.payment_links.extend(due.iter().map(|payment| link(payment, payment.reference.len() as u64)));
    due
}

use PaymentKind::{Auth, Capture, Receipt, Void};
use TransactionEvent as Event;

#[test]
fn a_purchase_is_one_receipt_with_all_that_brightpearl_wants_to_know() {
    let case = paid_by(vec![row(44120, Event::Purchase, "42.00")]);
    let expected = NewPayment {
        order: ORDER,
        sales_order: SALES_ORDER,
        reference: "bc-store7-txn-44120".into(),
        method: "STRIPE".into(),
        kind: Receipt,
        code: Some("44120".into()),
        amount: d("42.00"),
        currency: "GBP".into(),
        rate: Some(d("1")),
        paid_at: ago(3600),
        expires_at: None,
    };
    assert_eq!(payments(&case.decision()), [expected]);
    assert!(case.decision().cleared.contains(&Effect::Payment));
}

#[test]
fn each_kind_of_record_becomes_what_it_stands_for() {
    let cases: Vec<(&str, Vec<Transaction>, Vec<_>)> = vec![
        ("nothing", vec![], vec![]),
        ("promise", vec![row(1, Event::Authorization, "42")], vec![is("txn-1", Auth, "42")]),
        (
            "promise and capture",
            vec![row(1, Event::Authorization, "42"), after(2, Event::Capture, "42", 1)],
            vec![is("txn-1", Auth, "42"), is("txn-2", Capture, "42")],
        ),
        (
            "parts of a promise",
            vec![row(1, Event::Authorization, "42"), after(2, Event::Capture, "20", 1), after(3, Event::Capture, "22", 1)],
            vec![is("txn-1", Auth, "42"), is("txn-2", Capture, "20"), is("txn-3", Capture, "22")],
        ),
        (
            "promise given up",
            vec![row(1, Event::Authorization, "42"), after(2, Event::Void, "42", 1)],
            vec![is("txn-1", Auth, "42"), is("txn-2", Void, "42")],
        ),
        (
            "void without amount",
            vec![row(1, Event::Authorization, "42"), after(2, Event::Void, "0", 1)],
            vec![is("txn-1", Auth, "42"), is("txn-2", Void, "42")],
        ),
        (
            "capture without reference",
            vec![row(1, Event::Authorization, "42"), row(2, Event::Capture, "42")],
            vec![is("txn-1", Auth, "42"), is("txn-2", Capture, "42")],
        ),
        ("capture of nothing known", vec![after(2, Event::Capture, "42", 1)], vec![is("txn-2", Receipt, "42")]),
        ("on its way", vec![row(1, Event::Pending, "42")], vec![]),
        ("arrived", vec![row(1, Event::Pending, "42"), after(2, Event::Settled, "42", 1)], vec![is("txn-2", Receipt, "42")]),
        ("settled purchase", vec![row(1, Event::Purchase, "42"), after(2, Event::Settled, "42", 1)], vec![is("txn-1", Receipt, "42")]),
        (
            "settled beside its capture",
            vec![row(1, Event::Authorization, "42"), after(2, Event::Capture, "42", 1), after(3, Event::Settled, "42", 1)],
            vec![is("txn-1", Auth, "42"), is("txn-2", Capture, "42")],
        ),
        ("two ways", vec![row(1, Event::Purchase, "40"), row(2, Event::Purchase, "2")], vec![is("txn-1", Receipt, "40"), is("txn-2", Receipt, "2")]),
        ("money back", vec![row(1, Event::Purchase, "42"), after(2, Event::Refund, "10", 1)], vec![is("txn-1", Receipt, "42")]),
        ("something unknown", vec![row(1, Event::Other, "42")], vec![]),
        ("nothing moved", vec![row(1, Event::Purchase, "0")], vec![]),
        ("the same twice", vec![row(1, Event::Purchase, "42"), row(1, Event::Purchase, "42")], vec![is("txn-1", Receipt, "42")]),
        ("a circle", vec![after(1, Event::Capture, "42", 2), after(2, Event::Capture, "0", 1)], vec![is("txn-1", Receipt, "42")]),
    ];
    for (why, rows, expected) in cases {
        assert_eq!(booked(&paid_by(rows)), expected, "{why}");
    }
}

#[test]
fn what_failed_and_what_was_a_test_is_never_booked() {
    let failed = Transaction { ok: false, ..row(1, Event::Purchase, "42") };
    let test = Transaction { test: true, ..row(2, Event::Purchase, "42") };
    assert!(booked(&paid_by(vec![failed.clone(), test])).is_empty());
    // A failed capture is no reason against the settlement.
    let rows = vec![Transaction { event: Event::Capture, ..failed }, after(3, Event::Settled, "42", 1)];
    assert_eq!(booked(&paid_by(rows)), [is("txn-3", Receipt, "42")]);
}

#[test]
fn promise_capture_and_void_are_joined_by_the_promise_and_booked_by_its_method() {
    let mut case = paid_by(vec![row(1, Event::Authorization, "42")]);
    case.rules.payments.authorization_days = 5;
    let promise = book(&mut case).remove(0);
    assert_eq!((promise.expires_at, promise.code.as_deref()), (Some(ago(3600 - 5 * 86_400)), Some("1")));
    case.rules.payments.default_method = Some("GIFTCARD".into());
    case.full.transactions =
        Some(Transactions::Read(vec![row(1, Event::Authorization, "42"), after(2, Event::Capture, "40", 1), after(3, Event::Void, "2", 2)]));
    let rest = book(&mut case);
    assert_eq!(
        rest.iter().map(|payment| (payment.kind, payment.code.as_deref(), payment.method.as_str())).collect::<Vec<_>>(),
        [(Capture, Some("1"), "STRIPE"), (Void, Some("1"), "STRIPE")]
    );
    assert!(case.decision().is_settled());
}

#[test]
fn without_uncaptured_payments_a_capture_is_a_receipt() {
    let rows = vec![row(1, Event::Authorization, "42"), after(2, Event::Capture, "42", 1)];
    let mut case = paid_by(rows.clone());
    case.rules.payments.uncaptured = false;
    assert_eq!(booked(&case), [is("txn-2", Receipt, "42")]);
    case.full.transactions = Some(Transactions::Read(vec![row(1, Event::Authorization, "42"), after(2, Event::Void, "42", 1)]));
    assert!(booked(&case).is_empty() && causes(&case).is_empty());
    // What was promised under earlier rules is captured as such, and what was received is not promised again.
    let mut before = paid_by(vec![row(1, Event::Authorization, "42")]);
    book(&mut before);
    before.rules.payments.uncaptured = false;
    before.full.transactions = Some(Transactions::Read(rows.clone()));
    assert_eq!(booked(&before), [is("txn-2", Capture, "42")]);
    case.full.transactions = Some(Transactions::Read(rows));
    book(&mut case);
    case.rules.payments.uncaptured = true;
    assert!(booked(&case).is_empty());
}

#[test]
fn a_capture_waits_for_its_promise() {
    let mut case = paid_by(vec![row(1, Event::Authorization, "42"), after(2, Event::Capture, "42", 1)]);
    case.reference.account.payment_methods.clear();
    assert_eq!(causes(&case), ["unusable-payment-method:STRIPE/GBP"], "told once");
    let mut case = paid_by(vec![row(1, Event::Authorization, "42"), after(2, Event::Capture, "42", 1)]);
    let promise = case.decision().commands.remove(0);
    let hold = orderbridge_schema::decision::Hold {
        effect: Effect::Payment,
        cause: Cause::Refused("create-payment".into()),
        why: "no".into(),
        remedy: "do".into(),
    };
    case.full.refused.insert(promise.name(), hold);
    assert!(booked(&case).is_empty());
    assert_eq!(causes(&case), ["refused:create-payment"]);
}

#[test]
fn a_void_of_money_that_came_in_is_for_a_person() {
    let case = paid_by(vec![row(1, Event::Purchase, "42"), after(2, Event::Void, "42", 1)]);
    assert_eq!(booked(&case), [is("txn-1", Receipt, "42")]);
    assert_eq!(causes(&case), ["payment-unclear:bc-store7-txn-2"]);
}

#[test]
fn money_that_is_booked_as_settled_is_not_booked_again_when_its_capture_turns_up() {
    let mut case = paid_by(vec![after(3, Event::Settled, "42", 1)]);
    book(&mut case);
    case.full.transactions = Some(Transactions::Read(vec![after(2, Event::Capture, "42", 1), after(3, Event::Settled, "42", 1)]));
    assert!(booked(&case).is_empty() && causes(&case).is_empty());
    case.full.transactions = Some(Transactions::Read(vec![after(2, Event::Capture, "40", 1), after(3, Event::Settled, "42", 1)]));
    assert_eq!(causes(&case), ["payment-unclear:bc-store7-txn-2"]);
}

#[test]
fn gift_certificates_and_store_credit_are_payments_once_each() {
    let gift = tender(1, "gift_certificate", "giftcertificate", "10");
    let credit = tender(2, "store_credit", "storecredit", "2");
    let card = row(3, Event::Purchase, "30");
    let with = |rows: Vec<Transaction>| {
        let mut case = paid_by(rows);
        (case.order().gift_certificates, case.order().store_credit) = (d("10"), d("2"));
        case.rules.payments.methods = vec![PaymentMethodEntry { gateway: Some("giftcertificate".into()), text: None, method: "giftcard".into() }];
        case
    };
    let case = with(vec![gift.clone(), credit.clone(), card.clone()]);
    assert_eq!(booked(&case), [is("txn-1", Receipt, "10"), is("txn-2", Receipt, "2"), is("txn-3", Receipt, "30")]);
    assert_eq!(payments(&case.decision()).iter().map(|payment| payment.method.as_str()).collect::<Vec<_>>(), ["GIFTCARD", "STRIPE", "STRIPE"]);
    // The order's field only where there is no record.
    let mut case = with(vec![credit.clone(), card.clone()]);
    assert_eq!(booked(&case), [is("txn-2", Receipt, "2"), is("txn-3", Receipt, "30"), is("order-250-gift", Receipt, "10")]);
    // A record that turns up later tells of what is booked.
    book(&mut case);
    case.full.transactions = Some(Transactions::Read(vec![gift.clone(), credit.clone(), card]));
    assert!(booked(&case).is_empty());
    // A record that failed is still a record: the field alone proves nothing then.
    assert!(booked(&with(vec![Transaction { ok: false, ..gift }, Transaction { ok: false, ..credit }])).is_empty());
    let mut paid_whole = with(vec![]);
    paid_whole.order().total = d("0");
    assert_eq!(booked(&paid_whole), [is("order-250-gift", Receipt, "10"), is("order-250-credit", Receipt, "2")]);
}

#[test]
fn an_order_of_nothing_has_no_payment_and_costs_no_call() {
    let mut case = paid_by(vec![row(1, Event::Purchase, "42")]);
    case.order().total = d("0");
    let outcome = case.run();
    assert!(payments(&outcome.decision).is_empty() && !outcome.rounds.iter().flatten().any(|need| *need == Need::Transactions));
}

#[test]
fn what_is_paid_outside_the_store_is_booked_only_in_the_statuses_that_say_so() {
    let mut case = paid_by(vec![]);
    (case.order().payment_method, case.order().payment_status) = ("Bank Deposit".into(), String::new());
    assert!(booked(&case).is_empty());
    assert_eq!(remark_keys(&case.decision()), ["payment-outside-the-store"]);
    case.rules.payments.offline = vec![OfflineEntry { text: "bank deposit".into(), paid_statuses: [StoreStatusId(2)].into() }];
    assert!(booked(&case).is_empty() && remark_keys(&case.decision()).is_empty());
    case.rules.payments.offline[0].paid_statuses.insert(StoreStatusId(11));
    assert_eq!(booked(&case), [is("order-250-offline", Receipt, "42")]);
    // The rest beside what was paid otherwise; what a record only notes is no payment.
    let mut noted = Transaction { method: "offline".into(), gateway: "bankdeposit".into(), ..row(5, Event::Purchase, "32") };
    noted.shown = "Bank Deposit".into();
    case.full.transactions = Some(Transactions::Read(vec![noted, tender(6, "gift_certificate", "giftcertificate", "10")]));
    case.order().gift_certificates = d("10");
    assert_eq!(booked(&case), [is("txn-6", Receipt, "10"), is("order-250-offline", Receipt, "32")]);
    book(&mut case);
    assert!(case.decision().is_settled());
    // Whatever a gateway does, the store tells of itself.
    let mut by_card = case.clone();
    by_card.full.payment_links.clear();
    by_card.full.transactions = Some(Transactions::Read(vec![row(1, Event::Pending, "42")]));
    by_card.order().gift_certificates = d("0");
    assert!(booked(&by_card).is_empty() && remark_keys(&by_card.decision()).is_empty());
}
