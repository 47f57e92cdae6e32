//! An order with everything known about it, to be changed by each test, and a reader that answers needs from it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use orderbridge_decide::{ContactFact, Context, Need, OrderFacts, Step, decide_order};
use orderbridge_schema::command::{Command, NewRow, NewSalesOrder, NewShipment};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::facts::{Note, OrderLine, SalesOrder, StoreOrder, StoreShipment, TaxRow, Taxed, Transactions};
use orderbridge_schema::ids::{ContactId, StoreHash};
use orderbridge_schema::link::OrderLink;
use orderbridge_schema::reference::Reference;
use orderbridge_schema::rules::Rules;
use orderbridge_schema::work::Aspects;

use crate::facts::{
    ADDRESS, INSTALLATION, MUG, MUG_PRODUCT, MUG_ROW, ORDER, SALES_ORDER, TEA, TEA_PRODUCT, TEA_ROW, ago, agreement, line, now, order_address,
    reference, row_link, rules, sales_order, sku, store_order, tax,
};

/// More rounds than any order may need.
const ROUNDS_MAX: usize = 10;

/// Everything that is true of one order on both platforms and in our records.
#[derive(Debug, Clone)]
pub struct Case {
    pub rules: Rules,
    pub reference: Reference,
    pub live_since: Timestamp,
    pub search_before_creating: bool,
    pub now: Timestamp,
    pub full: OrderFacts,
}

/// What came of a case: the rounds of reading, and the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub rounds: Vec<BTreeSet<Need>>,
    pub decision: Decision,
}

impl Case {
    /// An order that can be created.
    pub fn new() -> Self {
        let mut full = OrderFacts::new(ORDER, Aspects::ALL);
        full.store_order = Some(Some(store_order()));
        full.lines = Some(vec![line(TEA, "TEA-1", 2, "24", "4"), line(MUG, "MUG-1", 1, "12", "2")]);
        full.taxes = Some(vec![tax(Taxed::Line(TEA), "20", "4"), tax(Taxed::Line(MUG), "20", "2"), tax(Taxed::Shipping, "20", "1")]);
        full.addresses = Some(vec![order_address(ADDRESS)]);
        full.coupons = Some(Vec::new());
        full.fees = Some(Vec::new());
        full.shipments = Some(Vec::new());
        full.transactions = Some(Transactions::Read(Vec::new()));
        full.payments = Some(Vec::new());
        full.notes = Some(Vec::new());
        full.contact = Some(ContactFact::Linked(ContactId(300)));
        full.products = BTreeMap::from([(sku("TEA-1"), vec![TEA_PRODUCT]), (sku("MUG-1"), vec![MUG_PRODUCT])]);
        full.existing = Some(Vec::new());
        full.pick_ups = Some(Vec::new());
        full.with_number = Some(Vec::new());
        full.method_names = Some(BTreeMap::new());
        Self { rules: rules(), reference: reference(), live_since: ago(86_400), search_before_creating: false, now: now(), full }
    }

    /// An order whose sales order was made a moment ago.
    pub fn created() -> Self {
        let mut case = Self::new();
        case.full.links = vec![OrderLink {
            order: ORDER,
            part: 0,
            sales_order: SALES_ORDER,
            installation: INSTALLATION,
            external_ref: "bc-store7-250".into(),
            verified: false,
        }];
        case.full.sales_orders = BTreeMap::from([(SALES_ORDER, Some(sales_order()))]);
        case
    }

    /// An order whose sales order was compared and whose statuses agree: nothing is to be done.
    pub fn linked() -> Self {
        let mut case = Self::created();
        case.full.links[0].verified = true;
        case.full.row_links = vec![row_link(TEA, TEA_ROW, TEA_PRODUCT, 2), row_link(MUG, MUG_ROW, MUG_PRODUCT, 1)];
        case.order().external_order_id = "BP-70001".into();
        case.full.agreed = Some(agreement(11, 2));
        case
    }

    pub fn order(&mut self) -> &mut StoreOrder {
        self.full.store_order.as_mut().unwrap().as_mut().unwrap()
    }

    pub fn sales_order(&mut self) -> &mut SalesOrder {
        self.full.sales_orders.get_mut(&SALES_ORDER).unwrap().as_mut().unwrap()
    }

    pub fn lines(&mut self) -> &mut Vec<OrderLine> {
        self.full.lines.as_mut().unwrap()
    }

    pub fn taxes(&mut self) -> &mut Vec<TaxRow> {
        self.full.taxes.as_mut().unwrap()
    }

    pub fn notes(&mut self) -> &mut Vec<Note> {
        self.full.notes.as_mut().unwrap()
    }

    pub fn shipments(&mut self) -> &mut Vec<StoreShipment> {
        self.full.shipments.as_mut().unwrap()
    }

    pub fn with_aspects(mut self, aspects: Aspects) -> Self {
        self.full.aspects = aspects;
        self
    }

    /// Reads what is asked for, round by round, and decides; then decides once more, which must give the same.
    pub fn run(&self) -> Outcome {
        let store = StoreHash::new("store7").unwrap();
        let ctx = Context {
            store: &store,
            installation: INSTALLATION,
            search_before_creating: self.search_before_creating,
            rules: &self.rules,
            reference: &self.reference,
            live_since: self.live_since,
            now: self.now,
        };
        let mut facts = own_records(&self.full);
        let mut rounds = Vec::new();
        loop {
            let step = decide_order(&ctx, &facts);
            assert_eq!(step, decide_order(&ctx, &facts), "deciding twice must be equal");
            match step {
                Step::Decided(decision) => return Outcome { rounds, decision: *decision },
                Step::Need(needs) => {
                    assert!(!needs.is_empty() && rounds.len() < ROUNDS_MAX, "no progress: {rounds:?} then {needs:?}");
                    needs.iter().for_each(|need| answer(need, &self.full, &mut facts));
                    rounds.push(needs);
                }
            }
        }
    }

