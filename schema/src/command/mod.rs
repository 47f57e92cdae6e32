//! Calls that change a platform, as data, with a key that names what they achieve.

mod bodies;
mod contact;
mod edit;
mod extras;
mod kind;
mod payment;
mod refund;

use std::fmt;

use sha2::{Digest, Sha256};

use crate::facts::Address;
use crate::ids::{AccountCode, SalesOrderId, SalesOrderStatusId, StoreHash, StoreOrderId, StoreStatusId};
use crate::order_text::FieldWrite;
use crate::work::Scope;

pub use bodies::{NewContact, NewRow, NewSalesOrder, NewShipment, RowLine};
pub use contact::{ContactAddress, ContactUpdate};
pub use edit::{SalesOrderEdit, in_words};
pub use extras::{NewOrderNote, Reservation};
pub use kind::{CommandKind, Repeatability};
pub use payment::{NewPayment, PaymentKind, REFERENCE_CHARS_MAX, payment_reference};
pub use refund::{GoodsIn, GoodsInRow, NewOrderRow, NewSalesCredit, OrderRowChange};

/// Names what a command achieves: the same for however many events ask for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandKey {
    /// Whose; contacts are the account's, since tenants share them.
    pub scope: Scope,
    /// What kind of command.
    pub kind: CommandKind,
    /// The platform's own id of the thing.
    pub id: String,
}

impl fmt::Display for CommandKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.scope, self.kind, self.id)
    }
}

/// One call that changes a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a contact.
    CreateContact(Box<NewContact>),
    /// Make a sales order.
    CreateSalesOrder(Box<NewSalesOrder>),
    /// Write `BP-{id}` on the store's order.
    SetExternalOrderId {
        /// The store's order.
        order: StoreOrderId,
        /// Which sales order to name.
        sales_order: SalesOrderId,
    },
    /// Carry a status to Brightpearl.
    SetSalesOrderStatus {
        /// Which sales order.
        sales_order: SalesOrderId,
        /// Its new status.
        status: SalesOrderStatusId,
        /// The store's status that it agrees with.
        agreed_with: StoreStatusId,
    },
    /// Carry a status to the store.
    SetStoreStatus {
        /// Which store order.
        order: StoreOrderId,
        /// Its new status.
        status: StoreStatusId,
        /// Brightpearl's status that it agrees with.
        agreed_with: SalesOrderStatusId,
    },
    /// Make a shipment.
    CreateShipment(Box<NewShipment>),
    /// Book a payment.
    CreatePayment(Box<NewPayment>),
    /// Keep stock back.
    ReserveStock(Box<Reservation>),
    /// Set how much stock is kept back.
    SetReservation(Box<Reservation>),
    /// Set custom fields, all in one call.
    SetOrderFields {
        /// Of which sales order.
        sales_order: SalesOrderId,
        /// Which, and to what.
        fields: Vec<FieldWrite>,
    },
    /// Add an order note.
    AddOrderNote(Box<NewOrderNote>),
    /// Change names or telephone of a contact.
    UpdateContact(Box<ContactUpdate>),
    /// Give a contact a new address.
    SetContactAddress(Box<ContactAddress>),
    /// Take pieces off a row of a sales order.
    SetOrderRow(Box<OrderRowChange>),
    /// Add a row to a sales order.
    AddOrderRow(Box<NewOrderRow>),
    /// Make a sales credit.
    CreateSalesCredit(Box<NewSalesCredit>),
    /// Put the goods of a sales credit back into stock.
    ReceiveGoods(Box<GoodsIn>),
    /// Bring a sales order into step.
    EditSalesOrder(Box<SalesOrderEdit>),
}

