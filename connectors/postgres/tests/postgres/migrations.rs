use std::process::Command;

use crate::support::TestDb;

fn dump(test: &TestDb) -> String {
    let output = Command::new("pg_dump").args(["--schema-only", "--no-owner", "--dbname", &test.url]).output().expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Newer versions of pg_dump guard each dump with a random word.
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn up_down_and_up_again_ends_in_the_same_schema() {
    let test = TestDb::bare().await;
    let bare = dump(&test);
    assert!(!test.db.pending_migrations().await.unwrap().is_empty());
    let ran = test.db.migrate().await.unwrap();
    assert!(ran.len() >= 6, "{ran:?}");
    assert!(test.db.pending_migrations().await.unwrap().is_empty());
    assert!(test.db.migrate().await.unwrap().is_empty());
    let up = dump(&test);
    assert!(up.contains("CREATE TABLE public.work_items"));

    test.db.ensure_timeline_partitions().await.unwrap();
    assert_eq!(test.db.revert_all().await.unwrap().len(), ran.len());
    test.execute("drop table __diesel_schema_migrations; drop function if exists diesel_manage_updated_at(regclass); drop function if exists diesel_set_updated_at();");
    assert_eq!(dump(&test), bare, "down leaves nothing behind");

    test.db.migrate().await.unwrap();
    assert_eq!(dump(&test), up);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_without_any_other_right_can_migrate_and_work() {
    let test = TestDb::bare().await;
    let role = format!("plain_{}", test.name);
    test.execute(&format!(
        "create role {role} login password 'plain'; alter database {} owner to {role}; alter schema public owner to {role};",
        test.name
    ));
    let mut url = url::Url::parse(&test.url).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("plain")).unwrap();
    let settings = orderbridge_postgres::DatabaseSettings::at(secrecy::SecretString::from(String::from(url)));
    {
        let db = orderbridge_postgres::Db::connect(&settings, std::sync::Arc::new(test.clock.clone()))
            .unwrap()
            .with_keyring(std::sync::Arc::clone(&test.keyring));
        db.migrate().await.unwrap();
        db.ensure_timeline_partitions().await.unwrap();
        db.import_tenant(&crate::support::tenant_import("acme", "abc")).await.unwrap();
        db.upsert(&[crate::support::event(&crate::support::order("acme", 1))]).await.unwrap();
        assert_eq!(db.acquire_leases("one", 5, std::time::Duration::from_secs(9)).await.unwrap().len(), 1);
    }
    test.execute(&format!(
        "reassign owned by {role} to current_user; drop owned by {role}; alter database {} owner to current_user; drop role {role};",
        test.name
    ));
}
