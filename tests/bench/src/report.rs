//! What is told in the end: a table for people, and `bench.json` with the same figures and everything they come from.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::stats::{Samples, rounded};

/// Figures whose runs lie farther apart say nothing.
const SPREAD_MAX: f64 = 0.15;
/// Whoever makes the load must have this much of its core left, or it is its own limit that is measured.
pub const LOAD_SHARE_MAX: f64 = 0.6;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// Which way the truth may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It is the figure.
    Exact,
    /// It may be more.
    Lower,
    /// It may be less.
    Upper,
}

impl Bound {
    /// A rate, made by a load generator that used this share of its core.
    pub fn of_rate(load_share: f64) -> Self {
        if load_share > LOAD_SHARE_MAX { Self::Lower } else { Self::Exact }
    }

    /// A latency, likewise: a busy generator notices answers late.
    pub fn of_latency(load_share: f64) -> Self {
        if load_share > LOAD_SHARE_MAX { Self::Upper } else { Self::Exact }
    }
}

/// One figure of a part.
#[derive(Debug)]
pub struct Figure {
    key: &'static str,
    value: f64,
    unit: &'static str,
    spread: Option<f64>,
    target: Option<Target>,
    bound: Bound,
}

impl Figure {
    /// A figure that was measured once.
    pub const fn new(key: &'static str, value: f64, unit: &'static str) -> Self {
        Self { key, value, unit, spread: None, target: None, bound: Bound::Exact }
    }

    /// The median of several measurements.
    pub fn median(key: &'static str, samples: &Samples, unit: &'static str) -> Self {
        Self { spread: Some(samples.spread()), ..Self::new(key, samples.median(), unit) }
    }

    /// The same with a spread that was found otherwise.
    pub fn spread(self, spread: f64) -> Self {
        Self { spread: Some(spread), ..self }
    }

    /// The same with what it should be.
    pub fn target(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// The same with what is known of its truth.
    pub fn bound(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    fn is_measurable(&self) -> bool {
        self.spread.is_none_or(|spread| spread <= SPREAD_MAX)
    }

    fn verdict(&self) -> &'static str {
        let reached = match self.target {
            None => return if self.is_measurable() { "" } else { "unmeasurable" },
            Some(_) if !self.is_measurable() => return "unmeasurable",
            Some(Target::AtLeast(least)) => self.value >= least,
            Some(Target::AtMost(most)) => self.value <= most,
        };
        if reached { "reached" } else { "MISSED" }
    }

    fn line(&self) -> String {
        let bound = match self.bound {
            Bound::Exact => "",
            Bound::Lower => " (lower bound)",
            Bound::Upper => " (upper bound)",
        };
        let target = match self.target {
            None => String::new(),
            Some(Target::AtLeast(least)) => format!("≥ {}", rounded(least)),
            Some(Target::AtMost(most)) => format!("≤ {}", rounded(most)),
        };
        let spread = self.spread.map(|spread| format!("{:.0} %", spread * 100.0)).unwrap_or_default();
        let value = format!("{} {}{bound}", rounded(self.value), self.unit);
        format!("  {:<32}{value:<30}{spread:>7}  {target:<12}{}", self.key, self.verdict()).trim_end().to_owned()
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Report {
    parts: Vec<(&'static str, Vec<Figure>)>,
    raw: Map<String, Value>,
    head: Map<String, Value>,
}

impl Report {
    /// Something about the whole run.
    pub fn note(&mut self, name: &str, value: Value) {
        self.head.insert(name.to_owned(), value);
    }

    /// One part's figures and what they come from. Lines are further things a reader should know.
    pub fn add(&mut self, part: &'static str, figures: Vec<Figure>, lines: &[String], raw: Value) {
        say(&format!("\n{part:<34}{:<30}{:>7}  {:<12}", "median", "spread", "target"));
        figures.iter().for_each(|figure| say(&figure.line()));
        lines.iter().for_each(|line| say(&format!("    {line}")));
        self.raw.insert(part.to_owned(), raw);
        self.parts.push((part, figures));
    }

    /// Names of the figures that something holds of.
    fn named(&self, holds: impl Fn(&Figure) -> bool) -> Vec<String> {
        let of = |(part, figures): &(&str, Vec<Figure>)| {
            figures.iter().filter(|figure| holds(figure)).map(|figure| format!("{part}.{}", figure.key)).collect::<Vec<_>>()
        };
        self.parts.iter().flat_map(of).collect()
    }

    fn to_json(&self) -> Value {
        let mut whole = self.head.clone();
        for (part, figures) in &self.parts {
            let values = figures.iter().map(|figure| (figure.key.to_owned(), json!(rounded(figure.value))));
            whole.insert((*part).to_owned(), Value::Object(values.collect()));
        }
        whole.insert("unmeasurable".into(), json!(self.named(|figure| !figure.is_measurable())));
        whole.insert("lower_bound".into(), json!(self.named(|figure| figure.bound == Bound::Lower)));
        whole.insert("upper_bound".into(), json!(self.named(|figure| figure.bound == Bound::Upper)));
        whole.insert("missed".into(), json!(self.named(|figure| figure.verdict() == "MISSED")));
        whole.insert("raw".into(), Value::Object(self.raw.clone()));
        Value::Object(whole)
    }

    /// Writes the file, and tells what missed its target.
    pub fn finish(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.to_json())?;
        std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
        let tell = |what: &str, names: Vec<String>| {
            if !names.is_empty() {
                say(&format!("{what}: {}", names.join(", ")));
            }
        };
        say("");
        tell("missed", self.named(|figure| figure.verdict() == "MISSED"));
        tell("unmeasurable, as runs lie more than 15 % apart", self.named(|figure| !figure.is_measurable()));
        tell("lower bounds, as the load's side was busy", self.named(|figure| figure.bound == Bound::Lower));
        tell("upper bounds, as the load's side was busy", self.named(|figure| figure.bound == Bound::Upper));
        say(&format!("written: {}", path.display()));
        Ok(())
    }
}

/// Prints one line of the result. A reader that has gone away is no reason to fail: the file holds the same.
pub fn say(line: &str) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Tells what is being done, beside the result.
pub fn tell(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "bench: {line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_too_far_apart_is_unmeasurable_whatever_its_target() {
        let wild: Samples = [50.0, 80.0, 100.0, 130.0, 160.0].into_iter().collect();
        let figure = Figure::median("rps", &wild, "/s").target(Target::AtLeast(10.0));
        assert_eq!(figure.verdict(), "unmeasurable");
        assert_eq!(Figure::new("rps", 9.0, "/s").target(Target::AtLeast(10.0)).verdict(), "MISSED");
        assert_eq!(Figure::new("p99", 9.0, "ms").target(Target::AtMost(10.0)).verdict(), "reached");
    }

    #[test]
    fn the_file_has_the_figures_by_part_and_says_which_are_bounds() {
        let mut report = Report::default();
        report.add("ingest", vec![Figure::new("rps_256", 5000.0, "/s").bound(Bound::of_rate(0.7))], &[], json!({"runs": []}));
        let told = report.to_json();
        assert_eq!(told["ingest"]["rps_256"], json!(5000.0));
        assert_eq!(told["lower_bound"], json!(["ingest.rps_256"]));
        assert_eq!(told["raw"]["ingest"]["runs"], json!([]));
    }
}
