//! The platforms' lists as far as they were read.

use super::{RuleProblem, Rules};
use crate::ids::Platform;
use crate::reference::{AccountReference, Reference, StoreReference};

/// The lists of both platforms as far as they were ever read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownLists {
    /// The account's.
    pub account: Option<AccountReference>,
    /// The store's.
    pub store: Option<StoreReference>,
}

impl KnownLists {
    /// [`Rules::unknown`], as far as these lists can tell.
    #[must_use]
    pub fn unknown(&self, rules: &Rules) -> Vec<RuleProblem> {
        let platforms = [self.store.as_ref().map(|_| Platform::Bigcommerce), self.account.as_ref().map(|_| Platform::Brightpearl)];
        rules.unknown_of(&self.all(), &platforms.into_iter().flatten().collect::<Vec<_>>())
    }

    /// What the store has that we refuse; see [`StoreReference::currency_problems`].
    #[must_use]
    pub fn refused(&self) -> Vec<RuleProblem> {
        self.store.as_ref().map(StoreReference::currency_problems).unwrap_or_default()
    }

    /// Both, with empty lists for those that were never read: for names, not for checks.
    #[must_use]
    pub fn all(&self) -> Reference {
        Reference { account: self.account.clone().unwrap_or_default(), store: self.store.clone().unwrap_or_default() }
    }

    /// Whether both sides were read.
    #[must_use]
    pub const fn are_complete(&self) -> bool {
        self.account.is_some() && self.store.is_some()
    }
}