impl Command {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::CreateContact(_) => CommandKind::CreateContact,
            Self::CreateSalesOrder(_) => CommandKind::CreateSalesOrder,
            Self::SetExternalOrderId { .. } => CommandKind::SetExternalOrderId,
            Self::SetSalesOrderStatus { .. } => CommandKind::SetSalesOrderStatus,
            Self::SetStoreStatus { .. } => CommandKind::SetStoreStatus,
            Self::CreateShipment(_) => CommandKind::CreateShipment,
            Self::CreatePayment(_) => CommandKind::CreatePayment,
            Self::ReserveStock(_) => CommandKind::ReserveStock,
            Self::SetReservation(_) => CommandKind::SetReservation,
            Self::SetOrderFields { .. } => CommandKind::SetOrderFields,
            Self::AddOrderNote(_) => CommandKind::AddOrderNote,
            Self::UpdateContact(_) => CommandKind::UpdateContact,
            Self::SetContactAddress(_) => CommandKind::SetContactAddress,
            Self::SetOrderRow(_) => CommandKind::SetOrderRow,
            Self::AddOrderRow(_) => CommandKind::AddOrderRow,
            Self::CreateSalesCredit(_) => CommandKind::CreateSalesCredit,
            Self::ReceiveGoods(_) => CommandKind::ReceiveGoods,
            Self::EditSalesOrder(_) => CommandKind::EditSalesOrder,
        }
    }

    /// Its key for one tenant of one account.
    #[must_use]
    pub fn key(&self, tenant: &Scope, account: &AccountCode) -> CommandKey {
        let scope = match self {
            Self::CreateContact(_) | Self::UpdateContact(_) | Self::SetContactAddress(_) => Scope::Account(account.clone()),
            _ => tenant.clone(),
        };
        CommandKey { scope, kind: self.kind(), id: self.id() }
    }

    /// The platform's own id of the thing it is about.
    fn id(&self) -> String {
        match self {
            Self::CreateContact(contact) => contact.email_hash.clone(),
            Self::CreateSalesOrder(order) => order.external_ref.clone(),
            Self::SetExternalOrderId { order, .. } | Self::SetStoreStatus { order, .. } => order.to_string(),
            Self::SetSalesOrderStatus { sales_order, .. } | Self::SetOrderFields { sales_order, .. } => sales_order.to_string(),
            Self::ReserveStock(reservation) | Self::SetReservation(reservation) => reservation.sales_order.to_string(),
            Self::AddOrderNote(note) => note.key(),
            Self::EditSalesOrder(edit) => edit.sales_order.to_string(),
            Self::CreateShipment(shipment) => NewShipment::mark(shipment.note_kind, shipment.note, Some(shipment.address)),
            Self::CreatePayment(payment) => payment.reference.clone(),
            Self::UpdateContact(update) => update.contact.to_string(),
            Self::SetContactAddress(new) => new.contact.to_string(),
            Self::SetOrderRow(change) => change.key(),
            Self::AddOrderRow(row) => row.key(),
            Self::CreateSalesCredit(credit) => credit.external_ref.clone(),
            Self::ReceiveGoods(goods) => goods.credit.to_string(),
        }
    }

    /// What it achieves for its order, in one word: kind and id of its key.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.kind(), self.id())
    }

    /// What it changes: no other command on the same target starts while this one may still take effect.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::CreateContact(contact) => format!("contact/{}", contact.email_hash),
            Self::CreateSalesOrder(order) => format!("sales-order-of/{}", order.order),
            Self::SetExternalOrderId { order, .. } | Self::SetStoreStatus { order, .. } => format!("order/{order}"),
            Self::SetSalesOrderStatus { sales_order, .. } | Self::SetOrderFields { sales_order, .. } => format!("sales-order/{sales_order}"),
            Self::ReserveStock(reservation) | Self::SetReservation(reservation) => format!("sales-order/{}", reservation.sales_order),
            Self::AddOrderNote(note) => format!("sales-order/{}", note.sales_order),
            Self::EditSalesOrder(edit) => format!("sales-order/{}", edit.sales_order),
            Self::CreateShipment(shipment) => format!("order/{}", shipment.order),
            // Not the sales order itself: a payment in doubt must not hold up its status.
            Self::CreatePayment(payment) => format!("payments-of/{}", payment.order),
            Self::UpdateContact(update) => format!("contact/{}", update.contact),
            Self::SetContactAddress(new) => format!("contact/{}", new.contact),
            Self::SetOrderRow(change) => format!("sales-order/{}", change.sales_order),
            Self::AddOrderRow(row) => format!("sales-order/{}", row.sales_order),
            Self::CreateSalesCredit(credit) => format!("sales-credits-of/{}", credit.order),
            Self::ReceiveGoods(goods) => format!("sales-credit/{}", goods.credit),
        }
    }

    /// What it would write about a person, piece by piece, so that a platform's answer can be told without it. Pieces of a single
    /// character are left out: hiding them would hide everything.
    #[must_use]
    pub fn personal_data(&self) -> Vec<&str> {
        let addresses: Vec<&Address> = match self {
            Self::CreateContact(contact) => vec![&contact.address],
            Self::CreateSalesOrder(order) => vec![&order.billing, &order.delivery],
            Self::UpdateContact(update) => vec![&update.values],
            Self::SetContactAddress(new) => vec![&new.address],
            Self::CreateSalesCredit(credit) => vec![&credit.billing],
            Self::EditSalesOrder(edit) => edit.addresses(),
            // Somebody's own words cannot be hidden piece by piece: see `carries_words`.
            Self::SetExternalOrderId { .. }
            | Self::SetSalesOrderStatus { .. }
            | Self::SetStoreStatus { .. }
            | Self::CreateShipment(_)
            | Self::CreatePayment(_)
            | Self::ReserveStock(_)
            | Self::SetReservation(_)
            | Self::SetOrderFields { .. }
            | Self::AddOrderNote(_)
            | Self::SetOrderRow(_)
            | Self::AddOrderRow(_)
            | Self::ReceiveGoods(_) => Vec::new(),
        };
        let texts = match self {
            // Messages and whatever shoppers typed stand on the names of rows.
            Self::CreateSalesOrder(order) => order.rows.iter().flat_map(NewRow::texts).collect(),
            Self::EditSalesOrder(edit) => edit.added.iter().flat_map(NewRow::texts).collect(),
            _ => Vec::new(),
        };
        let pieces = addresses.into_iter().flat_map(Address::personal_data).chain(texts);
        pieces.map(str::trim).filter(|piece| piece.chars().count() > 1).collect()
    }

    /// Whether it would write somebody's own words. A platform's answer to it is told without the platform's text, which may repeat any
    /// of them.
    #[must_use]
    pub const fn carries_words(&self) -> bool {
        matches!(self, Self::SetOrderFields { .. } | Self::AddOrderNote(_))
    }

    /// A digest of what it would write, for comparing; it tells nothing about the content.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        match self {
            Self::CreateContact(contact) => hash.update(format!("{:?}|{:?}", contact.email_hash, contact.price_list)),
            Self::CreateSalesOrder(order) => hash.update(format!("{}|{:?}", order.external_ref, order.rows)),
            // What the values are shows in the keyed digests alone.
            Self::UpdateContact(update) => hash.update(format!("{}|{:?}", update.contact, update.said)),
            Self::SetContactAddress(new) => hash.update(format!("{}|{:?}", new.contact, new.said)),
            Self::CreateSalesCredit(credit) => hash.update(format!("{}|{:?}", credit.external_ref, credit.rows)),
            Self::EditSalesOrder(edit) => hash.update(edit.content()),
            // Of somebody's own words only their keyed digest shows: a plain one of a short text could be guessed.
            Self::SetExternalOrderId { .. }
            | Self::SetSalesOrderStatus { .. }
            | Self::SetStoreStatus { .. }
            | Self::CreateShipment(_)
            | Self::CreatePayment(_)
            | Self::ReserveStock(_)
            | Self::SetReservation(_)
            | Self::SetOrderFields { .. }
            | Self::AddOrderNote(_)
            | Self::SetOrderRow(_)
            | Self::AddOrderRow(_)
            | Self::ReceiveGoods(_) => hash.update(format!("{self:?}")),
        }
        hex::encode(hash.finalize())
    }

    /// What it does, in plain words without personal data.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::CreateContact(_) => "create a Brightpearl contact for the customer".into(),
            Self::CreateSalesOrder(order) => format!("create the sales order for store order {} ({} rows)", order.order, order.rows.len()),
            Self::SetExternalOrderId { order, sales_order } => format!("write BP-{sales_order} on store order {order}"),
            Self::SetSalesOrderStatus { sales_order, status, .. } => format!("set sales order {sales_order} to status {status}"),
            Self::SetStoreStatus { order, status, .. } => format!("set store order {order} to status {status}"),
            Self::CreateShipment(shipment) => {
                let pieces: u64 = shipment.items.iter().map(|(_, quantity)| u64::from(*quantity)).sum();
                let mark = NewShipment::mark(shipment.note_kind, shipment.note, None);
                format!("ship {pieces} items of store order {} ({mark})", shipment.order)
            }
            Self::CreatePayment(payment) => payment.describe(),
            Self::ReserveStock(reservation) => format!("reserve {}", reservation.describe()),
            Self::SetReservation(reservation) => format!("set the reservation to {}", reservation.describe()),
            Self::SetOrderFields { sales_order, fields } => extras::describe_fields(*sales_order, fields),
            Self::EditSalesOrder(edit) => edit.describe(),
            Self::AddOrderNote(note) => format!("add the {} to sales order {} as an order note", note.source.words(), note.sales_order),
            Self::UpdateContact(update) => format!("change {} of contact {}", update.shown(), update.contact),
            Self::SetContactAddress(new) => format!("give contact {} the address that the store has now", new.contact),
            Self::SetOrderRow(change) => change.describe(),
            Self::AddOrderRow(row) => row.describe(),
            Self::CreateSalesCredit(credit) => credit.describe(),
            Self::ReceiveGoods(goods) => goods.describe(),
        }
    }
}

