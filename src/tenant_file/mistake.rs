//! What is wrong with a file, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What, in plain words; never a secret's value.
    pub message: String,
}

/// A file that is refused as a whole, with every mistake in it, in the order of their lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which file.
    pub file: PathBuf,
    /// What is wrong; never empty.
    pub mistakes: Vec<Mistake>,
}

impl Refused {
    /// Places each mistake by its byte range in the text.
    pub fn new(file: &Path, text: &str, found: Vec<(Range<usize>, String)>) -> Self {
        let mut found = found;
        found.sort_by_key(|(span, _)| span.start);
        found.dedup();
        let mistakes = found.into_iter().map(|(span, message)| {
            let (line, column) = position(text, span.start);
            Mistake { line, column, message }
        });
        Self { file: file.to_owned(), mistakes: mistakes.collect() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len();
        let plural = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "{}: {count} {plural}; nothing of it was imported", self.file.display())?;
        for Mistake { line, column, message } in &self.mistakes {
            write!(f, "\n  {}:{line}:{column}: {message}", self.file.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// Line and column of a byte offset, both from 1.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_in_lines_and_characters() {
        let text = "a = 1\n# ünï\nbc = 2\n";
        assert_eq!(position(text, 0), (1, 1));
        let third = text.find("bc").unwrap();
        assert_eq!(position(text, third), (3, 1));
        assert_eq!(position(text, third - 1), (2, 6));
        assert_eq!(position(text, text.len()), (4, 1));
        assert_eq!(position(text, 999), (4, 1));
    }

    #[test]
    fn mistakes_are_told_in_the_order_of_their_lines() {
        let refused = Refused::new(Path::new("a.toml"), "x\ny\n", vec![(2..3, "second".into()), (0..1, "first".into()), (0..1, "first".into())]);
        assert_eq!(refused.to_string(), "a.toml: 2 mistakes; nothing of it was imported\n  a.toml:1:1: first\n  a.toml:2:1: second");
    }
}
