//! What was decided about one entity, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::edit::{Absence, Missing, NowInStep};
use crate::facts::SaidOfCustomer;
use crate::ids::{RefundId, SalesOrderId, SalesOrderStatusId, StoreStatusId};
use crate::link::{PaymentLink, RowLink, ShipmentLink};
use crate::order_text::SentText;
use crate::refund::RefundMark;
use crate::reservation::ReservationMark;
use crate::rules::ProductField;

/// The statuses of both sides when they last agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedStatus {
    /// The store's.
    pub store: StoreStatusId,
    /// Brightpearl's.
    pub brightpearl: SalesOrderStatusId,
}

/// What is remembered about the last agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreement {
    /// The pair that agreed last.
    pub pair: AgreedStatus,
    /// The pair before it, so that a stale read of it is known for what it is.
    pub before: Option<AgreedStatus>,
    /// When they agreed, by the clock.
    pub at: jiff::Timestamp,
}

/// Which effect a hold stops. Only a held creation stops the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Making the sales order.
    Creation,
    /// Comparing the sales order with the store's order after it was made.
    Verification,
    /// Making a shipment.
    Shipment,
    /// Carrying a status.
    Status,
    /// Booking what was paid.
    Payment,
    /// Reserving stock.
    Allocation,
    /// Carrying the order's texts.
    Notes,
    /// Changing the customer's contact.
    Customer,
    /// Booking what was refunded.
    Refund,
    /// Bringing the sales order into step with an edit at the store.
    Edit,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 10] = [
        Self::Creation,
        Self::Verification,
        Self::Shipment,
        Self::Status,
        Self::Payment,
        Self::Allocation,
        Self::Notes,
        Self::Customer,
        Self::Refund,
        Self::Edit,
    ];

    /// Name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Verification => "verification",
            Self::Shipment => "shipment",
            Self::Status => "status",
            Self::Payment => "payment",
            Self::Allocation => "allocation",
            Self::Notes => "notes",
            Self::Customer => "customer",
            Self::Refund => "refund",
            Self::Edit => "edit",
        }
    }
}

