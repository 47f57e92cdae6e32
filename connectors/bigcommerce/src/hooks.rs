//! Webhook registrations (BC §c). A token sees only the hooks of its own API account.

use std::collections::BTreeMap;

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::work::Share;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::client::{Client, PAGE, Place, place};
use crate::{lenient, reply};

/// A registration. Its `Debug` shows no header.
#[derive(Clone)]
pub struct Hook {
    /// Its id.
    pub id: u64,
    /// What it is told of, such as `store/order/*`.
    pub scope: String,
    /// Where deliveries go.
    pub destination: String,
    /// Whether it delivers; BigCommerce deactivates hooks that fail for two days.
    pub active: bool,
    /// Headers that come with each delivery.
    pub headers: BTreeMap<String, SecretString>,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").field("id", &self.id).field("scope", &self.scope).field("active", &self.active).finish_non_exhaustive()
    }
}

/// A registration to be made; at most one per scope and destination (BC §c).
#[derive(Debug, Clone)]
pub struct NewHook {
    /// What to be told of.
    pub scope: String,
    /// Where to deliver: https on port 443.
    pub destination: String,
    /// Headers to come with each delivery.
    pub headers: BTreeMap<String, SecretString>,
}

/// What BigCommerce thinks of the hooks (`/v3/hooks/admin`).
#[derive(Debug, Clone, Default)]
pub struct HooksAdmin {
    /// State of each hook.
    pub hooks: Vec<HookHealth>,
    /// Our domains that get nothing for a while.
    pub blocked: Vec<BlockedDomain>,
}

/// The state of one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookHealth {
    /// Which hook.
    pub id: u64,
    /// `active`, `inactive` or `deactivated`.
    pub status: String,
}

/// A domain that BigCommerce stopped delivering to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedDomain {
    /// Which domain.
    pub destination: String,
    /// Seconds until deliveries go on.
    pub seconds_left: u64,
}

#[derive(Deserialize)]
struct HookPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    scope: String,
    #[serde(default, deserialize_with = "lenient::text")]
    destination: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    is_active: bool,
    #[serde(default)]
    headers: serde_json::Value,
}

impl From<HookPayload> for Hook {
    fn from(hook: HookPayload) -> Self {
        let headers = hook.headers.as_object().into_iter().flatten();
        let headers = headers.filter_map(|(name, value)| Some((name.clone(), SecretString::from(value.as_str()?))));
        Self { id: hook.id, scope: hook.scope, destination: hook.destination, active: hook.is_active, headers: headers.collect() }
    }
}

#[derive(Deserialize)]
struct AdminPayload {
    #[serde(default, deserialize_with = "lenient::list")]
    hooks_list: Vec<HealthPayload>,
    #[serde(default, deserialize_with = "lenient::list")]
    blocked_domains: Vec<BlockedPayload>,
}

#[derive(Deserialize)]
struct HealthPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    status: String,
}

#[derive(Deserialize)]
struct BlockedPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    destination: String,
    #[serde(default, deserialize_with = "lenient::whole")]
    time_left: u64,
}

impl Client {
    /// All hooks of this token's account.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn hooks(&self, share: Share) -> Result<Vec<Hook>, CallError> {
        let limit = PAGE.to_string();
        let mut hooks: Vec<Hook> = Vec::new();
        for page in 1..=100u32 {
            let page = page.to_string();
            let query = [("page", page.as_str()), ("limit", limit.as_str())];
            let reply = self.get(Place { segments: &["v3", "hooks"], query: &query, template: "/v3/hooks" }, share).await?;
            if reply::is_empty(&reply) {
                return Ok(hooks);
            }
            let known = hooks.len();
            let payloads: Vec<HookPayload> = reply::data(&reply, "the hooks")?;
            let full = payloads.len() >= PAGE || has_next(&reply.body);
            for hook in payloads.into_iter().map(Hook::from) {
                if !hooks.iter().any(|other| other.id == hook.id) {
                    hooks.push(hook);
                }
            }
            if !full || hooks.len() == known {
                return Ok(hooks);
            }
        }
        Err(CallError::uncertain("the hooks have no last page"))
    }

    /// Registers a hook. A second one with the same scope and destination is refused: list first (BC §c).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn create_hook(&self, hook: &NewHook, guard: SendGuard) -> Result<Hook, CallError> {
        let body = json!({ "scope": hook.scope, "destination": hook.destination, "is_active": true, "headers": exposed(&hook.headers) });
        let reply = self.send(Method::Post, place(&["v3", "hooks"], "/v3/hooks"), Some(body.to_string().into_bytes()), guard).await?;
        reply::data::<HookPayload>(&reply, "a new hook").map(Hook::from)
    }

    /// Makes a deactivated hook deliver again. What it missed is not sent again (BC §c).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn activate_hook(&self, id: u64, guard: SendGuard) -> Result<(), CallError> {
        let id = id.to_string();
        let body = json!({ "is_active": true }).to_string().into_bytes();
        self.send(Method::Put, place(&["v3", "hooks", &id], "/v3/hooks/{id}"), Some(body), guard).await?;
        Ok(())
    }

    /// Gives a hook other headers, and makes it deliver again if it did not. It keeps its id, scope and destination, and goes on
    /// delivering: nothing is missed, unlike with a new hook, which takes up to a minute to start (BC §c).
    ///
    /// # Errors
    /// [`CallError`]; `NotFound` if there is none, or it is another account's.
    pub async fn renew_hook(&self, id: u64, headers: &BTreeMap<String, SecretString>, guard: SendGuard) -> Result<(), CallError> {
        let id = id.to_string();
        let body = json!({ "is_active": true, "headers": exposed(headers) }).to_string().into_bytes();
        self.send(Method::Put, place(&["v3", "hooks", &id], "/v3/hooks/{id}"), Some(body), guard).await?;
        Ok(())
    }

    /// Removes a hook.
    ///
    /// # Errors
    /// [`CallError`]; `NotFound` if there is none, or it is another account's.
    pub async fn delete_hook(&self, id: u64, guard: SendGuard) -> Result<(), CallError> {
        let id = id.to_string();
        self.send(Method::Delete, place(&["v3", "hooks", &id], "/v3/hooks/{id}"), None, guard).await?;
        Ok(())
    }

    /// What BigCommerce thinks of the hooks: deactivated ones, blocked domains.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn hooks_admin(&self, share: Share) -> Result<HooksAdmin, CallError> {
        let reply = self.get(place(&["v3", "hooks", "admin"], "/v3/hooks/admin"), share).await?;
        if reply::is_empty(&reply) {
            return Ok(HooksAdmin::default());
        }
        let admin: AdminPayload = reply::data(&reply, "the state of the hooks")?;
        let hooks = admin.hooks_list.into_iter().map(|hook| HookHealth { id: hook.id, status: hook.status });
        let blocked = admin.blocked_domains.into_iter();
        let blocked = blocked.map(|domain| BlockedDomain { destination: domain.destination, seconds_left: domain.time_left });
        Ok(HooksAdmin { hooks: hooks.collect(), blocked: blocked.collect() })
    }
}

fn exposed(headers: &BTreeMap<String, SecretString>) -> BTreeMap<&str, &str> {
    headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect()
}

/// Whether a V3 list names a next page (BC §b).
fn has_next(body: &[u8]) -> bool {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    value.pointer("/meta/pagination/links/next").and_then(serde_json::Value::as_str).is_some_and(|next| !next.is_empty())
}
