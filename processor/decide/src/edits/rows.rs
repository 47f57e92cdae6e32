//! The rows that are ours: as they were when both sides were in step, as Brightpearl has them now, and as they are to be.
//!
//! A row that is already as it is to be needs nothing, whoever made it so. One that Brightpearl still has as it was is changed. One that
//! is neither was changed by people, whose change is never overwritten. All rows that are not ours stay as they are.

use std::collections::BTreeSet;

use orderbridge_schema::command::NewRow;
use orderbridge_schema::edit::{InStep, OwnedRow};
use orderbridge_schema::facts::{SalesOrder, SalesOrderRow};
use orderbridge_schema::ids::{ProductId, SalesOrderId, SalesOrderRowId};
use orderbridge_schema::link::RowLink;
use orderbridge_schema::money;
use rust_decimal::Decimal;

use super::words;

/// The product of free-text rows (BP §e.3).
pub(super) const FREE_TEXT: ProductId = ProductId(1000);

/// How the rows of a sales order are to be changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Rows to be given another quantity or amount.
    pub(super) changed: Vec<(SalesOrderRowId, NewRow)>,
    /// Rows to be made.
    pub(super) added: Vec<NewRow>,
    /// Rows to be taken away.
    pub(super) removed: Vec<SalesOrderRowId>,
    /// What people changed, in words.
    pub(super) conflicts: Vec<String>,
    /// Rows that are as they are to be.
    pub(super) owned: Vec<OwnedRow>,
    /// Those of them that stand for lines.
    pub(super) links: Vec<RowLink>,
    /// Pieces are taken off a row that stock may be kept back for.
    pub(super) lowers: bool,
}

impl Changes {
    /// Whether all rows are as they are to be.
    pub(super) const fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.added.is_empty() && self.removed.is_empty() && self.conflicts.is_empty()
    }

    fn keep(&mut self, plan: &NewRow, row: &SalesOrderRow, sales_order: SalesOrderId) {
        self.owned.push(owned(plan, row));
        self.links.extend(link(plan, row, sales_order));
    }
}

/// A row that is ours.
fn owned(plan: &NewRow, row: &SalesOrderRow) -> OwnedRow {
    OwnedRow { row: row.id, key: plan.external_ref.clone(), product: row.product, quantity: plan.quantity, net: plan.net, tax: plan.tax }
}

fn link(plan: &NewRow, row: &SalesOrderRow, sales_order: SalesOrderId) -> Option<RowLink> {
    let line = plan.line?;
    let (address, shippable) = (line.address, line.shippable);
    Some(RowLink { line: line.line, address, sales_order, row: row.id, product: row.product, quantity: plan.quantity, shippable })
}

/// The rows that were made from a plan; none if they cannot be told apart. Where others entered the sales order, some may have none.
pub(super) fn made(planned: &[NewRow], sales_order: &SalesOrder, is_entered_by_others: bool) -> Option<Vec<OwnedRow>> {
    let mut taken: BTreeSet<SalesOrderRowId> = BTreeSet::new();
    let mut rows = Vec::new();
    for plan in planned {
        let free = |row: &&SalesOrderRow| !row.bundle_child && !taken.contains(&row.id);
        let by_key = sales_order.rows.iter().filter(free).find(|row| row.external_ref == plan.external_ref);
        let is_unkeyed = |row: &SalesOrderRow| row.external_ref.is_empty() || is_entered_by_others;
        let alike = |row: &&SalesOrderRow| is_unkeyed(row) && has_pieces(row, plan) && (plan.product.is_some() || row.name == plan.name);
        match by_key.or_else(|| sales_order.rows.iter().filter(free).find(alike)) {
            Some(row) => {
                taken.insert(row.id);
                rows.push(owned(plan, row));
            }
            None if is_entered_by_others => {}
            None => return None,
        }
    }
    Some(rows)
}

fn has_pieces(row: &SalesOrderRow, plan: &NewRow) -> bool {
    row.product == plan.product.unwrap_or(FREE_TEXT) && row.quantity == Decimal::from(plan.quantity)
}