/// The key under which a store order becomes a sales order: `bc-{store_hash}-{order}`.
#[must_use]
pub fn external_ref(store: &StoreHash, order: StoreOrderId) -> String {
    format!("bc-{store}-{order}")
}

/// Whether a key is one of ours, be its store known or not. An order without one was made by somebody else.
#[must_use]
pub fn is_our_key(text: &str) -> bool {
    text.starts_with("bc-")
}

/// The store and order in a key of ours; `None` for any other system's.
#[must_use]
pub fn parse_external_ref(text: &str) -> Option<(StoreHash, StoreOrderId)> {
    let (store, order) = text.strip_prefix("bc-")?.rsplit_once('-')?;
    Some((StoreHash::new(store).ok()?, order.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NoteId;
    use crate::link::NoteKind;

    #[test]
    fn every_kind_declares_its_repeatability_and_keeps_its_name() {
        for kind in CommandKind::ALL {
            assert_eq!(CommandKind::from_name(kind.as_str()), Some(kind));
        }
        let keyed = CommandKind::ALL.into_iter().filter(|kind| kind.repeatability() == Repeatability::Keyed);
        assert_eq!(keyed.collect::<Vec<_>>(), [CommandKind::CreateSalesOrder, CommandKind::CreatePayment, CommandKind::CreateSalesCredit]);
    }

    #[test]
    fn our_key_is_read_back_and_no_other_is() {
        let store = StoreHash::new("store-7").unwrap();
        let key = external_ref(&store, StoreOrderId(9001));
        assert_eq!(key, "bc-store-7-9001");
        assert_eq!(parse_external_ref(&key), Some((store, StoreOrderId(9001))));
        assert!(is_our_key(&key) && is_our_key("bc-store-7-9001-a127") && !is_our_key("") && !is_our_key("shopify-1"));
        for other in ["", "bc-", "9001", "shopify-1", "bc-store", "bc-store-x"] {
            assert_eq!(parse_external_ref(other), None, "{other}");
        }
    }

    #[test]
    fn a_mark_is_known_only_at_the_start_of_the_comments() {
        assert_eq!(NewShipment::mark(NoteKind::GoodsOut, NoteId(4101), None), "GON-4101");
        assert_eq!(NewShipment::mark_in("GON-4101-a127 RM1, RM2"), Some("GON-4101-a127"));
        assert_eq!(NewShipment::mark_in("see GON-4101"), None);
        assert_eq!(NewShipment::mark_in("GON-X"), None);
    }
}
