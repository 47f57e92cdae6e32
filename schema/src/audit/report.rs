//! What an audit says.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Window;
use crate::ids::{SalesOrderId, StoreOrderId, TenantId};
use crate::money::minor_decimals;

/// In what the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// A store order that should have a sales order has none.
    MissingInBrightpearl,
    /// A sales order carries an order's key or number and is not linked with it.
    SalesOrderNotLinked,
    /// The linked sales order is not in Brightpearl any more.
    SalesOrderGone,
    /// A further sales order stands for an order that has one.
    DoubledSalesOrder,
    /// The store has the sales order's order no more, or has archived it.
    StoreOrderGone,
    /// The two orders are in different currencies.
    CurrencyDiffers,
    /// The totals differ.
    TotalDiffers,
    /// The taxes in the totals differ.
    TaxDiffers,
    /// What was paid at the store is not booked.
    PaymentMissing,
    /// A payment is booked that the store knows nothing of.
    PaymentExtra,
    /// A payment is booked with another amount or currency.
    PaymentDiffers,
    /// What was paid back at the store is not booked.
    RefundMissing,
    /// Money is booked as paid back that the store knows nothing of.
    RefundExtra,
    /// A refund is booked with another amount or currency.
    RefundDiffers,
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::MissingInBrightpearl,
        Self::SalesOrderNotLinked,
        Self::SalesOrderGone,
        Self::DoubledSalesOrder,
        Self::StoreOrderGone,
        Self::CurrencyDiffers,
        Self::TotalDiffers,
        Self::TaxDiffers,
        Self::PaymentMissing,
        Self::PaymentExtra,
        Self::PaymentDiffers,
        Self::RefundMissing,
        Self::RefundExtra,
        Self::RefundDiffers,
    ];

    /// Its name in reports and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingInBrightpearl => "missing-in-brightpearl",
            Self::SalesOrderNotLinked => "sales-order-not-linked",
            Self::SalesOrderGone => "sales-order-gone",
            Self::DoubledSalesOrder => "doubled-sales-order",
            Self::StoreOrderGone => "store-order-gone",
            Self::CurrencyDiffers => "currency-differs",
            Self::TotalDiffers => "total-differs",
            Self::TaxDiffers => "tax-differs",
            Self::PaymentMissing => "payment-missing",
            Self::PaymentExtra => "payment-extra",
            Self::PaymentDiffers => "payment-differs",
            Self::RefundMissing => "refund-missing",
            Self::RefundExtra => "refund-extra",
            Self::RefundDiffers => "refund-differs",
        }
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount with as many decimals as its currency has, and more only if it has more.
fn written_out(amount: Decimal, currency: &str) -> Decimal {
    let mut amount = amount.normalize();
    let decimals = minor_decimals(currency);
    if amount.scale() < decimals {
        amount.rescale(decimals);
    }
    amount
}

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// How much.
    pub amount: Decimal,
    /// Of which currency, by its ISO code.
    pub currency: String,
}

impl Money {
    /// Gives the amount the decimals of its currency.
    pub fn written_out(&mut self) {
        self.amount = written_out(self.amount, &self.currency);
    }
}

/// Something in which the two sides differ, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// In what.
    pub kind: DifferenceKind,
    /// The store's order, if one is known.
    pub order: Option<StoreOrderId>,
    /// The sales order, if there is one.
    pub sales_order: Option<SalesOrderId>,
    /// The payment's or refund's key.
    pub reference: Option<String>,
    /// What the store has.
    pub store: Option<Money>,
    /// What Brightpearl has.
    pub brightpearl: Option<Money>,
    /// How much more the store has; none if the currencies differ.
    pub by: Option<Decimal>,
    /// Whether the order was placed in the window, so that it is part of the totals.
    pub counted: bool,
    /// Why, for machines: `held:…`, `in-doubt`, `waiting` and the like, or `unknown`.
    pub cause: String,
    /// Why, in plain words without personal data.
    pub why: String,
}

impl Difference {
    /// Gives the amounts the decimals of their currency.
    pub fn written_out(&mut self) {
        let sides = [&mut self.store, &mut self.brightpearl];
        sides.into_iter().flatten().for_each(Money::written_out);
        let currency = self.store.as_ref().or(self.brightpearl.as_ref()).map(|money| money.currency.clone()).unwrap_or_default();
        self.by = self.by.map(|by| written_out(by, &currency));
    }
}

/// An order without a sales order, and the money it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The store's order.
    pub order: StoreOrderId,
    /// Its total with tax.
    pub total: Money,
    /// Whether it was placed in the window, so that it is part of the totals.
    pub counted: bool,
    /// Why, for machines.
    pub cause: String,
    /// Why, in plain words without personal data.
    pub why: String,
}

