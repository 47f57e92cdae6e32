//! What several commands read from their command line.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use orderbridge_schema::topics::Topic;

/// Who runs the command, as their system names them; for the records of what persons did.
pub fn operator() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.trim().is_empty()));
    name.unwrap_or_else(|| "an operator".to_owned()).chars().take(100).collect()
}

/// A topic that holds events.
///
/// # Errors
/// The topics there are.
pub fn event_topic(text: &str) -> Result<Topic, String> {
    let topic = Topic::from_name(text).filter(|topic| *topic != Topic::DeadLetters);
    topic.ok_or_else(|| format!("the topics of events are {}", Topic::events().map(Topic::name).collect::<Vec<_>>().join(", ")))
}

/// A moment as people write it: how long ago is counted once the present is known.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// That moment.
    At(Timestamp),
    /// That long before now.
    Ago(Span),
}

impl When {
    /// The moment, seen from the present.
    pub fn seen_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => {
                let back = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().and_then(|span| now.checked_sub(span).ok());
                back.unwrap_or(Timestamp::MIN)
            }
        }
    }
}

/// Reads a time (RFC 3339), a date (its first moment, UTC), or how long ago, such as `2h` or `3d`.
///
/// # Errors
/// What can be written.
pub fn when(text: &str) -> Result<When, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(When::At(at));
    }
    if let Some(at) = text.parse::<Date>().ok().filter(|_| text.len() == 10).and_then(|date| date.to_zoned(TimeZone::UTC).ok()) {
        return Ok(When::At(at.timestamp()));
    }
    let is_span = text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_alphabetic());
    let ago = text.parse::<Span>().ok().filter(|span| is_span && !span.is_negative() && span.get_months() == 0 && span.get_years() == 0);
    ago.map(When::Ago)
        .ok_or_else(|| "a time is written 2026-03-01T09:00:00Z, a day 2026-03-01 (from midnight, UTC), and how long ago 2h, 90m or 3d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_a_day_or_how_long_ago() {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
            ("2026-03-01T09:00:00+01:00", "2026-03-01T08:00:00Z"),
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2h", "2026-03-10T10:00:00Z"),
            ("90m", "2026-03-10T10:30:00Z"),
            ("3d", "2026-03-07T12:00:00Z"),
            ("1w", "2026-03-03T12:00:00Z"),
        ] {
            assert_eq!(when(text).unwrap().seen_from(now).to_string(), expected, "{text}");
        }
        for bad in ["", "yesterday", "2026-13-01", "2026-03-01 09:00", "-2h", "2", "1y", "2h ago", "9:00"] {
            assert!(when(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_topics_of_events_are_read() {
        assert_eq!(event_topic("bigcommerce.orders.v1").unwrap(), Topic::BigcommerceOrders);
        assert!(event_topic("dead-letters.v1").is_err());
        assert!(event_topic("orders").unwrap_err().contains("bigcommerce.orders.v1"));
    }
}
