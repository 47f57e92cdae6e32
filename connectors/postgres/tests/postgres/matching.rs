use std::collections::BTreeMap;
use std::time::Duration;

use orderbridge_postgres::NewLink;
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{CustomerDigests, CustomerField, ProductIdentity, SaidOfCustomer, VariantIdentity};
use orderbridge_schema::ids::{ProductId, StoreOrderId};
use orderbridge_schema::rules::{ProductField, StoreField};

use crate::support::{TestDb, account, event, order, tenant, tenant_import};

fn product(id: u64, upc: &str, live: bool) -> ProductIdentity {
    ProductIdentity { upc: upc.into(), ..ProductIdentity::of_sku(ProductId(id), "", live) }
}

fn variant(variant: u64, mpn: &str) -> VariantIdentity {
    VariantIdentity { product: 77, variant, mpn: mpn.into(), ..VariantIdentity::default() }
}

/// Holds an order for each cause, in the order of their ids from 1.
async fn held(test: &TestDb, causes: &[Cause]) -> orderbridge_postgres::Lease {
    let lease = test.with_tenant().await;
    for (id, cause) in (1..).zip(causes) {
        test.db.upsert(&[event(&order("acme", id))]).await.unwrap();
        let item = test.claim(&lease, "one").await.remove(0);
        let hold = Hold { effect: Effect::Creation, cause: cause.clone(), why: "why".into(), remedy: "what to do".into() };
        assert!(test.db.hold(&item, &[hold], 1).await.unwrap(), "{cause}");
    }
    lease
}

