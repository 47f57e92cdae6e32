//! One command through the journal: planned → sent → confirmed, refused or in doubt.
//!
//! The committed compare-and-set planned → sent is the only right to call. What is in doubt is looked up before anything else is done
//! about it, and called again only when its absence is proved.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use orderbridge_decide::{ContactFact, OrderFacts, Shopper};
use orderbridge_http_client::{CallError, Deadline, crash};
use orderbridge_postgres::{CommandState, Confirmed, JournalEntry, Missed, NewAgreement, NewCommand, NewLink, Refusal, SendRight, TimelineEntry};
use orderbridge_reconcile::Session;
use orderbridge_schema::command::{Command, CommandKind, NewSalesOrder, NewShipment, Repeatability};
use orderbridge_schema::decision::AgreedStatus;
use orderbridge_schema::facts::{SaidOfCustomer, WholeSalesOrder};
use orderbridge_schema::ids::{ContactId, PaymentId, ProductId, SalesOrderId, ShipmentId, StoreOrderId};
use orderbridge_schema::link::{ContactLink, OrderLink, PaymentLink, ShipmentLink};
use orderbridge_schema::order_text::SentText;
use orderbridge_schema::refund::RefundMark;
use orderbridge_schema::reservation::ReservationMark;
use orderbridge_schema::work::{Scope, WorkKey, WorkKind};

use crate::account::Worker;
use crate::breaker::{Step, Trouble};
use crate::catalogue::with_missing;
use crate::explain;
use crate::extras;
use crate::failure;
use crate::outcome::{Outcome, When};
use crate::payments;
use crate::perform::{self, Answer, Found};
use crate::refunds;

/// When to look again at a command that another one on the same target holds up.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// What a command that took effect changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effected {
    /// A contact exists now.
    Contact(ContactId),
    /// A sales order exists now. Its statuses agree on the pair only if this very send made it: an earlier one may have carried another.
    SalesOrder(OrderLink, Option<AgreedStatus>),
    /// The store's order carries the sales order's id.
    Reference(String),
    /// A status was carried; both sides agree on this.
    Status(AgreedStatus),
    /// A shipment exists now.
    Shipment(ShipmentLink),
    /// A payment is booked now.
    Payment(PaymentLink),
    /// A reservation was asked for; what came of it is to be read back.
    Reserved(ReservationMark),
    /// Texts stand on a sales order.
    Texts(Vec<SentText>),
    /// A contact has what the store says of this.
    Customer(SaidOfCustomer),
    /// A row of a sales order is other than it was; the id of a new one.
    Row(Option<u64>),
    /// A refund has come further.
    Refund(RefundMark),
    /// A sales order was brought into step; as it is now, if the answer told.
    Edited(Option<Box<WholeSalesOrder>>),
}

impl Worker {
    /// Makes a command take effect, or says when to try again or why not.
    pub(crate) async fn execute(&self, session: &Session, command: &Command, facts: &OrderFacts, attempts: u32) -> Result<Effected, Outcome> {
        let entry = self.planned(session, command, facts).await?;
        let entry = match entry.state {
            CommandState::Planned => entry,
            CommandState::Confirmed => return self.confirmed_before(session, command, facts, &entry).await,
            // Somebody is at it now: most often it is settled in a moment.
            CommandState::Sent => return Err(Outcome::later(BUSY_WAIT, format!("{} is being sent", entry.key))),
            CommandState::InDoubt => match self.settle(session, command, facts, &entry).await? {
                Settled::Effected(effected) => return Ok(effected),
                Settled::Absent => self.planned(session, command, facts).await?,
            },
            CommandState::Refused => return Err(Outcome::later(BUSY_WAIT, "the command was refused a moment ago")),
        };
        self.send(session, command, facts, &entry, attempts).await
    }

    async fn planned(&self, session: &Session, command: &Command, facts: &OrderFacts) -> Result<JournalEntry, Outcome> {
        let scope = Scope::Tenant(session.tenant.clone());
        let planned = NewCommand {
            key: command.key(&scope, &session.account),
            account: session.account.clone(),
            target: command.target(),
            fingerprint: command.fingerprint(),
            explanation: explain::command(&session.tenant, session.rules_version, command, facts),
        };
        self.db.plan(&planned).await.map_err(|error| failure::of_journal(command.kind(), &error))
    }

