//! An audit for people.

use std::fmt::Write as _;

use orderbridge_schema::audit::{AuditReport, Book, Difference, Money, Standing, Sum};

use super::csv::amount;

/// What was found, the totals first.
pub(super) fn of(number: i64, report: &AuditReport) -> String {
    let mut text = format!(
        "audit {number} of {}: {:.0} to {:.0}, {} orders compared by rules version {}\n",
        report.tenant, report.window.from, report.window.to, report.orders_compared, report.rules_version
    );
    report.books.iter().for_each(|book| totals(&mut text, book, report.payments_compared));
    if !report.payments_compared {
        line(&mut text, "payments are not booked by the rules, so neither they nor refunds were compared");
    }
    section(&mut text, "differences", &report.differences, differs);
    section(&mut text, "on their way", &report.waiting, differs);
    section(&mut text, "held", &report.held, stands);
    section(&mut text, "left alone by the rules", &report.skipped, stands);
    if report.held_left_out > 0 {
        line(&mut text, &format!("{} more held orders are older than the window and not listed", report.held_left_out));
    }
    if report.differences.is_empty() {
        line(&mut text, "the books agree");
    }
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _written = writeln!(text, "{line}");
}

fn totals(text: &mut String, book: &Book, with_payments: bool) {
    line(text, &format!("\n{:<11}{:>8}{:>16}{:>10}{:>16}{:>14}", book.currency, "store", "", "brightp.", "", "difference"));
    let mut sides = vec![("orders", book.orders), ("  tax", book.tax)];
    if with_payments {
        sides.extend([("payments", book.payments), ("refunds", book.refunds)]);
    }
    for (name, sides) in sides {
        let by = sides.store.total.saturating_sub(sides.brightpearl.total);
        let of = |sum: Sum| (sum.count, amount(sum.total));
        let ((ours, our_total), (theirs, their_total)) = (of(sides.store), of(sides.brightpearl));
        line(text, &format!("{name:<11}{ours:>8}{our_total:>16}{theirs:>10}{their_total:>16}{:>14}", amount(by)));
    }
    for (name, sum) in [("held", book.held), ("left alone", book.skipped), ("on the way", book.waiting), ("refunded", book.taken_off)] {
        if sum.count > 0 {
            line(text, &format!("{name:<11}{:>8}{:>16}", sum.count, amount(sum.total)));
        }
    }
}

fn section<T>(text: &mut String, name: &str, items: &[T], show: impl Fn(&T) -> String) {
    if !items.is_empty() {
        line(text, &format!("\n{name}:"));
        items.iter().for_each(|item| line(text, &format!("  {}", show(item))));
    }
}

fn differs(difference: &Difference) -> String {
    let mut what = difference.kind.to_string();
    let mut add = |words: Option<String>| what.extend(words.map(|words| format!(" {words}")));
    add(difference.order.map(|id| format!("order {id}")));
    add(difference.sales_order.map(|id| format!("sales order {id}")));
    add(difference.reference.clone());
    let side = |money: &Option<Money>| money.as_ref().map_or_else(|| "nothing".to_owned(), shown);
    if difference.store.is_some() || difference.brightpearl.is_some() {
        add(Some(format!("store {}, Brightpearl {}", side(&difference.store), side(&difference.brightpearl))));
    }
    add(difference.by.map(|by| format!("(by {})", amount(by))));
    format!("{what}: {} [{}]", difference.why, difference.cause)
}

fn stands(standing: &Standing) -> String {
    format!("order {} {}: {} [{}]", standing.order, shown(&standing.total), standing.why, standing.cause)
}

fn shown(money: &Money) -> String {
    format!("{} {}", amount(money.amount), money.currency)
}
