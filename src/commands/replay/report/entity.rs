//! One entity of a dry run, as it is told.

use std::collections::BTreeSet;

use orderbridge_reconcile::{Change, Preview, What};
use orderbridge_schema::command::{CommandKey, CommandKind};
use orderbridge_schema::decision::Hold;
use orderbridge_schema::work::WorkKey;
use rust_decimal::Decimal;
use serde::Serialize;

/// What would become of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A sales order would be made.
    Create,
    /// Something else would be changed.
    Change,
    /// Nothing: both sides agree.
    NoChange,
    /// Something waits for a person or a rule, and nothing else would be done.
    Held,
    /// It would be passed by.
    Skipped,
    /// It could not be looked at.
    Failed,
}

impl Outcome {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::NoChange => "no change",
            Self::Held => "held",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// One entity.
#[derive(Debug, Serialize)]
pub struct Entity {
    pub(super) item: String,
    pub(super) outcome: Outcome,
    pub(super) changes: Vec<Shown>,
    holds: Vec<Waits>,
    /// Why it is passed by, or what else is to be known.
    notes: Vec<String>,
    #[serde(skip)]
    pub(super) keys: Vec<(CommandKey, bool)>,
}

/// One change.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    kind: CommandKind,
    text: String,
    /// An earlier attempt may have done it already: that is looked up first.
    in_doubt: bool,
    #[serde(flatten)]
    pub(super) what: Fields,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipment: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<(u64, u32)>,
}

#[derive(Debug, Serialize)]
struct Waits {
    effect: &'static str,
    cause: String,
    why: String,
    remedy: String,
}

impl From<Hold> for Waits {
    fn from(hold: Hold) -> Self {
        Self { effect: hold.effect.as_str(), cause: hold.cause.key(), why: hold.why, remedy: hold.remedy }
    }
}

impl Shown {
    fn of(change: &Change) -> Self {
        let (text, what) = told(&change.what);
        let text = if change.in_doubt { format!("look whether an earlier attempt took effect, else {text}") } else { text };
        Self { kind: change.kind(), text, in_doubt: change.in_doubt, what }
    }
}

fn told(what: &What) -> (String, Fields) {
    match what {
        What::Contact => ("create a contact".to_owned(), Fields::default()),
        What::SalesOrder { total, currency, rows } => {
            let amount = total.map_or_else(|| "an amount too large".to_owned(), |total| total.to_string());
            let text = format!("create a sales order of {amount} {currency} ({rows} rows)");
            (text, Fields { total: *total, currency: Some(currency.clone()), ..Fields::default() })
        }
        What::Field { of, field, from, to } => {
            let shown = if from.is_empty() { "nothing" } else { from };
            let fields = Fields { of: Some(of.clone()), field: Some(field), from: Some(from.clone()), to: Some(to.clone()), ..Fields::default() };
            (format!("set the {field} of {of} from {shown} to {to}"), fields)
        }
        What::Payment { reference, kind, amount, currency, method } => {
            let fields = Fields { of: Some(reference.clone()), currency: Some(currency.clone()), ..Fields::default() };
            (format!("book {kind} of {amount} {currency} by {method} ({reference})"), fields)
        }
        What::Shipment { mark, lines } => {
            let pieces: u64 = lines.iter().map(|(_, quantity)| u64::from(*quantity)).sum();
            let fields = Fields {
                shipment: Some(mark.clone()),
                lines: lines.iter().map(|(line, quantity)| (line.0, *quantity)).collect(),
                ..Fields::default()
            };
            (format!("ship {pieces} items of {mark}"), fields)
        }
    }
}

impl Entity {
    fn plain(key: &WorkKey, outcome: Outcome, note: String) -> Self {
        Self { item: key.to_string(), outcome, changes: Vec::new(), holds: Vec::new(), notes: vec![note], keys: Vec::new() }
    }

    /// One that would be passed by.
    pub fn skipped(key: &WorkKey, why: String) -> Self {
        Self::plain(key, Outcome::Skipped, why)
    }

