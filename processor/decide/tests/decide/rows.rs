//! Rows and their money, for orders whose sums can be checked by eye.

use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::{Charge, Coupon, Fee, Taxed};
use orderbridge_schema::rules::{TaxCodeEntry, Tenders};
use rust_decimal::Decimal;

use crate::case::Case;
use crate::facts::{TEA, d, tax};

/// Key, net and tax of each row.
fn money(case: &Case) -> Vec<(String, Decimal, Decimal)> {
    case.rows().into_iter().map(|row| (row.external_ref, row.net, row.tax)).collect()
}

fn row(key: &str, net: &str, tax: &str) -> (String, Decimal, Decimal) {
    (key.into(), d(net), d(tax))
}

fn coupon(kind: u32, discount: &str) -> Coupon {
    Coupon { code: "SAVE".into(), kind, discount: d(discount) }
}

fn fee(id: u64, gross: &str, tax: &str) -> Fee {
    Fee { id, name: format!("Fee {id}"), charge: Charge { gross: d(gross), tax: d(tax) } }
}

#[test]
fn lines_and_charges_are_rows_net_of_their_own_tax() {
    let mut case = Case::new();
    case.order().handling = Charge { gross: d("1.20"), tax: d("0.20") };
    case.order().wrapping = Charge { gross: d("3.60"), tax: d("0.60") };
    (case.order().total, case.order().tax) = (d("46.80"), d("7.80"));
    case.taxes().extend([tax(Taxed::Handling, "20", "0.20"), tax(Taxed::Wrapping, "20", "0.60")]);
    let expected = [
        row("bc-line-501", "20", "4"),
        row("bc-line-502", "10", "2"),
        row("bc-shipping", "5", "1"),
        row("bc-handling", "1", "0.20"),
        row("bc-wrapping", "3", "0.60"),
    ];
    assert_eq!(money(&case), expected);
}

#[test]
fn two_rates_on_one_line_are_one_row_with_both() {
    let mut case = Case::new();
    case.taxes()[0] = tax(Taxed::Line(TEA), "6.25", "2.5");
    case.taxes().push(tax(Taxed::Line(TEA), "3.75", "1.5"));
    case.rules.taxes_and_accounts.tax_codes = vec![TaxCodeEntry { class: None, rate: Some(d("10")), country: None, code: "NY".into() }];
    assert_eq!((case.rows()[0].tax, case.rows()[0].tax_code.as_str()), (d("4"), "NY"));
    assert_eq!(case.rows()[1].tax_code, "T");
}

#[test]
fn a_discount_inside_the_lines_is_not_taken_twice() {
    let mut case = Case::new();
    case.lines()[0].discounted_total = d("20");
    (case.order().discount, case.order().total) = (d("4"), d("38"));
    assert_eq!(money(&case)[0], row("bc-line-501", "16", "4"));
    assert_eq!(money(&case).len(), 3);
}

#[test]
fn a_discount_that_no_line_shows_is_a_row_of_its_own() {
    let mut case = Case::new();
    (case.order().discount, case.order().coupon_discount, case.order().total) = (d("3"), d("1"), d("38"));
    case.full.coupons = Some(vec![coupon(1, "1")]);
    case.rules.taxes_and_accounts.discount_nominal_code = Some("4010".into());
    assert_eq!(money(&case)[3], row("bc-discount", "-4", "0"));
    assert_eq!(case.rows()[3].nominal_code.as_deref(), Some("4010"));
}

#[test]
fn a_delivery_coupon_is_a_row_beside_delivery_and_an_item_coupon_is_not() {
    let mut case = Case::new();
    (case.order().coupon_discount, case.order().total) = (d("5"), d("37"));
    case.lines()[0].discounted_total = d("23");
    case.full.coupons = Some(vec![coupon(1, "1"), coupon(4, "4")]);
    assert_eq!(money(&case)[3], row("bc-shipping-discount", "-4", "0"));
    assert_eq!((money(&case).len(), case.created_order().total()), (4, Some(d("37"))));
}

#[test]
fn each_fee_keeps_its_own_tax_beside_a_delivery_coupon() {
    let mut case = Case::new();
    (case.order().coupon_discount, case.order().total, case.order().tax) = (d("4"), d("56"), d("10"));
    case.full.coupons = Some(vec![coupon(4, "4")]);
    case.full.fees = Some(vec![fee(1, "12", "2"), fee(2, "6", "1")]);
    case.taxes().push(tax(Taxed::Other, "20", "3"));
    let expected = [row("bc-shipping-discount", "-4", "0"), row("bc-fee-1", "10", "2"), row("bc-fee-2", "5", "1")];
    assert_eq!(money(&case)[3..], expected);
}

