//! Reads fields however BigCommerce spells them (BC §0): what both platforms share stands in the HTTP client, dates and lists here.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use orderbridge_http_client::lenient::{required, scalar};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub(crate) use orderbridge_http_client::lenient::{count, flag, money, object, optional_money, required_money, required_whole, text, whole};

/// A moment, if there is one.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = scalar(deserializer)? else { return Ok(None) };
    timestamp(&text).map(Some).ok_or_else(|| D::Error::custom("a date cannot be read"))
}

/// A moment that must be there.
pub(crate) fn required_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    required(moment(deserializer)?, "a date")
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

    #[test]
    fn a_date_that_cannot_be_read_is_not_repeated() {
        #[derive(Debug, Deserialize)]
        struct Sample {
            #[serde(default, deserialize_with = "moment")]
            at: Option<Timestamp>,
        }
        let error = serde_json::from_str::<Sample>(r#"{"at":"soon"}"#).unwrap_err().to_string();
        assert!(!error.contains("soon"), "{error}");
        assert_eq!(serde_json::from_str::<Sample>(r#"{"at":""}"#).unwrap().at, None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _read = timestamp(&text);
        }

        #[test]
        fn what_only_looks_like_a_date_makes_it_panic_neither(
            text in "(Mon, )?[0-9]{1,3}[ -](Feb|Foo|[0-9]{1,3})[ -]-?[0-9]{1,9}[ T][0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})?([.][0-9]{1,12})?( ?([+-][0-9:]{1,6}|Z|GMT|[A-Z]{1,4}))?|-?[0-9]{1,25}"
        ) {
            let _read = timestamp(&text);
        }

        #[test]
        fn a_moment_is_the_same_in_every_form(second in -10_000_000_000i64..=250_000_000_000, hours in -14i8..=14) {
            let at = Timestamp::from_second(second).unwrap();
            let there = at.to_zoned(jiff::tz::Offset::constant(hours).to_time_zone());
            let mut forms = vec![at.to_string(), there.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(), second.to_string()];
            if (0..=9999).contains(&there.year()) {
                forms.push(rfc2822::to_string(&there).unwrap());
            }
            for form in forms {
                prop_assert_eq!(timestamp(&form), Some(at), "{}", form);
            }
        }
    }
}
