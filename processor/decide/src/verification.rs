//! A sales order that was just made is read once: its total is compared, and its rows are matched to the store's lines.

use std::collections::BTreeSet;

use orderbridge_schema::command::NewRow;
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{SalesOrder, SalesOrderRow, StoreOrder};
use orderbridge_schema::ids::{ProductId, SalesOrderId, SalesOrderRowId};
use orderbridge_schema::link::{OrderLink, RowLink};
use orderbridge_schema::money;
use rust_decimal::Decimal;

use crate::creation::comparison_needs;
use crate::currency;
use crate::facts::{Ask, Context, Need, OrderFacts, known};
use crate::row_note::decide_row_note;
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

    /// Of the rows that we own: people and other programs may have added some since. Where there are no others it is what Brightpearl
    /// itself says, since that is what is invoiced; likewise of an order that others entered, where none of the rows is ours.
    fn made(sales_order: &SalesOrder, ours: &[Owned<'_>], is_entered_by_others: bool) -> Option<Self> {
        let owned = sales_order.rows.iter().filter(|row| ours.iter().any(|(_, own)| own.id == row.id) || row.bundle_child);
        if is_entered_by_others || owned.clone().count() == sales_order.rows.len() {
            return Some(Self { total: sales_order.total, tax: sales_order.tax });
        }
        let tax = owned.clone().try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.tax))?;
        let total = owned.clone().try_fold(tax, |sum, row| sum.checked_add(row.net))?;
        Some(Self { total, tax })
    }

    fn rounded(self, decimals: u32) -> Self {
        Self { total: money::round(self.total, decimals), tax: money::round(self.tax, decimals) }
    }

    fn shown(self) -> String {
        format!("{} with {} tax", self.total.normalize(), self.tax.normalize())
    }
}

/// What was sent, and the row that it became.
pub(crate) type Owned<'a> = (&'a NewRow, &'a SalesOrderRow);

/// Compares a linked sales order that has not been verified yet.
pub(crate) fn decide_verification(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    let Some(sales_order) = known(facts.sales_orders.get(&link.sales_order), Need::SalesOrder(link.sales_order))? else {
        return Ok(held(sales_order_missing(link.sales_order)));
    };
    comparison_needs(facts)?;
    let Some(Some(order)) = &facts.store_order else {
        return Ok(unmatched(sales_order, "the store has no such order any more, so its rows cannot be compared"));
    };
    let planned = match plan_rows(ctx, order, facts) {
        Ok(rows) => rows,
        Err(NoRows::Need(needs)) => return Err(needs),
        Err(NoRows::Held(_)) => return Ok(unmatched(sales_order, "the store's order changed and its rows can no longer be worked out")),
    };
    let is_entered_by_others = link.external_ref.is_empty();
    let Some(ours) = match_rows(&planned, sales_order, is_entered_by_others) else {
        return Ok(unmatched(sales_order, "the rows of the sales order could not be told apart"));
    };
    let note = if is_entered_by_others { Decision::default() } else { decide_row_note(facts, sales_order.id, &planned)? };
    // A note that Brightpearl refuses waits, and everything else goes on.
    if note.commands.iter().any(|command| !facts.refused.contains_key(&command.name())) {
        return Ok(note);
    }
    let mut decision = Decision { verified: Some((sales_order.id, row_links(&ours, sales_order.id))), ..note };
    if !is_entered_by_others {
        let lacking = ours.iter().filter(|(plan, row)| !has_texts(plan, row));
        decision.holds.extend(lacking.map(|(plan, _)| text_differs(sales_order.id, plan)));
    }
    match totals(ctx, order, (&planned, sales_order), (&ours, is_entered_by_others)) {
        Ok(remark) => decision.remarks.push(remark),
        Err(hold) => decision.holds.push(hold),
    }
    if decision.holds.is_empty() && decision.commands.is_empty() {
        decision.cleared.push(Effect::Verification);
    }
    Ok(decision)
}

/// Compares the total of the rows that are ours with what they are to be.
pub(crate) fn totals(
    ctx: &Context<'_>,
    order: &StoreOrder,
    (planned, sales_order): (&[NewRow], &SalesOrder),
    (ours, is_entered_by_others): (&[Owned<'_>], bool),
) -> Result<Remark, Hold> {
    let (sent, made) = (Amounts::of(planned), Amounts::made(sales_order, ours, is_entered_by_others));
    let decimals = currency::decimals(order, &ctx.reference.store);
    match made.filter(|made| sent == Some(made.rounded(decimals))) {
        Some(made) => {
            let text = format!("sales order {} has the store's total of {} in {}", sales_order.id, made.shown(), order.currency);
            Ok(Remark { key: "total-equal", text })
        }
        None => Err(total_differs(sales_order.id, made, sent)),
    }
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

/// The rows that are ours: by our key if Brightpearl echoes it, else by product, quantity and place.
///
/// Where others entered the sales order, rows have their keys and names for delivery, discounts and the like, which no line stands for.
fn match_rows<'a>(planned: &'a [NewRow], sales_order: &'a SalesOrder, is_entered_by_others: bool) -> Option<Vec<Owned<'a>>> {
    let candidates: Vec<&SalesOrderRow> = sales_order.rows.iter().filter(|row| !row.bundle_child).collect();
    let mut taken: BTreeSet<SalesOrderRowId> = BTreeSet::new();
    let mut owned = Vec::new();
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
        owned.push((plan, *row));
    }
    Some(owned)
}

/// The rows that stand for store lines.
fn row_links(ours: &[Owned<'_>], sales_order: SalesOrderId) -> Vec<RowLink> {
    let link = |(plan, row): &Owned<'_>| {
        let line = plan.line?;
        Some(RowLink {
            line: line.line,
            address: line.address,
            sales_order,
            row: row.id,
            product: row.product,
            quantity: plan.quantity,
            shippable: line.shippable,
        })
    };
    ours.iter().filter_map(link).collect()
}

/// Whether what the shopper chose or typed stands on the row. Blanks are not compared: platforms collapse them.
fn has_texts(plan: &NewRow, row: &SalesOrderRow) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    plan.texts().next().is_none() || words(&plan.name) == words(&row.name)
}

fn text_differs(sales_order: SalesOrderId, plan: &NewRow) -> Hold {
    Hold {
        effect: Effect::Verification,
        cause: Cause::RowTextDiffers(plan.external_ref.clone()),
        why: format!("a row of sales order {sales_order} ({}) does not show all that the shopper chose or typed for it", plan.external_ref),
        remedy: "compare the row's name with the options, messages and files of the line at the store, and correct it".into(),
    }
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

fn total_differs(sales_order: SalesOrderId, made: Option<Amounts>, sent: Option<Amounts>) -> Hold {
    let shown = |amounts: Option<Amounts>| amounts.map_or_else(|| "an amount too large".to_owned(), Amounts::shown);
    let (made, sent) = (shown(made), shown(sent));
    Hold {
        effect: Effect::Verification,
        cause: Cause::CreatedTotalDiffers,
        why: format!("sales order {sales_order} has the total {made}, the store's order {sent}"),
        remedy: "compare the rows of the sales order with the store's order and correct the sales order".into(),
    }
}

fn held(hold: Hold) -> Decision {
    Decision { holds: vec![hold], ..Decision::default() }
}
