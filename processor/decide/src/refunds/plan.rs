//! How a refund is booked: what was neither shipped nor invoiced comes off the sales order, all else is a sales credit.

use std::collections::BTreeMap;

use orderbridge_schema::decision::{Effect, Hold};
use orderbridge_schema::facts::{Note, RefundItem, SalesOrder, SalesOrderRow};
use orderbridge_schema::ids::{OrderLineId, SalesOrderRowId, StoreStatusId};
use orderbridge_schema::link::RowLink;
use orderbridge_schema::money;
use orderbridge_schema::refund::{RefundMark, RefundWay};
use rust_decimal::Decimal;

use super::{Case, is_bundle, rows, sales_order, unclear};
use crate::cancellation;
use crate::facts::{Ask, Need, known};

/// Refunded (BC §d.6).
const WHOLLY_REFUNDED: StoreStatusId = StoreStatusId(4);

/// Pieces of a line that a refund takes back, with the row that stands for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Returned<'a> {
    pub(super) link: &'a RowLink,
    pub(super) pieces: u32,
}

/// Where the pieces of a refund are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Still in the warehouse, on no note.
    Here,
    /// They have left.
    Gone,
    /// Some of each.
    Both,
    /// On a note that has not left.
    OnNote,
}

/// How a refund is to be booked, decided once.
pub(super) fn way(case: &Case<'_>) -> Ask<Result<RefundMark, Box<Hold>>> {
    if let Some(why) = untimely(case) {
        return Ok(Err(unclear(case.refund, why)));
    }
    let sales_order = match sales_order(case)? {
        Ok(sales_order) => sales_order,
        Err(hold) => return Ok(Err(hold)),
    };
    if cancellation::is_cancelled(case.ctx, sales_order) {
        return Ok(Err(unclear(case.refund, &format!("sales order {} is cancelled already", sales_order.id))));
    }
    let returned = match returned(case) {
        Ok(returned) => returned,
        Err(hold) => return Ok(Err(hold)),
    };
    let mark = RefundMark {
        refund: case.refund.id,
        sales_order: sales_order.id,
        way: RefundWay::Credit,
        rows: Vec::new(),
        extra: None,
        credit: None,
        goods_in: None,
        booked: false,
    };
    if sales_order.standing.invoiced {
        return Ok(Ok(mark));
    }
    if !sales_order.standing.fulfilled {
        return Ok(untouched(case, sales_order, &returned, mark));
    }
    let notes = known(case.facts.notes.as_ref(), Need::Notes)?;
    Ok(part_shipped(case, sales_order, notes, &returned, mark))
}

/// Why nothing can be said about a refund yet.
fn untimely(case: &Case<'_>) -> Option<&'static str> {
    if case.facts.links.len() > 1 {
        Some("several sales orders stand for the order, and which of them it is of cannot be told")
    } else if case.facts.held.contains(&Effect::Verification) {
        Some("the sales order was found to differ from the store's order, which is to be mended first")
    } else {
        None
    }
}

/// Some of it is on notes: what a refund takes back comes off the sales order or is credited, by where it is.
fn part_shipped(
    case: &Case<'_>,
    sales_order: &SalesOrder,
    notes: &[Note],
    returned: &[Returned<'_>],
    mark: RefundMark,
) -> Result<RefundMark, Box<Hold>> {
    let why = match places(sales_order, notes, returned).as_slice() {
        [] if is_open(case, sales_order, notes) => {
            "the whole order is refunded by an amount, and some of its goods have not left: whether they still are to leave is not said"
        }
        [] | [Place::Gone] => return Ok(mark),
        [Place::Here] => return rows::taken_off(case, sales_order, returned, mark),
        places if places.contains(&Place::OnNote) => {
            "goods that it takes back are on a goods-out note that has not left: ship the note, or delete it"
        }
        _ => "a part of its goods was shipped and a part was not, and a payment cannot be booked on two orders",
    };
    Err(unclear(case.refund, why))
}

/// Nothing was shipped or invoiced.
fn untouched(case: &Case<'_>, sales_order: &SalesOrder, returned: &[Returned<'_>], mark: RefundMark) -> Result<RefundMark, Box<Hold>> {
    let decimals = case.decimals();
    let left = money::round(sales_order.total, decimals);
    let total = money::round(case.refund.total, decimals);
    if left == total {
        return Ok(RefundMark { way: RefundWay::Cancel, ..mark });
    }
    if left < total {
        let why = format!("sales order {} has only {} left", sales_order.id, left.normalize());
        return Err(unclear(case.refund, &why));
    }
    rows::taken_off(case, sales_order, returned, mark)
}

/// Lines that a refund is of, each once.
pub(super) fn returned<'a>(case: &Case<'a>) -> Result<Vec<Returned<'a>>, Box<Hold>> {
    let mut pieces: BTreeMap<OrderLineId, u32> = BTreeMap::new();
    for item in &case.refund.items {
        if let RefundItem::Product { line, quantity } = item {
            let sum = pieces.entry(*line).or_default();
            *sum = sum.saturating_add(*quantity);
        }
    }
    let of_line = |(line, pieces): (OrderLineId, u32)| {
        let link = case.facts.row_links.iter().find(|link| link.line == line && link.sales_order == case.link.sales_order);
        let link = link.ok_or_else(|| unclear(case.refund, &format!("no row of the sales order is known to stand for line {line}")))?;
        Ok(Returned { link, pieces })
    };
    pieces.into_iter().filter(|(_, pieces)| *pieces > 0).map(of_line).collect()
}

