//! Reads fields however a platform spells them: numbers as text, text as numbers, and "none" as `null`, `""`, `0`, `{}` or a missing
//! key. Amounts are read from the text of the JSON number, never through a floating-point number. Dates and lists differ by platform
//! and are read there.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The text of a number, a string or a boolean; `None` for every spelling of none.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
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

/// A value that must be there.
///
/// # Errors
/// If it is not, naming what is missing.
pub fn required<T, E: Error>(value: Option<T>, what: &str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format!("{what} is missing")))
}

/// A decimal number in plain or scientific notation.
pub fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// An amount, if there is one.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn optional_money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let Some(text) = scalar(deserializer)? else { return Ok(None) };
    decimal(&text).map(Some).ok_or_else(|| D::Error::custom("an amount is not a number"))
}

/// An amount; none is zero.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    Ok(optional_money(deserializer)?.unwrap_or_default())
}

/// An amount that must be there: a zero in its place would be a wrong total.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn required_money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    required(optional_money(deserializer)?, "an amount")
}

/// A whole number of at least zero; none is zero.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let Some(text) = scalar(deserializer)? else { return Ok(0) };
    let number = text.parse().ok().or_else(|| decimal(&text).filter(|number| number.fract().is_zero()).and_then(|number| number.to_u64()));
    number.ok_or_else(|| D::Error::custom("a number is not whole or below zero"))
}

/// A whole number that must be there.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn required_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = whole(deserializer)?;
    required(Some(number).filter(|number| *number > 0), "a number")
}

/// A count.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    u32::try_from(whole(deserializer)?).map_err(|_cause| D::Error::custom("a count is too large"))
}

/// A text; none is empty.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(scalar(deserializer)?.unwrap_or_default())
}

/// Yes or no; none is no.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(scalar(deserializer)?.is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes")))
}

/// An object; none is one without anything in it.
///
/// # Errors
/// In plain words that repeat nothing of the payload.
pub fn object<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    match raw.get().trim() {
        "null" | "[]" | "\"\"" => Ok(T::default()),
        json => serde_json::from_str(json).map_err(|_cause| D::Error::custom("an object cannot be read")),
    }
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
    }

    fn sample(json: &str) -> Sample {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_spelling_of_none_is_none() {
        for none in ["null", r#""""#, "{}", "[]", r#"" ""#, "{ }"] {
            let json = format!(r#"{{"amount":{none},"id":{none},"words":{none},"yes":{none}}}"#);
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
        for json in [r#"{"amount":"ada@example.com"}"#, r#"{"amount":{"value":1}}"#, r#"{"id":"-4"}"#, r#"{"id":1.5}"#] {
            let error = serde_json::from_str::<Sample>(json).unwrap_err().to_string();
            assert!(!error.contains("ada"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_number_makes_it_panic(text in "-?[0-9]{0,40}(\\.[0-9]{0,40})?([eE][+-]?[0-9]{1,12})?") {
            let _read = (decimal(&text), serde_json::from_str::<Sample>(&format!(r#"{{"amount":{text},"id":{text}}}"#)).is_ok());
        }

        #[test]
        fn an_amount_is_the_same_however_it_is_written(units in -999_999_999_999_999i64..=999_999_999_999_999, scale in 0u32..=9) {
            let amount = Decimal::new(units, scale);
            for written in [amount.to_string(), format!("{units}e-{scale}"), format!("{units}E-{scale:03}")] {
                for json in [written.clone(), format!(r#""{written}""#), format!(r#"" {written} ""#)] {
                    prop_assert_eq!(sample(&format!(r#"{{"amount":{json}}}"#)).amount, amount, "{}", json);
                }
            }
        }

        #[test]
        fn an_id_is_the_same_however_it_is_written_and_never_another(id in any::<u64>(), fraction in 1u32..1000) {
            for json in [format!("{id}"), format!(r#""{id}""#), format!("{id}.0"), format!(r#""{id}.000""#)] {
                prop_assert_eq!(sample(&format!(r#"{{"id":{json}}}"#)).id, id, "{}", json);
            }
            let broken = format!(r#"{{"id":{id}.{fraction:04}}}"#);
            prop_assert!(serde_json::from_str::<Sample>(&broken).is_err(), "{}", broken);
        }

        #[test]
        fn no_value_makes_it_panic_and_none_is_repeated(value in "[\\[\\]{}:,\"\\\\ a-z0-9eE.+-]{0,40}", field in "(amount|id|words|yes)") {
            let marked = format!(r#"{{"{field}":[{{"ada@example.com":"{}"}}]}}"#, value.escape_default());
            for json in [format!(r#"{{"{field}":{value}}}"#), format!(r#"{{"{field}":"ada@example.com {}"}}"#, value.escape_default()), marked] {
                if let Err(error) = serde_json::from_str::<Sample>(&json) {
                    prop_assert!(!error.to_string().contains("ada"), "{}", error);
                }
            }
        }
    }
}
