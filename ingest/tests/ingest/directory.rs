use std::sync::Arc;
use std::time::Duration;

use orderbridge_postgres::SignatureMode;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::delivery::Delivery;
use crate::support::{Ingest, Merchant, Options, cluster, database, db, eventually, kafka};

/// Stands between ingest and the database, until it is cut.
struct Proxy {
    url: String,
    cut: CancellationToken,
}

impl Proxy {
    async fn start() -> Self {
        let mut url = url::Url::parse(database()).unwrap();
        let behind = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        let cut = CancellationToken::new();
        let accept = cut.clone();
        tokio::spawn(cut.clone().run_until_cancelled_owned(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let behind = behind.clone();
                tokio::spawn(accept.clone().run_until_cancelled_owned(async move {
                    let mut far = TcpStream::connect(behind).await.unwrap();
                    let _closed = copy_bidirectional(&mut near, &mut far).await;
                }));
            }
        }));
        Self { url: url.into(), cut }
    }
}

#[tokio::test]
async fn changes_are_heard_of_without_a_restart() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    let newcomer = Merchant::new(SignatureMode::Require).await;
    eventually("a new connection is served", || async { ingest.order(&newcomer, 1).status().await == 200 }).await;
    let off = crate::support::import(newcomer.tenant.as_str(), SignatureMode::Off, crate::support::CLIENT_SECRET);
    newcomer.db.import_tenant(&off).await.unwrap();
    let unsigned = Delivery { signature: Some(String::new()), ..ingest.order(&newcomer, 2) };
    eventually("a new mode holds", || async { unsigned.status().await == 200 }).await;
    ingest.stop().await;
}

#[tokio::test]
async fn an_outage_of_the_database_and_a_restart_during_one_serve_who_is_known() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let proxy = Proxy::start().await;
    let mut options = Options::new(&merchant, kafka(&cluster));
    options.db = db(&proxy.url).with_keyring(Arc::clone(&merchant.keyring));
    let ingest = Ingest::with(&options).await;
    assert_eq!(ingest.order(&merchant, 1).status().await, 200);

    proxy.cut.cancel();
    let nobody = |ingest: &Ingest| Delivery { url: ingest.url("/webhooks/bigcommerce/nobody"), ..ingest.order(&merchant, 1) };
    eventually("nobody is refused any more", || async { nobody(&ingest).status().await == 503 }).await;
    assert_eq!(ingest.order(&merchant, 2).status().await, 200);
    ingest.stop().await;

    let ingest = Ingest::with(&options).await;
    assert_eq!(ingest.order(&merchant, 3).status().await, 200, "the connections are kept in a file");
    let call = ingest.call(&merchant.account_connection, &merchant.path_secret, merchant.notes("1").to_string());
    assert_eq!(call.send().await.unwrap().status(), 200);
    // It may be us who do not know: the connection may be new, the secret may have been replaced.
    let forged = Delivery { key: "another".into(), ..ingest.order(&merchant, 4) };
    let wrong = ingest.call(&merchant.account_connection, "wrong", merchant.notes("1").to_string());
    let strange = Delivery { url: ingest.url("/webhooks/bigcommerce/no%20id"), ..ingest.order(&merchant, 4) };
    for answer in [forged.send().await, nobody(&ingest).send().await, strange.send().await, wrong.send().await.unwrap()] {
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
    }
    let file = std::fs::read(&options.file).unwrap();
    for secret in [&merchant.header_secret, &merchant.path_secret, &merchant.literal] {
        assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()), "the file shows a secret");
    }
    ingest.stop().await;
}

#[tokio::test]
async fn without_database_and_file_everything_is_asked_for_again() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let proxy = Proxy::start().await;
    proxy.cut.cancel();
    let mut options = Options::new(&merchant, kafka(&cluster));
    options.db = db(&proxy.url).with_keyring(Arc::clone(&merchant.keyring));
    let ingest = Ingest::begin(&options).await;
    assert_eq!(ingest.order(&merchant, 1).status().await, 503);
    let call = ingest.call(&merchant.account_connection, "wrong", "not json").timeout(Duration::from_secs(10));
    assert_eq!(call.send().await.unwrap().status(), 503);
    assert_eq!(ingest.ready().await, 503);
    ingest.stop().await;
}
