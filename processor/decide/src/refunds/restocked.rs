//! Goods of a sales credit come back into stock, if the rules say so and they had left.

use std::collections::BTreeSet;

use orderbridge_schema::command::{Command, GoodsIn, GoodsInRow};
use orderbridge_schema::decision::{Decision, Hold, Remark};
use orderbridge_schema::facts::{SalesOrder, SalesOrderRow};
use orderbridge_schema::ids::{ProductId, SalesOrderId};
use orderbridge_schema::refund::RefundMark;
use orderbridge_schema::rules::Restock;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::plan::{has_left, returned};
use super::{Case, FREE_TEXT, commands, held, is_bundle, sales_order, unclear};
use crate::facts::{Ask, Need, Needs, known};

/// Receives what a sales credit takes back; nothing if that is done, or not to be done.
pub(super) fn step(case: &Case<'_>, mark: &RefundMark, credit: &SalesOrder) -> Ask<Decision> {
    let Some(place) = case.ctx.rules.payments.refunds.restock.filter(|_| mark.goods_in.is_none()) else { return Ok(Decision::default()) };
    let goods = goods_rows(case, credit)?;
    if goods.is_empty() {
        return Ok(Decision::default());
    }
    let sales_order = match sales_order(case)? {
        Ok(sales_order) => sales_order,
        Err(hold) => return Ok(held(*hold)),
    };
    if !sales_order.standing.fulfilled {
        return Ok(not_received(case));
    }
    let notes = known(case.facts.notes.as_ref(), Need::Notes)?;
    let Ok(returned) = returned(case) else { return Ok(Decision::default()) };
    if !returned.iter().filter(|returned| returned.link.shippable).all(|returned| has_left(sales_order, notes, returned)) {
        return Ok(not_received(case));
    }
    Ok(match goods_in(case, place, credit.id, sales_order, goods) {
        Ok(goods) => commands(vec![Command::ReceiveGoods(Box::new(goods))]),
        Err(hold) => held(*hold),
    })
}

/// The note by which goods come back, at what they cost when they left.
fn goods_in(
    case: &Case<'_>,
    place: Restock,
    credit: SalesOrderId,
    sales_order: &SalesOrder,
    goods: Vec<(&SalesOrderRow, u32)>,
) -> Result<GoodsIn, Box<Hold>> {
    let currency = case.ctx.reference.account.base_currency();
    let currency = currency.ok_or_else(|| unclear(case.refund, "the account does not tell the currency that its goods are valued in"))?;
    let untold = |product| unclear(case.refund, &format!("sales order {} does not tell what product {product} cost the merchant", sales_order.id));
    let row = |(row, quantity): (&SalesOrderRow, u32)| {
        let cost = cost(sales_order, row.product).ok_or_else(|| untold(row.product))?;
        Ok(GoodsInRow { row: row.id, product: row.product, quantity, cost })
    };
    let rows = goods.into_iter().map(row).collect::<Result<_, Box<Hold>>>()?;
    Ok(GoodsIn { credit, refund: case.refund.id, place, received_at: case.refund.created_at, currency: currency.to_owned(), rows })
}

/// Rows of the sales credit that stock is kept of: no free text, and of bundles the components.
fn goods_rows<'a>(case: &Case<'_>, credit: &'a SalesOrder) -> Ask<Vec<(&'a SalesOrderRow, u32)>> {
    let goods = |row: &&SalesOrderRow| row.product != FREE_TEXT && !is_bundle(credit, row);
    let pieces = |row: &'a SalesOrderRow| Some((row, row.quantity.to_u32().filter(|pieces| *pieces > 0)?));
    let rows: Vec<(&SalesOrderRow, u32)> = credit.rows.iter().filter(goods).filter_map(pieces).collect();
    let tracked = &case.facts.stock_tracked;
    let unknown: BTreeSet<ProductId> = rows.iter().map(|(row, _)| row.product).filter(|product| !tracked.contains_key(product)).collect();
    if !unknown.is_empty() {
        return Err(Needs::from([Need::StockTracked(unknown)]));
    }
    Ok(rows.into_iter().filter(|(row, _)| tracked.get(&row.product) == Some(&true)).collect())
}

/// What a product cost when it left.
fn cost(sales_order: &SalesOrder, product: ProductId) -> Option<Decimal> {
    sales_order.rows.iter().filter(|row| row.product == product).find_map(|row| row.cost)
}

fn not_received(case: &Case<'_>) -> Decision {
    let text = format!("goods of refund {} are not put back into stock: not all of them had left", case.refund.id);
    Decision { remarks: vec![Remark { key: "refund-not-restocked", text }], ..Decision::default() }
}
