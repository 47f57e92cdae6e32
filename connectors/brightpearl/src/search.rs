//! Brightpearl's searches: rows of bare values, whose places only the reply's own column list tells (BP §a.5).

use jiff::Timestamp;
use orderbridge_http_client::{CallError, Response};
use orderbridge_schema::work::Share;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, Place};
use crate::{lenient, reply};

/// Largest page of a search (BP §a.5).
pub(crate) const PAGE: u32 = 500;
/// More rows than any account has: a search that never ends must not keep us forever.
const PAGES_MAX: u32 = 4000;

/// One page of a search.
#[derive(Debug)]
pub(crate) struct Page {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    /// Whether a further page has some.
    pub more: bool,
    /// First result of the further page.
    pub next_result: u32,
    /// When Brightpearl answered, by its own clock.
    pub answered_at: Option<Timestamp>,
}

/// One row of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

impl Page {
    /// Its rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { columns: &self.columns, values })
    }

    /// Whether rows have that column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name.eq_ignore_ascii_case(column))
    }
}

impl Row<'_> {
    fn value(&self, column: &str) -> Option<&Value> {
        let place = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column))?;
        self.values.get(place)
    }

    /// An id above zero.
    pub(crate) fn id(&self, column: &str) -> Option<u64> {
        let id = match self.value(column)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        id.filter(|id| *id > 0)
    }

    /// A text; none is empty.
    pub(crate) fn text(&self, column: &str) -> String {
        match self.value(column) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// A moment, if there is one that can be read.
    pub(crate) fn moment(&self, column: &str) -> Option<Timestamp> {
        lenient::timestamp(&self.text(column))
    }

    /// Yes or no, if the column is there and says so.
    pub(crate) fn flag(&self, column: &str) -> Option<bool> {
        match self.value(column)? {
            Value::Bool(yes) => Some(*yes),
            Value::Number(number) => Some(number.as_u64() != Some(0)),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "y" => Some(true),
                "false" | "0" | "no" | "n" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    results: Option<Vec<Vec<Value>>>,
    #[serde(default, rename = "metaData")]
    meta_data: Option<MetaData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetaData {
    #[serde(default)]
    columns: Vec<Column>,
    #[serde(default)]
    more_pages_available: Option<bool>,
    #[serde(default)]
    last_result: Option<u32>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

/// Reads one page that began at `first_result`.
pub(crate) fn page(reply: &Response, first_result: u32, what: &'static str) -> Result<Page, CallError> {
    let found: Found = reply::response(reply, what)?;
    let rows = found.results.unwrap_or_default();
    let meta = found.meta_data;
    let columns: Vec<String> = meta.iter().flat_map(|meta| &meta.columns).map(|column| column.name.clone()).collect();
    if !rows.is_empty() && columns.is_empty() {
        return Err(CallError::uncertain(format!("the reply to {what} does not name its columns")));
    }
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let after = first_result.saturating_add(count);
    let next_result = meta.as_ref().and_then(|meta| meta.last_result).map_or(after, |last| last.saturating_add(1)).max(after);
    let more = count > 0 && meta.and_then(|meta| meta.more_pages_available).unwrap_or(false);
    let answered_at = reply.header("date").and_then(lenient::http_date);
    Ok(Page { columns, rows, more, next_result, answered_at })
}

impl Client {
    /// One page of a search, from `first_result` (1 is the first).
    pub(crate) async fn search_page(&self, place: Place<'_>, first_result: u32, share: Share) -> Result<Page, CallError> {
        let (size, first) = (PAGE.to_string(), first_result.max(1).to_string());
        let query: Vec<_> = place.query.iter().copied().chain([("pageSize", size.as_str()), ("firstResult", first.as_str())]).collect();
        let reply = self.get(Place { query: &query, ..place }, share).await?;
        page(&reply, first_result.max(1), place.template)
    }

    /// All pages of a search, each row turned into what is wanted of it.
    pub(crate) async fn search<T>(&self, place: Place<'_>, share: Share, pick: impl Fn(&Page, Row<'_>) -> Option<T>) -> Result<Vec<T>, CallError> {
        let mut picked = Vec::new();
        let mut first_result = 1;
        for _page in 0..PAGES_MAX {
            let page = self.search_page(place, first_result, share).await?;
            picked.extend(page.rows().filter_map(|row| pick(&page, row)));
            if !page.more {
                return Ok(picked);
            }
            first_result = page.next_result;
        }
        Err(CallError::uncertain(format!("{} has no last page", place.template)))
    }
}
