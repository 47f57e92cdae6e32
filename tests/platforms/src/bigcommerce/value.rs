//! The platform's ways of writing money, dates and ids (BC §0), and lenient readers for what callers send.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

/// Rounds half away from zero.
pub(super) fn round(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// V2 money: a string with four decimals.
pub(super) fn money(amount: Decimal) -> String {
    fixed(amount, 4)
}

/// A string with a fixed number of decimals.
pub(super) fn fixed(amount: Decimal, places: u32) -> String {
    let mut amount = round(amount, places);
    amount.rescale(places);
    if amount.is_zero() {
        amount.set_sign_positive(true);
    }
    amount.to_string()
}

/// V3 money: a JSON number.
pub(super) fn number(amount: Decimal) -> Value {
    amount.to_f64().and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number)
}

/// A decimal from a JSON number or a numeric string.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
}

/// A whole number from a JSON number or a string of digits.
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A member of an object as a decimal.
pub(super) fn decimal_at(body: &Value, name: &str) -> Option<Decimal> {
    body.get(name).and_then(decimal)
}

/// A member of an object as a whole number.
pub(super) fn int_at(body: &Value, name: &str) -> Option<i64> {
    body.get(name).and_then(int)
}

/// A member of an object as text.
pub(super) fn text_at<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// A member of an object as text, owned, empty if absent.
pub(super) fn string_at(body: &Value, name: &str) -> String {
    text_at(body, name).unwrap_or_default().to_owned()
}

/// A member of an object as a flag.
pub(super) fn flag_at(body: &Value, name: &str) -> Option<bool> {
    body.get(name).and_then(Value::as_bool)
}

/// A member of an object as a list; empty if absent.
pub(super) fn list_at<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    body.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// V2 date: RFC 2822, always UTC.
pub(super) fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// V2 date that may be unset: `""` then.
pub(super) fn rfc2822_or_empty(at: Option<Timestamp>) -> String {
    at.map(rfc2822).unwrap_or_default()
}

/// V3 date with `Z`.
pub(super) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// V3 date with `+00:00`, as refunds have it.
pub(super) fn iso_offset(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// A date as filters take it: RFC 2822, ISO 8601 with or without zone or time, or unix seconds.
pub(super) fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = jiff::fmt::rfc2822::parse(text) {
        return Some(at.timestamp());
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    let civil = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(DateTime::from))?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_four_decimals_and_no_negative_zero() {
        assert_eq!(money("62.67934".parse().unwrap()), "62.6793");
        assert_eq!(money("62.67935".parse().unwrap()), "62.6794");
        assert_eq!(money("-0.00001".parse().unwrap()), "0.0000");
    }

    #[test]
    fn dates_are_read_in_every_form_a_filter_may_have() {
        let at: Timestamp = "2026-03-01T09:30:00Z".parse().unwrap();
        for text in ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00+00:00", "Sun, 01 Mar 2026 09:30:00 +0000", "2026-03-01T09:30:00", "1772357400"] {
            assert_eq!(parse_date(text), Some(at), "{text}");
        }
        assert_eq!(parse_date("2026-03-01"), "2026-03-01T00:00:00Z".parse().ok());
        assert_eq!(parse_date("yesterday"), None);
        assert_eq!(rfc2822(at), "Sun, 01 Mar 2026 09:30:00 +0000");
    }

    #[test]
    fn amounts_are_read_from_numbers_and_strings() {
        assert_eq!(decimal(&serde_json::json!(12.35)), "12.35".parse().ok());
        assert_eq!(decimal(&serde_json::json!("12.3500")), "12.3500".parse().ok());
        assert_eq!(decimal(&serde_json::json!(1e-7)), "0.0000001".parse().ok());
        assert_eq!(decimal(&serde_json::json!("x")), None);
    }
}
