//! Signatures of webhooks, right and wrong (BC §c, signature).

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How deliveries are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    Signed,
    Unsigned,
    WrongSecret,
    /// Signed rightly, an hour ago.
    OldTimestamp,
    /// Foreign tokens before the right one.
    ExtraTokens,
}

impl Signing {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Signed, "signed"),
        (Self::Unsigned, "unsigned"),
        (Self::WrongSecret, "wrong_secret"),
        (Self::OldTimestamp, "old_timestamp"),
        (Self::ExtraTokens, "extra_tokens"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(signing, _)| *signing == self).map_or("", |(_, name)| name)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(signing, _)| *signing)
    }
}

/// The value of `webhook-signature`. The key is the client secret's own bytes, not what they decode to.
pub(super) fn signature(signing: Signing, secret: &str, id: &str, seconds: i64, body: &[u8]) -> String {
    let right = sign(secret, id, seconds, body);
    match signing {
        Signing::WrongSecret => sign(&format!("not {secret}"), id, seconds, body),
        Signing::ExtraTokens => format!("v1a,{} {} {right}", "A".repeat(86), sign("another", id, seconds, body)),
        Signing::Signed | Signing::Unsigned | Signing::OldTimestamp => right,
    }
}

fn sign(secret: &str, id: &str, seconds: i64, body: &[u8]) -> String {
    // HMAC takes keys of every length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    let code = mac.finalize().into_bytes();
    format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_platforms_own() {
        let secret = "3f1c9a7be2d84506c1f7a90b6d25e843f0a1b2c3d4e5f60718293a4b5c6d7e8f";
        let body = br#"{"producer":"stores/abc123","hash":"dd70c0976e06b67aaf671e73f49dcb79230ebf9d","created_at":1735689600,"store_id":"1025646","scope":"store/order/created","data":{"type":"order","id":250}}"#;
        let signed = sign(secret, "evt_2Zr8test0000000000000001", 1_735_689_600, body);
        assert_eq!(signed, "v1,QpN1/9sRN9SyJgep6pXrEwe8Ew0hreveIU9b3mF2yA0=");
    }
}
