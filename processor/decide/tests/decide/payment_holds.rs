//! Payments that are held, that wait, that are there already, and what is read for them.

use orderbridge_decide::{Need, SentPayment};
use orderbridge_schema::command::{Command, PaymentKind};
use orderbridge_schema::facts::{SalesOrderPayment, Transaction, TransactionEvent, Transactions};
use orderbridge_schema::ids::{PaymentId, StoreStatusId};
use orderbridge_schema::reference::StoreCurrency;
use orderbridge_schema::rules::PaymentMethodEntry;
use orderbridge_schema::work::Aspects;

use PaymentKind::{Auth, Capture, Receipt};
use TransactionEvent as Event;

use crate::case::{Case, remark_keys};
use crate::facts::{SALES_ORDER, ago, d};
use crate::payments::{after, book, booked, causes, is, paid_by, payments, row, tender};

#[test]
fn a_payment_without_a_method_or_with_a_useless_one_is_held_and_nothing_else_is() {
    let with = |method: Option<&str>| {
        let mut case = paid_by(vec![row(1, Event::Purchase, "42"), tender(2, "gift_certificate", "giftcertificate", "1")]);
        case.rules.payments.default_method = None;
        case.rules.payments.methods = vec![PaymentMethodEntry { gateway: None, text: Some("gift_certificate".into()), method: "GIFTCARD".into() }];
        case.rules.payments.methods.extend(method.map(|method| PaymentMethodEntry {
            gateway: Some("Stripe".into()),
            text: None,
            method: method.into(),
        }));
        case.order().status = StoreStatusId(5);
        case
    };
    for (method, cause) in [
        (None, "missing-payment-method:stripe"),
        (Some("NONE"), "unusable-payment-method:NONE/GBP"),
        (Some("OLD"), "unusable-payment-method:OLD/GBP"),
        (Some("BARE"), "unusable-payment-method:BARE/GBP"),
    ] {
        let case = with(method);
        assert_eq!(causes(&case), [cause]);
        let decision = case.decision();
        assert_eq!(booked(&case), [is("txn-2", Receipt, "1")], "the other payment goes on");
        assert!(decision.commands.iter().any(|command| matches!(command, Command::SetSalesOrderStatus { .. })), "and so does the status, behind it");
        assert!(matches!(decision.commands[0], Command::CreatePayment(_)));
        assert_eq!(decision.paid_as_seen, None);
    }
}

#[test]
fn amounts_and_currencies_that_are_not_the_orders_are_held() {
    for wrong in
        [Transaction { currency: "EUR".into(), ..row(1, Event::Purchase, "42") }, row(1, Event::Purchase, "42.005"), row(1, Event::Purchase, "-42")]
    {
        let case = paid_by(vec![wrong]);
        assert!(booked(&case).is_empty());
        assert_eq!(causes(&case), ["payment-unclear:bc-store7-txn-1"]);
    }
    let unsaid = Transaction { currency: String::new(), ..row(1, Event::Purchase, "42.50") };
    assert_eq!(booked(&paid_by(vec![unsaid])), [is("txn-1", Receipt, "42.5")]);
}

#[test]
fn a_foreign_currency_has_the_sales_orders_own_rate_read_once() {
    let mut case = paid_by(vec![row(1, Event::Purchase, "20")]).with_aspects(Aspects::STORE_ORDER.with(Aspects::TRANSACTIONS));
    case.reference.account.configuration.insert("baseCurrencyCode".into(), "EUR".into());
    case.sales_order().exchange_rate = Some(d("0.85"));
    let outcome = case.run();
    assert!(outcome.rounds.iter().flatten().any(|need| *need == Need::SalesOrder(SALES_ORDER)));
    assert_eq!(payments(&outcome.decision)[0].rate, Some(d("0.85")));
    book(&mut case);
    case.full.transactions = Some(Transactions::Read(vec![row(1, Event::Purchase, "20"), row(2, Event::Purchase, "22")]));
    let outcome = case.run();
    assert!(!outcome.rounds.iter().flatten().any(|need| matches!(need, Need::SalesOrder(_) | Need::Payments(_))), "{:?}", outcome.rounds);
    assert_eq!(payments(&outcome.decision)[0].rate, Some(d("0.85")));
}

#[test]
fn the_rate_that_the_sales_order_was_made_with_is_carried_by_its_payments_without_a_read() {
    let mut case = paid_by(vec![row(1, Event::Purchase, "42")]).with_aspects(Aspects::STORE_ORDER.with(Aspects::TRANSACTIONS));
    case.reference.account.configuration.insert("baseCurrencyCode".into(), "EUR".into());
    case.full.exchange_rates.insert(SALES_ORDER, d("1.15"));
    let outcome = case.run();
    assert!(!outcome.rounds.iter().flatten().any(|need| matches!(need, Need::SalesOrder(_))), "{:?}", outcome.rounds);
    assert_eq!(payments(&outcome.decision)[0].rate, Some(d("1.15")));
}

#[test]
fn a_payment_has_the_minor_unit_that_the_orders_rows_have() {
    // The store keeps two decimals of a currency that has none by itself.
    let mut case = paid_by(vec![Transaction { currency: "JPY".into(), ..row(1, Event::Purchase, "42.50") }]);
    case.order().currency = "JPY".into();
    assert_eq!(causes(&case), ["payment-unclear:bc-store7-txn-1"]);
    case.reference.store.currencies = vec![StoreCurrency { code: "JPY".into(), decimals: 2, is_default: false, is_transactional: true }];
    case.order().total = d("42.50");
    let unusable = causes(&case);
    assert!(!unusable.iter().any(|cause| cause.starts_with("payment-unclear")), "{unusable:?}");
}

