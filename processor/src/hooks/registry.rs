//! The registrations of one connection on its platform.

use std::collections::BTreeMap;

use orderbridge_bigcommerce::{BlockedDomain, Hook, HooksAdmin, NewHook};
use orderbridge_brightpearl::{NewWebhook, Webhook};
use orderbridge_http_client::{CallError, SendGuard};
use orderbridge_postgres::{AccountCredentials, AccountRecord, StoreCredentials, TenantRecord};
use orderbridge_schema::ids::Platform;
use orderbridge_schema::work::{Scope, Share};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::plan::{Fitness, Found, Step};
use super::{Addresses, Payer};

/// What the store tells us of: orders with all that hangs on them, shipments made there, and the end of the connection (BC §c).
pub const STORE_SCOPES: [&str; 3] = ["store/order/*", "store/shipment/*", "store/app/uninstalled"];
/// Likewise where products are matched by what only the store's catalogue tells (BC §f).
const CATALOGUE_SCOPES: [&str; 5] = ["store/order/*", "store/shipment/*", "store/app/uninstalled", "store/product/*", "store/sku/*"];

/// The stored credentials lack a secret for webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSecret {
    /// The store's.
    #[error("the store has no secret for webhooks; import the tenant again")]
    Store,
    /// The account's.
    #[error("the account has no secrets for webhooks; import a tenant of it again")]
    Account,
}

/// One connection, as its platform knows it.
#[derive(Debug)]
pub struct Registry {
    scope: Scope,
    payer: Payer,
    side: Side,
}

#[derive(Debug)]
enum Side {
    Store(Store),
    Account(Account),
}

#[derive(Debug)]
struct Store {
    client: orderbridge_bigcommerce::Client,
    destination: String,
    former: Option<String>,
    /// The newest secret for the header.
    secret: SecretString,
    /// Whether changes in its catalogue matter.
    catalogue: bool,
}

#[derive(Debug)]
struct Account {
    client: orderbridge_brightpearl::Client,
    /// What the addresses of its hooks begin with.
    prefix: String,
    former: Option<String>,
    /// The address with the newest secret.
    address: SecretString,
    /// What the body of its hooks says.
    body: SecretString,
}

/// What a look at a platform found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Our registrations.
    pub found: Vec<Found>,
    /// Seconds for which the platform still holds back what it should deliver to us, because too many deliveries failed (BC §c).
    pub held_back_seconds: Option<u64>,
}

impl Registry {
    /// A tenant's store.
    ///
    /// # Errors
    /// The credentials lack a secret for webhooks.
    pub fn store(
        client: orderbridge_bigcommerce::Client,
        tenant: &TenantRecord,
        credentials: &StoreCredentials,
        addresses: &Addresses,
        payer: Payer,
    ) -> Result<Self, NoSecret> {
        let at = |base: &str| format!("{base}/webhooks/bigcommerce/{}", tenant.connection);
        let secret = credentials.header_secrets.first().ok_or(NoSecret::Store)?.clone();
        let catalogue = tenant.rules.items_and_customers.identity.store.is_in_catalogue();
        let store = Store { client, destination: at(&addresses.current), former: addresses.former.as_deref().map(at), secret, catalogue };
        Ok(Self { scope: Scope::Tenant(tenant.id.clone()), payer, side: Side::Store(store) })
    }

    /// An account.
    ///
    /// # Errors
    /// The credentials lack a secret for webhooks.
    pub fn account(
        client: orderbridge_brightpearl::Client,
        account: &AccountRecord,
        credentials: &AccountCredentials,
        addresses: &Addresses,
        payer: Payer,
    ) -> Result<Self, NoSecret> {
        let at = |base: &str| format!("{base}/webhooks/brightpearl/{}/", account.connection);
        let path_secret = credentials.path_secrets.first().ok_or(NoSecret::Account)?;
        let literal = credentials.body_literals.first().ok_or(NoSecret::Account)?;
        let prefix = at(&addresses.current);
        let address = format!("{prefix}{}", path_secret.expose_secret()).into();
        let body = orderbridge_brightpearl::webhook::body_template(literal);
        let side = Account { client, prefix, former: addresses.former.as_deref().map(at), address, body };
        Ok(Self { scope: Scope::Account(account.code.clone()), payer, side: Side::Account(side) })
    }

    /// Whose it is.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Which platform it is on.
    #[must_use]
    pub const fn platform(&self) -> Platform {
        match self.side {
            Side::Store(_) => Platform::Bigcommerce,
            Side::Account(_) => Platform::Brightpearl,
        }
    }

