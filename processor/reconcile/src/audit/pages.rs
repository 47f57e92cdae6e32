//! Lists read page by page, each page kept: an audit that was stopped goes on where it was.

use orderbridge_http_client::CallError;
use orderbridge_postgres::{AuditPage, AuditRun, Db, DbError};
use orderbridge_schema::ids::Platform;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ReadError;

/// More pages than any list has: a platform that never ends must not keep us for ever.
const PAGES_MAX: u32 = 4000;

/// Where pages are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages<'a> {
    pub(super) db: &'a Db,
    pub(super) run: &'a AuditRun,
}

impl Pages<'_> {
    /// All pages of a list, of which those that are kept are not read again. `read` takes where a page begins, and gives it with where the
    /// next one does.
    pub(super) async fn all<T, F>(&self, part: &str, platform: Platform, first: u64, read: impl Fn(u64) -> F) -> Result<Vec<T>, ReadError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<(Vec<T>, Option<u64>), CallError>>,
    {
        let (mut rows, mut at) = (Vec::new(), first);
        for page in 0..PAGES_MAX {
            let next = match self.kept(part, page).await? {
                Some((kept, next)) => {
                    rows.extend(kept);
                    next
                }
                None => {
                    let (fresh, next) = read(at).await.map_err(|error| ReadError::Call { platform, error })?;
                    self.keep(part, page, &fresh, next).await?;
                    rows.extend(fresh);
                    next
                }
            };
            match next {
                Some(next) => at = next,
                None => return Ok(rows),
            }
        }
        let error = CallError::uncertain(format!("the list of {part} has no last page"));
        Err(ReadError::Call { platform, error })
    }

    /// A kept page, with where the next one begins.
    pub(super) async fn kept<T: DeserializeOwned>(&self, part: &str, page: u32) -> Result<Option<(Vec<T>, Option<u64>)>, ReadError> {
        let Some(kept) = self.db.audit_page(self.run.id, part, page).await? else { return Ok(None) };
        // What another version kept in another form is read again.
        Ok(serde_json::from_value(kept.rows).ok().map(|rows| (rows, kept.next)))
    }

    pub(super) async fn keep<T: Serialize>(&self, part: &str, page: u32, rows: &[T], next: Option<u64>) -> Result<(), ReadError> {
        let rows: Value = serde_json::to_value(rows).map_err(|error| DbError::Data(format!("a page cannot be kept: {error}")))?;
        Ok(self.db.save_audit_page(self.run.id, part, page, &AuditPage { rows, next }).await?)
    }
}
