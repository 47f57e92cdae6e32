//! What of a store's order its sales order is made from, as digests: of an order that says the same, nothing needs to be worked out.

use orderbridge_schema::edit::Contents;
use orderbridge_schema::facts::{Address, Charge, OrderLine, PersonalText, StoreOrder};
use orderbridge_schema::order_text::TextDigest;

use crate::delivery::delivery;
use crate::facts::{Ask, Need, Needs, OrderFacts, known};

/// What the order itself tells, without its lines and where it goes: its amounts and its billing address.
pub(super) fn head(facts: &OrderFacts, order: &StoreOrder) -> Ask<(TextDigest, TextDigest)> {
    let [amounts, billing] = digests(facts, [amounts(order), address(&order.billing)])?;
    Ok((amounts, billing))
}

/// All of it.
pub(super) fn contents(facts: &OrderFacts, order: &StoreOrder) -> Ask<Contents> {
    let lines = known(facts.lines.as_ref(), Need::Lines)?;
    if order.address_count > 0 {
        known(facts.addresses.as_ref(), Need::Addresses)?;
    }
    // Where it goes to several places or nobody knows where, that is told once it is looked into.
    let to = delivery(facts, order)?.ok();
    let place = to.as_ref().map_or_else(|| PersonalText::from("no single place"), |to| address(&to.address));
    let method = to.as_ref().and_then(|to| to.method.as_deref()).map(|method| method.trim().to_lowercase()).unwrap_or_default();
    let texts = [amounts(order), all_lines(lines), address(&order.billing), place, PersonalText::from(format!("by {method}"))];
    let [amounts, lines, billing, delivery, shipping] = digests(facts, texts)?;
    Ok(Contents { amounts, lines, billing, delivery, shipping })
}

fn digests<const N: usize>(facts: &OrderFacts, texts: [PersonalText; N]) -> Ask<[TextDigest; N]> {
    let unknown: std::collections::BTreeSet<PersonalText> = texts.iter().filter(|text| !facts.digests.contains_key(text)).cloned().collect();
    if !unknown.is_empty() {
        return Err(Needs::from([Need::Digests(unknown)]));
    }
    Ok(texts.map(|text| facts.digests.get(&text).cloned().unwrap_or_default()))
}

fn amounts(order: &StoreOrder) -> PersonalText {
    let charge = |charge: Charge| format!("{} {}", charge.gross.normalize(), charge.tax.normalize());
    let single = [order.total, order.tax, order.discount, order.coupon_discount, order.store_credit, order.gift_certificates];
    let single: Vec<String> = single.iter().map(|amount| amount.normalize().to_string()).collect();
    let charges = [order.shipping, order.handling, order.wrapping].map(charge);
    PersonalText::from(format!("{} {} {}", order.currency, single.join(" "), charges.join(" ")))
}

/// Names do not count: a row keeps the name that it was made with. Nor does what became of a line since, shipped or refunded.
fn all_lines(lines: &[OrderLine]) -> PersonalText {
    let line = |line: &OrderLine| {
        let parent = line.parent.map(|parent| parent.0).unwrap_or_default();
        let what = format!("{} {} {} {} {:?} {parent} {}", line.id, line.product, line.variant, line.address, line.kind, line.pick_up);
        let wrapping = line.wrapping.as_ref().map(|wrapping| wrapping.charge).unwrap_or_default();
        let paid = [line.total, line.tax, line.discounted_total, wrapping.gross, wrapping.tax].map(|amount| amount.normalize().to_string());
        format!("{what} {} {} {}", line.quantity, paid.join(" "), line.sku)
    };
    let mut each: Vec<String> = lines.iter().filter(|line| line.quantity > 0).map(line).collect();
    each.sort();
    PersonalText::from(each.join("\n"))
}

fn address(address: &Address) -> PersonalText {
    let person = [&address.first_name, &address.last_name, &address.company, &address.phone, &address.email];
    let place = [&address.street_1, &address.street_2, &address.city, &address.state, &address.postcode, &address.country_iso2];
    let fields: Vec<&str> = person.into_iter().chain(place).map(|field| field.trim()).collect();
    PersonalText::from(fields.join("\n"))
}
