//! What sales orders and their store orders had in common, and what of an order was missed.

use jiff::Timestamp;
use orderbridge_postgres::{NewLink, OrderState};
use orderbridge_schema::edit::{Absence, Contents, InStep, Missing, NowInStep, OwnedRow};
use orderbridge_schema::ids::{OrderAddressId, OrderLineId, ProductId, SalesOrderId, SalesOrderRowId, StoreOrderId};
use orderbridge_schema::link::RowLink;
use orderbridge_schema::order_text::TextDigest;

use crate::support::{TestDb, account, tenant};

const ONE: StoreOrderId = StoreOrderId(1);
const SALES_ORDER: SalesOrderId = SalesOrderId(500);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

async fn state(test: &TestDb) -> OrderState {
    test.db.load_order_state(&tenant("acme"), &[ONE]).await.unwrap().remove(&ONE).unwrap()
}

async fn save(test: &TestDb, link: NewLink) {
    test.db.save_links(&account(), &[link], &[]).await.unwrap();
}

fn mark(net: &str, seen: i64) -> InStep {
    let digest = |text: &str| TextDigest(text.into());
    let contents = Contents { amounts: digest("a"), lines: digest("l"), billing: digest("b"), delivery: digest("d"), shipping: digest("s") };
    let row = OwnedRow {
        row: SalesOrderRowId(7),
        key: "bc-line-1".into(),
        product: ProductId(5001),
        quantity: 2,
        net: net.parse().unwrap(),
        tax: "-0.01".parse().unwrap(),
    };
    InStep { sales_order: SALES_ORDER, seen_at: at(seen), contents, rows: vec![row] }
}

fn link(line: u64, row: u64) -> RowLink {
    RowLink {
        line: OrderLineId(line),
        address: OrderAddressId(3),
        sales_order: SALES_ORDER,
        row: SalesOrderRowId(row),
        product: ProductId(5001),
        quantity: 2,
        shippable: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_step_is_read_back_to_the_last_digit_and_the_later_word_stands() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    for (net, seen) in [("12345678.90", 10), ("0.10", 20)] {
        save(&test, NewLink::InStep(tenant("acme"), ONE, NowInStep { mark: mark(net, seen), row_links: None })).await;
        assert_eq!(state(&test).await.in_step, [mark(net, seen)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_lines_that_are_gone_are_unlinked_and_others_take_their_place() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    for links in [vec![link(1, 7), link(2, 8)], vec![link(1, 7), link(3, 9)], vec![link(1, 10)]] {
        let now = NowInStep { mark: mark("1", 10), row_links: Some(links.clone()) };
        save(&test, NewLink::InStep(tenant("acme"), ONE, now)).await;
        assert_eq!(state(&test).await.rows, links);
    }
    save(&test, NewLink::InStep(tenant("acme"), ONE, NowInStep { mark: mark("2", 11), row_links: None })).await;
    assert_eq!(state(&test).await.rows, [link(1, 10)], "nothing was said about rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_keeps_its_first_time_and_is_forgotten_when_it_is_there() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let missing = [Missing::Archived, Missing::SalesOrder(SALES_ORDER), Missing::StoreOrder];
    for what in missing {
        save(&test, NewLink::Absence(tenant("acme"), ONE, Absence { what, since: at(5), gone_at: None })).await;
        save(&test, NewLink::Absence(tenant("acme"), ONE, Absence { what, since: at(9), gone_at: Some(at(9)) })).await;
    }
    let expected = missing.map(|what| Absence { what, since: at(5), gone_at: Some(at(9)) });
    assert_eq!(state(&test).await.absences, expected);
    save(&test, NewLink::FoundAgain(tenant("acme"), ONE, Missing::Archived)).await;
    save(&test, NewLink::FoundAgain(tenant("acme"), ONE, Missing::SalesOrder(SalesOrderId(501)))).await;
    assert_eq!(state(&test).await.absences, expected[1..]);
}
