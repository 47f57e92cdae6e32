//! Where settings come from: defaults in code, then a file, then the environment.

use std::collections::HashMap;
use std::path::Path;

use config::{Config, Environment, File, FileFormat, Map, Value, ValueKind};
use serde::de::DeserializeOwned;

use crate::tenant_file::position;

/// Settings of the environment begin so: `ORDERBRIDGE__SECTION__KEY`.
const PREFIX: &str = "ORDERBRIDGE__";
/// Variables that other programs use too, and what they stand for here. Ours win over them.
const PLAIN: [(&str, &str); 3] =
    [("DATABASE_URL", "ORDERBRIDGE__DATABASE__URL"), ("KAFKA_BROKERS", "ORDERBRIDGE__KAFKA__BROKERS"), ("RUST_LOG", "ORDERBRIDGE__LOG__FILTER")];

/// What has no default of its own. Only this machine may call, until somebody says otherwise.
const DEFAULTS: [(&str, &str); 1] = [("ingest.http.listen", "127.0.0.1:8080")];

/// The layers laid over each other, before their values are looked at.
#[derive(Debug)]
pub struct Layers {
    values: Map<String, Value>,
}

impl Layers {
    /// Reads the file, if there is one, and takes over it what the environment says.
    ///
    /// # Errors
    /// What is wrong with the file's syntax.
    pub fn read(file: Option<&Path>, environment: HashMap<String, String>) -> Result<Self, Vec<String>> {
        let unreadable = |error: config::ConfigError| vec![format!("the settings cannot be read: {}", plain(&error))];
        let mut builder =
            DEFAULTS.iter().try_fold(Config::builder(), |builder, (key, value)| builder.set_default(*key, *value)).map_err(unreadable)?;
        if let Some(path) = file {
            let text =
                std::fs::read_to_string(path).map_err(|error| vec![format!("the settings file {} cannot be read: {error}", path.display())])?;
            check_syntax(path, &text)?;
            builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
        }
        let ours = Environment::with_prefix(PREFIX.trim_end_matches('_')).prefix_separator("__").separator("__");
        builder = builder.add_source(ours.source(Some(variables(environment))));
        let merged = builder.build().map_err(unreadable)?;
        let values = merged.try_deserialize::<Map<String, Value>>().map_err(unreadable)?;
        Ok(Self { values })
    }

    /// Takes one section out; a section that nobody mentions is an empty one.
    pub fn section<T: DeserializeOwned>(&mut self, name: &str, problems: &mut Vec<String>) -> Option<T> {
        let found = self.values.remove(name);
        take(name, found, problems)
    }

    /// A value outside of all sections, as text, without taking it out.
    pub fn peek(&self, key: &str) -> Option<String> {
        self.values.get(key)?.clone().into_string().ok()
    }

    /// Sets a value of a section that nobody has set.
    pub fn set_default(&mut self, section: &str, key: &str, value: u16) {
        let empty = || Value::new(None, ValueKind::Table(Map::new()));
        if let ValueKind::Table(table) = &mut self.values.entry(section.to_owned()).or_insert_with(empty).kind {
            table.entry(key.to_owned()).or_insert_with(|| Value::new(None, ValueKind::U64(value.into())));
        }
    }

    /// Takes one section out of another, `[outer.name]`.
    pub fn inner_section<T: DeserializeOwned>(&mut self, outer: &str, name: &str, problems: &mut Vec<String>) -> Option<T> {
        let found = match self.values.get_mut(outer).map(|value| &mut value.kind) {
            Some(ValueKind::Table(table)) => table.remove(name),
            _ => None,
        };
        take(&format!("{outer}.{name}"), found, problems)
    }

    /// Takes one section out that may be left out as a whole.
    pub fn optional_section<T: DeserializeOwned>(&mut self, name: &str, problems: &mut Vec<String>) -> Option<T> {
        if self.values.contains_key(name) { self.section(name, problems) } else { None }
    }

    /// What stands outside of all sections. Nothing may be left over.
    pub fn rest<T: DeserializeOwned>(self, problems: &mut Vec<String>) -> Option<T> {
        parse("", self.values, problems)
    }
}

/// The library's own words on a syntax error repeat the line, which may hold a secret.
fn check_syntax(path: &Path, text: &str) -> Result<(), Vec<String>> {
    let (_, errors) = toml::de::DeTable::parse_recoverable(text);
    let described = errors.iter().map(|error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        format!("{}:{line}:{column}: {}", path.display(), error.message())
    });
    let problems: Vec<String> = described.collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn variables(mut found: HashMap<String, String>) -> HashMap<String, String> {
    for (plain, ours) in PLAIN {
        if let (Some(value), false) = (found.remove(plain), found.contains_key(ours)) {
            found.insert(ours.to_owned(), value);
        }
    }
    found.retain(|name, value| name.starts_with(PREFIX) && !value.is_empty());
    found
}

fn take<T: DeserializeOwned>(name: &str, found: Option<Value>, problems: &mut Vec<String>) -> Option<T> {
    match found.map(|value| value.kind) {
        None => parse(name, Map::new(), problems),
        Some(ValueKind::Table(table)) => parse(name, table, problems),
        Some(_) => {
            problems.push(format!("{name} must be a section, [{name}]"));
            None
        }
    }
}

/// Reads a table as `T`. A reader stops at its first problem, so after a failure each key is tried by itself, that all are named.
fn parse<T: DeserializeOwned>(section: &str, table: Map<String, Value>, problems: &mut Vec<String>) -> Option<T> {
    let whole = match read::<T>(&table) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let at = |key: &str| if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
    let before = problems.len();
    for (key, value) in &table {
        let alone = Map::from([(key.clone(), value.clone())]);
        if let Err(error) = read::<T>(&alone)
            && !is_missing(&error)
        {
            problems.push(format!("{}: {}", at(key), plain(&error)));
        }
    }
    if problems.len() == before {
        problems.push(format!("{}: {}", if section.is_empty() { "settings" } else { section }, plain(&whole)));
    }
    None
}

fn read<T: DeserializeOwned>(table: &Map<String, Value>) -> Result<T, config::ConfigError> {
    Value::new(None, ValueKind::Table(table.clone())).try_deserialize()
}

/// Whether all that is wrong is that something else is not there.
fn is_missing(error: &config::ConfigError) -> bool {
    let text = error.to_string();
    text.contains("missing field") || text.contains("missing configuration field")
}

/// The reader's words without the value, which may be a secret.
fn plain(error: &config::ConfigError) -> String {
    match error {
        config::ConfigError::Type { expected, key, .. } => {
            let inner = key.as_ref().filter(|key| key.contains('.')).map(|key| format!(" ({key})")).unwrap_or_default();
            format!("must be {expected}{inner}")
        }
        config::ConfigError::At { error, .. } => plain(error),
        other => other.to_string(),
    }
}
