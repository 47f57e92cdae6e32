//! What commands write about reservations and texts.

use crate::facts::PersonalText;
use crate::ids::{SalesOrderId, WarehouseId};
use crate::order_text::{FieldValue, FieldWrite, SentText, TextDigest, TextSource};
use crate::reservation::ReservedRow;

/// How much of a digest stands in a note's key: enough that two texts never share one.
const DIGEST_CHARS: usize = 32;

/// Stock to be kept back for a sales order (BP §h.2): one line per row, since lines of the same row would be summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// Where.
    pub warehouse: WarehouseId,
    /// Of which rows how much; never empty.
    pub rows: Vec<ReservedRow>,
}

impl Reservation {
    /// How many pieces in all.
    #[must_use]
    pub fn pieces(&self) -> u64 {
        self.rows.iter().map(|row| u64::from(row.quantity)).sum()
    }

    pub(super) fn describe(&self) -> String {
        format!("{} pieces of sales order {} in warehouse {}", self.pieces(), self.sales_order, self.warehouse)
    }
}

/// A note to be added to a sales order (BP §e.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrderNote {
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// Whose words.
    pub source: TextSource,
    /// The whole note as it is written, with its heading.
    pub text: PersonalText,
    /// Of the words alone.
    pub digest: TextDigest,
}

impl NewOrderNote {
    /// The note that tells these words, as it is written and looked for.
    #[must_use]
    pub fn with_heading(source: TextSource, words: &PersonalText) -> PersonalText {
        PersonalText::from(format!("{}: {}", source.heading(), words.expose()))
    }

    /// Names what it achieves: these words on this sales order.
    pub(super) fn key(&self) -> String {
        Self::key_of(&SentText { sales_order: self.sales_order, source: self.source, digest: self.digest.clone() })
    }

    /// The id in the key of the command that would write this text.
    #[must_use]
    pub fn key_of(text: &SentText) -> String {
        let digest: String = text.digest.0.chars().take(DIGEST_CHARS).collect();
        format!("{}/{}/{digest}", text.sales_order, text.source)
    }
}

/// What setting these fields does, without any of the words.
pub(super) fn describe_fields(sales_order: SalesOrderId, fields: &[FieldWrite]) -> String {
    let each = |field: &FieldWrite| match field.value {
        FieldValue::Cleared => format!("clear custom field {}", field.code),
        _ => format!("write the {} to custom field {}", field.source.words(), field.code),
    };
    format!("{} of sales order {sales_order}", fields.iter().map(each).collect::<Vec<_>>().join(" and "))
}
