//! Both platforms and our own records in memory: what they know is the case's facts, and commands change them as the platforms would.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use orderbridge_decide::{ContactFact, Need};
use orderbridge_schema::command::{Command, NewRow, NewSalesOrder, NewShipment};
use orderbridge_schema::decision::{AgreedStatus, Agreement, Decision};
use orderbridge_schema::facts::{ContactMatch, LineKind, Note, NoteRow, SalesOrder, SalesOrderRow, StoreShipment};
use orderbridge_schema::ids::{
    ContactId, NoteId, OrderAddressId, OrderLineId, ProductId, SalesOrderRowId, SalesOrderStatusId, ShipmentId, StoreStatusId,
};
use orderbridge_schema::link::{NoteKind, OrderLink, ShipmentLink};
use orderbridge_schema::work::Aspects;
use rust_decimal::Decimal;

use crate::case::Case;
use crate::facts::{SALES_ORDER, note};

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It took effect and we know.
    Arrives,
    /// It took effect and we do not know.
    IsLost,
    /// It never took effect and we do not know.
    NeverSent,
}

#[derive(Debug, Clone)]
pub struct World {
    /// Facts of the platforms and records of ours.
    pub case: Case,
    /// Sides whose change was announced and not yet looked at.
    pub events: Vec<Aspects>,
    /// How the next calls end; then all arrive.
    pub answers: VecDeque<Answer>,
    /// Whether Brightpearl gives our row keys back.
    pub echoes_rows: bool,
    pub sales_orders_made: u32,
    pub contacts_made: u32,
    pub writes: u32,
}

impl World {
    /// A shopper has ordered; the customer is unknown to Brightpearl.
    pub fn new(mut case: Case) -> Self {
        case.full.contact = Some(ContactFact::Found { email_hash: "c0ffee".into(), matches: Vec::new() });
        let events = vec![Aspects::STORE_ORDER];
        Self { case, events, answers: VecDeque::new(), echoes_rows: true, sales_orders_made: 0, contacts_made: 0, writes: 0 }
    }

    /// Looks at the order, and again after each change, until there is nothing more to do. Notes that one look asked for are looked at in
    /// the next ones too, as a caller does that keeps its facts.
    pub fn reconcile(&mut self, mut aspects: Aspects) {
        for _round in 0..80 {
            let outcome = self.case.clone().with_aspects(aspects).run();
            if outcome.rounds.iter().flatten().any(|need| *need == Need::Notes) {
                aspects = aspects.with(Aspects::NOTES);
            }
            if self.apply(outcome.decision) {
                return;
            }
        }
        panic!("no end of it: {:?}", self.case.decision());
    }

    /// Delivers everything announced, own changes coming back included, until all is quiet.
    pub fn drain(&mut self, picks: &[usize]) {
        let mut picks = picks.iter().copied().chain(std::iter::repeat(0));
        for _delivery in 0..200 {
            if self.events.is_empty() {
                return;
            }
            self.deliver(picks.next().unwrap_or(0), false);
        }
        panic!("our own changes never stop coming back: {:?}", self.case.full);
    }

    /// Delivers one event; a repeated one stays to be delivered again.
    pub fn deliver(&mut self, pick: usize, again: bool) {
        if self.events.is_empty() {
            return;
        }
        let place = pick % self.events.len();
        let aspects = if again { self.events[place] } else { self.events.remove(place) };
        self.reconcile(aspects);
    }

    /// Remembers and executes; whether nothing is left to do.
    fn apply(&mut self, decision: Decision) -> bool {
        let quiet = decision.is_settled() && decision.verified.is_none() && decision.adopted.is_none() && decision.found_shipments.is_empty();
        if let Some(pair) = decision.agreed {
            self.agree(pair);
        }
        let full = &mut self.case.full;
        if let Some((sales_order, rows)) = decision.verified {
            full.row_links.extend(rows);
            full.links.iter_mut().filter(|link| link.sales_order == sales_order).for_each(|link| link.verified = true);
        }
        for found in decision.found_shipments {
            full.shipments_in_doubt.remove(&NewShipment::mark(found.kind, found.note, Some(found.address)));
            full.shipment_links.push(found);
        }
        if let Some(seconds) = decision.again_after_seconds {
            self.pass(seconds.into());
        }
        decision.commands.into_iter().for_each(|command| self.execute(command));
        quiet
    }

    pub fn pass(&mut self, seconds: i64) {
        self.case.now += SignedDuration::from_secs(seconds);
    }

    fn agree(&mut self, pair: AgreedStatus) {
        let before = self.case.full.agreed.map(|agreed| agreed.pair);
        self.case.full.agreed = Some(Agreement { pair, before, at: self.case.now });
    }

