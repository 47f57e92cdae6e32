//! The registrations of one connection on its platform.

use std::collections::BTreeMap;

use anyhow::anyhow;
use orderbridge_bigcommerce::{Hook, NewHook};
use orderbridge_brightpearl::{NewWebhook, Webhook};
use orderbridge_http_client::CallError;
use orderbridge_postgres::{AccountCredentials, AccountRecord, StoreCredentials, TenantRecord};
use orderbridge_schema::ids::Platform;
use secrecy::{ExposeSecret, SecretString};

use super::plan::{Fitness, Found, Step};
use crate::commands::platforms::{Platforms, SHARE};

/// What the store tells us of: orders with all that hangs on them, shipments made there, and the end of the connection (BC §c).
pub const STORE_SCOPES: [&str; 3] = ["store/order/*", "store/shipment/*", "store/app/uninstalled"];

/// Where our webhooks lead to, now and formerly; none ends in a slash.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Now.
    pub current: String,
    /// Registrations that lead here are ours too, and out of date.
    pub former: Option<String>,
}

/// One connection, as its platform knows it.
#[derive(Debug)]
pub enum Registry {
    /// A store.
    Store {
        /// Its client.
        client: orderbridge_bigcommerce::Client,
        /// Where its hooks lead to.
        destination: String,
        /// Where they led to formerly.
        former: Option<String>,
        /// The newest secret for the header.
        secret: SecretString,
    },
    /// An account.
    Account {
        /// Its client.
        client: orderbridge_brightpearl::Client,
        /// What the addresses of its hooks begin with.
        prefix: String,
        /// What they began with formerly.
        former: Option<String>,
        /// The newest secret for the path.
        path_secret: SecretString,
        /// What the body of its hooks says.
        body: SecretString,
    },
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
    ) -> anyhow::Result<Self> {
        let at = |base: &str| format!("{base}/webhooks/bigcommerce/{}", tenant.connection);
        let secret = credentials.header_secrets.first().ok_or_else(|| anyhow!("the store has no secret for webhooks; import the tenant again"))?;
        Ok(Self::Store { client, destination: at(&addresses.current), former: addresses.former.as_deref().map(at), secret: secret.clone() })
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
    ) -> anyhow::Result<Self> {
        let at = |base: &str| format!("{base}/webhooks/brightpearl/{}/", account.connection);
        let lacks = || anyhow!("the account has no secrets for webhooks; import a tenant of it again");
        let path_secret = credentials.path_secrets.first().ok_or_else(lacks)?.clone();
        let literal = credentials.body_literals.first().ok_or_else(lacks)?;
        let body = orderbridge_brightpearl::webhook::body_template(literal);
        Ok(Self::Account { client, prefix: at(&addresses.current), former: addresses.former.as_deref().map(at), path_secret, body })
    }

    /// Which platform it is on.
    pub const fn platform(&self) -> Platform {
        match self {
            Self::Store { .. } => Platform::Bigcommerce,
            Self::Account { .. } => Platform::Brightpearl,
        }
    }

    /// The events that should be registered.
    pub fn wanted(&self) -> &'static [&'static str] {
        match self {
            Self::Store { .. } => &STORE_SCOPES,
            Self::Account { .. } => &orderbridge_brightpearl::webhook::HOOKS,
        }
    }

    /// Our registrations. Those of other apps, and of our own at other addresses, are left out.
    ///
    /// # Errors
    /// The platform's.
    pub async fn found(&self) -> Result<Vec<Found>, CallError> {
        match self {
            Self::Store { client, destination, former, secret } => {
                let hooks = client.hooks(SHARE).await?;
                Ok(hooks.iter().filter_map(|hook| of_store(hook, destination, former.as_deref(), secret)).collect())
            }
            Self::Account { client, prefix, former, path_secret, body } => {
                let address = format!("{prefix}{}", path_secret.expose_secret());
                let ours = |hook: &Webhook| of_account(hook, prefix, former.as_deref(), &address, body.expose_secret());
                Ok(client.webhooks(SHARE).await?.iter().filter_map(ours).collect())
            }
        }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// The platform's. What was already gone is no error.
    pub async fn take(&self, platforms: &Platforms, step: &Step) -> Result<(), CallError> {
        let guard = match self {
            Self::Store { client, .. } => platforms.guard(client.pool()).await?,
            Self::Account { client, .. } => platforms.guard(client.pool()).await?,
        };
        let result = match (self, step) {
            (Self::Store { client, destination, secret, .. }, Step::Create { event }) => {
                let headers = BTreeMap::from([(orderbridge_bigcommerce::webhook::SECRET_HEADER.to_owned(), secret.clone())]);
                client.create_hook(&NewHook { scope: event.clone(), destination: destination.clone(), headers }, guard).await.map(drop)
            }
            (Self::Store { client, .. }, Step::Activate { id, .. }) => client.activate_hook(*id, guard).await,
            (Self::Store { client, .. }, Step::Remove { id, .. }) => client.delete_hook(*id, guard).await,
            (Self::Account { client, prefix, path_secret, body, .. }, Step::Create { event }) => {
                let address = format!("{prefix}{}", path_secret.expose_secret());
                let hook = NewWebhook { subscribe_to: event.clone(), uri_template: address.into(), body_template: body.clone() };
                client.create_webhook(&hook, guard).await.map(drop)
            }
            (Self::Account { client, .. }, Step::Remove { id, .. }) => client.delete_webhook(*id, guard).await,
            // Brightpearl has no state to revive (BP §d.1), so none is ever found inactive.
            (Self::Account { .. }, Step::Activate { .. }) => Ok(()),
        };
        match (result, step) {
            (Err(CallError::NotFound), Step::Remove { .. }) => Ok(()),
            (result, _) => result,
        }
    }
}

fn of_store(hook: &Hook, destination: &str, former: Option<&str>, secret: &SecretString) -> Option<Found> {
    let found = |fitness| Some(Found { id: hook.id, event: hook.scope.clone(), fitness });
    if former.is_some_and(|former| hook.destination == former) && hook.destination != destination {
        return found(Fitness::Outdated);
    }
    if hook.destination != destination {
        return None;
    }
    let mut headers = hook.headers.iter();
    let ours = headers.find(|(name, _)| name.eq_ignore_ascii_case(orderbridge_bigcommerce::webhook::SECRET_HEADER));
    match ours {
        // One registration per scope and destination (BC §c): the new one cannot be made beside it.
        None => found(Fitness::InTheWay),
        Some((_, value)) if value.expose_secret() != secret.expose_secret() => found(Fitness::InTheWay),
        Some(_) if hook.active => found(Fitness::Fits),
        Some(_) => found(Fitness::Inactive),
    }
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
        let fitness = |hook: &Hook| of_store(hook, ours, Some(former), &"new".to_owned().into()).map(|found| found.fitness);
        let right = Some(("X-Orderbridge-Secret", "new"));
        assert_eq!(fitness(&hook(ours, right, true)), Some(Fitness::Fits));
        assert_eq!(fitness(&hook(ours, right, false)), Some(Fitness::Inactive));
        assert_eq!(fitness(&hook(ours, Some(("x-orderbridge-secret", "old")), true)), Some(Fitness::InTheWay));
        assert_eq!(fitness(&hook(ours, None, true)), Some(Fitness::InTheWay));
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
}
