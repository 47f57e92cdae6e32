//! Why something differs, as far as it is remembered.

use orderbridge_schema::decision::Effect;

use super::OrderBooks;

/// It is about to be done.
pub(super) const WAITING: &str = "waiting";
/// Tries after which what is still to be done counts as a difference: it does not go by itself.
const TRIES_MAX: u32 = 3;

/// A cause for machines, and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) cause: String,
    pub(super) why: String,
}

impl Reason {
    pub(super) fn new(cause: &str, why: impl Into<String>) -> Self {
        Self { cause: cause.to_owned(), why: why.into() }
    }
}

/// What keeps an effect from being done; none if nothing that is remembered does.
pub(super) fn remembered(books: &OrderBooks, concerns: impl Fn(Effect) -> bool) -> Option<Reason> {
    let held = books.holds.iter().find(|hold| concerns(hold.effect));
    if let Some(hold) = held {
        return Some(Reason { cause: format!("held:{}", shown(&hold.cause)), why: hold.why.clone() });
    }
    if books.in_doubt {
        return Some(Reason::new("in-doubt", "a call about the order has no known outcome yet; it is looked up and settled by itself"));
    }
    match books.due {
        Some(tries) if tries > TRIES_MAX => {
            Some(Reason::new("failing", format!("its work was tried {tries} times and fails: `orderbridge work show` says why")))
        }
        Some(_) => Some(Reason::new(WAITING, "its work is due and will be done")),
        None => None,
    }
}

/// Like [`remembered`], or that nothing is.
pub(super) fn of(books: &OrderBooks, concerns: impl Fn(Effect) -> bool, otherwise: &str) -> Reason {
    remembered(books, concerns).unwrap_or_else(|| Reason::new("unknown", otherwise))
}

/// What a cause is about may stand for a person.
fn shown(cause: &str) -> &str {
    match cause.split_once(':') {
        Some((kind @ "contact-not-customer", _)) => kind,
        _ => cause,
    }
}