/// Compares what was, what is and what is to be.
pub(super) fn compare(mark: &InStep, planned: &[NewRow], sales_order: &SalesOrder, decimals: u32) -> Changes {
    let mut changes = Changes::default();
    let mut before: Vec<&OwnedRow> = mark.rows.iter().collect();
    let mut taken: BTreeSet<SalesOrderRowId> = mark.rows.iter().map(|row| row.row).collect();
    for plan in planned {
        let place = before.iter().position(|row| row.key == plan.external_ref);
        let base = place.map(|place| before.remove(place));
        let present = base.and_then(|base| sales_order.rows.iter().find(|row| row.id == base.row));
        match (base, present) {
            (_, Some(row)) if is_as_planned(row, plan, decimals) => changes.keep(plan, row, mark.sales_order),
            (Some(base), Some(row)) if is_as_it_was(row, base, decimals) => change(&mut changes, sales_order, row, plan),
            (_, Some(row)) => changes.conflicts.push(words::changed_there(&plan.external_ref, row)),
            (base, None) => match unowned(sales_order, plan, &taken, decimals) {
                Some(row) if is_as_planned(row, plan, decimals) => {
                    taken.insert(row.id);
                    changes.keep(plan, row, mark.sales_order);
                }
                Some(row) => changes.conflicts.push(words::changed_there(&plan.external_ref, row)),
                None if base.is_some() => changes.conflicts.push(words::removed_there(&plan.external_ref)),
                None => changes.added.push(plan.clone()),
            },
        }
    }
    for base in before {
        match sales_order.rows.iter().find(|row| row.id == base.row) {
            None => {}
            Some(row) if is_as_it_was(row, base, decimals) => remove(&mut changes, row),
            Some(row) => changes.conflicts.push(words::changed_there(&base.key, row)),
        }
    }
    changes
}

/// A row that is not ours and stands for what is planned: our own, made by a change whose answer never came, or one that people made.
fn unowned<'a>(sales_order: &'a SalesOrder, plan: &NewRow, taken: &BTreeSet<SalesOrderRowId>, decimals: u32) -> Option<&'a SalesOrderRow> {
    let free = |row: &&SalesOrderRow| !row.bundle_child && !taken.contains(&row.id);
    let by_key = sales_order.rows.iter().filter(free).find(|row| row.external_ref == plan.external_ref);
    let alike =
        |row: &&SalesOrderRow| row.external_ref.is_empty() && is_as_planned(row, plan, decimals) && (plan.product.is_some() || row.name == plan.name);
    by_key.or_else(|| sales_order.rows.iter().filter(free).find(alike))
}

/// A row of another product, and a bundle of another number, is made anew: only so do its components follow (BP §e.3).
fn change(changes: &mut Changes, sales_order: &SalesOrder, row: &SalesOrderRow, plan: &NewRow) {
    let is_bundle = sales_order.rows.iter().any(|part| part.bundle_parent_row == Some(row.id));
    let is_other_product = row.product != plan.product.unwrap_or(FREE_TEXT);
    if is_other_product || (is_bundle && row.quantity != Decimal::from(plan.quantity)) {
        remove(changes, row);
        changes.added.push(plan.clone());
    } else {
        changes.lowers |= row.product != FREE_TEXT && Decimal::from(plan.quantity) < row.quantity;
        changes.changed.push((row.id, plan.clone()));
    }
}

fn remove(changes: &mut Changes, row: &SalesOrderRow) {
    changes.lowers |= row.product != FREE_TEXT;
    changes.removed.push(row.id);
}

fn is_as_planned(row: &SalesOrderRow, plan: &NewRow, decimals: u32) -> bool {
    has_pieces(row, plan) && has_amounts(row, (plan.net, plan.tax), decimals)
}

fn is_as_it_was(row: &SalesOrderRow, base: &OwnedRow, decimals: u32) -> bool {
    row.product == base.product && row.quantity == Decimal::from(base.quantity) && has_amounts(row, (base.net, base.tax), decimals)
}

fn has_amounts(row: &SalesOrderRow, (net, tax): (Decimal, Decimal), decimals: u32) -> bool {
    let rounded = |amount| money::round(amount, decimals);
    rounded(row.net) == rounded(net) && rounded(row.tax) == rounded(tax)
}

/// Whether stock is to be kept back for more than was.
pub(super) fn raises(mark: &InStep, planned: &[NewRow]) -> bool {
    let before = |plan: &NewRow| mark.rows.iter().find(|row| row.key == plan.external_ref && Some(row.product) == plan.product);
    let more = |plan: &NewRow| plan.product.is_some() && before(plan).is_none_or(|row| row.quantity < plan.quantity);
    planned.iter().any(more)
}
