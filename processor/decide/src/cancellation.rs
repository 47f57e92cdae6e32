//! What stands in the way of cancelling a sales order: Brightpearl refuses while goods-out notes exist, once it is invoiced, or while its
//! payments do not net to zero (BP §e.5), and money goes out only against a refund or void of the store.

use orderbridge_schema::command::PaymentKind;
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{Allocated, SalesOrder, StoreOrder};
use orderbridge_schema::ids::{SalesOrderId, SalesOrderStatusId, StoreStatusId};
use rust_decimal::Decimal;

use crate::currency;
use crate::facts::{Ask, Context, Need, OrderFacts, known};

/// Cancelled and declined (BC §d.6).
const UNDONE: [StoreStatusId; 2] = [StoreStatusId(5), StoreStatusId(6)];

/// The status that cancels a sales order of the account.
pub(crate) fn status(ctx: &Context<'_>) -> Option<SalesOrderStatusId> {
    ctx.reference.account.configured("cancelledOrderStatusId").and_then(|id| id.parse().ok())
}

/// Whether a sales order is cancelled.
pub(crate) fn is_cancelled(ctx: &Context<'_>, sales_order: &SalesOrder) -> bool {
    status(ctx) == Some(sales_order.status)
}

/// Why a sales order cannot be given a status that undoes it, if it cannot.
pub(crate) fn hindrance(
    ctx: &Context<'_>,
    facts: &OrderFacts,
    order: &StoreOrder,
    sales_order: &SalesOrder,
    wanted: SalesOrderStatusId,
) -> Ask<Option<Hold>> {
    let cancels = status(ctx) == Some(wanted);
    if sales_order.status == wanted || !(cancels || UNDONE.contains(&order.status)) {
        return Ok(None);
    }
    let (id, standing) = (sales_order.id, sales_order.standing);
    if cancels && standing.invoiced {
        let why = format!("sales order {id} is invoiced");
        return Ok(Some(cannot(
            "invoiced",
            why,
            "refund the order at the store: a sales credit is made for it; or credit it in Brightpearl by hand",
        )));
    }
    if cancels && standing.fulfilled {
        let why = format!("goods of sales order {id} are on a goods-out note or have left");
        return Ok(Some(cannot("goods-out-note", why, "delete the goods-out note if it has not left; what has left is refunded when it comes back")));
    }
    let net = money_in(facts, sales_order)?;
    if net > Decimal::ZERO {
        return Ok(Some(paid_not_refunded(ctx, order, id, net)));
    }
    if cancels && net < Decimal::ZERO {
        let why = format!("{} {} more went out than came in on sales order {id}", net.abs().normalize(), order.currency);
        return Ok(Some(cannot("payments", why, "compare the sales order's payments with the store's and correct them in Brightpearl")));
    }
    if !cancels && matches!(standing.allocated, Allocated::Part | Allocated::All) {
        let why = format!("stock is reserved for sales order {id}, which only the account's own status for cancelled orders releases");
        let remedy = "release the stock in Brightpearl, or map the store's status to the account's cancelled status (orders.status)";
        return Ok(Some(cannot("reserved", why, remedy)));
    }
    Ok(None)
}

/// Money that came in on a sales order less what went out. What others booked is read where Brightpearl says that something was.
fn money_in(facts: &OrderFacts, sales_order: &SalesOrder) -> Ask<Decimal> {
    let ours = facts.payment_links.iter().filter(|link| link.sales_order == sales_order.id);
    let ours = ours.clone().map(|link| signed(Some(link.kind), link.amount)).fold(Decimal::ZERO, |sum, amount| sum.saturating_add(amount));
    let is_paid = !matches!(sales_order.payment_status.to_ascii_uppercase().as_str(), "UNPAID" | "NOT_APPLICABLE");
    if !is_paid && facts.payments.is_none() {
        return Ok(ours);
    }
    let present = known(facts.payments.as_ref(), Need::Payments(sales_order.id))?;
    let is_ours = |reference: &str| facts.payment_links.iter().any(|link| link.reference == reference);
    let others = present.iter().filter(|payment| !is_ours(&payment.reference)).map(|payment| signed(payment.kind, payment.amount));
    Ok(others.fold(ours, |sum, amount| sum.saturating_add(amount)))
}

const fn is_out(kind: PaymentKind) -> bool {
    matches!(kind, PaymentKind::Payment)
}

fn signed(kind: Option<PaymentKind>, amount: Decimal) -> Decimal {
    match kind {
        Some(kind) if is_out(kind) => -amount,
        Some(kind) if kind.is_money_in() => amount,
        _ => Decimal::ZERO,
    }
}

fn paid_not_refunded(ctx: &Context<'_>, order: &StoreOrder, sales_order: SalesOrderId, net: Decimal) -> Hold {
    let places = usize::try_from(currency::decimals(order, &ctx.reference.store)).unwrap_or_default();
    Hold {
        effect: Effect::Status,
        cause: Cause::PaidNotRefunded,
        why: format!("paid, not refunded: {net:.places$} {}; sales order {sales_order} is not cancelled before", order.currency),
        remedy: "refund or void the payment at the store, or book what was given back on the sales order in Brightpearl".into(),
    }
}

fn cannot(what: &'static str, why: String, remedy: &str) -> Hold {
    Hold { effect: Effect::Status, cause: Cause::CannotCancel(what), why: format!("the sales order is not cancelled: {why}"), remedy: remedy.into() }
}
