//! What our own records know of an order, before anything is read.

use orderbridge_decide::{OrderFacts, SentPayment};
use orderbridge_postgres::OrderState;
use orderbridge_schema::ids::StoreOrderId;
use orderbridge_schema::work::Aspects;

/// Facts to begin with: what is remembered of an order, and which sides of it are to be looked at.
#[must_use]
pub fn remembered(id: StoreOrderId, aspects: Aspects, state: OrderState) -> OrderFacts {
    let mut facts = OrderFacts::new(id, aspects);
    facts.shipments_in_doubt = state.shipments_in_doubt();
    facts.creation_in_doubt = state.creation_in_doubt();
    facts.seen = state.seen;
    facts.wanted_adoption = state.wanted_adoption;
    let in_doubt = state.payments_in_doubt().map(|(reference, method, kind)| (reference, SentPayment { method, kind }));
    facts.payments_in_doubt = in_doubt.collect();
    facts.held = state.holds.iter().map(|hold| hold.effect).collect();
    facts.links = state.links;
    facts.exchange_rates = state.exchange_rates;
    facts.row_links = state.rows;
    facts.shipment_links = state.shipments;
    facts.payment_links = state.payments;
    facts.paid_as_seen = state.paid_as_seen;
    facts.refund_marks = state.refunds;
    facts.refunds_as_seen = state.refunds_as_seen;
    facts.agreed = state.agreed;
    facts.reservations = state.reservations;
    facts.sent_texts = state.sent_texts;
    facts.in_step = state.in_step;
    facts.absences = state.absences;
    facts
}
