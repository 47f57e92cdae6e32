//! Whether an exchange is as the files describe it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};

use super::documents::{Documents, Piece};
use super::exceptions::Exception;
use super::exchange::{Exchange, error_form};
use super::operations::{self, Operation, Parameter};
use super::schema::{Sender, standalone};

/// What the files say, ready to be checked against.
#[derive(Debug)]
pub(crate) struct Specification {
    documents: Documents,
    operations: Vec<Operation>,
    /// Compiling a schema takes longer than checking with it.
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

/// Which part of an exchange is not as described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// No file describes the path, or not with this method.
    Path,
    /// A query parameter; its name is the place.
    Query,
    /// The request's body.
    Request,
    /// The answer's status; it is the place.
    Status,
    /// The answer's body.
    Answer,
}

/// One difference, the same for all exchanges and rows that show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// Method and path as described, such as `GET /v2/orders/{order_id}`.
    pub(crate) call: String,
    pub(crate) part: Part,
    /// In a body: a JSON pointer with `*` for places in arrays.
    pub(crate) at: String,
    /// In words.
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {:?} {} | {}", self.call, self.part, self.at, self.what)
    }
}

/// What came of checking some exchanges.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// How many exchanges were checked.
    pub(crate) checked: usize,
    /// What nobody excuses, each with a value that shows it.
    pub(crate) violations: BTreeMap<Violation, String>,
    /// The exceptions that excused something, by their places in the list.
    pub(crate) used: BTreeSet<usize>,
}

impl Judgement {
    /// Fails a test unless something was checked and nothing was found.
    pub(crate) fn assert_clean(&self, what: &str) {
        let lines: Vec<String> = self.violations.iter().map(|(violation, example)| format!("{violation} | {example}")).collect();
        assert!(lines.is_empty(), "{what}: {} differences from the OpenAPI files\n{}", lines.len(), lines.join("\n"));
        assert!(self.checked > 0, "{what}: nothing was checked");
    }
}

impl Specification {
    /// Reads a folder of OpenAPI files.
    pub(crate) fn load(folder: &Path) -> Result<Self, String> {
        let documents = Documents::read(folder)?;
        let operations = operations::all(&documents)?;
        if operations.is_empty() {
            return Err(format!("{} has no OpenAPI file", folder.display()));
        }
        Ok(Self { documents, operations, compiled: Mutex::default() })
    }

    /// The paths that are read with GET, with their placeholders.
    pub(crate) fn readable(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().filter(|operation| operation.method == "GET").map(|operation| operation.path.as_str())
    }

    /// The described operation of a call: of several that fit, the one with the most literal path.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let fitting = self.operations.iter().filter_map(|operation| Some((operation.matches(method, path)?, operation)));
        fitting.max_by_key(|(literal, _)| *literal).map(|(_, operation)| operation)
    }

    /// Checks exchanges; what an exception excuses is left out.
    pub(crate) fn judge(&self, exchanges: &[Exchange], exceptions: &[Exception]) -> Judgement {
        let mut judgement = Judgement { checked: exchanges.len(), ..Judgement::default() };
        for (violation, example) in exchanges.iter().flat_map(|exchange| self.violations(exchange)) {
            match exceptions.iter().position(|exception| exception.excuses(&violation)) {
                Some(place) => {
                    judgement.used.insert(place);
                }
                None => {
                    judgement.violations.entry(violation).or_insert(example);
                }
            }
        }
        judgement
    }

    fn violations(&self, exchange: &Exchange) -> Vec<(Violation, String)> {
        let Some(operation) = self.operation(&exchange.method, &exchange.path) else {
            let call = format!("{} {}", exchange.method, exchange.shape());
            let violation = Violation { call, part: Part::Path, at: String::new(), what: "is not described".to_owned() };
            return vec![(violation, exchange.path.clone())];
        };
        let mut findings = Findings { call: format!("{} {}", operation.method, operation.path), found: Vec::new() };
        self.query(operation, exchange, &mut findings);
        self.request(operation, exchange, &mut findings);
        if let Some((status, body)) = &exchange.answer {
            self.answer(operation, *status, body.as_ref(), &mut findings);
        }
        findings.found
    }

    fn query(&self, operation: &Operation, exchange: &Exchange, findings: &mut Findings) {
        for (name, value) in &exchange.query {
            match operation.query.iter().find(|known| known.name == *name) {
                None => findings.add(Part::Query, name, "is not described", value),
                Some(known) => {
                    let validator = self.validator(&findings.call, &format!("?{name}"), Some(&known.schema), Sender::Caller);
                    let value = self.typed(known, value);
                    for error in validator.iter_errors(&value) {
                        findings.add(Part::Query, name, &error.masked().to_string(), error.instance());
                    }
                }
            }
        }
        for missing in operation.query.iter().filter(|known| known.required && !exchange.query.iter().any(|(name, _)| *name == known.name)) {
            findings.add(Part::Query, &missing.name, "is missing", "");
        }
    }

    /// A query's text as its schema takes it: a number, a flag, a list with commas; what cannot be read stays text.
    fn typed(&self, parameter: &Parameter, text: &str) -> Value {
        let schema = self.documents.resolve(parameter.schema.clone()).unwrap();
        let kind = |schema: &Piece| schema.value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let scalar = |kind: &str, text: &str| {
            let read: Option<Value> = if kind == "string" || kind.is_empty() { None } else { serde_json::from_str(text).ok() };
            read.unwrap_or_else(|| json!(text))
        };
        match kind(&schema).as_str() {
            "array" => {
                let items = schema.get("items").map(|items| kind(&self.documents.resolve(items).unwrap())).unwrap_or_default();
                text.split(',').map(|part| scalar(&items, part)).collect()
            }
            kind => scalar(kind, text),
        }
    }

    fn request(&self, operation: &Operation, exchange: &Exchange, findings: &mut Findings) {
        match (&operation.body, &exchange.request) {
            (Some((schema, _)), Some(body)) => {
                findings.errors(Part::Request, &self.validator(&findings.call, "request", Some(schema), Sender::Caller), body);
            }
            (Some((_, true)), None) => findings.add(Part::Request, "", "is missing", ""),
            (None, Some(body)) => findings.add(Part::Request, "", "is not described", body),
            (Some((_, false)) | None, None) => {}
        }
    }

    fn answer(&self, operation: &Operation, status: u16, body: Option<&Value>, findings: &mut Findings) {
        let (key, schema) = match operation.answer(status) {
            // HTTP has no body here, whatever a file describes.
            Some(_) if status == 204 && body.is_none() => return,
            Some((key, Some(schema))) if status != 204 => (key, Some(schema)),
            Some(_) => return body.map_or((), |body| findings.add(Part::Answer, "", &format!("{status} has a body"), body)),
            None if status >= 400 => ("error", None),
            None => return findings.add(Part::Status, &status.to_string(), "is not described", body.unwrap_or(&Value::Null)),
        };
        match body {
            Some(body) => findings.errors(Part::Answer, &self.validator(&findings.call, key, schema, Sender::Platform), body),
            // Any schema, even an empty one, describes some body.
            None => findings.add(Part::Answer, "", &format!("{status} has no body"), ""),
        }
    }

    /// Compiles a schema, or the general one for errors, once for each part of a call.
    fn validator(&self, call: &str, part: &str, schema: Option<&Piece>, sender: Sender) -> Arc<Validator> {
        let key = format!("{call} {part}");
        if let Some(known) = self.compiled.lock().unwrap().get(&key) {
            return Arc::clone(known);
        }
        let path = call.split_once(' ').map_or(call, |(_, path)| path);
        let schema = schema.map_or_else(|| error_form(path), |schema| standalone(&self.documents, schema, sender).unwrap());
        let options = jsonschema::options()
            .should_validate_formats(true)
            .with_format("date-time", if path.starts_with("/v2/") { is_any_moment } else { is_moment });
        let validator = options.build(&schema).unwrap_or_else(|error| panic!("{key}: {error}\n{schema:#}"));
        Arc::clone(self.compiled.lock().unwrap().entry(key).or_insert_with(|| Arc::new(validator)))
    }
}

