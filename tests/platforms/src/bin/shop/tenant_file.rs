//! Fills a tenant's template with what was seeded.

use std::collections::BTreeMap;

use crate::sim::Trouble;

/// Values by the name that the template calls them.
pub type Values = BTreeMap<String, String>;

/// Replaces every `${NAME}`; text in comments stays.
///
/// # Errors
/// The template asks for something that was not seeded.
pub fn fill(template: &str, values: &Values) -> Result<String, Trouble> {
    let mut filled = String::new();
    for line in template.lines() {
        if line.trim_start().starts_with('#') {
            filled.push_str(line);
        } else {
            fill_line(line, values, &mut filled)?;
        }
        filled.push('\n');
    }
    Ok(filled)
}

fn fill_line(line: &str, values: &Values, filled: &mut String) -> Result<(), Trouble> {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or_else(|| Trouble::Shape(format!("the template has an open ${{ in {line:?}")))?;
        let value = values.get(name).ok_or_else(|| Trouble::Shape(format!("the template asks for {name}, which was not seeded")))?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_comments_stay_and_unknown_names_are_refused() {
        let values = Values::from([("A".to_owned(), "1".to_owned())]);
        assert_eq!(fill("# ${B}\nx = \"${A}-${A}\"\n", &values).unwrap(), "# ${B}\nx = \"1-1\"\n");
        assert!(fill("x = \"${B}\"", &values).unwrap_err().to_string().contains('B'));
        assert!(fill("x = \"${A\"", &values).is_err());
    }
}
