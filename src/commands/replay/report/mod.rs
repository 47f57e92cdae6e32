//! What a dry run found: for each entity, and in sum.

mod entity;

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_schema::command::CommandKey;
use rust_decimal::Decimal;
use serde::Serialize;

use super::selection::Selection;
use super::tools::Calls;
use crate::output;

pub use entity::{Entity, Outcome};

/// Sums.
#[derive(Debug, Default, Serialize)]
struct Sums {
    outcomes: BTreeMap<&'static str, u64>,
    /// Of the sales orders that would be made for certain, by currency.
    would_create: BTreeMap<String, Decimal>,
    calls: Cost,
}

#[derive(Debug, Default, Serialize)]
struct Cost {
    /// Made by this dry run.
    reads: Calls,
    /// That the changes would take.
    writes: Calls,
}

/// What a dry run found.
#[derive(Debug, Serialize)]
pub struct Report {
    selection: Selection,
    records: u64,
    /// Records of events that nothing is done about.
    idle: u64,
    unreadable: u64,
    entities: Vec<Entity>,
    /// Objects of accounts that belong to no order here.
    passed_by: BTreeMap<String, &'static str>,
    sums: Sums,
    #[serde(skip)]
    known: BTreeSet<CommandKey>,
}

impl Report {
    /// Nothing found yet.
    pub fn new(selection: Selection) -> Self {
        let (entities, passed_by) = (Vec::new(), BTreeMap::new());
        Self { selection, records: 0, idle: 0, unreadable: 0, entities, passed_by, sums: Sums::default(), known: BTreeSet::new() }
    }

    /// Records were read.
    pub fn read(&mut self, records: usize, idle: u64, unreadable: u64) {
        self.records += u64::try_from(records).unwrap_or(u64::MAX);
        self.idle += idle;
        self.unreadable += unreadable;
    }

    /// Objects that concern nobody here.
    pub fn passed_by(&mut self, passed: BTreeMap<String, &'static str>) {
        self.passed_by.extend(passed);
    }

    /// Adds an entity.
    pub fn add(&mut self, mut entity: Entity) {
        entity.forget_known(&mut self.known);
        *self.sums.outcomes.entry(entity.outcome.as_str()).or_default() += 1;
        for ((key, in_doubt), change) in entity.keys.iter().zip(&entity.changes) {
            self.sums.calls.writes.add(key.kind.platform(), u64::from(key.kind.calls()));
            if let (Some(total), Some(currency), false) = (change.what.total, &change.what.currency, in_doubt) {
                let sum = self.sums.would_create.entry(currency.clone()).or_default();
                *sum = sum.saturating_add(total);
            }
        }
        self.entities.push(entity);
    }

    /// What reading has cost.
    pub const fn cost(&mut self, reads: Calls) {
        self.sums.calls.reads = reads;
    }

    /// Whether everything could be looked at.
    pub fn is_complete(&self) -> bool {
        self.entities.iter().all(|entity| entity.outcome != Outcome::Failed)
    }

    /// Prints it.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            return output::object(self);
        }
        if !self.entities.is_empty() {
            output::list(&self.entities, false, &["ITEM", "WOULD BE", "DETAILS"], |entity| {
                vec![entity.item.clone(), entity.outcome.as_str().to_owned(), entity.details()]
            })?;
            output::line("")?;
        }
        self.lines().iter().try_for_each(|line| output::line(line))
    }

    fn lines(&self) -> Vec<String> {
        let outcomes: Vec<String> = self.sums.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        let money: Vec<String> = self.sums.would_create.iter().map(|(currency, sum)| format!("{sum} {currency}")).collect();
        let Cost { reads, writes } = &self.sums.calls;
        let records = if self.records == 0 { String::new() } else { format!(" of {} records", self.records) };
        let mut lines = vec![format!(
            "{} entities{records}: {}",
            self.entities.len(),
            if outcomes.is_empty() { "nothing to look at".to_owned() } else { outcomes.join(", ") }
        )];
        if self.idle + self.unreadable > 0 {
            lines.push(format!(
                "  {} records of events that nothing is done about, {} that cannot be understood (see dead-letters)",
                self.idle, self.unreadable
            ));
        }
        if !self.passed_by.is_empty() {
            lines.push(format!("  {} objects of the account belong to no order here", self.passed_by.len()));
        }
        lines.push(format!("sales orders to be created: {}", if money.is_empty() { "none".to_owned() } else { money.join(", ") }));
        lines.push(format!("calls made for this: {} to BigCommerce, {} to Brightpearl", reads.bigcommerce, reads.brightpearl));
        lines.push(format!("calls that the changes would take: {} to BigCommerce, {} to Brightpearl", writes.bigcommerce, writes.brightpearl));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_reconcile::{Change, Preview, What};
    use orderbridge_schema::command::CommandKind;
    use orderbridge_schema::work::{Scope, WorkKey, WorkKind};

    fn selection() -> Selection {
        Selection { topics: Vec::new(), tenant: None, from: None, to: None, offsets: Vec::new(), entities: Vec::new() }
    }

    fn order(entity: u64) -> WorkKey {
        WorkKey { scope: "acme-uk".parse::<Scope>().unwrap(), kind: WorkKind::Order, entity }
    }

    fn change(kind: CommandKind, id: &str, what: What) -> Change {
        Change { key: CommandKey { scope: "@acme".parse().unwrap(), kind, id: id.into() }, in_doubt: false, what }
    }

    fn creation(order: &str, total: i64) -> Preview {
        let sales_order = What::SalesOrder { total: Some(Decimal::new(total, 2)), currency: "GBP".into(), rows: 2 };
        Preview {
            changes: vec![change(CommandKind::CreateContact, "hash", What::Contact), change(CommandKind::CreateSalesOrder, order, sales_order)],
            ..Preview::default()
        }
    }

    #[test]
    fn what_would_be_created_is_summed_by_currency_and_a_shared_contact_counts_once() {
        let mut report = Report::new(selection());
        report.add(Entity::of(&order(1), creation("bc-x-1", 1050)));
        report.add(Entity::of(&order(2), creation("bc-x-2", 950)));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["sums"]["would_create"], serde_json::json!({"GBP": "20.00"}));
        assert_eq!(json["sums"]["outcomes"], serde_json::json!({"create": 2}));
        // Two calls for the contact, one for each sales order.
        assert_eq!(json["sums"]["calls"]["writes"], serde_json::json!({"bigcommerce": 0, "brightpearl": 4}));
        assert_eq!(json["entities"][1]["changes"].as_array().unwrap().len(), 1);
        assert!(report.is_complete());
        let lines = report.lines().join("\n");
        assert!(lines.contains("20.00 GBP") && lines.contains("4 to Brightpearl"), "{lines}");
    }

    #[test]
    fn what_may_have_been_made_before_is_no_new_money() {
        let mut report = Report::new(selection());
        let mut preview = creation("bc-x-1", 1050);
        preview.changes[1].in_doubt = true;
        report.add(Entity::of(&order(1), preview));
        assert!(report.sums.would_create.is_empty());
        assert!(report.entities[0].details().contains("look whether an earlier attempt took effect"));
    }
}
