//! What shoppers choose and type stands on the row's name, and is looked for there afterwards.

use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::{LineOption, LineWrapping};

use crate::case::Case;
use crate::facts::TEA;

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
