//! Currencies: the minor unit of an order's amounts, and the rate between its currency and the one Brightpearl keeps its books in.

use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::money;
use orderbridge_schema::reference::StoreReference;
use orderbridge_schema::rules::RateDirection;
use rust_decimal::Decimal;

use crate::facts::Context;

/// Most decimals of a rate (BP §i.1).
const RATE_DECIMALS: u32 = 6;

/// Decimals of an order's amounts: the store's own list says, else the currency itself. A list with fewer than the order's total has is
/// about how prices are shown, not about what was paid.
pub(crate) fn decimals(order: &StoreOrder, store: &StoreReference) -> u32 {
    let usual = money::minor_decimals(&order.currency);
    let listed = store.currencies.iter().find(|currency| currency.code.eq_ignore_ascii_case(&order.currency)).map(|currency| currency.decimals);
    let is_whole = |decimals: u32| [order.total, order.tax].iter().all(|amount| amount.normalize().scale() <= decimals);
    listed.filter(|listed| *listed >= usual || is_whole(*listed)).unwrap_or(usual)
}

/// Why a sales order cannot hold amounts of this order's currency.
pub(crate) fn unsuitable(order: &StoreOrder, store: &StoreReference) -> Option<Hold> {
    let decimals = decimals(order, store);
    (decimals > money::DECIMALS_MAX).then(|| Hold {
        effect: Effect::Creation,
        cause: Cause::CurrencyDecimals(order.currency.clone()),
        why: format!("amounts in {} have {decimals} decimals, and Brightpearl adds up totals with {}", order.currency, money::DECIMALS_MAX),
        remedy: "enter the order in Brightpearl by hand; orders in this currency cannot be carried over".into(),
    })
}

/// The rate that the sales order and its payments carry, in Brightpearl's own direction: 1 in the base currency; the store's where the
/// store's default currency is that base; else Brightpearl's own.
pub(crate) fn exchange_rate(ctx: &Context<'_>, order: &StoreOrder) -> Result<Decimal, Hold> {
    let account = &ctx.reference.account;
    let currency = order.currency.as_str();
    let Some(base) = account.base_currency() else { return Err(no_rate(currency, "the account does not tell its base currency")) };
    if currency.eq_ignore_ascii_case(base) {
        return Ok(Decimal::ONE);
    }
    let listed = account.currencies.iter().find(|listed| listed.code.eq_ignore_ascii_case(currency));
    let brightpearls = listed.and_then(|listed| listed.rate);
    let default = if order.store_currency.trim().is_empty() { ctx.reference.store.currency.trim() } else { order.store_currency.trim() };
    // Between two currencies a rate of exactly 1 is what stores write that know none (BC §d.2).
    let stores = order.store_rate.filter(|rate| default.eq_ignore_ascii_case(base) && *rate != Decimal::ONE);
    let stores = stores.and_then(|rate| match ctx.rules.taxes_and_accounts.store_rate {
        RateDirection::Direct => Some(rate),
        RateDirection::Inverse => Decimal::ONE.checked_div(rate),
    });
    if stores.zip(brightpearls).is_some_and(|(stores, brightpearls)| is_wrong_way_round(stores, brightpearls)) {
        return Err(wrong_way_round(currency));
    }
    let rate = stores.or(brightpearls).map(|rate| money::round(rate, RATE_DECIMALS)).filter(|rate| *rate > Decimal::ZERO);
    rate.ok_or_else(|| no_rate(currency, "neither the store nor Brightpearl has a rate for it"))
}

/// Whether one divided by a rate is clearly nearer to what Brightpearl has than the rate itself: by a quarter at least, so that no rate
/// that is merely old is taken for one that is upside down.
fn is_wrong_way_round(stores: Decimal, brightpearls: Decimal) -> bool {
    let apart = |rate: Decimal| {
        let ratio = rate.checked_div(brightpearls)?;
        if ratio >= Decimal::ONE { Some(ratio) } else { Decimal::ONE.checked_div(ratio) }
    };
    let inverse = Decimal::ONE.checked_div(stores).and_then(apart).and_then(|inverse| inverse.checked_mul(Decimal::new(125, 2)));
    apart(stores).zip(inverse).is_some_and(|(direct, inverse)| direct > inverse)
}

fn no_rate(currency: &str, why: &str) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::NoExchangeRate(currency.to_owned()),
        why: format!("no exchange rate is known for an order in {currency}: {why}"),
        remedy: format!("give {currency} an exchange rate in Brightpearl; lists are read again daily"),
    }
}

fn wrong_way_round(currency: &str) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::ExchangeRateDirection(currency.to_owned()),
        why: format!("the store's exchange rate for {currency} is the other way round than Brightpearl's"),
        remedy: "turn it round in the tenant's settings (taxes_and_accounts.store_rate), or correct the currency's rate in Brightpearl".into(),
    }
}
