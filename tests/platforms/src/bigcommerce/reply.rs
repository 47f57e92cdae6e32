//! The two generations' answers: bare bodies and error arrays in V2, envelopes and error objects in V3 (BC §0).

use serde_json::{Map, Value, json};

use crate::core::{ApiRequest, ApiResponse};

/// The `type` of V3 errors.
pub(super) const ERROR_TYPE: &str = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes";

/// What a handler gives: an answer, or a refusal that is an answer too.
pub(super) type Reply = Result<ApiResponse, ApiResponse>;

/// A V2 answer.
pub(super) fn v2(body: &Value) -> ApiResponse {
    ApiResponse::json(200, body)
}

/// A V2 list: 204 without a body when empty.
pub(super) fn v2_list(rows: Vec<Value>) -> ApiResponse {
    if rows.is_empty() { ApiResponse::empty(204) } else { ApiResponse::json(200, &Value::Array(rows)) }
}

/// A V2 error: an array of one object.
pub(super) fn v2_error(status: u16, message: &str) -> ApiResponse {
    ApiResponse::json(status, &json!([{ "status": status, "message": message }]))
}

/// V2: no such thing.
pub(super) fn v2_not_found() -> ApiResponse {
    v2_error(404, "The requested resource was not found.")
}

/// V2: a field that callers must not send.
pub(super) fn v2_read_only(field: &str) -> ApiResponse {
    let message = format!("The field '{field}' cannot be written to. Please remove it from your request before trying again.");
    v2_error(400, &message)
}

/// V2: a field with a bad value.
pub(super) fn v2_invalid(field: &str) -> ApiResponse {
    v2_error(400, &format!("The field '{field}' is invalid."))
}

/// V2: a field that is missing.
pub(super) fn v2_required(field: &str) -> ApiResponse {
    v2_error(400, &format!("The required field '{field}' was not supplied."))
}

/// A V3 answer.
pub(super) fn v3(status: u16, data: &Value) -> ApiResponse {
    ApiResponse::json(status, &json!({ "data": data, "meta": {} }))
}

/// A V3 error.
pub(super) fn v3_error(status: u16, title: &str) -> ApiResponse {
    ApiResponse::json(status, &json!({ "status": status, "title": title, "type": ERROR_TYPE }))
}

/// A V3 error that names fields.
pub(super) fn v3_field_error(status: u16, title: &str, field: &str, why: &str) -> ApiResponse {
    let mut errors = Map::new();
    errors.insert(field.to_owned(), json!(why));
    ApiResponse::json(status, &json!({ "status": status, "title": title, "type": ERROR_TYPE, "errors": errors }))
}

/// V3: no such thing.
pub(super) fn v3_not_found(what: &str) -> ApiResponse {
    v3_error(404, &format!("{what} not found"))
}

/// Which page a caller wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    page: usize,
    limit: usize,
}

impl Page {
    /// Reads `page` and `limit`; a limit above `max` gives `Err(limit)` so that the caller can refuse or clamp.
    fn read(request: &ApiRequest, default: usize, max: usize, clamp: bool) -> Result<Self, &'static str> {
        let read = |name: &str, default: usize| match request.param(name) {
            None | Some("") => Ok(default),
            Some(text) => text.parse::<usize>().map_err(|_unreadable| if name == "page" { "page" } else { "limit" }),
        };
        let (page, limit) = (read("page", 1)?.max(1), read("limit", default)?);
        if limit == 0 {
            return Err("limit");
        }
        if limit > max && !clamp {
            return Err("limit above the maximum");
        }
        Ok(Self { page, limit: limit.min(max) })
    }

    /// V2: 50 by default, 250 at most.
    pub(super) fn v2(request: &ApiRequest, clamp: bool) -> Result<Self, ApiResponse> {
        Self::read(request, 50, 250, clamp).map_err(|field| match field {
            "limit above the maximum" => v2_error(413, "The limit is above the maximum of 250."),
            field => v2_invalid(field),
        })
    }

    /// V3: 50 by default, `max` at most.
    pub(super) fn v3(request: &ApiRequest, max: usize, clamp: bool) -> Result<Self, ApiResponse> {
        Self::read(request, 50, max, clamp).map_err(|field| match field {
            "limit above the maximum" => v3_error(413, &format!("The limit is above the maximum of {max}.")),
            field => v3_field_error(422, "The query is invalid.", field, "must be a positive whole number"),
        })
    }

    /// Rows of a page.
    pub(super) const fn limit(self) -> usize {
        self.limit
    }

    /// Whether it is the first page.
    pub(super) const fn is_first(self) -> bool {
        self.page == 1
    }

    /// The rows of this page.
    pub(super) fn cut<T>(self, rows: Vec<T>) -> Vec<T> {
        rows.into_iter().skip((self.page - 1).saturating_mul(self.limit)).take(self.limit).collect()
    }

    /// A V3 list with `meta.pagination`.
    pub(super) fn v3_list(self, request: &ApiRequest, rows: Vec<Value>) -> ApiResponse {
        let total = rows.len();
        let data = self.cut(rows);
        let pages = total.div_ceil(self.limit);
        let link = |page: usize| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in request.query.iter().filter(|(name, _)| name != "page" && name != "limit") {
                query.append_pair(name, value);
            }
            query.append_pair("page", &page.to_string()).append_pair("limit", &self.limit.to_string());
            format!("?{}", query.finish())
        };
        let mut links = Map::new();
        if self.page > 1 {
            links.insert("previous".to_owned(), json!(link(self.page - 1)));
        }
        links.insert("current".to_owned(), json!(link(self.page)));
        if self.page < pages {
            links.insert("next".to_owned(), json!(link(self.page + 1)));
        }
        let pagination = json!({ "total": total, "count": data.len(), "per_page": self.limit,
            "current_page": self.page, "total_pages": pages, "links": links });
        ApiResponse::json(200, &json!({ "data": data, "meta": { "pagination": pagination } }))
    }
}

/// A filter's comma-separated values.
pub(super) fn list_param(request: &ApiRequest, name: &str) -> Option<Vec<String>> {
    let text = request.param(name)?;
    Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

/// A filter's comma-separated ids; text that is no id matches nothing.
pub(super) fn id_list_param(request: &ApiRequest, name: &str) -> Option<Vec<i64>> {
    Some(list_param(request, name)?.iter().filter_map(|part| part.parse().ok()).collect())
}
