//! Walks a parsed document against a table of known keys and notes every mistake, not just the first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use rust_decimal::Decimal;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::shape::{Key, Shape};

/// Gives the value of an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Collects mistakes and the places of all values while it turns a document into plain data.
pub struct Walker<'a> {
    environment: Environment<'a>,
    /// With a syntax error in the text, keys may only seem to be missing.
    report_missing: bool,
    /// Mistakes so far, with their byte ranges.
    pub mistakes: Vec<(Range<usize>, String)>,
    /// Where each value that was taken over stands, by its dotted path.
    pub places: BTreeMap<String, Range<usize>>,
}

impl<'a> Walker<'a> {
    /// A walker that has seen nothing yet.
    pub fn new(environment: Environment<'a>, report_missing: bool) -> Self {
        Self { environment, report_missing, mistakes: Vec::new(), places: BTreeMap::new() }
    }

    /// Walks one table; what is wrong in it is left out of the result.
    pub fn table(&mut self, path: &str, keys: &'static [Key], table: &DeTable<'_>, at: &Range<usize>) -> Map<String, Value> {
        let report_missing = self.report_missing;
        let mut taken = Map::new();
        for (name, value) in table {
            let known = keys.iter().find(|key| key.name == name.get_ref().as_ref());
            let Some(key) = known else {
                self.mistake(name.span(), unknown_key(path, name.get_ref(), keys));
                continue;
            };
            let path = join(path, key.name);
            self.places.insert(path.clone(), if matches!(key.shape, Shape::Table(_)) { name.span() } else { value.span() });
            // A table's own place is its header, which is where a key that is missing in it belongs.
            if let Some(value) = self.value(&path, &key.shape, value, &name.span()) {
                taken.insert(key.name.to_owned(), value);
            }
        }
        for key in keys.iter().filter(|key| key.required && report_missing) {
            if !table.iter().any(|(name, _)| name.get_ref().as_ref() == key.name) {
                let what = if matches!(key.shape, Shape::Table(_)) { "section" } else { "key" };
                self.mistake(at.clone(), format!("missing {what} `{}`: {}", join(&plain(path), key.name), key.shape.wanted()));
            }
        }
        taken
    }

    fn value(&mut self, path: &str, shape: &'static Shape, value: &Spanned<DeValue<'_>>, name: &Range<usize>) -> Option<Value> {
        match (shape, value.get_ref()) {
            (Shape::Table(keys), DeValue::Table(table)) => Some(Value::Object(self.table(path, keys, table, name))),
            (Shape::Many(each), DeValue::Array(items)) => Some(Value::Array(self.items(path, each, items.iter()))),
            (_, found) => {
                let taken = self.scalar(found).and_then(|scalar| read_scalar(shape, &scalar));
                taken.map_err(|why| self.mistake(value.span(), format!("`{}` {why}", plain(path)))).ok()
            }
        }
    }

    /// Elements with a mistake are left out; the others' places follow the numbering of what is left.
    fn items<'v>(&mut self, path: &str, each: &'static Shape, items: impl Iterator<Item = &'v Spanned<DeValue<'v>>>) -> Vec<Value> {
        let mut taken = Vec::new();
        for item in items {
            let path = format!("{path}[{}]", taken.len());
            let before = self.mistakes.len();
            let value = self.value(&path, each, item, &item.span());
            if let Some(value) = value.filter(|_| self.mistakes.len() == before) {
                self.places.insert(path, item.span());
                taken.push(value);
            }
        }
        taken
    }

    /// Replaces a reference to the environment, in any scalar's place, by what the environment holds.
    fn scalar<'v>(&self, value: &'v DeValue<'v>) -> Result<Scalar<'v>, String> {
        let DeValue::String(text) = value else { return Ok(Scalar::Written(value)) };
        let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else { return Ok(Scalar::Written(value)) };
        let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(allowed) {
            return Err("refers to the environment by a name that is not made of capital letters, digits and _".into());
        }
        match (self.environment)(name) {
            None => Err(format!("refers to ${{{name}}}, which the environment does not have")),
            Some(found) if found.trim().is_empty() => Err(format!("refers to ${{{name}}}, which is empty in the environment")),
            Some(found) => Ok(Scalar::Environment(found)),
        }
    }

    fn mistake(&mut self, at: Range<usize>, message: String) {
        self.mistakes.push((at, message));
    }
}

enum Scalar<'v> {
    Written(&'v DeValue<'v>),
    Environment(String),
}

fn read_scalar(shape: &Shape, scalar: &Scalar<'_>) -> Result<Value, String> {
    let wrong = || Err(format!("must be {}", shape.wanted()));
    let text: Cow<'_, str> = match (shape, scalar) {
        (_, Scalar::Environment(text)) => text.as_str().into(),
        (Shape::Yes, Scalar::Written(DeValue::Boolean(yes))) => return Ok(Value::Bool(*yes)),
        (Shape::Whole { .. } | Shape::Rate, Scalar::Written(DeValue::Integer(number))) if number.radix() == 10 => number.as_str().into(),
        (Shape::Rate, Scalar::Written(DeValue::Float(number))) => number.as_str().into(),
        (Shape::Text(_) | Shape::Secret | Shape::Choice(_) | Shape::Rate, Scalar::Written(DeValue::String(text))) => text.as_ref().into(),
        (_, Scalar::Written(other)) => return Err(format!("must be {}, not {}", shape.wanted(), kind(other))),
    };
    match shape {
        Shape::Yes => text.trim().parse().map(Value::Bool).or_else(|_error| wrong()),
        Shape::Whole { least, most } => match text.trim().parse::<u64>() {
            Ok(number) if (*least..=*most).contains(&number) => Ok(Value::from(number)),
            _ => wrong(),
        },
        Shape::Text(check) => check(&text).map(|()| Value::from(text.as_ref())),
        Shape::Secret if text.trim().is_empty() => Err("must not be empty".into()),
        Shape::Secret => Ok(Value::from(text.as_ref())),
        Shape::Choice(words) if words.contains(&text.as_ref()) => Ok(Value::from(text.as_ref())),
        Shape::Rate => match text.trim().parse::<Decimal>() {
            Ok(rate) if (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&rate) => Ok(Value::from(rate.to_string())),
            _ => wrong(),
        },
        Shape::Choice(_) | Shape::Many(_) | Shape::Table(_) => wrong(),
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A path as people are told it: the line says which element of a list it is, and broken elements put the numbers out.
pub fn plain(path: &str) -> String {
    let mut pieces = path.split(['[', ']']);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.skip(1).step_by(2).fold(first, |shown, piece| shown + piece)
}

fn unknown_key(path: &str, name: &str, keys: &[Key]) -> String {
    let near = keys.iter().map(|key| (distance(name, key.name), key.name)).min();
    let hint = match near {
        Some((steps, meant)) if steps <= 1 + name.chars().count() / 4 => format!("did you mean `{meant}`?"),
        _ => format!("known here: {}", keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")),
    };
    format!("unknown key `{}`; {hint}", join(&plain(path), name))
}

/// How many letters must be changed, added or removed to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut next = vec![line + 1];
        for (column, other) in to.iter().enumerate() {
            let [corner, above, left] = [row.get(column), row.get(column + 1), next.last()].map(|cell| cell.copied().unwrap_or(usize::MAX - 1));
            next.push((corner + usize::from(letter != *other)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changed_letters() {
        for (from, to, steps) in [("", "", 0), ("chanel", "channel", 1), ("warehose", "warehouse", 1), ("abc", "", 3), ("kitten", "sitting", 3)] {
            assert_eq!(distance(from, to), steps, "{from} {to}");
        }
    }
}
