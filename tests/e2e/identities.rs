//! Which product a line of an order is, by whichever fields the merchant chose.

use serde_json::{Value, json};

use crate::installation::{run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::wait::{SOON, until};

const STORE_FIELDS: [&str; 5] = ["sku", "upc", "mpn", "gtin", "bin-picking-number"];
const BRIGHTPEARL_FIELDS: [&str; 6] = ["sku", "ean", "upc", "mpn", "isbn", "barcode"];

/// The usual rules, with products matched by these fields.
fn matched_by(store: &str, brightpearl: &str) -> String {
    format!("{SECTIONS}\n[items_and_customers.identity]\nstore = \"{store}\"\nbrightpearl = \"{brightpearl}\"\n")
}

/// Writes variants of the store's catalogue, as staff or another app would.
async fn write_variant(merchant: &Merchant<'_>, variant: &Value) {
    let url = format!("{}/stores/{}/v3/catalog/variants", merchant.installation.bigcommerce, merchant.id);
    let sent = merchant.installation.http.put(url).header("x-auth-token", merchant.bigcommerce_token()).json(&json!([variant])).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
}

/// A product of the store; gives its variant.
async fn store_product(merchant: &Merchant<'_>, product: Value) -> u64 {
    merchant.store("products", product).await["variants"][0]["id"].as_u64().unwrap()
}

/// Reads of the store's catalogue so far.
async fn catalogue_reads(merchant: &Merchant<'_>) -> usize {
    merchant.calls(&merchant.installation.bigcommerce, "method=GET&path=/v3/catalog/variants").await.len()
}

async fn order(merchant: &Merchant<'_>, sku: &str) -> u64 {
    merchant.place(json!({"email": "one@example.com", "lines": [{"sku": sku, "tax_rate": 20}]})).await
}

/// The product on the only line's row.
fn product(sales_order: &Value) -> u64 {
    let rows = sales_order["orderRows"].as_object().unwrap();
    rows.values().next().unwrap()["productId"].as_u64().unwrap()
}

async fn change_product(merchant: &Merchant<'_>, product: u64, identity: Value) {
    let url = format!("{}/_sim/accounts/{}/products/{product}", merchant.installation.brightpearl, merchant.code);
    assert!(merchant.installation.http.patch(url).json(&identity).send().await.unwrap().status().is_success());
}

#[test]
fn every_pair_of_fields_finds_its_product_and_the_catalogue_is_asked_once_and_only_where_it_must_be() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        // What is in one field is in no other: only the chosen ones can match.
        let text = |field: &str| format!("Code-{field}");
        let variant = store_product(&merchant, json!({"sku": text("sku"), "upc": text("upc"), "price": 9})).await;
        write_variant(&merchant, &json!({"id": variant, "mpn": text("mpn"), "gtin": text("gtin"), "bin_picking_number": text("bin-picking-number")}))
            .await;
        let made = merchant.account("products", json!({"products": [{"sku": "other", "stock": 1000}]})).await;
        let wanted = made["products"][0]["id"].as_u64().unwrap();
        for store in STORE_FIELDS {
            for brightpearl in BRIGHTPEARL_FIELDS {
                let mut identity: Value = BRIGHTPEARL_FIELDS.map(|field| (field.to_owned(), json!(format!("none-{field}")))).into_iter().collect();
                identity[brightpearl] = json!(format!(" {} ", text(store).to_uppercase()));
                change_product(&merchant, wanted, identity).await;
                merchant.import(ORDERS, &matched_by(store, brightpearl)).await;
                let order = order(&merchant, &text("sku")).await;
                assert_eq!(product(&merchant.synced(order).await), wanted, "{store} is {brightpearl}");
            }
            let expected = usize::from(!["sku", "upc"].contains(&store));
            assert_eq!(catalogue_reads(&merchant).await, expected, "after {store}");
        }
    });
}