async fn released(test: &TestDb, lease: &orderbridge_postgres::Lease) -> Vec<u64> {
    test.clock.advance(Duration::from_secs(1));
    test.claim(lease, "one").await.iter().map(|item| item.key.entity).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_found_by_any_field_as_they_are_spelled() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let all = ProductIdentity {
        id: ProductId(5),
        sku: "S".into(),
        ean: " E ".into(),
        upc: "U".into(),
        mpn: "M".into(),
        isbn: "I".into(),
        barcode: "B".into(),
        live: true,
        stock_tracked: Some(false),
    };
    test.db.save_products(&account(), &[all.clone(), ProductIdentity::of_sku(ProductId(6), "other", true)]).await.unwrap();
    for (field, text, spelled) in
        [(ProductField::Ean, "e", "E"), (ProductField::Mpn, " m", "M"), (ProductField::Isbn, "I", "I"), (ProductField::Barcode, "b", "B")]
    {
        let found = test.db.products_by(&account(), field, &[text.to_owned(), String::new()]).await.unwrap();
        assert_eq!(found.len(), 1, "{field}");
        assert_eq!((found[text][0].product, found[text][0].text.as_str()), (ProductId(5), spelled));
    }
    assert!(test.db.products_unlike(&account(), std::slice::from_ref(&all)).await.unwrap().is_empty());
    let other = ProductIdentity { barcode: String::new(), ..all };
    assert_eq!(test.db.products_unlike(&account(), &[other]).await.unwrap().len(), 1);
    assert_eq!(test.db.live_product_ids(&account()).await.unwrap(), [ProductId(5), ProductId(6)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_stock_is_kept_is_stored_with_the_identities_and_stays_where_nothing_is_said_of_it() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let said = |tracked| ProductIdentity { stock_tracked: tracked, ..ProductIdentity::of_sku(ProductId(5), "S", true) };
    for (given, kept) in [(None, None), (Some(false), Some(false)), (None, Some(false)), (Some(true), Some(true))] {
        let is_news = given.is_some();
        assert_eq!(test.db.products_unlike(&account(), &[said(given)]).await.unwrap().len(), usize::from(is_news || kept.is_none()), "{given:?}");
        test.db.save_products(&account(), &[said(given)]).await.unwrap();
        assert!(test.db.products_unlike(&account(), &[said(given)]).await.unwrap().is_empty(), "{given:?}");
        assert_eq!(test.db.stock_tracked(&account(), &[ProductId(5)]).await.unwrap().get(&ProductId(5)).copied(), kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_gets_the_missing_value_or_is_told_apart_releases_what_waits_for_it() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    test.db.save_products(&account(), &[product(1, "AbC", true), product(2, "ABC", true), product(3, "XY", false)]).await.unwrap();
    let field = ProductField::Upc;
    let lease = held(
        &test,
        &[Cause::UnknownIdentity(field, "00123".into()), Cause::UnknownIdentity(field, "Xy".into()), Cause::AmbiguousIdentity(field, "abc".into())],
    )
    .await;
    test.db.save_products(&account(), &[ProductIdentity { ean: "00123".into(), ..product(9, "", true) }]).await.unwrap();
    assert!(released(&test, &lease).await.is_empty(), "it is another field");
    test.db.save_products(&account(), &[product(9, " 00123 ", true)]).await.unwrap();
    assert_eq!(released(&test, &lease).await, [1]);
    test.db.save_products(&account(), &[product(3, "XY", true)]).await.unwrap();
    assert_eq!(released(&test, &lease).await, [2], "it is in use again");
    test.db.save_products(&account(), &[product(2, "abc", true)]).await.unwrap();
    assert_eq!(released(&test, &lease).await, [3], "one is spelled like nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguity_that_the_spelling_settles_is_not_held() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    test.db.save_products(&account(), &[product(1, "abc", true), product(2, "ABC", true)]).await.unwrap();
    test.db.upsert(&[event(&order("acme", 1))]).await.unwrap();
    let item = test.claim(&lease, "one").await.remove(0);
    let hold = |text: &str| Hold {
        effect: Effect::Creation,
        cause: Cause::AmbiguousIdentity(ProductField::Upc, text.into()),
        why: "w".into(),
        remedy: "r".into(),
    };
    assert!(!test.db.hold(&item, &[hold("ABC")], 1).await.unwrap());
    let item = test.claim(&lease, "one").await.remove(0);
    assert!(test.db.hold(&item, &[hold("Abc")], 1).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_are_remembered_and_their_changes_release_what_waits() {
    let test = TestDb::new().await;
    let lease = held(&test, &[Cause::NoIdentity(421), Cause::UnknownIdentity(ProductField::Mpn, "M-8".into()), Cause::NoIdentity(999)]).await;
    test.db.save_variants(&tenant("acme"), &[77], &[variant(421, ""), variant(422, "m-8")]).await.unwrap();
    assert!(released(&test, &lease).await.is_empty(), "nothing changed yet");
    test.db.save_variants(&tenant("acme"), &[77], &[variant(421, "M-1"), variant(422, "m-8")]).await.unwrap();
    assert_eq!(released(&test, &lease).await, [1]);
    test.db.save_variants(&tenant("acme"), &[77], &[variant(421, "M-1")]).await.unwrap();
    assert_eq!(released(&test, &lease).await, [2], "what was unknown is gone");
    let known = test.db.variants(&tenant("acme"), &[421, 422]).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [(421, variant(421, "M-1"))]);
    assert_eq!(test.db.known_store_products(&tenant("acme"), None).await.unwrap(), [77]);
    assert!(test.db.known_store_products(&tenant("acme"), Some(&[78])).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_rules_about_products_release_what_waits_for_a_product() {
    let test = TestDb::new().await;
    let lease = held(&test, &[Cause::UnknownSku("A".into()), Cause::TotalMismatch]).await;
    let mut import = tenant_import("acme", "abc");
    import.rules.orders.settle_seconds = 7;
    assert_eq!(test.db.import_tenant(&import).await.unwrap().released, 0);
    import.rules.items_and_customers.identity.store = StoreField::Upc;
    assert_eq!(test.db.import_tenant(&import).await.unwrap().released, 1);
    assert_eq!(released(&test, &lease).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_a_customer_is_kept_field_by_field_with_its_newest_order() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let said = |order: u64, digests: &[(CustomerField, &str)]| SaidOfCustomer {
        email_hash: "hash".into(),
        order: StoreOrderId(order),
        digests: digests.iter().map(|(field, digest)| (*field, (*digest).to_owned())).collect::<CustomerDigests>(),
    };
    let first = said(7, &[(CustomerField::Phone, "a"), (CustomerField::Address, "b")]);
    test.db.save_links(&account(), &[NewLink::Customer(tenant("acme"), first.clone())], &[]).await.unwrap();
    assert_eq!(test.db.customers_sent(&tenant("acme"), &["hash".into(), "other".into()]).await.unwrap()["hash"], first);
    test.db.save_links(&account(), &[NewLink::Customer(tenant("acme"), said(5, &[(CustomerField::Phone, "c")]))], &[]).await.unwrap();
    let now = test.db.customers_sent(&tenant("acme"), &["hash".into()]).await.unwrap().remove("hash").unwrap();
    assert_eq!(
        (now.order, now.digests),
        (StoreOrderId(7), BTreeMap::from([(CustomerField::Phone, "c".into()), (CustomerField::Address, "b".into())]))
    );
}
