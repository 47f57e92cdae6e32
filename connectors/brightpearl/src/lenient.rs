//! Reads fields however Brightpearl spells them (BP §a.2, §a.3): what both platforms share stands in the HTTP client, dates, maps and
//! lists here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use orderbridge_http_client::lenient::scalar;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub(crate) use orderbridge_http_client::lenient::{count, decimal, flag, money, object, optional_money, required_money, required_whole, text, whole};

/// A moment, if there is one.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = scalar(deserializer)? else { return Ok(None) };
    timestamp(&text).map(Some).ok_or_else(|| D::Error::custom("a date cannot be read"))
}

/// ISO 8601 with the account's offset (BP §a.2); a moment without one is UTC.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let utc = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(utc)
}

/// The `Date` header's form.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    const PARSER: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    PARSER.parse_timestamp(text).ok()
}

/// A map whose keys are ids; an empty one may be spelled `[]` or `null`.
pub(crate) fn map<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<BTreeMap<u64, T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let json = raw.get().trim();
    if json == "null" || (json.starts_with('[') && json.chars().all(|c| matches!(c, '[' | ']') || c.is_whitespace())) {
        return Ok(BTreeMap::new());
    }
    let named: BTreeMap<String, T> = serde_json::from_str(json).map_err(|_cause| D::Error::custom("a map cannot be read"))?;
    let id = |(name, value): (String, T)| name.trim().parse().ok().map(|id| (id, value));
    named.into_iter().map(|entry| id(entry).ok_or_else(|| D::Error::custom("a map's key is no id"))).collect()
}

/// A list; one alone may stand without brackets, none may be `null`.
pub(crate) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let unreadable = |_cause| D::Error::custom("a list cannot be read");
    match raw.get().trim() {
        "null" | "{}" => Ok(Vec::new()),
        json if json.starts_with('[') => serde_json::from_str(json).map_err(unreadable),
        json => serde_json::from_str(json).map(|one| vec![one]).map_err(unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_with_any_offset_are_read() {
        let at: Timestamp = "2026-03-02T15:41:38Z".parse().unwrap();
        for text in [
            "2026-03-02T15:41:38.000+00:00",
            "2026-03-02T09:41:38.000-06:00",
            "2026-03-02T16:41:38+0100",
            "2026-03-02T15:41:38.000Z",
            "2026-03-02T15:41:38",
        ] {
            assert_eq!(timestamp(text), Some(at), "{text}");
        }
    }

    #[test]
    fn maps_and_lists_have_an_empty_form_of_any_kind() {
        #[derive(Default, Deserialize)]
        struct Sample {
            id: u64,
        }
        #[derive(Deserialize)]
        struct Holder {
            #[serde(default, deserialize_with = "map")]
            map: BTreeMap<u64, Sample>,
            #[serde(default, deserialize_with = "list")]
            list: Vec<Sample>,
        }
        for none in ["{}", "[]", "null", "[ ]"] {
            let holder: Holder = serde_json::from_str(&format!(r#"{{"map":{none},"list":{none}}}"#)).unwrap();
            assert!(holder.map.is_empty() && holder.list.is_empty(), "{none}");
        }
        let holder: Holder = serde_json::from_str(r#"{"map":{"81001":{"id":3}},"list":{"id":4}}"#).unwrap();
        assert_eq!((holder.map[&81001].id, holder.list[0].id), (3, 4));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _read = (timestamp(&text), http_date(&text));
        }

        #[test]
        fn what_only_looks_like_a_date_makes_it_panic_neither(
            date in "-?[0-9]{1,9}-[0-9]{1,3}-[0-9]{1,3}[ T][0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})?([.][0-9]{1,12})?([+-][0-9:]{1,6}|Z)?",
            header in "([A-Z][a-z]{2}, )?[0-9]{1,3} (Feb|Foo) -?[0-9]{1,9} [0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})? (GMT|[+-][0-9]{1,5}|[A-Z]{1,4})"
        ) {
            let _read = (timestamp(&date), http_date(&header));
        }

        #[test]
        fn a_moment_is_the_same_with_every_offset(millis in -10_000_000_000_000i64..=250_000_000_000_000, hours in -14i8..=14) {
            let at = Timestamp::from_millisecond(millis).unwrap();
            let there = at.to_zoned(jiff::tz::Offset::constant(hours).to_time_zone());
            for form in ["%Y-%m-%dT%H:%M:%S%.3f%:z", "%Y-%m-%dT%H:%M:%S%.3f%z"] {
                let form = there.strftime(form).to_string();
                prop_assert_eq!(timestamp(&form), Some(at), "{}", form);
            }
        }

        #[test]
        fn no_list_or_map_makes_it_panic_or_is_repeated(json in "[\\[\\]{}:,\"\\\\ a-z0-9.-]{0,60}") {
            #[derive(Debug, Deserialize)]
            struct Holder {
                #[serde(default, deserialize_with = "map")]
                #[expect(dead_code, reason = "only read for how it is read")]
                map: BTreeMap<u64, BTreeMap<String, u64>>,
                #[serde(default, deserialize_with = "list")]
                #[expect(dead_code, reason = "only read for how it is read")]
                list: Vec<u64>,
            }
            for json in [format!(r#"{{"map":{json},"list":{json}}}"#), format!(r#"{{"map":{{"ada":{json}}}}}"#), format!(r#"{{"list":["ada",{json}]}}"#)] {
                if let Err(error) = serde_json::from_str::<Holder>(&json) {
                    prop_assert!(!error.to_string().contains("ada"), "{}", error);
                }
            }
        }
    }
}