    pub fn decision(&self) -> Decision {
        self.run().decision
    }

    /// The one command decided.
    pub fn command(&self) -> Command {
        let decision = self.decision();
        assert_eq!(decision.commands.len(), 1, "{decision:?}");
        decision.commands.into_iter().next().unwrap()
    }

    pub fn created_order(&self) -> NewSalesOrder {
        match self.command() {
            Command::CreateSalesOrder(order) => *order,
            other => panic!("not a sales order: {other:?}"),
        }
    }

    pub fn rows(&self) -> Vec<NewRow> {
        self.created_order().rows
    }

    pub fn shipment(&self) -> NewShipment {
        match self.command() {
            Command::CreateShipment(shipment) => *shipment,
            other => panic!("not a shipment: {other:?}"),
        }
    }

    /// The causes of all holds; a decision with holds here has no commands.
    pub fn held(&self, effect: Effect) -> Vec<Cause> {
        let decision = self.decision();
        assert!(decision.commands.is_empty(), "{decision:?}");
        assert!(decision.holds.iter().all(|hold| hold.effect == effect && told(hold)), "{decision:?}");
        decision.holds.into_iter().map(|hold| hold.cause).collect()
    }
}

/// A hold says why and what to do.
fn told(hold: &Hold) -> bool {
    !hold.why.is_empty() && !hold.remedy.is_empty()
}

pub fn remark_keys(decision: &Decision) -> Vec<&'static str> {
    decision.remarks.iter().map(|remark| remark.key).collect()
}

/// Only what our own database knows; all else must be asked for.
fn own_records(full: &OrderFacts) -> OrderFacts {
    OrderFacts {
        links: full.links.clone(),
        exchange_rates: full.exchange_rates.clone(),
        row_links: full.row_links.clone(),
        shipment_links: full.shipment_links.clone(),
        payment_links: full.payment_links.clone(),
        payments_in_doubt: full.payments_in_doubt.clone(),
        paid_as_seen: full.paid_as_seen.clone(),
        refund_marks: full.refund_marks.clone(),
        refunds_as_seen: full.refunds_as_seen.clone(),
        released: full.released.clone(),
        agreed: full.agreed,
        held: full.held.clone(),
        refused: full.refused.clone(),
        waiting_since: full.waiting_since,
        seen: full.seen,
        wanted_adoption: full.wanted_adoption,
        creation_in_doubt: full.creation_in_doubt,
        shipments_in_doubt: full.shipments_in_doubt.clone(),
        reservations: full.reservations.clone(),
        sent_texts: full.sent_texts.clone(),
        in_step: full.in_step.clone(),
        absences: full.absences.clone(),
        read_from: full.read_from,
        written_at_store: full.written_at_store,
        carried: full.carried.clone(),
        lowered: full.lowered.clone(),
        edits_refused: full.edits_refused.clone(),
        ..OrderFacts::new(full.id, full.aspects)
    }
}

fn answer(need: &Need, full: &OrderFacts, facts: &mut OrderFacts) {
    match need {
        Need::StoreOrder => {
            facts.store_order.clone_from(&full.store_order);
            facts.customer.clone_from(&full.customer);
        }
        Need::Lines => facts.lines.clone_from(&full.lines),
        Need::Taxes => facts.taxes.clone_from(&full.taxes),
        Need::Addresses => facts.addresses.clone_from(&full.addresses),
        Need::PickUps => facts.pick_ups.clone_from(&full.pick_ups),
        Need::Coupons => facts.coupons.clone_from(&full.coupons),
        Need::Fees => facts.fees.clone_from(&full.fees),
        Need::Transactions => facts.transactions.clone_from(&full.transactions),
        Need::Refunds => facts.refunds.clone_from(&full.refunds),
        Need::Payments(_) => facts.payments.clone_from(&full.payments),
        Need::Shipments => facts.shipments.clone_from(&full.shipments),
        Need::SalesOrder(id) => {
            facts.sales_orders.insert(*id, full.sales_orders.get(id).cloned().flatten());
        }
        Need::WholeSalesOrder(id) => {
            let whole = full.whole.get(id).cloned().flatten();
            facts.sales_orders.insert(*id, whole.as_ref().map(|whole| whole.order.clone()));
            facts.whole.insert(*id, whole);
        }
        Need::Notes => facts.notes.clone_from(&full.notes),
        Need::Contact => facts.contact.clone_from(&full.contact),
        Need::Products(skus) => {
            facts.products.extend(skus.iter().map(|sku| (sku.clone(), full.products.get(sku).cloned().unwrap_or_default())));
            facts.spelled.clone_from(&full.spelled);
        }
        Need::Variants(pairs) => facts.variants.extend(pairs.iter().map(|(_, id)| (*id, full.variants.get(id).cloned().flatten()))),
        Need::ContactDetails(id) => drop(facts.contacts.insert(*id, full.contacts.get(id).cloned().flatten())),
        Need::Existing => facts.existing.clone_from(&full.existing),
        Need::WithNumber(_) => facts.with_number.clone_from(&full.with_number),
        Need::MethodNames => facts.method_names.clone_from(&full.method_names),
        Need::Reservation(_) | Need::OnHand { .. } | Need::StockTracked(_) => crate::allocation::answer(need, full, facts),
        Need::Digests(_) | Need::OrderNotes(_) | Need::EmptyFields(..) => crate::texts::answer(need, full, facts),
    }
}
