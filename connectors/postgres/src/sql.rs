//! Between the vocabulary's types and SQL's.

use diesel::PgConnection;
use diesel::sql_types::{BigInt, Text};
use jiff::Timestamp;
use jiff_diesel::ToDiesel;

use crate::error::DbError;

/// A moment as Diesel binds it.
pub(crate) type Time = jiff_diesel::Timestamp;

pub(crate) fn time(at: Timestamp) -> Time {
    at.to_diesel()
}

pub(crate) fn jiff_time(at: Option<Time>) -> Option<Timestamp> {
    at.map(Time::to_jiff)
}

/// An id as a `bigint`.
pub(crate) fn big(id: u64) -> Result<i64, DbError> {
    i64::try_from(id).map_err(|_too_large| DbError::data("an id does not fit a bigint"))
}

pub(crate) fn bigs(ids: impl IntoIterator<Item = u64>) -> Result<Vec<i64>, DbError> {
    ids.into_iter().map(big).collect()
}

/// An id from a `bigint`; the tables refuse negative ones.
pub(crate) fn unsigned(id: i64) -> Result<u64, DbError> {
    u64::try_from(id).map_err(|_negative| DbError::data("a stored id is negative"))
}

pub(crate) fn small(number: u32) -> Result<i32, DbError> {
    i32::try_from(number).map_err(|_too_large| DbError::data("a number does not fit an integer"))
}

pub(crate) fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// A stored text as a checked type.
pub(crate) fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, DbError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| DbError::Data(format!("a stored value cannot be read: {error}")))
}

/// One number, such as a count.
#[derive(diesel::QueryableByName)]
pub(crate) struct Number {
    #[diesel(sql_type = BigInt)]
    pub(crate) n: i64,
}

/// One text.
#[derive(diesel::QueryableByName)]
pub(crate) struct Word {
    #[diesel(sql_type = Text)]
    pub(crate) t: String,
}

/// Runs a transaction of ours: any error rolls it back.
pub(crate) fn transaction<T>(conn: &mut PgConnection, body: impl FnOnce(&mut PgConnection) -> Result<T, DbError>) -> Result<T, DbError> {
    diesel::Connection::transaction(conn, body)
}
