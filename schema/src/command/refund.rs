//! What commands write about refunds.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{NewRow, payment_reference};
use crate::facts::Address;
use crate::ids::{
    ChannelId, ContactId, InstallationId, ProductId, RefundId, SalesOrderId, SalesOrderRowId, SalesOrderStatusId, StoreHash, StoreOrderId,
    WarehouseId,
};
use crate::refund::{ExtraRow, RowChange};
use crate::rules::{PriceMode, Restock};

/// Pieces taken off a row of a sales order (BP §e.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRowChange {
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// For which refund.
    pub refund: RefundId,
    /// Which row, and what is left of it.
    pub change: RowChange,
}

impl OrderRowChange {
    pub(super) fn key(&self) -> String {
        format!("{}/{}/refund-{}", self.sales_order, self.change.row, self.refund)
    }

    pub(super) fn describe(&self) -> String {
        let (change, sales_order, refund) = (&self.change, self.sales_order, self.refund);
        match change.to {
            0 => format!("take row {} off sales order {sales_order} (refund {refund})", change.row),
            left => format!("leave {left} of {} on row {} of sales order {sales_order} (refund {refund})", change.from, change.row),
        }
    }
}

/// A row to be added to a sales order (BP §e.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrderRow {
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// For which refund.
    pub refund: RefundId,
    /// The row.
    pub row: ExtraRow,
}

impl NewOrderRow {
    pub(super) fn key(&self) -> String {
        format!("{}/refund-{}", self.sales_order, self.refund)
    }

    pub(super) fn describe(&self) -> String {
        let row = &self.row;
        format!("add a row of {} with {} tax to sales order {} (refund {})", row.net, row.tax, self.sales_order, self.refund)
    }
}

/// Goods of a sales credit that come back into stock (BP §e.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsIn {
    /// The sales credit.
    pub credit: SalesOrderId,
    /// For which refund.
    pub refund: RefundId,
    /// Where to.
    pub place: Restock,
    /// When the store refunded.
    pub received_at: Timestamp,
    /// Currency of the costs: the account's base currency.
    pub currency: String,
    /// What comes back; never empty.
    pub rows: Vec<GoodsInRow>,
}

/// What comes back of one row of a sales credit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsInRow {
    /// The sales credit's row.
    pub row: SalesOrderRowId,
    /// Its product.
    pub product: ProductId,
    /// How many.
    pub quantity: u32,
    /// What one piece costs the merchant.
    pub cost: Decimal,
}

impl GoodsIn {
    pub(super) fn describe(&self) -> String {
        let pieces: u64 = self.rows.iter().map(|row| u64::from(row.quantity)).sum();
        format!("put {pieces} pieces of sales credit {} back into stock (refund {})", self.credit, self.refund)
    }
}

/// A sales credit to be made (BP §e.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSalesCredit {
    /// The store's order.
    pub order: StoreOrderId,
    /// For which refund.
    pub refund: RefundId,
    /// The sales order that it is linked to.
    pub sales_order: SalesOrderId,
    /// Half of the platform's unique key.
    pub external_ref: String,
    /// The other half.
    pub installation: InstallationId,
    /// The customer: the sales order's.
    pub contact: ContactId,
    /// When the store refunded.
    pub refunded_at: Timestamp,
    /// First status; the account's own default if none.
    pub status: Option<SalesOrderStatusId>,
    /// Sales channel, if any.
    pub channel: Option<ChannelId>,
    /// Warehouse that goods come back to, if any.
    pub warehouse: Option<WarehouseId>,
    /// As on the sales order.
    pub price_mode: PriceMode,
    /// Currency of all amounts.
    pub currency: String,
    /// Decimals of that currency's minor unit, 0 to 2.
    pub decimals: u32,
    /// The sales order's rate; Brightpearl's own default if it is not known.
    pub rate: Option<Decimal>,
    /// Billing address, in full.
    pub billing: Address,
    /// Rows, with amounts above zero.
    pub rows: Vec<NewRow>,
}

impl NewSalesCredit {
    /// Our key of a refund's sales credit.
    #[must_use]
    pub fn external_ref(store: &StoreHash, refund: RefundId) -> String {
        payment_reference(store, &format!("refund-{refund}"))
    }

    pub(super) fn describe(&self) -> String {
        format!("create the sales credit for refund {} of store order {} ({} rows)", self.refund, self.order, self.rows.len())
    }
}
