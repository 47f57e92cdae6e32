//! What the customer and the store's staff wrote goes to the sales order: to custom fields, all in one call, or to order notes.
//!
//! Of a text only a keyed digest is remembered, by which an unchanged one costs nothing. What stands in Brightpearl is not looked at: a
//! correction made there survives until the store's text changes.

use std::collections::BTreeSet;

use jiff::civil::Date;
use orderbridge_schema::command::{Command, NewOrderNote};
use orderbridge_schema::decision::{Cause, Decision, Effect, FoundText, Hold};
use orderbridge_schema::facts::PersonalText;
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::order_text::{FieldValue, FieldWrite, SentText, TextDigest, TextSource};
use orderbridge_schema::reference::{CustomField, FieldKind};
use orderbridge_schema::rules::TextTarget;
use orderbridge_schema::work::Aspects;

use crate::facts::{Ask, Context, Need, Needs, OrderFacts, known};

/// A text as it is now, in its normalised form.
struct Words {
    source: TextSource,
    text: PersonalText,
    digest: TextDigest,
}

/// Decides whether a text of the order is carried to its sales orders.
pub(crate) fn decide_texts(ctx: &Context<'_>, facts: &OrderFacts) -> Ask<Decision> {
    let is_on = |source: &TextSource| *ctx.rules.notes.target(*source) != TextTarget::Off;
    if !TextSource::CHOSEN.iter().any(is_on) || !facts.looks_at(Aspects::STORE_ORDER) {
        return Ok(Decision::default());
    }
    let Some(order) = known(facts.store_order.as_ref(), Need::StoreOrder)?.as_ref().filter(|order| !order.deleted) else {
        return Ok(Decision::default());
    };
    let texts = [(TextSource::CustomerMessage, &order.customer_message), (TextSource::StaffNotes, &order.staff_notes)];
    let texts = texts.into_iter().filter(|(source, _)| is_on(source)).map(|(source, text)| (source, text.normalised()));
    let texts: Vec<(TextSource, PersonalText)> = texts.collect();
    let words = digested(facts, texts)?;
    let mut decision = Decision::default();
    for link in &facts.links {
        decide_sales_order(ctx, facts, link.sales_order, &words, &mut decision)?;
    }
    if decision.holds.is_empty() {
        decision.cleared.push(Effect::Notes);
    }
    Ok(decision)
}

/// The texts with their digests; no text has an empty one.
fn digested(facts: &OrderFacts, texts: Vec<(TextSource, PersonalText)>) -> Ask<Vec<Words>> {
    let unknown: BTreeSet<PersonalText> =
        texts.iter().map(|(_, text)| text).filter(|text| !text.is_empty() && !facts.digests.contains_key(text)).cloned().collect();
    if !unknown.is_empty() {
        return Err(Needs::from([Need::Digests(unknown)]));
    }
    let words = |(source, text): (TextSource, PersonalText)| {
        let digest = facts.digests.get(&text).filter(|_| !text.is_empty()).cloned().unwrap_or_default();
        Words { source, text, digest }
    };
    Ok(texts.into_iter().map(words).collect())
}

fn decide_sales_order(ctx: &Context<'_>, facts: &OrderFacts, sales_order: SalesOrderId, words: &[Words], decision: &mut Decision) -> Ask<()> {
    let mut fields = Vec::new();
    for words in words.iter().filter(|words| is_news(facts, sales_order, words)) {
        match ctx.rules.notes.target(words.source) {
            TextTarget::Off => {}
            TextTarget::OrderNote => decide_note(facts, sales_order, words, decision)?,
            TextTarget::Field(code) => match field_value(ctx, code, words) {
                Ok(value) => fields.push(FieldWrite { source: words.source, code: code.clone(), value, digest: words.digest.clone() }),
                Err(hold) => decision.holds.push(*hold),
            },
        }
    }
    push_fields(facts, sales_order, fields, decision)
}

/// All fields in one call. A field that somebody emptied already cannot be cleared, and the whole call is refused for it (BP §e.7).
fn push_fields(facts: &OrderFacts, sales_order: SalesOrderId, mut fields: Vec<FieldWrite>, decision: &mut Decision) -> Ask<()> {
    let clears: BTreeSet<String> = fields.iter().filter(|field| field.value == FieldValue::Cleared).map(|field| field.code.clone()).collect();
    let command = |fields: Vec<FieldWrite>| Command::SetOrderFields { sales_order, fields };
    if !clears.is_empty() && facts.refused.contains_key(&command(Vec::new()).name()) {
        let empty = known(facts.empty_fields.get(&sales_order), Need::EmptyFields(sales_order, clears))?;
        let (done, left): (Vec<FieldWrite>, Vec<FieldWrite>) =
            fields.into_iter().partition(|field| field.value == FieldValue::Cleared && empty.contains(&field.code));
        let found = |field: FieldWrite| FoundText { text: SentText { sales_order, source: field.source, digest: field.digest }, note: None };
        decision.found_texts.extend(done.into_iter().map(found));
        fields = left;
    }
    if !fields.is_empty() {
        decision.commands.push(command(fields));
    }
    Ok(())
}