    async fn send(&self, session: &Session, command: &Command, facts: &OrderFacts, entry: &JournalEntry, attempts: u32) -> Result<Effected, Outcome> {
        let (kind, item) = (command.kind(), self.key(session, facts));
        if let Err(until) = self.breakers().may(&item, kind, self.clock.now()) {
            return Err(Outcome::left_alone(until, format!("{}: {kind} is left alone until a single try works", perform::platform(kind))));
        }
        let paid = perform::pay(&*self.gate, session, kind).await;
        let mut permits = paid.map_err(|error| failure::of_read_call(perform::platform(kind), &error, attempts))?;
        let deadline = Deadline::after(self.settings.send_within);
        crash::point(&format!("before-send:{}", command.kind()));
        let right = self.right_to_send(entry, deadline, attempts).await;
        let entry = right.inspect_err(|_| perform::give_back(&*self.gate, &mut permits))?;
        crash::point(&format!("after-send-mark:{}", command.kind()));
        let result = perform::call(session, command, &mut permits, deadline).await;
        perform::give_back(&*self.gate, &mut permits);
        self.learn(&item, kind, &result);
        crash::point(&format!("after-call:{}", command.kind()));
        metrics::counter!("orderbridge_commands_total", "kind" => command.kind().as_str(), "result" => result_label(&result)).increment(1);
        match result {
            Ok(answer) => {
                let effected = self.confirm(session, command, facts, &entry, answer.id).await?;
                Ok(answer.sales_order.map_or(effected, |now| Effected::Edited(Some(Box::new(now)))))
            }
            Err(error) if error.is_definite_no() => self.refused_or_there(session, command, facts, &entry, &error, attempts).await,
            Err(error) => Err(self.doubt(session, &entry, &error).await),
        }
    }

    /// The committed mark that alone allows the call.
    async fn right_to_send(&self, entry: &JournalEntry, deadline: Deadline, attempts: u32) -> Result<JournalEntry, Outcome> {
        let right = self.db.mark_sent(entry, self.lease.fence, &self.owner, deadline.at()).await;
        match right.map_err(|error| failure::failed(attempts, format!("journal: {error}")))? {
            SendRight::Granted(entry) => Ok(entry),
            SendRight::TargetBusy { until } => Err(wait_until(until, "another command on the same object may still take effect")),
            SendRight::LeaseLost | SendRight::Moved => Err(Outcome::later(BUSY_WAIT, "another processor is at work on it")),
        }
    }

    /// What a call tells about the next ones of its kind. A plain no is an answer: the platform works.
    fn learn(&self, item: &WorkKey, kind: CommandKind, result: &Result<Answer, CallError>) {
        let step = Step::write(kind);
        match result {
            Ok(_) | Err(CallError::Refused { .. } | CallError::NotFound) => self.breakers().worked(&item.scope, step),
            Err(error) => {
                let Some(class) = error.class() else { return };
                let asked = if let CallError::Throttled { retry_after } = error { retry_after.unwrap_or_default() } else { Duration::ZERO };
                self.breakers().failed(item, Trouble { step, class }, asked, self.clock.now());
            }
        }
    }

    /// Records what was achieved. If that fails the command stays sent, and is looked up after its deadline.
    pub(crate) async fn confirm(
        &self,
        session: &Session,
        command: &Command,
        facts: &OrderFacts,
        entry: &JournalEntry,
        id: Option<u64>,
    ) -> Result<Effected, Outcome> {
        let Some(effected) = effected(session, command, facts, entry, id) else {
            // Confirmed, id unknown: found by its key at the next look, or once the search index has caught up.
            let recorded = self.db.confirm(entry, None, Confirmed::default()).await;
            recorded.map_err(|error| failure::of_journal(command.kind(), &error))?;
            return Err(Outcome::later(BUSY_WAIT, "the platform accepted the command without naming what it made"));
        };
        let confirmed = Confirmed {
            links: links(session, facts.id, command, &effected),
            agreed: agreed(&effected).map(|pair| NewAgreement { tenant: session.tenant.clone(), order: facts.id, pair }),
            timeline: vec![self.entry(session, facts, done_key(&effected), told(&effected, command))],
        };
        self.db.confirm(entry, id, confirmed).await.map_err(|error| failure::of_journal(command.kind(), &error))?;
        crash::point(&format!("after-confirm:{}", command.kind()));
        Ok(effected)
    }

