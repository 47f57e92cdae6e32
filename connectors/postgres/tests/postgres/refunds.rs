use orderbridge_postgres::{DbError, NewLink};
use orderbridge_schema::ids::{ProductId, RefundId, SalesOrderId, SalesOrderRowId, StoreOrderId};
use orderbridge_schema::refund::{RefundMark, RefundWay, RowChange};

use crate::support::{TestDb, account, tenant};

fn mark() -> RefundMark {
    let (net, tax) = ("10.10".parse().unwrap(), "2.02".parse().unwrap());
    let row = RowChange { row: SalesOrderRowId(81_001), product: ProductId(5001), from: 2, to: 1, net, tax };
    RefundMark {
        refund: RefundId(3),
        sales_order: SalesOrderId(500),
        way: RefundWay::Credit,
        rows: vec![row],
        extra: None,
        credit: None,
        goods_in: None,
        booked: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_remembered_from_its_beginning_to_its_end_and_never_booked_otherwise() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let acme = tenant("acme");
    let save = async |mark: RefundMark| test.db.save_links(&account(), &[NewLink::Refund(acme.clone(), StoreOrderId(1), mark)], &[]).await;
    let credited = RefundMark { credit: Some(SalesOrderId(600)), ..mark() };
    let booked = RefundMark { booked: true, ..credited.clone() };
    for mark in [mark(), credited.clone(), booked.clone(), booked.clone()] {
        save(mark).await.unwrap();
    }
    let other_credit = RefundMark { credit: Some(SalesOrderId(601)), ..mark() };
    let other_way = RefundMark { way: RefundWay::Order, ..booked.clone() };
    let other_rows = RefundMark { rows: Vec::new(), ..booked.clone() };
    for other in [other_credit, other_way, other_rows] {
        assert!(matches!(save(other).await, Err(DbError::Conflict(_))));
    }
    let twin = RefundMark { refund: RefundId(4), ..credited };
    assert!(save(twin).await.is_err(), "one sales credit stands for one refund");
    test.db.save_refunds_seen(&acme, StoreOrderId(1), "refunded|4").await.unwrap();
    let states = test.db.load_order_state(&acme, &[StoreOrderId(1), StoreOrderId(2)]).await.unwrap();
    assert_eq!(states[&StoreOrderId(1)].refunds, [booked]);
    assert_eq!(states[&StoreOrderId(1)].refunds_as_seen.as_deref(), Some("refunded|4"));
    assert!(states[&StoreOrderId(2)].refunds.is_empty() && states[&StoreOrderId(2)].refunds_as_seen.is_none());
}
