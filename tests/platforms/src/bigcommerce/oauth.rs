//! The token endpoint of the app install (BC §a).

use serde_json::{Value, json};

use crate::core::{ApiRequest, ApiResponse};

/// A code that a merchant's browser would have brought to the app.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) code: String,
    pub(super) store: String,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) redirect_uri: String,
}

/// What an app sends for a code.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) code: String,
    pub(super) context: String,
    pub(super) scope: String,
    pub(super) redirect_uri: String,
}

fn bad(error: &str) -> ApiResponse {
    ApiResponse::json(400, &json!({ "error": error }))
}

impl Exchange {
    /// Reads JSON or a form; all fields are required.
    pub(super) fn read(request: &ApiRequest) -> Result<Self, ApiResponse> {
        let form = request.header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
        let body: Value = if form {
            let pairs = url::form_urlencoded::parse(&request.body);
            Value::Object(pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect())
        } else {
            request.json().map_err(|_unreadable| bad("invalid_request"))?
        };
        let field = |name: &str| {
            let text = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| bad("invalid_request"))
        };
        if field("grant_type")? != "authorization_code" {
            return Err(bad("unsupported_grant_type"));
        }
        Ok(Self {
            client_id: field("client_id")?,
            client_secret: field("client_secret")?,
            code: field("code")?,
            context: field("context")?,
            scope: field("scope")?,
            redirect_uri: field("redirect_uri")?,
        })
    }

    /// The code of this exchange, if everything fits; each code works once.
    pub(super) fn redeem(&self, codes: &mut Vec<Code>) -> Result<Code, ApiResponse> {
        let at = codes.iter().position(|code| code.code == self.code && code.client_id == self.client_id);
        let code = at.map(|at| codes.remove(at)).ok_or_else(|| bad("invalid_grant"))?;
        if self.context != format!("stores/{}", code.store) {
            return Err(bad("invalid_grant"));
        }
        if self.redirect_uri != code.redirect_uri {
            return Err(bad("redirect_uri_mismatch"));
        }
        if self.scope != code.scope {
            return Err(bad("invalid_scope"));
        }
        Ok(code)
    }
}

/// The answer to a good exchange.
pub(super) fn granted(code: &Code, token: &str) -> ApiResponse {
    let body = json!({
        "access_token": token, "scope": code.scope,
        "user": { "id": 24_654, "username": "user@example.com", "email": "user@example.com" },
        "owner": { "id": 24_655, "username": "owner@example.com", "email": "owner@example.com" },
        "context": format!("stores/{}", code.store), "account_uuid": format!("account-{}", code.store),
    });
    ApiResponse::json(200, &body)
}

/// A wrong client id or secret.
pub(super) fn bad_client() -> ApiResponse {
    ApiResponse::json(401, &json!({ "error": "invalid_client" }))
}
