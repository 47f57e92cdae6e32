//! Where a sales order goes and how it is carried.

use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::facts::{Address, PickUp, StoreOrder};
use orderbridge_schema::ids::ShippingMethodId;
use orderbridge_schema::rules::{OrderRules, Unmapped};

use crate::facts::{Ask, Need, OrderFacts, known};

/// Where a sales order goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The store's text for how it is carried, or the way to pick it up; none where nothing is carried.
    pub(crate) method: Option<String>,
    /// Where to.
    pub(crate) address: Address,
}

/// Where the order goes; a hold if that cannot be told, or is several places, which one sales order cannot have.
pub(crate) fn delivery(facts: &OrderFacts, order: &StoreOrder) -> Ask<Result<Delivery, Hold>> {
    let addresses = facts.addresses.as_deref().unwrap_or_default();
    if !facts.lines.iter().flatten().any(|line| line.pick_up && line.quantity > 0) {
        // Digital orders have no delivery address: billing stands in, as Brightpearl would do.
        let billing = || Delivery { method: None, address: order.billing.clone() };
        let to = addresses.first().map(|to| Delivery { method: Some(to.shipping_method.clone()), address: to.address.clone() });
        return Ok(Ok(to.unwrap_or_else(billing)));
    }
    let pick_ups = known(facts.pick_ups.as_ref(), Need::PickUps)?;
    Ok(match (pick_ups.as_slice(), addresses.len()) {
        ([], _) => Err(no_location()),
        ([at], 0) => Ok(Delivery { method: Some(at.method.clone()), address: collected_by(&order.billing, at) }),
        (several, delivered) => Err(several_places(several.len().saturating_add(delivered))),
    })
}

/// The location with the name of who comes for the goods.
fn collected_by(shopper: &Address, at: &PickUp) -> Address {
    Address { first_name: shopper.first_name.clone(), last_name: shopper.last_name.clone(), ..at.location.clone() }
}

/// The shipping method for a text, or why the order waits for one.
pub(crate) fn shipping_method(orders: &OrderRules, text: Option<&str>) -> Result<Option<ShippingMethodId>, Hold> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let method = orders.shipping_method(text);
    if method.is_some() || text.is_empty() || orders.unmapped_shipping == Unmapped::None {
        return Ok(method);
    }
    Err(Hold {
        effect: Effect::Creation,
        cause: Cause::UnmappedShipping(text.to_owned()),
        why: format!("the delivery \"{text}\" is mapped to no shipping method of Brightpearl"),
        remedy: "add it to the tenant's settings (orders.shipping_methods), or choose a default".into(),
    })
}

/// What is told of an order to several places.
pub(crate) fn several_places(places: impl std::fmt::Display) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::SeveralAddresses,
        why: format!("the order goes to {places} addresses, a sales order to one"),
        remedy: "enter it in Brightpearl by hand, one sales order per address".into(),
    }
}

fn no_location() -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::NoPickUpLocation,
        why: "the shopper comes for the goods, and the store does not say where to".into(),
        remedy: "choose the pick-up location of the order at the store, or enter the order in Brightpearl by hand".into(),
    }
}

/// An order that waits.
pub(crate) fn held(hold: Hold) -> Decision {
    Decision { holds: vec![hold], ..Decision::default() }
}
