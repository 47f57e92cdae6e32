//! Versions of a tenant's rules.

use jiff::Timestamp;
use orderbridge_schema::ids::{ChannelId, WarehouseId};
use orderbridge_schema::reference::{AccountReference, StoreCurrency, StoreReference};
use orderbridge_schema::rules::{Author, Origin, Rules};
use orderbridge_schema::work::Scope;

use crate::support::{TestDb, account, tenant, tenant_import};

fn author(name: &str) -> Author {
    Author::new(name).unwrap()
}

/// Number, author, origin and time of all versions, the newest first.
async fn versions(test: &TestDb) -> Vec<(i64, String, Origin, Timestamp)> {
    let versions = test.db.rules_versions(&tenant("acme")).await.unwrap();
    versions.into_iter().map(|version| (version.version, version.author, version.origin, version.saved_at)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_save_of_other_rules_is_a_version_with_author_and_time() {
    let test = TestDb::new().await;
    let mut import = tenant_import("acme", "abc");
    test.db.import_tenant_by(&import, &author("Kim")).await.unwrap();
    let first = test.db.rules_version(&tenant("acme"), 1).await.unwrap().unwrap();
    test.db.import_tenant_by(&import, &author("Lee")).await.unwrap();
    test.clock.advance(std::time::Duration::from_secs(60));
    import.rules.orders.channel = Some(ChannelId(5));
    test.db.import_tenant_by(&import, &author("Lee")).await.unwrap();
    let later = first.saved_at + jiff::SignedDuration::from_mins(1);
    let expected = [(2, "Lee".to_owned(), Origin::Import, later), (1, "Kim".to_owned(), Origin::Import, first.saved_at)];
    assert_eq!(versions(&test).await, expected, "the same rules again are no version");
    let second = test.db.rules_version(&tenant("acme"), 2).await.unwrap().unwrap();
    assert_eq!(serde_json::from_value::<Rules>(second.rules).unwrap(), import.rules);
    assert_eq!(test.db.rules_version(&tenant("acme"), 3).await.unwrap(), None);
    assert!(test.db.rules_versions(&tenant("nobody")).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_version_is_a_new_one_and_restoring_what_is_there_changes_nothing() {
    let test = TestDb::new().await;
    let mut import = tenant_import("acme", "abc");
    test.db.import_tenant(&import).await.unwrap();
    import.rules.orders.warehouse = Some(WarehouseId(2));
    test.db.import_tenant(&import).await.unwrap();
    let restore = async || test.db.save_rules(&tenant("acme"), &Rules::default(), Origin::Restore(1), &author("Kim")).await.unwrap();
    let saved = restore().await.unwrap();
    assert_eq!((saved.changed, saved.version, saved.released), (true, 3, 0));
    let again = restore().await.unwrap();
    assert_eq!((again.changed, again.version), (false, 3));
    let present = test.db.tenant(&tenant("acme")).await.unwrap().unwrap();
    assert_eq!((present.rules, present.rules_version), (Rules::default(), 3));
    let all = versions(&test).await;
    assert_eq!(all.len(), 3);
    assert_eq!((all[0].0, all[0].1.as_str(), all[0].2), (3, "Kim", Origin::Restore(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_nobody_and_of_removed_tenants_are_not_saved() {
    let test = TestDb::new().await;
    let save = async || test.db.save_rules(&tenant("acme"), &Rules::default(), Origin::Restore(1), &author("Kim")).await.unwrap();
    assert_eq!(save().await, None);
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    test.db.remove_tenant(&tenant("acme")).await.unwrap();
    assert_eq!(save().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_told_with_the_time_they_were_read_and_the_tenants_they_are_for() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    assert!(test.db.lists_read_at(&account()).await.unwrap().is_empty());
    let known = test.db.known_lists(&account(), &tenant("acme")).await.unwrap();
    assert!(!known.are_complete() && known.unknown(&Rules::default()).is_empty());
    let currency = StoreCurrency { code: "KWD".into(), decimals: 3, is_default: true, is_transactional: true };
    let store = StoreReference { currencies: vec![currency], ..StoreReference::default() };
    test.db.save_store_reference(&tenant("acme"), &store).await.unwrap();
    test.db.save_account_reference(&account(), &AccountReference::default()).await.unwrap();
    test.db.save_store_reference(&tenant("other"), &store).await.unwrap();
    let read_at = test.db.lists_read_at(&account()).await.unwrap();
    let scopes: Vec<&Scope> = read_at.keys().collect();
    assert_eq!(scopes, [&Scope::Tenant(tenant("acme")), &Scope::Account(account())], "not those of another account's tenant");
    let known = test.db.known_lists(&account(), &tenant("acme")).await.unwrap();
    assert!(known.are_complete());
    assert_eq!(known.refused().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_tenants_from_before_are_their_first_version() {
    let test = TestDb::new().await;
    let mut import = tenant_import("acme", "abc");
    test.db.import_tenant(&import).await.unwrap();
    import.rules.orders.channel = Some(ChannelId(5));
    import.rules.orders.status.to_store = false;
    test.db.import_tenant(&import).await.unwrap();
    test.execute(include_str!("../../../../migrations/0011_settings/down.sql"));
    test.execute("delete from __diesel_schema_migrations where version = '0011'");
    assert_eq!(test.db.migrate().await.unwrap().len(), 1);
    let all = versions(&test).await;
    assert_eq!((all.len(), all[0].0, all[0].2), (1, 2, Origin::Before));
    let kept = test.db.rules_version(&tenant("acme"), 2).await.unwrap().unwrap();
    assert_eq!(serde_json::from_value::<Rules>(kept.rules).unwrap(), import.rules);
    assert_eq!(test.db.tenant(&tenant("acme")).await.unwrap().unwrap().rules, import.rules);
}
