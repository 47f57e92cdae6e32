use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orderbridge_postgres::{Connection, DatabaseSettings, Db, Directory, DirectorySettings, Lookup, TenantState};
use orderbridge_schema::ids::ConnectionId;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{TestDb, account, eventually, tenant, tenant_import};

/// A way to the database that can be cut and mended.
struct Proxy {
    url: String,
    open: Arc<AtomicBool>,
    cut: watch::Sender<u32>,
}

impl Proxy {
    async fn to(url: &str) -> Self {
        let mut url = url::Url::parse(url).unwrap();
        let target = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let (cut, cuts) = watch::channel(0);
        let open = Arc::new(AtomicBool::new(true));
        tokio::spawn(serve(listener, target, Arc::clone(&open), cuts));
        Self { url: url.into(), open, cut }
    }

    fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    fn mend(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

async fn serve(listener: TcpListener, target: String, open: Arc<AtomicBool>, cuts: watch::Receiver<u32>) {
    while let Ok((mut client, _)) = listener.accept().await {
        if !open.load(Ordering::SeqCst) {
            continue;
        }
        let (target, mut cuts) = (target.clone(), cuts.clone());
        cuts.mark_unchanged();
        tokio::spawn(async move {
            let mut server = TcpStream::connect(target).await.unwrap();
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

fn database(test: &TestDb, url: &str) -> Db {
    let mut settings = DatabaseSettings::at(SecretString::from(url));
    settings.checkout_timeout = Duration::from_millis(500);
    Db::connect(&settings, Arc::new(test.clock.clone())).unwrap().with_keyring(Arc::clone(&test.keyring))
}

fn hasty(file: Option<std::path::PathBuf>) -> DirectorySettings {
    DirectorySettings { file, poll: Duration::from_millis(100), fresh_for: Duration::from_millis(1500) }
}

fn unknown() -> ConnectionId {
    ConnectionId::new("nobody").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_found_with_their_secrets_and_changes_are_noticed() {
    let test = TestDb::new().await;
    let slow = DirectorySettings { file: None, poll: Duration::from_secs(3600), fresh_for: Duration::from_secs(3600) };
    let directory = Directory::open(&test.db, slow).await.unwrap();
    assert!(matches!(directory.find(&unknown()), Lookup::Unknown));
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let id = test.db.tenant(&tenant("acme")).await.unwrap().unwrap().connection;
    // Only the notification can tell, as polling takes an hour.
    let found = eventually("the new tenant", || async { if let Lookup::Found(found) = directory.find(&id) { Some(found) } else { None } }).await;
    let Connection::Bigcommerce(store) = &*found else { panic!() };
    assert_eq!((store.tenant.clone(), store.state), (tenant("acme"), TenantState::Active));
    assert_eq!(store.client_secrets[0].expose_secret(), "CLIENT-SECRET-abc");
    let expected = test.db.store_credentials(&tenant("acme")).await.unwrap().header_secrets;
    assert_eq!(store.header_secrets[0].expose_secret(), expected[0].expose_secret());
    assert!(!format!("{found:?}").contains("CLIENT-SECRET"));

    let account_id = test.db.account(&account()).await.unwrap().unwrap().connection;
    let Lookup::Found(found) = directory.find(&account_id) else { panic!() };
    let Connection::Brightpearl(brightpearl) = &*found else { panic!() };
    assert_eq!((brightpearl.account.clone(), brightpearl.path_secrets.len(), brightpearl.body_literals.len()), (account(), 1, 1));

    for (state, change) in
        [(TenantState::Paused, test.db.pause_tenant(&tenant("acme")).await), (TenantState::Removed, test.db.remove_tenant(&tenant("acme")).await)]
    {
        assert!(change.unwrap());
        eventually("the change of state", || async {
            let Lookup::Found(found) = directory.find(&id) else { return None };
            matches!(&*found, Connection::Bigcommerce(store) if store.state == state || store.state == TenantState::Removed).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_outlived_and_nothing_is_called_unknown_meanwhile() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let id = test.db.tenant(&tenant("acme")).await.unwrap().unwrap().connection;
    let proxy = Proxy::to(&test.url).await;
    let directory = Directory::open(&database(&test, &proxy.url), hasty(None)).await.unwrap();
    assert!(directory.is_fresh());
    assert!(matches!(directory.find(&unknown()), Lookup::Unknown));

    proxy.cut();
    eventually("the doubt", || async { matches!(directory.find(&unknown()), Lookup::NotReady).then_some(()) }).await;
    assert!(!directory.is_fresh());
    assert!(matches!(directory.find(&id), Lookup::Found(_)), "what is known stays known");

    // What changed during the outage is there after it.
    test.db.import_tenant(&tenant_import("zeta", "xyz")).await.unwrap();
    let new = test.db.tenant(&tenant("zeta")).await.unwrap().unwrap().connection;
    assert!(matches!(directory.find(&new), Lookup::NotReady));
    proxy.mend();
    eventually("the new tenant", || async { matches!(directory.find(&new), Lookup::Found(_)).then_some(()) }).await;
    eventually("certainty", || async { matches!(directory.find(&unknown()), Lookup::Unknown).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_during_an_outage_serves_from_the_encrypted_file() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    let id = test.db.tenant(&tenant("acme")).await.unwrap().unwrap().connection;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state/directory");
    let proxy = Proxy::to(&test.url).await;
    drop(Directory::open(&database(&test, &proxy.url), hasty(Some(file.clone()))).await.unwrap());
    let content = std::fs::read_to_string(&file).unwrap();
    assert!(content.starts_with("v1:k1:") && !content.contains("abc") && !content.contains(id.as_str()));
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions()) & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path().join("state")).unwrap().count(), 1, "no unfinished file is left");

    proxy.cut();
    let directory = Directory::open(&database(&test, &proxy.url), hasty(Some(file.clone()))).await.unwrap();
    let Lookup::Found(found) = directory.find(&id) else { panic!("known from the file") };
    let Connection::Bigcommerce(store) = &*found else { panic!() };
    assert_eq!(store.client_secrets[0].expose_secret(), "CLIENT-SECRET-abc");
    assert!(matches!(directory.find(&unknown()), Lookup::NotReady));
    proxy.mend();
    eventually("certainty", || async { matches!(directory.find(&unknown()), Lookup::Unknown).then_some(()) }).await;

    // A damaged file is as good as none, and no reason to stop.
    proxy.cut();
    std::fs::write(&file, content.replace("v1:k1:", "v1:k1:AAAA")).unwrap();
    let directory = Directory::open(&database(&test, &proxy.url), hasty(Some(file))).await.unwrap();
    assert!(directory.is_empty());
    assert!(matches!(directory.find(&id), Lookup::NotReady));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_many_pieces_is_loaded_and_kept_whole() {
    let test = TestDb::new().await;
    let mut ids = Vec::new();
    for number in 0..450 {
        let name = format!("shop{number}");
        test.db.import_tenant(&tenant_import(&name, &name)).await.unwrap();
        ids.push(test.db.tenant(&tenant(&name)).await.unwrap().unwrap().connection);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("directory");
    let proxy = Proxy::to(&test.url).await;
    let directory = Directory::open(&database(&test, &proxy.url), hasty(Some(file.clone()))).await.unwrap();
    assert_eq!(directory.len(), ids.len() + 1, "every store and the account");
    assert!(ids.iter().all(|id| matches!(directory.find(id), Lookup::Found(_))));
    drop(directory);

    proxy.cut();
    let from_file = Directory::open(&database(&test, &proxy.url), hasty(Some(file.clone()))).await.unwrap();
    assert_eq!(from_file.len(), ids.len() + 1);
    assert!(ids.iter().all(|id| matches!(from_file.find(id), Lookup::Found(_))));

    // A file that has lost a piece, or has them in another order, is a damaged one.
    let content = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = content.lines().collect();
    assert!(lines.len() > 1);
    for damaged in [lines[1..].join("\n"), lines.iter().rev().copied().collect::<Vec<_>>().join("\n")] {
        std::fs::write(&file, damaged).unwrap();
        assert!(Directory::open(&database(&test, &proxy.url), hasty(Some(file.clone()))).await.unwrap().is_empty());
    }
}
