//! The two endpoints.

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::header::HeaderMap;
use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use orderbridge_http_server::{BodyError, Traceparent};
use orderbridge_kafka::{PublishError, Publisher};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::envelope::{Envelope, VERSION};
use orderbridge_schema::ids::Platform;
use uuid::Uuid;

use crate::answer::{Counts, Outcome};
use crate::settings::IngestSettings;
use crate::verify::{Hint, Verifier};

/// What the endpoints share.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) verifier: Verifier,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counts: Counts,
    pub(crate) settings: IngestSettings,
}

/// `POST /webhooks/bigcommerce/{connection}`
pub(crate) async fn bigcommerce(receiver: Data<Receiver>, path: Path<String>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let check = |body: &Bytes| receiver.verifier.bigcommerce(&path, request.headers(), body, receiver.clock.now());
    receiver.receive(Platform::Bigcommerce, request.headers(), payload, check).await
}

/// `POST /webhooks/brightpearl/{connection}/{secret}`
pub(crate) async fn brightpearl(receiver: Data<Receiver>, path: Path<(String, String)>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let (connection, secret) = path.into_inner();
    let check = |body: &Bytes| receiver.verifier.brightpearl(&connection, &secret, body);
    receiver.receive(Platform::Brightpearl, request.headers(), payload, check).await
}

impl Receiver {
    async fn receive(
        &self,
        platform: Platform,
        headers: &HeaderMap,
        payload: Payload,
        check: impl Fn(&Bytes) -> Result<Hint, Outcome>,
    ) -> HttpResponse {
        let began = Instant::now();
        let outcome = match self.settings.http.body_limits().read(payload).await {
            Ok(body) => match check(&body) {
                Ok(hint) => self.publish(self.envelope(platform, headers, hint)).await,
                Err(outcome) => outcome,
            },
            Err(BodyError::TooLarge) => Outcome::TooLarge,
            Err(BodyError::TimedOut | BodyError::Broken) => Outcome::BodyLost,
        };
        self.counts.record(platform, outcome, began.elapsed());
        outcome.response(self.settings.retry_after)
    }

    fn envelope(&self, platform: Platform, headers: &HeaderMap, hint: Hint) -> Envelope {
        let event_id = Uuid::now_v7();
        let traceparent = Traceparent::of(headers).unwrap_or_else(|| Traceparent::begin(event_id));
        Envelope {
            version: VERSION,
            event_id,
            platform,
            connection: hint.connection,
            tenant: hint.tenant,
            account: hint.account,
            event_type: hint.event_type,
            entity: hint.entity,
            ids: hint.ids,
            delivery_id: hint.delivery_id,
            occurred_at: hint.occurred_at,
            received_at: self.clock.now(),
            verified: hint.verified,
            store_status: hint.store_status,
            traceparent: Some(traceparent.into()),
        }
    }

    /// The one await between having an event and answering: a handler that is dropped here has promised nothing yet.
    async fn publish(&self, envelope: Envelope) -> Outcome {
        match self.publisher.publish(&envelope).await {
            Ok(published) => {
                tracing::debug!(
                    event.id = %envelope.event_id,
                    tenant.id = envelope.tenant.as_ref().map(tracing::field::display),
                    account = %envelope.account,
                    event.type = envelope.event_type,
                    topic = %published.topic,
                    partition = published.partition,
                    offset = published.offset,
                    "event stored"
                );
                Outcome::Stored
            }
            // Its body was within our limit: it is the topic's limit that is too low, and a 4xx would lose the event for good (BP §d.4).
            Err(error @ PublishError::TooLarge) => {
                tracing::error!(event.id = %envelope.event_id, topic = %envelope.topic(), %error, "the topic's max.message.bytes is below our settings");
                Outcome::NotPublished
            }
            Err(error @ (PublishError::TimedOut | PublishError::QueueFull | PublishError::Unavailable(_))) => {
                // Lost brokers are logged once, by the publisher; this one event comes again.
                tracing::debug!(event.id = %envelope.event_id, %error, "event not stored, its sender is asked to try again");
                Outcome::NotPublished
            }
        }
    }
}
