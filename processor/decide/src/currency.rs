//! Currencies whose amounts cannot be kept in Brightpearl to the minor unit.

use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::reference::Reference;
use orderbridge_schema::rules::DECIMALS_MAX;

/// Why orders in a currency wait, if they do: the store says how many decimals its currencies have (BC §g).
pub(crate) fn refused_currency(reference: &Reference, code: &str) -> Option<Hold> {
    let decimals = reference.store.currencies.iter().find(|currency| currency.code == code)?.decimals;
    (decimals > DECIMALS_MAX).then(|| Hold {
        effect: Effect::Creation,
        cause: Cause::CurrencyDecimals(code.to_owned()),
        why: format!("the order is in {code}, which has {decimals} decimals; no more than {DECIMALS_MAX} can be kept to the minor unit"),
        remedy: format!("enter it in Brightpearl by hand, and take {code} from the currencies that shoppers can pay in"),
    })
}
