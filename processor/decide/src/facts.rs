//! All that is known about one store order, and what can still be asked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use orderbridge_schema::command::PaymentKind;
use orderbridge_schema::decision::{Agreement, Decision, Effect, Hold};
use orderbridge_schema::edit::{Absence, Contents, InStep};
use orderbridge_schema::envelope::EventId;
use orderbridge_schema::facts::{ContactDetails, ContactMatch, CustomerFact, VariantIdentity};
use orderbridge_schema::facts::{Coupon, Fee, Note, OrderAddress, OrderLine, PersonalText, PickUp, SalesOrder, SalesOrderMatch, StoreOrder};
use orderbridge_schema::facts::{Refunds, SalesOrderPayment, StoreShipment, TaxRow, Transactions, WholeSalesOrder};
use orderbridge_schema::ids::{
    ChannelId, ContactId, InstallationId, ProductId, SalesOrderId, ShippingMethodId, StoreHash, StoreOrderId, WarehouseId,
};
use orderbridge_schema::link::{OrderLink, PaymentLink, RowLink, ShipmentLink};
use orderbridge_schema::order_text::{OrderNote, SentText, TextDigest};
use orderbridge_schema::reference::Reference;
use orderbridge_schema::refund::RefundMark;
use orderbridge_schema::reservation::{ReservationMark, Reserved};
use orderbridge_schema::rules::Rules;
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::Aspects;
use rust_decimal::Decimal;

use crate::identity::SkuKey;

/// Whose order it is and by which rules it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The store.
    pub store: &'a StoreHash,
    /// Our installation in the Brightpearl account.
    pub installation: InstallationId,
    /// Another installation of ours may have made sales orders: search before creating (BP §k.1 4).
    pub search_before_creating: bool,
    /// The tenant's rules.
    pub rules: &'a Rules,
    /// What the rules may name, as the platforms listed it last.
    pub reference: &'a Reference,
    /// Since when no order of the store can have been entered in Brightpearl but by us.
    pub live_since: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// The contact side of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactFact {
    /// Linked already.
    Linked(ContactId),
    /// A search by e-mail address found these.
    Found {
        /// The keyed hash under which the contact would be linked.
        email_hash: String,
        /// Contacts whose address equals the customer's; may be none.
        matches: Vec<ContactMatch>,
    },
}

/// A payment that was sent and whose outcome, or whose id, is not known: whatever the rules say now, it is sent again as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPayment {
    /// The method it was sent with.
    pub method: String,
    /// What it was sent as.
    pub kind: PaymentKind,
}

