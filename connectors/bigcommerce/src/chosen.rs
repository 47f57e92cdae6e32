//! What a shopper chose, typed or uploaded for a line: options, fields of older stores, gift wrapping (BC §d.3).
//!
//! Nothing here may stop an order: a text that cannot be read is left out.

use orderbridge_schema::facts::{Charge, LineOption, LineWrapping};
use serde_json::Value;

/// Every option, field and event with an answer, in the store's order.
pub(crate) fn options(product_options: &Value, configurable_fields: &Value, event: (&Value, &Value)) -> Vec<LineOption> {
    let options = rows(product_options).filter_map(option);
    let fields = rows(configurable_fields).filter_map(|row| named(text(row, "name"), text(row, "value")));
    options.chain(fields).chain(named(plain(event.0), plain(event.1))).collect()
}

/// Gift wrapping, if the line has some.
pub(crate) fn wrapping(name: &Value, message: &Value, charge: Charge) -> Option<LineWrapping> {
    let (name, message) = (plain(name), plain(message));
    let is_wrapped = !name.is_empty() || !message.is_empty() || charge != Charge::default();
    is_wrapped.then_some(LineWrapping { name, message, charge })
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The shopper's words before the merchant's; of a file its name, which stands in a JSON text where nothing is displayed.
fn option(row: &Value) -> Option<LineOption> {
    let first = |names: [&str; 3]| names.into_iter().map(|name| text(row, name)).find(|text| !text.is_empty()).unwrap_or_default();
    let name = first(["display_name_customer", "display_name", "name"]);
    let value = first(["display_value_customer", "display_value", "display_value_merchant"]);
    let value = if value.is_empty() { file_name(&text(row, "value")).unwrap_or_else(|| text(row, "value")) } else { value };
    named(name, value)
}

/// The name in the JSON text of an uploaded file.
fn file_name(value: &str) -> Option<String> {
    let file: Value = serde_json::from_str(value).ok()?;
    let is_name = |key: &&String| key.to_ascii_lowercase().contains("name");
    let names = file.as_object()?.iter().filter(|(key, _)| is_name(key)).map(|(_, name)| plain(name));
    names.into_iter().find(|name| !name.is_empty())
}

fn named(name: String, value: String) -> Option<LineOption> {
    (!value.is_empty()).then_some(LineOption { name, value })
}

fn text(row: &Value, name: &str) -> String {
    row.get(name).map(plain).unwrap_or_default()
}

/// A text or number on one line; everything else is none.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(options: Vec<LineOption>) -> Vec<(String, String)> {
        options.into_iter().map(|option| (option.name, option.value)).collect()
    }

    #[test]
    fn options_files_fields_and_events_are_read_and_odd_ones_left_out() {
        let product_options = json!([
            {"display_name": "Size", "display_value": "Large", "value": "107"},
            {"display_name": "Engraving", "display_value": "For\n Ada", "display_value_customer": ""},
            {"display_name": "Picture", "display_value": "", "value": "{\"originalName\":\"cat.png\",\"path\":\"a/b\"}"},
            {"display_name": "Nothing", "display_value": "", "value": ""},
            "odd", {"display_name": {}, "display_value": []},
        ]);
        let fields = json!([{"name": "Initials", "value": "AB"}, {"value": {}}]);
        let found = options(&product_options, &fields, (&json!("Wanted on"), &json!("1 May")));
        let expected = [("Size", "Large"), ("Engraving", "For Ada"), ("Picture", "cat.png"), ("Initials", "AB"), ("Wanted on", "1 May")];
        assert_eq!(texts(found), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_line_without_any_of_it_has_nothing() {
        for nothing in [json!(null), json!({}), json!([]), json!("")] {
            assert!(options(&nothing, &nothing, (&nothing, &nothing)).is_empty());
            assert_eq!(wrapping(&nothing, &nothing, Charge::default()), None);
        }
    }

    #[test]
    fn wrapping_is_what_it_is_called_what_it_says_and_what_it_costs() {
        let wrapping = wrapping(&json!("Red paper"), &json!("Happy birthday"), Charge::default()).unwrap();
        assert_eq!((wrapping.name.as_str(), wrapping.message.as_str()), ("Red paper", "Happy birthday"));
        assert!(!format!("{wrapping:?}").contains("birthday"));
    }
}