/// How many, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How much together.
    pub total: Decimal,
}

impl Sum {
    /// Adds one. A sum too large for a decimal stays as it is, so that it shows.
    pub fn add(&mut self, amount: Decimal) {
        self.count = self.count.saturating_add(1);
        self.total = self.total.saturating_add(amount);
    }

    fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.total = self.total.saturating_add(other.total);
    }
}

/// The same of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sides {
    /// The store's.
    pub store: Sum,
    /// Brightpearl's.
    pub brightpearl: Sum,
}

/// The totals of one currency.
///
/// The store's orders less Brightpearl's are what is skipped, what waits, what was taken off for refunds, and what the differences of
/// counted orders say: nothing is left over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Book {
    /// Its ISO code.
    pub currency: String,
    /// Orders placed in the window, with tax.
    pub orders: Sides,
    /// Of these, those with tax, and the tax.
    pub tax: Sides,
    /// Money received in the window for orders that have a sales order.
    pub payments: Sides,
    /// Money given back in the window for orders that have a sales order.
    pub refunds: Sides,
    /// Orders placed in the window that wait for a person or a rule.
    pub held: Sum,
    /// Orders placed in the window that the rules leave alone.
    pub skipped: Sum,
    /// Orders placed in the window that are about to be sent.
    pub waiting: Sum,
    /// What refunds took off sales orders before anything was shipped.
    pub taken_off: Sum,
}

impl Book {
    /// An empty one.
    #[must_use]
    pub fn of(currency: &str) -> Self {
        Self { currency: currency.to_owned(), ..Self::default() }
    }

    /// Gives the amounts the decimals of the currency.
    pub fn written_out(&mut self) {
        let sides = [&mut self.orders, &mut self.tax, &mut self.payments, &mut self.refunds];
        let sums = sides.into_iter().flat_map(|sides| [&mut sides.store, &mut sides.brightpearl]);
        for sum in sums.chain([&mut self.held, &mut self.skipped, &mut self.waiting, &mut self.taken_off]) {
            sum.total = written_out(sum.total, &self.currency);
        }
    }

    /// Adds another of the same currency.
    pub fn merge(&mut self, other: &Self) {
        for (sides, more) in
            [(&mut self.orders, other.orders), (&mut self.tax, other.tax), (&mut self.payments, other.payments), (&mut self.refunds, other.refunds)]
        {
            sides.store.merge(more.store);
            sides.brightpearl.merge(more.brightpearl);
        }
        for (sum, more) in [
            (&mut self.held, other.held),
            (&mut self.skipped, other.skipped),
            (&mut self.waiting, other.waiting),
            (&mut self.taken_off, other.taken_off),
        ] {
            sum.merge(more);
        }
    }
}

/// The result of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Whose books.
    pub tenant: TenantId,
    /// Of which time.
    pub window: Window,
    /// The rules that it was judged by.
    pub rules_version: i64,
    /// Whether the rules have payments booked; if not, neither payments nor refunds are compared.
    pub payments_compared: bool,
    /// Totals by currency.
    pub books: Vec<Book>,
    /// In what the two sides differ.
    pub differences: Vec<Difference>,
    /// Orders that wait for a person or a rule. They are differences too.
    pub held: Vec<Standing>,
    /// Orders that the rules leave alone: no differences.
    pub skipped: Vec<Standing>,
    /// Differences that are about to go by themselves.
    pub waiting: Vec<Difference>,
    /// Orders that were compared.
    pub orders_compared: u64,
    /// Orders whose payment records were read at the store.
    pub transactions_read: u64,
    /// Held orders from before the window whose money is not told, because there are too many of them.
    pub held_left_out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_name_everywhere() {
        for kind in DifferenceKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn amounts_are_written_as_their_currency_is() {
        for (amount, currency, written) in [
            ("3", "GBP", "3.00"),
            ("3.0000", "GBP", "3.00"),
            ("17.4", "EUR", "17.40"),
            ("3.005", "GBP", "3.005"),
            ("500.00", "JPY", "500"),
            ("0", "GBP", "0.00"),
        ] {
            let mut money = Money { amount: amount.parse().unwrap(), currency: currency.into() };
            money.written_out();
            assert_eq!(money.amount.to_string(), written);
        }
        let mut largest = Money { amount: Decimal::MAX, currency: "GBP".into() };
        largest.written_out();
        assert_eq!(largest.amount, Decimal::MAX);
    }
}
