//! Stock that orders move (BC §f, "BigCommerce moves stock itself").

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::model::{Kind, Line};
use crate::bigcommerce::catalogue::Tracking;
use crate::bigcommerce::reply::v2_error;
use crate::bigcommerce::state::{StockBehaviour, Store};
use crate::bigcommerce::status::{CANCELLED, COMPLETED, DECLINED, INCOMPLETE, REFUNDED, SHIPPED};
use crate::core::ApiResponse;

impl Store {
    /// Takes or gives back an order's stock where its status demands it.
    pub(in crate::bigcommerce) fn stock_follows_status(&mut self, order: i64, now: Timestamp) {
        let Some((status, taken)) = self.orders.get(&order).map(|order| (order.status, order.stock_taken)) else {
            return;
        };
        let wants = match self.settings.stock {
            StockBehaviour::OrderPlaced => ![INCOMPLETE, CANCELLED, DECLINED].contains(&status),
            StockBehaviour::CompletedOrShipped => [SHIPPED, COMPLETED].contains(&status) || (taken && status == REFUNDED),
        };
        if wants == taken {
            return;
        }
        let lines: Vec<(i64, i64)> = self.orders.get(&order).into_iter().flat_map(|order| &order.lines).filter_map(stocked).collect();
        for (variant, quantity) in lines {
            self.move_stock(variant, if wants { -quantity } else { quantity }, now);
        }
        if let Some(order) = self.orders.get_mut(&order) {
            order.stock_taken = wants;
        }
    }

    /// Changes the default location's level by an order, with the events of that.
    pub(in crate::bigcommerce) fn move_stock(&mut self, variant_id: i64, change: i64, now: Timestamp) {
        let location = self.catalogue.default_location();
        let tracking = self.catalogue.find_variant(variant_id).map_or(Tracking::None, |(product, _)| product.tracking);
        if tracking == Tracking::None || change == 0 {
            return;
        }
        let holder = self.catalogue.stock_holder(variant_id);
        if let Some(variant) = self.catalogue.variant_mut(holder) {
            variant.levels.entry(location).or_default().onhand += change;
        }
        self.emit_stock(variant_id, location, ("relative", change), "inventory/order/updated", now);
    }

    /// Whether there is stock for what lines need more than before: an order for more is refused (BC §d.7).
    pub(in crate::bigcommerce) fn check_stock(&self, before: &[Line], after: &[Line]) -> Result<(), ApiResponse> {
        let location = self.catalogue.default_location();
        let mut needed: BTreeMap<i64, i64> = BTreeMap::new();
        for (lines, sign) in [(after, 1), (before, -1)] {
            for (variant, quantity) in lines.iter().filter_map(stocked) {
                *needed.entry(self.catalogue.stock_holder(variant)).or_default() += sign * quantity;
            }
        }
        for (variant, more) in needed.into_iter().filter(|(_, more)| *more > 0) {
            let Some((product, variant)) = self.catalogue.find_variant(variant).filter(|(product, _)| product.tracking != Tracking::None) else {
                continue;
            };
            let free = variant.levels.get(&location).map_or(0, |level| level.onhand - level.safety);
            if more > free {
                return Err(v2_error(400, &format!("The product '{}' is out of stock.", product.name)));
            }
        }
        Ok(())
    }

    /// The stock events of a change at a location: per product or per variant, and per location.
    pub(in crate::bigcommerce) fn emit_stock(&mut self, variant_id: i64, location: i64, (method, value): (&str, i64), what: &str, now: Timestamp) {
        let Some((product_id, tracking)) = self.catalogue.find_variant(variant_id).map(|(product, _)| (product.id, product.tracking)) else {
            return;
        };
        let (scope, kind, id, inventory) = if tracking == Tracking::Variant {
            let inventory = json!({ "product_id": product_id, "variant_id": variant_id, "method": method, "value": value });
            ("sku", "sku", variant_id, inventory)
        } else {
            ("product", "product", product_id, json!({ "product_id": product_id, "method": method, "value": value }))
        };
        let data = vec![("type", json!(kind)), ("id", json!(id)), ("inventory", inventory)];
        self.emit(format!("store/{scope}/{what}"), data, now);
        let data = vec![("variant_id", json!(variant_id)), ("product_id", json!(product_id)), ("location_id", json!(location))];
        self.emit("store/channel/1/inventory/product/stock_changed", data, now);
    }
}

/// Variant and pieces of a line that moves stock.
pub(super) fn stocked(line: &Line) -> Option<(i64, i64)> {
    (line.kind == Kind::Physical && line.variant_id != 0).then_some((line.variant_id, line.quantity))
}