    fn execute(&mut self, command: Command) {
        self.writes += 1;
        let answer = self.answers.pop_front().unwrap_or(Answer::Arrives);
        let (happens, known) = (answer != Answer::NeverSent, answer == Answer::Arrives);
        match command {
            Command::CreateContact(contact) => {
                if happens {
                    self.contacts_made += 1;
                    let matches =
                        vec![ContactMatch { id: ContactId(300), email: contact.address.email, staff: false, supplier: false, primary: true }];
                    self.case.full.contact = Some(ContactFact::Found { email_hash: contact.email_hash, matches });
                }
                if known {
                    self.case.full.contact = Some(ContactFact::Linked(ContactId(300)));
                }
            }
            Command::CreateSalesOrder(order) => self.create(&order, happens, known),
            Command::SetExternalOrderId { sales_order, .. } if happens => {
                self.case.order().external_order_id = format!("BP-{sales_order}");
                self.events.push(Aspects::STORE_ORDER);
            }
            Command::SetSalesOrderStatus { status, agreed_with, .. } if happens => {
                self.case.sales_order().status = status;
                self.events.push(Aspects::SALES_ORDER);
                if known {
                    self.agree(AgreedStatus { store: agreed_with, brightpearl: status });
                }
            }
            Command::SetStoreStatus { status, agreed_with, .. } if happens => {
                self.case.order().status = status;
                self.events.push(Aspects::STORE_ORDER);
                if known {
                    self.agree(AgreedStatus { store: status, brightpearl: agreed_with });
                }
            }
            Command::CreateShipment(shipment) => self.ship(*shipment, happens, known),
            Command::CreatePayment(_) | Command::SetExternalOrderId { .. } | Command::SetSalesOrderStatus { .. } | Command::SetStoreStatus { .. } => {
            }
            // The model's shopper never says anything else of themselves.
            Command::UpdateContact(_) | Command::SetContactAddress(_) => {}
            // Switched off in these lives; their own tests tell of them.
            Command::ReserveStock(_) | Command::SetReservation(_) | Command::SetOrderFields { .. } | Command::AddOrderNote(_) => {}
            Command::SetOrderRow(_) | Command::AddOrderRow(_) | Command::CreateSalesCredit(_) | Command::ReceiveGoods(_) => {}
            // These orders' contents never change.
            Command::EditSalesOrder(edit) => panic!("nothing was edited: {edit:?}"),
        }
    }

    /// Brightpearl makes one sales order per key, and answers a repeated one with the first (BP §e.2).
    fn create(&mut self, order: &NewSalesOrder, happens: bool, known: bool) {
        if happens && !self.is_created() {
            self.sales_orders_made += 1;
            self.case.full.sales_orders.insert(SALES_ORDER, Some(sales_order(order, self.echoes_rows)));
            self.events.push(Aspects::SALES_ORDER);
        }
        if known {
            let link = OrderLink {
                order: order.order,
                part: 0,
                sales_order: SALES_ORDER,
                installation: order.installation,
                external_ref: order.external_ref.clone(),
                verified: false,
            };
            self.case.full.links = vec![link];
        }
    }

    pub fn is_created(&self) -> bool {
        !self.case.full.sales_orders.is_empty()
    }

    fn ship(&mut self, new: NewShipment, happens: bool, known: bool) {
        let key = NewShipment::mark(new.note_kind, new.note, Some(new.address));
        self.case.full.shipments_in_doubt.insert(key.clone(), self.case.now);
        if happens {
            let shipment = self.put_shipment(new.comments, new.items);
            if known {
                self.case.full.shipments_in_doubt.remove(&key);
                let link = ShipmentLink { kind: new.note_kind, note: new.note, order: new.order, address: new.address, shipment };
                self.case.full.shipment_links.push(link);
            }
        }
    }

    /// The store refuses to ship more than is left, and sets its status by itself (BC §d.5).
    fn put_shipment(&mut self, comments: String, items: Vec<(OrderLineId, u32)>) -> ShipmentId {
        for (line, quantity) in &items {
            assert!(*quantity > 0 && *quantity <= self.left(*line), "{comments} would ship {quantity} of line {line}");
        }
        let id = ShipmentId(1 + u64::try_from(self.case.shipments().len()).unwrap());
        let created_at = self.case.now;
        self.case.shipments().push(StoreShipment { id, address: OrderAddressId(127), comments, tracking_number: String::new(), created_at, items });
        let goods = self.case.full.lines.iter().flatten().filter(|line| line.kind == LineKind::Physical);
        let all = goods.map(|line| line.id).all(|line| self.left(line) == 0);
        self.case.order().status = StoreStatusId(if all { 2 } else { 3 });
        self.events.push(Aspects::STORE_ORDER);
        id
    }

