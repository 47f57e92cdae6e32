//! Columns that several queries about work items return.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, SmallInt, Text, Timestamptz};
use orderbridge_schema::work::WorkKey;

use crate::error::DbError;
use crate::sql::{Time, parsed, unsigned};

/// Which entity.
#[derive(QueryableByName)]
pub(super) struct KeyRow {
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    entity: i64,
}

impl KeyRow {
    pub(super) fn read(&self) -> Result<WorkKey, DbError> {
        Ok(WorkKey { scope: parsed(&self.scope)?, kind: parsed(&self.kind)?, entity: unsigned(self.entity)? })
    }
}

/// What a work item is, however it stands.
#[derive(QueryableByName)]
pub(super) struct ItemRow {
    #[diesel(embed)]
    pub(super) key: KeyRow,
    #[diesel(sql_type = Text)]
    pub(super) account: String,
    #[diesel(sql_type = SmallInt)]
    pub(super) priority: i16,
    #[diesel(sql_type = BigInt)]
    pub(super) generation: i64,
    #[diesel(sql_type = Integer)]
    pub(super) attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    pub(super) first_event_at: Time,
    #[diesel(sql_type = Timestamptz)]
    pub(super) last_event_at: Time,
    #[diesel(sql_type = Text)]
    pub(super) cause: String,
}
