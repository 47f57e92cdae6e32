//! Products, availability, bundles and prices.

use serde_json::json;

use crate::support::Sim;

#[tokio::test]
async fn products_are_found_by_exact_sku_and_read_in_the_recorded_shape() {
    let sim = Sim::start().await;
    let found = sim.get("/product-service/product-search?SKU=MUG-01&columns=productId,SKU,stockTracked,productStatus").await;
    assert_eq!(found.data()["results"], json!([[sim.mug, "MUG-01", true, "LIVE"]]));
    assert_eq!(sim.get("/product-service/product-search?SKU=MUG").await.data()["results"], json!([]));
    assert_eq!(sim.get("/product-service/product-search?sku=MUG-01").await.status, 400, "names are case-sensitive");
    let read = sim.get(&format!("/product-service/product/{},{},9999", sim.mug, sim.set)).await;
    let (mug, set) = (&read.data()[0], &read.data()[1]);
    assert_eq!(
        (&mug["identity"]["sku"], &mug["stock"]["stockTracked"], &mug["composition"]),
        (&json!("MUG-01"), &json!(true), &json!({"bundle": false}))
    );
    assert_eq!(mug["financialDetails"]["taxCode"]["code"], "T20");
    assert_eq!(
        set["composition"]["bundleComponents"],
        json!([{"productId": sim.mug, "productQuantity": 2}, {"productId": sim.cap, "productQuantity": 1}])
    );
    assert_eq!(sim.get("/product-service/product/9999").await.refusal(), (404, "CMNC-404"));
    let options = sim.call("OPTIONS", &format!("/product-service/product/1-{}", sim.set), None).await;
    assert_eq!(options.data()["getUris"], json!([format!("/product/{}-{}", sim.mug, sim.set)]));
    let put = sim.put(&format!("/product-service/product/{}/identity", sim.cap), json!({"sku": "CAP-02", "ean": "5012345678900"})).await;
    assert_eq!(put.body, json!({}));
    assert_eq!(sim.get("/product-service/product-search?EAN=5012345678900&columns=SKU").await.data()["results"], json!([["CAP-02"]]));
}

#[tokio::test]
async fn availability_leaves_out_what_keeps_no_stock_and_refuses_a_chunk_with_a_wrong_id() {
    let sim = Sim::start().await;
    let reply = sim.get(&format!("/warehouse-service/product-availability/{},{}", sim.mug, sim.set)).await;
    let shown = reply.data().as_object().unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[&sim.mug.to_string()]["warehouses"]["3"], json!({"inStock": 10, "onHand": 10, "allocated": 0, "inTransit": 0}));
    assert_eq!(sim.get(&format!("/warehouse-service/product-availability/{},9999", sim.mug)).await.status, 400);
    let bundle = sim.get(&format!("/warehouse-service/bundle-availability/{}", sim.set)).await;
    assert_eq!(bundle.data()[sim.set.to_string()], json!({"total": {"onHand": 5}, "warehouses": {"2": {"onHand": 5}, "3": {"onHand": 0}}}));
    assert_eq!(sim.get(&format!("/warehouse-service/bundle-availability/{}", sim.mug)).await.status, 404);
    let loose = sim.act("/products", json!({"products": [{"sku": "FEE", "stock_tracked": false}]})).await["products"][0]["id"].clone();
    let fees = sim.act("/products", json!({"products": [{"sku": "FEES", "components": [{"product_id": loose}]}]})).await["products"][0]["id"].clone();
    assert_eq!(sim.get(&format!("/warehouse-service/bundle-availability/{fees}")).await.refusal(), (400, "WHSC-097"));
    let parents = sim.get(&format!("/product-service/product/{}/bundle", sim.mug)).await;
    assert_eq!(parents.data(), &json!({"bundles": [{"id": sim.set}]}));
}

#[tokio::test]
async fn prices_show_an_empty_map_where_there_is_none() {
    let sim = Sim::start().await;
    let path = format!("/product-service/product-price/{}", sim.mug);
    let lists = sim.get(&format!("{path}/price-list/2,3")).await;
    let lists = lists.data()[0]["priceLists"].clone();
    assert_eq!(lists[0], json!({"priceListId": 2, "currencyCode": "GBP", "currencyId": 1, "quantityPrice": {"1": "15.5000"}}));
    assert_eq!(lists[1]["quantityPrice"], json!({}));
    assert_eq!(
        sim.put(&format!("{path}/price-list"), json!({"priceLists": [{"priceListId": 2, "quantityPrice": {"1": 14, "10": 12.5}}]})).await.body,
        json!({})
    );
    assert_eq!(sim.get(&path).await.data()[0]["priceLists"][1]["quantityPrice"], json!({"1": "14.0000", "10": "12.5000"}));
    assert_eq!(sim.get("/product-service/product-price/9999").await.refusal(), (404, "CMNC-404"));
    assert_eq!(sim.put(&format!("{path}/price-list"), json!({"priceLists": [{"priceListId": 99, "quantityPrice": {"1": 1}}]})).await.status, 400);
}

#[tokio::test]
async fn reference_lists_are_served_with_and_without_a_trailing_slash() {
    let sim = Sim::start().await;
    for (path, key, wanted) in [
        ("/product-service/channel/", "name", "Web shop"),
        ("/warehouse-service/warehouse", "name", "Bristol"),
        ("/order-service/order-status", "name", "Cancelled"),
        ("/warehouse-service/shipping-method/", "code", "RM48"),
        ("/product-service/price-list/", "code", "RETAIL"),
        ("/contact-service/lead-source/", "name", "Web"),
        ("/contact-service/project/", "name", "Spring campaign"),
        ("/order-service/order-shipping-status", "code", "ASS"),
    ] {
        let list = sim.get(path).await;
        assert!(list.data().as_array().unwrap().iter().any(|entry| entry[key] == wanted), "{path}");
    }
    assert_eq!(sim.get("/contact-service/tag").await.data()["9"]["tagName"], "Web customer");
    assert_eq!(sim.get("/warehouse-service/shipping-method/6").await.data()[0]["name"], "Royal Mail 48");
    assert_eq!(sim.get("/warehouse-service/shipping-method/99").await.status, 404);
}
