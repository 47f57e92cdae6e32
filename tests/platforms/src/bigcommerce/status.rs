//! The order statuses (BC §d.6).

use serde_json::{Value, json};

use super::reply::{Reply, v2, v2_not_found};

const LABELS: [&str; 15] = [
    "Incomplete",
    "Pending",
    "Shipped",
    "Partially Shipped",
    "Refunded",
    "Cancelled",
    "Declined",
    "Awaiting Payment",
    "Awaiting Pickup",
    "Awaiting Shipment",
    "Completed",
    "Awaiting Fulfillment",
    "Manual Verification Required",
    "Disputed",
    "Partially Refunded",
];

pub(super) const INCOMPLETE: i64 = 0;
pub(super) const SHIPPED: i64 = 2;
pub(super) const PARTIALLY_SHIPPED: i64 = 3;
pub(super) const REFUNDED: i64 = 4;
pub(super) const CANCELLED: i64 = 5;
pub(super) const DECLINED: i64 = 6;
pub(super) const AWAITING_PAYMENT: i64 = 7;
pub(super) const COMPLETED: i64 = 10;
pub(super) const AWAITING_FULFILMENT: i64 = 11;
pub(super) const PARTIALLY_REFUNDED: i64 = 14;

/// The system label of a status; empty for an id that does not exist.
pub(super) fn label(id: i64) -> &'static str {
    usize::try_from(id).ok().and_then(|id| LABELS.get(id)).copied().unwrap_or_default()
}

/// Whether a status id exists.
pub(super) fn exists(id: i64) -> bool {
    !label(id).is_empty()
}

/// All ids.
pub(super) fn ids() -> impl Iterator<Item = i64> {
    (0..).take(LABELS.len())
}

fn shown(id: i64) -> Value {
    json!({ "id": id, "name": label(id), "system_label": label(id), "custom_label": label(id),
        "system_description": format!("Orders that are in the state {}.", label(id)), "order": id })
}

/// `GET /v2/order_statuses[/{id}]`.
pub(super) fn answer(id: Option<&str>) -> Reply {
    match id {
        None => Ok(v2(&json!(ids().map(shown).collect::<Vec<_>>()))),
        Some(id) => match id.parse().ok().filter(|id| exists(*id)) {
            Some(id) => Ok(v2(&shown(id))),
            None => Err(v2_not_found()),
        },
    }
}
