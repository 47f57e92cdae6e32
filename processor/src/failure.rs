//! Failures, sorted by what to do next.

use std::time::Duration;

use orderbridge_http_client::{CallError, Denial, QuotaDenied};
use orderbridge_postgres::DbError;
use orderbridge_reconcile::ReadError;
use orderbridge_schema::command::{Command, CommandKind};
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::ids::Platform;
use orderbridge_schema::order_text::TextSource;

use crate::backoff;
use crate::outcome::{Met, Outcome, When};

/// How long to wait for a platform that throttles without saying how long.
const UNSAID_WAIT: Duration = Duration::from_secs(60);

/// A read that failed. Reads may always be repeated.
pub(crate) fn of_read(error: &ReadError, attempts: u32) -> Outcome {
    match error {
        ReadError::Call { platform, error } => of_read_call(*platform, error, attempts),
        ReadError::Db(error) => failed(attempts, format!("database: {error}")),
        ReadError::NoProgress { .. } => failed(attempts, error.to_string()),
    }
}

/// A read call that failed.
pub(crate) fn of_read_call(platform: Platform, error: &CallError, attempts: u32) -> Outcome {
    let met = met(platform, error);
    match waiting(platform, error).unwrap_or_else(|| failed(attempts, format!("{platform}: {error}"))) {
        Outcome::Again { when, firm, failed, why, .. } => Outcome::Again { when, firm, failed, why, met },
        other => other,
    }
}

/// What others would meet at that platform too.
fn met(platform: Platform, error: &CallError) -> Option<Met> {
    match error {
        CallError::Quota(QuotaDenied { why: Denial::LeftAlone, .. }) => Some(Met::LeftAlone(platform)),
        // An object that is not there says nothing about others.
        CallError::NotFound => None,
        other => other.class().map(|class| Met::Failure(platform, class)),
    }
}

/// A write that the platform definitely did not carry out.
pub(crate) fn of_refusal(platform: Platform, command: &Command, error: &CallError, attempts: u32) -> Outcome {
    if let Some(outcome) = waiting(platform, error) {
        return outcome;
    }
    match error {
        CallError::Refused { .. } | CallError::NotFound => Outcome::Held(vec![refused(platform, command, error)]),
        _ => failed(attempts, format!("{platform}: {error}")),
    }
}

/// Failures that say themselves how long to wait, or that waiting alone does not mend.
fn waiting(platform: Platform, error: &CallError) -> Option<Outcome> {
    match error {
        CallError::Quota(denied) => {
            Some(Outcome::Again { when: When::At(denied.retry_at), firm: true, failed: false, why: format!("{platform}: {error}"), met: None })
        }
        CallError::Throttled { retry_after } => {
            let wait = backoff::after_platform_wait(retry_after.unwrap_or(UNSAID_WAIT));
            Some(Outcome::Again { when: When::After(wait), firm: true, failed: false, why: format!("{platform}: {error}"), met: None })
        }
        CallError::Unauthorised => Some(Outcome::Unauthorised(platform)),
        CallError::NotSent { .. } | CallError::NotFound | CallError::Refused { .. } | CallError::Uncertain { .. } => None,
    }
}

/// Something went wrong that time may mend.
pub(crate) fn failed(attempts: u32, why: String) -> Outcome {
    Outcome::Again { when: When::After(backoff::after_attempts(attempts)), firm: false, failed: true, why, met: None }
}

/// A failure of the journal. A conflict (the same command is recorded with another result) is for a person: time does not mend it.
pub(crate) fn of_journal(kind: CommandKind, error: &DbError) -> Outcome {
    let DbError::Conflict(why) = error else { return failed(3, format!("journal: {error}")) };
    Outcome::Held(vec![Hold {
        effect: effect(kind),
        cause: Cause::InDoubt(kind.as_str().to_owned()),
        why: why.clone(),
        remedy: "compare both sides: one of two objects was made twice or linked by hand; remove the one that is too many".into(),
    }])
}

