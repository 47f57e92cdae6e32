//! What rules may say and still is worth a second look when they are saved.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::{RuleProblem, Rules};
use crate::ids::StoreStatusId;
use crate::reference::{Listed, Reference};

/// Statuses in which many orders are first seen, and why (BC §d.6).
const OFTEN_FIRST: [(StoreStatusId, &str); 2] = [
    (StoreStatusId(9), "an order that is paid at once may be first seen as Awaiting Shipment"),
    (StoreStatusId(10), "an order of digital goods may be first seen as Completed"),
];

impl Rules {
    /// What is allowed but may be meant otherwise: statuses left out of the chosen ones, and statuses that a map makes one of. The lists
    /// give the names; without them ids are told alone.
    #[must_use]
    pub fn warnings(&self, lists: &Reference) -> Vec<RuleProblem> {
        let orders = &self.orders;
        let (of_store, of_account) = (&lists.store.order_statuses, &lists.account.order_statuses);
        let mut found = Vec::new();
        for (status, why) in OFTEN_FIRST.iter().filter(|(status, _)| orders.enabled && !orders.create_statuses.contains(status)) {
            let message = format!("{} is not chosen: {why}, and is then not created", named(of_store, *status));
            found.push(RuleProblem { path: "orders.create_statuses".into(), message });
        }
        let pairs = orders.status.brightpearl.iter().map(|entry| (entry.brightpearl, named(of_store, entry.store)));
        let to_account = Collapse { path: "orders.status.brightpearl", side: "store", other: "Brightpearl" };
        found.extend(to_account.found(pairs, orders.status.brightpearl_default, |status| named(of_account, status)));
        let pairs = orders.status.store.iter().map(|entry| (entry.store, named(of_account, entry.brightpearl)));
        let to_store = Collapse { path: "orders.status.store", side: "Brightpearl", other: "store" };
        found.extend(to_store.found(pairs, orders.status.store_default, |status| named(of_store, status)));
        found
    }
}

/// A status map of which several entries may end in one status.
struct Collapse {
    path: &'static str,
    side: &'static str,
    other: &'static str,
}

impl Collapse {
    fn found<I: Ord + Copy>(&self, pairs: impl Iterator<Item = (I, String)>, default: Option<I>, name: impl Fn(I) -> String) -> Vec<RuleProblem> {
        let mut into: BTreeMap<I, Vec<String>> = BTreeMap::new();
        for (target, status) in pairs {
            into.entry(target).or_default().push(status);
        }
        if let Some(default) = default {
            into.entry(default).or_default().push("all that have no entry".into());
        }
        let several = into.into_iter().filter(|(_, statuses)| statuses.len() > 1);
        let problem = |(target, statuses): (I, Vec<String>)| {
            let message = format!("the {} statuses {} become one, {} of {}", self.side, joined(&statuses), name(target), self.whose());
            RuleProblem { path: self.path.into(), message }
        };
        several.map(problem).collect()
    }

    fn whose(&self) -> String {
        if self.other == "store" { "the store".into() } else { self.other.into() }
    }
}

fn joined(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// A status as people know it.
fn named<I: PartialEq + Display>(list: &[Listed<I>], id: I) -> String {
    match list.iter().find(|entry| entry.id == id).map(|entry| entry.name.as_str()) {
        Some(name) if !name.is_empty() => format!("{id} ({name})"),
        _ => id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SalesOrderStatusId;
    use crate::rules::{ToBrightpearlEntry, ToStoreEntry};

    fn told(rules: &Rules, lists: &Reference) -> Vec<String> {
        rules.warnings(lists).into_iter().map(|warning| format!("{}: {}", warning.path, warning.message)).collect()
    }

    #[test]
    fn chosen_statuses_without_9_or_10_are_warned_of() {
        let mut rules = Rules::default();
        assert!(told(&rules, &Reference::default()).is_empty());
        rules.orders.create_statuses = [StoreStatusId(11)].into_iter().collect();
        let warnings = told(&rules, &Reference::default());
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].starts_with("orders.create_statuses: 9 is not chosen") && warnings[1].contains("10 is not chosen"), "{warnings:?}");
        rules.orders.enabled = false;
        assert!(told(&rules, &Reference::default()).is_empty(), "nothing is created anyway");
    }

    #[test]
    fn statuses_that_a_map_makes_one_of_are_told_with_their_names() {
        let mut rules = Rules::default();
        let entry = |store, brightpearl| ToBrightpearlEntry { store: StoreStatusId(store), brightpearl: SalesOrderStatusId(brightpearl) };
        rules.orders.status.brightpearl = vec![entry(11, 17), entry(9, 18), entry(7, 17)];
        rules.orders.status.store = vec![ToStoreEntry { brightpearl: SalesOrderStatusId(21), store: StoreStatusId(2) }];
        rules.orders.status.store_default = Some(StoreStatusId(2));
        let mut lists = Reference::default();
        lists.account.order_statuses = vec![Listed { id: SalesOrderStatusId(17), name: "New".into() }];
        lists.store.order_statuses = vec![Listed { id: StoreStatusId(7), name: "Awaiting Payment".into() }];
        let expected = [
            "orders.status.brightpearl: the store statuses 11 and 7 (Awaiting Payment) become one, 17 (New) of Brightpearl",
            "orders.status.store: the Brightpearl statuses 21 and all that have no entry become one, 2 of the store",
        ];
        assert_eq!(told(&rules, &lists), expected);
        rules.orders.status.store_default = Some(StoreStatusId(11));
        assert_eq!(told(&rules, &lists).len(), 1, "each has its own");
    }
}