    pub(crate) async fn refuse(
        &self,
        session: &Session,
        command: &Command,
        facts: &OrderFacts,
        entry: &JournalEntry,
        error: &CallError,
        attempts: u32,
    ) -> Outcome {
        let mut outcome = failure::of_refusal(perform::platform(command.kind()), command, error, attempts);
        let mut refusal = if matches!(outcome, Outcome::Held(_)) { Refusal::Final } else { Refusal::Passing };
        if let (Refusal::Final, Command::CreateSalesOrder(order), false) = (refusal, command, entry.matched_again) {
            (outcome, refusal) = match self.match_again(session, order, facts).await {
                Ok(()) => (
                    Outcome::later(BUSY_WAIT, "Brightpearl refused the sales order; its contact and products are matched again"),
                    Refusal::MatchedAgain,
                ),
                Err(outcome) => (outcome, Refusal::Passing),
            };
        }
        let code = if let CallError::Refused { code, .. } = error { code.clone() } else { "not-done".to_owned() };
        match self.db.refuse(entry, &code, &failure::without_personal_data(command, error), refusal).await {
            Ok(_) => outcome,
            Err(error) => failure::failed(attempts, format!("journal: {error}")),
        }
    }

    /// A refused sales order may name a contact or a product that is gone: both are matched anew, once, before a person is asked.
    async fn match_again(&self, session: &Session, order: &NewSalesOrder, facts: &OrderFacts) -> Result<(), Outcome> {
        let products: Vec<ProductId> = order.rows.iter().filter_map(|row| row.product).collect();
        if let Ok(found) = session.brightpearl.products(&products, session.share).await
            && let Err(error) = self.db.save_products(&session.account, &with_missing(found, &products)).await
        {
            return Err(failure::failed(0, format!("database: {error}")));
        }
        if let (Some(ContactFact::Linked(_)), Some(Some(store_order))) = (&facts.contact, &facts.store_order) {
            let shopper = Shopper::of(store_order, &session.rules.orders.without_email);
            let Some(key) = shopper.key(&session.store) else { return Ok(()) };
            let dropped = match session.hasher.hash(&session.account, &key) {
                Ok(hash) => self.db.drop_contact_link(&session.account, &hash).await,
                Err(error) => Err(error),
            };
            dropped.map_err(|error| failure::failed(0, format!("database: {error}")))?;
        }
        Ok(())
    }

    pub(crate) async fn doubt(&self, session: &Session, entry: &JournalEntry, error: &CallError) -> Outcome {
        tracing::warn!(tenant = %session.tenant, command = %entry.key, %error, "a command is in doubt");
        if let Err(error) = self.db.doubt(entry, &error.to_string()).await {
            tracing::warn!(command = %entry.key, %error, "the doubt could not be recorded; the deadline tells it all the same");
        }
        let why = format!("{} is in doubt: {error}", entry.key);
        entry.settles_at.map_or_else(|| Outcome::later(BUSY_WAIT, why.clone()), |at| wait_until(at, &why))
    }

    /// A command whose effect is not known: looked up once nothing of it can be under way any more.
    async fn settle(&self, session: &Session, command: &Command, facts: &OrderFacts, entry: &JournalEntry) -> Result<Settled, Outcome> {
        if let Some(at) = entry.settles_at.filter(|&at| at > Timestamp::now()) {
            return Err(wait_until(at, &format!("{} may still take effect", entry.key)));
        }
        let began = Instant::now();
        let platform = perform::platform(command.kind());
        match perform::look_up(session, command).await.map_err(|error| failure::of_read_call(platform, &error, 0))? {
            Found::Yes(id) => self.confirm(session, command, facts, entry, id).await.map(Settled::Effected),
            // The platform deduplicates it, or it sets a value: it may be sent again, now that nothing of it is under way.
            Found::No if command.kind().repeatability() != Repeatability::LookFirst => Ok(Settled::Absent),
            Found::No => match self.db.miss(entry, began.elapsed()).await.map_err(|error| failure::of_journal(command.kind(), &error))? {
                Missed::Proved => Ok(Settled::Absent),
                Missed::First { again_at } => Err(wait_until(again_at, &format!("{} was not found; it counts when it is missing twice", entry.key))),
                Missed::Moved => Err(Outcome::later(BUSY_WAIT, "another processor settled it")),
            },
        }
    }