    /// The events that should be registered.
    #[must_use]
    pub const fn wanted(&self) -> &'static [&'static str] {
        match self.side {
            Side::Store(Store { catalogue: true, .. }) => &CATALOGUE_SCOPES,
            Side::Store(_) => &STORE_SCOPES,
            Side::Account(_) => &orderbridge_brightpearl::webhook::HOOKS,
        }
    }

    /// Our registrations. Those of other apps, and of our own at other addresses, are left out.
    ///
    /// # Errors
    /// The platform's.
    pub async fn found(&self) -> Result<Vec<Found>, CallError> {
        Ok(self.look().await?.found)
    }

    /// Our registrations, and whether the platform delivers to us at all.
    ///
    /// # Errors
    /// The platform's.
    pub async fn look(&self) -> Result<Looked, CallError> {
        match &self.side {
            Side::Store(store) => store.look(self.payer.share).await,
            Side::Account(account) => Ok(Looked { found: account.found(self.payer.share).await?, held_back_seconds: None }),
        }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// The platform's. What was already gone is no error.
    pub async fn take(&self, step: &Step) -> Result<(), CallError> {
        let result = match &self.side {
            Side::Store(store) => store.take(step, self.payer.guard(store.client.pool()).await?).await,
            Side::Account(account) => account.take(step, self.payer.guard(account.client.pool()).await?).await,
        };
        match (result, step) {
            (Err(CallError::NotFound), Step::Remove { .. }) => Ok(()),
            (result, _) => result,
        }
    }
}

impl Store {
    /// The list alone does not tell why a hook is silent, nor of a blocked domain; the states alone may be those of one page.
    async fn look(&self, share: Share) -> Result<Looked, CallError> {
        let hooks = self.client.hooks(share).await?;
        let admin = match self.client.hooks_admin(share).await {
            Ok(admin) => admin,
            // The list tells the most important: what is missing must not stay so because of this.
            Err(CallError::NotFound | CallError::Refused { .. }) => HooksAdmin::default(),
            Err(error) => return Err(error),
        };
        let given_up = |hook: &Hook| admin.hooks.iter().any(|health| health.id == hook.id && is_silent(&health.status));
        let ours = |hook: &Hook| of_store(hook, given_up(hook), &self.destination, self.former.as_deref(), &self.secret);
        let blocked = admin.blocked.iter().filter(|blocked| concerns(blocked, &self.destination));
        Ok(Looked { found: hooks.iter().filter_map(ours).collect(), held_back_seconds: blocked.map(|blocked| blocked.seconds_left).max() })
    }

    async fn take(&self, step: &Step, guard: SendGuard) -> Result<(), CallError> {
        let headers = || BTreeMap::from([(orderbridge_bigcommerce::webhook::SECRET_HEADER.to_owned(), self.secret.clone())]);
        match step {
            Step::Create { event } => {
                let hook = NewHook { scope: event.clone(), destination: self.destination.clone(), headers: headers() };
                self.client.create_hook(&hook, guard).await.map(drop)
            }
            Step::Activate { id, .. } => self.client.activate_hook(*id, guard).await,
            Step::Renew { id, .. } => self.client.renew_hook(*id, &headers(), guard).await,
            Step::Remove { id, .. } => self.client.delete_hook(*id, guard).await,
        }
    }
}

impl Account {
    async fn found(&self, share: Share) -> Result<Vec<Found>, CallError> {
        let (address, body) = (self.address.expose_secret(), self.body.expose_secret());
        let ours = |hook: &Webhook| of_account(hook, &self.prefix, self.former.as_deref(), address, body);
        Ok(self.client.webhooks(share).await?.iter().filter_map(ours).collect())
    }

    async fn take(&self, step: &Step, guard: SendGuard) -> Result<(), CallError> {
        match step {
            Step::Create { event } => {
                let (uri_template, body_template) = (self.address.clone(), self.body.clone());
                let hook = NewWebhook { subscribe_to: event.clone(), uri_template, body_template };
                self.client.create_webhook(&hook, guard).await.map(drop)
            }
            Step::Remove { id, .. } => self.client.delete_webhook(*id, guard).await,
            // A registration has neither a state nor a call that changes it (BP §d.1), so none is ever found that would need these.
            Step::Activate { .. } | Step::Renew { .. } => Err(CallError::not_sent("Brightpearl cannot change a registration")),
        }
    }
}

fn of_store(hook: &Hook, given_up: bool, destination: &str, former: Option<&str>, secret: &SecretString) -> Option<Found> {
    let found = |fitness| Some(Found { id: hook.id, event: hook.scope.clone(), fitness });
    if hook.destination != destination {
        return former.filter(|former| hook.destination == *former).and_then(|_| found(Fitness::Outdated));
    }
    let mut headers = hook.headers.iter();
    let ours = headers.find(|(name, _)| name.eq_ignore_ascii_case(orderbridge_bigcommerce::webhook::SECRET_HEADER));
    match ours {
        // One registration per scope and destination (BC §c): a new one cannot be made beside it, but this one can be changed.
        None => found(Fitness::OldSecret),
        Some((_, value)) if value.expose_secret() != secret.expose_secret() => found(Fitness::OldSecret),
        Some(_) if hook.active && !given_up => found(Fitness::Fits),
        Some(_) => found(Fitness::Inactive),
    }
}