/// What is known about one order. `None` means "not read", never "not there".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFacts {
    /// Which order.
    pub id: StoreOrderId,
    /// Which sides may have changed.
    pub aspects: Aspects,
    /// The kind of event that asked last: for explaining, never for deciding.
    pub cause: String,
    /// Our name of that event, if one asked: likewise.
    pub event: Option<EventId>,
    /// When that event happened, by its platform's clock, if one asked: for finding what changed, never for deciding.
    pub told_at: Option<Timestamp>,
    /// Since when it has waited to be looked at, if it does.
    pub waiting_since: Option<Timestamp>,
    /// Statuses it was seen in before now.
    pub seen: StatusSet,
    /// The sales order that a person says stands for it.
    pub wanted_adoption: Option<SalesOrderId>,
    /// A sales order was sent for it and it is not known whether it was made.
    pub creation_in_doubt: bool,
    /// Sales orders made from it.
    pub links: Vec<OrderLink>,
    /// The exchange rates that its sales orders were made with, as far as we remember: see [`Self::exchange_rate`].
    pub exchange_rates: BTreeMap<SalesOrderId, Decimal>,
    /// Its lines' rows.
    pub row_links: Vec<RowLink>,
    /// Shipments made from notes.
    pub shipment_links: Vec<ShipmentLink>,
    /// Payments booked.
    pub payment_links: Vec<PaymentLink>,
    /// Payments that may be booked, by our key.
    pub payments_in_doubt: BTreeMap<String, SentPayment>,
    /// What the store's order said of its payment when all of it was booked.
    pub paid_as_seen: Option<String>,
    /// How far its refunds have come.
    pub refund_marks: Vec<RefundMark>,
    /// What the store's order said of its refunds when all of them were booked.
    pub refunds_as_seen: Option<String>,
    /// The last agreed statuses.
    pub agreed: Option<Agreement>,
    /// Effects that wait at present.
    pub held: BTreeSet<Effect>,
    /// Commands that a platform refused since this order was loaded, by name: not tried again now, while all else goes on.
    pub refused: BTreeMap<String, Hold>,
    /// When shipments whose outcome is in doubt were sent, by mark.
    pub shipments_in_doubt: BTreeMap<String, Timestamp>,
    /// The order; the inner `None` is a 404.
    pub store_order: Option<Option<StoreOrder>>,
    /// Its lines.
    pub lines: Option<Vec<OrderLine>>,
    /// Its taxes in detail.
    pub taxes: Option<Vec<TaxRow>>,
    /// Its delivery addresses.
    pub addresses: Option<Vec<OrderAddress>>,
    /// Where the shopper comes for goods.
    pub pick_ups: Option<Vec<PickUp>>,
    /// Its coupons.
    pub coupons: Option<Vec<Coupon>>,
    /// Its fees.
    pub fees: Option<Vec<Fee>>,
    /// Its shipments.
    pub shipments: Option<Vec<StoreShipment>>,
    /// Its payment records.
    pub transactions: Option<Transactions>,
    /// Its refunds.
    pub refunds: Option<Refunds>,
    /// Payments that its sales order has in Brightpearl, whoever made them.
    pub payments: Option<Vec<SalesOrderPayment>>,
    /// Sales orders by id; an inner `None` is one that is gone.
    pub sales_orders: BTreeMap<SalesOrderId, Option<SalesOrder>>,
    /// Goods-out and drop-ship notes of its sales orders.
    pub notes: Option<Vec<Note>>,
    /// The contact.
    pub contact: Option<ContactFact>,
    /// Live products by SKU, or by whichever field the rules name; several if it is not unique.
    pub products: BTreeMap<SkuKey, Vec<ProductId>>,
    /// How those of them that share what is compared are spelled.
    pub spelled: BTreeMap<ProductId, String>,
    /// Identities of the store's variants; an inner `None` is one that is gone.
    pub variants: BTreeMap<u64, Option<VariantIdentity>>,
    /// The customer, as far as no call is needed for it: read along with the store's order.
    pub customer: Option<CustomerFact>,
    /// Contacts with their details; an inner `None` is one that is gone.
    pub contacts: BTreeMap<ContactId, Option<ContactDetails>>,
    /// Sales orders that carry our key.
    pub existing: Option<Vec<SalesOrderId>>,
    /// Sales orders that carry its number in its channel and stand for no other order.
    pub with_number: Option<Vec<SalesOrderMatch>>,
    /// Names of Brightpearl's shipping methods.
    pub method_names: Option<BTreeMap<ShippingMethodId, String>>,
    /// How far we have come with its sales orders' reservations.
    pub reservations: Vec<ReservationMark>,
    /// What stands on its sales orders of its texts, as we last wrote it.
    pub sent_texts: Vec<SentText>,
    /// Stock that is kept back for sales orders; empty if none is.
    pub reserved: BTreeMap<SalesOrderId, Reserved>,
    /// Sales orders whose reservation was lowered a moment ago.
    pub released: BTreeSet<SalesOrderId>,
    /// Pieces that could still be reserved for a sales order; an inner `None` could not be told.
    pub on_hand: BTreeMap<SalesOrderId, Option<u64>>,
    /// Whether stock is kept of products; of one that we do not know, it is taken to be.
    pub stock_tracked: BTreeMap<ProductId, bool>,
    /// Keyed digests of texts in their normalised form.
    pub digests: BTreeMap<PersonalText, TextDigest>,
    /// Notes on sales orders.
    pub order_notes: BTreeMap<SalesOrderId, Vec<OrderNote>>,
    /// Custom fields of sales orders that were found to hold nothing.
    pub empty_fields: BTreeMap<SalesOrderId, BTreeSet<String>>,
    /// What its sales orders had in common with it when they were in step.
    pub in_step: Vec<InStep>,
    /// What of it was missed.
    pub absences: Vec<Absence>,
    /// Nothing of it was read before then.
    pub read_from: Option<Timestamp>,
    /// We wrote to the store's order a moment ago, so that it has changed without anybody's edit.
    pub written_at_store: bool,
    /// Sales orders with all that is needed to write them back; an inner `None` is one that is gone.
    pub whole: BTreeMap<SalesOrderId, Option<WholeSalesOrder>>,
    /// What sales orders were brought into step with since this order was loaded.
    pub carried: BTreeMap<SalesOrderId, Contents>,
    /// Sales orders whose reservation was set since this order was loaded.
    pub lowered: BTreeSet<SalesOrderId>,
    /// Changes of sales orders that were refused since this order was loaded, with the version that they were of.
    pub edits_refused: Vec<(SalesOrderId, u64, Hold)>,
}

