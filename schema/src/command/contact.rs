//! What commands change on a contact that exists.

use std::collections::BTreeSet;

use crate::facts::{Address, AddressRole, CustomerField, SaidOfCustomer};
use crate::ids::ContactId;

/// Names and telephone of a contact, as the store says them now (BP §f). Its `Debug` shows no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactUpdate {
    /// Which contact.
    pub contact: ContactId,
    /// Which fields are written; never company or address.
    pub fields: BTreeSet<CustomerField>,
    /// The values, as they fit a contact.
    pub values: Address,
    /// What is thereby sent of what the store says.
    pub said: SaidOfCustomer,
}

impl ContactUpdate {
    /// The value of a field that is written.
    #[must_use]
    pub fn value(&self, field: CustomerField) -> Option<&str> {
        let written = |text| self.fields.contains(&field).then_some(text);
        match field {
            CustomerField::FirstName => written(self.values.first_name.as_str()),
            CustomerField::LastName => written(self.values.last_name.as_str()),
            CustomerField::Phone => written(self.values.phone.as_str()),
            CustomerField::Company | CustomerField::Address => None,
        }
    }

    /// The fields in plain words.
    #[must_use]
    pub fn shown(&self) -> String {
        self.fields.iter().map(|field| field.shown()).collect::<Vec<_>>().join(", ")
    }
}

/// A new address of a contact (BP §f): addresses are never changed, so it is made and then put in the former one's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactAddress {
    /// Which contact.
    pub contact: ContactId,
    /// What the address stands for.
    pub roles: BTreeSet<AddressRole>,
    /// The address, as it fits a contact.
    pub address: Address,
    /// What is thereby sent of what the store says.
    pub said: SaidOfCustomer,
}
