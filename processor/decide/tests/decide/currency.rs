//! Currencies whose amounts cannot be kept.

use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::reference::StoreCurrency;

use crate::case::Case;

fn paid_in(decimals: u32) -> Case {
    let mut case = Case::new();
    let code = case.order().currency.clone();
    case.reference.store.currencies = vec![StoreCurrency { code, decimals, is_default: true, is_transactional: true }];
    case
}

#[test]
fn an_order_in_a_currency_with_three_decimals_waits_before_anything_is_made() {
    let case = paid_in(3);
    assert_eq!(case.held(Effect::Creation), [Cause::CurrencyDecimals("GBP".into())]);
    assert!(case.decision().commands.is_empty());
}

#[test]
fn two_decimals_and_none_are_no_reason_to_wait() {
    for decimals in [0, 2] {
        assert!(paid_in(decimals).decision().holds.iter().all(|hold| !matches!(hold.cause, Cause::CurrencyDecimals(_))), "{decimals}");
    }
    assert!(Case::new().decision().holds.is_empty(), "a list that was not read says nothing");
}

#[test]
fn a_sales_order_that_exists_is_not_held_for_its_currency() {
    let mut case = Case::linked();
    let code = case.order().currency.clone();
    case.reference.store.currencies = vec![StoreCurrency { code, decimals: 3, is_default: true, is_transactional: true }];
    assert!(case.decision().holds.is_empty());
}