/// Which effect a command belongs to.
pub(crate) const fn effect(kind: CommandKind) -> Effect {
    match kind {
        CommandKind::CreateContact | CommandKind::CreateSalesOrder => Effect::Creation,
        CommandKind::SetExternalOrderId => Effect::Verification,
        CommandKind::SetSalesOrderStatus | CommandKind::SetStoreStatus => Effect::Status,
        CommandKind::CreateShipment => Effect::Shipment,
        CommandKind::CreatePayment => Effect::Payment,
        CommandKind::ReserveStock | CommandKind::SetReservation => Effect::Allocation,
        CommandKind::SetOrderFields | CommandKind::AddOrderNote => Effect::Notes,
        CommandKind::UpdateContact | CommandKind::SetContactAddress => Effect::Customer,
        CommandKind::SetOrderRow | CommandKind::AddOrderRow | CommandKind::CreateSalesCredit | CommandKind::ReceiveGoods => Effect::Refund,
        CommandKind::EditSalesOrder => Effect::Edit,
    }
}

/// Likewise of one command: the note with the rows' texts is part of what the comparison looks for, and is asked for again with it.
fn effect_of(command: &Command) -> Effect {
    match command {
        Command::AddOrderNote(note) if note.source == TextSource::RowTexts => Effect::Verification,
        _ => effect(command.kind()),
    }
}

/// A platform's own words may repeat what it was sent: whatever of a person's details was in the command is taken out of them.
pub(crate) fn without_personal_data(command: &Command, error: &CallError) -> String {
    if let (true, CallError::Refused { status, code, .. }) = (command.carries_words(), error) {
        return format!("refused with status {status} and code {code}; what it said is not told, since it may repeat the text");
    }
    let mut text = error.to_string();
    for word in command.personal_data() {
        let mut rest = text.as_str();
        let mut clean = String::new();
        while let Some((before, after)) = split_ignoring_case(rest, word) {
            clean.push_str(before);
            clean.push_str("(hidden)");
            rest = after;
        }
        clean.push_str(rest);
        text = clean;
    }
    text
}

/// What stands before and behind the first occurrence of a word.
fn split_ignoring_case<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let places = text.char_indices().map(|(place, _)| place);
    places
        .filter_map(|place| Some((text.get(..place)?, text.get(place..place + word.len())?, text.get(place + word.len()..)?)))
        .find_map(|(before, here, after)| here.to_lowercase().eq(&word.to_lowercase()).then_some((before, after)))
}

