//! Proves that a delivery came from BigCommerce, and reads what it is about (BC §c).
//!
//! A delivery is a hint: nothing of it is believed but which entity to look at.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use orderbridge_schema::envelope::Verified;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

pub use orderbridge_schema::envelope::SignatureMode;

pub use crate::scopes::{HookEvent, ParseError, parse};

/// The header that carries a hook's own secret; we set it at registration.
pub const SECRET_HEADER: &str = "x-orderbridge-secret";
/// More tokens than any sender has live keys: a long header must not cost us a long computation.
const TOKENS_MAX: usize = 16;

/// What a connection's deliveries are checked with. Its `Debug` shows no secret.
#[derive(Debug, Clone, Copy)]
pub struct HookSecrets<'a> {
    /// Client secrets of the API account that made the hooks; several while one is being replaced. Their bytes are the key as they
    /// are: never decoded, although they look like hexadecimal (BC §c).
    pub client_secrets: &'a [SecretString],
    /// Secrets sent along as [`SECRET_HEADER`]; if there are any, one of them must come with each delivery.
    pub header_secrets: &'a [SecretString],
    /// What is asked of the signature.
    pub mode: SignatureMode,
    /// How far the signed time may lie from ours, both ways.
    pub tolerance: Duration,
    /// Whether a valid signature outside the tolerance is good enough for a hint.
    pub accept_stale: bool,
}

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The hook's own secret is missing or wrong.
    #[error("the secret header is missing or wrong")]
    HeaderSecret,
    /// There is no signature, and nothing else that could stand for it.
    #[error("the signature is missing")]
    SignatureMissing,
    /// No signature fits the body, or a header that it needs is missing.
    #[error("no signature is valid")]
    Signature,
    /// The signature is valid, the signed time too far away.
    #[error("the signature is too old or from the future")]
    Stale,
    /// There is no secret to check with.
    #[error("the connection has no secret to check with")]
    NoSecret,
}

/// Checks one delivery. `headers` finds a header's value by its lower-case name; `body` are the bytes as received.
///
/// # Errors
/// [`Rejection`]; all of them are a 401 to the sender.
pub fn verify<'h>(secrets: &HookSecrets<'_>, headers: &dyn Fn(&str) -> Option<&'h str>, body: &[u8], now: Timestamp) -> Result<Verified, Rejection> {
    let header = check_header_secret(secrets.header_secrets, headers(SECRET_HEADER))?;
    let signature = headers("webhook-signature");
    match (secrets.mode, signature) {
        (SignatureMode::Off, _) | (SignatureMode::VerifyIfPresent, None) if header => Ok(Verified::Header),
        (SignatureMode::Off, _) => Err(Rejection::NoSecret),
        (_, None) => Err(Rejection::SignatureMissing),
        (_, Some(signature)) => check_signature(secrets, signature, headers, body, now),
    }
}

/// Whether the hook's own secret was asked for and is right.
fn check_header_secret(expected: &[SecretString], given: Option<&str>) -> Result<bool, Rejection> {
    if expected.is_empty() {
        return Ok(false);
    }
    let given = Sha256::digest(given.unwrap_or_default().as_bytes());
    // Digests are compared, so that not even a secret's length shows in the time it takes; an empty secret opens nothing.
    let matches = expected.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
    let any = matches.fold(Choice::from(0), |any, secret| any | Sha256::digest(secret.as_bytes()).ct_eq(&given));
    if any.into() { Ok(true) } else { Err(Rejection::HeaderSecret) }
}

fn check_signature<'h>(
    secrets: &HookSecrets<'_>,
    signature: &str,
    headers: &dyn Fn(&str) -> Option<&'h str>,
    body: &[u8],
    now: Timestamp,
) -> Result<Verified, Rejection> {
    let (id, time) = headers("webhook-id").zip(headers("webhook-timestamp")).ok_or(Rejection::Signature)?;
    let signed_at = time.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or(Rejection::Signature)?;
    let keys: Vec<&SecretString> = secrets.client_secrets.iter().filter(|secret| !secret.expose_secret().is_empty()).collect();
    if keys.is_empty() {
        return Err(Rejection::NoSecret);
    }
    let tokens = signature.split_ascii_whitespace().take(TOKENS_MAX).filter_map(|token| token.strip_prefix("v1,"));
    let tokens: Vec<Vec<u8>> = tokens.filter_map(|token| STANDARD.decode(token).ok()).collect();
    let valid = keys.iter().any(|key| mac(key, id, time, body).is_some_and(|mac| tokens.iter().any(|token| mac.clone().verify_slice(token).is_ok())));
    if !valid {
        return Err(Rejection::Signature);
    }
    match now.duration_since(signed_at).unsigned_abs() <= secrets.tolerance {
        true => Ok(Verified::Signature),
        false if secrets.accept_stale => Ok(Verified::StaleSignature),
        false => Err(Rejection::Stale),
    }
}

fn mac(key: &SecretString, id: &str, time: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).ok()?;
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(mac)
}
