//! What stands on the row of a line: its product, or what stands for one that is not known.

use std::collections::BTreeMap;

use orderbridge_schema::facts::OrderLine;
use orderbridge_schema::ids::{OrderLineId, ProductId};
use orderbridge_schema::rules::{ItemRules, UnknownProduct};

use super::NoRows;
use crate::facts::OrderFacts;
use crate::identity;

/// What stands on a line's row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Match {
    /// The product; free text if none.
    pub product: Option<ProductId>,
    /// Not one product is the line's: what the row must name, so that people find it.
    pub known_by: Option<String>,
}

/// What stands on each line's row.
#[derive(Debug)]
pub(super) struct Matches(BTreeMap<OrderLineId, Match>);

impl Matches {
    /// What stands on this line's row. Gift certificates are a liability, not a product; lines without a SKU have nothing to match by.
    pub(super) fn of(&self, line: &OrderLine) -> Match {
        self.0.get(&line.id).cloned().unwrap_or_default()
    }
}

/// Products of the lines. Unknown and ambiguous ones are all named at once, if the order is to wait for them.
pub(super) fn matched(lines: &[OrderLine], facts: &OrderFacts, rules: &ItemRules) -> Result<Matches, NoRows> {
    let found = identity::products(lines, facts, rules.identity)?;
    let stand_in = match (rules.unknown_product, rules.placeholder_product) {
        (UnknownProduct::FreeText, _) => None,
        (UnknownProduct::Placeholder, Some(placeholder)) => Some(placeholder),
        (UnknownProduct::Hold, _) | (UnknownProduct::Placeholder, None) if !found.holds.is_empty() => return Err(NoRows::Held(found.holds)),
        (UnknownProduct::Hold, _) | (UnknownProduct::Placeholder, None) => None,
    };
    let known_by = |line: &OrderLine, text: &Option<String>| match text {
        Some(text) => Some(format!("{}: {text}", rules.identity.store)),
        None => Some(line.sku.trim()).filter(|sku| !sku.is_empty()).map(|sku| format!("SKU: {sku}")),
    };
    let row = |line: &OrderLine| {
        let unmatched = found.unmatched.get(&line.id);
        let product = found.matched.get(&line.id).copied().or(stand_in.filter(|_| unmatched.is_some()));
        (line.id, Match { product, known_by: unmatched.and_then(|text| known_by(line, text)) })
    };
    Ok(Matches(lines.iter().map(row).collect()))
}
