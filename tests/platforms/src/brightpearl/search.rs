//! Searches: positional rows with column metadata, typed filters, paging, sorting, and an index that may lag (BP §a.5).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::call::Call;
use super::idset;
use super::json::{set, whole};
use super::reply::{Answer, Refusal, Reply};
use super::search_columns::{Column, Type, columns};
use super::search_rows::row;
use super::switches::Switches;
use super::time;

/// Rows per page at most, and without a `pageSize`.
const PAGE_MAX: usize = 500;

/// What can be searched through the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Orders.
    Order,
    /// Contacts.
    Contact,
    /// Products.
    Product,
    /// Goods-out notes.
    GoodsOut,
    /// Customer payments.
    Payment,
}

/// One searchable object: its values by name.
pub type Row = BTreeMap<&'static str, Value>;

/// What searches see; it may lag behind the objects.
#[derive(Debug, Default)]
pub struct Index {
    rows: BTreeMap<Kind, BTreeMap<i64, Row>>,
    pending: Vec<(Timestamp, Kind, i64)>,
}

impl Account {
    /// Takes the changes of a call into the index, at once or after the lag of the switch.
    pub fn settle_index(&mut self, switches: &Switches, now: Timestamp) {
        let lag = switches.number("search_lag_ms");
        for (kind, id) in std::mem::take(&mut self.changed) {
            if lag == 0 {
                self.reindex(kind, id, switches);
            } else {
                self.index.pending.push((time::later(now, lag), kind, id));
            }
        }
    }

    fn catch_up(&mut self, switches: &Switches, now: Timestamp) {
        if self.index.pending.is_empty() {
            return;
        }
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.index.pending).into_iter().partition(|(at, ..)| *at <= now);
        self.index.pending = later;
        for (_, kind, id) in due {
            self.reindex(kind, id, switches);
        }
    }

    fn reindex(&mut self, kind: Kind, id: i64, switches: &Switches) {
        let fresh = row(self, kind, id, switches);
        let rows = self.index.rows.entry(kind).or_default();
        match fresh {
            Some(fresh) => rows.insert(id, fresh),
            None => rows.remove(&id),
        };
    }
}

/// Answers a search over an indexed kind.
pub fn answer(call: &mut Call<'_>, kind: Kind, resource: &str) -> Answer {
    call.account.catch_up(call.switches, call.now);
    let columns = columns(resource);
    let rows: Vec<&Row> = call.account.index.rows.get(&kind).into_iter().flat_map(BTreeMap::values).collect();
    let only_sales = resource == "sales-order-search";
    let rows: Vec<&Row> = rows.into_iter().filter(|row| !only_sales || row.get("orderTypeId") == Some(&json!(1))).collect();
    run(call, columns, rows, reference(resource))
}

/// Answers a search over a short list.
pub fn answer_list(call: &Call<'_>, resource: &str, rows: &[Row]) -> Answer {
    run(call, columns(resource), rows.iter().collect(), None)
}

/// `GET …-search/meta-data`.
pub fn meta_data(_kind: Kind, resource: &str) -> Answer {
    let shown: Vec<Value> = columns(resource).iter().filter(|column| column.shown).map(describe).collect();
    Reply::data(json!({ "columns": shown }))
}

fn reference(resource: &str) -> Option<Value> {
    matches!(resource, "order-search" | "sales-order-search").then(|| {
        json!({"orderTypeNames": {"1": "SALES_ORDER", "2": "PURCHASE_ORDER", "3": "SALES_CREDIT", "4": "PURCHASE_CREDIT"},
            "orderPaymentStatusNames": {"2": "UNPAID", "3": "PARTIALLY_PAID", "4": "PAID", "5": "NOT_APPLICABLE"}})
    })
}

fn describe(column: &Column) -> Value {
    json!({"name": column.name, "sortable": true, "filterable": column.filterable, "reportDataType": column.kind.name(),
        "referenceData": [], "isFreeTextSearchable": matches!(column.kind, Type::SearchString), "required": false})
}

fn run(call: &Call<'_>, columns: &'static [Column], rows: Vec<&Row>, reference: Option<Value>) -> Answer {
    let mut filters = Vec::new();
    let (mut page_size, mut first, mut count_only) = (PAGE_MAX, 1_usize, false);
    let mut selected: Vec<&Column> = columns.iter().filter(|column| column.shown).collect();
    let mut sorting: Vec<(&Column, bool)> = columns.iter().take(1).map(|column| (column, true)).collect();
    for (name, value) in &call.query {
        match name.as_str() {
            "columns" => selected = value.split(',').map(|name| column(columns, name.trim())).collect::<Result<_, _>>()?,
            "pageSize" => page_size = natural(name, value)?,
            "firstResult" => first = natural(name, value)?,
            "countOnly" => count_only = value == "true",
            "sort" => sorting = value.split(',').map(|part| sort_part(columns, part)).collect::<Result<_, _>>()?,
            _ => filters.extend(Filter::parse(columns, name, value, call.switches)?),
        }
    }
    if page_size > PAGE_MAX {
        return Err(Refusal::bad("CMNC-999", format!("pageSize must not be greater than {PAGE_MAX}")));
    }
    let mut found: Vec<&Row> = rows.into_iter().filter(|row| filters.iter().all(|filter| filter.fits(row))).collect();
    found.sort_by(|left, right| {
        sorting.iter().fold(Ordering::Equal, |so_far, (column, ascending)| {
            let step = compare(left.get(column.value), right.get(column.value));
            so_far.then(if *ascending { step } else { step.reverse() })
        })
    });
    let available = found.len();
    let page: Vec<&Row> = if count_only { Vec::new() } else { found.into_iter().skip(first.saturating_sub(1)).take(page_size).collect() };
    let returned = page.len();
    let results: Vec<Value> =
        page.iter().map(|row| Value::Array(selected.iter().map(|column| row.get(column.value).cloned().unwrap_or(Value::Null)).collect())).collect();
    let mut meta = Map::new();
    meta.insert("morePagesAvailable".to_owned(), json!(first.saturating_sub(1) + returned < available && !count_only));
    meta.insert("resultsAvailable".to_owned(), json!(available));
    meta.insert("resultsReturned".to_owned(), json!(returned));
    if returned > 0 {
        meta.insert("firstResult".to_owned(), json!(first));
        meta.insert("lastResult".to_owned(), json!(first + returned - 1));
    }
    meta.insert("columns".to_owned(), selected.iter().map(|column| describe(column)).collect());
    let sorted = |(column, ascending): &(&Column, bool)| {
        json!({"filterable": {"name": column.name, "sortable": true, "filterable": column.filterable, "reportDataType": column.kind.name()},
            "direction": if *ascending { "ASC" } else { "DESC" }})
    };
    meta.insert("sorting".to_owned(), sorting.iter().map(sorted).collect());
    let mut body = json!({"response": {"results": results, "metaData": meta}});
    if let Some(reference) = reference {
        set(&mut body, "reference", reference);
    }
    Ok(Reply { status: 200, body })
}

