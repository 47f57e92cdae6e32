//! Instants on the wire: read with any offset, written in the account's zone with three digits of milliseconds (BP §a.2).

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Reads ISO 8601. A date alone is UTC midnight, which is the date-only trap of BP §a.2; a time without offset is UTC too.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // A `+` that a client forgot to encode arrives as a space (BP §a.2): the platform does not understand it either.
    if text.contains(' ') {
        return None;
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        return TimeZone::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok();
    }
    let (main, offset) = match text.rfind(['+', '-']) {
        Some(split) if split > 10 && text.len() - split == 5 => (text.get(..split)?, text.get(split..)?),
        _ => (text, "+0000"),
    };
    let clock: DateTime = main.parse().ok()?;
    let offset = parse_offset(offset)?;
    TimeZone::fixed(offset).to_timestamp(clock).ok()
}

/// Reads `+01:00`, `-0600` or `Z`.
pub fn parse_offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let sign: i32 = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.trim_start_matches(['+', '-']).chars().filter(char::is_ascii_digit).collect();
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..).filter(|rest| !rest.is_empty()).map_or(Some(0), |rest| rest.parse().ok())?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// Writes an instant in a zone: `2025-11-04T10:41:38.000-06:00`.
pub fn show(instant: Timestamp, zone: &TimeZone) -> String {
    instant.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
}

/// Writes an instant in UTC with milliseconds and `Z`, as webhooks carry it (BP §d.6).
pub fn show_utc(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// An instant some milliseconds later.
pub fn later(instant: Timestamp, ms: i64) -> Timestamp {
    instant.checked_add(SignedDuration::from_millis(ms)).unwrap_or(instant)
}

/// A period filter: `d`, `d/`, `/d` or `d1/d2` (BP §a.5).
pub fn in_period(instant: Option<Timestamp>, filter: &str) -> Option<bool> {
    let bound = |text: &str| if text.is_empty() { Some(None) } else { parse(text).map(Some) };
    let (from, until) = match filter.split_once('/') {
        Some((from, until)) => (bound(from)?, bound(until)?),
        None => {
            let exact = parse(filter)?;
            return Some(instant == Some(exact));
        }
    };
    let Some(instant) = instant else { return Some(false) };
    Some(from.is_none_or(|from| instant >= from) && until.is_none_or(|until| instant <= until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_alone_is_utc_midnight_and_so_the_day_before_in_the_west() {
        let zone = TimeZone::fixed(Offset::from_seconds(-6 * 3600).unwrap());
        assert_eq!(show(parse("2022-01-20").unwrap(), &zone), "2022-01-19T18:00:00.000-06:00");
    }

    #[test]
    fn offsets_are_understood_with_and_without_colon() {
        assert_eq!(parse("2026-03-02T10:00:00+01:00"), parse("2026-03-02T09:00:00Z"));
        assert_eq!(parse("2026-03-02T10:00:00.000+0100"), parse("2026-03-02T09:00:00Z"));
        assert_eq!(parse("2026-03-02T10:00:00"), parse("2026-03-02T10:00:00Z"));
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn periods_may_be_open_on_either_side() {
        let at = parse("2026-03-02T09:00:00Z");
        assert_eq!(in_period(at, "2026-03-01T00:00:00Z/"), Some(true));
        assert_eq!(in_period(at, "/2026-03-01T00:00:00Z"), Some(false));
        assert_eq!(in_period(at, "2026-03-01/2026-03-03"), Some(true));
        assert_eq!(in_period(at, "soon/"), None);
    }
}
