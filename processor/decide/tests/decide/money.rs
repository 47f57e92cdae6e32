//! Discounts, codes, rates and the row for rounding, in orders whose sums can be checked by eye.

use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::{Charge, Coupon, Fee, LineKind, LineWrapping, SalesOrderRow, Taxed};
use orderbridge_schema::ids::{ProductId, SalesOrderRowId};
use orderbridge_schema::rules::{Discounts, TaxCodeEntry};
use rust_decimal::Decimal;

use crate::case::{Case, remark_keys};
use crate::facts::{MUG, TEA, d, row, tax};

/// Key, net, tax and tax code of each row.
fn money(case: &Case) -> Vec<(String, Decimal, Decimal, String)> {
    case.rows().into_iter().map(|row| (row.external_ref, row.net, row.tax, row.tax_code)).collect()
}

fn is(key: &str, net: &str, tax: &str, code: &str) -> (String, Decimal, Decimal, String) {
    (key.into(), d(net), d(tax), code.into())
}

fn code(class: Option<&str>, rate: Option<&str>, country: Option<&str>, code: &str) -> TaxCodeEntry {
    TaxCodeEntry { class: class.map(str::to_owned), rate: rate.map(d), country: country.map(str::to_owned), code: code.into() }
}

/// Codes that tell the rate.
fn by_rate(case: &mut Case) {
    case.rules.taxes_and_accounts.tax_codes = ["0", "5", "20"].map(|rate| code(None, Some(rate), None, &format!("T{rate}"))).to_vec();
}

fn charge(gross: &str, tax: &str) -> Charge {
    Charge { gross: d(gross), tax: d(tax) }
}

/// 6.00 off the tea and 3.00 off a mug at the reduced rate.
fn discounted() -> Case {
    let mut case = Case::new();
    by_rate(&mut case);
    case.rules.taxes_and_accounts.discounts = Discounts::OwnRows;
    let [tea, mug] = &mut case.lines()[..] else { panic!("two lines") };
    (tea.discounted_total, mug.total, mug.tax, mug.discounted_total) = (d("18"), d("10.50"), d("0.50"), d("8.40"));
    *case.taxes() = vec![tax(Taxed::Line(TEA), "20", "3"), tax(Taxed::Line(MUG), "5", "0.40"), tax(Taxed::Shipping, "20", "1")];
    (case.order().total, case.order().tax, case.order().discount) = (d("32.40"), d("4.40"), d("8.10"));
    case
}

#[test]
fn discounts_stand_inside_the_rows_or_once_per_tax_code() {
    let mut case = discounted();
    let own = [
        is("bc-line-501", "20", "4", "T20"),
        is("bc-line-502", "10", "0.50", "T5"),
        is("bc-shipping", "5", "1", "T20"),
        is("bc-discount-T20", "-5", "-1", "T20"),
        is("bc-discount-T5", "-2", "-0.10", "T5"),
    ];
    assert_eq!(money(&case), own);
    case.rules.taxes_and_accounts.discounts = Discounts::InRows;
    let inside = [is("bc-line-501", "15", "3", "T20"), is("bc-line-502", "8", "0.40", "T5"), is("bc-shipping", "5", "1", "T20")];
    assert_eq!(money(&case), inside);
}

#[test]
fn free_delivery_is_part_of_the_discount_row_of_its_tax_code() {
    let mut case = discounted();
    case.full.coupons = Some(vec![Coupon { code: "FREE".into(), kind: 4, discount: d("6") }]);
    (case.order().total, case.order().tax, case.order().coupon_discount) = (d("26.40"), d("3.40"), d("6"));
    case.taxes()[2].amount = Decimal::ZERO;
    assert_eq!(money(&case)[2..4], [is("bc-shipping", "5", "1", "T20"), is("bc-discount-T20", "-10", "-2", "T20")]);
    // Beside delivery it is one row under delivery's code, as long as discounts stand inside.
    case.rules.taxes_and_accounts.discounts = Discounts::InRows;
    assert_eq!(money(&case)[2..], [is("bc-shipping", "6", "0", "T20"), is("bc-shipping-discount", "-6", "0", "T20")]);
}

