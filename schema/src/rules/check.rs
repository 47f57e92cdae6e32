//! What is wrong with a set of rules.

use std::collections::BTreeSet;

use serde::Serialize;

use super::check_orders::check_orders;
use super::{Rules, TaxesAndAccounts, UnknownProduct};
use crate::ids::StoreStatusId;

/// The highest of BigCommerce's fixed status ids (BC §d.6).
const LAST_STORE_STATUS: u64 = 14;

/// More than this is no rounding.
const ROUNDING_LIMIT_MAX: u32 = 1000;

/// One thing wrong with a set of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleProblem {
    /// Where, as a dotted path such as `orders.status.brightpearl[2].store`.
    pub path: String,
    /// What, in plain words.
    pub message: String,
}

impl Rules {
    /// Everything wrong with the rules; empty if they can be saved. A rule that is merely missing is no problem here: the orders that
    /// need it are held and say so.
    #[must_use]
    pub fn problems(&self) -> Vec<RuleProblem> {
        let mut found = Problems::default();
        found.store_statuses("orders.create_statuses", self.orders.create_statuses.iter().copied());
        found.repeats("orders.shipping_methods", self.orders.shipping_methods.iter().map(|entry| entry.store.trim().to_lowercase()));
        found.store_statuses("orders.status.brightpearl", self.orders.status.brightpearl.iter().map(|entry| entry.store));
        found.repeats("orders.status.brightpearl", self.orders.status.brightpearl.iter().map(|entry| entry.store));
        found.store_statuses("orders.status.store", self.orders.status.store.iter().map(|entry| entry.store));
        found.repeats("orders.status.store", self.orders.status.store.iter().map(|entry| entry.brightpearl));
        found.store_statuses("orders.status.store_default", self.orders.status.store_default);
        found.repeats("fulfilment.methods", self.fulfilment.methods.iter().map(|entry| entry.brightpearl));
        found.taxes(&self.taxes_and_accounts);
        let items = &self.items_and_customers;
        if items.unknown_product == UnknownProduct::Placeholder && items.placeholder_product.is_none() {
            found.add("items_and_customers.unknown_product".into(), "choose the placeholder_product that stands for unknown products");
        }
        if self.orders.settle_seconds > 3600 {
            found.add("orders.settle_seconds".into(), "the settle delay must be an hour at most");
        }
        check_orders(&self.orders, &mut found);
        found.0.extend(self.payments.problems());
        found.0.extend(self.notes.problems());
        found.0
    }
}

#[derive(Default)]
pub(super) struct Problems(Vec<RuleProblem>);

impl Problems {
    pub(super) fn add(&mut self, path: String, message: &str) {
        self.0.push(RuleProblem { path, message: message.to_owned() });
    }

    fn taxes(&mut self, taxes: &TaxesAndAccounts) {
        let plain = |text: &Option<String>| text.as_ref().map(|text| text.trim().to_lowercase());
        let codes = taxes.tax_codes.iter().map(|entry| (plain(&entry.class), entry.rate, plain(&entry.country)));
        self.repeats("taxes_and_accounts.tax_codes", codes);
        for (index, entry) in taxes.tax_codes.iter().enumerate() {
            if entry.code.trim().is_empty() {
                self.add(format!("taxes_and_accounts.tax_codes[{index}].code"), "a tax code must not be empty");
            }
            if entry.country.as_ref().is_some_and(|country| country.trim().len() != 2) {
                self.add(format!("taxes_and_accounts.tax_codes[{index}].country"), "a country is its two-letter code, such as \"GB\"");
            }
        }
        if taxes.rounding_limit.is_some_and(|limit| limit > ROUNDING_LIMIT_MAX) {
            self.add("taxes_and_accounts.rounding_limit".into(), "a row for rounding may make up for 1000 minor units at most");
        }
    }

    fn store_statuses(&mut self, path: &str, statuses: impl IntoIterator<Item = StoreStatusId>) {
        for (index, status) in statuses.into_iter().enumerate() {
            if status.0 > LAST_STORE_STATUS {
                self.add(format!("{path}[{index}]"), "BigCommerce's order statuses are 0 to 14");
            }
        }
    }

    pub(super) fn repeats<T: Ord>(&mut self, path: &str, keys: impl Iterator<Item = T>) {
        let mut seen = BTreeSet::new();
        for (index, key) in keys.enumerate() {
            if !seen.insert(key) {
                self.add(format!("{path}[{index}]"), "an earlier entry already says what happens here");
            }
        }
    }
}
