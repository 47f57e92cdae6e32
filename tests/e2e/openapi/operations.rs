//! The operations that the files describe, in one form for OpenAPI 3 and for its predecessor 2 ("Swagger").

use std::collections::BTreeMap;

use serde_json::Value;

use super::documents::{Documents, Piece};

/// The verbs that a path can have.
const METHODS: [&str; 6] = ["get", "put", "post", "delete", "patch", "head"];

/// One method of one path.
#[derive(Debug)]
pub(crate) struct Operation {
    /// In capitals.
    pub(super) method: String,
    /// Behind `/stores/{hash}`, with its placeholders, such as `/v2/orders/{order_id}`.
    pub(crate) path: String,
    pub(super) query: Vec<Parameter>,
    /// The schema of the request's body, and whether there must be one.
    pub(super) body: Option<(Piece, bool)>,
    /// By status, `4XX` or `default`; without a schema where no body is described.
    pub(super) answers: BTreeMap<String, Option<Piece>>,
}

/// One query parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) schema: Piece,
}

impl Operation {
    /// How many of the path's segments are literally the template's; `None` if it is another path.
    pub(super) fn matches(&self, method: &str, path: &str) -> Option<usize> {
        let (own, given): (Vec<&str>, Vec<&str>) = (self.path.split('/').collect(), path.split('/').collect());
        let same = |own: &str, given: &str| own == given || (is_placeholder(own) && !given.is_empty());
        let all = self.method == method && own.len() == given.len() && own.iter().zip(&given).all(|(own, given)| same(own, given));
        all.then(|| own.iter().zip(&given).filter(|(own, given)| own == given).count())
    }

    /// What is said about a status.
    pub(super) fn answer(&self, status: u16) -> Option<(&str, Option<&Piece>)> {
        let names = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()];
        let found = names.iter().find_map(|name| self.answers.get_key_value(name));
        found.map(|(name, schema)| (name.as_str(), schema.as_ref()))
    }
}

/// Whether a segment of a template stands for any text.
pub(super) fn is_placeholder(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

/// From the first slash on; nothing if there is none.
fn from_slash(text: &str) -> &str {
    text.find('/').and_then(|slash| text.get(slash..)).unwrap_or_default()
}

/// A path without the store that all of a store's paths begin with.
pub(super) fn without_store(path: &str) -> &str {
    let behind = path.strip_prefix("/stores/").map(from_slash).filter(|rest| !rest.is_empty());
    behind.unwrap_or(path)
}

/// All operations of all files.
pub(super) fn all(documents: &Documents) -> Result<Vec<Operation>, String> {
    let mut found = Vec::new();
    for file in documents.specifications() {
        let base = base_path(&file.value);
        let Some(paths) = file.value.get("paths").and_then(Value::as_object) else { continue };
        for (path, item) in paths {
            let item = documents.resolve(Piece::new(&file.file, item))?;
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                let full = format!("{base}{path}");
                found.push(read(documents, method, without_store(&full), &item, &operation)?);
            }
        }
    }
    Ok(found)
}

/// What stands before each path: from the first server's URL, or `basePath`.
fn base_path(file: &Value) -> String {
    let server = file.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
    let behind_host = server.split_once("://").map_or(server, |(_, rest)| from_slash(rest));
    let base = file.get("basePath").and_then(Value::as_str).unwrap_or(behind_host);
    base.trim_end_matches('/').to_owned()
}

fn read(documents: &Documents, method: &str, path: &str, item: &Piece, operation: &Piece) -> Result<Operation, String> {
    let parameters = parameters(documents, item, operation)?;
    let required = |piece: &Piece| piece.value.get("required") == Some(&Value::Bool(true));
    let query = parameters.values().filter(|known| located(known) == "query");
    let query = query.map(|known| Parameter {
        name: text(known, "name"),
        required: required(known),
        schema: known.get("schema").unwrap_or_else(|| known.clone()),
    });
    let mut body = parameters.values().find(|known| located(known) == "body").and_then(|known| Some((known.get("schema")?, required(known))));
    if let Some(wanted) = operation.get("requestBody") {
        let wanted = documents.resolve(wanted)?;
        body = schema_of(&wanted).map(|schema| (schema, required(&wanted)));
    }
    let mut answers = BTreeMap::new();
    for (status, answer) in operation.value.get("responses").and_then(Value::as_object).into_iter().flatten() {
        let answer = documents.resolve(Piece::new(&operation.file, answer))?;
        answers.insert(status.clone(), schema_of(&answer));
    }
    Ok(Operation { method: method.to_uppercase(), path: path.to_owned(), query: query.collect(), body, answers })
}

fn text(piece: &Piece, name: &str) -> String {
    piece.value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn located(parameter: &Piece) -> String {
    text(parameter, "in")
}

/// Those of the path and of the operation; the operation's own win.
fn parameters(documents: &Documents, item: &Piece, operation: &Piece) -> Result<BTreeMap<(String, String), Piece>, String> {
    let mut found = BTreeMap::new();
    for owner in [item, operation] {
        for parameter in owner.value.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            let parameter = documents.resolve(Piece::new(&owner.file, parameter))?;
            found.insert((located(&parameter), text(&parameter, "name")), parameter);
        }
    }
    Ok(found)
}

/// The schema of a request or answer: in `content` by media type (JSON if there are several), or right there.
fn schema_of(described: &Piece) -> Option<Piece> {
    let Some(content) = described.get("content") else { return described.get("schema") };
    let media = content.value.as_object()?;
    let name = media.keys().find(|name| name.contains("json")).or_else(|| media.keys().next())?;
    // A body without a schema may be anything.
    Some(content.get(name)?.get("schema").unwrap_or_else(|| Piece::new(&described.file, &Value::Bool(true))))
}