#[test]
fn a_delivery_coupon_that_the_amounts_have_already_is_not_counted_again() {
    let mut case = Case::new();
    (case.order().coupon_discount, case.order().shipping) = (d("2"), charge("4", "1"));
    case.order().total = d("40");
    case.full.coupons = Some(vec![Coupon { code: "POST".into(), kind: 3, discount: d("2") }]);
    assert_eq!(money(&case).len(), 3);
    assert_eq!(case.created_order().total(), Some(d("40")));
}

#[test]
fn a_fee_as_high_as_what_a_coupon_takes_off_delivery_is_told_from_it_by_its_tax() {
    let mut case = Case::new();
    (case.order().coupon_discount, case.order().total, case.order().tax) = (d("2.40"), d("42"), d("7.40"));
    case.full.coupons = Some(vec![Coupon { code: "POST".into(), kind: 3, discount: d("2.40") }]);
    case.full.fees = Some(vec![Fee { id: 9, name: "Packing".into(), charge: charge("2.40", "0.40") }]);
    case.taxes().push(tax(Taxed::Other, "20", "0.40"));
    assert_eq!(money(&case)[3..], [is("bc-shipping-discount", "-2.40", "0", "T"), is("bc-fee-9", "2", "0.40", "T")]);
}

#[test]
fn every_discount_of_an_order_is_counted_once_however_the_store_shows_it() {
    // The tea shows the coupon, nothing shows the order's own discount.
    let mut case = Case::new();
    case.lines()[0].discounted_total = d("23");
    (case.order().coupon_discount, case.order().discount, case.order().total) = (d("1"), d("2"), d("39"));
    case.full.coupons = Some(vec![Coupon { code: "ONE".into(), kind: 2, discount: d("1") }]);
    assert_eq!(money(&case)[3], is("bc-discount", "-2", "0", "T"));
}

#[test]
fn two_pennies_go_to_one_row_with_the_code_of_the_side_they_correct() {
    let mut case = Case::new();
    by_rate(&mut case);
    case.order().total = d("42.01");
    assert_eq!(money(&case)[3..], [is("bc-rounding", "0.01", "0", "T0")]);
    // The tax is a penny more than its details: the total is right, so that the net is a penny less.
    (case.order().total, case.order().tax) = (d("42"), d("7.01"));
    assert_eq!(money(&case)[3..], [is("bc-rounding", "-0.01", "0.01", "T20")]);
    (case.order().total, case.order().tax) = (d("41.98"), d("6.98"));
    assert_eq!(money(&case)[3..], [is("bc-rounding", "0", "-0.02", "T20")]);
    assert_eq!(remark_keys(&case.decision()), ["rounding-row"]);
    assert_eq!(case.created_order().total(), Some(d("41.98")));
}

#[test]
fn the_rounding_limit_is_the_merchants_or_grows_with_the_rows() {
    let mut case = Case::new();
    case.order().total = d("42.03");
    assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch]);
    case.rules.taxes_and_accounts.rounding_limit = Some(3);
    assert_eq!(money(&case).last().unwrap().0, "bc-rounding");
    case.rules.taxes_and_accounts.rounding_limit = Some(0);
    case.order().total = d("42.01");
    assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch]);

    // Thirteen rows may be off by four.
    let mut case = Case::new();
    for id in 0..10 {
        case.lines().push(crate::facts::line((600 + id).into(), "TEA-1", 1, "0", "0"));
    }
    case.order().total = d("42.04");
    assert_eq!((case.rows().len(), case.created_order().total()), (14, Some(d("42.04"))));
    case.order().total = d("42.05");
    assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch]);
}

#[test]
fn a_hold_shows_both_sums_line_by_line_and_no_name() {
    let mut case = Case::new();
    case.order().total = d("50");
    let why = &case.decision().holds[0].why;
    for shown in ["bc-line-501 24 with 4", "bc-line-502 12 with 2", "bc-shipping 6 with 1", "42 GBP with 7 tax", "50 with 7 tax"] {
        assert!(why.contains(shown), "{why}");
    }
    assert!(!why.contains("Thing"), "{why}");
}

