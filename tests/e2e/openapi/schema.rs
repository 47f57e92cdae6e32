//! From OpenAPI's dialect to JSON Schema 2020-12, which the validator knows.
//!
//! Stricter than OpenAPI in one thing: a field that a described object does not list is an error. Platforms may add fields at any time;
//! a simulator that has one of its own, or a connector that sends one, has a slip of the pen.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::documents::{Documents, Piece};

/// Who sends what is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// The caller: must not send what is `readOnly`.
    Caller,
    /// The platform: does not send what is `writeOnly`.
    Platform,
}

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// It alone says what the value may be.
    Alone,
    /// It is one of several in an `allOf`, `oneOf` or `anyOf`: the others may list more fields.
    Among,
}

/// Keywords that mean the same in both.
const COMMON: [&str; 11] =
    ["type", "enum", "pattern", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf", "minProperties", "maxProperties"];
/// Formats that are checked. The others say how a number is stored, or are names of the author's own.
const FORMATS: [&str; 5] = ["date-time", "date", "email", "uri", "uuid"];

/// A schema that stands on its own: all that it refers to is in its `$defs`.
pub(super) fn standalone(documents: &Documents, schema: &Piece, sender: Sender) -> Result<Value, String> {
    let mut translation = Translation { documents, sender, known: Vec::new() };
    let mut whole = translation.schema(&schema.file, &schema.value, Stands::Alone)?;
    let mut definitions = Map::new();
    // What is translated may refer to more.
    while let Some((file, reference)) = translation.known.get(definitions.len()).cloned() {
        let target = documents.resolve(documents.target(&file, &reference)?)?;
        let name = definitions.len().to_string();
        definitions.insert(name, translation.schema(&target.file, &target.value, Stands::Among)?);
    }
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        whole.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Ok(whole)
}

struct Translation<'a> {
    documents: &'a Documents,
    sender: Sender,
    /// What was referred to, by its number in `$defs`: the file with the reference, and the reference.
    known: Vec<(PathBuf, String)>,
}

