//! The connections as they were at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::{AccountCode, ConnectionId, StoreHash, TenantId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::{Keyring, Plaintext, open_sealed};
use crate::error::DbError;
use crate::sql::{Number, parsed};
use crate::tenants::{APP, AppSecrets, STORE, SignatureMode, StoreSecrets, TenantState, account_scope, decode};

/// How many connections are read, opened or sealed at once: all together need several times the memory that the directory itself does.
const PIECE: usize = 200;

/// A store's webhooks.
#[derive(Debug, Clone)]
pub struct BigcommerceConnection {
    /// In the webhooks' path.
    pub id: ConnectionId,
    /// Whose.
    pub tenant: TenantId,
    /// The tenant's account.
    pub account: AccountCode,
    /// Which store its events must name.
    pub store: StoreHash,
    /// Active, paused or removed.
    pub state: TenantState,
    /// Accepted for signatures, present one first.
    pub client_secrets: Vec<SecretString>,
    /// Accepted in the secret header.
    pub header_secrets: Vec<SecretString>,
    /// What must be there.
    pub mode: SignatureMode,
}

/// An account's webhooks.
#[derive(Debug, Clone)]
pub struct BrightpearlConnection {
    /// In the webhooks' path.
    pub id: ConnectionId,
    /// Which account its events must name.
    pub account: AccountCode,
    /// Accepted in the path.
    pub path_secrets: Vec<SecretString>,
    /// Accepted in the body.
    pub body_literals: Vec<SecretString>,
    /// Removed once all its tenants are, else active.
    pub state: TenantState,
}

/// One connection.
#[derive(Debug, Clone)]
pub enum Connection {
    /// A store's.
    Bigcommerce(BigcommerceConnection),
    /// An account's.
    Brightpearl(BrightpearlConnection),
}

/// All connections at one moment.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    connections: HashMap<ConnectionId, Arc<Connection>>,
}

/// A snapshot and the version it was loaded at.
pub(super) struct Loaded {
    pub(super) version: i64,
    pub(super) snapshot: Snapshot,
}

/// A connection in the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: ConnectionId,
    account: AccountCode,
    state: TenantState,
    #[serde(default)]
    store: Option<KeptStore>,
    /// Client secrets, or path secrets.
    first: Vec<String>,
    /// Header secrets, or body literals.
    second: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct KeptStore {
    tenant: TenantId,
    store: StoreHash,
    mode: SignatureMode,
}

fn shown(secrets: &[SecretString]) -> Vec<String> {
    secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
}

fn hidden(texts: Vec<String>) -> Vec<SecretString> {
    texts.into_iter().map(SecretString::from).collect()
}

impl Connection {
    /// In the webhooks' path.
    #[must_use]
    pub const fn id(&self) -> &ConnectionId {
        match self {
            Self::Bigcommerce(store) => &store.id,
            Self::Brightpearl(account) => &account.id,
        }
    }

    fn keep(&self) -> Kept {
        match self {
            Self::Bigcommerce(store) => Kept {
                id: store.id.clone(),
                account: store.account.clone(),
                state: store.state,
                store: Some(KeptStore { tenant: store.tenant.clone(), store: store.store.clone(), mode: store.mode }),
                first: shown(&store.client_secrets),
                second: shown(&store.header_secrets),
            },
            Self::Brightpearl(account) => Kept {
                id: account.id.clone(),
                account: account.account.clone(),
                state: account.state,
                store: None,
                first: shown(&account.path_secrets),
                second: shown(&account.body_literals),
            },
        }
    }
}

impl Kept {
    fn read(self) -> Connection {
        match self.store {
            Some(store) => Connection::Bigcommerce(BigcommerceConnection {
                id: self.id,
                tenant: store.tenant,
                account: self.account,
                store: store.store,
                state: self.state,
                client_secrets: hidden(self.first),
                header_secrets: hidden(self.second),
                mode: store.mode,
            }),
            None => Connection::Brightpearl(BrightpearlConnection {
                id: self.id,
                account: self.account,
                path_secrets: hidden(self.first),
                body_literals: hidden(self.second),
                state: self.state,
            }),
        }
    }
}

