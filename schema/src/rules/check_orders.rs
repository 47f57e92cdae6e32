//! What is wrong with the rules of who becomes a sales order.

use super::check::Problems;
use super::{OrderRules, WithoutEmailTreatment};

/// A day: an order that has not come to rest by then never will.
const SETTLE_MAX: u32 = 86_400;

/// Adds what is wrong.
pub(super) fn check_orders(orders: &OrderRules, found: &mut Problems) {
    if orders.settle_max_seconds > SETTLE_MAX {
        found.add("orders.settle_max_seconds".into(), "the longest settle delay must be a day at most");
    }
    for (name, sources) in [("sources", &orders.sources), ("except_sources", &orders.except_sources)] {
        for (index, _) in sources.iter().enumerate().filter(|(_, source)| source.trim().is_empty()) {
            found.add(format!("orders.{name}[{index}]"), "a source must not be empty");
        }
        found.repeats(&format!("orders.{name}"), sources.iter().map(|source| source.trim().to_lowercase()));
    }
    let is_taken = |source: &String| orders.sources.iter().any(|taken| taken.trim().eq_ignore_ascii_case(source.trim()));
    for (index, _) in orders.except_sources.iter().enumerate().filter(|(_, source)| is_taken(source)) {
        found.add(format!("orders.except_sources[{index}]"), "orders from there are both taken and left alone");
    }
    if orders.without_email.treatment == WithoutEmailTreatment::Contact && orders.without_email.contact.is_none() {
        found.add("orders.without_email.contact".into(), "no contact is chosen");
    }
    for (index, _) in orders.without_email.masked_domains.iter().enumerate().filter(|(_, domain)| !is_domain(domain)) {
        found
            .add(format!("orders.without_email.masked_domains[{index}]"), "a domain is written as \"marketplace.example.com\", without @ and blanks");
    }
    for (index, entry) in orders.defaults.iter().enumerate() {
        if entry.store_channel.is_none() && entry.currency.is_none() {
            found.add(format!("orders.defaults[{index}]"), "an entry names a channel of the store, a currency, or both");
        }
        if entry.currency.as_ref().is_some_and(|code| code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_alphabetic())) {
            found.add(format!("orders.defaults[{index}].currency"), "a currency is a code of three letters, such as \"EUR\"");
        }
    }
    let keys = orders.defaults.iter().map(|entry| (entry.store_channel, entry.currency.as_ref().map(|code| code.to_uppercase())));
    found.repeats("orders.defaults", keys);
}

fn is_domain(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.contains('.') && !text.contains('@') && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use crate::ids::StoreChannelId;
    use crate::rules::{OrderDefaults, Rules, WithoutEmailTreatment};

    #[test]
    fn contradictions_among_the_rules_of_orders_are_named() {
        let mut rules = Rules::default();
        rules.orders.settle_max_seconds = 86_401;
        rules.orders.sources = vec!["www".into(), " WWW ".into(), " ".into()];
        rules.orders.except_sources = vec!["ebay".into(), "Www".into()];
        rules.orders.without_email.treatment = WithoutEmailTreatment::Contact;
        rules.orders.without_email.masked_domains = vec!["marketplace.example.com".into(), "@example.com".into(), String::new()];
        let of = |channel: Option<u64>, currency: Option<&str>| OrderDefaults {
            store_channel: channel.map(StoreChannelId),
            currency: currency.map(str::to_owned),
            ..OrderDefaults::default()
        };
        rules.orders.defaults = vec![of(Some(1), Some("EUR")), of(None, None), of(None, Some("euro")), of(Some(1), Some("eur"))];
        let paths: Vec<String> = rules.problems().into_iter().map(|problem| problem.path).collect();
        let expected = [
            "orders.settle_max_seconds",
            "orders.sources[2]",
            "orders.sources[1]",
            "orders.except_sources[1]",
            "orders.without_email.contact",
            "orders.without_email.masked_domains[1]",
            "orders.without_email.masked_domains[2]",
            "orders.defaults[1]",
            "orders.defaults[2].currency",
            "orders.defaults[3]",
        ];
        assert_eq!(paths, expected);
    }
}