    /// A create that was confirmed before: its link is there already, or is restored from the journal.
    async fn confirmed_before(&self, session: &Session, command: &Command, facts: &OrderFacts, entry: &JournalEntry) -> Result<Effected, Outcome> {
        let id = match entry.result_id {
            Some(id) => Some(id),
            None => match perform::look_up(session, command).await {
                Ok(Found::Yes(id)) => id,
                Ok(Found::No) => return Err(Outcome::later(Duration::from_secs(60), format!("{} was confirmed but cannot be found yet", entry.key))),
                Err(error) => return Err(failure::of_read_call(perform::platform(command.kind()), &error, 0)),
            },
        };
        self.confirm(session, command, facts, entry, id).await
    }

    /// The work item of an order.
    pub(crate) fn key(&self, session: &Session, facts: &OrderFacts) -> WorkKey {
        WorkKey { scope: Scope::Tenant(session.tenant.clone()), kind: WorkKind::Order, entity: facts.id.0 }
    }

    /// A timeline entry about an order.
    pub(crate) fn entry(&self, session: &Session, facts: &OrderFacts, key: &str, text: String) -> TimelineEntry {
        TimelineEntry {
            about: self.key(session, facts),
            at: self.clock.now(),
            key: key.to_owned(),
            text,
            data: explain::reason(session.rules_version, facts),
        }
    }
}

enum Settled {
    Effected(Effected),
    Absent,
}

const fn result_label(result: &Result<Answer, CallError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(CallError::Uncertain { .. }) => "in-doubt",
        Err(_) => "refused",
    }
}

/// What a command achieved; `None` if it made something whose id is not known.
fn effected(session: &Session, command: &Command, facts: &OrderFacts, entry: &JournalEntry, id: Option<u64>) -> Option<Effected> {
    Some(match command {
        Command::CreateContact(_) => Effected::Contact(ContactId(id?)),
        Command::CreateSalesOrder(order) => {
            let link = OrderLink {
                order: order.order,
                part: order.part,
                sales_order: SalesOrderId(id?),
                installation: session.installation,
                external_ref: order.external_ref.clone(),
                verified: false,
            };
            let only_send = entry.state == CommandState::Sent && entry.sends == 1;
            let made_with = order.status.filter(|_| only_send).map(|brightpearl| AgreedStatus { store: order.agreed_with, brightpearl });
            Effected::SalesOrder(link, made_with)
        }
        Command::SetExternalOrderId { sales_order, .. } => Effected::Reference(format!("BP-{sales_order}")),
        Command::SetSalesOrderStatus { status, agreed_with, .. } => Effected::Status(AgreedStatus { store: *agreed_with, brightpearl: *status }),
        Command::SetStoreStatus { status, agreed_with, .. } => Effected::Status(AgreedStatus { store: *status, brightpearl: *agreed_with }),
        Command::CreatePayment(payment) => Effected::Payment(payments::link(payment, PaymentId(id?))),
        Command::CreateShipment(shipment) => Effected::Shipment(ShipmentLink {
            kind: shipment.note_kind,
            note: shipment.note,
            order: facts.id,
            address: shipment.address,
            shipment: ShipmentId(id?),
        }),
        Command::ReserveStock(_) | Command::SetReservation(_) | Command::SetOrderFields { .. } | Command::AddOrderNote(_) => {
            extras::effected(command, id)?
        }
        Command::UpdateContact(update) => Effected::Customer(update.said.clone()),
        Command::SetContactAddress(new) => Effected::Customer(new.said.clone()),
        Command::SetOrderRow(_) | Command::AddOrderRow(_) | Command::CreateSalesCredit(_) | Command::ReceiveGoods(_) => {
            refunds::effected(command, facts, id)?
        }
        Command::EditSalesOrder(_) => Effected::Edited(None),
    })
}

