//! One request to one account, as the services' handlers see it.

use jiff::Timestamp;
use serde_json::Value;

use super::account::Account;
use super::reply::Refusal;
use super::switches::Switches;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// Installed integration instance; 0 for staff.
    pub instance: i64,
    /// Contact id that "created by" fields show.
    pub contact: i64,
}

impl Actor {
    /// The account's staff, for the control API.
    pub const STAFF: Self = Self { instance: 0, contact: 4 };
}

/// One request.
#[derive(Debug)]
pub struct Call<'a> {
    /// The account.
    pub account: &'a mut Account,
    /// Switches of the platform.
    pub switches: &'a Switches,
    /// Time of the simulator's clock.
    pub now: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path segments after the service, decoded, without a trailing slash.
    pub path: Vec<String>,
    /// Query parameters.
    pub query: Vec<(String, String)>,
    /// If-Match header.
    pub if_match: Option<String>,
    /// JSON body; none if there was none.
    pub body: Option<Value>,
    /// Who asks.
    pub actor: Actor,
}

impl Call<'_> {
    /// The JSON body.
    ///
    /// # Errors
    /// CMNC-010 if there is none (BP §a.2).
    pub fn json(&self) -> Result<&Value, Refusal> {
        self.body.as_ref().ok_or_else(|| Refusal::bad("CMNC-010", "The request must have a JSON body"))
    }

    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether `includeOptional` names this part (BP §a.8).
    pub fn includes(&self, part: &str) -> bool {
        self.query("includeOptional").is_some_and(|list| list.split(',').any(|one| one.trim() == part))
    }

    /// A path segment as an id.
    ///
    /// # Errors
    /// 400 if it is none.
    pub fn id(text: &str) -> Result<i64, Refusal> {
        text.parse().ok().filter(|id| *id > 0).ok_or_else(|| Refusal::bad("CMNC-999", format!("{text} is not a valid id")))
    }
}
