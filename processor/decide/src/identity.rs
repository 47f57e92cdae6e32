//! Which Brightpearl product a line of the store's order stands for: equal texts in the two fields that the merchant chose.

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{LineKind, OrderLine, VariantIdentity};
use orderbridge_schema::ids::{OrderLineId, ProductId};
use orderbridge_schema::rules::{IdentityRules, ProductField, StoreField};

use crate::facts::{Ask, Need, Needs, OrderFacts};

/// An identity as it is compared: trimmed, case ignored. By default it is a SKU.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkuKey(String);

impl SkuKey {
    /// The compared form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The compared form of an identity; `None` if there is none.
#[must_use]
pub fn sku_key(text: &str) -> Option<SkuKey> {
    let key = text.trim().to_lowercase();
    (!key.is_empty()).then_some(SkuKey(key))
}

/// What a text that identifies a product leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// This product and no other.
    One(ProductId),
    /// No live product has it.
    None,
    /// Several have it, and not exactly one of them in the very same spelling.
    Several,
}

/// The product that a text stands for: the one that has it, whatever its case; among several the one that spells it alike.
///
/// `products` are those whose compared form equals the text's, and `spelled` tells how each of them is spelled.
#[must_use]
pub fn match_product(text: &str, products: &[ProductId], spelled: &BTreeMap<ProductId, String>) -> Match {
    let alike = |product: &&ProductId| spelled.get(product).is_some_and(|spelling| spelling.trim() == text.trim());
    match products {
        [] => Match::None,
        [one] => Match::One(*one),
        several => match several.iter().filter(alike).collect::<Vec<_>>().as_slice() {
            [one] => Match::One(**one),
            _ => Match::Several,
        },
    }
}

/// By what a line is known.
enum Identity<'a> {
    /// By this text.
    Text(&'a str),
    /// By nothing, as it is none of the catalogue's.
    Nothing,
    /// By nothing, although it is one of the catalogue's.
    Missing,
}

/// Gift certificates are a liability, not a product.
fn is_product(line: &OrderLine) -> bool {
    line.quantity > 0 && line.kind != LineKind::GiftCertificate
}

fn identity<'a>(line: &'a OrderLine, field: StoreField, variants: &'a BTreeMap<u64, Option<VariantIdentity>>) -> Identity<'a> {
    let text = match field {
        StoreField::Sku => &line.sku,
        StoreField::Upc => &line.upc,
        StoreField::Mpn | StoreField::Gtin | StoreField::BinPickingNumber => {
            variants.get(&line.variant).and_then(Option::as_ref).map_or("", |variant| variant.field(field))
        }
    };
    match text.trim() {
        // A line without a SKU has always been one that no product stands for.
        "" if line.product == 0 || field == StoreField::Sku => Identity::Nothing,
        "" => Identity::Missing,
        text => Identity::Text(text),
    }
}

/// Variants of the lines that only the store's catalogue can tell the identity of.
fn needed_variants(lines: &[OrderLine], facts: &OrderFacts, field: StoreField) -> Ask<()> {
    if !field.is_in_catalogue() {
        return Ok(());
    }
    let unknown = lines.iter().filter(|line| is_product(line) && line.product > 0 && line.variant > 0 && !facts.variants.contains_key(&line.variant));
    let unknown: BTreeSet<(u64, u64)> = unknown.map(|line| (line.product, line.variant)).collect();
    if unknown.is_empty() { Ok(()) } else { Err(Needs::from([Need::Variants(unknown)])) }
}

/// What the lines' products are.
pub(crate) struct Products {
    /// By line; a line that is none of the catalogue's has none.
    pub(crate) matched: BTreeMap<OrderLineId, ProductId>,
    /// Lines of the catalogue's that not exactly one product stands for, and the text it was looked for by, if there is one.
    pub(crate) unmatched: BTreeMap<OrderLineId, Option<String>>,
    /// What cannot be matched, once for each thing that is to be mended.
    pub(crate) holds: Vec<Hold>,
}

/// The products of the lines. Unknown and ambiguous ones are all named at once.
pub(crate) fn products(lines: &[OrderLine], facts: &OrderFacts, rules: IdentityRules) -> Ask<Products> {
    needed_variants(lines, facts, rules.store)?;
    let known = lines.iter().filter(|line| is_product(line)).map(|line| (line, identity(line, rules.store, &facts.variants)));
    let known: Vec<(&OrderLine, Identity<'_>)> = known.collect();
    let texts = known.iter().filter_map(|(_, identity)| if let Identity::Text(text) = identity { sku_key(text) } else { None });
    let missing: BTreeSet<SkuKey> = texts.filter(|key| !facts.products.contains_key(key)).collect();
    if !missing.is_empty() {
        return Err(Needs::from([Need::Products(missing)]));
    }
    let mut found = Products { matched: BTreeMap::new(), unmatched: BTreeMap::new(), holds: Vec::new() };
    let mut held: BTreeMap<SkuKey, Hold> = BTreeMap::new();
    for (line, identity) in known {
        match identity {
            Identity::Nothing => {}
            Identity::Missing => {
                found.unmatched.insert(line.id, None);
                if !found.holds.iter().any(|hold| hold.cause == Cause::NoIdentity(line.variant)) {
                    found.holds.push(no_identity(line, rules.store));
                }
            }
            Identity::Text(text) => {
                let Some(key) = sku_key(text) else { continue };
                let products = facts.products.get(&key).map(Vec::as_slice).unwrap_or_default();
                // Held once per identity, not per line: one missing product is one thing to mend.
                let hold = match match_product(text, products, &facts.spelled) {
                    Match::One(product) => {
                        found.matched.insert(line.id, product);
                        continue;
                    }
                    Match::None => unknown(text, rules.brightpearl),
                    Match::Several => ambiguous(text, rules.brightpearl),
                };
                found.unmatched.insert(line.id, Some(text.to_owned()));
                held.insert(key, hold);
            }
        }
    }
    found.holds.extend(held.into_values());
    Ok(found)
}

fn unknown(text: &str, field: ProductField) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::unknown_product(field, text),
        why: format!("no live Brightpearl product has the {field} {text}"),
        remedy: format!("create the product in Brightpearl, or correct its {field} there; the order then goes on by itself"),
    }
}

fn ambiguous(text: &str, field: ProductField) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::ambiguous_product(field, text),
        why: format!("several live Brightpearl products have the {field} {text}"),
        remedy: format!("leave the {field} on one of them, or archive the others; the order then goes on by itself"),
    }
}

fn no_identity(line: &OrderLine, field: StoreField) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::NoIdentity(line.variant),
        why: format!("variant {} of product {} has no {field} at the store to match a Brightpearl product by", line.variant, line.product),
        remedy: if field.is_in_catalogue() {
            format!("enter its {field} at the store; the order then goes on by itself")
        } else {
            format!("enter its {field} at the store for further orders, and this order in Brightpearl by hand")
        },
    }
}
