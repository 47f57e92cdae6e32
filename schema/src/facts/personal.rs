//! Text that may tell about a person.

use std::fmt;

/// A shopper's or a member of staff's own words. Its `Debug` shows nothing of them, so that they reach no log by accident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PersonalText(String);

impl PersonalText {
    /// The words, where they are written or compared.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same in the form that is compared and written: no outer blanks, and every line end is a line feed.
    #[must_use]
    pub fn normalised(&self) -> Self {
        Self(self.0.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for PersonalText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for PersonalText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for PersonalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalText(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_shown_and_line_ends_and_outer_blanks_do_not_count() {
        let text = PersonalText::from(" Leave it\r\nwith Ada\rplease \n");
        assert!(!format!("{text:?}").contains("Ada"));
        assert_eq!(text.normalised().expose(), "Leave it\nwith Ada\nplease");
        assert!(PersonalText::from(" \r\n").normalised().is_empty());
    }
}
