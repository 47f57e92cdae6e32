//! Keys and how a secret is sealed under one.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;

/// Why a secret cannot be sealed or opened. Texts hold neither key nor secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// No keyring was given.
    #[error("no encryption keys are configured")]
    NoKeyring,
    /// The keyring's text is not `id:base64key,…` with keys of 32 bytes.
    #[error("encryption key {position}: {problem}")]
    BadKey {
        /// Which, counting from 1.
        position: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It was sealed under a key that is not in the keyring.
    #[error("a secret was sealed under key {0:?}, which is not among the configured keys")]
    UnknownKey(String),
    /// It was changed, moved to another place, or is no sealed secret.
    #[error("a sealed secret cannot be opened: it was changed, moved, or sealed under another key of the same name")]
    Unreadable,
    /// The system gave no random bytes, or sealing failed.
    #[error("sealing failed")]
    Failed,
}

/// AES-256-GCM keys by id; the first seals, all of them open.
pub struct Keyring {
    keys: Vec<(String, Aes256Gcm)>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<&str> = self.keys.iter().map(|(id, _)| id.as_str()).collect();
        f.debug_struct("Keyring").field("ids", &ids).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads `id1:base64key,id0:base64key`, newest first; keys are 32 bytes.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] names the place of what is wrong, never the text.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let mut keys: Vec<(String, Aes256Gcm)> = Vec::new();
        for (index, entry) in text.split(',').enumerate() {
            let bad = |problem| CryptoError::BadKey { position: index + 1, problem };
            let (id, key) = entry.trim().split_once(':').ok_or_else(|| bad("it is not `id:base64key`"))?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if id.is_empty() || id.len() > 32 || !id.chars().all(plain) {
                return Err(bad("its id must be 1 to 32 letters, digits, - or _"));
            }
            if keys.iter().any(|(known, _)| known == id) {
                return Err(bad("its id stands twice"));
            }
            let bytes = Zeroizing::new(BASE64.decode(key.trim()).map_err(|_secret| bad("it is not base64"))?);
            if bytes.len() != KEY_BYTES {
                return Err(bad("it is not 32 bytes long"));
            }
            let cipher = Aes256Gcm::new_from_slice(&bytes).map_err(|_length| bad("it is not 32 bytes long"))?;
            keys.push((id.to_owned(), cipher));
        }
        Ok(Self { keys })
    }

    /// Makes the text of a new key, for [`Self::parse`].
    ///
    /// # Errors
    /// [`CryptoError::Failed`] if the system gives no random bytes.
    pub fn generate(id: &str) -> Result<secrecy::SecretString, CryptoError> {
        let bytes = random_bytes::<KEY_BYTES>()?;
        Ok(secrecy::SecretString::from(format!("{id}:{}", BASE64.encode(&bytes[..]))))
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id.as_str())
    }

    /// Seals under the newest key, bound to where it is kept: `v1:{key id}:{base64}`.
    ///
    /// # Errors
    /// [`CryptoError::Failed`].
    pub fn seal(&self, context: &str, plaintext: &[u8]) -> Result<String, CryptoError> {
        let (id, cipher) = self.keys.first().ok_or(CryptoError::NoKeyring)?;
        let nonce = random_bytes::<NONCE_BYTES>()?;
        let payload = Payload { msg: plaintext, aad: context.as_bytes() };
        let sealed = cipher.encrypt(&Nonce::from(*nonce), payload).map_err(|_opaque| CryptoError::Failed)?;
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&sealed);
        Ok(format!("v1:{id}:{}", BASE64.encode(bytes)))
    }

    /// Opens what was sealed for the same place under any of the keys.
    ///
    /// # Errors
    /// [`CryptoError::UnknownKey`] or [`CryptoError::Unreadable`].
    pub fn open(&self, context: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (id, encoded) = parts(sealed).ok_or(CryptoError::Unreadable)?;
        let (_, cipher) = self.keys.iter().find(|(known, _)| known == id).ok_or_else(|| CryptoError::UnknownKey(id.to_owned()))?;
        let bytes = BASE64.decode(encoded).map_err(|_secret| CryptoError::Unreadable)?;
        let (nonce, message) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(CryptoError::Unreadable)?;
        let payload = Payload { msg: message, aad: context.as_bytes() };
        cipher.decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_opaque| CryptoError::Unreadable)
    }

    /// The id of the key a sealed text names, if it is one.
    #[must_use]
    pub fn key_id_of(sealed: &str) -> Option<&str> {
        parts(sealed).map(|(id, _)| id)
    }
}

fn parts(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix("v1:")?.split_once(':')
}

/// Random bytes from the system.
pub(crate) fn random_bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>, CryptoError> {
    let mut bytes = Zeroizing::new([0; N]);
    OsRng.try_fill_bytes(&mut bytes[..]).map_err(|_system| CryptoError::Failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn keyring(ids: &[&str]) -> (Keyring, Vec<String>) {
        let keys: Vec<String> = ids.iter().map(|id| Keyring::generate(id).unwrap().expose_secret().to_owned()).collect();
        (Keyring::parse(&keys.join(",")).unwrap(), keys)
    }

    #[test]
    fn what_is_sealed_is_opened_only_in_its_place() {
        let (ring, _) = keyring(&["a"]);
        let sealed = ring.seal("acme/store", b"token").unwrap();
        assert_eq!(&ring.open("acme/store", &sealed).unwrap()[..], b"token");
        assert_eq!(ring.open("other/store", &sealed).unwrap_err(), CryptoError::Unreadable);
        assert_ne!(ring.seal("acme/store", b"token").unwrap(), sealed, "each sealing has its own nonce");
        assert_eq!(Keyring::key_id_of(&sealed), Some("a"));
    }

    #[test]
    fn an_older_key_still_opens_and_a_lost_one_is_named() {
        let (old, keys) = keyring(&["k0"]);
        let sealed = old.seal("x", b"token").unwrap();
        let newer = Keyring::generate("k1").unwrap();
        let both = Keyring::parse(&format!("{},{}", newer.expose_secret(), keys[0])).unwrap();
        assert_eq!(&both.open("x", &sealed).unwrap()[..], b"token");
        assert_eq!(Keyring::key_id_of(&both.seal("x", b"y").unwrap()), Some("k1"));
        let only_new = Keyring::parse(newer.expose_secret()).unwrap();
        assert_eq!(only_new.open("x", &sealed).unwrap_err(), CryptoError::UnknownKey("k0".into()));
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let (ring, _) = keyring(&["a"]);
        let sealed = ring.seal("x", b"token").unwrap();
        for at in 5..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            if changed != sealed {
                assert!(ring.open("x", &changed).is_err(), "{at}");
            }
        }
    }

    #[test]
    fn a_bad_key_is_named_by_its_place_alone() {
        let (_, keys) = keyring(&["a"]);
        for bad in ["", "nokey", "id:notbase64!", "id:c2hvcnQ=", ":AAAA", &keys[0].replace("a:", "a b:"), &format!("{0},{0}", keys[0])] {
            let error = Keyring::parse(bad).unwrap_err();
            assert!(matches!(error, CryptoError::BadKey { .. }), "{bad}");
        }
        assert!(!format!("{:?}", Keyring::parse(&keys[0]).unwrap()).contains(keys[0].trim_start_matches("a:")));
    }
}