impl OrderFacts {
    /// Whether a side is to be looked at: an event named it, or an effect that depends on it waits. A hold is thereby looked into by any
    /// event, and is gone only when its effect was decided anew and needs none.
    #[must_use]
    pub fn looks_at(&self, aspect: Aspects) -> bool {
        let waits_on = |effect: &Effect| match effect {
            Effect::Creation | Effect::Notes | Effect::Customer => Aspects::STORE_ORDER,
            Effect::Shipment => Aspects::NOTES,
            Effect::Verification | Effect::Status | Effect::Allocation | Effect::Edit => Aspects::STORE_ORDER.with(Aspects::SALES_ORDER),
            Effect::Payment | Effect::Refund => Aspects::STORE_ORDER.with(Aspects::TRANSACTIONS),
        };
        self.aspects.has(aspect) || self.held.iter().map(waits_on).any(|waits| waits.has(aspect))
    }

    /// The rate that everything booked on a sales order must carry: what it was made with, else what it says now, if it was read.
    #[must_use]
    pub fn exchange_rate(&self, sales_order: SalesOrderId) -> Option<Decimal> {
        let read = || self.sales_orders.get(&sales_order)?.as_ref()?.exchange_rate;
        self.exchange_rates.get(&sales_order).copied().or_else(read)
    }

    /// Facts with nothing read yet.
    #[must_use]
    pub const fn new(id: StoreOrderId, aspects: Aspects) -> Self {
        Self {
            id,
            aspects,
            cause: String::new(),
            event: None,
            told_at: None,
            waiting_since: None,
            seen: StatusSet::NONE,
            wanted_adoption: None,
            creation_in_doubt: false,
            links: Vec::new(),
            exchange_rates: BTreeMap::new(),
            row_links: Vec::new(),
            shipment_links: Vec::new(),
            payment_links: Vec::new(),
            payments_in_doubt: BTreeMap::new(),
            paid_as_seen: None,
            refund_marks: Vec::new(),
            refunds_as_seen: None,
            agreed: None,
            held: BTreeSet::new(),
            refused: BTreeMap::new(),
            shipments_in_doubt: BTreeMap::new(),
            store_order: None,
            lines: None,
            taxes: None,
            addresses: None,
            pick_ups: None,
            coupons: None,
            fees: None,
            shipments: None,
            transactions: None,
            refunds: None,
            payments: None,
            sales_orders: BTreeMap::new(),
            notes: None,
            contact: None,
            products: BTreeMap::new(),
            spelled: BTreeMap::new(),
            variants: BTreeMap::new(),
            customer: None,
            contacts: BTreeMap::new(),
            existing: None,
            with_number: None,
            method_names: None,
            reservations: Vec::new(),
            sent_texts: Vec::new(),
            reserved: BTreeMap::new(),
            released: BTreeSet::new(),
            on_hand: BTreeMap::new(),
            stock_tracked: BTreeMap::new(),
            digests: BTreeMap::new(),
            order_notes: BTreeMap::new(),
            empty_fields: BTreeMap::new(),
            in_step: Vec::new(),
            absences: Vec::new(),
            read_from: None,
            written_at_store: false,
            whole: BTreeMap::new(),
            carried: BTreeMap::new(),
            lowered: BTreeSet::new(),
            edits_refused: Vec::new(),
        }
    }
}

