//! Where the texts of a store's order go.

use serde::{Deserialize, Serialize};

use super::check::RuleProblem;
use crate::order_text::TextSource;

/// How every custom field's code begins (BP §e.7).
pub(super) const FIELD_PREFIX: &str = "PCF_";
const OFF: &str = "off";
const ORDER_NOTE: &str = "order-note";

/// Where the texts of a store's order go in Brightpearl, on creation and whenever they change later.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoteRules {
    /// What the customer wrote at the checkout.
    pub customer_message: TextTarget,
    /// What the store's staff wrote.
    pub staff_notes: TextTarget,
}

/// Where a text goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TextTarget {
    /// Nowhere.
    #[default]
    Off,
    /// To an order note of its own each time it changes; notes are never taken away.
    OrderNote,
    /// To a custom field of sales orders, by its code `PCF_…`.
    Field(String),
}

impl TextTarget {
    /// What is wanted of a settings text, in plain words.
    pub const WANTED: &'static str = "must be \"off\", \"order-note\" or the code of a custom field, which begins with PCF_";
}

impl TryFrom<String> for TextTarget {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.trim() {
            OFF => Ok(Self::Off),
            ORDER_NOTE => Ok(Self::OrderNote),
            code if code.len() > FIELD_PREFIX.len() && code.starts_with(FIELD_PREFIX) => Ok(Self::Field(code.to_owned())),
            _ => Err(Self::WANTED),
        }
    }
}

impl From<TextTarget> for String {
    fn from(target: TextTarget) -> Self {
        match target {
            TextTarget::Off => OFF.to_owned(),
            TextTarget::OrderNote => ORDER_NOTE.to_owned(),
            TextTarget::Field(code) => code,
        }
    }
}

impl NoteRules {
    /// Where one of the texts goes.
    #[must_use]
    pub const fn target(&self, source: TextSource) -> &TextTarget {
        match source {
            TextSource::CustomerMessage => &self.customer_message,
            TextSource::StaffNotes => &self.staff_notes,
            // Nothing that a shopper chose may be lost, so there is no choice.
            TextSource::RowTexts => &TextTarget::OrderNote,
        }
    }

    /// Two texts in one field would overwrite each other for ever.
    pub(super) fn problems(&self) -> Vec<RuleProblem> {
        match (&self.customer_message, &self.staff_notes) {
            (TextTarget::Field(one), TextTarget::Field(other)) if one.eq_ignore_ascii_case(other) => {
                let message = "the customer's message already goes to this custom field; each text needs a field of its own".to_owned();
                vec![RuleProblem { path: "notes.staff_notes".to_owned(), message }]
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_off_a_note_or_a_field_and_nothing_else() {
        let target = |text: &str| TextTarget::try_from(text.to_owned());
        assert_eq!(target("off"), Ok(TextTarget::Off));
        assert_eq!(target("order-note"), Ok(TextTarget::OrderNote));
        assert_eq!(target(" PCF_GIFT "), Ok(TextTarget::Field("PCF_GIFT".into())));
        for other in ["", "on", "PCF_", "gift", "OFF"] {
            assert_eq!(target(other), Err(TextTarget::WANTED), "{other}");
        }
        for text in ["off", "order-note", "PCF_GIFT"] {
            assert_eq!(String::from(target(text).unwrap()), text);
        }
    }

    #[test]
    fn two_texts_need_two_fields() {
        let field = |code: &str| TextTarget::Field(code.into());
        let rules = |customer_message, staff_notes| NoteRules { customer_message, staff_notes };
        assert_eq!(rules(field("PCF_A"), field("PCF_a")).problems()[0].path, "notes.staff_notes");
        for fine in [rules(field("PCF_A"), field("PCF_B")), rules(TextTarget::OrderNote, TextTarget::OrderNote), NoteRules::default()] {
            assert!(fine.problems().is_empty());
        }
    }
}
