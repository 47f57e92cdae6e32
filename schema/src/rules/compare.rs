//! How two versions of a tenant's rules differ.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Rules;

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleDifference {
    /// Where, as a dotted path. An element of a list is counted in the later version, one that is gone in the earlier.
    pub path: String,
    /// What was there; none if nothing was.
    pub before: Option<Value>,
    /// What is there; none if nothing is.
    pub after: Option<Value>,
}

/// Every difference between two stored versions, in the order of their paths. Rules that only one of them knows are compared with their
/// default, as far as this program can read the versions; elements that merely moved within a list are no difference.
#[must_use]
pub fn compare(before: &Value, after: &Value) -> Vec<RuleDifference> {
    let mut found = Vec::new();
    let (before, after) = match (filled(before), filled(after)) {
        (Some(before), Some(after)) => (before, after),
        // One of them is of another version of this program: it is compared as it stands.
        _ => (before.clone(), after.clone()),
    };
    differences("", Some(&before), Some(&after), &mut found);
    found
}

/// Stored rules with the defaults of what they do not mention.
fn filled(stored: &Value) -> Option<Value> {
    let rules: Rules = serde_json::from_value(stored.clone()).ok()?;
    serde_json::to_value(rules).ok()
}

fn differences(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<RuleDifference>) {
    let [before, after] = [before, after].map(|value| value.filter(|value| !value.is_null()));
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => of_tables(path, before, after, found),
        (Some(Value::Array(before)), Some(Value::Array(after))) => of_lists(path, before, after, found),
        (before, after) if before != after => {
            found.push(RuleDifference { path: path.to_owned(), before: before.cloned(), after: after.cloned() });
        }
        _ => {}
    }
}

fn of_tables(path: &str, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<RuleDifference>) {
    let only_before = before.keys().filter(|name| !after.contains_key(*name));
    for name in after.keys().chain(only_before) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        differences(&path, before.get(name), after.get(name), found);
    }
}

/// Elements that stand in both, wherever, are left out. Of the others, an element that went and one that came are taken for the same
/// if they share a field, and those that share most first: an entry of a map whose value was changed.
fn of_lists(path: &str, before: &[Value], after: &[Value], found: &mut Vec<RuleDifference>) {
    let (gone, mut new) = (without(before, after), without(after, before));
    let mut left = Vec::new();
    for (place, before) in gone {
        let most = new.iter().enumerate().map(|(at, (_, after))| (shared(before, after), std::cmp::Reverse(at))).max();
        match most {
            Some((1.., std::cmp::Reverse(at))) => {
                let (index, after) = new.remove(at);
                differences(&format!("{path}[{index}]"), Some(before), Some(after), found);
            }
            _ => left.push((place, before)),
        }
    }
    for (index, before) in left {
        differences(&format!("{path}[{index}]"), Some(before), None, found);
    }
    for (index, after) in new {
        differences(&format!("{path}[{index}]"), None, Some(after), found);
    }
}

/// How many fields two elements have in common.
fn shared(one: &Value, other: &Value) -> usize {
    let fields = one.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    fields.filter(|(name, value)| other.get(name.as_str()) == Some(*value)).count()
}

/// The elements of a list that have no equal in another, each with its place. Each element there is the equal of one here.
fn without<'a>(list: &'a [Value], other: &[Value]) -> Vec<(usize, &'a Value)> {
    let mut left: Vec<&Value> = other.iter().collect();
    let mut is_alone = |value: &Value| match left.iter().position(|other| *other == value) {
        Some(at) => {
            left.swap_remove(at);
            false
        }
        None => true,
    };
    list.iter().enumerate().filter(|(_, value)| is_alone(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ChannelId, SalesOrderStatusId, StoreStatusId};
    use crate::rules::ToBrightpearlEntry;
    use serde_json::json;

    fn told(before: &Rules, after: &Rules) -> Vec<(String, Value, Value)> {
        let [before, after] = [before, after].map(|rules| serde_json::to_value(rules).unwrap());
        compare(&before, &after).into_iter().map(|one| (one.path, one.before.into(), one.after.into())).collect()
    }

    fn entry(store: u64, brightpearl: u64) -> ToBrightpearlEntry {
        ToBrightpearlEntry { store: StoreStatusId(store), brightpearl: SalesOrderStatusId(brightpearl) }
    }

    #[test]
    fn equal_rules_have_no_difference() {
        assert!(told(&Rules::default(), &Rules::default()).is_empty());
        assert!(compare(&json!({}), &serde_json::to_value(Rules::default()).unwrap()).is_empty(), "what is not mentioned has its default");
    }

    #[test]
    fn a_value_is_told_with_what_it_was_and_what_it_is() {
        let mut after = Rules::default();
        after.orders.channel = Some(ChannelId(5));
        after.orders.settle_seconds = 1;
        let expected = [("orders.channel".to_owned(), Value::Null, json!(5)), ("orders.settle_seconds".to_owned(), json!(30), json!(1))];
        assert_eq!(told(&Rules::default(), &after), expected);
        assert_eq!(told(&after, &Rules::default())[0], ("orders.channel".to_owned(), json!(5), Value::Null));
    }

    #[test]
    fn entries_of_a_map_are_told_one_by_one_and_not_those_that_only_moved() {
        let (mut before, mut after) = (Rules::default(), Rules::default());
        before.orders.status.brightpearl = vec![entry(11, 17), entry(9, 18), entry(2, 21)];
        after.orders.status.brightpearl = vec![entry(7, 1), entry(2, 21), entry(9, 20), entry(11, 17)];
        let expected = [
            ("orders.status.brightpearl[2].brightpearl".to_owned(), json!(18), json!(20)),
            ("orders.status.brightpearl[0]".to_owned(), Value::Null, json!({"brightpearl": 1, "store": 7})),
        ];
        assert_eq!(told(&before, &after), expected);
        after.orders.status.brightpearl = vec![entry(9, 18), entry(11, 17)];
        let gone = ("orders.status.brightpearl[2]".to_owned(), json!({"brightpearl": 21, "store": 2}), Value::Null);
        assert_eq!(told(&before, &after), [gone]);
    }

    #[test]
    fn a_set_tells_what_came_and_what_went() {
        let mut after = Rules::default();
        after.orders.create_statuses.remove(&StoreStatusId(10));
        assert_eq!(told(&Rules::default(), &after), [("orders.create_statuses[1]".to_owned(), json!(10), Value::Null)]);
    }

    #[test]
    fn versions_that_this_program_cannot_read_are_compared_as_they_stand() {
        let (before, after) = (json!({"money": {"rate": "1"}}), json!({"money": {"rate": "2"}, "orders": {}}));
        let found = compare(&before, &after);
        assert_eq!(found[0], RuleDifference { path: "money.rate".into(), before: Some(json!("1")), after: Some(json!("2")) });
        assert_eq!(found[1].path, "orders");
    }
}
