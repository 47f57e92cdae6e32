//! What created sales orders carry: defaults by channel and currency, first status, shipping method, pick-up.

use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::{Address, PickUp};
use orderbridge_schema::ids::{
    ChannelId, ContactId, LeadSourceId, PriceListId, ProjectId, SalesOrderStatusId, ShippingMethodId, StoreChannelId, WarehouseId,
};
use orderbridge_schema::rules::{OrderDefaults, PriceMode, ShippingMethodEntry, Unmapped};

use crate::case::Case;

fn picked_up(at: Vec<PickUp>) -> Case {
    let mut case = Case::new();
    case.order().address_count = 0;
    case.full.addresses = Some(Vec::new());
    case.lines().iter_mut().for_each(|line| (line.pick_up, line.address) = (true, orderbridge_schema::ids::OrderAddressId(0)));
    case.full.pick_ups = Some(at);
    case
}

fn shop(method: &str) -> PickUp {
    let location = Address { company: "Harbour shop".into(), street_1: "1 Quay".into(), country_iso2: "GB".into(), ..Address::default() };
    PickUp { method: method.into(), location }
}

#[test]
fn the_closest_default_is_carried() {
    let mut case = Case::new();
    case.rules.orders.staff_owner = Some(ContactId(40));
    case.rules.orders.project = Some(ProjectId(1));
    case.rules.orders.defaults = vec![
        OrderDefaults {
            store_channel: Some(StoreChannelId(1)),
            channel: Some(ChannelId(7)),
            warehouse: Some(WarehouseId(8)),
            price_list: Some(PriceListId(9)),
            ..OrderDefaults::default()
        },
        OrderDefaults {
            store_channel: Some(StoreChannelId(1)),
            currency: Some("GBP".into()),
            staff_owner: Some(ContactId(41)),
            lead_source: Some(LeadSourceId(5)),
            price_mode: Some(PriceMode::Inc),
            ..OrderDefaults::default()
        },
        OrderDefaults { currency: Some("EUR".into()), channel: Some(ChannelId(99)), ..OrderDefaults::default() },
    ];
    let order = case.created_order();
    assert_eq!((order.channel, order.warehouse, order.price_list), (ChannelId(7), WarehouseId(8), Some(PriceListId(9))));
    assert_eq!((order.staff_owner, order.lead_source, order.price_mode), (Some(ContactId(41)), Some(LeadSourceId(5)), PriceMode::Inc));
    assert_eq!(order.project, Some(ProjectId(1)));
}

#[test]
fn a_default_of_the_channel_can_be_what_was_missing() {
    let mut case = Case::new();
    (case.rules.orders.channel, case.rules.orders.warehouse) = (None, None);
    case.rules.orders.defaults =
        vec![OrderDefaults { store_channel: Some(StoreChannelId(1)), channel: Some(ChannelId(7)), ..OrderDefaults::default() }];
    assert_eq!(case.held(Effect::Creation), [Cause::MissingRule("orders.warehouse")]);
}

#[test]
fn a_new_order_takes_its_status_from_the_map_then_from_the_default_of_new_orders() {
    let mut case = Case::new();
    case.rules.orders.new_order_status = Some(SalesOrderStatusId(30));
    case.rules.orders.status.brightpearl_default = Some(SalesOrderStatusId(31));
    assert_eq!(case.created_order().status, Some(SalesOrderStatusId(2)));
    case.rules.orders.status.brightpearl.clear();
    assert_eq!(case.created_order().status, Some(SalesOrderStatusId(30)));
}

#[test]
fn an_unmapped_delivery_text_goes_on_without_or_is_held() {
    let mut case = Case::new();
    case.rules.orders.unmapped_shipping = Unmapped::Held;
    assert_eq!(case.held(Effect::Creation), [Cause::UnmappedShipping("Royal Mail Tracked 48".into())]);
    case.rules.orders.shipping_methods = vec![ShippingMethodEntry { store: "royal mail tracked 48".into(), brightpearl: ShippingMethodId(6) }];
    assert_eq!(case.created_order().shipping_method, Some(ShippingMethodId(6)));
    case.rules.orders.shipping_methods.clear();
    case.rules.orders.default_shipping_method = Some(ShippingMethodId(7));
    assert_eq!(case.created_order().shipping_method, Some(ShippingMethodId(7)));
    case.rules.orders.default_shipping_method = None;
    case.rules.orders.unmapped_shipping = Unmapped::None;
    assert_eq!(case.created_order().shipping_method, None);
}

#[test]
fn nothing_that_is_carried_nowhere_waits_for_a_shipping_method() {
    let mut case = Case::new();
    case.rules.orders.unmapped_shipping = Unmapped::Held;
    case.order().address_count = 0;
    case.full.addresses = Some(Vec::new());
    assert_eq!(case.created_order().shipping_method, None);
}

#[test]
fn what_is_picked_up_goes_to_the_pick_up_location_by_the_method_of_its_name() {
    let mut case = picked_up(vec![shop("Collect in store")]);
    case.rules.orders.shipping_methods = vec![ShippingMethodEntry { store: "collect in store".into(), brightpearl: ShippingMethodId(3) }];
    let order = case.created_order();
    let to = &order.delivery;
    assert_eq!((to.first_name.as_str(), to.company.as_str(), to.street_1.as_str()), ("Ada", "Harbour shop", "1 Quay"));
    assert_eq!((order.shipping_method, order.billing.street_1.as_str()), (Some(ShippingMethodId(3)), "1 Test Street"));
    case.rules.orders.shipping_methods.clear();
    case.rules.orders.unmapped_shipping = Unmapped::Held;
    assert_eq!(case.held(Effect::Creation), [Cause::UnmappedShipping("Collect in store".into())]);
}

#[test]
fn a_pick_up_at_several_places_or_at_none_waits_for_a_person() {
    assert_eq!(picked_up(vec![shop("a"), shop("b")]).held(Effect::Creation), [Cause::SeveralAddresses]);
    assert_eq!(picked_up(Vec::new()).held(Effect::Creation), [Cause::NoPickUpLocation]);
    let mut mixed = Case::new();
    mixed.lines()[0].pick_up = true;
    mixed.full.pick_ups = Some(vec![shop("a")]);
    assert_eq!(mixed.held(Effect::Creation), [Cause::SeveralAddresses]);
}
