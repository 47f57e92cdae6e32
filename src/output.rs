//! Results on standard output: aligned columns for people, JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

/// Prints one line. A reader that went away, as `head` does, is no failure.
///
/// # Errors
/// Standard output cannot be written to.
pub fn line(text: &str) -> anyhow::Result<()> {
    finish(writeln!(io::stdout().lock(), "{text}"))
}

/// Prints a list: with `json` as one array, else in columns under the headings.
///
/// # Errors
/// Standard output cannot be written to.
pub fn list<T: Serialize>(items: &[T], json: bool, headings: &[&str], row: impl Fn(&T) -> Vec<String>) -> anyhow::Result<()> {
    if json {
        return object(items);
    }
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    finish(io::stdout().lock().write_all(table(headings, &rows).as_bytes()))
}

/// Prints one value as JSON.
///
/// # Errors
/// Standard output cannot be written to.
pub fn object<T: Serialize + ?Sized>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Prints text as it is.
///
/// # Errors
/// Standard output cannot be written to.
pub fn raw(text: &[u8]) -> anyhow::Result<()> {
    finish(io::stdout().lock().write_all(text))
}

fn finish(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column)).map(|cell| cell.chars().count());
    let widths: Vec<usize> = headings.iter().enumerate().map(|(column, heading)| cells(column).max().unwrap_or(0).max(heading.len())).collect();
    let mut text = String::new();
    let mut add = |row: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = row.zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    };
    add(&mut headings.iter().copied());
    rows.iter().for_each(|row| add(&mut row.iter().map(String::as_str)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![vec!["a".into(), "längste".into(), "x".into()], vec!["bbbb".into(), String::new(), "y".into()]];
        assert_eq!(table(&["ID", "NAME", "Z"], &rows), "ID    NAME     Z\na     längste  x\nbbbb           y\n");
    }
}
