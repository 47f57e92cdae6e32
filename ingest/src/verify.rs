//! Whether a delivery is what it says it is, and what it hints at.

use std::time::Duration;

use actix_web::http::header::HeaderMap;
use jiff::Timestamp;
use orderbridge_bigcommerce::webhook as bigcommerce;
use orderbridge_brightpearl::webhook as brightpearl;
use orderbridge_postgres::{Connection, Directory, Lookup, SignatureMode, TenantState};
use orderbridge_schema::envelope::{EntityKind, Verified};
use orderbridge_schema::ids::{AccountCode, ConnectionId, StoreStatusId, TenantId};
use secrecy::SecretString;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::answer::Outcome;
use crate::settings::IngestSettings;

/// The longest name of a delivery that is passed on.
const DELIVERY_ID_BYTES_MAX: usize = 128;

/// What an authentic delivery hints at.
#[derive(Debug)]
pub(crate) struct Hint {
    pub(crate) connection: ConnectionId,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) account: AccountCode,
    pub(crate) event_type: String,
    pub(crate) entity: EntityKind,
    pub(crate) ids: String,
    pub(crate) delivery_id: Option<String>,
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) store_status: Option<StoreStatusId>,
    pub(crate) verified: Verified,
}

/// Checks deliveries against the directory of connections.
#[derive(Debug)]
pub(crate) struct Verifier {
    directory: Directory,
    tolerance: Duration,
    accept_stale: bool,
    /// Never told to anybody. A path that names no connection is checked against it, so that it costs the same work as one that does:
    /// the time of an answer must not say which connections exist.
    nobodys: [SecretString; 1],
    nobody: Option<AccountCode>,
}

