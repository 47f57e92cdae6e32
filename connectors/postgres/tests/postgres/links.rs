use orderbridge_postgres::{CommandState, Comparison, Confirmed, DbError, NewAgreement, NewCommand, NewLink, TimelineEntry};
use orderbridge_schema::command::{CommandKind, PaymentKind};
use orderbridge_schema::decision::{AgreedStatus, Cause, Effect, Hold};
use orderbridge_schema::ids::{
    ContactId, InstallationId, NoteId, OrderAddressId, OrderLineId, PaymentId, ProductId, SalesOrderId, SalesOrderRowId, SalesOrderStatusId,
    ShipmentId, StoreHash, StoreOrderId, StoreStatusId,
};
use orderbridge_schema::link::{ContactLink, NoteKind, OrderLink, PaymentLink, RowLink, ShipmentLink};
use serde_json::json;
use std::time::Duration;

use crate::journal::{command, sales_order, sent, shipment};
use crate::support::{TestDb, account, at, order, tenant, tenant_import};

fn order_link(order: u64, sales_order: u64) -> NewLink {
    let link = OrderLink {
        order: StoreOrderId(order),
        part: 0,
        sales_order: SalesOrderId(sales_order),
        installation: InstallationId(7),
        external_ref: format!("bc-abc-{order}"),
        verified: false,
    };
    NewLink::Order(tenant("acme"), link)
}

fn shipment_link(note: u64, shipment: u64) -> ShipmentLink {
    ShipmentLink { kind: NoteKind::GoodsOut, note: NoteId(note), order: StoreOrderId(1), address: OrderAddressId(3), shipment: ShipmentId(shipment) }
}

fn row(line: u64, row: u64) -> RowLink {
    RowLink {
        line: OrderLineId(line),
        address: OrderAddressId(3),
        sales_order: SalesOrderId(500),
        row: SalesOrderRowId(row),
        product: ProductId(9),
        quantity: 2,
        shippable: true,
    }
}

fn told(key: &str) -> TimelineEntry {
    TimelineEntry { about: order("acme", 1), at: at("2026-11-22T12:00:01Z"), key: key.into(), text: "it was done".into(), data: json!({ "id": 1 }) }
}

