//! What was paid by gift certificate, store credit, or outside the store: of some of it only the order itself tells.

use orderbridge_schema::command::{PaymentKind, payment_reference};
use orderbridge_schema::decision::{Effect, Remark};
use orderbridge_schema::facts::{StoreOrder, Transaction};
use orderbridge_schema::ids::StoreHash;
use orderbridge_schema::link::OrderLink;
use orderbridge_schema::money;
use orderbridge_schema::rules::PaymentRules;
use rust_decimal::Decimal;

use super::plan::{Plan, Planned, begun};
use crate::facts::{Ask, Context, Need, OrderFacts, known};

/// A way of paying that the order has a field of its own for: the store's kind, its gateway, and the end of our key (BC §d.9).
struct Tender {
    method: &'static str,
    gateway: &'static str,
    key: &'static str,
}

const GIFT: Tender = Tender { method: "gift_certificate", gateway: "giftcertificate", key: "gift" };
const CREDIT: Tender = Tender { method: "store_credit", gateway: "storecredit", key: "credit" };

impl Tender {
    fn is(&self, row: &Transaction) -> bool {
        row.method.eq_ignore_ascii_case(self.method) || row.gateway.eq_ignore_ascii_case(self.gateway)
    }

    fn reference(&self, store: &StoreHash, order: &StoreOrder) -> String {
        payment_reference(store, &format!("order-{}-{}", order.id, self.key))
    }
}

fn tender_of(row: &Transaction) -> Option<&'static Tender> {
    [&GIFT, &CREDIT].into_iter().find(|tender| tender.is(row))
}

/// Whether the store only notes that something is to be paid elsewhere: such a record proves nothing.
pub(super) fn is_outside(row: &Transaction) -> bool {
    ["offline", "custom"].iter().any(|method| row.method.eq_ignore_ascii_case(method))
}

/// Whether a record tells of what was booked from the order's own field before the record was there.
pub(super) fn is_covered(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, row: &Transaction) -> bool {
    tender_of(row).is_some_and(|tender| begun(facts, &tender.reference(ctx.store, order)).is_some())
}

/// What stands for a record's way of payment in the map. What the shopper saw is that of the order's main way of payment.
pub(super) fn texts(order: &StoreOrder, row: &Transaction) -> Vec<String> {
    let shown = [row.shown.clone(), order.payment_method.clone()].into_iter().filter(|_| tender_of(row).is_none());
    shown.chain([row.method.clone()]).filter(|text| !text.trim().is_empty()).collect()
}

/// What the order says of its payment, as far as it matters here: while it says the same and no event tells of a payment, there is
/// nothing new to book.
pub(super) fn as_seen(rules: &PaymentRules, order: &StoreOrder) -> String {
    // The store says nothing of a payment outside it (BC §d.2): there its status may.
    let may_be_outside = order.payment_status.trim().is_empty();
    let is_paid = may_be_outside && rules.offline.iter().any(|entry| entry.paid_statuses.contains(&order.status));
    let amounts = [order.total, order.gift_certificates, order.store_credit].map(|amount| amount.normalize().to_string()).join("/");
    format!("{}|{amounts}|{}|{is_paid}", order.payment_status.trim(), order.payment_method.trim())
}

/// Adds what only the order itself tells of.
pub(super) fn of_order(
    ctx: &Context<'_>,
    facts: &OrderFacts,
    order: &StoreOrder,
    link: &OrderLink,
    rows: &[Transaction],
    plan: &mut Plan,
) -> Ask<()> {
    for (tender, amount) in [(&GIFT, order.gift_certificates), (&CREDIT, order.store_credit)] {
        let reference = tender.reference(ctx.store, order);
        let has_record = rows.iter().any(|row| !row.test && tender.is(row));
        if amount > Decimal::ZERO && (!has_record || begun(facts, &reference).is_some()) {
            plan.payments.push(planned(order, reference, amount, (tender.gateway, vec![tender.method.to_owned()])));
        }
    }
    offline(ctx, facts, order, link, rows, plan)
}

/// What is paid outside the store counts as paid in the statuses that the rules name, and else never.
fn offline(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, link: &OrderLink, rows: &[Transaction], plan: &mut Plan) -> Ask<()> {
    let reference = payment_reference(ctx.store, &format!("order-{}-offline", order.id));
    let noted = || rows.iter().filter(|row| is_outside(row));
    let by_the_store = rows.iter().any(|row| !row.test && !is_outside(row) && tender_of(row).is_none());
    if facts.payment_links.iter().any(|link| link.reference == reference) {
        return Ok(());
    }
    let is_begun = begun(facts, &reference).is_some();
    if (by_the_store || order.total <= Decimal::ZERO) && !is_begun {
        return Ok(());
    }
    let texts: Vec<String> = std::iter::once(order.payment_method.clone()).chain(noted().map(|row| row.shown.clone())).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
    match ctx.rules.payments.offline_statuses(&texts) {
        None if !is_begun => {
            let way = texts.first().map_or_else(|| "in no way that the store names".to_owned(), |text| format!("by \"{}\"", text.trim()));
            let text = format!("the order is paid {way}, outside the store: nothing is booked for it");
            plan.remarks.push(Remark { key: "payment-outside-the-store", text });
            return Ok(());
        }
        Some(statuses) if !statuses.contains(&order.status) && !is_begun => return Ok(()),
        _ => {}
    }
    if facts.held.contains(&Effect::Verification) {
        let text = "the sales order's total is not certain, so what was paid outside the store is not booked yet".to_owned();
        plan.remarks.push(Remark { key: "payments-wait", text });
        plan.unfinished = true;
        return Ok(());
    }
    let sales_order = known(facts.sales_orders.get(&link.sales_order), Need::SalesOrder(link.sales_order))?;
    let Some(sales_order) = sales_order else { return Ok(()) };
    let other: Vec<Decimal> = plan.payments.iter().filter(|planned| planned.kind.is_money_in()).map(|planned| planned.amount).collect();
    let Some(rest) = money::sum(&other).and_then(|other| sales_order.total.checked_sub(other)) else { return Ok(()) };
    if rest > Decimal::ZERO {
        let gateway = noted().map(|row| row.gateway.as_str()).next().unwrap_or_default();
        let texts = texts.into_iter().map(str::to_owned).collect();
        let mut payment = planned(order, reference, rest.normalize(), (gateway, texts));
        payment.paid_at = order.modified_at;
        plan.payments.push(payment);
    }
    Ok(())
}

fn planned(order: &StoreOrder, reference: String, amount: Decimal, (gateway, texts): (&str, Vec<String>)) -> Planned {
    Planned {
        reference,
        kind: PaymentKind::Receipt,
        code: None,
        amount,
        currency: String::new(),
        paid_at: order.created_at,
        expires_at: None,
        gateway: gateway.to_owned(),
        texts,
        joined_to: None,
    }
}
