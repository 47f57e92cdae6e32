//! Orders, one and many.

use orderbridge_http_client::CallError;
use orderbridge_schema::facts::Charge;
use orderbridge_schema::ids::{StoreCustomerId, StoreOrderId, StoreStatusId};
use serde_json::Value;

use crate::support::{Answer, Seen, Server};
use crate::{SHARE, client, d, order};

#[tokio::test]
async fn an_order_is_asked_for_and_read() {
    let server = Server::start(|_| Answer::json(200, order(10042).to_string())).await;
    let read = client(&server).order(StoreOrderId(10042), SHARE).await.unwrap().unwrap();
    let seen = server.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/stores/abc123/v2/orders/10042"));
    assert_eq!((seen.header("x-auth-token"), seen.header("accept")), (Some("t0k"), Some("application/json")));
    assert_eq!((read.id, read.status, read.customer), (StoreOrderId(10042), StoreStatusId(11), StoreCustomerId(0)));
    assert_eq!((read.total, read.tax, read.currency.as_str()), (d("66"), d("11"), "GBP"));
    assert_eq!((read.shipping, read.wrapping), (Charge { gross: d("6"), tax: d("1") }, Charge::default()));
    assert_eq!((read.coupon_discount, read.gift_certificates), (d("3.15"), d("2.5")));
    assert_eq!((read.created_at, read.modified_at), ("2026-03-01T09:30:00Z".parse().unwrap(), "2026-03-01T09:30:04Z".parse().unwrap()));
    assert_eq!((read.billing.email.as_str(), read.billing.postcode.as_str(), read.billing.street_2.as_str()), ("ada@example.com", "BS1 1AA", ""));
}

#[tokio::test]
async fn a_missing_order_is_none_and_a_total_that_is_missing_is_not_zero() {
    let server = Server::start(|_| Answer::json(404, r#"[{"status":404,"message":"Not found"}]"#)).await;
    assert_eq!(client(&server).order(StoreOrderId(1), SHARE).await, Ok(None));
    let mut broken = order(1);
    broken["total_tax"] = "".into();
    let server = Server::start(move |_| Answer::json(200, broken.to_string())).await;
    let error = client(&server).order(StoreOrderId(1), SHARE).await.unwrap_err();
    assert!(matches!(&error, CallError::Uncertain { why, .. } if !why.contains("ada")), "{error}");
}

/// A store with these orders; its list leaves one out.
async fn store_with(ids: impl IntoIterator<Item = u64>, not_listed: u64) -> Server {
    let ids: Vec<u64> = ids.into_iter().collect();
    Server::start(move |seen: &Seen| {
        if let Some(id) = seen.path().strip_prefix("/stores/abc123/v2/orders/") {
            let id: u64 = id.parse().unwrap();
            return if ids.contains(&id) { Answer::json(200, order(id).to_string()) } else { Answer::empty(404) };
        }
        let number = |name| seen.query(name).map(|text| text.parse::<u64>().unwrap());
        let span = number("min_id").unwrap_or(0)..=number("max_id").unwrap_or(u64::MAX);
        let (page, limit) = (number("page").unwrap_or(1), number("limit").unwrap_or(50));
        let rows = ids.iter().filter(|id| span.contains(id) && **id != not_listed);
        let rows = rows.skip(usize::try_from((page - 1) * limit).unwrap()).take(usize::try_from(limit).unwrap());
        let rows: Vec<Value> = rows.map(|id| order(*id)).collect();
        if rows.is_empty() { Answer::empty(204) } else { Answer::json(200, Value::from(rows).to_string()) }
    })
    .await
}

#[tokio::test]
async fn orders_that_lie_close_are_read_at_once_and_what_the_list_hides_singly() {
    let server = store_with([100, 101, 102, 349, 350, 9000], 102).await;
    let ids = [9000, 100, 102, 349, 350, 103, 100].map(StoreOrderId);
    let read = client(&server).orders(&ids, SHARE).await.unwrap();
    assert_eq!(read.iter().map(|order| order.id.0).collect::<Vec<_>>(), [100, 102, 349, 350, 9000]);
    let targets = server.targets();
    let list = "/stores/abc123/v2/orders?min_id=100&max_id=349&limit=250";
    assert_eq!(targets[0], list);
    let singles: Vec<&str> = targets[1..].iter().map(|target| target.rsplit('/').next().unwrap()).collect();
    assert_eq!(singles, ["102", "103", "350", "9000"]);
    assert_eq!(client(&server).orders(&[], SHARE).await, Ok(vec![]));
}

#[tokio::test]
async fn changed_orders_come_in_pages_past_250() {
    let server = store_with(1..=260, 0).await;
    let client = client(&server);
    let since = "2026-03-01T09:30:00.5Z".parse().unwrap();
    let first = client.orders_modified_since(since, 1, SHARE).await.unwrap();
    let second = client.orders_modified_since(since, 2, SHARE).await.unwrap();
    assert_eq!((first.orders.len(), first.more, second.orders.len(), second.more), (250, true, 10, false));
    let target = "/stores/abc123/v2/orders?min_date_modified=2026-03-01T09%3A30%3A00Z&sort=date_modified%3Aasc&page=2&limit=250";
    assert_eq!(server.targets()[1], target);
    let nothing = client.orders_modified_since(since, 3, SHARE).await.unwrap();
    assert!(nothing.orders.is_empty() && !nothing.more);
}
