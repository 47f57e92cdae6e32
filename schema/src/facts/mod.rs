//! What was read from the two platforms, in one vocabulary, as the decisions want it.
//!
//! The platform crates turn payloads into these; every "none" the platforms spell (`null`, `""`, `0`, `{}`, a missing key) is an
//! `Option` or a zero here. Amounts are in the order's transactional currency.

mod brightpearl;
mod catalogue;
mod customer;
mod payments;
mod personal;
mod refunds;
mod standing;
mod store;
mod whole;

use rust_decimal::Decimal;

pub use brightpearl::{AddressRole, ContactDetails, ContactMatch, Note, NoteRow, ProductIdentity, SalesOrder, SalesOrderMatch, SalesOrderRow};
pub use catalogue::VariantIdentity;
pub use customer::{CustomerDigests, CustomerFact, CustomerField, SaidOfCustomer};
pub use payments::{SalesOrderPayment, Transaction, TransactionEvent, Transactions};
pub use personal::PersonalText;
pub use refunds::{Refund, RefundItem, RefundPayment, Refunds};
pub use standing::{Allocated, Standing};
pub use store::{Coupon, Fee, LineKind, LineOption, LineWrapping, OrderAddress, OrderLine, PickUp, StoreOrder, StoreShipment, TaxRow, Taxed};
pub use whole::{WholeSalesOrder, Writable};

/// An amount with its tax: what was charged for delivery, handling, wrapping or a fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// Tax included.
    pub gross: Decimal,
    /// The tax in it.
    pub tax: Decimal,
}

/// A person's or a company's address. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Company, empty if none.
    pub company: String,
    /// First line of the street.
    pub street_1: String,
    /// Second line of the street.
    pub street_2: String,
    /// City.
    pub city: String,
    /// State or county, in the store's words.
    pub state: String,
    /// Postcode, empty where a country has none.
    pub postcode: String,
    /// ISO 3166 two-letter country code.
    pub country_iso2: String,
    /// Telephone, empty if none.
    pub phone: String,
    /// E-mail address, empty if none.
    pub email: String,
}

impl Address {
    /// Everything in it that tells who or where somebody is; not the country.
    pub fn personal_data(&self) -> impl Iterator<Item = &str> {
        [
            &self.first_name,
            &self.last_name,
            &self.company,
            &self.street_1,
            &self.street_2,
            &self.city,
            &self.state,
            &self.postcode,
            &self.phone,
            &self.email,
        ]
        .into_iter()
        .map(String::as_str)
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(not shown)")
    }
}