    /// How many of a line the store has neither shipped nor refunded.
    pub fn left(&self, line: OrderLineId) -> u32 {
        let gone = self.shipped(line);
        let line = self.case.full.lines.iter().flatten().find(|known| known.id == line).unwrap();
        line.quantity.saturating_sub(line.refunded).saturating_sub(gone)
    }

    pub fn shipped(&self, line: OrderLineId) -> u32 {
        let items = self.case.full.shipments.iter().flatten().flat_map(|shipment| &shipment.items);
        items.filter(|item| item.0 == line).map(|item| item.1).sum()
    }

    /// The warehouse ships a note of what is not in another one yet; nothing happens if that is nothing.
    pub fn warehouse_ships(&mut self, kind: NoteKind, quantities: &[u32]) {
        let Some(Some(sales_order)) = self.case.full.sales_orders.get(&SALES_ORDER).cloned() else { return };
        let goods = sales_order.rows.iter().filter(|row| row.product != ProductId(1000)).zip(quantities);
        let rows: Vec<NoteRow> = goods.flat_map(|(row, &quantity)| self.note_rows(row, quantity)).collect();
        if !rows.is_empty() {
            // The two kinds number independently (BP §h.4).
            let earlier = self.case.notes().iter().filter(|note| note.kind == kind).count();
            let id = NoteId(4101 + u64::try_from(earlier).unwrap());
            let shipped_at = Some(self.case.now);
            self.case.notes().push(Note { kind, id, rows, shipped_at, ..note(0, &[]) });
            self.events.push(Aspects::NOTES);
        }
    }

    /// Up to that many of a row, from two places if there are several.
    fn note_rows(&self, row: &SalesOrderRow, quantity: u32) -> Vec<NoteRow> {
        let noted: Decimal =
            self.case.full.notes.iter().flatten().flat_map(|note| &note.rows).filter(|noted| noted.row == row.id).map(|row| row.quantity).sum();
        let quantity = Decimal::from(quantity).min(row.quantity - noted);
        let parts = if quantity > Decimal::ONE { vec![Decimal::ONE, quantity - Decimal::ONE] } else { vec![quantity] };
        parts.into_iter().filter(|part| *part > Decimal::ZERO).map(|quantity| NoteRow { row: row.id, product: row.product, quantity }).collect()
    }

    pub fn staff_sets_store_status(&mut self, status: u64) {
        self.case.order().status = StoreStatusId(status);
        self.touch();
    }

    pub fn staff_sets_sales_order_status(&mut self, status: u64) {
        if self.is_created() {
            self.case.sales_order().status = SalesOrderStatusId(status);
            self.events.push(Aspects::SALES_ORDER);
        }
    }

    pub fn staff_refunds(&mut self, line: usize) {
        let place = line % self.case.lines().len();
        let line = &mut self.case.lines()[place];
        line.refunded = line.quantity.min(line.refunded + 1);
        self.touch();
    }

    /// A shipment by hand, without a mark.
    pub fn staff_ships(&mut self, line: usize) {
        let place = line % self.case.lines().len();
        let line = self.case.lines()[place].id;
        if self.left(line) > 0 {
            self.put_shipment("sent by hand".into(), vec![(line, 1)]);
        }
    }

    fn touch(&mut self) {
        let now: Timestamp = self.case.now;
        self.case.order().modified_at = now;
        self.events.push(Aspects::STORE_ORDER);
    }
}

/// What Brightpearl makes of it: the first status is the account's own if none was sent.
fn sales_order(order: &NewSalesOrder, echoes_rows: bool) -> SalesOrder {
    let row = |(place, row): (u32, &NewRow)| SalesOrderRow {
        id: SalesOrderRowId(81000 + u64::from(place)),
        sequence: 10 * place,
        product: row.product.unwrap_or(ProductId(1000)),
        name: row.name.clone(),
        quantity: Decimal::from(row.quantity),
        net: row.net,
        tax: row.tax,
        tax_code: String::new(),
        nominal_code: String::new(),
        cost: None,
        external_ref: if echoes_rows { row.external_ref.clone() } else { String::new() },
        bundle_child: false,
        bundle_parent_row: None,
    };
    SalesOrder {
        id: SALES_ORDER,
        status: order.status.unwrap_or(SalesOrderStatusId(1)),
        total: order.total().unwrap(),
        rows: (1..).zip(&order.rows).map(row).collect(),
        ..crate::facts::sales_order()
    }
}
