//! What BigCommerce sends: signed as it signs, or wrongly on purpose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{RequestBuilder, Response};
use sha2::Sha256;

use crate::support::SIGNED_AT;

pub fn order_body(scope: &str, order: u64) -> String {
    let hash = "dd70c0976e06b67aaf671e73f49dcb79230ebf9d";
    format!(
        r#"{{"producer":"stores/abc123","hash":"{hash}","created_at":{SIGNED_AT},"store_id":"1025646","scope":"{scope}","data":{{"type":"order","id":{order}}}}}"#
    )
}

/// One delivery of BigCommerce's.
pub struct Delivery {
    pub url: String,
    pub header_secret: Option<String>,
    pub key: String,
    pub id: String,
    pub time: i64,
    pub body: String,
    /// Instead of a right one; an empty text sends none.
    pub signature: Option<String>,
    pub client: reqwest::Client,
}

impl Delivery {
    pub fn request(&self) -> RequestBuilder {
        let signature = self.signature.clone().unwrap_or_else(|| sign(&self.key, &self.id, self.time, self.body.as_bytes()));
        let mut request = self.client.post(&self.url).header("content-type", "application/json").body(self.body.clone());
        if let Some(secret) = &self.header_secret {
            request = request.header("x-orderbridge-secret", secret);
        }
        if signature.is_empty() {
            return request;
        }
        request.header("webhook-id", &self.id).header("webhook-timestamp", self.time.to_string()).header("webhook-signature", signature)
    }

    pub async fn send(&self) -> Response {
        self.request().send().await.unwrap()
    }

    pub async fn status(&self) -> u16 {
        self.send().await.status().as_u16()
    }
}

pub fn sign(key: &str, id: &str, time: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
