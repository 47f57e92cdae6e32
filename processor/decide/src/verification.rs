//! A sales order that was just made is read once: its total is compared, and its rows are matched to the store's lines.

use std::collections::BTreeSet;

use orderbridge_schema::command::NewRow;
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{SalesOrder, SalesOrderRow};
use orderbridge_schema::ids::{ProductId, SalesOrderId, SalesOrderRowId};
use orderbridge_schema::link::{OrderLink, RowLink};
use orderbridge_schema::money;
use rust_decimal::Decimal;

use crate::creation::comparison_needs;
use crate::facts::{Ask, Context, Need, OrderFacts, known};
use crate::rows::{NoRows, plan_rows};

/// The product that free-text rows get (BP §e.3).
const FREE_TEXT: ProductId = ProductId(1000);

/// What a sales order and the store's order must have in common, to the minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Amounts {
    total: Decimal,
    tax: Decimal,
}

impl Amounts {
    /// Of the rows that were sent; none if they cannot be added up.
    fn of(rows: &[NewRow]) -> Option<Self> {
        let tax = rows.iter().try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.tax))?;
        let total = rows.iter().try_fold(tax, |sum, row| sum.checked_add(row.net))?;
        Some(Self { total, tax })
    }
}

/// Compares a linked sales order that has not been verified yet.
pub(crate) fn decide_verification(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    let Some(sales_order) = known(facts.sales_orders.get(&link.sales_order), Need::SalesOrder(link.sales_order))? else {
        return Ok(held(sales_order_missing(link.sales_order)));
    };
    comparison_needs(facts)?;
    let Some(Some(order)) = &facts.store_order else {
        return Ok(unmatched(sales_order, "the store has no such order any more, so its rows cannot be compared"));
    };
    let planned = match plan_rows(order, facts, &ctx.rules.taxes_and_accounts) {
        Ok(rows) => rows,
        Err(NoRows::Need(needs)) => return Err(needs),
        Err(NoRows::Held(_)) => return Ok(unmatched(sales_order, "the store's order changed and its rows can no longer be worked out")),
    };
    let Some(rows) = match_rows(&planned, sales_order, link.external_ref.is_empty()) else {
        return Ok(unmatched(sales_order, "the rows of the sales order could not be told apart"));
    };
    let sent = Amounts::of(&planned);
    let decimals = money::minor_decimals(&order.currency);
    let made = Amounts { total: money::round(sales_order.total, decimals), tax: money::round(sales_order.tax, decimals) };
    let equal = sent == Some(made);
    let mut decision = Decision { verified: Some((sales_order.id, rows)), ..Decision::default() };
    if equal {
        let text = format!(
            "sales order {} has the store's total of {} {} with {} tax",
            sales_order.id,
            sales_order.total.normalize(),
            order.currency,
            sales_order.tax.normalize()
        );
        decision.remarks.push(Remark { key: "total-equal", text });
        decision.cleared.push(Effect::Verification);
    } else {
        decision.holds.push(total_differs(sales_order, sent));
    }
    Ok(decision)
}

/// Compares a sales order again whose comparison is held. Rows that are linked already stay as they are.
pub(crate) fn decide_again(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    let mut decision = decide_verification(ctx, facts, link)?;
    decision.verified = decision.verified.filter(|(_, rows)| facts.row_links.is_empty() && !rows.is_empty());
    Ok(decision)
}

/// Verified without rows: the statuses can still be kept in step, shipments cannot.
fn unmatched(sales_order: &SalesOrder, why: &str) -> Decision {
    let hold = Hold {
        effect: Effect::Verification,
        cause: Cause::RowsNotMatched,
        why: why.to_owned(),
        remedy: "compare the two orders by hand; shipments of it must be entered at the store by hand".into(),
    };
    Decision { verified: Some((sales_order.id, Vec::new())), holds: vec![hold], ..Decision::default() }
}

/// The rows that stand for store lines: by our key if Brightpearl echoes it, else by product, quantity and place.
///
/// Where others entered the sales order, rows have their keys and names for delivery, discounts and the like, which no line stands for.
fn match_rows(planned: &[NewRow], sales_order: &SalesOrder, is_entered_by_others: bool) -> Option<Vec<RowLink>> {
    let candidates: Vec<&SalesOrderRow> = sales_order.rows.iter().filter(|row| !row.bundle_child).collect();
    let mut taken: BTreeSet<SalesOrderRowId> = BTreeSet::new();
    let mut links = Vec::new();
    for plan in planned {
        let free = |row: &&&SalesOrderRow| !taken.contains(&row.id);
        let echoed = candidates.iter().filter(free).find(|row| row.external_ref == plan.external_ref);
        let is_unkeyed = |row: &SalesOrderRow| row.external_ref.is_empty() || is_entered_by_others;
        let alike = || candidates.iter().filter(free).find(|row| is_unkeyed(row) && is_alike(plan, row));
        let row = match echoed.or_else(alike) {
            None if is_entered_by_others && plan.line.is_none() => continue,
            row => row?,
        };
        taken.insert(row.id);
        if let Some(line) = plan.line {
            links.push(RowLink {
                line: line.line,
                address: line.address,
                sales_order: sales_order.id,
                row: row.id,
                product: row.product,
                quantity: plan.quantity,
                shippable: line.shippable,
            });
        }
    }
    Some(links)
}

fn is_alike(plan: &NewRow, row: &SalesOrderRow) -> bool {
    let product = plan.product.unwrap_or(FREE_TEXT);
    row.product == product && row.quantity == Decimal::from(plan.quantity) && (plan.product.is_some() || row.name == plan.name)
}

pub(crate) fn sales_order_missing(sales_order: SalesOrderId) -> Hold {
    Hold {
        effect: Effect::Verification,
        cause: Cause::SalesOrderMissing,
        why: format!("sales order {sales_order} is not in Brightpearl any more"),
        remedy: "if it was deleted on purpose nothing is to be done; it is never made again by itself".into(),
    }
}

fn total_differs(sales_order: &SalesOrder, sent: Option<Amounts>) -> Hold {
    let shown = |amounts: Amounts| format!("{} with {} tax", amounts.total.normalize(), amounts.tax.normalize());
    let made = shown(Amounts { total: sales_order.total, tax: sales_order.tax });
    let sent = sent.map_or_else(|| "an amount too large".to_owned(), shown);
    Hold {
        effect: Effect::Verification,
        cause: Cause::CreatedTotalDiffers,
        why: format!("sales order {} has the total {made}, the store's order {sent}", sales_order.id),
        remedy: "compare the rows of the sales order with the store's order and correct the sales order".into(),
    }
}

fn held(hold: Hold) -> Decision {
    Decision { holds: vec![hold], ..Decision::default() }
}