/// The links a command's effect leaves.
fn links(session: &Session, order: StoreOrderId, command: &Command, effected: &Effected) -> Vec<NewLink> {
    match (effected, command) {
        (Effected::Contact(contact), Command::CreateContact(new)) => {
            vec![NewLink::Contact(ContactLink { email_hash: new.email_hash.clone(), contact: *contact })]
        }
        (Effected::SalesOrder(link, _), Command::CreateSalesOrder(order)) => {
            vec![NewLink::Order(session.tenant.clone(), link.clone()), NewLink::Rate(session.tenant.clone(), link.sales_order, order.exchange_rate)]
        }
        (Effected::SalesOrder(link, _), _) => vec![NewLink::Order(session.tenant.clone(), link.clone())],
        (Effected::Shipment(link), _) => vec![NewLink::Shipment(session.tenant.clone(), link.clone())],
        (Effected::Payment(link), _) => vec![NewLink::Payment(session.tenant.clone(), link.clone())],
        (Effected::Reserved(mark), _) => vec![NewLink::Reservation(session.tenant.clone(), order, *mark)],
        (Effected::Texts(texts), _) => texts.iter().map(|text| NewLink::Text(session.tenant.clone(), order, text.clone())).collect(),
        (Effected::Customer(said), _) => vec![NewLink::Customer(session.tenant.clone(), said.clone())],
        (Effected::Refund(mark), _) => vec![NewLink::Refund(session.tenant.clone(), order, mark.clone())],
        (Effected::Contact(_) | Effected::Reference(_) | Effected::Status(_) | Effected::Row(_) | Effected::Edited(_), _) => Vec::new(),
    }
}

/// The statuses that agree from now on.
const fn agreed(effected: &Effected) -> Option<AgreedStatus> {
    match effected {
        Effected::Status(pair) | Effected::SalesOrder(_, Some(pair)) => Some(*pair),
        Effected::SalesOrder(_, None) | Effected::Contact(_) | Effected::Reference(_) | Effected::Shipment(_) | Effected::Payment(_) => None,
        Effected::Reserved(_) | Effected::Texts(_) | Effected::Customer(_) | Effected::Row(_) | Effected::Refund(_) | Effected::Edited(_) => None,
    }
}

const fn done_key(effected: &Effected) -> &'static str {
    match effected {
        Effected::Contact(_) => "contact-created",
        Effected::SalesOrder(..) => "sales-order-created",
        Effected::Reference(_) => "reference-written",
        Effected::Status(_) => "status-carried",
        Effected::Shipment(_) => "shipment-created",
        Effected::Payment(_) => "payment-booked",
        Effected::Reserved(_) => "reservation-asked",
        Effected::Texts(_) => "texts-carried",
        Effected::Customer(_) => "contact-updated",
        Effected::Row(_) => "order-row-changed",
        Effected::Refund(mark) if mark.goods_in.is_some() => "goods-received",
        Effected::Refund(_) => "sales-credit-created",
        Effected::Edited(_) => "edit-carried",
    }
}

fn told(effected: &Effected, command: &Command) -> String {
    match effected {
        Effected::Contact(contact) => format!("contact {contact} created in Brightpearl"),
        Effected::SalesOrder(link, _) => format!("sales order {} created under {}", link.sales_order, link.external_ref),
        Effected::Reference(text) => format!("{text} written on the store's order"),
        Effected::Status(_) | Effected::Texts(_) | Effected::Customer(_) | Effected::Row(_) | Effected::Edited(_) => {
            format!("did {}", command.describe())
        }
        Effected::Refund(mark) if mark.goods_in.is_some() => format!("did {}", command.describe()),
        Effected::Refund(mark) => {
            let credit = mark.credit.map(|credit| credit.to_string()).unwrap_or_default();
            format!("sales credit {credit} created for refund {}", mark.refund)
        }
        Effected::Reserved(_) => format!("asked Brightpearl to {}", command.describe()),
        Effected::Payment(link) => {
            format!("payment {}: {} of {} {} by {} ({})", link.payment, link.kind, link.amount, link.currency, link.method, link.reference)
        }
        Effected::Shipment(link) => {
            format!("{} is shipment {} at the store", NewShipment::mark(link.kind, link.note, None), link.shipment)
        }
    }
}

/// Waits for a moment of real time: deadlines of sent commands never follow a test clock, only the wait for them does.
fn wait_until(at: Timestamp, why: &str) -> Outcome {
    let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
    Outcome::Again { when: When::After(wait + Duration::from_millis(200)), firm: true, failed: false, why: why.to_owned(), met: None }
}
