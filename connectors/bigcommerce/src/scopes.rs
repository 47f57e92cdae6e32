//! What a delivery is about, for each scope that concerns us (BC §c). Each scope names its entity in a way of its own.

use jiff::Timestamp;
use orderbridge_schema::envelope::EntityKind;
use orderbridge_schema::ids::{StoreHash, StoreStatusId};
use orderbridge_schema::seen::StatusSet;
use serde::Deserialize;
use serde_json::Value;

use crate::lenient;

/// Longest scope; the known ones are a third of it.
const SCOPE_BYTES_MAX: usize = 200;

/// What a delivery says, as far as it is of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEvent {
    /// The scope, such as `store/order/statusUpdated`.
    pub event_type: String,
    /// What it is about.
    pub entity: EntityKind,
    /// The entity's id, a number; `0` for the store itself.
    pub ids: String,
    /// Whose store, from `producer`.
    pub store: StoreHash,
    /// BigCommerce's digest of the event: the same for each of its deliveries; it proves nothing (BC §c).
    pub delivery: Option<String>,
    /// When it happened, if it says.
    pub occurred_at: Option<Timestamp>,
    /// The status that an order came into, where the scope is about that and the delivery says so.
    pub store_status: Option<StoreStatusId>,
}

/// Why a body is not a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is not JSON of the delivery's form.
    #[error("the body is not a webhook's")]
    Malformed,
    /// It does not say whose it is.
    #[error("the producer is not a store")]
    Producer,
    /// A known scope without the id of its entity.
    #[error("the id of the entity is missing")]
    Id,
}

#[derive(Deserialize)]
struct Body {
    #[serde(deserialize_with = "lenient::text")]
    scope: String,
    #[serde(default, deserialize_with = "lenient::text")]
    producer: String,
    #[serde(default, deserialize_with = "lenient::text")]
    hash: String,
    #[serde(default, deserialize_with = "lenient::moment")]
    created_at: Option<Timestamp>,
    #[serde(default)]
    data: Value,
}

/// Reads a delivery's body; `None` for a scope that is none of our business.
///
/// # Errors
/// [`ParseError`]; nothing of the body is repeated in it.
pub fn parse(body: &[u8]) -> Result<Option<HookEvent>, ParseError> {
    let body: Body = serde_json::from_slice(body).map_err(|_cause| ParseError::Malformed)?;
    if body.scope.is_empty() || body.scope.len() > SCOPE_BYTES_MAX || body.scope.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(ParseError::Malformed);
    }
    let store = body.producer.strip_prefix("stores/").and_then(|hash| StoreHash::new(hash).ok()).ok_or(ParseError::Producer)?;
    let Some((entity, places)) = entity(&body.scope) else { return Ok(None) };
    let id = places.iter().find_map(|place| id_at(&body.data, place));
    let ids = match (id, entity) {
        (Some(id), _) => id.to_string(),
        (None, EntityKind::Store) => "0".into(),
        (None, _) => return Err(ParseError::Id),
    };
    let delivery = Some(body.hash).filter(|hash| !hash.is_empty() && hash.len() <= 128);
    let store_status = new_status(&body.scope, &body.data);
    Ok(Some(HookEvent { event_type: body.scope, entity, ids, store, delivery, occurred_at: body.created_at, store_status }))
}

