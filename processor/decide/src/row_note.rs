//! What shoppers chose or wrote for a line and is too long for its row's name stands in one order note that names the row.
//!
//! It is written before the sales order counts as compared: only then the lines are known, and whatever is cut off in between, the
//! comparison is made again and asks for the note again. The note is read back, as the rows' names are.

use std::collections::BTreeSet;

use orderbridge_schema::command::{Command, NewOrderNote, NewRow};
use orderbridge_schema::decision::{Cause, Decision, Effect, FoundText, Hold};
use orderbridge_schema::facts::PersonalText;
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::order_text::{SentText, TextSource};

use crate::facts::{Ask, Need, Needs, OrderFacts, known};

/// What is to be done for the note, or what was found of it; nothing where no row needs one.
pub(crate) fn decide_row_note(facts: &OrderFacts, sales_order: SalesOrderId, planned: &[NewRow]) -> Ask<Decision> {
    let Some(words) = words(planned) else { return Ok(Decision::default()) };
    let Some(digest) = facts.digests.get(&words) else { return Err(Needs::from([Need::Digests(BTreeSet::from([words]))])) };
    let text = SentText { sales_order, source: TextSource::RowTexts, digest: digest.clone() };
    let is_sent = facts.sent_texts.contains(&text);
    let note = NewOrderNote::with_heading(TextSource::RowTexts, &words);
    let notes = known(facts.order_notes.get(&sales_order), Need::OrderNotes(sales_order))?;
    let present = notes.iter().find(|present| present.text.normalised() == note);
    Ok(match (present, is_sent) {
        (Some(_), true) => Decision::default(),
        (Some(present), false) => Decision { found_texts: vec![FoundText { text, note: Some(present.id) }], ..Decision::default() },
        (None, true) => Decision { holds: vec![note_differs(sales_order)], ..Decision::default() },
        (None, false) => {
            let new = NewOrderNote { sales_order, source: TextSource::RowTexts, text: note, digest: text.digest };
            Decision { commands: vec![Command::AddOrderNote(Box::new(new))], ..Decision::default() }
        }
    })
}

/// Each row that has more to tell than its name holds: which it is, what it is called, and every detail on a line of its own.
fn words(planned: &[NewRow]) -> Option<PersonalText> {
    let row = |(place, row): (usize, &NewRow)| {
        let (name, details) = row.details.split_first()?;
        let details: String = details.iter().map(|detail| format!("\n- {detail}")).collect();
        Some(format!("row {}, {name}{details}", place + 1))
    };
    let rows: Vec<String> = planned.iter().enumerate().filter_map(row).collect();
    (!rows.is_empty()).then(|| PersonalText::from(rows.join("\n")).normalised())
}

fn note_differs(sales_order: SalesOrderId) -> Hold {
    Hold {
        effect: Effect::Verification,
        cause: Cause::RowTextDiffers("order-note".into()),
        why: format!("the order note of sales order {sales_order} with what is too long for its rows' names is not as it was written"),
        remedy: "compare the notes of the sales order with the options, messages and files of the lines at the store, and add what is missing".into(),
    }
}
