//! Lines, delivery addresses and fees inside an order: one call instead of three, where the store gives them (BC §d, §d.4).
//!
//! That stores do is not confirmed, so nothing is believed that is not whole: what looks otherwise is to be read apart.

use std::collections::BTreeMap;

use orderbridge_schema::facts::{Fee, OrderAddress, OrderLine, PickUp, StoreOrder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::amounts::{FeePayload, LinePayload};
use crate::lenient;
use crate::payload::{AddressPayload, OrderPayload};
use crate::pick_ups::PickUpPayload;

/// What a list of lines gives by default without saying that there are more (BC §b): so many may be all of them or not.
const LINES_BY_DEFAULT: usize = 50;

/// An order, and what hangs on it as far as the store gave it along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeOrder {
    /// The order.
    pub order: StoreOrder,
    /// The rest.
    pub parts: Parts,
}

/// What came along with an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// All that was asked for.
    Given(Box<OrderParts>),
    /// Something that is not certainly all of it: to be read apart.
    Doubtful,
    /// Nothing: the store does not know how.
    NotGiven,
}

/// Parts of an order, all read in the moment of the order itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderParts {
    /// All lines, by id.
    pub lines: Vec<OrderLine>,
    /// All delivery addresses, by id.
    pub addresses: Vec<OrderAddress>,
    /// Where the shopper comes for goods; `None` if one of them does not say where.
    pub pick_ups: Option<Vec<PickUp>>,
    /// The fees; `None` if none came, which is not yet to say that there are none.
    pub fees: Option<Vec<Fee>>,
}

impl From<OrderPayload> for WholeOrder {
    fn from(order: OrderPayload) -> Self {
        let parts = parts(&order);
        Self { order: order.into(), parts }
    }
}

/// Consignments by kind (BC §d.4).
type Kinds = BTreeMap<String, Box<RawValue>>;

/// What a consignment holds, whatever its kind.
#[derive(Deserialize)]
struct Held {
    #[serde(deserialize_with = "lenient::list")]
    line_items: Vec<LinePayload>,
}

fn parts(order: &OrderPayload) -> Parts {
    let kinds: Option<Kinds> = order.consignments.as_deref().and_then(read);
    match kinds {
        // Without `include`, and from a store that does not know it, there is a link (BC §d).
        Some(kinds) if ["pickups", "shipping", "downloads", "email"].iter().any(|kind| kinds.contains_key(*kind)) => {
            whole(order, &kinds).map_or(Parts::Doubtful, |parts| Parts::Given(Box::new(parts)))
        }
        _ => Parts::NotGiven,
    }
}

/// The parts, if they are certainly all.
fn whole(order: &OrderPayload, kinds: &Kinds) -> Option<OrderParts> {
    let mut lines: Vec<OrderLine> = Vec::new();
    let mut addresses: Vec<OrderAddress> = Vec::new();
    let mut pick_ups: Option<Vec<PickUp>> = Some(Vec::new());
    for (kind, json) in kinds {
        match kind.as_str() {
            "shipping" => {
                for json in list::<Box<RawValue>>(json)? {
                    let address = OrderAddress::from(read::<AddressPayload>(&json)?);
                    let held = held(read(&json)?)?;
                    // That a shipping consignment's id is the delivery address's is inferred (BC §d.4): its lines must say the same.
                    if address.id.0 == 0 || held.iter().any(|line| line.address != address.id) {
                        return None;
                    }
                    addresses.push(address);
                    lines.extend(held);
                }
            }
            "pickups" => {
                lines.extend(all_held(json)?);
                pick_ups = list::<PickUpPayload>(json)?.into_iter().map(PickUpPayload::read).collect();
            }
            "downloads" => lines.extend(all_held(json)?),
            "email" => {
                for (kind, json) in if is_nothing(json) { Kinds::new() } else { read(json)? } {
                    match kind.as_str() {
                        "gift_certificates" => lines.extend(all_held(&json)?),
                        _ => is_nothing(&json).then_some(())?,
                    }
                }
            }
            _ => is_nothing(json).then_some(())?,
        }
    }
    lines.sort_by_key(|line| line.id);
    addresses.sort_by_key(|address| address.id);
    let is_whole = has_all_lines(&lines, order.items_total()?) && u32::try_from(addresses.len()) == Ok(order.shipping_address_count);
    is_whole.then(|| OrderParts { lines, addresses, pick_ups, fees: order.fees.as_deref().and_then(fees) })
}

