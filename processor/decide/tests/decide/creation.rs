//! Orders that have no sales order yet.

use orderbridge_decide::ContactFact;
use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::{Charge, ContactMatch, LineKind};
use orderbridge_schema::ids::{
    ChannelId, ContactId, OrderAddressId, ProductId, SalesOrderId, SalesOrderStatusId, ShippingMethodId, StoreStatusId, WarehouseId,
};
use orderbridge_schema::rules::ShippingMethodEntry;
use orderbridge_schema::work::Aspects;
use rust_decimal::Decimal;

use crate::case::{Case, remark_keys};
use crate::facts::{INSTALLATION, ORDER, ago, d, now};

/// Left alone for good: a reason, no command, and no hold any more.
fn is_left_alone(case: &Case, reason: &str) {
    let decision = case.decision();
    assert_eq!(remark_keys(&decision), [reason]);
    assert!(decision.is_settled() && decision.holds.is_empty(), "{decision:?}");
    assert_eq!(decision.cleared, [Effect::Creation]);
}

fn contact(id: u64, staff: bool, supplier: bool, primary: bool) -> ContactMatch {
    ContactMatch { id: ContactId(id), email: "ada@example.com".into(), staff, supplier, primary }
}

fn found(matches: Vec<ContactMatch>) -> Case {
    let mut case = Case::new();
    case.full.contact = Some(ContactFact::Found { email_hash: "c0ffee".into(), matches });
    case
}

#[test]
fn a_settled_order_becomes_a_sales_order_with_the_tenants_choices() {
    let mut case = Case::new();
    case.rules.orders.shipping_methods = vec![ShippingMethodEntry { store: " royal mail TRACKED 48".into(), brightpearl: ShippingMethodId(6) }];
    let order = case.created_order();
    assert_eq!((order.order, order.part, order.installation), (ORDER, 0, INSTALLATION));
    assert_eq!((order.external_ref.as_str(), order.reference.as_str()), ("bc-store7-250", "250"));
    assert_eq!((order.channel, order.warehouse, order.contact), (ChannelId(1), WarehouseId(2), ContactId(300)));
    assert_eq!((order.status, order.shipping_method), (Some(SalesOrderStatusId(2)), Some(ShippingMethodId(6))));
    assert_eq!((order.placed_at, order.currency.as_str()), (ago(7200), "GBP"));
    assert_eq!((order.billing.street_1.as_str(), order.delivery.street_1.as_str()), ("1 Test Street", "2 Delivery Road"));
    assert_eq!(order.total(), Some(d("42")));
    assert_eq!(case.decision().cleared, [Effect::Creation]);
}

#[test]
fn an_unmapped_status_and_shipping_method_take_their_defaults() {
    let mut case = Case::new();
    case.rules.orders.status.brightpearl.clear();
    assert_eq!((case.created_order().status, case.created_order().shipping_method), (None, None));
    case.rules.orders.status.brightpearl_default = Some(SalesOrderStatusId(8));
    case.rules.orders.default_shipping_method = Some(ShippingMethodId(9));
    assert_eq!((case.created_order().status, case.created_order().shipping_method), (Some(SalesOrderStatusId(8)), Some(ShippingMethodId(9))));
}

#[test]
fn orders_are_created_in_the_selected_statuses_only() {
    for status in 0..=14 {
        let mut case = Case::new();
        case.order().status = StoreStatusId(status);
        if [9, 10, 11].contains(&status) {
            assert_eq!(case.created_order().order, ORDER);
        } else {
            is_left_alone(&case, "status-not-selected");
        }
    }
}

#[test]
fn archived_and_vanished_orders_and_a_switched_off_sync_are_left_alone() {
    let mut case = Case::new();
    case.order().deleted = true;
    is_left_alone(&case, "order-archived");
    let mut case = Case::new();
    case.full.store_order = Some(None);
    is_left_alone(&case, "order-gone");
    let mut case = Case::new();
    case.rules.orders.enabled = false;
    is_left_alone(&case, "order-sync-off");
}

