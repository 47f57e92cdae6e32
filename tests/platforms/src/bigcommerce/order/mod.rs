//! Orders: the model, how amounts are derived, how they are shown, written, shipped, paid and refunded (BC §d).

pub(super) mod consignment;
pub(super) mod edit;
pub(super) mod list;
pub(super) mod metafield;
pub(super) mod model;
pub(super) mod payment;
pub(super) mod pricing;
pub(super) mod refund;
pub(super) mod refund_price;
pub(super) mod shipment;
pub(super) mod shipment_input;
pub(super) mod stock;
mod totals;
pub(super) mod view;
pub(super) mod view_parts;
pub(super) mod write;
mod write_apply;
mod write_fields;