#[test]
fn tax_that_the_store_contradicts_itself_about_is_held() {
    let mut case = Case::new();
    case.order().tax = d("8.40");
    assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch], "details say 7.00, lines too");
}

#[test]
fn each_rates_tax_is_the_stores_also_where_all_is_rounded_once() {
    // Three lines at 20 % with 0.0033 each too little for a penny, one at 5 % with the rest.
    let mut case = Case::new();
    by_rate(&mut case);
    let line = |id: u64, gross: &str, tax: &str| crate::facts::line(id.into(), "TEA-1", 1, gross, tax);
    *case.lines() = vec![line(1, "1.0033", "0.1672"), line(2, "1.0033", "0.1672"), line(3, "1.0033", "0.1672"), line(4, "2.0001", "0.0952")];
    let on = |id: u64| Taxed::Line(id.into());
    *case.taxes() = vec![tax(on(1), "20", "0.1672"), tax(on(2), "20", "0.1672"), tax(on(3), "20", "0.1672"), tax(on(4), "5", "0.0952")];
    (case.order().shipping, case.order().total, case.order().tax) = (Charge::default(), d("5.01"), d("0.60"));
    let of = |code: &str| money(&case).iter().filter(|row| row.3 == code).map(|row| row.2).sum::<Decimal>();
    assert_eq!((of("T20"), of("T5")), (d("0.50"), d("0.10")));
    assert_eq!(case.rows().len(), 4);
}

#[test]
fn several_rates_on_one_line_have_one_code_whatever_their_order() {
    let mut case = Case::new();
    case.taxes()[0] = tax(Taxed::Line(TEA), "6.25", "2.5");
    case.taxes().insert(0, tax(Taxed::Line(TEA), "3.75", "1.5"));
    case.rules.taxes_and_accounts.tax_codes = vec![code(None, Some("6.25"), None, "STATE"), code(None, Some("3.75"), None, "COUNTY")];
    assert_eq!(money(&case)[0].3, "STATE", "the highest, where nothing names them together");
    case.taxes().swap(0, 1);
    assert_eq!(money(&case)[0].3, "STATE");
    case.rules.taxes_and_accounts.tax_codes.push(code(None, Some("10"), None, "BOTH"));
    assert_eq!(money(&case)[0].3, "BOTH");
}

#[test]
fn a_tax_code_may_depend_on_the_country_of_delivery() {
    let mut case = Case::new();
    case.rules.taxes_and_accounts.tax_codes = vec![code(None, Some("20"), None, "T20"), code(None, Some("20"), Some("fr"), "FR20")];
    assert_eq!(money(&case)[0].3, "T20");
    case.full.addresses.as_mut().unwrap()[0].address.country_iso2 = "FR".into();
    assert_eq!(money(&case)[0].3, "FR20");
    // Nothing is delivered: where the customer is.
    (case.order().address_count, case.order().digital) = (0, true);
    assert_eq!(money(&case)[0].3, "T20");
}

#[test]
fn a_comparison_works_rows_out_without_addresses_unless_a_tax_code_depends_on_them() {
    use orderbridge_decide::Need;
    let mut case = Case::created();
    // Products are the last that rows are worked out from; what both sides have in common then is remembered with the address.
    let asks = |case: &Case| {
        let rounds = case.run().rounds;
        let before = rounds.iter().take_while(|round| !round.iter().any(|need| matches!(need, Need::Products(_))));
        before.flatten().any(|need| *need == Need::Addresses)
    };
    assert!(!asks(&case));
    case.rules.taxes_and_accounts.tax_codes = vec![code(None, None, Some("FR"), "FR")];
    assert!(asks(&case) && case.decision().holds.is_empty());
}

