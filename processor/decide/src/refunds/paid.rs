//! The money of a refund: a payment out for each that was not declined.

use orderbridge_schema::command::{Command, NewPayment, PaymentKind, payment_reference};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::facts::RefundPayment;
use orderbridge_schema::ids::SalesOrderId;

use super::Case;
use crate::payments;

/// What is still to be paid out on a sales order or credit: commands, holds, or nothing. Where payments are not booked at all, none is.
pub(super) fn back(case: &Case<'_>, on: SalesOrderId) -> Decision {
    let mut decision = Decision::default();
    if !case.ctx.rules.payments.enabled {
        return decision;
    }
    let mut told: Vec<Cause> = Vec::new();
    for payment in case.refund.payments.iter().filter(|payment| !payment.declined && !payment.amount.is_zero()) {
        let reference = payment_reference(case.ctx.store, &format!("refund-{}-{}", case.refund.id, payment.id));
        if case.facts.payment_links.iter().any(|link| link.reference == reference) {
            continue;
        }
        match payments::money_out(case.ctx, case.facts, case.order, case.link, planned(case, payment, reference)) {
            Ok(payment) => {
                let on_it = |payment| Command::CreatePayment(Box::new(NewPayment { sales_order: on, ..payment }));
                decision.commands.extend(payment.map(on_it));
            }
            Err(hold) if !told.contains(&hold.cause) => {
                told.push(hold.cause.clone());
                decision.holds.push(Hold { effect: Effect::Refund, ..*hold });
            }
            Err(_) => {}
        }
    }
    decision
}

fn planned(case: &Case<'_>, payment: &RefundPayment, reference: String) -> payments::Planned {
    // What the shopper saw is that of the order's main way of payment, by which money outside the store goes back too.
    let shown = Some(case.order.payment_method.clone()).filter(|text| payment.offline && !text.trim().is_empty());
    payments::Planned {
        reference,
        kind: PaymentKind::Payment,
        code: None,
        amount: payment.amount,
        currency: String::new(),
        paid_at: case.refund.created_at,
        expires_at: None,
        gateway: payment.provider.clone(),
        texts: shown.into_iter().chain([payment.provider.clone()]).filter(|text| !text.trim().is_empty()).collect(),
        joined_to: None,
    }
}