fn pair(store: u64, brightpearl: u64) -> AgreedStatus {
    AgreedStatus { store: StoreStatusId(store), brightpearl: SalesOrderStatusId(brightpearl) }
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmation_links_agreement_and_timeline_are_one_transaction() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&sales_order()).await.unwrap();
    let entry = sent(&test, &entry, &lease, 5_000).await;
    // Another order has this sales order already: nothing of the confirmation may stay.
    test.db.save_links(&account(), &[order_link(99, 500)], &[]).await.unwrap();
    let agreed = Some(NewAgreement { tenant: tenant("acme"), order: StoreOrderId(1), pair: pair(11, 2) });
    let confirmed = Confirmed { links: vec![order_link(1, 500)], agreed, timeline: vec![told("sales-order-created")] };
    let error = test.db.confirm(&entry, Some(500), confirmed.clone()).await.unwrap_err();
    assert!(matches!(error, DbError::Conflict(_)), "{error}");
    assert_eq!(test.db.journal_entry(&entry.key).await.unwrap().unwrap().state, CommandState::Sent);
    assert!(test.db.timeline(&order("acme", 1)).await.unwrap().is_empty());

    test.execute("delete from order_links");
    assert!(test.db.confirm(&entry, Some(500), confirmed.clone()).await.unwrap());
    assert!(!test.db.confirm(&entry, Some(500), confirmed).await.unwrap(), "once");
    let state = test.db.load_order_state(&tenant("acme"), &[StoreOrderId(1)]).await.unwrap().remove(&StoreOrderId(1)).unwrap();
    assert_eq!(state.links[0].sales_order, SalesOrderId(500));
    assert_eq!(state.agreed.unwrap().pair, pair(11, 2));
    assert_eq!(test.db.timeline(&order("acme", 1)).await.unwrap(), [told("sales-order-created")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_known_about_orders_is_loaded_in_one_go() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let acme = tenant("acme");
    test.db.save_links(&account(), &[order_link(1, 500), NewLink::Shipment(acme.clone(), shipment_link(4101, 77))], &[told("found")]).await.unwrap();
    let stored = test.db.save_comparison(&acme, StoreOrderId(1), SalesOrderId(500), &[row(1, 10), row(2, 20)], &[], 1).await;
    assert_eq!(stored.unwrap(), Comparison::Stored);
    assert_eq!(test.db.save_comparison(&acme, StoreOrderId(1), SalesOrderId(501), &[], &[], 1).await.unwrap(), Comparison::NotLinked);
    test.db.save_agreed(&acme, StoreOrderId(1), pair(11, 2)).await.unwrap();
    test.clock.advance(Duration::from_secs(5));
    test.db.save_agreed(&acme, StoreOrderId(1), pair(11, 2)).await.unwrap();
    test.db.save_agreed(&acme, StoreOrderId(1), pair(2, 3)).await.unwrap();
    let hold = Hold { effect: Effect::Shipment, cause: Cause::CannotShip("GON-2".into()), why: "why".into(), remedy: "do".into() };
    test.db.record_holds(&order("acme", 1), &[hold], 1).await.unwrap();
    let entry = test.db.plan(&shipment("GON-4102-a3")).await.unwrap();
    let entry = sent(&test, &entry, &lease, 5_000).await;
    test.db.doubt(&entry, "timed out").await.unwrap();
    let status = test.db.plan(&command(CommandKind::SetSalesOrderStatus, "500", "sales-order/500")).await.unwrap();
    sent(&test, &status, &lease, 5_000).await;

    let mut states = test.db.load_order_state(&acme, &[StoreOrderId(1), StoreOrderId(2)]).await.unwrap();
    let state = states.remove(&StoreOrderId(1)).unwrap();
    assert!(state.links[0].verified);
    assert_eq!(state.rows, [row(1, 10), row(2, 20)]);
    assert_eq!(state.shipments, [shipment_link(4101, 77)]);
    let agreed = state.agreed.unwrap();
    assert_eq!((agreed.pair, agreed.before, agreed.at), (pair(2, 3), Some(pair(11, 2)), at("2026-11-22T12:00:05Z")));
    assert_eq!((state.holds[0].cause.as_str(), state.holds[0].effect), ("cannot-ship:GON-2", Effect::Shipment));
    assert_eq!(state.unsettled.len(), 2);
    assert_eq!(state.shipments_in_doubt().into_iter().collect::<Vec<_>>(), [("GON-4102-a3".to_owned(), entry.sent_at.unwrap())]);
    assert_eq!(states.remove(&StoreOrderId(2)).unwrap(), orderbridge_postgres::OrderState::default());
}

fn payment_link(reference: &str, payment: u64) -> PaymentLink {
    PaymentLink {
        order: StoreOrderId(1),
        reference: reference.into(),
        sales_order: SalesOrderId(500),
        payment: PaymentId(payment),
        kind: PaymentKind::Capture,
        method: "STRIPE".into(),
        amount: "48.3".parse().unwrap(),
        currency: "GBP".into(),
        rate: "1.171234".parse().ok(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_linked_once_and_remembered_with_what_is_in_doubt() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let acme = tenant("acme");
    let link = |reference: &str, payment| NewLink::Payment(acme.clone(), payment_link(reference, payment));
    for _twice in 0..2 {
        test.db.save_links(&account(), &[order_link(1, 500), link("bc-abc-txn-1", 935_400)], &[]).await.unwrap();
    }
    for bad in [link("bc-abc-txn-1", 935_401), link("bc-abc-txn-2", 935_400)] {
        let error = test.db.save_links(&account(), &[bad], &[]).await.unwrap_err();
        assert!(matches!(error, DbError::Conflict(_)), "{error}");
    }
    for seen in ["captured|48.3", "void|48.3"] {
        test.db.save_payments_seen(&acme, StoreOrderId(1), seen).await.unwrap();
    }
    let sent_with = json!({"payment": {"method": "OTHER", "kind": "RECEIPT"}});
    let planned = NewCommand { explanation: sent_with, ..command(CommandKind::CreatePayment, "bc-abc-txn-3", "payments-of/1") };
    let entry = test.db.plan(&planned).await.unwrap();
    let entry = sent(&test, &entry, &lease, 5_000).await;
    test.db.doubt(&entry, "timed out").await.unwrap();
    // Other rules meanwhile: what is in doubt stays what it was.
    let other = NewCommand { explanation: json!({"payment": {"method": "NEW", "kind": "RECEIPT"}}), ..planned };
    test.db.plan(&other).await.unwrap();
    let state = test.db.load_order_state(&acme, &[StoreOrderId(1)]).await.unwrap().remove(&StoreOrderId(1)).unwrap();
    assert_eq!(state.payments, [payment_link("bc-abc-txn-1", 935_400)]);
    assert_eq!(state.paid_as_seen.as_deref(), Some("void|48.3"));
    let in_doubt: Vec<_> = state.payments_in_doubt().collect();
    assert_eq!(in_doubt, [("bc-abc-txn-3".to_owned(), "OTHER".to_owned(), PaymentKind::Receipt)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_unique_on_both_sides_and_the_same_link_twice_is_fine() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let acme = tenant("acme");
    test.db.save_links(&account(), &[order_link(1, 500), NewLink::Shipment(acme.clone(), shipment_link(1, 77))], &[]).await.unwrap();
    test.db.save_links(&account(), &[order_link(1, 500), NewLink::Shipment(acme.clone(), shipment_link(1, 77))], &[]).await.unwrap();
    for bad in
        [order_link(1, 501), order_link(2, 500), NewLink::Shipment(acme.clone(), shipment_link(1, 78)), NewLink::Shipment(acme, shipment_link(2, 77))]
    {
        let error = test.db.save_links(&account(), &[bad], &[]).await.unwrap_err();
        assert!(matches!(error, DbError::Conflict(_)), "{error}");
    }
    assert_eq!(test.count("select count(*) as n from order_links"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_belong_to_the_account_and_a_dead_one_can_be_made_anew() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let contact = |hash: &str, id: u64| NewLink::Contact(ContactLink { email_hash: hash.into(), contact: ContactId(id) });
    let create = command(CommandKind::CreateContact, "hash-1", "contact/hash-1");
    let entry = test.db.plan(&create).await.unwrap();
    let entry = sent(&test, &entry, &lease, 5_000).await;
    let confirmed = Confirmed { links: vec![contact("hash-1", 20)], ..Confirmed::default() };
    assert!(test.db.confirm(&entry, Some(20), confirmed).await.unwrap());
    let links = test.db.contact_links(&account(), &["hash-1".into(), "hash-2".into()]).await.unwrap();
    assert_eq!(links.into_iter().collect::<Vec<_>>(), [("hash-1".to_owned(), ContactId(20))]);
    assert!(test.db.save_links(&account(), &[contact("hash-1", 21)], &[]).await.is_err());

    // Its address was changed in Brightpearl: the new one stands for the contact.
    test.db.save_links(&account(), &[contact("hash-2", 20)], &[]).await.unwrap();
    assert_eq!(test.db.contact_links(&account(), &["hash-1".into()]).await.unwrap().len(), 0);
    test.db.save_links(&account(), &[contact("hash-1", 30)], &[]).await.unwrap();
    assert!(test.db.drop_contact_link(&account(), "hash-1").await.unwrap());
    assert!(!test.db.drop_contact_link(&account(), "hash-1").await.unwrap());
    assert_eq!(test.db.plan(&create).await.unwrap().state, CommandState::Planned);
}

#[tokio::test(flavor = "multi_thread")]
async fn sales_orders_are_routed_by_their_links_and_foreign_ones_are_remembered() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let ids = [SalesOrderId(500), SalesOrderId(501), SalesOrderId(502)];
    test.db.remember_foreign(&account(), &ids[..2]).await.unwrap();
    test.db.remember_foreign(&account(), &ids[..2]).await.unwrap();
    test.db.save_links(&account(), &[order_link(1, 500)], &[]).await.unwrap();
    let routed = test.db.orders_of_sales_orders(&account(), &ids).await.unwrap();
    assert_eq!(routed.into_iter().collect::<Vec<_>>(), [(SalesOrderId(500), (tenant("acme"), StoreOrderId(1)))]);
    let foreign = test.db.foreign(&account(), &ids).await.unwrap();
    assert_eq!(foreign.into_iter().collect::<Vec<_>>(), [SalesOrderId(501)], "a linked one is not foreign");
    let store = StoreHash::new("abc").unwrap();
    assert_eq!(test.db.tenant_of_store(&account(), &store).await.unwrap(), Some(tenant("acme")));
    test.db.remove_tenant(&tenant("acme")).await.unwrap();
    assert_eq!(test.db.tenant_of_store(&account(), &store).await.unwrap(), None);
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    assert_eq!(test.db.tenant_of_store(&account(), &store).await.unwrap(), Some(tenant("acme")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_that_was_found_is_never_forgotten_because_the_rules_changed() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let acme = tenant("acme");
    test.db.save_links(&account(), &[order_link(1, 500)], &[]).await.unwrap();
    let differs = Hold { effect: Effect::Verification, cause: Cause::CreatedTotalDiffers, why: "why".into(), remedy: "do".into() };
    let mut import = tenant_import("acme", "abc");
    import.rules.orders.enabled = !import.rules.orders.enabled;
    assert_eq!(test.db.import_tenant(&import).await.unwrap().rules_version, 2);

    let compare = async |version| {
        test.db.save_comparison(&acme, StoreOrderId(1), SalesOrderId(500), &[row(1, 10)], std::slice::from_ref(&differs), version).await
    };
    assert_eq!(compare(1).await.unwrap(), Comparison::Outdated);
    let state = test.db.load_order_state(&acme, &[StoreOrderId(1)]).await.unwrap().remove(&StoreOrderId(1)).unwrap();
    assert!(!state.links[0].verified && state.rows.is_empty() && state.holds.is_empty(), "it is compared again");

    assert_eq!(compare(2).await.unwrap(), Comparison::Stored);
    let state = test.db.load_order_state(&acme, &[StoreOrderId(1)]).await.unwrap().remove(&StoreOrderId(1)).unwrap();
    assert!(state.links[0].verified);
    assert_eq!((state.holds[0].effect, state.holds[0].cause.as_str()), (Effect::Verification, "created-total-differs"));
}