/// Whether a hook in this state gets nothing (BC §c, `hooks/admin`).
fn is_silent(status: &str) -> bool {
    matches!(status, "inactive" | "deactivated")
}

/// Whether a blocked domain is that of an address. It may be written with or without scheme and port.
fn concerns(blocked: &BlockedDomain, address: &str) -> bool {
    let Ok(address) = Url::parse(address) else { return false };
    let text = blocked.destination.to_ascii_lowercase();
    let bare = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let domain = bare.split('/').next().unwrap_or_default();
    !domain.is_empty() && (domain == address.authority() || Some(domain) == address.host_str())
}

fn of_account(hook: &Webhook, prefix: &str, former: Option<&str>, address: &str, body: &str) -> Option<Found> {
    let at = hook.uri_template.expose_secret();
    let ours = at.starts_with(prefix) || former.is_some_and(|former| at.starts_with(former));
    let fits = at == address && hook.body_template.expose_secret() == body && hook.id_set_accepted && hook.quality_of_service == 1;
    ours.then(|| Found { id: hook.id, event: hook.subscribe_to.clone(), fitness: if fits { Fitness::Fits } else { Fitness::Outdated } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hooks_at_our_address_are_ours() {
        let ours = "https://h.example/webhooks/bigcommerce/c1";
        let hook = |destination: &str, header: Option<(&str, &str)>, active| Hook {
            id: 1,
            scope: "store/order/*".into(),
            destination: destination.into(),
            active,
            headers: header.map(|(name, value)| (name.to_owned(), value.to_owned().into())).into_iter().collect(),
        };
        let former = "https://old.example/webhooks/bigcommerce/c1";
        let of = |hook: &Hook, given_up| of_store(hook, given_up, ours, Some(former), &"new".to_owned().into()).map(|found| found.fitness);
        let fitness = |hook: &Hook| of(hook, false);
        let right = Some(("X-Orderbridge-Secret", "new"));
        assert_eq!(fitness(&hook(ours, right, true)), Some(Fitness::Fits));
        assert_eq!(fitness(&hook(ours, right, false)), Some(Fitness::Inactive));
        assert_eq!(of(&hook(ours, right, true), true), Some(Fitness::Inactive));
        assert_eq!(fitness(&hook(ours, Some(("x-orderbridge-secret", "old")), true)), Some(Fitness::OldSecret));
        assert_eq!(fitness(&hook(ours, None, true)), Some(Fitness::OldSecret));
        assert_eq!(fitness(&hook(former, right, true)), Some(Fitness::Outdated));
        for other in ["https://h.example/webhooks/bigcommerce/c2", "https://h.example/webhooks/bigcommerce/c11", "https://x.example/a"] {
            assert_eq!(fitness(&hook(other, right, true)), None, "{other}");
        }
    }

    #[test]
    fn other_apps_webhooks_are_never_ours() {
        let hook = |address: &str, body: &str, quality_of_service| Webhook {
            id: 7,
            subscribe_to: "order.modified".into(),
            uri_template: address.to_owned().into(),
            body_template: body.to_owned().into(),
            id_set_accepted: true,
            quality_of_service,
        };
        let fitness = |hook: &Webhook| {
            let found = of_account(hook, "https://h.example/webhooks/brightpearl/c1/", None, "https://h.example/webhooks/brightpearl/c1/new", "body");
            found.map(|found| found.fitness)
        };
        assert_eq!(fitness(&hook("https://h.example/webhooks/brightpearl/c1/new", "body", 1)), Some(Fitness::Fits));
        assert_eq!(fitness(&hook("https://h.example/webhooks/brightpearl/c1/old", "body", 1)), Some(Fitness::Outdated));
        assert_eq!(fitness(&hook("https://h.example/webhooks/brightpearl/c1/new", "other", 1)), Some(Fitness::Outdated));
        assert_eq!(fitness(&hook("https://h.example/webhooks/brightpearl/c1/new", "body", 0)), Some(Fitness::Outdated));
        for other in ["https://h.example/webhooks/brightpearl/c12/new", "https://shipping.example/hook"] {
            assert_eq!(fitness(&hook(other, "body", 1)), None, "{other}");
        }
    }

    #[test]
    fn a_blocked_domain_is_recognised_however_it_is_written() {
        let concerns = |destination: &str| {
            concerns(&BlockedDomain { destination: destination.into(), seconds_left: 1 }, "https://H.example:8443/webhooks/bigcommerce/c1")
        };
        for ours in ["h.example", "H.example:8443", "https://h.example", "https://h.example:8443/", "https://h.example/webhooks"] {
            assert!(concerns(ours), "{ours}");
        }
        for other in ["", "example", "h.example.org", "https://x.example/h.example", "h.example:444"] {
            assert!(!concerns(other), "{other}");
        }
    }
}