#[test]
fn exempt_customers_and_zero_rated_lines_have_the_untaxed_code() {
    let mut case = Case::new();
    case.rules.taxes_and_accounts.default_untaxed_tax_code = Some("Z".into());
    case.taxes()[1].rate = Decimal::ZERO;
    case.taxes()[1].amount = Decimal::ZERO;
    (case.order().tax, case.lines()[1].tax) = (d("5"), Decimal::ZERO);
    assert_eq!(money(&case)[1], is("bc-line-502", "12", "0", "Z"));
    assert_eq!(money(&case)[0].3, "T");
    // An exempt customer: no tax at all, and no tax rows.
    case.taxes().clear();
    for line in case.lines() {
        line.tax = Decimal::ZERO;
    }
    (case.order().tax, case.order().shipping.tax) = (Decimal::ZERO, Decimal::ZERO);
    assert!(money(&case).iter().all(|row| row.2.is_zero() && row.3 == "Z"), "{:?}", money(&case));
}

#[test]
fn a_line_that_a_discount_makes_free_keeps_the_code_of_its_rate() {
    let mut case = Case::new();
    by_rate(&mut case);
    case.lines()[1].discounted_total = Decimal::ZERO;
    case.taxes()[1].amount = Decimal::ZERO;
    (case.order().total, case.order().tax, case.order().discount) = (d("30"), d("5"), d("12"));
    assert_eq!(money(&case)[1], is("bc-line-502", "0", "0", "T20"));
    case.rules.taxes_and_accounts.discounts = Discounts::OwnRows;
    assert_eq!(money(&case)[1], is("bc-line-502", "10", "2", "T20"));
    assert_eq!(money(&case)[3], is("bc-discount-T20", "-10", "-2", "T20"));
}

#[test]
fn fees_that_the_tax_details_do_not_list_carry_their_own_tax() {
    let mut case = Case::new();
    by_rate(&mut case);
    case.full.fees = Some(vec![Fee { id: 9, name: "Packing".into(), charge: charge("2.40", "0.40") }]);
    (case.order().total, case.order().tax) = (d("44.40"), d("7.40"));
    // At a rate that the store does not name: the default for what is taxed.
    assert_eq!(money(&case)[3], is("bc-fee-9", "2", "0.40", "T"));
    case.taxes().push(tax(Taxed::Other, "20", "0.40"));
    assert_eq!(money(&case)[3].3, "T20");
}

#[test]
fn two_fees_at_two_rates_have_two_codes() {
    let mut case = Case::new();
    by_rate(&mut case);
    let fee = |id, charge| Fee { id, name: format!("Fee {id}"), charge };
    case.full.fees = Some(vec![fee(1, charge("1.05", "0.05")), fee(2, charge("2.40", "0.40")), fee(3, charge("1", "0"))]);
    (case.order().total, case.order().tax) = (d("46.45"), d("7.45"));
    case.taxes().extend([tax(Taxed::Other, "20", "0.40"), tax(Taxed::Other, "5", "0.05")]);
    let codes: Vec<String> = money(&case)[3..].iter().map(|row| row.3.clone()).collect();
    assert_eq!(codes, ["T5", "T20", "T0"]);
}

#[test]
fn wrapping_stands_line_by_line_where_the_lines_say_all_of_it() {
    let mut case = Case::new();
    by_rate(&mut case);
    let wrapping = |name: &str, charge| Some(LineWrapping { name: name.into(), message: String::new(), charge });
    case.lines()[0].wrapping = wrapping("Red paper", charge("2.40", "0.40"));
    case.lines()[1].wrapping = wrapping("", charge("1.20", "0.20"));
    (case.order().wrapping, case.order().total, case.order().tax) = (charge("3.60", "0.60"), d("45.60"), d("7.60"));
    case.taxes().extend([tax(Taxed::Wrapping, "20", "0.40"), tax(Taxed::Wrapping, "20", "0.20")]);
    assert_eq!(money(&case)[3..], [is("bc-wrapping-501", "2", "0.40", "T20"), is("bc-wrapping-502", "1", "0.20", "T20")]);
    assert_eq!(case.rows()[3].name, "Gift wrapping: Red paper");
    // The lines say something else than the order, perhaps what one piece costs: the order is right.
    case.lines()[0].wrapping = wrapping("Red paper", charge("1.20", "0.20"));
    assert_eq!(money(&case)[3..], [is("bc-wrapping", "3", "0.60", "T20")]);
}

