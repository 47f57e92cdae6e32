//! Where the customer's message and the staff notes go, and when.

use std::collections::BTreeSet;

use orderbridge_decide::{Need, OrderFacts};
use orderbridge_schema::command::{Command, NewOrderNote};
use orderbridge_schema::decision::{Cause, Effect, FoundText, Hold};
use orderbridge_schema::facts::PersonalText;
use orderbridge_schema::order_text::{FieldValue, FieldWrite, OrderNote, SentText, TextDigest, TextSource};
use orderbridge_schema::reference::{CustomField, FieldKind};
use orderbridge_schema::rules::TextTarget;
use orderbridge_schema::work::Aspects;

use crate::case::Case;
use crate::facts::SALES_ORDER;

/// Any digest will do that differs by text.
fn digest(text: &str) -> TextDigest {
    TextDigest(hex_of(text))
}

fn hex_of(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

pub fn answer(need: &Need, full: &OrderFacts, facts: &mut OrderFacts) {
    match need {
        Need::Digests(texts) => facts.digests.extend(texts.iter().map(|text| (text.clone(), digest(text.expose())))),
        Need::OrderNotes(id) => {
            facts.order_notes.insert(*id, full.order_notes.get(id).cloned().unwrap_or_default());
        }
        Need::EmptyFields(id, codes) => {
            let empty = full.empty_fields.get(id).cloned().unwrap_or_default();
            facts.empty_fields.insert(*id, codes.intersection(&empty).cloned().collect());
        }
        other => panic!("not about texts: {other:?}"),
    }
}

fn field(code: &str, kind: FieldKind) -> CustomField {
    let options = if kind == FieldKind::Select { [(64, " North ".to_owned()), (65, "South".to_owned())].into() } else { [].into() };
    CustomField { code: code.into(), name: code.to_lowercase(), kind, options }
}

fn to_field(code: &str) -> TextTarget {
    TextTarget::Field(code.into())
}

/// A linked order that the store told of, with a message to go to `PCF_A` and notes to go to `PCF_B`, both of several lines.
fn case(message: &str, notes: &str) -> Case {
    let mut case = Case::linked();
    case.reference.account.custom_fields = vec![field("PCF_A", FieldKind::TextArea), field("PCF_B", FieldKind::TextArea)];
    case.rules.notes.customer_message = to_field("PCF_A");
    case.rules.notes.staff_notes = to_field("PCF_B");
    case.order().customer_message = message.into();
    case.order().staff_notes = notes.into();
    case.with_aspects(Aspects::STORE_ORDER)
}

fn sent(source: TextSource, text: &str) -> SentText {
    SentText { sales_order: SALES_ORDER, source, digest: if text.is_empty() { TextDigest::default() } else { digest(text) } }
}

fn fields(case: &Case) -> Vec<FieldWrite> {
    match case.command() {
        Command::SetOrderFields { sales_order: SALES_ORDER, fields } => fields,
        other => panic!("sets no fields: {other:?}"),
    }
}

fn write(source: TextSource, code: &str, text: &str) -> FieldWrite {
    FieldWrite { source, code: code.into(), value: FieldValue::Text(text.into()), digest: digest(text) }
}

/// The one value that a message becomes in a field of this kind.
fn value(kind: FieldKind, message: &str) -> Option<FieldValue> {
    let mut case = case(message, "");
    case.reference.account.custom_fields[0] = field("PCF_A", kind);
    let decision = case.decision();
    match decision.commands.as_slice() {
        [Command::SetOrderFields { fields, .. }] => Some(fields[0].value.clone()),
        [] => {
            assert_eq!(decision.holds[0].cause, Cause::UnfitForField("PCF_A".into()));
            assert!(decision.holds[0].effect == Effect::Notes && !decision.holds[0].why.contains(message));
            None
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_texts_are_one_call() {
    let expected = [write(TextSource::CustomerMessage, "PCF_A", "ring twice"), write(TextSource::StaffNotes, "PCF_B", "VIP")];
    assert_eq!(fields(&case("ring twice", "VIP")), expected);
}

#[test]
fn switched_off_nothing_is_looked_at() {
    let mut case = case("ring twice", "VIP");
    case.rules.notes = orderbridge_schema::rules::NoteRules::default();
    let outcome = case.run();
    assert!(outcome.decision.commands.is_empty());
    assert!(!outcome.rounds.iter().flatten().any(|need| matches!(need, Need::Digests(_))));
}

#[test]
fn only_what_the_store_may_have_changed_is_compared() {
    let case = case("ring twice", "VIP").with_aspects(Aspects::SALES_ORDER);
    assert!(case.decision().commands.is_empty());
}

#[test]
fn no_text_on_a_new_order_is_nothing_to_do() {
    assert!(case("", " \n ").decision().commands.is_empty());
}

#[test]
fn an_unchanged_text_is_not_written_again_whatever_its_blanks_and_line_ends() {
    let mut case = case("ring\r\ntwice ", "VIP");
    case.full.sent_texts = vec![sent(TextSource::CustomerMessage, "ring\ntwice"), sent(TextSource::StaffNotes, "VIP")];
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.holds.is_empty());
}

#[test]
fn only_the_text_that_changed_is_written() {
    let mut case = case("ring once", "VIP");
    case.full.sent_texts = vec![sent(TextSource::CustomerMessage, "ring twice"), sent(TextSource::StaffNotes, "VIP")];
    assert_eq!(fields(&case), [write(TextSource::CustomerMessage, "PCF_A", "ring once")]);
}

#[test]
fn a_text_that_was_taken_away_clears_its_field() {
    let mut case = case("", "VIP");
    case.full.sent_texts = vec![sent(TextSource::CustomerMessage, "ring twice"), sent(TextSource::StaffNotes, "VIP")];
    let cleared = FieldWrite { source: TextSource::CustomerMessage, code: "PCF_A".into(), value: FieldValue::Cleared, digest: TextDigest::default() };
    assert_eq!(fields(&case), [cleared]);
}

#[test]
fn a_field_that_staff_emptied_already_counts_as_cleared() {
    let mut case = case("", "changed");
    case.full.sent_texts = vec![sent(TextSource::CustomerMessage, "ring twice"), sent(TextSource::StaffNotes, "VIP")];
    let hold = Hold { effect: Effect::Notes, cause: Cause::Refused("set-order-fields".into()), why: "no".into(), remedy: "look".into() };
    case.full.refused = [("set-order-fields/70001".to_owned(), hold)].into();
    case.full.empty_fields.insert(SALES_ORDER, BTreeSet::from(["PCF_A".to_owned()]));
    let decision = case.decision();
    assert_eq!(decision.found_texts, [FoundText { text: sent(TextSource::CustomerMessage, ""), note: None }]);
    assert_eq!(decision.holds.len(), 1, "the other text waits until it is tried again");
    case.full.sent_texts[1] = sent(TextSource::StaffNotes, "changed");
    let decision = case.decision();
    assert!(decision.holds.is_empty() && decision.commands.is_empty());
    case.full.empty_fields.clear();
    assert_eq!(case.held(Effect::Notes), [Cause::Refused("set-order-fields".into())]);
}

#[test]
fn each_kind_of_field_gets_its_own_kind_of_value() {
    assert_eq!(value(FieldKind::Text, "ring\n\n twice "), Some(FieldValue::Text("ring twice".into())));
    assert_eq!(value(FieldKind::TextArea, "ring\r\ntwice"), Some(FieldValue::Text("ring\ntwice".into())));
    assert_eq!(value(FieldKind::Select, "north"), Some(FieldValue::Choice(64)));
    assert_eq!(value(FieldKind::Integer, " 12 "), Some(FieldValue::Number(12)));
    assert_eq!(value(FieldKind::Date, "2026-03-06"), Some(FieldValue::Day("2026-03-06".into())));
    for (text, yes) in [("Yes", true), ("true", true), ("1", true), ("no", false), ("N", false), ("0", false)] {
        assert_eq!(value(FieldKind::YesNo, text), Some(FieldValue::YesNo(yes)), "{text}");
    }
}

#[test]
fn what_does_not_fit_its_field_is_held_and_not_repeated() {
    for (kind, text) in [
        (FieldKind::Select, "Nowhere"),
        (FieldKind::Integer, "a dozen"),
        (FieldKind::Integer, "12.5"),
        (FieldKind::Date, "tomorrow"),
        (FieldKind::YesNo, "perhaps"),
        (FieldKind::Other, "anything"),
    ] {
        assert_eq!(value(kind, text), None, "{kind:?}");
    }
}

#[test]
fn a_field_that_is_not_there_is_held_and_the_other_text_goes_on() {
    let mut case = case("ring twice", "VIP");
    case.rules.notes.customer_message = to_field("PCF_GONE");
    let decision = case.decision();
    assert_eq!(decision.holds.iter().map(|hold| hold.cause.clone()).collect::<Vec<_>>(), [Cause::UnknownField("PCF_GONE".into())]);
    assert!(matches!(decision.commands.as_slice(), [Command::SetOrderFields { fields, .. }] if fields.len() == 1));
}

fn noted(message: &str) -> Case {
    let mut case = case(message, "");
    case.rules.notes.customer_message = TextTarget::OrderNote;
    case
}

#[test]
fn a_note_is_preceded_by_a_list_of_those_that_are_there() {
    let case = noted("ring twice");
    let outcome = case.run();
    assert!(outcome.rounds.iter().flatten().any(|need| *need == Need::OrderNotes(SALES_ORDER)));
    let expected = NewOrderNote {
        sales_order: SALES_ORDER,
        source: TextSource::CustomerMessage,
        text: "Customer message: ring twice".into(),
        digest: digest("ring twice"),
    };
    assert_eq!(outcome.decision.commands, [Command::AddOrderNote(Box::new(expected))]);
}

#[test]
fn a_note_that_is_there_already_is_remembered_and_not_added_again() {
    let mut case = noted("ring\ntwice");
    let present = OrderNote { id: 7, text: PersonalText::from("Customer message: ring\r\ntwice ") };
    case.full.order_notes.insert(SALES_ORDER, vec![OrderNote { id: 6, text: "by hand".into() }, present]);
    let decision = case.decision();
    assert!(decision.commands.is_empty());
    assert_eq!(decision.found_texts, [FoundText { text: sent(TextSource::CustomerMessage, "ring\ntwice"), note: Some(7) }]);
}

#[test]
fn a_message_that_was_taken_away_adds_no_note() {
    let mut case = noted("");
    case.full.sent_texts = vec![sent(TextSource::CustomerMessage, "ring twice")];
    let decision = case.decision();
    assert!(decision.commands.is_empty());
    assert_eq!(decision.found_texts, [FoundText { text: sent(TextSource::CustomerMessage, ""), note: None }]);
}

#[test]
fn each_changed_text_is_a_note_of_its_own_with_a_key_of_its_own() {
    let key = |case: &Case| case.command().name();
    let mut later = noted("ring once");
    later.full.sent_texts = vec![sent(TextSource::CustomerMessage, "ring twice")];
    assert_ne!(key(&noted("ring twice")), key(&later));
    assert_eq!(key(&later), key(&noted("ring once")));
}

#[test]
fn an_archived_order_is_left_alone() {
    let mut case = case("ring twice", "VIP");
    case.order().deleted = true;
    assert!(case.decision().commands.is_empty());
}

#[test]
fn nothing_of_the_words_is_shown_by_a_command_or_a_decision() {
    let decision = format!("{:?}", case("ring for Ada", "Ada is VIP").decision());
    assert!(!decision.contains("Ada"), "{decision}");
    assert!(!format!("{:?}", noted("ring for Ada").decision()).contains("Ada"));
}