#[test]
fn an_order_is_left_to_settle_until_nobody_has_touched_it_for_the_chosen_time() {
    let mut case = Case::new();
    for (age, wait) in [(0, Some(30)), (12, Some(18)), (29, Some(1)), (30, None), (-5, Some(35))] {
        case.order().modified_at = ago(age);
        let decision = case.decision();
        assert_eq!(decision.again_after_seconds, wait, "{age} s old");
        assert_eq!(decision.commands.is_empty(), wait.is_some());
        assert!(decision.holds.is_empty());
    }
    case.order().modified_at = now();
    case.rules.orders.settle_seconds = 0;
    assert_eq!(case.created_order().order, ORDER);
}

#[test]
fn every_missing_rule_is_named_at_once() {
    let mut case = Case::new();
    case.rules.orders.channel = None;
    case.rules.orders.warehouse = None;
    assert_eq!(case.held(Effect::Creation), [Cause::MissingRule("orders.channel"), Cause::MissingRule("orders.warehouse")]);
    case.rules.orders.channel = Some(ChannelId(1));
    assert_eq!(case.held(Effect::Creation), [Cause::MissingRule("orders.warehouse")]);
}

#[test]
fn every_missing_tax_code_is_named_at_once() {
    let mut case = Case::new();
    case.rules.taxes_and_accounts.default_tax_code = None;
    case.taxes()[1].rate = d("5.0000");
    let missing = ["Default@20", "Default@5"].map(|class| Cause::MissingTaxCode(class.into()));
    assert_eq!(case.held(Effect::Creation), missing);
}

#[test]
fn every_unknown_and_ambiguous_sku_is_named_at_once_and_once() {
    let mut case = Case::new();
    let tea = case.lines()[0].clone();
    case.lines().push(crate::facts::line(orderbridge_schema::ids::OrderLineId(503), " tea-1 ", 1, "0", "0"));
    case.lines().push(tea);
    case.full.products.get_mut(&crate::facts::sku("TEA-1")).unwrap().clear();
    case.full.products.get_mut(&crate::facts::sku("MUG-1")).unwrap().push(ProductId(5003));
    let keys: Vec<String> = case.held(Effect::Creation).iter().map(|cause| cause.key().to_lowercase()).collect();
    assert_eq!(keys, ["ambiguous-sku:mug-1", "unknown-sku:tea-1"]);
}

#[test]
fn a_sku_is_matched_without_regard_to_case_and_blanks() {
    let mut case = Case::new();
    case.lines()[0].sku = " tea-1 ".into();
    assert_eq!(case.rows()[0].product, Some(ProductId(5001)));
}

#[test]
fn lines_without_a_sku_and_gift_certificates_are_free_text() {
    let mut case = Case::new();
    case.lines()[0].sku = "  ".into();
    case.lines()[1].kind = LineKind::GiftCertificate;
    case.full.products.clear();
    assert!(case.rows().iter().all(|row| row.product.is_none()));
    // A certificate sold under the SKU of a product is a liability all the same.
    let mut case = Case::new();
    case.lines()[1].sku = "TEA-1".into();
    case.lines()[1].kind = LineKind::GiftCertificate;
    let products: Vec<Option<ProductId>> = case.rows().iter().map(|row| row.product).collect();
    assert_eq!(products, [Some(ProductId(5001)), None, None]);
}

#[test]
fn several_addresses_hold_the_creation() {
    let mut case = Case::new();
    case.order().address_count = 2;
    assert_eq!(case.held(Effect::Creation), [Cause::SeveralAddresses]);
}

#[test]
fn an_order_of_digital_goods_takes_the_billing_address_and_reads_no_other() {
    let mut case = Case::new();
    case.order().address_count = 0;
    case.order().digital = true;
    for line in case.lines() {
        line.kind = LineKind::Digital;
        line.address = OrderAddressId(0);
    }
    let outcome = case.run();
    assert!(!outcome.rounds.iter().flatten().any(|need| *need == orderbridge_decide::Need::Addresses));
    assert_eq!(case.created_order().delivery.street_1, "1 Test Street");
    assert!(case.rows().iter().filter_map(|row| row.line).all(|line| !line.shippable));
}