#[test]
fn a_total_after_tenders_is_told_from_one_before_them() {
    for (tenders, total, creates) in [
        (Tenders::Detect, "42", true),
        (Tenders::Detect, "27", true),
        (Tenders::Included, "42", true),
        (Tenders::Included, "27", false),
        (Tenders::Excluded, "27", true),
        (Tenders::Excluded, "42", false),
    ] {
        let mut case = Case::new();
        case.rules.taxes_and_accounts.tenders = tenders;
        (case.order().store_credit, case.order().gift_certificates, case.order().total) = (d("5"), d("10"), d(total));
        if creates {
            assert_eq!(case.created_order().total(), Some(d("42")), "{tenders:?} {total}");
        } else {
            assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch], "{tenders:?} {total}");
        }
    }
}

#[test]
fn two_pennies_that_nothing_explains_are_made_up_for_and_more_is_held() {
    for (total, creates) in [("42.02", true), ("41.98", true), ("42.03", false), ("41.97", false)] {
        let mut case = Case::new();
        case.order().total = d(total);
        if creates {
            let rounded = orderbridge_schema::money::round(d(total), 2);
            assert_eq!(case.created_order().total(), Some(rounded));
        } else {
            assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch], "{total}");
        }
    }
}

#[test]
fn without_tax_details_the_lines_own_fields_are_taken_and_without_those_their_share() {
    let mut case = Case::new();
    case.taxes().clear();
    assert_eq!(money(&case)[..2], [row("bc-line-501", "20", "4"), row("bc-line-502", "10", "2")]);
    // The lines' fields no longer add up to the order's tax: 8.40 is spread by 24 : 12 : 6.
    case.order().tax = d("8.40");
    assert_eq!(money(&case), [row("bc-line-501", "19.20", "4.80"), row("bc-line-502", "9.60", "2.40"), row("bc-shipping", "4.80", "1.20")]);
}

#[test]
fn tax_of_something_that_is_no_row_is_not_given_to_another() {
    let mut case = Case::new();
    // The details seem to add up, but one of them taxes wrapping, which was not charged: the lines' own fields are taken.
    case.taxes()[0].amount = d("5");
    case.taxes()[1].amount = d("1");
    case.taxes().push(tax(Taxed::Wrapping, "20", "2"));
    assert_eq!(money(&case)[..2], [row("bc-line-501", "20", "4"), row("bc-line-502", "10", "2")]);
    case.taxes().pop();
    assert_eq!(money(&case)[..2], [row("bc-line-501", "19", "5"), row("bc-line-502", "11", "1")]);
}

#[test]
fn a_removed_line_is_no_row_and_a_free_one_is() {
    let mut case = Case::new();
    let mut removed = case.lines()[0].clone();
    (removed.id, removed.quantity, removed.sku) = (510.into(), 0, "UNKNOWN".into());
    let mut child = case.lines()[1].clone();
    (child.id, child.total, child.tax, child.discounted_total, child.parent) = (511.into(), d("0"), d("0"), d("0"), Some(TEA));
    case.lines().extend([removed, child]);
    let keys: Vec<String> = money(&case).into_iter().map(|row| row.0).collect();
    assert_eq!(keys, ["bc-line-501", "bc-line-502", "bc-line-511", "bc-shipping"]);
}

#[test]
fn rows_are_in_the_minor_unit_of_their_currency() {
    for (currency, decimals) in [("JPY", 0), ("GBP", 2)] {
        let mut case = Case::new();
        case.order().currency = currency.into();
        (case.lines()[0].discounted_total, case.lines()[1].discounted_total) = (d("24.1234"), d("12.4321"));
        case.order().total = d("42.5555");
        assert_eq!(case.created_order().total(), Some(orderbridge_schema::money::round(d("42.5555"), decimals)), "{currency}");
        assert!(case.rows().iter().all(|row| row.net.normalize().scale() <= decimals && row.tax.normalize().scale() <= decimals));
    }
}

#[test]
fn a_long_name_is_cut_by_characters() {
    let mut case = Case::new();
    case.lines()[0].name = "\u{e9}".repeat(300);
    assert_eq!(case.rows()[0].name.chars().count(), 250);
}

#[test]
fn amounts_beyond_any_number_hold_the_creation() {
    let mut case = Case::new();
    let line = case.lines()[0].clone();
    *case.lines() = vec![line];
    case.lines()[0].discounted_total = Decimal::MAX;
    (case.order().total, case.order().tax, case.order().shipping) = (Decimal::MAX, Decimal::MIN, Charge::default());
    assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch]);
}