/// The lines of a consignment. That lines are whole inside an order is not confirmed: without a word on options, what the shopper chose
/// and wrote may be missing.
fn held(held: Held) -> Option<Vec<OrderLine>> {
    let is_whole = held.line_items.iter().all(LinePayload::tells_options);
    is_whole.then(|| held.line_items.into_iter().map(OrderLine::from).collect())
}

fn all_held(json: &RawValue) -> Option<Vec<OrderLine>> {
    let lines: Option<Vec<Vec<OrderLine>>> = list::<Held>(json)?.into_iter().map(held).collect();
    Some(lines?.into_iter().flatten().collect())
}

/// No line twice, and not fewer pieces than the order counts. Should it count fewer than all kinds of lines, at least the list must be
/// shorter than one that was cut off.
fn has_all_lines(lines: &[OrderLine], items_total: u64) -> bool {
    let pieces: u64 = lines.iter().map(|line| u64::from(line.quantity)).sum();
    let is_each_once = lines.windows(2).all(|pair| matches!(pair, [one, other] if one.id != other.id));
    is_each_once && (pieces == items_total || (pieces > items_total && lines.len() < LINES_BY_DEFAULT))
}

/// An order shows an empty list whether it was asked for its fees or not (BC §d.2), so that only fees that are there say something.
fn fees(json: &RawValue) -> Option<Vec<Fee>> {
    let fees: Vec<FeePayload> = read(json)?;
    Some(fees.into_iter().map(Fee::from).collect::<Vec<Fee>>()).filter(|fees| !fees.is_empty() && fees.iter().all(|fee| fee.id > 0))
}

