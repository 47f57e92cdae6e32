//! Which of Brightpearl's payment methods a payment is booked with, and whether it can be.

use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::StoreOrder;

use super::plan::Planned;
use crate::facts::{Context, OrderFacts};

/// The method, if it exists, is active and has a bank account in the order's currency: without one Brightpearl takes the payment and
/// never makes a journal of it (BP §i.1).
pub(super) fn usable(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, planned: &Planned) -> Result<String, Box<Hold>> {
    let texts: Vec<&str> = planned.texts.iter().map(String::as_str).collect();
    let chosen = joined_method(facts, planned).or_else(|| ctx.rules.payments.method(&planned.gateway, &texts));
    let Some(code) = chosen else { return Err(Box::new(missing(planned))) };
    let known = ctx.reference.account.payment_methods.iter().find(|method| method.code.eq_ignore_ascii_case(code));
    let why = match known {
        None => "does not exist in Brightpearl",
        Some(method) if !method.active => "is not active in Brightpearl",
        Some(method) if !method.currencies.iter().any(|currency| currency.eq_ignore_ascii_case(&order.currency)) => {
            "has no bank account in that currency"
        }
        Some(method) => return Ok(method.code.clone()),
    };
    Err(Box::new(unusable(code, &order.currency, why)))
}

/// What becomes of an authorization is booked with its method, whatever the map says meanwhile.
fn joined_method<'a>(facts: &'a OrderFacts, planned: &Planned) -> Option<&'a str> {
    let root = planned.joined_to.as_ref()?;
    let booked = facts.payment_links.iter().find(|link| link.reference == *root).map(|link| link.method.as_str());
    booked.or_else(|| facts.payments_in_doubt.get(root).map(|sent| sent.method.as_str()))
}

fn missing(planned: &Planned) -> Hold {
    let way = [planned.gateway.as_str()].into_iter().chain(planned.texts.iter().map(String::as_str)).find(|text| !text.trim().is_empty());
    let way = way.unwrap_or("(unnamed)").trim();
    Hold {
        effect: Effect::Payment,
        cause: Cause::MissingPaymentMethod(way.to_owned()),
        why: format!("no payment method is chosen for \"{way}\": payment {} is not booked", planned.reference),
        remedy: "add it to the map of payment methods in the tenant's settings (payments.methods), or choose a default".into(),
    }
}

fn unusable(code: &str, currency: &str, why: &str) -> Hold {
    Hold {
        effect: Effect::Payment,
        cause: Cause::UnusablePaymentMethod(format!("{code}/{currency}")),
        why: format!("payment method {code} {why} ({currency}): payments by it are not booked"),
        remedy: "correct the payment method in Brightpearl, or choose another in the tenant's settings (payments.methods)".into(),
    }
}
