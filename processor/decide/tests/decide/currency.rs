//! The rate that a sales order and its payments carry, and the minor unit of its amounts.

use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::reference::StoreCurrency;
use orderbridge_schema::rules::RateDirection;
use rust_decimal::Decimal;

use crate::case::Case;
use crate::facts::{SALES_ORDER, d};

/// The plain order in another currency, by a store whose default is pounds and that has this rate.
fn in_currency(currency: &str, store_rate: Option<&str>) -> Case {
    let mut case = Case::new();
    case.order().currency = currency.into();
    case.order().store_rate = store_rate.map(d);
    case
}

fn listed(case: &mut Case, code: &str, decimals: u32) {
    case.reference.store.currencies.push(StoreCurrency { code: code.into(), decimals, is_default: false, is_transactional: true });
}

#[test]
fn the_base_currency_has_the_rate_1_whatever_the_store_says() {
    assert_eq!(Case::new().created_order().exchange_rate, Decimal::ONE);
    assert_eq!(in_currency("GBP", Some("1.7")).created_order().exchange_rate, Decimal::ONE);
}

#[test]
fn a_store_in_the_base_currency_gives_its_own_rate_of_the_order_and_otherwise_brightpearls_is_taken() {
    assert_eq!(in_currency("EUR", Some("1.1712345678")).created_order().exchange_rate, d("1.171235"), "six decimals");
    for without in [None, Some("1.0000000000")] {
        assert_eq!(in_currency("EUR", without).created_order().exchange_rate, d("1.15"), "{without:?}");
    }
    // The store's rate is between dollars and euros: it says nothing about pounds.
    let mut case = in_currency("EUR", Some("0.92"));
    case.order().store_currency = "USD".into();
    assert_eq!(case.created_order().exchange_rate, d("1.15"));
    // Where the order does not name the store's default, the store does.
    case.order().store_currency = String::new();
    case.reference.store.currency = "USD".into();
    assert_eq!(case.created_order().exchange_rate, d("1.15"));
    case.reference.store.currency = "gbp".into();
    case.order().store_rate = Some(d("1.18"));
    assert_eq!(case.created_order().exchange_rate, d("1.18"));
}

#[test]
fn a_rate_that_is_the_other_way_round_is_turned_or_held_and_never_sent() {
    // Brightpearl has 1.25 dollars to the pound; this store writes pounds to the dollar.
    let mut case = in_currency("USD", Some("0.8"));
    assert_eq!(case.held(Effect::Creation), [Cause::ExchangeRateDirection("USD".into())]);
    case.rules.taxes_and_accounts.store_rate = RateDirection::Inverse;
    assert_eq!(case.created_order().exchange_rate, d("1.25"));
    // And where Brightpearl itself writes them so, the store's rate as it is written is the one of the same direction.
    case.reference.account.currencies[1].rate = Some(d("0.8"));
    assert_eq!(case.held(Effect::Creation), [Cause::ExchangeRateDirection("USD".into())]);
    case.rules.taxes_and_accounts.store_rate = RateDirection::Direct;
    assert_eq!(case.created_order().exchange_rate, d("0.8"));
}

#[test]
fn a_rate_that_is_merely_old_is_not_taken_for_one_upside_down() {
    for old in ["0.97", "1.05", "1.3", "2", "9"] {
        assert_eq!(in_currency("EUR", Some(old)).created_order().exchange_rate, d(old));
    }
}

#[test]
fn without_any_rate_the_order_is_held() {
    assert_eq!(in_currency("CHF", None).held(Effect::Creation), [Cause::NoExchangeRate("CHF".into())]);
    assert_eq!(in_currency("CHF", Some("1.12")).created_order().exchange_rate, d("1.12"));
    // A rate of which six decimals leave nothing.
    assert_eq!(in_currency("CHF", Some("0.0000001")).held(Effect::Creation), [Cause::NoExchangeRate("CHF".into())]);
    let mut case = Case::new();
    case.reference.account.configuration.clear();
    case.reference.account.currencies.clear();
    assert_eq!(case.held(Effect::Creation), [Cause::NoExchangeRate("GBP".into())], "nobody knows what the base is");
}

#[test]
fn the_rate_of_a_sales_order_is_the_one_it_was_made_with_and_else_its_own() {
    let mut case = Case::created();
    case.sales_order().exchange_rate = None;
    assert_eq!(case.full.exchange_rate(SALES_ORDER), None);
    case.sales_order().exchange_rate = Some(d("1.2"));
    assert_eq!(case.full.exchange_rate(SALES_ORDER), Some(d("1.2")));
    case.full.exchange_rates.insert(SALES_ORDER, d("1.15"));
    assert_eq!(case.full.exchange_rate(SALES_ORDER), Some(d("1.15")));
    assert_eq!(case.full.exchange_rate(SalesOrderId(9)), None);
}

#[test]
fn the_stores_list_says_how_many_decimals_amounts_have() {
    let mut case = in_currency("EUR", None);
    listed(&mut case, "eur", 0);
    assert_eq!(case.created_order().decimals, 0, "42.00 and 7.00 are whole");
    // Amounts with decimals are no whole ones, however the store shows its prices.
    (case.order().total, case.lines()[0].discounted_total) = (d("42.40"), d("24.40"));
    assert_eq!((case.created_order().decimals, case.created_order().total()), (2, Some(d("42.40"))));
    assert_eq!(in_currency("JPY", None).created_order().decimals, 0);
}

#[test]
fn amounts_with_three_decimals_are_no_sales_order() {
    assert_eq!(in_currency("KWD", Some("0.4")).held(Effect::Creation), [Cause::CurrencyDecimals("KWD".into())]);
    let mut case = in_currency("EUR", None);
    listed(&mut case, "EUR", 3);
    assert_eq!(case.held(Effect::Creation), [Cause::CurrencyDecimals("EUR".into())]);
}

fn listed_with(mut case: Case, decimals: u32) -> Case {
    let code = case.order().currency.clone();
    case.reference.store.currencies = vec![StoreCurrency { code, decimals, is_default: true, is_transactional: true }];
    case
}

#[test]
fn an_order_in_a_currency_with_three_decimals_waits_before_anything_is_made() {
    let case = listed_with(Case::new(), 3);
    assert_eq!(case.held(Effect::Creation), [Cause::CurrencyDecimals("GBP".into())]);
    assert!(case.decision().commands.is_empty());
}

#[test]
fn two_decimals_and_none_are_no_reason_to_wait() {
    for decimals in [0, 2] {
        let holds = listed_with(Case::new(), decimals).decision().holds;
        assert!(holds.iter().all(|hold| !matches!(hold.cause, Cause::CurrencyDecimals(_))), "{decimals}");
    }
    assert!(Case::new().decision().holds.is_empty(), "a list that was not read says nothing");
}

#[test]
fn a_sales_order_that_exists_is_not_held_for_its_currency() {
    assert!(listed_with(Case::linked(), 3).decision().holds.is_empty());
}