/// What a scope is about, and the places in `data` where its id may stand, best first.
fn entity(scope: &str) -> Option<(EntityKind, &'static [&'static str])> {
    let parts: Vec<&str> = scope.split('/').collect();
    match parts.as_slice() {
        ["store", "order", "metafield", _] => Some((EntityKind::Order, &["/resource_id", "/order_id"])),
        ["store", "order", "transaction", _] => Some((EntityKind::Order, &["/order_id"])),
        ["store", "order", ..] => Some((EntityKind::Order, &["/order_id", "/orderId", "/id"])),
        ["store", "shipment", ..] => Some((EntityKind::Order, &["/orderId", "/order_id"])),
        ["store", "channel", _, "order", ..] => Some((EntityKind::Order, &["/order_id", "/orderId", "/id"])),
        ["store", "channel", _, "shipment", ..] => Some((EntityKind::Order, &["/order_id", "/orderId"])),
        ["store", "channel", _, "inventory", "product", ..] => Some((EntityKind::StoreProduct, &["/product_id"])),
        ["store", "sku", ..] => Some((EntityKind::StoreProduct, &["/sku/product_id", "/inventory/product_id", "/product_id"])),
        ["store", "product", ..] => Some((EntityKind::StoreProduct, &["/inventory/product_id", "/id", "/product_id"])),
        ["store", "customer", "address", _] => Some((EntityKind::Customer, &["/address/customer_id", "/customer_id"])),
        ["store", "customer", ..] => Some((EntityKind::Customer, &["/id", "/customer_id"])),
        ["store", "app", "uninstalled"] | ["store", "information", "updated"] => Some((EntityKind::Store, &[])),
        ["store", "hook", _] => Some((EntityKind::Store, &["/id"])),
        _ => None,
    }
}

/// The status that an order came into. The per-channel scope and one vendor sample do not have it.
fn new_status(scope: &str, data: &Value) -> Option<StoreStatusId> {
    let status = data.pointer("/status/new_status_id").filter(|_| scope.ends_with("/statusUpdated"))?;
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    Some(StoreStatusId(status)).filter(|&status| !StatusSet::of(status).is_empty())
}

