//! An audit as CSV (RFC 4180): one table, a line for each total, difference and waiting, held or skipped order.

use orderbridge_schema::audit::{AuditReport, Book, Difference, Money, Standing, Sum};
use rust_decimal::Decimal;

const HEADINGS: [&str; 15] = [
    "audit",
    "tenant",
    "section",
    "kind",
    "order",
    "sales_order",
    "reference",
    "currency",
    "count",
    "store",
    "brightpearl",
    "by",
    "counted",
    "cause",
    "why",
];

/// One line; what does not apply is empty.
#[derive(Default)]
struct Line {
    section: &'static str,
    kind: String,
    order: String,
    sales_order: String,
    reference: String,
    currency: String,
    count: String,
    store: String,
    brightpearl: String,
    by: String,
    counted: String,
    cause: String,
    why: String,
}

/// The whole table, with a line of headings.
pub(super) fn of(number: i64, report: &AuditReport) -> String {
    let mut lines: Vec<Line> = report.books.iter().flat_map(totals).collect();
    lines.extend(report.differences.iter().map(|difference| different("difference", difference)));
    lines.extend(report.waiting.iter().map(|difference| different("waiting", difference)));
    lines.extend(report.held.iter().map(|standing| stands("held", standing)));
    lines.extend(report.skipped.iter().map(|standing| stands("skipped", standing)));
    let mut text = row(HEADINGS.into_iter().map(str::to_owned));
    for line in lines {
        let first = [number.to_string(), report.tenant.to_string(), line.section.to_owned(), line.kind, line.order, line.sales_order, line.reference];
        let rest = [line.currency, line.count, line.store, line.brightpearl, line.by, line.counted, line.cause, line.why];
        text.push_str(&row(first.into_iter().chain(rest)));
    }
    text
}

fn totals(book: &Book) -> Vec<Line> {
    let sides = [("orders", book.orders), ("tax", book.tax), ("payments", book.payments), ("refunds", book.refunds)];
    let both = sides.into_iter().map(|(kind, sides)| Line {
        section: "total",
        kind: kind.to_owned(),
        currency: book.currency.clone(),
        count: format!("{}/{}", sides.store.count, sides.brightpearl.count),
        store: amount(sides.store.total),
        brightpearl: amount(sides.brightpearl.total),
        by: amount(sides.store.total.saturating_sub(sides.brightpearl.total)),
        ..Line::default()
    });
    let of_store = |(kind, sum): (&str, Sum)| Line {
        section: "total",
        kind: kind.to_owned(),
        currency: book.currency.clone(),
        count: sum.count.to_string(),
        store: amount(sum.total),
        ..Line::default()
    };
    let ones = [("held", book.held), ("skipped", book.skipped), ("waiting", book.waiting), ("taken-off", book.taken_off)];
    both.chain(ones.into_iter().map(of_store)).collect()
}

fn different(section: &'static str, difference: &Difference) -> Line {
    let currencies: Vec<&str> = [&difference.store, &difference.brightpearl].into_iter().flatten().map(|money| money.currency.as_str()).collect();
    let currency = match currencies.as_slice() {
        [ours, theirs] if ours != theirs => format!("{ours}/{theirs}"),
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    };
    let side = |money: &Option<Money>| money.as_ref().map(|money| amount(money.amount)).unwrap_or_default();
    Line {
        section,
        kind: difference.kind.to_string(),
        order: difference.order.map(|id| id.to_string()).unwrap_or_default(),
        sales_order: difference.sales_order.map(|id| id.to_string()).unwrap_or_default(),
        reference: difference.reference.clone().unwrap_or_default(),
        currency,
        store: side(&difference.store),
        brightpearl: side(&difference.brightpearl),
        by: difference.by.map(amount).unwrap_or_default(),
        counted: difference.counted.to_string(),
        cause: difference.cause.clone(),
        why: difference.why.clone(),
        ..Line::default()
    }
}

fn stands(section: &'static str, standing: &Standing) -> Line {
    Line {
        section,
        kind: section.to_owned(),
        order: standing.order.to_string(),
        currency: standing.total.currency.clone(),
        store: amount(standing.total.amount),
        counted: standing.counted.to_string(),
        cause: standing.cause.clone(),
        why: standing.why.clone(),
        ..Line::default()
    }
}

pub(super) fn amount(amount: Decimal) -> String {
    amount.to_string()
}

fn row(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| quoted(&cell)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// A cell as RFC 4180 has it. A text that a spreadsheet would take for a formula gets an apostrophe; numbers do not.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t']) && cell.parse::<Decimal>().is_err();
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_need_it_are_quoted_and_none_is_a_formula() {
        for (cell, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("-17.40", "-17.40"),
            ("=1+1", "'=1+1"),
            ("@x,y", "\"'@x,y\""),
        ] {
            assert_eq!(quoted(cell), expected, "{cell}");
        }
    }
}
