//! What a handler works on: one store, one authorised call.

use jiff::Timestamp;
use serde_json::Value;

use super::reply::{v2_error, v3_error};
use super::state::Store;
use crate::core::{ApiRequest, ApiResponse, Rng, Switches};

/// One call on one store.
pub(super) struct Context<'a> {
    pub(super) store: &'a mut Store,
    pub(super) switches: &'a Switches,
    pub(super) rng: &'a mut Rng,
    pub(super) request: &'a ApiRequest,
    /// The calling account.
    pub(super) client_id: String,
    pub(super) now: Timestamp,
}

impl Context<'_> {
    pub(super) fn method(&self) -> &str {
        &self.request.method
    }

    /// Whether limits above the maximum are clamped.
    pub(super) fn clamps(&self) -> bool {
        self.switches.get("limit_above_max") == "clamp"
    }

    fn is_json(&self) -> bool {
        self.request.header("content-type").is_none_or(|kind| kind.to_ascii_lowercase().contains("json"))
    }

    /// The body of a V2 call.
    pub(super) fn v2_body(&self) -> Result<Value, ApiResponse> {
        if !self.is_json() {
            return Err(v2_error(415, "The content type of the request is not supported."));
        }
        let body = self.request.json().map_err(|_unreadable| v2_error(400, "The request body is not valid JSON."))?;
        if body.is_object() { Ok(body) } else { Err(v2_error(400, "The request body must be an object.")) }
    }

    /// The body of a V3 call.
    pub(super) fn v3_body(&self) -> Result<Value, ApiResponse> {
        if !self.is_json() {
            return Err(v3_error(415, "Unsupported media type"));
        }
        self.request.json().map_err(|_unreadable| v3_error(400, "Input is invalid."))
    }
}