#[test]
fn a_product_that_gets_its_upc_later_releases_the_order() {
    run(async {
        let sections: &'static str = matched_by("upc", "upc").leak();
        let merchant = Merchant::with(shared().await, Wish { sections, ..Wish::default() }).await;
        store_product(&merchant, json!({"sku": "MUG", "upc": "00123", "price": 9})).await;
        let made = merchant.account("products", json!({"products": [{"sku": "MUG"}]})).await;
        let mug = made["products"][0]["id"].as_u64().unwrap();
        let order = order(&merchant, "MUG").await;
        merchant.held_for("unknown-upc:00123").await;
        change_product(&merchant, mug, json!({"upc": "00123"})).await;
        assert_eq!(product(&merchant.synced(order).await), mug);
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn a_variant_that_gets_its_number_at_the_store_later_releases_the_order() {
    run(async {
        let sections: &'static str = matched_by("mpn", "mpn").leak();
        let merchant = Merchant::with(shared().await, Wish { sections, ..Wish::default() }).await;
        let variant = store_product(&merchant, json!({"sku": "MUG", "price": 9})).await;
        let made = merchant.account("products", json!({"products": [{"sku": "other", "mpn": "M-9"}]})).await;
        let order = order(&merchant, "MUG").await;
        merchant.held_for(&format!("no-identity:{variant}")).await;
        write_variant(&merchant, &json!({"id": variant, "mpn": "m-8"})).await;
        merchant.held_for("unknown-mpn:m-8").await;
        write_variant(&merchant, &json!({"id": variant, "mpn": "m-9"})).await;
        assert_eq!(product(&merchant.synced(order).await), made["products"][0]["id"].as_u64().unwrap());
    });
}

#[test]
fn of_products_that_differ_in_case_alone_the_one_that_is_spelled_alike_is_taken() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        store_product(&merchant, json!({"sku": "Cup", "price": 9})).await;
        let made = merchant.account("products", json!({"products": [{"sku": "CUP"}, {"sku": "cup"}]})).await;
        let order = order(&merchant, "Cup").await;
        merchant.held_for("ambiguous-sku:Cup").await;
        let lower = made["products"][1]["id"].as_u64().unwrap();
        change_product(&merchant, lower, json!({"sku": "Cup"})).await;
        assert_eq!(product(&merchant.synced(order).await), lower);
    });
}

#[test]
fn the_daily_pass_finds_what_is_gone_and_believes_no_fifth_of_a_catalogue_to_be() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let first = merchant.place_simple().await;
        merchant.synced(first).await;
        // Products that Brightpearl does not have any more, and that no event told of.
        let gone = async |skus: &str| {
            let sql = format!(
                "insert into product_identities (account, product, sku, sku_key, live) \
                 select '{0}', 900000 + n, '{skus}' || n, lower('{skus}' || n), true from generate_series(1, 8) as n on conflict (account, product) do update set live = true",
                merchant.code
            );
            installation.sql(&sql).await;
        };
        let live = async || installation.sql(&format!("select count(*) from product_identities where account = '{}' and live", merchant.code)).await;
        let pass = async || {
            let before = merchant.calls(&installation.brightpearl, "method=GET&path=/product-service/product-search").await.len();
            installation.orderbridge(&["sweep", "run", "--account", &merchant.code, "--source", "catalogue"]).await;
            let ended = format!("select count(*) from work_items where scope = '@{}' and kind = 'sweep' and entity = 8", merchant.code);
            until("the pass has ended", SOON, || async {
                let read = merchant.calls(&installation.brightpearl, "method=GET&path=/product-service/product-search").await.len() > before;
                (read && installation.sql(&ended).await == "0").then_some(())
            })
            .await;
        };
        let all = live().await;
        gone("GONE-").await;
        pass().await;
        assert_ne!(live().await, all, "8 of 32 are too many to be believed");
        let few = format!("update product_identities set live = false where account = '{}' and product > 900004", merchant.code);
        installation.sql(&few).await;
        pass().await;
        assert_eq!(live().await, all);
    });
}