fn refused(platform: Platform, command: &Command, error: &CallError) -> Hold {
    let remedy = match command.kind() {
        CommandKind::CreateContact => "correct the customer's details at the store, or make the contact in Brightpearl by hand",
        CommandKind::CreateSalesOrder => "check the chosen channel, warehouse, status, price list, tax codes and nominal codes in the settings",
        CommandKind::SetExternalOrderId => "write the sales order's id on the store's order by hand if it is wanted there",
        CommandKind::SetSalesOrderStatus | CommandKind::SetStoreStatus => "check the status map in the settings, or set the status by hand",
        CommandKind::CreatePayment => "check the map of payment methods in the settings, or book the payment in Brightpearl by hand",
        CommandKind::CreateShipment => "check the carrier map in the settings, or enter the shipment at the store by hand",
        CommandKind::ReserveStock | CommandKind::SetReservation => {
            "allocate the sales order's stock in Brightpearl by hand, or mend there what stands in the way"
        }
        CommandKind::SetOrderFields => "check the custom fields chosen in the settings (notes), or enter the text in Brightpearl by hand",
        CommandKind::AddOrderNote => "add the note to the sales order by hand",
        CommandKind::UpdateContact | CommandKind::SetContactAddress => "change the contact in Brightpearl by hand, as the store's order has it",
        CommandKind::SetOrderRow | CommandKind::AddOrderRow => {
            "take what was refunded off the sales order's rows in Brightpearl by hand, or mend there what stands in the way"
        }
        CommandKind::ReceiveGoods => {
            "check the warehouse and location for returned goods in the settings (payments.refunds.restock), or receive the goods by hand"
        }
        CommandKind::CreateSalesCredit => "check the channel, status and nominal code for refunds in the settings (payments.refunds)",
        CommandKind::EditSalesOrder => "release the stock of the rows in Brightpearl, or enter the change in the sales order by hand",
    };
    Hold {
        effect: effect_of(command),
        cause: Cause::Refused(command.kind().as_str().to_owned()),
        why: format!("{platform} refused to {}: {}", command.describe(), without_personal_data(command, error)),
        remedy: remedy.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use orderbridge_http_client::FailureClass;
    use orderbridge_schema::command::NewContact;
    use orderbridge_schema::facts::Address;
    use orderbridge_schema::ids::{SalesOrderId, StoreOrderId, StoreStatusId};
    use orderbridge_schema::order_text::{FieldValue, FieldWrite, TextDigest};

    fn command() -> Command {
        Command::SetStoreStatus { order: StoreOrderId(1), status: StoreStatusId(2), agreed_with: 4.into() }
    }

    #[test]
    fn a_platforms_own_wait_is_firm_and_no_failure() {
        let retry_at = Timestamp::from_second(1_800_000_000).unwrap();
        let quota = of_read_call(Platform::Brightpearl, &CallError::Quota(QuotaDenied::used_up(retry_at)), 3);
        assert!(matches!(quota, Outcome::Again { when: When::At(at), firm: true, failed: false, .. } if at == retry_at));
        let throttled = of_refusal(Platform::Bigcommerce, &command(), &CallError::Throttled { retry_after: None }, 0);
        assert!(matches!(throttled, Outcome::Again { when: When::After(wait), firm: true, .. } if wait >= UNSAID_WAIT));
    }

    #[test]
    fn a_functional_refusal_of_a_write_waits_for_a_person_and_of_a_read_for_time() {
        let error = CallError::refused(400, "ORDC-006", "invalid order type");
        assert!(matches!(of_refusal(Platform::Brightpearl, &command(), &error, 0), Outcome::Held(holds) if holds[0].effect == Effect::Status));
        assert!(matches!(of_read_call(Platform::Brightpearl, &error, 0), Outcome::Again { failed: true, .. }));
    }

    #[test]
    fn a_refusal_that_repeats_a_persons_details_is_told_without_them() {
        let address = Address {
            first_name: "Mara".into(),
            last_name: "Lind".into(),
            street_1: "7 Quay St".into(),
            postcode: "BS1 4XX".into(),
            ..Address::default()
        };
        let contact =
            NewContact { email_hash: "ab".into(), address, price_list: None, lead_source: None, reference: None, found_by_reference: false };
        let command = Command::CreateContact(Box::new(contact));
        let error = CallError::refused(400, "CMNC-1", "Contact MARA lind of 7 Quay St, bs1 4xx: name is not valid");
        let shown = without_personal_data(&command, &error);
        assert!(shown.contains("is not valid") && shown.contains("(hidden)"), "{shown}");
        for word in ["mara", "lind", "quay", "bs1"] {
            assert!(!shown.to_lowercase().contains(word), "{shown}");
        }
    }

    #[test]
    fn a_refusal_of_somebodys_own_words_is_told_by_its_code_alone() {
        let value = FieldValue::Text("leave it with Ada".into());
        let field = FieldWrite { source: TextSource::CustomerMessage, code: "PCF_A".into(), value, digest: TextDigest("d1".into()) };
        let command = Command::SetOrderFields { sales_order: SalesOrderId(70001), fields: vec![field] };
        let error = CallError::refused(400, "ORDC-9", "Leave IT with ada is too long");
        let shown = format!("{} {} {command:?}", without_personal_data(&command, &error), command.describe());
        assert!(shown.contains("ORDC-9") && shown.contains("PCF_A") && !shown.to_lowercase().contains("ada"), "{shown}");
    }

    #[test]
    fn revoked_credentials_are_told_apart_from_everything_else() {
        assert_eq!(of_read_call(Platform::Brightpearl, &CallError::Unauthorised, 9), Outcome::Unauthorised(Platform::Brightpearl));
        assert!(matches!(of_read_call(Platform::Brightpearl, &CallError::not_sent("connection refused"), 9), Outcome::Again { failed: true, .. }));
    }

    #[test]
    fn a_failed_read_tells_what_others_would_meet_too() {
        let met = |error: &CallError| of_read_call(Platform::Bigcommerce, error, 1).met();
        let away = CallError::no_answer(503, "status 503 and a page instead of an answer");
        assert_eq!(met(&away), Some(Met::Failure(Platform::Bigcommerce, FailureClass::Status(503))));
        let (until, own) = (Timestamp::UNIX_EPOCH, CallError::NotFound);
        assert_eq!(met(&CallError::Quota(QuotaDenied::left_alone(until))), Some(Met::LeftAlone(Platform::Bigcommerce)));
        assert_eq!(met(&CallError::Quota(QuotaDenied::used_up(until))), None);
        assert_eq!(met(&own), None);
    }
}