/// A moment by ISO 8601.
fn is_moment(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

/// V2 writes moments by RFC 2822 (BC §0); the files call that `date-time` too.
fn is_any_moment(text: &str) -> bool {
    is_moment(text) || jiff::fmt::rfc2822::parse(text).is_ok()
}

/// What is found in one exchange.
struct Findings {
    call: String,
    found: Vec<(Violation, String)>,
}

impl Findings {
    fn add(&mut self, part: Part, at: &str, what: &str, example: impl fmt::Display) {
        let violation = Violation { call: self.call.clone(), part, at: at.to_owned(), what: what.to_owned() };
        let example: String = example.to_string().chars().take(300).collect();
        self.found.push((violation, example));
    }

    /// All that is wrong with a body. Where a part of an object is wrong, the branch that lists its fields has failed as a whole, and the
    /// validator calls all of them unknown: that is left out until the part is right.
    fn errors(&mut self, part: Part, validator: &Validator, body: &Value) {
        let errors: Vec<ValidationError<'_>> = validator.iter_errors(body).collect();
        let unknown = |error: &ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::UnevaluatedProperties { .. });
        let path = |error: &ValidationError<'_>| error.instance_path().as_str().to_owned();
        for error in &errors {
            let at = path(error);
            let below = |other: &ValidationError<'_>| path(other).strip_prefix(&at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let follows = unknown(error) && errors.iter().any(|other| !unknown(other) && below(other));
            if !follows {
                self.error(part, error);
            }
        }
    }

    /// A validator's error; of unknown fields, each; of alternatives, what is wrong with each.
    fn error(&mut self, part: Part, error: &ValidationError<'_>) {
        let at: Vec<&str> = error.instance_path().as_str().split('/').map(|step| if step.parse::<u64>().is_ok() { "*" } else { step }).collect();
        let at = at.join("/");
        match error.kind() {
            ValidationErrorKind::UnevaluatedProperties { unexpected } | ValidationErrorKind::AdditionalProperties { unexpected } => {
                unexpected.iter().for_each(|name| self.add(part, &format!("{at}/{name}"), "is not listed", error.instance()));
            }
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                let wrong = |error: &ValidationError<'_>| format!("{} {}", error.instance_path(), error.masked()).trim().to_owned();
                let branches: Vec<String> = context.iter().map(|errors| errors.iter().map(wrong).collect::<Vec<_>>().join(", ")).collect();
                self.add(part, &at, &format!("fits no alternative: {}", branches.join("; or ")), error.instance());
            }
            ValidationErrorKind::Type { .. } => {
                let given = match error.instance().as_ref() {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                self.add(part, &at, &format!("{} ({given})", error.masked()), error.instance());
            }
            _ => self.add(part, &at, &error.masked().to_string(), error.instance()),
        }
    }
}