impl Snapshot {
    pub(super) fn get(&self, id: &ConnectionId) -> Option<Arc<Connection>> {
        self.connections.get(id).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// As the file holds it: sealed pieces, a line each.
    pub(super) fn seal<'a>(&'a self, keyring: &'a Keyring) -> impl Iterator<Item = Result<String, DbError>> + 'a {
        let connections: Vec<&Connection> = self.connections.values().map(AsRef::as_ref).collect();
        let pieces = connections.len().div_ceil(PIECE).max(1);
        (0..pieces).map(move |number| {
            let kept: Vec<Kept> = connections.iter().skip(number * PIECE).take(PIECE).map(|connection| connection.keep()).collect();
            let plaintext = Zeroizing::new(serde_json::to_vec(&kept).map_err(|_secret| DbError::data("the directory cannot be written as JSON"))?);
            Ok(keyring.seal(&context(number, pieces), &plaintext)?)
        })
    }

    /// From the file's lines.
    pub(super) fn open(keyring: &Keyring, sealed: &str) -> Result<Self, DbError> {
        let pieces: Vec<&str> = sealed.lines().collect();
        let mut connections = HashMap::new();
        for (number, piece) in pieces.iter().enumerate() {
            let plaintext = keyring.open(&context(number, pieces.len()), piece)?;
            let kept: Vec<Kept> = serde_json::from_slice(&plaintext).map_err(|_secret| DbError::data("the directory's file has another form"))?;
            connections.extend(kept.into_iter().map(Kept::read).map(keyed));
        }
        Ok(Self { connections })
    }
}

/// What the seal of a piece of the file is bound to: that none is missing, doubled or out of another file of other length.
fn context(number: usize, pieces: usize) -> String {
    format!("directory-file/v2/{number}/{pieces}")
}

fn keyed(connection: Connection) -> (ConnectionId, Arc<Connection>) {
    (connection.id().clone(), Arc::new(connection))
}

#[derive(QueryableByName)]
struct StoreRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Text)]
    store: String,
    #[diesel(sql_type = Text)]
    connection: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    signature_mode: String,
    #[diesel(sql_type = Nullable<Text>)]
    sealed: Option<String>,
}

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    connection: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    sealed: Option<String>,
}

/// The version that changes with every connection and secret.
pub(super) fn stored_version(conn: &mut PgConnection) -> Result<i64, DbError> {
    Ok(sql_query("select version as n from directory_state").get_result::<Number>(conn)?.n)
}

/// Loads all connections. The version is read first: a change during the load then makes for one load too many, never for one too few.
pub(super) fn load(conn: &mut PgConnection, keyring: &Keyring) -> Result<Loaded, DbError> {
    let version = stored_version(conn)?;
    let mut connections = HashMap::new();
    let mut after = String::new();
    while let Some(last) = load_stores(conn, keyring, &after, &mut connections)? {
        after = last;
    }
    after.clear();
    while let Some(last) = load_accounts(conn, keyring, &after, &mut connections)? {
        after = last;
    }
    Ok(Loaded { version, snapshot: Snapshot { connections } })
}

type Connections = HashMap<ConnectionId, Arc<Connection>>;

/// The next piece of stores behind one; says the last of them.
fn load_stores(conn: &mut PgConnection, keyring: &Keyring, after: &str, connections: &mut Connections) -> Result<Option<String>, DbError> {
    let sql = "select t.id, t.account, t.store, t.connection, t.state, t.signature_mode, c.sealed \
       from tenants t left join credentials c on c.scope = t.id and c.name = $1 where t.id > $2 order by t.id limit $3";
    let rows: Vec<StoreRow> = sql_query(sql).bind::<Text, _>(STORE).bind::<Text, _>(after).bind::<BigInt, _>(piece()).load(conn)?;
    for row in &rows {
        let plaintext = opened(keyring, row.sealed.as_deref(), &row.id, STORE)?;
        let credentials = decode::<StoreSecrets>(&plaintext)?.to_credentials();
        let mut client_secrets = vec![credentials.client_secret];
        client_secrets.extend(credentials.previous_client_secrets);
        let store = BigcommerceConnection {
            id: parsed(&row.connection)?,
            tenant: parsed(&row.id)?,
            account: parsed(&row.account)?,
            store: parsed(&row.store)?,
            state: parsed(&row.state)?,
            client_secrets,
            header_secrets: credentials.header_secrets,
            mode: parsed(&row.signature_mode)?,
        };
        connections.extend([keyed(Connection::Bigcommerce(store))]);
    }
    Ok(rows.into_iter().next_back().map(|row| row.id))
}

/// The next piece of accounts behind one; says the last of them.
fn load_accounts(conn: &mut PgConnection, keyring: &Keyring, after: &str, connections: &mut Connections) -> Result<Option<String>, DbError> {
    let sql = "select a.code, a.connection, \
       case when exists (select from tenants t where t.account = a.code and t.state <> 'removed') then 'active' else 'removed' end as state, c.sealed \
       from accounts a left join credentials c on c.scope = '@' || a.code and c.name = $1 where a.code > $2 order by a.code limit $3";
    let rows: Vec<AccountRow> = sql_query(sql).bind::<Text, _>(APP).bind::<Text, _>(after).bind::<BigInt, _>(piece()).load(conn)?;
    for row in &rows {
        let account: AccountCode = parsed(&row.code)?;
        let app: AppSecrets = decode(&opened(keyring, row.sealed.as_deref(), &account_scope(&account), APP)?)?;
        let account = BrightpearlConnection {
            id: parsed(&row.connection)?,
            account,
            path_secrets: hidden(app.path_secrets.clone()),
            body_literals: hidden(app.body_literals.clone()),
            state: parsed(&row.state)?,
        };
        connections.extend([keyed(Connection::Brightpearl(account))]);
    }
    Ok(rows.into_iter().next_back().map(|row| row.code))
}

fn piece() -> i64 {
    i64::try_from(PIECE).unwrap_or(i64::MAX)
}

/// A scope's secrets, opened.
fn opened(keyring: &Keyring, sealed: Option<&str>, scope: &str, name: &str) -> Result<Plaintext, DbError> {
    let sealed = sealed.ok_or_else(|| DbError::Data(format!("{scope} has lost its credentials")))?;
    open_sealed(keyring, scope, name, sealed)
}