/// Where goods are, each place once. What is never shipped goes with the rest.
fn places(sales_order: &SalesOrder, notes: &[Note], returned: &[Returned<'_>]) -> Vec<Place> {
    let mut places = Vec::new();
    for returned in returned.iter().filter(|returned| returned.link.shippable) {
        let row = sales_order.rows.iter().find(|row| row.id == returned.link.row);
        let here = row.is_some_and(|row| Decimal::from(returned.pieces) <= row.quantity - on_notes(sales_order, notes, row, false));
        let gone = row.map_or(Decimal::ZERO, |row| on_notes(sales_order, notes, row, true));
        let taken = row.map_or(Decimal::ZERO, |row| on_notes(sales_order, notes, row, false));
        let all = row.map_or(Decimal::ZERO, |row| row.quantity);
        let place = match () {
            () if here => Place::Here,
            () if gone == all => Place::Gone,
            () if taken == all => Place::OnNote,
            () => Place::Both,
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// Whether goods are still to leave although the store says that the whole order is refunded.
fn is_open(case: &Case<'_>, sales_order: &SalesOrder, notes: &[Note]) -> bool {
    let links = case.facts.row_links.iter().filter(|link| link.shippable && link.sales_order == sales_order.id);
    let is_open = |link: &RowLink| !has_left(sales_order, notes, &Returned { link, pieces: 0 });
    case.order.status == WHOLLY_REFUNDED && links.filter(|link| sales_order.rows.iter().any(|row| row.id == link.row)).any(is_open)
}

/// Whether all pieces of a line's row have left.
pub(super) fn has_left(sales_order: &SalesOrder, notes: &[Note], returned: &Returned<'_>) -> bool {
    let row = sales_order.rows.iter().find(|row| row.id == returned.link.row);
    row.is_some_and(|row| on_notes(sales_order, notes, row, true) >= row.quantity)
}

/// How many of a row are on notes, or on those that have left. Of a bundle, whose components notes list, as many as those of which most
/// are.
fn on_notes(sales_order: &SalesOrder, notes: &[Note], row: &SalesOrderRow, have_left: bool) -> Decimal {
    let of_row = |id: SalesOrderRowId| {
        let counted = notes.iter().filter(|note| !note.transfer && (note.shipped || !have_left)).flat_map(|note| &note.rows);
        counted.filter(|part| part.row == id).map(|part| part.quantity).fold(Decimal::ZERO, |sum, quantity| sum.saturating_add(quantity))
    };
    if !is_bundle(sales_order, row) {
        return of_row(row.id);
    }
    let components = sales_order.rows.iter().filter(|part| part.bundle_parent_row == Some(row.id));
    let bundles = components.filter_map(|part| of_row(part.id).checked_mul(row.quantity)?.checked_div(part.quantity));
    bundles.max().unwrap_or_default().ceil()
}
