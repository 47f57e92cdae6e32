//! The name on a row: the thing's own name, and whatever the shopper chose, typed or uploaded for it.

use orderbridge_schema::command::NewRow;
use orderbridge_schema::facts::OrderLine;

/// Longest name on a row.
const NAME_CHARS_MAX: usize = 250;
/// Ends a name that was cut.
const MORE: char = '…';
/// What a thing without a name is called: Brightpearl refuses a row of free text without one (BP §a.4, ORDC-026).
const NAMELESS: &str = "Item";

/// A name that fits, and all of it where it does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Named {
    /// At most 250 characters.
    pub name: String,
    /// Empty if the name holds everything; else the thing's own name first, then each detail.
    pub details: Vec<String>,
}

/// Chosen options, gift wrapping and its message, in the store's order (BC §d.3).
pub(super) fn details(line: &OrderLine) -> Vec<String> {
    let labelled = |label: &str, text: &str| match (label.trim(), text.trim()) {
        (_, "") => None,
        ("", text) => Some(text.to_owned()),
        (label, text) => Some(format!("{label}: {text}")),
    };
    let options = line.options.iter().filter_map(|option| labelled(&option.name, &option.value));
    let wrapping = line.wrapping.iter().flat_map(|wrapping| [("Gift wrapping", &wrapping.name), ("Gift message", &wrapping.message)]);
    options.chain(wrapping.filter_map(|(label, text)| labelled(label, text))).collect()
}

/// Puts everything on the name if it fits.
pub(super) fn named(name: &str, details: Vec<String>) -> Named {
    let name = if name.trim().is_empty() { NAMELESS } else { name.trim() };
    let parts: Vec<String> = std::iter::once(name.to_owned()).chain(details).collect();
    let whole = parts.join(NewRow::SEPARATOR);
    if whole.chars().count() <= NAME_CHARS_MAX { Named { name: whole, details: Vec::new() } } else { Named { name: cut(&whole), details: parts } }
}

/// Cut behind a word where there is one, and told to be.
fn cut(text: &str) -> String {
    let fits: String = text.chars().take(NAME_CHARS_MAX - 1).collect();
    let next_is_blank = text.chars().nth(NAME_CHARS_MAX - 1).is_some_and(char::is_whitespace);
    let words = if next_is_blank { Some(fits.as_str()) } else { fits.rsplit_once(char::is_whitespace).map(|(words, _)| words) };
    // A text without blanks is cut where it must be.
    let words = words.map(|words| words.trim_end_matches([' ', '|', ':', ','])).filter(|words| !words.is_empty()).unwrap_or(&fits);
    format!("{words}{MORE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_its_details_and_a_long_one_is_cut_behind_a_word_and_told_in_full() {
        let short = named(" Mug ", vec!["Size: Large".into(), "Gift message: For Ada".into()]);
        assert_eq!(short, Named { name: "Mug | Size: Large | Gift message: For Ada".into(), details: Vec::new() });
        let long = named("Mug", vec!["word ".repeat(60).trim().to_owned()]);
        assert_eq!(long.details[0], "Mug");
        assert_eq!(long.details[1].split(' ').count(), 60);
        assert!(long.name.ends_with("word…") && long.name.chars().count() <= NAME_CHARS_MAX, "{}", long.name);
        assert_eq!(named("\u{e9}".repeat(300).as_str(), Vec::new()).name.chars().count(), NAME_CHARS_MAX);
        assert_eq!(named("  ", Vec::new()).name, NAMELESS);
    }

    #[test]
    fn a_cut_that_falls_between_two_words_keeps_the_last_one() {
        let text = format!("{} next", "a".repeat(NAME_CHARS_MAX - 1));
        assert_eq!(named(&text, Vec::new()).name, format!("{}…", "a".repeat(NAME_CHARS_MAX - 1)));
    }
}
