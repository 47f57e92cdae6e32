//! Checks and reads Brightpearl's webhook calls (BP §d).
//!
//! Brightpearl signs nothing: a secret in the path and another in the body are all there is. A call is a hint, nothing more.

use jiff::Timestamp;
use orderbridge_schema::envelope::EntityKind;
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::idset;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::lenient;

/// The events that we subscribe to. No prefix covers another, so that nothing comes twice (BP §d.3): a status, what leaves a
/// warehouse or a supplier, and what changes a product's identity.
pub const HOOKS: [&str; 6] = [
    "order.modified.order-status",
    "goods-out-note.modified.shipped",
    "drop-ship-note.modified.shipped",
    "product.created",
    "product.modified",
    "product.destroyed",
];

/// The body that a registration asks for, with a secret of its own in it. `literal` must hold no `$` and be safe in a URL.
#[must_use]
pub fn body_template(literal: &SecretString) -> SecretString {
    let literal = serde_json::Value::from(literal.expose_secret());
    let template = format!(
        concat!(
            r#"{{"accountCode":"${{account-code}}","resourceType":"${{resource-type}}","id":"${{resource-id}}","#,
            r#""lifecycleEvent":"${{lifecycle-event}}","fullEvent":"${{full-event}}","raisedOn":"${{raised-on}}","#,
            r#""brightpearlVersion":"${{brightpearl-version}}","literal":{literal}}}"#
        ),
        literal = literal
    );
    template.into()
}

/// What a connection's calls are checked with; several while one replaces another. Its `Debug` shows no secret.
#[derive(Debug, Clone, Copy)]
pub struct HookSecrets<'a> {
    /// One of them must be the path's last segment.
    pub path_secrets: &'a [SecretString],
    /// One of them must stand in the body.
    pub body_literals: &'a [SecretString],
}

/// What a call says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEvent {
    /// Such as `goods-out-note.modified.shipped`.
    pub event_type: String,
    /// What it is about.
    pub entity: EntityKind,
    /// An id set as Brightpearl wrote it, not expanded.
    pub ids: String,
    /// When it happened, if it says.
    pub occurred_at: Option<Timestamp>,
}

/// Why a call is not believed, or not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// One of the two secrets is missing or wrong.
    #[error("a secret is missing or wrong")]
    Secret,
    /// It is about another account.
    #[error("the call is about another account")]
    Account,
    /// It is not of the form that we registered, or its ids are none.
    #[error("the body is not as registered")]
    Malformed,
    /// An event that is none of our business.
    #[error("the event is not one we know")]
    UnknownEvent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default, deserialize_with = "lenient::text")]
    account_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    resource_type: String,
    #[serde(default, deserialize_with = "lenient::text")]
    id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    lifecycle_event: String,
    #[serde(default, deserialize_with = "lenient::text")]
    full_event: String,
    #[serde(default, deserialize_with = "lenient::text")]
    raised_on: String,
    #[serde(default, deserialize_with = "lenient::text")]
    literal: String,
}

/// Checks one call and reads it.
///
/// # Errors
/// [`Rejection`]. Brightpearl drops an event for good on a 4xx (BP §d.4): answer one only where nothing on our side can be the cause.
pub fn verify_and_parse(expected: &HookSecrets<'_>, account: &AccountCode, path_secret: &str, body: &[u8]) -> Result<HookEvent, Rejection> {
    if !is_one_of(expected.path_secrets, path_secret) {
        return Err(Rejection::Secret);
    }
    let body: Body = serde_json::from_slice(body).map_err(|_cause| Rejection::Malformed)?;
    if !is_one_of(expected.body_literals, &body.literal) {
        return Err(Rejection::Secret);
    }
    if !body.account_code.eq_ignore_ascii_case(account.as_str()) {
        return Err(Rejection::Account);
    }
    let event_type = match body.full_event.is_empty() {
        true => format!("{}.{}", body.resource_type, body.lifecycle_event),
        false => body.full_event,
    };
    let entity = entity(&event_type, &body.resource_type)?;
    if !idset::is_id_set(&body.id) {
        return Err(Rejection::Malformed);
    }
    Ok(HookEvent { event_type, entity, ids: body.id, occurred_at: lenient::timestamp(&body.raised_on) })
}

fn entity(event_type: &str, resource_type: &str) -> Result<EntityKind, Rejection> {
    let (resource, lifecycle) = event_type.split_once('.').ok_or(Rejection::Malformed)?;
    if !resource_type.is_empty() && resource != resource_type {
        return Err(Rejection::Malformed);
    }
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let life = lifecycle.split('.').next().unwrap_or_default();
    if event_type.len() > 100 || !event_type.chars().all(known) || !matches!(life, "created" | "modified" | "destroyed") {
        return Err(Rejection::UnknownEvent);
    }
    match resource {
        "order" | "sales-order" => Ok(EntityKind::SalesOrder),
        "goods-out-note" => Ok(EntityKind::GoodsOutNote),
        "drop-ship-note" => Ok(EntityKind::DropShipNote),
        "product" => Ok(EntityKind::Product),
        _ => Err(Rejection::UnknownEvent),
    }
}