/// An id above zero, as number or text.
fn id_at(data: &Value, place: &str) -> Option<u64> {
    let id = match data.pointer(place)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    id.filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn body(scope: &str, data: &Value) -> Vec<u8> {
        let body = json!({
            "producer": "stores/abc123", "hash": "dd70c0976e06b67aaf671e73f49dcb79230ebf9d", "created_at": 1_735_689_600,
            "store_id": "1025646", "scope": scope, "data": data,
        });
        body.to_string().into_bytes()
    }

    #[test]
    fn each_scope_names_its_entity_in_its_own_way() {
        use EntityKind::{Customer, Order, Store, StoreProduct};
        let cases = [
            ("store/order/created", json!({"type": "order", "id": 250}), Order, "250"),
            (
                "store/order/statusUpdated",
                json!({"type": "order", "id": 250, "status": {"previous_status_id": 0, "new_status_id": 11}}),
                Order,
                "250",
            ),
            ("store/order/statusUpdated", json!({"type": "order", "id": "250"}), Order, "250"),
            ("store/order/message/created", json!({"type": "order", "id": 250, "message": {"order_message_id": 3}}), Order, "250"),
            ("store/order/refund/created", json!({"type": "order", "id": 250, "refund": {"refund_id": 7}}), Order, "250"),
            ("store/order/transaction/updated", json!({"type": "transaction", "order_id": "250", "transaction_id": "176342342"}), Order, "250"),
            ("store/order/metafield/created", json!({"metafield_id": 14, "resource_id": "270"}), Order, "270"),
            ("store/shipment/created", json!({"type": "shipment", "id": 12, "orderId": 251}), Order, "251"),
            ("store/channel/1/order/message/created", json!({"order_id": 127}), Order, "127"),
            ("store/channel/1/order/statusUpdated", json!({"order_id": 127}), Order, "127"),
            ("store/channel/1/inventory/product/stock_changed", json!({"variant_id": 4, "product_id": 9, "location_id": 1}), StoreProduct, "9"),
            ("store/product/updated", json!({"type": "product", "id": 205}), StoreProduct, "205"),
            (
                "store/product/inventory/updated",
                json!({"type": "product", "id": 205, "inventory": {"product_id": 205, "method": "absolute", "value": 3}}),
                StoreProduct,
                "205",
            ),
            ("store/sku/created", json!({"type": "sku", "id": 461, "sku": {"product_id": 206, "variant_id": 509}}), StoreProduct, "206"),
            (
                "store/sku/inventory/updated",
                json!({"type": "sku", "id": 461, "inventory": {"product_id": 206, "variant_id": 509, "value": 1}}),
                StoreProduct,
                "206",
            ),
            ("store/customer/updated", json!({"type": "customer", "id": 32}), Customer, "32"),
            ("store/customer/address/updated", json!({"type": "customer", "id": 60, "address": {"customer_id": 32}}), Customer, "32"),
            ("store/app/uninstalled", json!({"type": "app"}), Store, "0"),
            ("store/app/uninstalled", Value::Null, Store, "0"),
            ("store/information/updated", json!({"type": "store"}), Store, "0"),
            ("store/hook/deliveryException", json!({"type": "webhook", "id": 28_048_287, "error_code": 90_002}), Store, "28048287"),
        ];
        for (scope, data, entity, ids) in cases {
            let event = parse(&body(scope, &data)).unwrap().unwrap();
            assert_eq!((event.entity, event.ids.as_str(), event.event_type.as_str()), (entity, ids, scope));
            assert_eq!((event.store.as_str(), event.occurred_at), ("abc123", "2025-01-01T00:00:00Z".parse().ok()));
        }
    }

    #[test]
    fn the_new_status_is_read_where_the_scope_is_about_it() {
        let status = |scope: &str, data| parse(&body(scope, &data)).unwrap().unwrap().store_status.map(|status| status.0);
        let data = |new: Value| json!({"id": 250, "status": {"previous_status_id": 0, "new_status_id": new}});
        assert_eq!(status("store/order/statusUpdated", data(json!(11))), Some(11));
        assert_eq!(status("store/order/statusUpdated", data(json!("0"))), Some(0));
        assert_eq!(status("store/channel/1/order/statusUpdated", json!({"order_id": 127})), None);
        for none in [json!(15), json!(-1), json!("x"), json!(null), json!({})] {
            assert_eq!(status("store/order/statusUpdated", data(none)), None);
        }
        assert_eq!(status("store/order/updated", data(json!(11))), None);
    }

    #[test]
    fn a_scope_that_is_none_of_our_business_is_no_error() {
        for scope in ["store/cart/created", "store/category/updated", "store/inventory/location/created", "other"] {
            assert_eq!(parse(&body(scope, &json!({"id": 1}))), Ok(None), "{scope}");
        }
    }

    #[test]
    fn a_delivery_without_creation_time_or_hash_is_read() {
        let event = parse(br#"{"producer":"stores/abc123","scope":"store/order/updated","data":{"id":5}}"#).unwrap().unwrap();
        assert_eq!((event.occurred_at, event.delivery, event.ids.as_str()), (None, None, "5"));
    }

    #[test]
    fn what_is_no_delivery_is_refused() {
        for (bad, why) in [
            (&b"not json"[..], ParseError::Malformed),
            (b"{}", ParseError::Malformed),
            (br#"{"producer":"stores/abc123","scope":"","data":{}}"#, ParseError::Malformed),
            (br#"{"producer":"abc123","scope":"store/order/created","data":{"id":1}}"#, ParseError::Producer),
            (br#"{"producer":"stores/../x","scope":"store/order/created","data":{"id":1}}"#, ParseError::Producer),
            (br#"{"producer":"stores/abc123","scope":"store/order/created","data":{"id":0}}"#, ParseError::Id),
            (br#"{"producer":"stores/abc123","scope":"store/order/created","data":{"id":"1-5"}}"#, ParseError::Id),
            (br#"{"producer":"stores/abc123","scope":"store/shipment/created","data":{"id":12}}"#, ParseError::Id),
            (br#"{"producer":"stores/abc123","scope":"store/order/created"}"#, ParseError::Id),
        ] {
            assert_eq!(parse(bad), Err(why), "{}", String::from_utf8_lossy(bad));
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _read = parse(&body);
        }

        #[test]
        fn no_data_makes_it_panic(scope in "store/[a-z/0-9]{0,30}", data in "[\\[\\]{}:,\"a-z0-9_.-]{0,80}") {
            let text = format!(r#"{{"producer":"stores/abc123","scope":"{scope}","data":{data}}}"#);
            if let Ok(Some(event)) = parse(text.as_bytes()) {
                prop_assert!(event.ids.parse::<u64>().is_ok());
            }
        }
    }
}
