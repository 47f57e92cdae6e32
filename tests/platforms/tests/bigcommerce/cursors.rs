//! Lists read by cursor (BC §b).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::Shop;

/// Five customers of which the first was changed last.
async fn shop() -> (Shop, Vec<i64>) {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for (number, name) in ["Edsger", "Ada", "Barbara", "Ken", "Radia"].iter().enumerate() {
        let row = json!({ "email": format!("{number}@example.com"), "first_name": name, "last_name": name, "company": "Engines" });
        ids.push(shop.sim("POST", "stores/abc123/customers", row).await["id"].as_i64().unwrap());
        shop.advance(2000).await;
    }
    let change = json!([{ "id": ids[0], "phone": "0117" }]);
    assert_eq!(shop.call("PUT", "v3/customers", Some(change)).await.status, 200);
    (shop, ids)
}

fn ids(body: &Value) -> Vec<i64> {
    body["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

fn query(link: &Value) -> BTreeMap<String, String> {
    let text = link.as_str().unwrap_or_else(|| panic!("no link: {link}"));
    url::form_urlencoded::parse(text.strip_prefix('?').unwrap().as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn a_sorted_list_loses_no_row_to_its_cursor() {
    let (shop, all) = shop().await;
    let by_name = [all[1], all[2], all[0], all[3], all[4]];
    for (sort, expected) in [
        ("date_modified:asc", vec![all[1], all[2], all[3], all[4], all[0]]),
        ("date_modified:desc", vec![all[0], all[4], all[3], all[2], all[1]]),
        ("date_created:desc", all.iter().rev().copied().collect()),
        ("last_name:asc", by_name.to_vec()),
        ("last_name:desc", by_name.iter().rev().copied().collect()),
    ] {
        let mut seen = Vec::new();
        let mut path = format!("v3/customers?sort={sort}&limit=2");
        loop {
            let page = shop.get(&path).await.json();
            seen.extend(ids(&page));
            let next = &page["meta"]["cursor_pagination"]["links"]["next"];
            let Some(next) = next.as_str() else { break };
            path = format!("v3/customers{next}");
        }
        assert_eq!(seen, expected, "{sort}");
    }
    assert_eq!(shop.get("v3/customers?sort=shoe_size:asc").await.status, 422);
    assert_eq!(shop.get("v3/customers?sort=last_name:up").await.status, 422);
}

#[tokio::test]
async fn a_row_that_moves_while_the_list_is_read_takes_none_with_it() {
    let (shop, all) = shop().await;
    let first = shop.get("v3/customers?sort=date_modified:asc&limit=2").await.json();
    assert_eq!(ids(&first), [all[1], all[2]]);
    shop.advance(2000).await;
    // The row that the cursor was made of goes to the end.
    shop.call("PUT", "v3/customers", Some(json!([{ "id": all[2], "phone": "0118" }]))).await;
    let rest = shop.get(&format!("v3/customers{}", first["meta"]["cursor_pagination"]["links"]["next"].as_str().unwrap())).await.json();
    assert_eq!(ids(&rest), [all[3], all[4]]);
}

#[tokio::test]
async fn cursors_lead_both_ways_and_links_keep_the_filters() {
    let (shop, all) = shop().await;
    let path = "v3/customers?company:in=Engines&limit=2";
    let first = shop.get(path).await.json();
    assert!(first["meta"].get("pagination").is_some());
    let meta = &first["meta"]["cursor_pagination"];
    assert!(meta["links"].get("previous").is_none());
    assert_eq!((&meta["count"], &meta["per_page"]), (&json!(2), &json!(2)));
    for (link, cursor) in [("current", None), ("next", Some(("after", &meta["end_cursor"])))] {
        let query = query(&meta["links"][link]);
        assert_eq!((query["company:in"].as_str(), query["limit"].as_str()), ("Engines", "2"), "{link}");
        if let Some((name, cursor)) = cursor {
            assert_eq!(query[name], cursor.as_str().unwrap());
        }
    }
    let second = shop.get(&format!("v3/customers{}", meta["links"]["next"].as_str().unwrap())).await.json();
    assert_eq!(ids(&second), [all[2], all[3]]);
    assert!(second["meta"].get("pagination").is_none(), "with a cursor only the cursor's meta");
    let links = &second["meta"]["cursor_pagination"]["links"];
    assert_eq!(query(&links["current"])["after"], meta["end_cursor"].as_str().unwrap());
    let back = shop.get(&format!("v3/customers{}", links["previous"].as_str().unwrap())).await.json();
    assert_eq!(ids(&back), [all[0], all[1]]);
    assert!(back["meta"].get("pagination").is_none() && back["meta"]["cursor_pagination"]["links"].get("previous").is_none());
    let third = shop.get(&format!("v3/customers{}", links["next"].as_str().unwrap())).await.json();
    assert_eq!(ids(&third), [all[4]]);
    assert!(third["meta"]["cursor_pagination"]["links"].get("next").is_none());
    let later = shop.get("v3/customers?limit=2&page=2").await.json();
    assert!(later["meta"].get("cursor_pagination").is_none(), "a page by number has no cursor");
    assert_eq!(shop.get("v3/customers?before=nonsense").await.status, 422);
    let end = meta["end_cursor"].as_str().unwrap();
    assert_eq!(shop.get(&format!("v3/customers?before={end}&after={end}")).await.status, 422, "one of them at a time");
}

#[tokio::test]
async fn metafields_are_read_by_cursor_too() {
    let shop = Shop::open().await;
    shop.place(json!({ "id": 260, "lines": [{ "sku": "A" }] })).await;
    for key in ["a", "b", "c"] {
        let field = json!({ "permission_set": "app_only", "namespace": "n", "key": key, "value": "v" });
        assert_eq!(shop.call("POST", "v3/orders/260/metafields", Some(field)).await.status, 200);
    }
    let first = shop.get("v3/orders/260/metafields?limit=2").await.json();
    let next = first["meta"]["cursor_pagination"]["links"]["next"].as_str().unwrap();
    let rest = shop.get(&format!("v3/orders/260/metafields{next}")).await.json();
    assert_eq!(rest["data"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect::<Vec<_>>(), ["c"]);
}
