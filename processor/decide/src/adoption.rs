//! Sales orders that stand for an order already: made by us before our records were, or entered by others before we were connected.

use jiff::Timestamp;
use orderbridge_schema::command::external_ref;
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{SalesOrderMatch, StoreOrder};
use orderbridge_schema::ids::SalesOrderId;

use crate::facts::{Context, OrderFacts};

/// Whether somebody else may have entered the order in Brightpearl: it is never created unsearched then.
///
/// That is so for what was placed before the connection was made, and before the go-live time: until then the merchant had to. The store
/// tells the second an order was placed in, we know the moment.
pub(crate) fn may_be_entered(ctx: &Context<'_>, order: &StoreOrder) -> bool {
    let live_since = ctx.rules.orders.go_live.map_or(ctx.live_since, |go_live| go_live.max(ctx.live_since));
    order.created_at < Timestamp::from_second(live_since.as_second()).unwrap_or(live_since)
}

/// The sales order to take over, or why that needs a person; none if there is none.
pub(crate) fn adopt(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder) -> Option<Decision> {
    match facts.existing.as_deref().unwrap_or_default() {
        [] => with_number(ctx, facts, order),
        [sales_order] => Some(made_before(*sales_order)),
        [_, _, ..] => Some(held(Hold {
            effect: Effect::Creation,
            cause: Cause::InDoubt("several-sales-orders".into()),
            why: "several sales orders in Brightpearl carry this order's key".into(),
            remedy: "cancel all but one of them in Brightpearl and clear their external reference".into(),
        })),
    }
}

fn with_number(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder) -> Option<Decision> {
    let key = external_ref(ctx.store, order.id);
    let found = facts.with_number.as_deref().unwrap_or_default();
    let ours: Vec<&SalesOrderMatch> = found.iter().filter(|found| found.external_ref == key).collect();
    match (ours.as_slice(), found) {
        ([own], _) => Some(made_before(own.id)),
        (_, []) => None,
        (_, [one]) => {
            let text = format!("sales order {} carries this order's number in its channel; it is taken over", one.id);
            Some(without_key(one.id, text))
        }
        (_, several) => Some(held(several_with_number(order, several))),
    }
}

fn made_before(sales_order: SalesOrderId) -> Decision {
    let text = format!("sales order {sales_order} was made for this order before; it is taken over");
    let remarks = vec![Remark { key: "sales-order-adopted", text }];
    Decision { adopted: Some(sales_order), remarks, ..Decision::default() }
}

/// Takes over what a person named.
pub(crate) fn by_hand(sales_order: SalesOrderId) -> Decision {
    without_key(sales_order, format!("sales order {sales_order} is taken over, as a person asked"))
}

fn without_key(sales_order: SalesOrderId, text: String) -> Decision {
    let remarks = vec![Remark { key: "sales-order-adopted", text }];
    Decision { adopted: Some(sales_order), adopted_without_key: true, remarks, ..Decision::default() }
}

fn several_with_number(order: &StoreOrder, found: &[SalesOrderMatch]) -> Hold {
    let ids: Vec<String> = found.iter().map(|found| found.id.to_string()).collect();
    Hold {
        effect: Effect::Creation,
        cause: Cause::SeveralWithNumber,
        why: format!("sales orders {} in Brightpearl carry the number {} in its channel", ids.join(", "), order.id),
        remedy: "say which one stands for it with `orderbridge order adopt`, or change the customer reference of the others".into(),
    }
}

fn held(hold: Hold) -> Decision {
    Decision { holds: vec![hold], ..Decision::default() }
}
