//! Who saved a version of the rules, and what it came from.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::ids::InvalidId;

/// The most characters of an author's name.
const AUTHOR_MAX: usize = 100;

/// Who saved rules: a name of 1 to 100 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Author(String);

impl Author {
    /// Checks a name; blanks around it do not count.
    ///
    /// # Errors
    /// [`InvalidId`] if it is empty, too long or not on one line.
    pub fn new(name: &str) -> Result<Self, InvalidId> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > AUTHOR_MAX || name.chars().any(char::is_control) {
            return Err(InvalidId { what: "an author", rule: "a name of 1 to 100 characters on one line" });
        }
        Ok(Self(name.to_owned()))
    }

    /// A program that sets tenants up, with nobody at the keyboard.
    #[must_use]
    pub fn program() -> Self {
        Self("orderbridge".into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Author {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

/// What a version of the rules came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A tenant's file.
    Import,
    /// An earlier version, by its number.
    Restore(i64),
    /// It was there before versions were kept.
    Before,
}

impl Origin {
    /// Name in the database and in lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Restore(_) => "restore",
            Self::Before => "before",
        }
    }

    /// The version that it brought back.
    #[must_use]
    pub const fn restored(self) -> Option<i64> {
        match self {
            Self::Restore(version) => Some(version),
            Self::Import | Self::Before => None,
        }
    }

    /// By its name and the version it brought back, if they fit.
    #[must_use]
    pub fn of(name: &str, restored: Option<i64>) -> Option<Self> {
        match (name, restored) {
            ("import", None) => Some(Self::Import),
            ("restore", Some(version)) => Some(Self::Restore(version)),
            ("before", None) => Some(Self::Before),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import => f.write_str("import"),
            Self::Restore(version) => write!(f, "restore of version {version}"),
            Self::Before => f.write_str("saved before versions were kept"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_a_name_on_one_line() {
        assert_eq!(Author::new("  Kim Li ").unwrap().as_str(), "Kim Li");
        assert!(Author::new(&"ä".repeat(100)).is_ok());
        for bad in ["", "   ", "a\nb", "a\u{7}", &"x".repeat(101)] {
            assert!(Author::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_origin_is_read_as_it_was_written() {
        for origin in [Origin::Import, Origin::Restore(3), Origin::Before] {
            assert_eq!(Origin::of(origin.as_str(), origin.restored()), Some(origin));
        }
        assert_eq!(Origin::of("restore", None), None);
        assert_eq!(Origin::of("import", Some(1)), None);
    }
}
