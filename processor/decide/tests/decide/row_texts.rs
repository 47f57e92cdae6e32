//! What shoppers choose and type stands on the row's name, and is looked for there afterwards.

use std::collections::BTreeMap;

use orderbridge_decide::Need;
use orderbridge_schema::command::{Command, NewOrderNote};
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{LineOption, LineWrapping};
use orderbridge_schema::order_text::{OrderNote, SentText, TextSource};

use crate::case::Case;
use crate::facts::{SALES_ORDER, TEA};

fn option(name: &str, value: &str) -> LineOption {
    LineOption { name: name.into(), value: value.into() }
}

/// The plain order, its tea engraved and wrapped.
fn engraved(case: Case) -> Case {
    let mut case = case;
    case.lines()[0].options = vec![option("Size", "Large"), option("Engraving", "For Ada"), option("", "cat.png"), option("Empty", " ")];
    let wrapping = LineWrapping { name: "Red paper".into(), message: "Happy birthday".into(), ..LineWrapping::default() };
    case.lines()[0].wrapping = Some(wrapping);
    case
}

const WHOLE: &str = "Thing TEA-1 | Size: Large | Engraving: For Ada | cat.png | Gift wrapping: Red paper | Gift message: Happy birthday";

#[test]
fn options_files_wrapping_and_messages_stand_on_the_rows_name() {
    let rows = engraved(Case::new()).rows();
    assert_eq!((rows[0].name.as_str(), rows[0].details.len()), (WHOLE, 0));
    assert_eq!(rows[1].name, "Thing MUG-1");
}

#[test]
fn what_is_too_long_is_cut_behind_a_word_and_kept_in_full_beside_it() {
    let mut case = engraved(Case::new());
    let story = "once upon a time ".repeat(20);
    case.lines()[0].options.push(option("Story", &story));
    let row = &case.rows()[0];
    assert!(row.name.chars().count() <= 250 && row.name.ends_with('…'), "{}", row.name);
    assert_eq!(row.details.len(), 7);
    assert_eq!((row.details[0].as_str(), row.details[4].as_str()), ("Thing TEA-1", format!("Story: {}", story.trim()).as_str()));
    assert_eq!(row.texts().filter(|text| text.contains("Happy birthday")).count(), 1);
}

#[test]
fn what_a_shopper_typed_is_told_to_be_about_a_person() {
    let command = engraved(Case::new()).command();
    assert!(command.personal_data().contains(&"Gift message: Happy birthday"));
    assert!(!command.personal_data().contains(&"Thing TEA-1"));
    assert!(matches!(command, Command::CreateSalesOrder(_)));
}

#[test]
fn a_row_that_lost_its_texts_is_held_after_its_creation_and_the_rest_goes_on() {
    let mut case = engraved(Case::created());
    case.sales_order().rows[0].name = WHOLE.replace(" | ", "  |  ");
    assert!(case.decision().holds.is_empty(), "blanks do not count");
    case.sales_order().rows[0].name = "Thing TEA-1".into();
    let decision = case.decision();
    let causes: Vec<(Effect, Cause)> = decision.holds.iter().map(|hold| (hold.effect, hold.cause.clone())).collect();
    assert_eq!(causes, [(Effect::Verification, Cause::RowTextDiffers(format!("bc-line-{TEA}")))]);
    assert!(!decision.holds[0].why.contains("birthday"), "what was typed is not told");
    assert!(decision.verified.is_some() && !decision.cleared.contains(&Effect::Verification));
}

/// The plain order, its tea engraved with a story that no row's name can hold; its sales order was made a moment ago.
fn long() -> Case {
    let mut case = engraved(Case::created());
    case.lines()[0].options.push(option("Story", &"once upon a time ".repeat(20)));
    case.sales_order().rows[0].name = long_row_name(&case);
    case
}

fn long_row_name(case: &Case) -> String {
    let mut new = case.clone();
    new.full.links.clear();
    new.rows()[0].name.clone()
}

fn note(case: &Case) -> NewOrderNote {
    match case.command() {
        Command::AddOrderNote(note) => *note,
        other => panic!("no note: {other:?}"),
    }
}

#[test]
fn what_is_too_long_for_its_row_is_one_order_note_that_names_the_row_before_all_else() {
    let mut case = long();
    let note = note(&case);
    let text = note.text.expose();
    assert!(text.starts_with("Full texts of rows: row 1, Thing TEA-1\n- Size: Large\n- Engraving: For Ada\n- cat.png"), "{text}");
    assert!(text.contains("\n- Story: once upon") && text.ends_with("\n- Gift message: Happy birthday"), "{text}");
    assert_eq!(case.decision().verified, None, "cut off here, the comparison is made again");
    assert!(!format!("{:?}", case.decision()).contains("birthday"));
    // Read back, it is there, and the rest goes on.
    case.full.sent_texts = vec![SentText { sales_order: SALES_ORDER, source: TextSource::RowTexts, digest: note.digest.clone() }];
    case.full.order_notes = BTreeMap::from([(SALES_ORDER, vec![OrderNote { id: 7, text: note.text.clone() }])]);
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.holds.is_empty() && decision.verified.is_some(), "{decision:?}");
    // A note whose answer was lost is found and only remembered.
    case.full.sent_texts.clear();
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.verified.is_some());
    assert_eq!((decision.found_texts.len(), decision.found_texts[0].note), (1, Some(7)));
}

#[test]
fn a_note_that_is_not_there_as_it_was_written_is_held_and_one_that_is_refused_stops_nothing() {
    let mut case = long();
    let note = note(&case);
    case.full.sent_texts = vec![SentText { sales_order: SALES_ORDER, source: TextSource::RowTexts, digest: note.digest.clone() }];
    case.full.order_notes = BTreeMap::from([(SALES_ORDER, vec![OrderNote { id: 7, text: "Full texts".into() }])]);
    let decision = case.decision();
    let causes: Vec<Cause> = decision.holds.iter().map(|hold| hold.cause.clone()).collect();
    assert_eq!(causes, [Cause::RowTextDiffers("order-note".into())]);
    assert!(decision.verified.is_some() && !decision.cleared.contains(&Effect::Verification));
    let mut case = long();
    let hold = Hold { effect: Effect::Verification, cause: Cause::Refused("add-order-note".into()), why: "no".into(), remedy: "by hand".into() };
    case.full.refused.insert(Command::AddOrderNote(Box::new(note)).name(), hold.clone());
    let decision = case.decision();
    assert_eq!((decision.holds, decision.commands.len()), (vec![hold], 0));
    assert!(decision.verified.is_some() && !decision.cleared.contains(&Effect::Verification));
}

#[test]
fn an_order_whose_texts_all_fit_asks_for_no_note() {
    let mut case = engraved(Case::created());
    case.sales_order().rows[0].name = WHOLE.into();
    let outcome = case.run();
    // What both sides have in common is remembered by digests; none of them is of a row's texts.
    let is_about_texts = |need: &Need| match need {
        Need::OrderNotes(_) => true,
        Need::Digests(texts) => texts.iter().any(|text| text.expose().contains("For Ada")),
        _ => false,
    };
    assert!(!outcome.rounds.iter().flatten().any(is_about_texts));
    assert!(outcome.decision.commands.is_empty() && outcome.decision.holds.is_empty());
}
