//! V3 lists that can also be read by cursor (BC §b).
//!
//! A cursor names a place in the sorted list, not a row: neither sorting nor rows that change meanwhile lose one.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::reply::{Page, v3_field_error};
use crate::core::{ApiRequest, ApiResponse};

/// What a row is sorted by, its id last.
pub(super) type Place = (String, i64);

/// A sorted list of rows.
pub(super) struct Sorted {
    rows: Vec<(Place, Value)>,
    descending: bool,
}

impl Sorted {
    /// Sorts rows by their places.
    pub(super) fn new(rows: Vec<(Place, Value)>, descending: bool) -> Self {
        let mut sorted = Self { rows, descending };
        let order = |left: &Place, right: &Place| if descending { right.cmp(left) } else { left.cmp(right) };
        sorted.rows.sort_by(|(left, _), (right, _)| order(left, right));
        sorted
    }

    /// Rows in ascending order of their integer `id`.
    pub(super) fn by_id(rows: Vec<Value>) -> Self {
        let id = |row: &Value| row.get("id").and_then(Value::as_i64).unwrap_or_default();
        Self::new(rows.into_iter().map(|row| ((String::new(), id(&row)), row)).collect(), false)
    }

    fn order(&self, left: &Place, right: &Place) -> Ordering {
        if self.descending { right.cmp(left) } else { left.cmp(right) }
    }

    /// How many rows come before a place; with `inclusive` the row at it counts too.
    fn before(&self, place: &Place, inclusive: bool) -> usize {
        self.rows.partition_point(|(known, _)| match self.order(known, place) {
            Ordering::Less => true,
            Ordering::Equal => inclusive,
            Ordering::Greater => false,
        })
    }

    /// Answers a list: with `after` or `before` it has only `cursor_pagination`, the first page has both metas, later ones `pagination` alone.
    pub(super) fn answer(self, request: &ApiRequest, page: Page) -> ApiResponse {
        let asked = |name: &str| request.param(name).filter(|cursor| !cursor.is_empty());
        let limit = page.limit();
        let refuse = |field: &str, why: &str| v3_field_error(422, "The query is invalid.", field, why);
        let window = match (asked("after"), asked("before")) {
            (Some(_), Some(_)) => return refuse("before", "cannot be combined with after"),
            (None, None) => return self.first(request, page),
            (Some(after), None) => read(after).map(|place| {
                let start = self.before(&place, true);
                (start, start.saturating_add(limit).min(self.rows.len()))
            }),
            (None, Some(before)) => read(before).map(|place| {
                let end = self.before(&place, false);
                (end.saturating_sub(limit), end)
            }),
        };
        let Some((start, end)) = window else {
            return refuse(if asked("after").is_some() { "after" } else { "before" }, "is not a cursor");
        };
        let meta = self.meta(request, limit, start, end);
        let data: Vec<Value> = self.rows.into_iter().skip(start).take(end - start).map(|(_, row)| row).collect();
        ApiResponse::json(200, &json!({ "data": data, "meta": { "cursor_pagination": meta } }))
    }

    fn first(self, request: &ApiRequest, page: Page) -> ApiResponse {
        let meta = page.is_first().then(|| self.meta(request, page.limit(), 0, page.limit().min(self.rows.len())));
        let mut answer = page.v3_list(request, self.rows.into_iter().map(|(_, row)| row).collect());
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let (Some(meta), Some(all)) = (meta, body.get_mut("meta").and_then(Value::as_object_mut)) {
            all.insert("cursor_pagination".to_owned(), meta);
        }
        answer.body = body.to_string().into_bytes();
        answer
    }

    /// `cursor_pagination` of the rows from `start` to `end`.
    fn meta(&self, request: &ApiRequest, limit: usize, start: usize, end: usize) -> Value {
        let cursor = |at: Option<usize>| at.and_then(|at| self.rows.get(at)).map(|(place, _)| write(place));
        let (first, last) = if start < end { (cursor(Some(start)), cursor(end.checked_sub(1))) } else { (None, None) };
        let own = |name: &'static str| request.param(name).filter(|cursor| !cursor.is_empty()).map(|cursor| (name, cursor));
        let mut links = Map::new();
        if let (true, Some(first)) = (start > 0, &first) {
            links.insert("previous".to_owned(), json!(link(request, limit, Some(("before", first)))));
        }
        links.insert("current".to_owned(), json!(link(request, limit, own("after").or_else(|| own("before")))));
        if let (true, Some(last)) = (end < self.rows.len(), &last) {
            links.insert("next".to_owned(), json!(link(request, limit, Some(("after", last)))));
        }
        let mut meta = json!({ "count": end - start, "per_page": limit, "links": links });
        if let (Some(meta), Some((first, last))) = (meta.as_object_mut(), first.zip(last)) {
            meta.insert("start_cursor".to_owned(), json!(first));
            meta.insert("end_cursor".to_owned(), json!(last));
        }
        meta
    }
}

/// A query string with all the request's filters.
fn link(request: &ApiRequest, limit: usize, cursor: Option<(&str, &str)>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let own = ["page", "limit", "after", "before"];
    for (name, value) in request.query.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
        query.append_pair(name, value);
    }
    if let Some((name, cursor)) = cursor {
        query.append_pair(name, cursor);
    }
    query.append_pair("limit", &limit.to_string());
    format!("?{}", query.finish())
}

fn write((key, id): &Place) -> String {
    hex::encode(format!("c{id}:{key}"))
}

fn read(cursor: &str) -> Option<Place> {
    let text = String::from_utf8(hex::decode(cursor).ok()?).ok()?;
    let (id, key) = text.strip_prefix('c')?.split_once(':')?;
    Some((key.to_owned(), id.parse().ok()?))
}
