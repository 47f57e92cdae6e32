//! Refunds in a preview.

use orderbridge_decide::{OrderFacts, after_row};
use orderbridge_schema::command::Command;
use orderbridge_schema::decision::Decision;
use orderbridge_schema::ids::SalesOrderId;

use super::{Preview, What};

/// What a command about a refund would do.
pub(super) fn what(command: &Command) -> What {
    let field = |of: String, field, from: String, to: String| What::Field { of, field, from, to };
    match command {
        Command::SetOrderRow(change) => {
            let of = format!("row {} of sales order {}", change.change.row, change.sales_order);
            field(of, "pieces", change.change.from.to_string(), change.change.to.to_string())
        }
        Command::AddOrderRow(new) => {
            let to = format!("one more, of {} with {} tax", new.row.net, new.row.tax);
            field(format!("sales order {}", new.sales_order), "rows", String::new(), to)
        }
        Command::CreateSalesCredit(credit) => {
            let to = format!("one more, for refund {} ({} rows)", credit.refund, credit.rows.len());
            field(format!("sales order {}", credit.sales_order), "sales credits", String::new(), to)
        }
        Command::ReceiveGoods(goods) => {
            let pieces: u64 = goods.rows.iter().map(|row| u64::from(row.quantity)).sum();
            let to = format!("{pieces} pieces in warehouse {}", goods.place.warehouse);
            field(format!("sales credit {}", goods.credit), "goods received", String::new(), to)
        }
        _ => What::Contact,
    }
}

/// The facts as they would be after such a command. What is paid on a new sales credit is told once it is made.
pub(super) fn pretend(facts: &mut OrderFacts, preview: &mut Preview, command: &Command) {
    if let Command::CreateSalesCredit(credit) = command {
        preview.unknown = Some("what a refund pays back on its sales credit is told once that is made");
        let marks = facts.refund_marks.iter_mut().filter(|mark| mark.refund == credit.refund);
        marks.for_each(|mark| (mark.credit, mark.booked) = (Some(SalesOrderId(0)), true));
    }
    if let Command::ReceiveGoods(goods) = command {
        facts.refund_marks.iter_mut().filter(|mark| mark.refund == goods.refund).for_each(|mark| mark.goods_in = Some(0));
    }
    after_row(facts, command, None);
}

/// What a decision would leave in our own records.
pub(super) fn record(facts: &mut OrderFacts, preview: &mut Preview, decision: &Decision) -> bool {
    let mut recorded = false;
    for mark in decision.refunds.iter().filter(|mark| !facts.refund_marks.contains(mark)).cloned().collect::<Vec<_>>() {
        let what = if mark.booked { "is booked".to_owned() } else { mark.way.words().to_owned() };
        preview.records.push(format!("that refund {} {what} is noted", mark.refund));
        facts.refund_marks.retain(|known| known.refund != mark.refund);
        facts.refund_marks.push(mark);
        recorded = true;
    }
    recorded
}