fn read<T: DeserializeOwned>(json: &RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

fn list<T: DeserializeOwned>(json: &RawValue) -> Option<Vec<T>> {
    if is_nothing(json) { Some(Vec::new()) } else { read(json) }
}

fn is_nothing(json: &RawValue) -> bool {
    matches!(json.get().trim(), "null" | "[]" | "{}" | "\"\"")
}

#[cfg(test)]
mod tests {
    use orderbridge_schema::ids::{OrderAddressId, OrderLineId};
    use serde_json::{Value, json};

    use super::*;

    fn line(id: u64, address: u64) -> Value {
        json!({"id": id, "order_address_id": address, "quantity": 2, "total_inc_tax": "12.0000", "total_tax": 2, "name": "Mug", "sku": "MUG",
            "product_options": []})
    }

    fn shipping(id: u64, lines: Value) -> Value {
        json!({"id": id, "first_name": "Ada", "zip": "BS1 1AA", "shipping_method": "Flat", "items_total": 2, "cost_inc_tax": 6.2, "line_items": lines})
    }

    /// An order with this many pieces and delivery addresses by its own count.
    fn order(items_total: Value, addresses: u32, consignments: Value) -> WholeOrder {
        let order = json!({"id": 7, "status_id": 11, "date_created": "Sun, 01 Mar 2026 09:30:00 +0000", "total_inc_tax": "24", "total_tax": "4",
            "items_total": items_total, "shipping_address_count": addresses, "consignments": consignments, "fees": []});
        serde_json::from_value::<OrderPayload>(order).unwrap().into()
    }

    fn given(whole: WholeOrder) -> OrderParts {
        match whole.parts {
            Parts::Given(parts) => *parts,
            parts => panic!("{parts:?}"),
        }
    }

    #[test]
    fn lines_of_all_kinds_of_consignments_are_one_list() {
        let parts = given(order(
            json!(10),
            2,
            json!({"shipping": [shipping(9, json!([line(3, 9)])), shipping(8, json!([line(2, 8)]))], "pickups": [{"id": 1, "line_items": [line(5, 0)]}],
                "downloads": [{"recipient_email": "a@example.com", "line_items": [line(4, 0)]}],
                "email": {"gift_certificates": [{"line_items": [line(1, 0)]}], "something_else": []}, "drones": {}}),
        ));
        assert_eq!(parts.lines.iter().map(|line| line.id.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(
            parts.addresses.iter().map(|address| (address.id, address.address.postcode.as_str())).collect::<Vec<_>>(),
            [(OrderAddressId(8), "BS1 1AA"), (OrderAddressId(9), "BS1 1AA")]
        );
        assert_eq!(parts.fees, None, "an empty list is not yet no fee");
    }

    #[test]
    fn none_is_spelt_in_many_ways() {
        for nothing in [json!([]), json!({}), json!(null), json!("")] {
            let consignments = json!({"shipping": nothing, "pickups": nothing, "email": nothing, "downloads": [{"line_items": [line(4, 0)]}]});
            assert_eq!(given(order(json!("2"), 0, consignments)).lines[0].id, OrderLineId(4));
        }
    }

    #[test]
    fn what_may_not_be_all_is_doubtful() {
        let plain = || json!([shipping(9, json!([line(3, 9)]))]);
        let link = json!({"url": "https://example.com/v2/orders/7/products/3", "resource": "/orders/7/products/3"});
        let mut silent = line(3, 9);
        silent.as_object_mut().unwrap().remove("product_options");
        for (why, whole) in [
            ("fewer pieces than the order counts", order(json!(3), 1, json!({"shipping": plain()}))),
            ("no count", order(json!(null), 1, json!({"shipping": plain()}))),
            ("an unknown kind", order(json!(2), 1, json!({"shipping": plain(), "drones": [{"line_items": [line(4, 0)]}]}))),
            ("an unknown kind of e-mail", order(json!(2), 1, json!({"shipping": plain(), "email": {"songs": [{"line_items": []}]}}))),
            ("links instead of lines", order(json!(2), 1, json!({"shipping": [shipping(9, json!([link]))]}))),
            ("a link instead of a list", order(json!(2), 0, json!({"downloads": [{"line_items": link}]}))),
            ("a line without a word on options", order(json!(2), 1, json!({"shipping": [shipping(9, json!([silent]))]}))),
            ("no lines at all", order(json!(2), 1, json!({"shipping": [{"id": 9}]}))),
            ("a line twice", order(json!(4), 1, json!({"shipping": [shipping(9, json!([line(3, 9), line(3, 9)]))]}))),
            ("another address's line", order(json!(2), 1, json!({"shipping": [shipping(9, json!([line(3, 8)]))]}))),
            ("an address too few", order(json!(2), 2, json!({"shipping": plain()}))),
            ("a list", order(json!(2), 1, json!({"shipping": [[]]}))),
        ] {
            assert_eq!(whole.parts, Parts::Doubtful, "{why}");
            assert_eq!(whole.order.id.0, 7);
        }
    }

    #[test]
    fn fifty_lines_are_believed_only_if_they_are_counted() {
        let fifty = || json!({"shipping": [shipping(9, (1..=50).map(|id| line(id, 9)).collect())]});
        assert_eq!(given(order(json!(100), 1, fifty())).lines.len(), 50);
        assert_eq!(order(json!(99), 1, fifty()).parts, Parts::Doubtful);
        let few = json!({"shipping": [shipping(9, json!([line(1, 9), line(2, 9)]))]});
        assert_eq!(given(order(json!(3), 1, few)).lines.len(), 2, "an order may count physical pieces alone");
    }

    #[test]
    fn without_consignments_nothing_is_given() {
        let link = json!({"url": "https://example.com/v2/orders/7/consignments", "resource": "/orders/7/consignments"});
        for nothing in [link, json!(null), json!([]), json!({}), json!([{"shipping": []}])] {
            assert_eq!(order(json!(2), 1, nothing).parts, Parts::NotGiven);
        }
    }

    #[test]
    fn fees_count_only_if_they_are_there() {
        let fees = |json: Value| fees(&serde_json::from_value::<Box<RawValue>>(json).unwrap());
        assert_eq!(
            fees(json!([{"id": 4, "display_name_customer": "Packing", "cost_inc_tax": "1.19", "cost_tax": "0.2"}])).unwrap()[0].name,
            "Packing"
        );
        for nothing in [json!([]), json!({"url": "u", "resource": "r"}), json!([{"url": "u"}]), json!("")] {
            assert_eq!(fees(nothing), None);
        }
    }
}