#[test]
fn while_the_store_has_doubts_payments_wait_without_a_hold() {
    for status in [12, 13] {
        let mut case = paid_by(vec![row(1, Event::Purchase, "42")]);
        case.order().status = StoreStatusId(status);
        let outcome = case.run();
        assert!(payments(&outcome.decision).is_empty() && outcome.decision.holds.is_empty());
        assert!(remark_keys(&outcome.decision).contains(&"payments-wait"));
        assert!(!outcome.rounds.iter().flatten().any(|need| *need == Need::Transactions), "nothing is read for it");
        // The next event may say nothing new of the payment, and is looked at all the same.
        case.full.paid_as_seen = outcome.decision.paid_as_seen;
        case.order().status = StoreStatusId(11);
        assert_eq!(booked(&case.with_aspects(Aspects::STORE_ORDER)), [is("txn-1", Receipt, "42")]);
    }
}

#[test]
fn nothing_is_read_while_payments_are_off_or_nothing_about_the_payment_can_have_changed() {
    let reads = |case: &Case| case.run().rounds.iter().flatten().any(|need| *need == Need::Transactions);
    let mut case = paid_by(vec![row(1, Event::Purchase, "42")]);
    case.rules.payments.enabled = false;
    assert!(!reads(&case) && case.decision().is_settled());
    case.rules.payments.enabled = true;
    for aspects in [Aspects::NOTES, Aspects::SALES_ORDER] {
        assert!(!reads(&case.clone().with_aspects(aspects)), "{aspects:?}");
    }
    book(&mut case);
    let seen = case.decision().paid_as_seen;
    assert!(seen.is_some());
    case.full.paid_as_seen = seen;
    case.order().modified_at = ago(1);
    case.order().external_order_id = "BP-70001".into();
    assert!(!reads(&case.clone().with_aspects(Aspects::STORE_ORDER)), "our own write coming back");
    assert!(reads(&case.clone().with_aspects(Aspects::STORE_ORDER.with(Aspects::TRANSACTIONS))), "an event told of a payment");
    case.order().payment_status = "partially refunded".into();
    assert!(reads(&case.clone().with_aspects(Aspects::STORE_ORDER)), "the order tells of one");
    // Other rules alone look at nothing.
    case.order().payment_status = "captured".into();
    case.rules.payments.default_method = Some("GIFTCARD".into());
    assert!(!reads(&case.with_aspects(Aspects::STORE_ORDER)));
}

#[test]
fn a_token_that_may_not_read_payments_holds_them_alone() {
    let mut case = paid_by(vec![]);
    case.full.transactions = Some(Transactions::Refused("403".into()));
    case.order().status = StoreStatusId(5);
    assert_eq!(causes(&case), ["refused:read-transactions"]);
    assert!(matches!(case.command(), Command::SetSalesOrderStatus { .. }));
}

#[test]
fn a_payment_in_doubt_is_sent_again_as_it_was_whatever_the_rules_say_now() {
    let mut case = paid_by(vec![row(1, Event::Authorization, "42"), after(2, Event::Capture, "42", 1)]);
    let sent = |kind| SentPayment { method: "OLD".into(), kind };
    case.full.payments_in_doubt = [("bc-store7-txn-1".to_owned(), sent(Auth)), ("bc-store7-txn-2".to_owned(), sent(Capture))].into();
    case.rules.payments.uncaptured = false;
    case.rules.payments.default_method = None;
    let again = payments(&case.decision());
    assert_eq!(again.iter().map(|payment| (payment.kind, payment.method.as_str())).collect::<Vec<_>>(), [(Auth, "OLD"), (Capture, "OLD")]);
}

#[test]
fn a_payment_that_brightpearl_has_already_is_linked_and_not_booked_again() {
    let mut case = paid_by(vec![row(1, Event::Purchase, "40"), row(2, Event::Purchase, "2")]);
    case.sales_order().payment_status = "PARTIALLY_PAID".into();
    let known =
        SalesOrderPayment { id: PaymentId(935_400), reference: "bc-store7-txn-1".into(), method: "OLD".into(), kind: Some(Receipt), amount: d("40") };
    case.full.payments = Some(vec![known.clone()]);
    let decision = case.decision();
    assert_eq!((decision.found_payments[0].payment, decision.found_payments[0].method.as_str()), (PaymentId(935_400), "OLD"));
    assert_eq!(payments(&decision).len(), 1);
    // Another installation of ours may have made them.
    let mut case = paid_by(vec![row(1, Event::Purchase, "40")]);
    case.search_before_creating = true;
    case.full.payments = Some(vec![known]);
    assert_eq!((case.decision().found_payments.len(), payments(&case.decision()).len()), (1, 0));
    // An unpaid sales order is not asked about.
    let plain = paid_by(vec![row(1, Event::Purchase, "40")]);
    assert!(!plain.run().rounds.iter().flatten().any(|need| matches!(need, Need::Payments(_))));
}

#[test]
fn an_archived_order_and_a_sales_order_that_is_gone_get_no_payment() {
    let mut case = paid_by(vec![row(1, Event::Purchase, "42")]);
    case.order().deleted = true;
    assert!(booked(&case).is_empty());
    let mut case = paid_by(vec![row(1, Event::Purchase, "42")]);
    case.full.sales_orders.insert(SALES_ORDER, None);
    case.order().status = StoreStatusId(5);
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.again_after_seconds.is_some(), "{decision:?}");
}
