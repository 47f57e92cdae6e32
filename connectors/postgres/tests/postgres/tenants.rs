use std::time::Duration;

use orderbridge_postgres::{AccountState, DbError, NewTokens, TenantState};
use orderbridge_schema::ids::{InstallationId, StoreHash, WarehouseId};
use secrecy::{ExposeSecret as _, SecretString};

use crate::support::{TestDb, account, at, tenant, tenant_import};

fn tokens(number: u32) -> NewTokens {
    NewTokens {
        access: SecretString::from(format!("ACCESS-{number}")),
        refresh: Some(SecretString::from(format!("REFRESH-{number}"))),
        expires_at: Some(at("2026-11-22T14:00:00Z")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_the_same_file_again_changes_nothing() {
    let test = TestDb::new().await;
    let import = tenant_import("acme", "abc");
    let first = test.db.import_tenant(&import).await.unwrap();
    assert!(first.created && !first.rules_changed);
    let tables = "select md5(string_agg(t, '|' order by t)) as t from (select t.*::text as t from tenants t union all select a.*::text from accounts a \
                  union all select c.*::text from credentials c union all select d.*::text from directory_state d where false) x";
    let digest = || {
        #[derive(diesel::QueryableByName)]
        struct Digest {
            #[diesel(sql_type = diesel::sql_types::Text)]
            t: String,
        }
        diesel::RunQueryDsl::get_result::<Digest>(diesel::sql_query(tables), &mut test.peek()).unwrap().t
    };
    let before = digest();
    let again = test.db.import_tenant(&import).await.unwrap();
    assert_eq!((again.created, again.rules_changed, again.rules_version), (false, false, 1));
    assert_eq!(digest(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_of_one_account_share_its_connection_and_secrets() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let secrets = test.db.account_credentials(&account()).await.unwrap();
    let connection = test.db.account(&account()).await.unwrap().unwrap().connection;
    test.db.import_tenant(&tenant_import("zeta", "xyz")).await.unwrap();
    let after = test.db.account_credentials(&account()).await.unwrap();
    assert_eq!(after.path_secrets[0].expose_secret(), secrets.path_secrets[0].expose_secret());
    assert_eq!(test.db.account(&account()).await.unwrap().unwrap().connection, connection);
    let tenants = test.db.tenants_of_account(&account()).await.unwrap();
    assert_eq!(tenants.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>(), ["acme", "zeta"]);
    assert_ne!(tenants[0].connection, tenants[1].connection);
    assert_eq!(test.db.accounts().await.unwrap().len(), 1);
    assert_eq!(test.db.tenants().await.unwrap(), tenants);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_cannot_be_moved_to_another_store_and_a_store_has_one_tenant() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    for (id, store) in [("acme", "other"), ("second", "abc")] {
        let error = test.db.import_tenant(&tenant_import(id, store)).await.unwrap_err();
        assert!(matches!(error, DbError::Conflict(_)), "{error}");
    }
    assert_eq!(test.db.tenants().await.unwrap().len(), 1);
    assert_eq!(test.db.tenant(&tenant("acme")).await.unwrap().unwrap().store, StoreHash::new("abc").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_what_was_imported() {
    let test = TestDb::new().await;
    let mut import = tenant_import("acme", "abc");
    import.rules.orders.warehouse = Some(WarehouseId(2));
    test.db.import_tenant(&import).await.unwrap();
    test.db.save_installation(&account(), InstallationId(8)).await.unwrap();
    let out = test.db.export_tenant(&tenant("acme")).await.unwrap().unwrap();
    assert_eq!((out.rules, out.store.hash, out.account.installation), (import.rules, import.store.hash, Some(InstallationId(8))));
    assert_eq!(out.store.client_secret.expose_secret(), "CLIENT-SECRET-abc");
    assert_eq!(out.account.refresh_token.unwrap().expose_secret(), "REFRESH-1");
    assert!(test.db.export_tenant(&tenant("nobody")).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_of_tokens_is_stored_only_over_the_one_it_replaces() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let start = test.db.account_credentials(&account()).await.unwrap().token_generation;
    let (one, two) = (test.another(), test.another());
    let code = account();
    let (first, second) = (tokens(2), tokens(3));
    let (a, b) = tokio::join!(one.store_tokens(&code, start, &first), two.store_tokens(&code, start, &second));
    assert_ne!(a.unwrap(), b.unwrap(), "one of the two wins");
    let stored = test.db.account_credentials(&account()).await.unwrap();
    assert_eq!(stored.token_generation, start + 1);
    assert_eq!(stored.expires_at, Some(at("2026-11-22T14:00:00Z")));
    let number = stored.access_token.unwrap().expose_secret().trim_start_matches("ACCESS-").to_owned();
    assert_eq!(stored.refresh_token.unwrap().expose_secret(), format!("REFRESH-{number}"), "a pair stays together");

    // A reply without a refresh token leaves the old one.
    let lone = NewTokens { refresh: None, ..tokens(9) };
    assert!(test.db.store_tokens(&account(), start + 1, &lone).await.unwrap());
    let stored = test.db.account_credentials(&account()).await.unwrap();
    assert_eq!(stored.access_token.unwrap().expose_secret(), "ACCESS-9");
    assert_eq!(stored.refresh_token.unwrap().expose_secret(), format!("REFRESH-{number}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time_refreshes_and_only_the_present_pair() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let generation = test.db.account_credentials(&account()).await.unwrap().token_generation;
    assert!(test.db.begin_refresh(&account(), generation, "one").await.unwrap());
    assert!(test.db.begin_refresh(&account(), generation, "one").await.unwrap(), "its holder may go on");
    assert!(!test.db.begin_refresh(&account(), generation, "two").await.unwrap());
    assert!(!test.db.begin_refresh(&account(), generation - 1, "two").await.unwrap());
    test.clock.advance(Duration::from_secs(3600));
    assert!(!test.db.begin_refresh(&account(), generation, "two").await.unwrap(), "the database's time counts");
    test.execute("update accounts set refresh_until = clock_timestamp() - interval '1 second'");
    assert!(test.db.begin_refresh(&account(), generation, "two").await.unwrap(), "the first one died");
    test.db.end_refresh(&account(), "one").await.unwrap();
    assert!(!test.db.begin_refresh(&account(), generation, "one").await.unwrap(), "nobody ends another's");
    test.db.end_refresh(&account(), "two").await.unwrap();
    assert!(test.db.begin_refresh(&account(), generation, "one").await.unwrap(), "it brought nothing");
    assert!(test.db.store_tokens(&account(), generation, &tokens(2)).await.unwrap());
    assert!(!test.db.begin_refresh(&account(), generation, "one").await.unwrap(), "there is a newer pair");
    assert!(test.db.begin_refresh(&account(), generation + 1, "one").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_file_does_not_bring_old_tokens_back_but_a_new_one_does_and_unparks() {
    let test = TestDb::new().await;
    let mut import = tenant_import("acme", "abc");
    test.db.import_tenant(&import).await.unwrap();
    let generation = test.db.account_credentials(&account()).await.unwrap().token_generation;
    assert!(test.db.store_tokens(&account(), generation, &tokens(2)).await.unwrap());
    test.db.park_account(&account(), test.db.account_credentials(&account()).await.unwrap().token_generation, "revoked").await.unwrap();
    test.db.park_tenant(&tenant("acme"), "401").await.unwrap();
    test.db.import_tenant(&import).await.unwrap();
    assert_eq!(test.db.account_credentials(&account()).await.unwrap().access_token.unwrap().expose_secret(), "ACCESS-2");
    assert_eq!(test.db.account(&account()).await.unwrap().unwrap().state, AccountState::Parked { reason: "revoked".into() });
    assert_eq!(test.db.tenant(&tenant("acme")).await.unwrap().unwrap().parked.as_deref(), Some("401"));

    import.account.access_token = Some(SecretString::from("ACCESS-NEW"));
    import.store.access_token = SecretString::from("STORE-NEW");
    test.db.import_tenant(&import).await.unwrap();
    let stored = test.db.account_credentials(&account()).await.unwrap();
    assert_eq!((stored.access_token.unwrap().expose_secret(), stored.token_generation), ("ACCESS-NEW", generation + 2));
    assert_eq!(test.db.account(&account()).await.unwrap().unwrap().state, AccountState::Active);
    assert_eq!(test.db.tenant(&tenant("acme")).await.unwrap().unwrap().parked, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_client_secret_is_still_accepted_for_a_while() {
    let test = TestDb::new().await;
    let mut import = tenant_import("acme", "abc");
    test.db.import_tenant(&import).await.unwrap();
    let headers = test.db.store_credentials(&tenant("acme")).await.unwrap().header_secrets;
    import.store.client_secret = SecretString::from("NEWER");
    test.db.import_tenant(&import).await.unwrap();
    let stored = test.db.store_credentials(&tenant("acme")).await.unwrap();
    assert_eq!(stored.client_secret.expose_secret(), "NEWER");
    assert_eq!(stored.previous_client_secrets[0].expose_secret(), "CLIENT-SECRET-abc");
    assert_eq!(stored.header_secrets[0].expose_secret(), headers[0].expose_secret());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_tenant_is_not_resumed_but_imported_again() {
    let test = TestDb::new().await;
    let acme = tenant("acme");
    assert!(!test.db.pause_tenant(&acme).await.unwrap());
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    test.db.pause_tenant(&acme).await.unwrap();
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    assert_eq!(test.db.tenant(&acme).await.unwrap().unwrap().state, TenantState::Paused, "importing does not resume");
    assert!(test.db.remove_tenant(&acme).await.unwrap());
    assert!(!test.db.resume_tenant(&acme).await.unwrap());
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    assert_eq!(test.db.tenant(&acme).await.unwrap().unwrap().state, TenantState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_is_stored_late_takes_up_an_account_that_was_parked_over_the_former_one() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let generation = test.db.account_credentials(&account()).await.unwrap().token_generation;
    // Another process found the refresh token used up while this pair was on its way to the database.
    assert!(test.db.park_account(&account(), generation, "refused").await.unwrap());
    assert!(test.db.store_tokens(&account(), generation, &tokens(2)).await.unwrap());
    assert_eq!(test.db.account(&account()).await.unwrap().unwrap().state, AccountState::Active);
}
