//! Texts of a store's order that go to the sales order: which, where to, and what is remembered of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::facts::PersonalText;
use crate::ids::{InvalidId, SalesOrderId};

/// Which of the store order's texts (BC §d.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextSource {
    /// What the customer wrote at the checkout.
    CustomerMessage,
    /// What the store's staff wrote.
    StaffNotes,
    /// What shoppers chose or wrote for lines, where it is too long for the rows' names (BC §d.3).
    RowTexts,
}

impl TextSource {
    /// Every text.
    pub const ALL: [Self; 3] = [Self::CustomerMessage, Self::StaffNotes, Self::RowTexts];

    /// Those whose place the merchant chooses.
    pub const CHOSEN: [Self; 2] = [Self::CustomerMessage, Self::StaffNotes];

    /// Name in the database and in commands' keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CustomerMessage => "customer-message",
            Self::StaffNotes => "staff-notes",
            Self::RowTexts => "row-texts",
        }
    }

    /// In plain words, to stand behind "the".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::CustomerMessage => "customer's message",
            Self::StaffNotes => "staff notes",
            Self::RowTexts => "full texts of rows",
        }
    }

    /// What stands in front of the text in an order note, so that whoever reads it knows whose words they are.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::CustomerMessage => "Customer message",
            Self::StaffNotes => "Staff notes",
            Self::RowTexts => "Full texts of rows",
        }
    }
}

impl fmt::Display for TextSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TextSource {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let found = Self::ALL.into_iter().find(|source| source.as_str() == text);
        found.ok_or(InvalidId { what: "an order text", rule: "customer-message, staff-notes or row-texts" })
    }
}

/// A keyed digest of a text in its normalised form, hexadecimal; empty for no text. It tells nothing about the words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TextDigest(pub String);

/// What of a text stands on a sales order, as we last wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentText {
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// Which text.
    pub source: TextSource,
    /// Of the words that were written.
    pub digest: TextDigest,
}

/// What a custom field is set to (BP §e.7). Its `Debug` shows nothing of it: it is made of somebody's words.
#[derive(Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// Nothing stands there.
    Cleared,
    /// A text.
    Text(PersonalText),
    /// One of a selection's options.
    Choice(u64),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    YesNo(bool),
    /// A day as `2026-03-06`.
    Day(String),
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Cleared { "FieldValue(cleared)" } else { "FieldValue(not shown)" })
    }
}

/// A custom field to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldWrite {
    /// Whose words it holds.
    pub source: TextSource,
    /// `PCF_…`.
    pub code: String,
    /// To what.
    pub value: FieldValue,
    /// Of the words it is made of.
    pub digest: TextDigest,
}

/// A note on a sales order, as Brightpearl has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderNote {
    /// Its id.
    pub id: u64,
    /// What it says.
    pub text: PersonalText,
}
