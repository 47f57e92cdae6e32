//! Time of day for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `HH:MM:SS` in the machine's zone.
pub fn time_of_day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// The same for an RFC 3339 text of a ledger; now if it is none.
pub fn time_of_day_at(text: &str) -> String {
    time_of_day(text.parse().unwrap_or_else(|_| Timestamp::now()))
}