#[test]
fn nominal_codes_are_the_merchants_or_the_accounts_own() {
    let mut case = Case::new();
    let charges = [Taxed::Handling, Taxed::Wrapping].map(|on| tax(on, "20", "0.20"));
    (case.order().handling, case.order().wrapping) = (charge("1.20", "0.20"), charge("1.20", "0.20"));
    (case.order().discount, case.order().total, case.order().tax) = (d("2"), d("42.41"), d("7.40"));
    case.taxes().extend(charges);
    case.lines()[1].kind = LineKind::GiftCertificate;
    let codes = |case: &Case| -> Vec<Option<String>> { case.rows().into_iter().map(|row| row.nominal_code).collect() };
    let some = |code: &str| Some(code.to_owned());
    // Tea, gift certificate, shipping, handling, wrapping, discount, rounding.
    assert_eq!(codes(&case), [None, some("4050"), None, None, None, None, None]);
    for (name, code) in [("shippingNominalCode", "4040"), ("discountNominalCode", "4009"), ("roundingCorrectionsNominalCode", "7910")] {
        case.reference.account.configuration.insert(name.into(), code.into());
    }
    assert_eq!(codes(&case), [None, some("4050"), some("4040"), None, None, some("4009"), some("7910")]);
    let rules = &mut case.rules.taxes_and_accounts;
    (rules.fee_nominal_code, rules.wrapping_nominal_code, rules.rounding_nominal_code) = (some("1"), some("2"), some("3"));
    (rules.gift_certificate_nominal_code, rules.shipping_nominal_code, rules.discount_nominal_code) = (some("4"), some("5"), some("6"));
    assert_eq!(codes(&case), [None, some("4"), some("5"), some("1"), some("2"), some("6"), some("3")]);
    case.rules.taxes_and_accounts.handling_nominal_code = some("7");
    assert_eq!(codes(&case)[3], some("7"));
}

#[test]
fn a_gift_certificate_sold_is_never_booked_as_income() {
    let mut case = Case::new();
    case.lines()[1].kind = LineKind::GiftCertificate;
    case.reference.account.configuration.remove("giftcardNominalCode");
    assert_eq!(case.held(Effect::Creation), [Cause::MissingRule("taxes_and_accounts.gift_certificate_nominal_code")]);
}

#[test]
fn whole_yen_stay_whole() {
    let mut case = Case::new();
    case.order().currency = "JPY".into();
    let [tea, mug] = &mut case.lines()[..] else { panic!("two lines") };
    (tea.total, tea.discounted_total, mug.total, mug.discounted_total) = (d("1001"), d("1001"), d("330"), d("330"));
    *case.taxes() = vec![tax(Taxed::Line(TEA), "10", "91"), tax(Taxed::Line(MUG), "10", "30"), tax(Taxed::Shipping, "10", "50")];
    (case.order().shipping, case.order().total, case.order().tax) = (charge("550", "50"), d("1881"), d("171"));
    assert_eq!(money(&case)[..2], [is("bc-line-501", "910", "91", "T"), is("bc-line-502", "300", "30", "T")]);
}

#[test]
fn rows_that_people_add_are_left_out_of_the_comparison() {
    let mut case = Case::created();
    let ours = [("bc-line-501", "20", "4"), ("bc-line-502", "10", "2"), ("bc-shipping", "5", "1")];
    for (row, (key, net, tax)) in case.sales_order().rows.iter_mut().zip(ours) {
        (row.external_ref, row.net, row.tax) = (key.into(), d(net), d(tax));
    }
    let theirs = SalesOrderRow { net: d("100"), tax: d("20"), ..row(SalesOrderRowId(81009), ProductId(1000), 1, "Assembly") };
    case.sales_order().rows.push(theirs);
    (case.sales_order().total, case.sales_order().tax) = (d("162"), d("27"));
    let decision = case.decision();
    assert!(decision.holds.is_empty() && decision.cleared.contains(&Effect::Verification), "{:?}", decision.holds);
    // Ours are still compared.
    case.sales_order().rows[1].tax = d("1.99");
    let decision = case.decision();
    assert_eq!(decision.holds[0].cause, Cause::CreatedTotalDiffers);
    assert!(decision.holds[0].why.contains("41.99 with 6.99 tax"), "{}", decision.holds[0].why);
}