#[test]
fn an_order_without_an_email_address_is_held() {
    let mut case = Case::new();
    case.order().billing.email = "  ".into();
    case.full.contact = None;
    assert_eq!(case.held(Effect::Creation), [Cause::NoEmail]);
}

#[test]
fn a_contact_that_is_only_staff_or_supplier_is_never_used() {
    let case = found(vec![contact(7, true, false, true), contact(8, false, true, true)]);
    assert_eq!(case.held(Effect::Creation), [Cause::ContactNotCustomer("c0ffee".into())]);
}

#[test]
fn the_customers_own_contact_is_found_among_others() {
    let case = found(vec![contact(7, true, false, true), contact(9, false, false, false), contact(12, false, false, true)]);
    assert_eq!(case.created_order().contact, ContactId(12));
}

#[test]
fn an_unknown_customer_gets_a_contact_before_the_order_is_made() {
    let mut case = found(Vec::new());
    case.order().customer = 4711.into();
    case.order().billing.last_name = String::new();
    let decision = case.decision();
    assert!(decision.cleared.is_empty() && decision.commands.len() == 1);
    let Command::CreateContact(contact) = &decision.commands[0] else { panic!("{decision:?}") };
    assert_eq!((contact.email_hash.as_str(), contact.reference.as_deref()), ("c0ffee", Some("BC-4711")));
    assert_eq!((contact.address.first_name.as_str(), contact.address.last_name.as_str()), ("Ada", "-"));
}

#[test]
fn no_contact_is_made_for_an_order_that_cannot_be_created() {
    let mut case = found(Vec::new());
    case.full.products.clear();
    assert_eq!(case.held(Effect::Creation).len(), 2);
    let mut case = found(Vec::new());
    case.order().total = d("99");
    assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch]);
}

#[test]
fn a_search_comes_first_where_another_installation_may_have_created() {
    let mut case = Case::new();
    case.search_before_creating = true;
    assert!(case.run().rounds.iter().flatten().any(|need| *need == orderbridge_decide::Need::Existing));
    assert_eq!(case.created_order().order, ORDER);

    case.full.existing = Some(vec![SalesOrderId(65000)]);
    let decision = case.decision();
    assert_eq!((decision.adopted, decision.commands.len()), (Some(SalesOrderId(65000)), 0));
    assert_eq!(remark_keys(&decision), ["sales-order-adopted"]);

    case.full.existing = Some(vec![SalesOrderId(65000), SalesOrderId(65001)]);
    assert_eq!(case.held(Effect::Creation), [Cause::InDoubt("several-sales-orders".into())]);
}

#[test]
fn no_search_is_paid_for_otherwise() {
    let mut case = Case::new();
    case.full.existing = Some(vec![SalesOrderId(65000)]);
    assert!(!case.run().rounds.iter().flatten().any(|need| *need == orderbridge_decide::Need::Existing));
    assert_eq!(case.created_order().order, ORDER);
}

#[test]
fn which_event_asked_does_not_matter_for_a_creation() {
    let whole = Case::new().decision();
    for aspects in [Aspects::STORE_ORDER, Aspects::SALES_ORDER, Aspects::NOTES, Aspects::default()] {
        assert_eq!(Case::new().with_aspects(aspects).decision(), whole);
    }
}

#[test]
fn a_free_order_is_created_with_rows_of_zero() {
    let mut case = Case::new();
    for line in case.lines() {
        (line.total, line.tax, line.discounted_total) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    }
    case.taxes().clear();
    (case.order().total, case.order().tax, case.order().shipping) = (Decimal::ZERO, Decimal::ZERO, Charge::default());
    assert_eq!((case.rows().len(), case.created_order().total()), (2, Some(Decimal::ZERO)));
}