impl Translation<'_> {
    fn schema(&mut self, file: &Path, schema: &Value, stands: Stands) -> Result<Value, String> {
        let Some(fields) = schema.as_object() else { return Ok(schema.clone()) };
        let mut out = Map::new();
        if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
            out.insert("$ref".to_owned(), json!(format!("#/$defs/{}", self.number(file, reference))));
        } else {
            self.own_keywords(file, fields, stands, &mut out)?;
        }
        if stands == Stands::Alone && self.lists_fields(&Piece::new(file, schema))? {
            out.insert("unevaluatedProperties".to_owned(), json!(false));
        }
        Ok(if is_nullable(fields) { nullable(out) } else { Value::Object(out) })
    }

    fn number(&mut self, file: &Path, reference: &str) -> usize {
        let wanted = (file.to_owned(), reference.to_owned());
        self.known.iter().position(|known| *known == wanted).unwrap_or_else(|| {
            self.known.push(wanted);
            self.known.len() - 1
        })
    }

    fn own_keywords(&mut self, file: &Path, fields: &Map<String, Value>, stands: Stands, out: &mut Map<String, Value>) -> Result<(), String> {
        for name in COMMON {
            if let Some(value) = fields.get(name) {
                out.insert(name.to_owned(), value.clone());
            }
        }
        bounds(fields, out);
        if let Some(format) = fields.get("format").filter(|format| FORMATS.iter().any(|known| *format == known)) {
            out.insert("format".to_owned(), format.clone());
        }
        if let Some(items) = fields.get("items") {
            out.insert("items".to_owned(), self.schema(file, items, Stands::Alone)?);
        }
        if let Some(more) = fields.get("additionalProperties") {
            out.insert("additionalProperties".to_owned(), self.schema(file, more, Stands::Alone)?);
        }
        // Alternatives can only be told apart by their fields if each is all that the value may be.
        let lone = !["properties", "allOf", "additionalProperties"].iter().any(|name| fields.contains_key(*name));
        for name in ["allOf", "oneOf", "anyOf"] {
            if let Some(branches) = fields.get(name).and_then(Value::as_array) {
                let place = if lone && stands == Stands::Alone { Stands::Alone } else { Stands::Among };
                let branches: Result<Vec<Value>, String> = branches.iter().map(|branch| self.schema(file, branch, place)).collect();
                out.insert(name.to_owned(), json!(branches?));
            }
        }
        if let Some(not) = fields.get("not") {
            out.insert("not".to_owned(), self.schema(file, not, Stands::Among)?);
        }
        self.fields(file, fields, out)
    }

    /// `properties` and `required`, without what this sender does not send.
    fn fields(&mut self, file: &Path, fields: &Map<String, Value>, out: &mut Map<String, Value>) -> Result<(), String> {
        let mut properties = Map::new();
        let mut unsent = Vec::new();
        for (name, schema) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let resolved = self.documents.resolve(Piece::new(file, schema))?;
            let mark = if self.sender == Sender::Caller { "readOnly" } else { "writeOnly" };
            if resolved.value.get(mark) == Some(&Value::Bool(true)) {
                unsent.push(name.as_str());
                properties.insert(name.clone(), json!(false));
            } else {
                properties.insert(name.clone(), self.schema(file, schema, Stands::Alone)?);
            }
        }
        if !properties.is_empty() {
            out.insert("properties".to_owned(), Value::Object(properties));
        }
        // On a parameter of OpenAPI 2, `required` is a flag.
        if let Some(required) = fields.get("required").and_then(Value::as_array) {
            let sent: Vec<&Value> = required.iter().filter(|name| name.as_str().is_none_or(|name| !unsent.contains(&name))).collect();
            out.insert("required".to_owned(), json!(sent));
        }
        Ok(())
    }

    /// Whether a schema lists the fields of an object, itself or in its branches, and does not say that there may be others.
    fn lists_fields(&self, schema: &Piece) -> Result<bool, String> {
        let schema = self.documents.resolve(schema.clone())?;
        if schema.value.get("additionalProperties").is_some() {
            return Ok(false);
        }
        if schema.value.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty()) {
            return Ok(true);
        }
        let branches = ["allOf", "oneOf", "anyOf"].iter().filter_map(|name| schema.value.get(name).and_then(Value::as_array)).flatten();
        for branch in branches {
            if self.lists_fields(&Piece::new(&schema.file, branch))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// `x-nullable` is OpenAPI 2's word for it, and seen in files of 3.
fn is_nullable(fields: &Map<String, Value>) -> bool {
    ["nullable", "x-nullable"].iter().any(|name| fields.get(*name) == Some(&Value::Bool(true)))
}

/// Lets null pass as well. Where there is a type, it joins the types: the message about a wrong value then stays readable.
fn nullable(mut schema: Map<String, Value>) -> Value {
    let plain = !["$ref", "allOf", "oneOf", "anyOf", "not"].iter().any(|name| schema.contains_key(*name));
    let Some(kind) = schema.get("type").filter(|kind| plain && kind.is_string()).cloned() else {
        return json!({ "anyOf": [{ "type": "null" }, schema] });
    };
    schema.insert("type".to_owned(), json!([kind, "null"]));
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
    Value::Object(schema)
}

/// In OpenAPI `exclusiveMinimum` is a flag beside `minimum`; alone it says nothing.
fn bounds(fields: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        let strict = fields.get(exclusive) == Some(&Value::Bool(true));
        if let Some(value) = fields.get(bound).filter(|value| value.is_number()) {
            out.insert(if strict { exclusive } else { bound }.to_owned(), value.clone());
        }
        if let Some(value) = fields.get(exclusive).filter(|value| value.is_number()) {
            out.insert(exclusive.to_owned(), value.clone());
        }
    }
}
