//! Parts with their amounts as rows of a sales order.

use std::collections::BTreeMap;

use orderbridge_schema::command::NewRow;
use orderbridge_schema::decision::Hold;
use orderbridge_schema::reference::AccountReference;
use orderbridge_schema::rules::{Discounts, TaxesAndAccounts};

use super::codes::{nominal_code, rounding_tax_code, tax_code};
use super::parts::{Kind, Part};
use super::rated::Rated;
use super::settled::{Amount, Settled, split};
use super::{NoRows, ROUNDING};

/// What rows are written by.
pub(super) struct Desk<'a> {
    pub rules: &'a TaxesAndAccounts,
    pub account: &'a AccountReference,
    pub country: &'a str,
    pub decimals: u32,
}

/// The rows, discounts of their own behind them, rounding last. All missing codes are named at once.
pub(super) fn rows(desk: &Desk<'_>, parts: Vec<Part>, settled: Settled) -> Result<Vec<NewRow>, NoRows> {
    let mut rows = Vec::with_capacity(parts.len());
    let mut holds: Vec<Hold> = Vec::new();
    let mut discounts: BTreeMap<String, Amount> = BTreeMap::new();
    for ((part, amount), rated) in parts.into_iter().zip(settled.amounts).zip(&settled.rated) {
        let apart = if desk.rules.discounts == Discounts::OwnRows { split(&part, amount, desk.decimals) } else { None };
        let (own, off) = apart.unwrap_or((amount, Amount::default()));
        match desk.row(part, own, rated) {
            Ok(row) => {
                if off != Amount::default() {
                    add(discounts.entry(row.tax_code.clone()).or_default(), off);
                }
                rows.push(row);
            }
            Err(hold) => holds.push(hold),
        }
    }
    for (code, amount) in discounts.into_iter().filter(|(_, amount)| *amount != Amount::default()) {
        push(desk.single(format!("bc-discount-{code}"), "Discount", Kind::Discount, amount, code), &mut rows, &mut holds);
    }
    if settled.residual != Amount::default() {
        push(desk.rounding(settled.residual, &rows), &mut rows, &mut holds);
    }
    holds.sort_by_key(|hold| hold.cause.key());
    holds.dedup();
    if holds.is_empty() { Ok(rows) } else { Err(NoRows::Held(holds)) }
}

/// Amounts of rows are far below what overflows: that was proved when they were settled.
fn add(sum: &mut Amount, more: Amount) {
    sum.net = sum.net.saturating_add(more.net);
    sum.tax = sum.tax.saturating_add(more.tax);
}

fn push(row: Result<NewRow, Hold>, rows: &mut Vec<NewRow>, holds: &mut Vec<Hold>) {
    match row {
        Ok(row) => rows.push(row),
        Err(hold) => holds.push(hold),
    }
}

impl Desk<'_> {
    fn row(&self, part: Part, amount: Amount, rated: &Rated) -> Result<NewRow, Hold> {
        Ok(NewRow {
            tax_code: tax_code(self.rules, rated, self.country)?.to_owned(),
            nominal_code: nominal_code(self.rules, self.account, part.kind)?,
            external_ref: part.reference,
            product: part.product,
            name: part.name.name,
            quantity: part.quantity,
            net: amount.net,
            tax: amount.tax,
            line: part.line,
            details: part.name.details,
        })
    }

    fn single(&self, external_ref: String, name: &str, kind: Kind, amount: Amount, tax_code: String) -> Result<NewRow, Hold> {
        Ok(NewRow {
            external_ref,
            product: None,
            name: name.to_owned(),
            quantity: 1,
            net: amount.net,
            tax: amount.tax,
            tax_code,
            nominal_code: nominal_code(self.rules, self.account, kind)?,
            line: None,
            details: Vec::new(),
        })
    }

    /// The one row for what is unexplained. It has the tax code of the side it corrects: that of the row with the most tax if tax is
    /// missing, else the one of what is not taxed.
    fn rounding(&self, residual: Amount, rows: &[NewRow]) -> Result<NewRow, Hold> {
        let taxed = rows.iter().filter(|row| !row.tax.is_zero()).reduce(|most, row| if row.tax.abs() > most.tax.abs() { row } else { most });
        let code = match taxed.filter(|_| !residual.tax.is_zero()) {
            Some(row) => row.tax_code.clone(),
            None => rounding_tax_code(self.rules, !residual.tax.is_zero(), self.country)?.to_owned(),
        };
        self.single(ROUNDING.to_owned(), "Rounding", Kind::Rounding, residual, code)
    }
}