fn natural(name: &str, value: &str) -> Result<usize, Refusal> {
    value.parse().ok().filter(|number| *number > 0).ok_or_else(|| Refusal::bad("CMNC-999", format!("{name} must be a positive number")))
}

fn column(columns: &'static [Column], name: &str) -> Result<&'static Column, Refusal> {
    columns.iter().find(|column| column.name == name).ok_or_else(|| Refusal::bad("CMNC-999", format!("{name} is not a column of this search")))
}

fn sort_part(columns: &'static [Column], part: &str) -> Result<(&'static Column, bool), Refusal> {
    let (name, direction) = part.split_once(['.', '|']).unwrap_or((part, "ASC"));
    let ascending = match direction {
        "ASC" => true,
        "DESC" => false,
        _ => return Err(Refusal::bad("CMNC-999", format!("{direction} is not a sort direction"))),
    };
    Ok((column(columns, name)?, ascending))
}

fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => left.as_i64().cmp(&right.as_i64()),
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (Some(Value::Bool(left)), Some(Value::Bool(right))) => left.cmp(right),
        (left, right) => left.is_some_and(|value| !value.is_null()).cmp(&right.is_some_and(|value| !value.is_null())),
    }
}

/// One filter, parsed by the type of its column.
#[derive(Debug)]
enum Filter {
    Number(&'static str, i64),
    Ids(&'static str, Vec<i64>),
    Exact(&'static str, String),
    Among(&'static str, Vec<String>),
    Part(&'static str, String),
    Flag(&'static str, bool),
    Period(&'static str, String),
}

impl Filter {
    /// None for an unknown filter that a switch lets pass.
    fn parse(columns: &'static [Column], name: &str, value: &str, switches: &Switches) -> Result<Option<Self>, Refusal> {
        // Names are case-sensitive, and an unknown one is refused (BP §a.5, §m.2).
        let column = columns.iter().find(|column| column.name == name && column.filterable);
        if column.is_none() && switches.is("unknown_search_filter", "ignored") {
            return Ok(None);
        }
        let column = column.ok_or_else(|| Refusal::bad("CMNC-999", format!("{name} is not a filter of this search")))?;
        let kind = column.kind.name();
        let wrong = || Refusal::server("CMNC-018", format!("The filter {name}={value} cannot be parsed as: {kind}"));
        let key = column.value;
        Ok(Some(match column.kind {
            Type::Integer => Self::Number(key, value.parse().map_err(|_ignored| wrong())?),
            Type::IdSet => Self::Ids(key, idset::parse(value).map_err(|_ignored| wrong())?),
            Type::Text if name == "SKU" && switches.is("product_sku_search", "partial") => Self::Part(key, value.to_lowercase()),
            Type::TextSet => Self::Among(key, value.split(',').map(|part| part.trim().to_owned()).collect()),
            Type::Text => Self::Exact(key, value.to_owned()),
            Type::SearchString => Self::Part(key, value.to_lowercase()),
            Type::Boolean => Self::Flag(key, value.parse().map_err(|_ignored| wrong())?),
            Type::Period => {
                time::in_period(None, value).ok_or_else(wrong)?;
                Self::Period(key, value.to_owned())
            }
        }))
    }

    fn fits(&self, row: &Row) -> bool {
        match self {
            Self::Number(key, number) => row.get(key).and_then(whole) == Some(*number),
            Self::Ids(key, ids) => match row.get(key) {
                Some(Value::Array(many)) => many.iter().filter_map(whole).any(|id| ids.contains(&id)),
                one => one.and_then(whole).is_some_and(|id| ids.contains(&id)),
            },
            Self::Exact(key, text) => row.get(key).and_then(Value::as_str) == Some(text),
            Self::Among(key, texts) => row.get(key).and_then(Value::as_str).is_some_and(|text| texts.iter().any(|wanted| wanted == text)),
            Self::Part(key, text) => row.get(key).and_then(Value::as_str).is_some_and(|value| value.to_lowercase().contains(text)),
            Self::Flag(key, flag) => row.get(key).and_then(Value::as_bool) == Some(*flag),
            Self::Period(key, period) => {
                let at = row.get(key).and_then(Value::as_str).and_then(time::parse);
                time::in_period(at, period) == Some(true)
            }
        }
    }
}
