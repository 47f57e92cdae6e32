//! Signed webhook deliveries, made before they are sent: each names another order, and they go round all tenants' paths.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

/// Where one store's deliveries go, and what they must carry.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The connection's id, the last part of the path.
    pub connection: String,
    /// The store that the body names.
    pub store: String,
    /// Signs.
    pub client_secret: String,
    /// Comes along in a header.
    pub header_secret: String,
}

/// Whole requests, one behind the other in one piece of memory.
#[derive(Debug)]
pub struct Deliveries {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// What one delivery says.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The scope.
    pub scope: &'a str,
    /// The order it is about.
    pub order: u64,
    /// Distinguishes it from every other delivery.
    pub number: u64,
    /// When it was signed.
    pub at: Timestamp,
}

impl Deliveries {
    /// Requests that are all alike.
    pub fn repeating(request: &[u8], count: usize) -> Self {
        let ends = (1..=count).map(|number| number * request.len()).collect();
        Self { bytes: request.repeat(count), ends }
    }

    /// Requests that were written elsewhere.
    pub fn collect(requests: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut made = Self { bytes: Vec::new(), ends: Vec::new() };
        for request in requests {
            made.bytes.extend_from_slice(&request);
            made.ends.push(made.bytes.len());
        }
        made
    }

    /// This many, numbered from `first`, over all endpoints in turn.
    pub fn make(endpoints: &[Endpoint], host: SocketAddr, first: u64, count: usize) -> Self {
        let at = Timestamp::now();
        let numbers = (first..).zip(endpoints.iter().cycle()).take(count);
        Self::of(host, numbers.map(|(number, endpoint)| (endpoint, Event { scope: "store/order/updated", order: number, number, at })))
    }

    /// One for each event.
    pub fn of<'a>(host: SocketAddr, events: impl Iterator<Item = (&'a Endpoint, Event<'a>)>) -> Self {
        let mut made = Self { bytes: Vec::new(), ends: Vec::new() };
        for (endpoint, event) in events {
            append(&mut made.bytes, endpoint, host, &event);
            made.ends.push(made.bytes.len());
        }
        made
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// One of them; behind the last one comes the first again.
    pub fn get(&self, number: usize) -> &[u8] {
        let at = number.checked_rem(self.ends.len()).unwrap_or_default();
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let end = self.ends.get(at).copied().unwrap_or_default();
        self.bytes.get(begin..end).unwrap_or_default()
    }
}

/// The body as the platform writes it (BC §c, envelope).
fn body(endpoint: &Endpoint, event: &Event<'_>) -> String {
    format!(
        r#"{{"producer":"stores/{}","hash":"{:040x}","created_at":{},"store_id":"1025646","scope":"{}","data":{{"type":"order","id":{}}}}}"#,
        endpoint.store,
        event.number,
        event.at.as_second(),
        event.scope,
        event.order,
    )
}

/// Signed as BigCommerce signs: the client secret's own bytes are the key (BC §c, signature).
fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> String {
    // HMAC takes keys of every length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn append(bytes: &mut Vec<u8>, endpoint: &Endpoint, host: SocketAddr, event: &Event<'_>) {
    let body = body(endpoint, event);
    let id = format!("evt_{:027x}", event.number);
    let seconds = event.at.as_second();
    let signature = signature(&endpoint.client_secret, &id, seconds, &body);
    let request = format!(
        "POST /webhooks/bigcommerce/{} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nx-orderbridge-secret: {}\r\n\
         webhook-id: {id}\r\nwebhook-timestamp: {seconds}\r\nwebhook-signature: v1,{signature}\r\ncontent-length: {}\r\n\r\n{body}",
        endpoint.connection,
        endpoint.header_secret,
        body.len(),
    );
    bytes.extend_from_slice(request.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use orderbridge_bigcommerce::webhook::{HookSecrets, SignatureMode, parse, verify};
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn every_delivery_is_distinct_and_passes_the_real_check() {
        let endpoint = |n: u32| Endpoint {
            connection: format!("c{n}"),
            store: format!("s{n}"),
            client_secret: format!("secret {n}"),
            header_secret: format!("header {n}"),
        };
        let endpoints = [endpoint(0), endpoint(1)];
        let made = Deliveries::make(&endpoints, "127.0.0.1:8080".parse().unwrap(), 10, 4);
        assert_eq!(made.len(), 4);
        assert_eq!(made.get(0), made.get(4));
        for number in 0..4 {
            let text = std::str::from_utf8(made.get(number)).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let endpoint = &endpoints[number % 2];
            assert!(head.starts_with(&format!("POST /webhooks/bigcommerce/{} HTTP/1.1\r\n", endpoint.connection)));
            let header = |name: &str| head.lines().find_map(|line| line.split_once(": ").filter(|(known, _)| *known == name)).map(|(_, value)| value);
            let secrets = HookSecrets {
                client_secrets: &[SecretString::from(endpoint.client_secret.as_str())],
                header_secrets: &[SecretString::from(endpoint.header_secret.as_str())],
                mode: SignatureMode::Require,
                tolerance: Duration::from_secs(300),
                accept_stale: false,
            };
            verify(&secrets, &header, body.as_bytes(), Timestamp::now()).unwrap();
            let event = parse(body.as_bytes()).unwrap().unwrap();
            assert_eq!((event.ids, event.store.as_str()), ((10 + number).to_string(), endpoint.store.as_str()));
        }
    }
}
