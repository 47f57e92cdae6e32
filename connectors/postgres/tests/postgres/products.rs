use orderbridge_postgres::{CatalogueState, MatchingProduct};
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::ProductId;
use orderbridge_schema::rules::ProductField;

use crate::support::{TestDb, account, at};

fn product(id: u64, sku: &str, live: bool) -> ProductIdentity {
    ProductIdentity::of_sku(ProductId(id), sku, live)
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_found_by_sku_whatever_its_case_and_blanks_if_they_are_live() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let products = [product(1, "AB-1", true), product(2, " ab-1 ", true), product(3, "CD-2", false), product(4, "", true)];
    let known = test.db.save_products(&account(), &products).await.unwrap();
    assert_eq!(known, ["ab-1"]);
    let wanted: Vec<String> = ["Ab-1 ", "CD-2", "", "EF-3"].map(str::to_owned).to_vec();
    let found = test.db.products_by(&account(), ProductField::Sku, &wanted).await.unwrap();
    let ids = |(text, products): (String, Vec<MatchingProduct>)| (text, products.iter().map(|one| one.product).collect::<Vec<_>>());
    assert_eq!(found.into_iter().map(ids).collect::<Vec<_>>(), [("Ab-1 ".to_owned(), vec![ProductId(1), ProductId(2)])]);

    assert!(test.db.save_products(&account(), &products).await.unwrap().is_empty(), "nothing new");
    let known = test.db.save_products(&account(), &[product(3, "CD-2", true), product(1, "XY", true), product(2, "AB-1", false)]).await.unwrap();
    assert_eq!(known, ["cd-2", "xy"]);
    assert!(test.db.products_by(&account(), ProductField::Sku, &wanted).await.unwrap().contains_key("CD-2"));
    assert!(!test.db.products_by(&account(), ProductField::Sku, &wanted).await.unwrap().contains_key("Ab-1 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_the_catalogue_was_read_is_remembered() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    assert_eq!(test.db.catalogue_state(&account()).await.unwrap(), CatalogueState::default());
    let state = CatalogueState { loaded_at: Some(at("2026-11-22T12:00:00Z")), watermark: Some(at("2026-11-22T11:59:59.5Z")) };
    test.db.set_catalogue_state(&account(), state).await.unwrap();
    assert_eq!(test.db.catalogue_state(&account()).await.unwrap(), state);
}