/// Why an effect waits for a person or a rule: machine-readable, with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A rule that has no value; its dotted path.
    MissingRule(&'static str),
    /// No tax code for a class and rate.
    MissingTaxCode(String),
    /// No live product has this SKU.
    UnknownSku(String),
    /// Several live products have this SKU.
    AmbiguousSku(String),
    /// No live product has this in another field than the SKU.
    UnknownIdentity(ProductField, String),
    /// Several live products have this in another field than the SKU.
    AmbiguousIdentity(ProductField, String),
    /// A variant of the store's catalogue has nothing in the field that products are matched by.
    NoIdentity(u64),
    /// The customer has no contact, and none is to be made; the keyed hash of their e-mail address.
    UnknownContact(String),
    /// The only contacts with the customer's e-mail address are staff or suppliers; the keyed hash of that address.
    ContactNotCustomer(String),
    /// The order has no e-mail address to find a contact by.
    NoEmail,
    /// The rows cannot be made equal to the store's total.
    TotalMismatch,
    /// No exchange rate is known for a currency.
    NoExchangeRate(String),
    /// The store's exchange rate seems to be the wrong way round; the currency.
    ExchangeRateDirection(String),
    /// What the shopper chose or typed is not on a sales order row as it was sent; our key of the row.
    RowTextDiffers(String),
    /// Several delivery addresses, which one sales order cannot have.
    SeveralAddresses,
    /// The sales order's total differs from what was sent.
    CreatedTotalDiffers,
    /// The sales order's rows could not be told apart.
    RowsNotMatched,
    /// The linked sales order is gone.
    SalesOrderMissing,
    /// A note holds more than the store's order has left to ship, or something it never had.
    CannotShip(String),
    /// A shipment without our mark has the same lines and was made after our attempt.
    ShipmentMaybeOurs,
    /// No payment method is chosen for a gateway or text of the store.
    MissingPaymentMethod(String),
    /// The chosen payment method cannot take a payment in that currency: behind a slash, the currency.
    UnusablePaymentMethod(String),
    /// What the store says was paid contradicts itself or the order; our key of it.
    PaymentUnclear(String),
    /// No such custom field is among the account's; its code.
    UnknownField(String),
    /// A text does not fit the kind of its custom field; the field's code.
    UnfitForField(String),
    /// A platform refused a call for a reason that waiting does not mend.
    Refused(String),
    /// A call is in doubt and no look-up could settle it.
    InDoubt(String),
    /// The order's currency, whose amounts have more decimals than Brightpearl holds.
    CurrencyDecimals(String),
    /// No shipping method for a delivery text; held by choice.
    UnmappedShipping(String),
    /// Several sales orders carry the order's number, and none of them our key.
    SeveralWithNumber,
    /// The shopper comes for goods, and the store does not say where to.
    NoPickUpLocation,
    /// The order was cancelled and its money not given back.
    PaidNotRefunded,
    /// The sales order cannot be cancelled; what stands in the way.
    CannotCancel(&'static str),
    /// What a refund takes off cannot be told, or collides with what was done in Brightpearl; the refund.
    RefundUnclear(RefundId),
    /// Stock is reserved for a row that goes, and Brightpearl's interface cannot release it; the sales order.
    StockReserved(SalesOrderId),
    /// The order was edited at the store, and the merchant does not let that be carried.
    EditsOff,
    /// The order was edited at the store too late to be carried: how far the sales order is.
    EditTooLate(&'static str),
    /// The order was edited at the store, and people changed the same rows in Brightpearl.
    EditedOnBothSides,
    /// The order was edited at the store, and others entered its sales order.
    EditOfOthers,
    /// The store's order is archived.
    OrderArchived,
    /// The store's order is gone.
    StoreOrderMissing,
}

impl Cause {
    /// No live product has this in that field.
    #[must_use]
    pub fn unknown_product(field: ProductField, value: &str) -> Self {
        match field {
            ProductField::Sku => Self::UnknownSku(value.to_owned()),
            _ => Self::UnknownIdentity(field, value.to_owned()),
        }
    }

    /// Several live products have this in that field.
    #[must_use]
    pub fn ambiguous_product(field: ProductField, value: &str) -> Self {
        match field {
            ProductField::Sku => Self::AmbiguousSku(value.to_owned()),
            _ => Self::AmbiguousIdentity(field, value.to_owned()),
        }
    }

    /// Stable key: the kind, and behind a colon what it is about.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::MissingRule(rule) => format!("missing-rule:{rule}"),
            Self::MissingTaxCode(class) => format!("missing-tax-code:{class}"),
            Self::UnknownSku(sku) => format!("unknown-sku:{sku}"),
            Self::AmbiguousSku(sku) => format!("ambiguous-sku:{sku}"),
            Self::UnknownIdentity(field, value) => format!("unknown-{}:{value}", field.as_str()),
            Self::AmbiguousIdentity(field, value) => format!("ambiguous-{}:{value}", field.as_str()),
            Self::NoIdentity(variant) => format!("no-identity:{variant}"),
            Self::UnknownContact(email_hash) => format!("unknown-contact:{email_hash}"),
            Self::ContactNotCustomer(email_hash) => format!("contact-not-customer:{email_hash}"),
            Self::NoEmail => "no-email".into(),
            Self::TotalMismatch => "total-mismatch".into(),
            Self::NoExchangeRate(currency) => format!("no-exchange-rate:{currency}"),
            Self::ExchangeRateDirection(currency) => format!("exchange-rate-direction:{currency}"),
            Self::RowTextDiffers(row) => format!("row-text-differs:{row}"),
            Self::SeveralAddresses => "several-addresses".into(),
            Self::CreatedTotalDiffers => "created-total-differs".into(),
            Self::RowsNotMatched => "rows-not-matched".into(),
            Self::SalesOrderMissing => "sales-order-missing".into(),
            Self::CannotShip(note) => format!("cannot-ship:{note}"),
            Self::ShipmentMaybeOurs => "shipment-maybe-ours".into(),
            Self::MissingPaymentMethod(way) => format!("missing-payment-method:{way}"),
            Self::UnusablePaymentMethod(method) => format!("unusable-payment-method:{method}"),
            Self::PaymentUnclear(reference) => format!("payment-unclear:{reference}"),
            Self::UnknownField(code) => format!("unknown-field:{code}"),
            Self::UnfitForField(code) => format!("unfit-for-field:{code}"),
            Self::Refused(kind) => format!("refused:{kind}"),
            Self::InDoubt(kind) => format!("in-doubt:{kind}"),
            Self::CurrencyDecimals(currency) => format!("currency-decimals:{currency}"),
            Self::UnmappedShipping(text) => format!("unmapped-shipping:{text}"),
            Self::SeveralWithNumber => "several-with-number".into(),
            Self::NoPickUpLocation => "no-pick-up-location".into(),
            Self::PaidNotRefunded => "paid-not-refunded".into(),
            Self::CannotCancel(why) => format!("cannot-cancel:{why}"),
            Self::RefundUnclear(refund) => format!("refund-unclear:{refund}"),
            Self::StockReserved(sales_order) => format!("stock-reserved:{sales_order}"),
            Self::EditsOff => "edits-off".into(),
            Self::EditTooLate(stage) => format!("edit-too-late:{stage}"),
            Self::EditedOnBothSides => "edited-on-both-sides".into(),
            Self::EditOfOthers => "edit-of-others".into(),
            Self::OrderArchived => "order-archived".into(),
            Self::StoreOrderMissing => "store-order-missing".into(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

/// An effect that waits for a person or a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What waits.
    pub effect: Effect,
    /// Why, for machines.
    pub cause: Cause,
    /// Why, in plain words without personal data.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
}

/// Something worth telling about an order: goes on its timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Stable key of the kind of remark.
    pub key: &'static str,
    /// Plain words without personal data.
    pub text: String,
}

/// The result of looking at one entity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Calls to make, in order; after them the entity is looked at again.
    pub commands: Vec<Command>,
    /// Effects that wait.
    pub holds: Vec<Hold>,
    /// Why things are as they are.
    pub remarks: Vec<Remark>,
    /// The pair to remember, if both sides agree now.
    pub agreed: Option<AgreedStatus>,
    /// The sales order proved to be what was sent: its rows, to be linked.
    pub verified: Option<(SalesOrderId, Vec<RowLink>)>,
    /// Sales orders that an earlier installation of ours made for this order: to be linked, not made again.
    pub adopted: Option<SalesOrderId>,
    /// The adopted one does not carry our key: it was found by the order's number, or named by a person.
    pub adopted_without_key: bool,
    /// Shipments at the store that carry our mark and were not linked yet.
    pub found_shipments: Vec<ShipmentLink>,
    /// Payments in Brightpearl that carry our key and were not linked yet.
    pub found_payments: Vec<PaymentLink>,
    /// All that the store says was paid is booked; what it said then, so that it need not be read again while it says the same.
    pub paid_as_seen: Option<String>,
    /// How far reservations have come, to be remembered.
    pub reservations: Vec<ReservationMark>,
    /// Texts that stand on a sales order already, to be remembered.
    pub found_texts: Vec<FoundText>,
    /// What the store says of the customer is to be remembered as sent, without a call.
    pub customer: Option<SaidOfCustomer>,
    /// How far refunds have come, to be remembered.
    pub refunds: Vec<RefundMark>,
    /// All that the store refunded is booked; what its order said then, so that it need not be read again while it says the same.
    pub refunds_as_seen: Option<String>,
    /// Sales orders that are in step with the store's order now, to be remembered.
    pub in_step: Vec<NowInStep>,
    /// What was missed, to be remembered.
    pub absences: Vec<Absence>,
    /// What was missed and is there again, to be forgotten.
    pub found_again: Vec<Missing>,
    /// Effects that were looked at and need no hold any more.
    pub cleared: Vec<Effect>,
    /// Look again after this many seconds although nothing failed (settle delay, stale read).
    pub again_after_seconds: Option<u32>,
}

/// A text that was found on a sales order, or that there is nothing to write of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundText {
    /// Which, and of what words.
    pub text: SentText,
    /// The order note that holds it, if one does.
    pub note: Option<u64>,
}

impl Decision {
    /// Whether nothing is left to do, now or later.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.commands.is_empty() && self.again_after_seconds.is_none()
    }
}
