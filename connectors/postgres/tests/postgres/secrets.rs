use std::process::Command;
use std::sync::Arc;

use orderbridge_postgres::{CryptoError, DbError, Keyring, NewTokens};
use secrecy::{ExposeSecret as _, SecretString};

use crate::support::{TestDb, account, tenant, tenant_import};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_can_be_read_in_the_tables() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let stored = test.db.account_credentials(&account()).await.unwrap();
    let tokens = NewTokens { access: SecretString::from("ACCESS-TWO"), refresh: Some(SecretString::from("REFRESH-TWO")), expires_at: None };
    test.db.store_tokens(&account(), stored.token_generation, &tokens).await.unwrap();
    test.db.email_hasher().await.unwrap();
    let dump = Command::new("pg_dump").args(["--data-only", "--inserts", "--dbname", &test.url]).output().expect("pg_dump runs");
    let text = String::from_utf8(dump.stdout).unwrap();
    assert!(text.contains("INSERT INTO public.credentials"));
    let store = test.db.store_credentials(&tenant("acme")).await.unwrap();
    let fixed = ["CLIENT-SECRET-abc", "STORE-TOKEN-abc", "APP-SECRET", "ACCESS-1", "REFRESH-1", "ACCESS-TWO", "REFRESH-TWO"];
    let made = [&store.header_secrets[0], &stored.path_secrets[0], &stored.body_literals[0]].map(|secret| secret.expose_secret().to_owned());
    for secret in fixed.iter().map(|text| (*text).to_owned()).chain(made) {
        assert!(!text.contains(&secret), "{secret}");
    }
    assert!(!format!("{store:?} {stored:?} {:?}", test.db).contains("SECRET-abc"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_and_the_old_one_is_not_needed_afterwards() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let hash = test.db.email_hasher().await.unwrap().hash(&account(), "ann@example.com").unwrap();
    // The keyring keeps no text of its keys, so a second database handle gets both.
    let (old, new) = (Keyring::generate("old").unwrap(), Keyring::generate("new").unwrap());
    let ring = |text: String| Arc::new(Keyring::parse(&text).unwrap());
    let fresh = TestDb::new().await;
    let with_old = fresh.db.with_keyring(ring(old.expose_secret().to_owned()));
    with_old.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let hash_before = with_old.email_hasher().await.unwrap().hash(&account(), "ann@example.com").unwrap();
    assert_ne!(hash, hash_before, "each database has its own key");

    let with_both = fresh.db.with_keyring(ring(format!("{},{}", new.expose_secret(), old.expose_secret())));
    assert_eq!(fresh.count("select count(*) as n from credentials where key_id = 'old'"), 4);
    assert_eq!(with_both.rotate_credentials().await.unwrap().resealed, 4);
    assert_eq!(with_both.rotate_credentials().await.unwrap().resealed, 0);
    assert_eq!(fresh.count("select count(*) as n from credentials where key_id = 'new'"), 4);

    let with_new = fresh.db.with_keyring(ring(new.expose_secret().to_owned()));
    assert_eq!(with_new.store_credentials(&tenant("acme")).await.unwrap().client_secret.expose_secret(), "CLIENT-SECRET-abc");
    assert_eq!(with_new.email_hasher().await.unwrap().hash(&account(), "ann@example.com").unwrap(), hash_before, "links stay valid");
    let error = with_old.store_credentials(&tenant("acme")).await.unwrap_err();
    assert_eq!(error, DbError::Crypto(CryptoError::UnknownKey("new".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_interrupted_goes_on() {
    let test = TestDb::new().await;
    let (old, new) = (Keyring::generate("old").unwrap(), Keyring::generate("new").unwrap());
    let both = Arc::new(Keyring::parse(&format!("{},{}", new.expose_secret(), old.expose_secret())).unwrap());
    let with_old = test.db.with_keyring(Arc::new(Keyring::parse(old.expose_secret()).unwrap()));
    with_old.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    // A row that cannot be opened stops it half-way and is not lost.
    let sealed = with_old.account_credentials(&account()).await.unwrap();
    assert!(sealed.access_token.is_some());
    test.execute("update credentials set scope = 'moved' where scope = 'acme'");
    let db = test.db.with_keyring(both);
    assert_eq!(db.rotate_credentials().await.unwrap_err(), DbError::Crypto(CryptoError::Unreadable));
    test.execute("update credentials set scope = 'acme' where scope = 'moved'");
    assert!(db.rotate_credentials().await.unwrap().resealed > 0);
    assert_eq!(test.count("select count(*) as n from credentials where key_id <> 'new'"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_row_moved_to_another_tenant_is_refused() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    test.db.import_tenant(&tenant_import("zeta", "xyz")).await.unwrap();
    test.execute("update credentials z set sealed = a.sealed from credentials a where a.scope = 'acme' and z.scope = 'zeta' and a.name = z.name");
    let error = test.db.store_credentials(&tenant("zeta")).await.unwrap_err();
    assert_eq!(error, DbError::Crypto(CryptoError::Unreadable));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_start_together_agree_on_the_e_mail_key() {
    let test = TestDb::new().await;
    let (one, two) = (test.another(), test.another());
    let (a, b) = tokio::join!(one.email_hasher(), two.email_hasher());
    assert_eq!(a.unwrap().hash(&account(), "x@y.z").unwrap(), b.unwrap().hash(&account(), " X@Y.z").unwrap());
}
