//! Why something is done: which event asked, by which rules, from which facts. Nothing of it tells about a person.

use orderbridge_decide::OrderFacts;
use orderbridge_schema::command::Command;
use orderbridge_schema::facts::{SalesOrder, StoreOrder};
use orderbridge_schema::ids::TenantId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a timeline entry tells machines.
pub(crate) fn reason(rules_version: i64, facts: &OrderFacts) -> Value {
    json!({ "event": facts.cause, "event_id": facts.event, "rules_version": rules_version })
}

/// What the journal keeps of a command.
pub(crate) fn command(tenant: &TenantId, rules_version: i64, command: &Command, facts: &OrderFacts) -> Value {
    // What a payment was first sent with is what it is sent with again.
    let payment = if let Command::CreatePayment(payment) = command { Some(json!({ "method": payment.method, "kind": payment.kind })) } else { None };
    json!({
        "what": command.describe(),
        "payment": payment,
        "order": facts.id.0,
        "tenant": tenant.as_str(),
        "event": facts.cause,
        "event_id": facts.event,
        "rules_version": rules_version,
        "facts": {
            "store_order": facts.store_order.iter().flatten().map(store_order).next(),
            "sales_orders": facts.sales_orders.values().flatten().map(sales_order).collect::<Vec<_>>(),
            "digest": digest(facts),
        },
    })
}

fn store_order(order: &StoreOrder) -> Value {
    json!({
        "status": order.status.0,
        "modified_at": order.modified_at.to_string(),
        "total": order.total.to_string(),
        "tax": order.tax.to_string(),
        "currency": order.currency,
    })
}

fn sales_order(order: &SalesOrder) -> Value {
    json!({ "id": order.id.0, "status": order.status.0, "updated_at": order.updated_at.map(|at| at.to_string()), "total": order.total.to_string() })
}

/// Names everything that was read and remembered when it was decided: equal facts have an equal digest. Addresses show nothing of
/// themselves, so that they are left out.
fn digest(facts: &OrderFacts) -> String {
    let remembered = (&facts.links, &facts.row_links, &facts.shipment_links, &facts.agreed, &facts.held, &facts.payment_links);
    let extras = (&facts.reservations, &facts.sent_texts, &facts.reserved, &facts.on_hand);
    let store = (&facts.store_order, &facts.lines, &facts.taxes, &facts.addresses, &facts.coupons, &facts.fees, &facts.shipments);
    let brightpearl = (&facts.sales_orders, &facts.notes, &facts.products, &facts.existing, &facts.method_names);
    let paid = (&facts.transactions, &facts.payments, &facts.refunds, &facts.refund_marks);
    hex::encode(Sha256::digest(format!("{remembered:?}{extras:?}{store:?}{brightpearl:?}{paid:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::{StoreOrderId, StoreStatusId};
    use orderbridge_schema::work::Aspects;

    fn explained(facts: &OrderFacts) -> Value {
        let command_ = Command::SetStoreStatus { order: StoreOrderId(250), status: StoreStatusId(2), agreed_with: 4.into() };
        command(&TenantId::new("acme-uk").unwrap(), 7, &command_, facts)
    }

    #[test]
    fn a_command_names_its_event_its_rules_and_its_facts() {
        let mut facts = OrderFacts::new(StoreOrderId(250), Aspects::STORE_ORDER);
        facts.cause = "store/order/statusUpdated".into();
        facts.event = Some(uuid::Uuid::from_u128(5));
        let first = explained(&facts);
        assert_eq!(first["event_id"], json!("00000000-0000-0000-0000-000000000005"));
        assert_eq!((&first["event"], &first["rules_version"]), (&json!("store/order/statusUpdated"), &json!(7)));
        facts.event = None;
        assert_eq!(explained(&facts)["facts"], first["facts"], "the digest is of the facts alone");
        facts.store_order = Some(None);
        assert_ne!(explained(&facts)["facts"]["digest"], first["facts"]["digest"]);
    }
}