/// Whether `given` is one of the secrets. Digests are compared, so that not even a length shows in the time it takes; an empty
/// secret opens nothing.
fn is_one_of(secrets: &[SecretString], given: &str) -> bool {
    let given = Sha256::digest(given.as_bytes());
    let secrets = secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
    secrets.fold(Choice::from(0), |any, secret| any | Sha256::digest(secret.as_bytes()).ct_eq(&given)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn check(path_secret: &str, body: &str) -> Result<HookEvent, Rejection> {
        let (paths, literals) = (["p-new".into(), "p-old".into(), "".into()], ["l-new".into(), "l-old".into(), "".into()]);
        let expected = HookSecrets { path_secrets: &paths, body_literals: &literals };
        verify_and_parse(&expected, &AccountCode::new("acme").unwrap(), path_secret, body.as_bytes())
    }

    fn body() -> Value {
        json!({
            "accountCode": "acme", "resourceType": "goods-out-note", "id": "4101-4102,4110", "lifecycleEvent": "modified",
            "fullEvent": "goods-out-note.modified.shipped", "raisedOn": "2026-03-02T14:05:31.402Z", "brightpearlVersion": "5.12.311",
            "literal": "l-new",
        })
    }

    fn with(field: &str, value: impl Into<Value>) -> String {
        let mut body = body();
        body[field] = value.into();
        body.to_string()
    }

    #[test]
    fn a_call_as_we_registered_it_is_read() {
        let event = check("p-new", &body().to_string()).unwrap();
        assert_eq!((event.entity, event.ids.as_str()), (EntityKind::GoodsOutNote, "4101-4102,4110"));
        assert_eq!(event.event_type, "goods-out-note.modified.shipped");
        assert_eq!(event.occurred_at, "2026-03-02T14:05:31.402Z".parse().ok());
    }

    #[test]
    fn both_secrets_are_needed_and_older_ones_still_do() {
        assert!(check("p-old", &with("literal", "l-old")).is_ok());
        for (path, literal) in [("p-ne", "l-new"), ("", "l-new"), ("l-new", "l-new"), ("p-new", ""), ("p-new", "p-new"), ("p-new", "l-ne")] {
            assert_eq!(check(path, &with("literal", literal)), Err(Rejection::Secret), "{path} {literal}");
        }
        let mut bare = body();
        bare.as_object_mut().unwrap().remove("literal");
        assert_eq!(check("p-new", &bare.to_string()), Err(Rejection::Secret));
    }

    #[test]
    fn each_kind_of_entity_is_known_and_no_other() {
        for (resource, full, entity) in [
            ("order", "order.modified.order-status", EntityKind::SalesOrder),
            ("sales-order", "sales-order.created", EntityKind::SalesOrder),
            ("drop-ship-note", "drop-ship-note.modified.shipped", EntityKind::DropShipNote),
            ("goods-out-note", "goods-out-note.destroyed", EntityKind::GoodsOutNote),
            ("product", "product.modified.on-hand-modified", EntityKind::Product),
        ] {
            let mut body = body();
            body["resourceType"] = resource.into();
            body["fullEvent"] = full.into();
            assert_eq!(check("p-new", &body.to_string()).unwrap().entity, entity, "{full}");
        }
        for full in ["contact.created", "order.exploded", "order.modified.<x>"] {
            let mut body = body();
            body["resourceType"] = full.split('.').next().into();
            body["fullEvent"] = full.into();
            assert_eq!(check("p-new", &body.to_string()), Err(Rejection::UnknownEvent), "{full}");
        }
    }

    #[test]
    fn the_event_is_put_together_where_the_full_one_is_missing() {
        assert_eq!(check("p-new", &with("fullEvent", Value::Null)).unwrap().event_type, "goods-out-note.modified");
    }

    #[test]
    fn wrong_accounts_forms_and_ids_are_refused() {
        assert_eq!(check("p-new", &with("accountCode", "other")), Err(Rejection::Account));
        assert!(check("p-new", &with("accountCode", "ACME")).is_ok());
        assert_eq!(check("p-new", &with("resourceType", "product")), Err(Rejection::Malformed));
        assert_eq!(check("p-new", "not json"), Err(Rejection::Malformed));
        for ids in ["", "0", "5-1", "a", "1,,2", "1;2", "${resource-id}"] {
            assert_eq!(check("p-new", &with("id", ids)), Err(Rejection::Malformed), "{ids}");
        }
    }

    #[test]
    fn a_huge_id_set_is_neither_refused_nor_expanded() {
        assert_eq!(check("p-new", &with("id", "1-18446744073709551000")).unwrap().ids, "1-18446744073709551000");
        assert_eq!(check("p-new", &with("id", 70001)).unwrap().ids, "70001");
    }

    #[test]
    fn the_template_is_what_is_read_back() {
        let template = body_template(&"l-new".to_owned().into());
        let filled = [
            ("${account-code}", "acme"),
            ("${resource-type}", "order"),
            ("${resource-id}", "70001"),
            ("${lifecycle-event}", "modified"),
            ("${full-event}", "order.modified.order-status"),
            ("${raised-on}", "2026-03-02T14:06:02.118Z"),
            ("${brightpearl-version}", "5.12.311"),
        ];
        let text = filled.iter().fold(template.expose_secret().to_owned(), |text, (name, value)| text.replace(name, value));
        assert!(!text.contains('$'), "{text}");
        let event = check("p-new", &text).unwrap();
        assert_eq!((event.entity, event.ids.as_str(), event.event_type.as_str()), (EntityKind::SalesOrder, "70001", "order.modified.order-status"));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = String::from_utf8_lossy(&body);
            prop_assert!(check("p-new", &text).is_err());
        }

        #[test]
        fn no_field_makes_it_panic(field in "(id|fullEvent|resourceType|raisedOn|accountCode|lifecycleEvent)", value in ".{0,60}") {
            let _read = check("p-new", &with(&field, value));
        }

        #[test]
        fn no_secret_is_guessed(path in "[a-z-]{0,6}") {
            prop_assume!(path != "p-new" && path != "p-old");
            prop_assert_eq!(check(&path, &body().to_string()), Err(Rejection::Secret));
        }
    }
}