/// Whether a text is not what we last wrote. Where we never wrote any, none is no news.
fn is_news(facts: &OrderFacts, sales_order: SalesOrderId, words: &Words) -> bool {
    let sent = facts.sent_texts.iter().find(|sent| sent.sales_order == sales_order && sent.source == words.source);
    sent.map_or(!words.text.is_empty(), |sent| sent.digest != words.digest)
}

/// A note cannot be taken away (BP §e.7), so each is preceded by a list of those that are there.
fn decide_note(facts: &OrderFacts, sales_order: SalesOrderId, words: &Words, decision: &mut Decision) -> Ask<()> {
    let text = SentText { sales_order, source: words.source, digest: words.digest.clone() };
    if words.text.is_empty() {
        decision.found_texts.push(FoundText { text, note: None });
        return Ok(());
    }
    let note = NewOrderNote::with_heading(words.source, &words.text);
    let notes = known(facts.order_notes.get(&sales_order), Need::OrderNotes(sales_order))?;
    match notes.iter().find(|present| present.text.normalised() == note) {
        Some(present) => decision.found_texts.push(FoundText { text, note: Some(present.id) }),
        None => {
            let new = NewOrderNote { sales_order, source: words.source, text: note, digest: words.digest.clone() };
            decision.commands.push(Command::AddOrderNote(Box::new(new)));
        }
    }
    Ok(())
}

/// What a field of its kind is set to; a hold if the words are nothing of that kind.
fn field_value(ctx: &Context<'_>, code: &str, words: &Words) -> Result<FieldValue, Box<Hold>> {
    let fields = &ctx.reference.account.custom_fields;
    let field = fields.iter().find(|field| field.code == code).ok_or_else(|| Box::new(unknown_field(code, words.source)))?;
    if words.text.is_empty() {
        return Ok(FieldValue::Cleared);
    }
    let text = words.text.expose();
    let value = match field.kind {
        FieldKind::Text => Some(FieldValue::Text(one_line(text))),
        FieldKind::TextArea => Some(FieldValue::Text(words.text.clone())),
        FieldKind::Select => choice(field, text).map(FieldValue::Choice),
        FieldKind::Integer => text.parse().ok().map(FieldValue::Number),
        FieldKind::Date => text.parse::<Date>().ok().map(|day| FieldValue::Day(day.to_string())),
        FieldKind::YesNo => yes_or_no(text).map(FieldValue::YesNo),
        FieldKind::Other => None,
    };
    value.ok_or_else(|| Box::new(unfit(field, words.source)))
}

/// A field of one line holds all lines one behind the other.
fn one_line(text: &str) -> PersonalText {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    PersonalText::from(lines.collect::<Vec<_>>().join(" "))
}

fn choice(field: &CustomField, text: &str) -> Option<u64> {
    let wanted = text.to_lowercase();
    field.options.iter().find(|(_, option)| option.trim().to_lowercase() == wanted).map(|(id, _)| *id)
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Some(true),
        "no" | "n" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn unknown_field(code: &str, source: TextSource) -> Hold {
    Hold {
        effect: Effect::Notes,
        cause: Cause::UnknownField(code.to_owned()),
        why: format!("the {} is to go to custom field {code}, which Brightpearl's sales orders do not have", source.words()),
        remedy: "choose another custom field in the tenant's settings (notes), or make this one in Brightpearl".into(),
    }
}

fn unfit(field: &CustomField, source: TextSource) -> Hold {
    let takes = match field.kind {
        FieldKind::Select => "takes only one of its options",
        FieldKind::Integer => "takes only whole numbers",
        FieldKind::Date => "takes only a day such as 2026-03-06",
        FieldKind::YesNo => "takes only yes or no",
        FieldKind::Text | FieldKind::TextArea | FieldKind::Other => "is of a kind that is not known",
    };
    Hold {
        effect: Effect::Notes,
        cause: Cause::UnfitForField(field.code.clone()),
        why: format!("the {} does not fit custom field {}, which {takes}", source.words(), field.code),
        remedy: "choose a custom field for text in the tenant's settings (notes), or enter it in Brightpearl by hand".into(),
    }
}
