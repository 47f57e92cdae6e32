//! The keyed hash under which a shopper is known.

use hmac::{Hmac, KeyInit, Mac};
use orderbridge_schema::ids::{AccountCode, StoreOrderId, TenantId};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::crypto::keyring::random_bytes;
use crate::crypto::vault::{find_row, insert_row, open_row};
use crate::db::{Db, Lane};
use crate::error::DbError;

/// Where the hash's key is kept: it belongs to no tenant.
const SCOPE: &str = "-";
const NAME: &str = "email-hash-key";
const KEY_BYTES: usize = 32;

/// Hashes e-mail addresses under a random key that belongs to this database and never changes, whatever key seals it.
#[derive(Clone)]
pub struct EmailHasher {
    key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for EmailHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailHasher(not shown)")
    }
}

impl EmailHasher {
    /// The hash of an address within one account, hexadecimal; outer blanks and case do not count.
    ///
    /// # Errors
    /// [`DbError`] if the stored key is no key.
    pub fn hash(&self, account: &AccountCode, email: &str) -> Result<String, DbError> {
        self.keyed(&[account.as_str(), &email.trim().to_lowercase()])
    }

    /// A digest of something that is said about the customer with that hash: equal digests are equal texts of the same customer.
    ///
    /// # Errors
    /// As [`hash`](Self::hash).
    pub fn digest(&self, email_hash: &str, field: &str, text: &str) -> Result<String, DbError> {
        self.keyed(&["customer", email_hash, field, text])
    }

    fn keyed(&self, parts: &[&str]) -> Result<String, DbError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|_length| DbError::data("the stored e-mail hash key is no key"))?;
        mac.update(parts.join("\n").as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }

    /// The digest of a text of one order, hexadecimal: equal texts of two orders have different ones.
    ///
    /// # Errors
    /// [`DbError`] if the stored key is no key.
    pub fn digest_text(&self, tenant: &TenantId, order: StoreOrderId, text: &str) -> Result<String, DbError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|_length| DbError::data("the stored e-mail hash key is no key"))?;
        // An account's code holds no blank, so that no e-mail address is ever hashed from these bytes.
        mac.update(format!("order text {tenant}/{order}\n").as_bytes());
        mac.update(text.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }
}

impl Db {
    /// Loads the key under which e-mail addresses are hashed; the first caller makes it.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn email_hasher(&self) -> Result<EmailHasher, DbError> {
        let keyring = self.keyring()?;
        let key = self
            .run(Lane::Hot, move |conn| {
                if find_row(conn, SCOPE, NAME)?.is_none() {
                    let fresh = random_bytes::<KEY_BYTES>()?;
                    // Of two processes that start together, the first one's key stays.
                    insert_row(conn, SCOPE, NAME, &keyring.seal(&format!("{SCOPE}/{NAME}"), &fresh[..])?)?;
                }
                open_row(conn, &keyring, SCOPE, NAME)?.ok_or_else(|| DbError::data("the e-mail hash key is gone"))
            })
            .await?;
        if key.len() == KEY_BYTES { Ok(EmailHasher { key }) } else { Err(DbError::data("the stored e-mail hash key is no key")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_ignores_case_and_blanks_and_differs_by_account_and_key() {
        let hasher = EmailHasher { key: Zeroizing::new(vec![1; 32]) };
        let (acme, other) = (AccountCode::new("acme").unwrap(), AccountCode::new("other").unwrap());
        let hash = hasher.hash(&acme, " Ann@Example.com ").unwrap();
        assert_eq!(hash, hasher.hash(&acme, "ann@example.com").unwrap());
        assert_eq!(hash.len(), 64);
        assert_ne!(hash, hasher.hash(&other, "ann@example.com").unwrap());
        assert_ne!(hash, EmailHasher { key: Zeroizing::new(vec![2; 32]) }.hash(&acme, "ann@example.com").unwrap());
    }

    #[test]
    fn a_texts_digest_differs_by_text_order_tenant_and_key() {
        let hasher = EmailHasher { key: Zeroizing::new(vec![1; 32]) };
        let (acme, other) = (TenantId::new("acme").unwrap(), TenantId::new("other").unwrap());
        let digest = hasher.digest_text(&acme, StoreOrderId(1), "leave it").unwrap();
        assert_eq!(digest, hasher.digest_text(&acme, StoreOrderId(1), "leave it").unwrap());
        for unlike in [
            hasher.digest_text(&acme, StoreOrderId(1), "take it"),
            hasher.digest_text(&acme, StoreOrderId(2), "leave it"),
            hasher.digest_text(&other, StoreOrderId(1), "leave it"),
            EmailHasher { key: Zeroizing::new(vec![2; 32]) }.digest_text(&acme, StoreOrderId(1), "leave it"),
        ] {
            assert_ne!(digest, unlike.unwrap());
        }
    }
}
