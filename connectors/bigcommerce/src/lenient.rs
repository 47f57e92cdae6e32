//! Reads fields however BigCommerce spells them: numbers as text, text as numbers, and "none" as `null`, `""`, `0`, `{}` or a
//! missing key (BC §0). Amounts are read from the text of the JSON number, never through a floating-point number.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The text of a number, a string or a boolean; `None` for every spelling of none.
fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let json = raw.get().trim();
    match json.bytes().next() {
        Some(b'"') => {
            let text: String = serde_json::from_str(json).map_err(|_cause| D::Error::custom("a text is not valid"))?;
            Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
        }
        Some(b'{' | b'[') if json.chars().all(|c| matches!(c, '{' | '}' | '[' | ']') || c.is_whitespace()) => Ok(None),
        Some(b'{' | b'[') => Err(D::Error::custom("an object or array stands where a value belongs")),
        Some(b'n') | None => Ok(None),
        Some(_) => Ok(Some(json.to_owned())),
    }
}

fn required<T, E: Error>(value: Option<T>, what: &str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format!("{what} is missing")))
}

/// A decimal number in plain or scientific notation.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// An amount, if there is one.
pub(crate) fn optional_money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let Some(text) = scalar(deserializer)? else { return Ok(None) };
    decimal(&text).map(Some).ok_or_else(|| D::Error::custom("an amount is not a number"))
}

/// An amount; none is zero.
pub(crate) fn money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    Ok(optional_money(deserializer)?.unwrap_or_default())
}

/// An amount that must be there: a zero in its place would be a wrong total.
pub(crate) fn required_money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    required(optional_money(deserializer)?, "an amount")
}

/// A whole number of at least zero; none is zero.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let Some(text) = scalar(deserializer)? else { return Ok(0) };
    let number = text.parse().ok().or_else(|| decimal(&text).filter(|number| number.fract().is_zero()).and_then(|number| number.to_u64()));
    number.ok_or_else(|| D::Error::custom("a number is not whole or below zero"))
}

/// A whole number that must be there.
pub(crate) fn required_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = whole(deserializer)?;
    required(Some(number).filter(|number| *number > 0), "a number")
}

/// A count.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u32::try_from(whole(deserializer)?).map_err(|_cause| D::Error::custom("a count is too large"))
}

/// A text; none is empty.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(scalar(deserializer)?.unwrap_or_default())
}

/// Yes or no; none is no.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(scalar(deserializer)?.is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes")))
}

/// A moment, if there is one.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = scalar(deserializer)? else { return Ok(None) };
    timestamp(&text).map(Some).ok_or_else(|| D::Error::custom("a date cannot be read"))
}

/// A moment that must be there.
pub(crate) fn required_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    required(moment(deserializer)?, "a date")
}

/// An object; none is one without anything in it.
pub(crate) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    match raw.get().trim() {
        "null" | "[]" | "\"\"" => Ok(T::default()),
        json => serde_json::from_str(json).map_err(|_cause| D::Error::custom("an object cannot be read")),
    }
}

/// A list; none is empty.
pub(crate) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    match raw.get().trim() {
        "null" | "{}" | "\"\"" => Ok(Vec::new()),
        json => serde_json::from_str(json).map_err(|_cause| D::Error::custom("a list cannot be read")),
    }
}

/// RFC 2822 as V2 writes it, ISO 8601 as V3 does, or seconds since 1970 as hooks do (BC §0, §c). The day's name is not believed.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    const MAIL: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let mail = || MAIL.parse_timestamp(text).ok();
    let utc = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let seconds = || Timestamp::from_second(text.parse().ok()?).ok();
    text.parse().ok().or_else(mail).or_else(seconds).or_else(utc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "money")]
        amount: Decimal,
        #[serde(default, deserialize_with = "whole")]
        id: u64,
        #[serde(default, deserialize_with = "text")]
        words: String,
        #[serde(default, deserialize_with = "flag")]
        yes: bool,
        #[serde(default, deserialize_with = "moment")]
        at: Option<Timestamp>,
    }

    fn sample(json: &str) -> Sample {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_spelling_of_none_is_none() {
        for none in ["null", r#""""#, "{}", "[]", r#"" ""#, "{ }"] {
            let json = format!(r#"{{"amount":{none},"id":{none},"words":{none},"yes":{none},"at":{none}}}"#);
            assert_eq!(sample(&json), Sample::default(), "{none}");
        }
        assert_eq!(sample("{}"), Sample::default());
        assert_eq!(sample(r#"{"id":0,"amount":0}"#), Sample::default());
    }

    #[test]
    fn numbers_and_texts_are_the_same() {
        for json in [
            r#"{"amount":"62.6793","id":"250","words":17,"yes":1}"#,
            r#"{"amount":62.6793,"id":250,"words":"17","yes":"true"}"#,
            r#"{"amount":626793e-4,"id":250.0,"words":" 17 ","yes":true}"#,
        ] {
            let read = sample(json);
            assert_eq!((read.amount, read.id, read.words.as_str(), read.yes), ("62.6793".parse().unwrap(), 250, "17", true), "{json}");
        }
        assert_eq!(sample(r#"{"amount":0.1}"#).amount + sample(r#"{"amount":0.2}"#).amount, "0.3".parse().unwrap());
        assert_eq!(sample(r#"{"amount":"0.12345678901234567890"}"#).amount, "0.12345678901234567890".parse().unwrap());
    }

    #[test]
    fn what_is_neither_is_an_error_that_repeats_nothing() {
        for json in [r#"{"amount":"ada@example.com"}"#, r#"{"amount":{"value":1}}"#, r#"{"id":"-4"}"#, r#"{"id":1.5}"#, r#"{"at":"soon"}"#] {
            let error = serde_json::from_str::<Sample>(json).unwrap_err().to_string();
            assert!(!error.contains("ada") && !error.contains("soon"), "{error}");
        }
    }

    #[test]
    fn dates_of_both_generations_are_read() {
        let at: Timestamp = "2019-03-05T21:40:11Z".parse().unwrap();
        for text in [
            "Tue, 05 Mar 2019 21:40:11 +0000",
            "Mon, 05 Mar 2019 21:40:11 +0000",
            "05 Mar 2019 21:40:11 GMT",
            "2019-03-05T21:40:11Z",
            "2019-03-05T21:40:11+00:00",
            "2019-03-05T22:40:11.000+01:00",
            "2019-03-05T21:40:11",
            "1551822011",
        ] {
            assert_eq!(timestamp(text), Some(at), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _read = (timestamp(&text), decimal(&text));
        }

        #[test]
        fn no_number_makes_it_panic(text in "-?[0-9]{0,40}(\\.[0-9]{0,40})?([eE][+-]?[0-9]{1,12})?") {
            let _read = (timestamp(&text), decimal(&text), serde_json::from_str::<Sample>(&format!(r#"{{"amount":{text},"id":{text}}}"#)).is_ok());
        }

        #[test]
        fn an_amount_keeps_every_digit(units in any::<i64>(), scale in 0u32..10) {
            let amount = Decimal::new(units, scale);
            let quoted = format!("{{\"amount\":\"{amount}\"}}");
            prop_assert_eq!(sample(&quoted).amount, amount);
            let bare = format!("{{\"amount\":{amount}}}");
            prop_assert_eq!(sample(&bare).amount, amount);
        }
    }
}