/// Something that must be read before a decision can be made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The store's order.
    StoreOrder,
    /// Its lines.
    Lines,
    /// Its taxes in detail.
    Taxes,
    /// Its delivery addresses.
    Addresses,
    /// Where the shopper comes for goods.
    PickUps,
    /// Its coupons.
    Coupons,
    /// Its fees.
    Fees,
    /// Its shipments.
    Shipments,
    /// Its payment records.
    Transactions,
    /// Its refunds.
    Refunds,
    /// Payments of a sales order in Brightpearl.
    Payments(SalesOrderId),
    /// A sales order.
    SalesOrder(SalesOrderId),
    /// Notes of its sales orders.
    Notes,
    /// The contact of the [`Shopper`](crate::Shopper).
    Contact,
    /// Products with these SKUs, or with these values in whichever field the rules name.
    Products(BTreeSet<SkuKey>),
    /// Identities of these variants of the store's products: product and variant.
    Variants(BTreeSet<(u64, u64)>),
    /// A contact with its details.
    ContactDetails(ContactId),
    /// Sales orders with our key.
    Existing,
    /// Sales orders with its number in this channel.
    WithNumber(ChannelId),
    /// Names of Brightpearl's shipping methods.
    MethodNames,
    /// What is reserved for a sales order.
    Reservation(SalesOrderId),
    /// How many pieces of these products a warehouse could still reserve.
    OnHand {
        /// For which sales order.
        sales_order: SalesOrderId,
        /// Where.
        warehouse: WarehouseId,
        /// Of which products.
        products: BTreeSet<ProductId>,
    },
    /// Whether stock is kept of these products.
    StockTracked(BTreeSet<ProductId>),
    /// Keyed digests of these texts.
    Digests(BTreeSet<PersonalText>),
    /// Notes on a sales order.
    OrderNotes(SalesOrderId),
    /// Which of these custom fields of a sales order hold nothing.
    EmptyFields(SalesOrderId, BTreeSet<String>),
    /// A sales order with all that is needed to write it back.
    WholeSalesOrder(SalesOrderId),
}

/// The answer to the facts so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read these, then ask again.
    Need(BTreeSet<Need>),
    /// This is to be done.
    Decided(Box<Decision>),
}

/// What is still missing: collected, so that it is asked for in as few rounds as possible.
pub(crate) type Needs = BTreeSet<Need>;

/// `Err` carries what must be read first.
pub(crate) type Ask<T> = Result<T, Needs>;

/// The value of a fact, or the need for it.
pub(crate) fn known<T>(fact: Option<&T>, need: Need) -> Ask<&T> {
    fact.ok_or_else(|| Needs::from([need]))
}

/// Notes a need for each fact that is missing, so that they are read together.
pub(crate) fn gather<const N: usize>(wanted: [(bool, Need); N]) -> Ask<()> {
    let needs: Needs = wanted.into_iter().filter_map(|(missing, need)| missing.then_some(need)).collect();
    if needs.is_empty() { Ok(()) } else { Err(needs) }
}
