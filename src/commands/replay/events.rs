//! Records of a selection, as what they ask for.

use orderbridge_kafka::StoredRecord;
use orderbridge_processor::work_of;
use orderbridge_schema::work::Upsert;

/// Records read and looked at together.
pub const TOGETHER: usize = 500;

/// What records ask for.
#[derive(Debug, Default)]
pub struct Understood {
    /// Work, one for each entity an event names.
    pub asked: Vec<Upsert>,
    /// Records whose event is none of ours to follow.
    pub idle: u64,
    /// Records that cannot be understood: they are dead letters.
    pub unreadable: u64,
}

/// Reads events as intake does.
pub fn understand<'a>(records: impl IntoIterator<Item = &'a StoredRecord>) -> Understood {
    let mut understood = Understood::default();
    for record in records {
        match record.envelope().map_err(|error| error.to_string()).and_then(|envelope| work_of(&envelope)) {
            Ok(asked) if asked.is_empty() => understood.idle += 1,
            // What the database cannot hold went to the dead letters too.
            Ok(asked) if asked.iter().any(|upsert| i64::try_from(upsert.key.entity).is_err()) => understood.unreadable += 1,
            Ok(asked) => understood.asked.extend(asked),
            Err(_) => understood.unreadable += 1,
        }
    }
    understood
}
