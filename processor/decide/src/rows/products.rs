//! Which product a line sells, and what becomes of a line whose product is not known.

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{LineKind, OrderLine};
use orderbridge_schema::ids::ProductId;
use orderbridge_schema::rules::{ItemRules, UnknownProduct};

use super::NoRows;
use crate::facts::{Need, Needs};

/// A SKU as it is compared: trimmed, case ignored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkuKey(String);

impl SkuKey {
    /// The compared form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The compared form of a SKU; `None` if there is none.
#[must_use]
pub fn sku_key(sku: &str) -> Option<SkuKey> {
    let key = sku.trim().to_lowercase();
    (!key.is_empty()).then_some(SkuKey(key))
}

/// What stands on a line's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// The product; free text if none.
    pub product: Option<ProductId>,
    /// Not one product has the line's SKU, so that the row must name it.
    pub is_unknown: bool,
}

/// What stands on each line's row, by SKU as the line writes it.
#[derive(Debug)]
pub(super) struct Matches<'a>(BTreeMap<&'a str, Match>);

impl Matches<'_> {
    /// What stands on this line's row. Gift certificates are a liability, not a product; lines without a SKU have nothing to match by.
    pub(super) fn of(&self, line: &OrderLine) -> Match {
        let found = self.0.get(line.sku.as_str()).copied().filter(|_| is_matched(line));
        found.unwrap_or(Match { product: None, is_unknown: false })
    }
}

/// Products of the lines that have a SKU. Unknown and ambiguous SKUs are all named at once, if the order is to wait for them.
pub(super) fn matched<'a>(lines: &'a [OrderLine], known: &BTreeMap<SkuKey, Vec<ProductId>>, rules: &ItemRules) -> Result<Matches<'a>, NoRows> {
    let wanted: BTreeMap<SkuKey, &str> =
        lines.iter().filter(|line| is_matched(line)).filter_map(|line| Some((sku_key(&line.sku)?, line.sku.as_str()))).collect();
    let missing: BTreeSet<SkuKey> = wanted.keys().filter(|key| !known.contains_key(key)).cloned().collect();
    if !missing.is_empty() {
        return Err(NoRows::Need(Needs::from([Need::Products(missing)])));
    }
    // Once per SKU, not per line: one missing product is one thing to mend.
    let hold = |(key, sku): (&SkuKey, &&str)| match known.get(key).map(Vec::as_slice) {
        Some([]) => Some(unknown_sku(sku)),
        Some([_, _, ..]) => Some(ambiguous_sku(sku)),
        Some([_]) | None => None,
    };
    let holds: Vec<Hold> = wanted.iter().filter_map(hold).collect();
    let stand_in = match (rules.unknown_product, rules.placeholder_product) {
        (UnknownProduct::FreeText, _) => None,
        (UnknownProduct::Placeholder, Some(placeholder)) => Some(placeholder),
        (UnknownProduct::Hold, _) | (UnknownProduct::Placeholder, None) if !holds.is_empty() => return Err(NoRows::Held(holds)),
        (UnknownProduct::Hold, _) | (UnknownProduct::Placeholder, None) => None,
    };
    let product = |line: &'a OrderLine| {
        let one = one_product(known.get(&sku_key(&line.sku)?));
        Some((line.sku.as_str(), Match { product: one.or(stand_in), is_unknown: one.is_none() }))
    };
    Ok(Matches(lines.iter().filter(|line| is_matched(line)).filter_map(product).collect()))
}

/// SKUs that not exactly one product has, each once.
pub(super) fn unmatched<'a>(lines: impl Iterator<Item = &'a OrderLine>, known: &BTreeMap<SkuKey, Vec<ProductId>>) -> BTreeSet<&'a str> {
    let is_unknown = |line: &&OrderLine| is_matched(line) && sku_key(&line.sku).is_some_and(|key| one_product(known.get(&key)).is_none());
    lines.filter(is_unknown).map(|line| line.sku.trim()).collect()
}

fn one_product(products: Option<&Vec<ProductId>>) -> Option<ProductId> {
    match products.map(Vec::as_slice) {
        Some([one]) => Some(*one),
        Some(_) | None => None,
    }
}

fn is_matched(line: &OrderLine) -> bool {
    line.quantity > 0 && line.kind != LineKind::GiftCertificate && sku_key(&line.sku).is_some()
}

fn unknown_sku(sku: &str) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::UnknownSku(sku.trim().to_owned()),
        why: format!("no live Brightpearl product has the SKU {}", sku.trim()),
        remedy: "create the product in Brightpearl, or correct its SKU there; the order then goes on by itself".into(),
    }
}

fn ambiguous_sku(sku: &str) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::AmbiguousSku(sku.trim().to_owned()),
        why: format!("several live Brightpearl products have the SKU {}", sku.trim()),
        remedy: "leave the SKU on one of them, or archive the others; the order then goes on by itself".into(),
    }
}
