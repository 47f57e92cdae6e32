//! Webhook registrations (BP §d.1). The list shows every app's hooks: only our own may be touched (BP §d.4).

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::work::Share;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::client::{Client, place};
use crate::{lenient, reply};

/// A registration, ours or any other app's. Its `Debug` shows no template: they hold secrets.
#[derive(Clone)]
pub struct Webhook {
    /// Its id.
    pub id: u64,
    /// The event or prefix it is told of.
    pub subscribe_to: String,
    /// Where calls go; the secret is part of the path.
    pub uri_template: SecretString,
    /// What calls say; the second secret is part of it.
    pub body_template: SecretString,
    /// Whether one call may carry several ids.
    pub id_set_accepted: bool,
    /// 0 is at most once, 1 at least once.
    pub quality_of_service: u64,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("subscribe_to", &self.subscribe_to).finish_non_exhaustive()
    }
}

/// A registration to be made: POST of JSON, id sets accepted, at least once.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// The event to be told of.
    pub subscribe_to: String,
    /// Where calls shall go.
    pub uri_template: SecretString,
    /// What calls shall say, such as [`crate::webhook::body_template`].
    pub body_template: SecretString,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    subscribe_to: String,
    #[serde(default, deserialize_with = "lenient::text")]
    uri_template: String,
    #[serde(default, deserialize_with = "lenient::text")]
    body_template: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    id_set_accepted: bool,
    #[serde(default, deserialize_with = "lenient::whole")]
    quality_of_service: u64,
}

impl Client {
    /// All registrations of the account, other apps' too.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn webhooks(&self, share: Share) -> Result<Vec<Webhook>, CallError> {
        let hooks: Vec<WebhookPayload> = self.list(place(&["integration-service", "webhook"], "/integration-service/webhook"), share).await?;
        let hook = |hook: WebhookPayload| Webhook {
            id: hook.id,
            subscribe_to: hook.subscribe_to,
            uri_template: hook.uri_template.into(),
            body_template: hook.body_template.into(),
            id_set_accepted: hook.id_set_accepted,
            quality_of_service: hook.quality_of_service,
        };
        Ok(hooks.into_iter().map(hook).collect())
    }

    /// Registers a webhook. Nothing tells a repeated registration: list first.
    ///
    /// # Errors
    /// [`CallError`]; `Uncertain` also if the reply does not name it.
    pub async fn create_webhook(&self, hook: &NewWebhook, guard: SendGuard) -> Result<u64, CallError> {
        let body = json!({
            "subscribeTo": hook.subscribe_to,
            "httpMethod": "POST",
            "uriTemplate": hook.uri_template.expose_secret(),
            "bodyTemplate": hook.body_template.expose_secret(),
            "contentType": "application/json",
            "idSetAccepted": true,
            "qualityOfService": 1,
        });
        let place = place(&["integration-service", "webhook"], "/integration-service/webhook");
        let reply = self.send(Method::Post, place, Some(&body), guard).await?;
        reply::created_id(&reply, "a new webhook")?.ok_or_else(|| CallError::uncertain("the reply to a new webhook does not name it"))
    }

    /// Removes a registration.
    ///
    /// # Errors
    /// [`CallError`]; `NotFound` if there is none.
    pub async fn delete_webhook(&self, id: u64, guard: SendGuard) -> Result<(), CallError> {
        let id = id.to_string();
        let segments = ["integration-service", "webhook", &id];
        self.send(Method::Delete, place(&segments, "/integration-service/webhook/{id}"), None, guard).await?;
        Ok(())
    }
}
