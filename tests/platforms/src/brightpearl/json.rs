//! Reading fields of request bodies: a field of the wrong type is the platform's 500 CMNU-003 (BP §a.4).

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value};

use super::reply::Refusal;
use super::time;

/// The value at a dotted path; null counts as absent.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut here = value;
    for part in path.split('.') {
        here = here.get(part)?;
    }
    if here.is_null() { None } else { Some(here) }
}

/// A string; numbers are taken as their text.
///
/// # Errors
/// CMNU-003 for any other type.
pub fn text(value: &Value, path: &str) -> Result<Option<String>, Refusal> {
    match at(value, path) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(Refusal::internal()),
    }
}

/// A whole number, sent as a number or as digits in a string.
///
/// # Errors
/// CMNU-003 for anything else.
pub fn int(value: &Value, path: &str) -> Result<Option<i64>, Refusal> {
    match at(value, path) {
        None => Ok(None),
        Some(found) => whole(found).map(Some).ok_or_else(Refusal::internal),
    }
}

/// A whole number from a number or digits.
pub fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A decimal, sent as a number or in a string.
///
/// # Errors
/// CMNU-003 for anything else.
pub fn decimal(value: &Value, path: &str) -> Result<Option<Decimal>, Refusal> {
    match at(value, path) {
        None => Ok(None),
        Some(found) => exact(found).map(Some).ok_or_else(Refusal::internal),
    }
}

/// A decimal from a number or a string.
pub fn exact(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
}

/// A boolean, also as the words true and false.
///
/// # Errors
/// CMNU-003 for anything else.
pub fn flag(value: &Value, path: &str) -> Result<Option<bool>, Refusal> {
    match at(value, path) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_ignored| Refusal::internal()),
        Some(_) => Err(Refusal::internal()),
    }
}

/// An instant; a date without time is UTC midnight (BP §a.2).
///
/// # Errors
/// CMNU-003 for what is no ISO 8601.
pub fn instant(value: &Value, path: &str) -> Result<Option<Timestamp>, Refusal> {
    match at(value, path) {
        None => Ok(None),
        Some(Value::String(text)) => time::parse(text).map(Some).ok_or_else(Refusal::internal),
        Some(_) => Err(Refusal::internal()),
    }
}

/// An array; absent is empty.
///
/// # Errors
/// CMNU-003 if it is something else.
pub fn array<'a>(value: &'a Value, path: &str) -> Result<&'a [Value], Refusal> {
    match at(value, path) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Refusal::internal()),
    }
}

/// An object at a path, if there is one.
///
/// # Errors
/// CMNU-003 if it is something else.
pub fn object<'a>(value: &'a Value, path: &str) -> Result<Option<&'a Value>, Refusal> {
    match at(value, path) {
        None => Ok(None),
        Some(found @ Value::Object(_)) => Ok(Some(found)),
        Some(_) => Err(Refusal::internal()),
    }
}

/// Leaves nulls out, at every depth (BP §a.2).
pub fn compact(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.into_iter().filter(|(_, inner)| !inner.is_null()).map(|(key, inner)| (key, compact(inner))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(compact).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

/// Rounds half up (away from zero) to a number of places.
pub fn round(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// An amount as text with exactly that many places.
pub fn fixed(amount: Decimal, places: u32) -> String {
    let width = usize::try_from(places).unwrap_or(2);
    let rounded = round(amount, places);
    let shown = if rounded.is_zero() { Decimal::ZERO } else { rounded };
    format!("{shown:.width$}")
}

/// Sets a key of an object; anything else becomes an object first.
pub fn set(value: &mut Value, key: &str, content: Value) {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Some(map) = value.as_object_mut() {
        map.insert(key.to_owned(), content);
    }
}
