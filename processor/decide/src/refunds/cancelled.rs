//! The whole of an order is refunded before anything of it was shipped: its money is given back and its sales order cancelled.

use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::refund::RefundMark;

use super::{Case, commands, held, paid, sales_order};
use crate::cancellation;
use crate::facts::Ask;

/// The next step; nothing if all of it is done.
pub(super) fn step(case: &Case<'_>, mark: &RefundMark) -> Ask<Decision> {
    let sales_order = match sales_order(case)? {
        Ok(sales_order) => sales_order,
        Err(hold) => return Ok(held(*hold)),
    };
    let paid = paid::back(case, mark.sales_order);
    if !paid.commands.is_empty() || !paid.holds.is_empty() || cancellation::is_cancelled(case.ctx, sales_order) {
        return Ok(paid);
    }
    let Some(status) = cancellation::status(case.ctx) else { return Ok(held(no_status())) };
    if let Some(hold) = cancellation::hindrance(case.ctx, case.facts, case.order, sales_order, status)? {
        return Ok(held(Hold { effect: Effect::Refund, ..hold }));
    }
    Ok(commands(vec![Command::SetSalesOrderStatus { sales_order: sales_order.id, status, agreed_with: case.order.status }]))
}

fn no_status() -> Hold {
    Hold {
        effect: Effect::Refund,
        cause: Cause::CannotCancel("no-status"),
        why: "the Brightpearl account does not say which status cancels an order".into(),
        remedy: "choose a status for cancelled orders in Brightpearl's settings".into(),
    }
}