    /// One that could not be looked at.
    pub fn failed(key: &WorkKey, why: String) -> Self {
        Self::plain(key, Outcome::Failed, why)
    }

    /// One that an operator holds.
    pub fn stopped(key: &WorkKey, why: Option<String>) -> Self {
        let remedy = format!("`orderbridge work release {key}` lets it go on");
        let waits = Waits { effect: "all", cause: "operator".into(), why: why.unwrap_or_default(), remedy };
        Self { holds: vec![waits], notes: Vec::new(), ..Self::plain(key, Outcome::Held, String::new()) }
    }

    /// One that was decided.
    pub fn of(key: &WorkKey, preview: Preview) -> Self {
        let creates = preview.changes.iter().any(|change| change.kind() == CommandKind::CreateSalesOrder);
        let outcome = if creates {
            Outcome::Create
        } else if !preview.changes.is_empty() {
            Outcome::Change
        } else if !preview.holds.is_empty() {
            Outcome::Held
        } else if preview.settles_in_seconds.is_some() || (preview.sales_orders.is_empty() && preview.records.is_empty()) {
            Outcome::Skipped
        } else {
            Outcome::NoChange
        };
        let settles = preview.settles_in_seconds.map(|seconds| format!("it changed a moment ago and is looked at again in {seconds} s"));
        let remarks = preview.remarks.into_iter().map(|remark| remark.text);
        let notes = preview.records.into_iter().chain(remarks).chain(settles).chain(preview.unknown.map(str::to_owned)).collect();
        Self {
            item: key.to_string(),
            outcome,
            changes: preview.changes.iter().map(Shown::of).collect(),
            holds: preview.holds.into_iter().map(Waits::from).collect(),
            notes,
            keys: preview.changes.into_iter().map(|change| (change.key, change.in_doubt)).collect(),
        }
    }

    /// What another entity would do already is not done twice: two orders of one new customer make one contact.
    pub(super) fn forget_known(&mut self, known: &mut BTreeSet<CommandKey>) {
        let keys = std::mem::take(&mut self.keys);
        let changes = std::mem::take(&mut self.changes);
        for ((key, in_doubt), change) in keys.into_iter().zip(changes) {
            if known.insert(key.clone()) {
                self.keys.push((key, in_doubt));
                self.changes.push(change);
            }
        }
    }

    pub(super) fn details(&self) -> String {
        let changes = self.changes.iter().map(|change| change.text.clone());
        let holds = self.holds.iter().map(|hold| format!("{} held, {}: {}", hold.effect, hold.cause, hold.why));
        changes.chain(holds).chain(self.notes.iter().cloned()).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::work::{Scope, WorkKind};

    fn order(entity: u64) -> WorkKey {
        WorkKey { scope: "acme-uk".parse::<Scope>().unwrap(), kind: WorkKind::Order, entity }
    }

    fn change(kind: CommandKind, id: &str, what: What) -> Change {
        Change { key: CommandKey { scope: "@acme".parse().unwrap(), kind, id: id.into() }, in_doubt: false, what }
    }

    #[test]
    fn an_entity_tells_its_outcome() {
        let linked = || Preview { sales_orders: vec![7.into()], ..Preview::default() };
        let status = What::Field { of: "sales order 7".into(), field: "status", from: "17".into(), to: "18".into() };
        let changed = Preview { changes: vec![change(CommandKind::SetSalesOrderStatus, "7", status)], ..linked() };
        for (preview, outcome, details) in [
            (linked(), Outcome::NoChange, ""),
            (Preview::default(), Outcome::Skipped, ""),
            (Preview { settles_in_seconds: Some(20), ..linked() }, Outcome::Skipped, "in 20 s"),
            (changed, Outcome::Change, "set the status of sales order 7 from 17 to 18"),
        ] {
            let entity = Entity::of(&order(1), preview);
            assert_eq!(entity.outcome, outcome);
            assert!(entity.details().contains(details), "{}", entity.details());
        }
        assert_eq!(Entity::stopped(&order(1), Some("held by mara: a call".into())).outcome, Outcome::Held);
    }
}
