//! Kinds of commands, and what is true of each: its platform, what it costs, and what may be done when its outcome is not known.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::Platform;

/// What may be done when it is not known whether a command took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeatability {
    /// The platform deduplicates by a key in the body: send the same again.
    Keyed,
    /// Sets a value: send again, after reading back.
    Absolute,
    /// The platform would do it twice: look whether it is there before each send.
    LookFirst,
}

/// Every kind of command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandKind {
    /// Make a contact (with its address) in Brightpearl.
    CreateContact,
    /// Make a sales order in Brightpearl.
    CreateSalesOrder,
    /// Write Brightpearl's order id on the store's order.
    SetExternalOrderId,
    /// Set a sales order's status.
    SetSalesOrderStatus,
    /// Set a store order's status.
    SetStoreStatus,
    /// Make a shipment at the store.
    CreateShipment,
    /// Book a payment in Brightpearl.
    CreatePayment,
    /// Keep stock back for a sales order that nothing is kept back for yet.
    ReserveStock,
    /// Set how much stock is kept back for a sales order.
    SetReservation,
    /// Set custom fields of a sales order.
    SetOrderFields,
    /// Add a note to a sales order.
    AddOrderNote,
    /// Change names or telephone of a contact.
    UpdateContact,
    /// Give a contact a new address.
    SetContactAddress,
    /// Take pieces off a row of a sales order.
    SetOrderRow,
    /// Add a row to a sales order.
    AddOrderRow,
    /// Make a sales credit in Brightpearl.
    CreateSalesCredit,
    /// Put the goods of a sales credit back into stock.
    ReceiveGoods,
    /// Bring a sales order into step with its store order.
    EditSalesOrder,
}

impl CommandKind {
    /// Every kind, for tests and reports that must not forget one.
    pub const ALL: [Self; 18] = [
        Self::CreateContact,
        Self::CreateSalesOrder,
        Self::SetExternalOrderId,
        Self::SetSalesOrderStatus,
        Self::SetStoreStatus,
        Self::CreateShipment,
        Self::CreatePayment,
        Self::ReserveStock,
        Self::SetReservation,
        Self::SetOrderFields,
        Self::AddOrderNote,
        Self::UpdateContact,
        Self::SetContactAddress,
        Self::SetOrderRow,
        Self::AddOrderRow,
        Self::CreateSalesCredit,
        Self::ReceiveGoods,
        Self::EditSalesOrder,
    ];

    /// Name in the journal and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateContact => "create-contact",
            Self::CreateSalesOrder => "create-sales-order",
            Self::SetExternalOrderId => "set-external-order-id",
            Self::SetSalesOrderStatus => "set-sales-order-status",
            Self::SetStoreStatus => "set-store-status",
            Self::CreateShipment => "create-shipment",
            Self::CreatePayment => "create-payment",
            Self::ReserveStock => "reserve-stock",
            Self::SetReservation => "set-reservation",
            Self::SetOrderFields => "set-order-fields",
            Self::AddOrderNote => "add-order-note",
            Self::UpdateContact => "update-contact",
            Self::SetContactAddress => "set-contact-address",
            Self::SetOrderRow => "set-order-row",
            Self::AddOrderRow => "add-order-row",
            Self::CreateSalesCredit => "create-sales-credit",
            Self::ReceiveGoods => "receive-goods",
            Self::EditSalesOrder => "edit-sales-order",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The platform it changes.
    #[must_use]
    pub const fn platform(self) -> Platform {
        match self {
            Self::CreateContact | Self::CreateSalesOrder | Self::SetSalesOrderStatus | Self::CreatePayment => Platform::Brightpearl,
            Self::UpdateContact | Self::SetContactAddress => Platform::Brightpearl,
            Self::SetExternalOrderId | Self::SetStoreStatus | Self::CreateShipment => Platform::Bigcommerce,
            Self::ReserveStock | Self::SetReservation | Self::SetOrderFields | Self::AddOrderNote => Platform::Brightpearl,
            Self::SetOrderRow | Self::AddOrderRow | Self::CreateSalesCredit | Self::ReceiveGoods => Platform::Brightpearl,
            Self::EditSalesOrder => Platform::Brightpearl,
        }
    }

    /// Calls it makes: a contact needs its address first (BP §f).
    #[must_use]
    pub const fn calls(self) -> u32 {
        match self {
            Self::CreateContact | Self::SetContactAddress => 2,
            Self::CreateSalesOrder
            | Self::SetExternalOrderId
            | Self::SetSalesOrderStatus
            | Self::SetStoreStatus
            | Self::CreateShipment
            | Self::CreatePayment
            | Self::ReserveStock
            | Self::SetReservation
            | Self::SetOrderFields
            | Self::AddOrderNote
            | Self::UpdateContact
            | Self::SetOrderRow
            | Self::AddOrderRow
            | Self::CreateSalesCredit
            | Self::ReceiveGoods
            | Self::EditSalesOrder => 1,
        }
    }

    /// What may be done in doubt: sales orders and payments are deduplicated by Brightpearl (BP §e.2, §i.1); the store has no such key (BC §b), and
    /// contacts have none either (BP §f). An address that was made twice is one that nobody refers to.
    #[must_use]
    pub const fn repeatability(self) -> Repeatability {
        match self {
            Self::CreateSalesOrder | Self::CreatePayment | Self::CreateSalesCredit => Repeatability::Keyed,
            Self::SetExternalOrderId | Self::SetSalesOrderStatus | Self::SetStoreStatus => Repeatability::Absolute,
            Self::UpdateContact | Self::SetContactAddress => Repeatability::Absolute,
            Self::CreateContact | Self::CreateShipment => Repeatability::LookFirst,
            // A second POST of a reservation is added to the first, a PUT takes its place (BP §h.2); notes cannot be taken away (BP §e.7).
            Self::ReserveStock | Self::AddOrderNote => Repeatability::LookFirst,
            Self::SetReservation | Self::SetOrderFields | Self::SetOrderRow => Repeatability::Absolute,
            // Neither rows nor goods-in notes have a key of their own (BP §e.3, §e.8).
            Self::AddOrderRow | Self::ReceiveGoods => Repeatability::LookFirst,
            // It sets the whole order, and only if nobody else has changed it (BP §e.5).
            Self::EditSalesOrder => Repeatability::Absolute,
        }
    }
}

impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