impl Verifier {
    pub(crate) fn new(directory: Directory, settings: &IngestSettings) -> Self {
        let nobodys = [SecretString::from(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))];
        Self {
            directory,
            tolerance: settings.signature_tolerance,
            accept_stale: settings.accept_stale,
            nobodys,
            nobody: AccountCode::new("nobody").ok(),
        }
    }

    /// Checks a delivery of BigCommerce's (BC §c): the hook's own header, the signature over the bytes as received, the store.
    pub(crate) fn bigcommerce(&self, path: &str, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Hint, Outcome> {
        let (id, found) = self.find(path);
        let connection = match &found {
            Lookup::Found(found) => match &**found {
                Connection::Bigcommerce(connection) => Some(connection),
                Connection::Brightpearl(_) => None,
            },
            Lookup::Unknown | Lookup::NotReady => None,
        };
        let secrets = bigcommerce::HookSecrets {
            client_secrets: connection.map_or(&self.nobodys, |connection| &connection.client_secrets),
            header_secrets: connection.map_or(&self.nobodys, |connection| &connection.header_secrets),
            mode: connection.map_or(SignatureMode::Require, |connection| connection.mode),
            tolerance: self.tolerance,
            accept_stale: self.accept_stale,
        };
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let verdict = bigcommerce::verify(&secrets, &header, body, now);
        let (Some(connection), Some(id)) = (connection, id) else { return Err(nobody(&found)) };
        // Not even a signature is asked of the dying: their secrets may be gone already.
        if connection.state == TenantState::Removed {
            return Err(Outcome::Dropped);
        }
        let verified = verdict.map_err(|rejection| match rejection {
            bigcommerce::Rejection::NoSecret => self.ours(&id, "it has no secrets"),
            bigcommerce::Rejection::HeaderSecret
            | bigcommerce::Rejection::SignatureMissing
            | bigcommerce::Rejection::Signature
            | bigcommerce::Rejection::Stale => self.refusal(&id, &rejection),
        })?;
        let event = match bigcommerce::parse(body) {
            Ok(Some(event)) => event,
            Ok(None) => return Err(Outcome::Ignored),
            Err(_) => return Err(Outcome::Malformed),
        };
        // One client secret signs for every store of an app, so the signature alone does not say whose event it is.
        if event.store != connection.store {
            return Err(self.refusal(&id, &"the event is of another store"));
        }
        let signed = matches!(verified, Verified::Signature | Verified::StaleSignature);
        let delivery_id = header("webhook-id").filter(|_| signed).map(str::to_owned).or(event.delivery);
        Ok(Hint {
            connection: id,
            tenant: Some(connection.tenant.clone()),
            account: connection.account.clone(),
            event_type: event.event_type,
            entity: event.entity,
            ids: event.ids,
            delivery_id: delivery_id.filter(|id| id.len() <= DELIVERY_ID_BYTES_MAX),
            occurred_at: event.occurred_at,
            store_status: event.store_status,
            verified,
        })
    }

    /// Checks a call of Brightpearl's (BP §d.5): the secret in the path, the literal in the body, the account, the event, the ids.
    pub(crate) fn brightpearl(&self, path: &str, secret: &str, body: &[u8]) -> Result<Hint, Outcome> {
        let (id, found) = self.find(path);
        let connection = match &found {
            Lookup::Found(found) => match &**found {
                Connection::Brightpearl(connection) => Some(connection),
                Connection::Bigcommerce(_) => None,
            },
            Lookup::Unknown | Lookup::NotReady => None,
        };
        let secrets = brightpearl::HookSecrets {
            path_secrets: connection.map_or(&self.nobodys, |connection| &connection.path_secrets),
            body_literals: connection.map_or(&self.nobodys, |connection| &connection.body_literals),
        };
        let account = connection.map(|connection| &connection.account).or(self.nobody.as_ref());
        let verdict = account.map(|account| brightpearl::verify_and_parse(&secrets, account, secret, body));
        let (Some(connection), Some(id), Some(verdict)) = (connection, id, verdict) else { return Err(nobody(&found)) };
        if connection.state == TenantState::Removed {
            return Err(Outcome::Dropped);
        }
        if connection.path_secrets.is_empty() || connection.body_literals.is_empty() {
            return Err(self.ours(&id, "it has no secrets"));
        }
        let event = verdict.map_err(|rejection| match rejection {
            brightpearl::Rejection::Secret | brightpearl::Rejection::Account => self.refusal(&id, &rejection),
            brightpearl::Rejection::Malformed if !is_json(body) => Outcome::Malformed,
            // Whoever knows the secrets sends what a template of ours says, so what is wrong with it is ours (BP §d.4).
            brightpearl::Rejection::Malformed | brightpearl::Rejection::UnknownEvent => {
                tracing::warn!(connection = %id, %rejection, "a webhook of ours sends what this release does not take");
                Outcome::Unexpected
            }
        })?;
        Ok(Hint {
            connection: id,
            tenant: None,
            account: connection.account.clone(),
            event_type: event.event_type,
            entity: event.entity,
            ids: event.ids,
            delivery_id: None,
            occurred_at: event.occurred_at,
            store_status: None,
            verified: Verified::PathSecret,
        })
    }

    fn find(&self, path: &str) -> (Option<ConnectionId>, Lookup) {
        match ConnectionId::new(path) {
            Ok(id) => {
                let found = self.directory.find(&id);
                (Some(id), found)
            }
            // What is no id is nobody's, however old our knowledge is; it is answered like any other that is nobody's.
            Err(_) => (None, if self.directory.is_fresh() { Lookup::Unknown } else { Lookup::NotReady }),
        }
    }

    /// A wrong proof. While our knowledge may be old it may be us who are wrong: the secret may have been replaced since.
    fn refusal(&self, id: &ConnectionId, why: &dyn std::fmt::Display) -> Outcome {
        if self.directory.is_fresh() {
            tracing::info!(connection = %id, %why, "webhook refused");
            Outcome::Unauthorised
        } else {
            Outcome::NotReady
        }
    }

    fn ours(&self, id: &ConnectionId, why: &str) -> Outcome {
        tracing::error!(connection = %id, why, "a connection cannot be served");
        Outcome::NotReady
    }
}

const fn nobody(found: &Lookup) -> Outcome {
    match found {
        // Found means that it is the other platform's.
        Lookup::Found(_) | Lookup::Unknown => Outcome::Unknown,
        Lookup::NotReady => Outcome::NotReady,
    }
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}
