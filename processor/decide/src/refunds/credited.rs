//! A refund of what was shipped or invoiced: a sales credit that is linked to the sales order, and the money on it.

use orderbridge_schema::command::{Command, NewRow, NewSalesCredit};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::facts::SalesOrder;
use orderbridge_schema::money;
use orderbridge_schema::refund::RefundMark;
use rust_decimal::prelude::ToPrimitive;

use super::plan::{Returned, returned};
use super::rows::{Amount, extra_row};
use super::{Case, FREE_TEXT, commands, held, paid, restocked, sales_order, unclear};
use crate::facts::{Ask, Need, known};

/// The next step; nothing if all of it is done.
pub(super) fn step(case: &Case<'_>, mark: &RefundMark) -> Ask<Decision> {
    let Some(credit) = mark.credit else {
        let sales_order = match sales_order(case)? {
            Ok(sales_order) => sales_order,
            Err(hold) => return Ok(held(*hold)),
        };
        return Ok(match new_credit(case, sales_order) {
            Ok(credit) => commands(vec![Command::CreateSalesCredit(Box::new(credit))]),
            Err(hold) => held(*hold),
        });
    };
    let Some(made) = known(case.facts.sales_orders.get(&credit), Need::SalesOrder(credit))? else {
        return Ok(held(*unclear(case.refund, &format!("its sales credit {credit} is not in Brightpearl any more"))));
    };
    if let Some(hold) = differs(case, made) {
        return Ok(held(hold));
    }
    let paid = paid::back(case, credit);
    if !paid.commands.is_empty() {
        return Ok(paid);
    }
    let received = restocked::step(case, mark, made)?;
    Ok(Decision { holds: paid.holds.into_iter().chain(received.holds).collect(), ..received })
}

/// The sales credit is read once, to be compared with the refund.
fn differs(case: &Case<'_>, made: &SalesOrder) -> Option<Hold> {
    let decimals = case.decimals();
    let wanted = (money::round(case.refund.total, decimals), money::round(case.refund.tax, decimals));
    let present = (money::round(made.total, decimals), money::round(made.tax, decimals));
    (wanted != present).then(|| Hold {
        effect: Effect::Refund,
        cause: Cause::RefundUnclear(case.refund.id),
        why: format!(
            "sales credit {} has the total {} with {} tax, refund {} has {} with {} tax",
            made.id,
            present.0.normalize(),
            present.1.normalize(),
            case.refund.id,
            wanted.0.normalize(),
            wanted.1.normalize()
        ),
        remedy: "compare the rows of the sales credit with the refund and correct the sales credit".into(),
    })
}

fn new_credit(case: &Case<'_>, sales_order: &SalesOrder) -> Result<NewSalesCredit, Box<Hold>> {
    let rules = case.ctx.rules;
    let contact = sales_order.contact;
    let contact = contact.ok_or_else(|| unclear(case.refund, &format!("sales order {} names no customer", sales_order.id)))?;
    Ok(NewSalesCredit {
        order: case.order.id,
        refund: case.refund.id,
        sales_order: sales_order.id,
        external_ref: NewSalesCredit::external_ref(case.ctx.store, case.refund.id),
        installation: case.ctx.installation,
        contact,
        refunded_at: case.refund.created_at,
        status: rules.payments.refunds.credit_status,
        channel: rules.payments.refunds.channel.or(sales_order.channel).or(rules.orders.channel),
        warehouse: sales_order.standing.warehouse.or(rules.orders.warehouse),
        price_mode: rules.orders.choices(case.order.channel, &case.order.currency).price_mode,
        currency: case.order.currency.clone(),
        decimals: case.decimals(),
        rate: case.facts.exchange_rate(sales_order.id),
        billing: case.order.billing.clone(),
        rows: credit_rows(case, sales_order)?,
    })
}

/// Rows whose sum is the refund's total and whose tax is its tax: the goods at what their rows cost, and one row for the rest.
fn credit_rows(case: &Case<'_>, sales_order: &SalesOrder) -> Result<Vec<NewRow>, Box<Hold>> {
    let returned = returned(case)?;
    let mut rest = Amount::of_refund(case);
    let mut rows = Vec::new();
    for returned in &returned {
        let (row, amount) = goods(case, sales_order, returned)?;
        rest = rest.minus(amount);
        rows.push(row);
    }
    if !rest.is_zero() {
        let extra = extra_row(case, sales_order, rest)?;
        rows.push(NewRow {
            external_ref: format!("bc-refund-{}", case.refund.id),
            product: None,
            name: extra.name,
            quantity: 1,
            net: extra.net,
            tax: extra.tax,
            tax_code: extra.tax_code,
            nominal_code: extra.nominal_code,
            line: None,
            details: Vec::new(),
        });
    }
    Ok(rows)
}

fn goods(case: &Case<'_>, sales_order: &SalesOrder, returned: &Returned<'_>) -> Result<(NewRow, Amount), Box<Hold>> {
    let Returned { link, pieces } = *returned;
    let row = sales_order.rows.iter().find(|row| row.id == link.row);
    let row = row.ok_or_else(|| unclear(case.refund, &format!("row {} is not on sales order {} any more", link.row, sales_order.id)))?;
    let of = row.quantity.to_u32().filter(|of| *of >= pieces);
    let of = of.ok_or_else(|| unclear(case.refund, &format!("row {} has fewer than {pieces} pieces", row.id)))?;
    let amount = Amount::of_row(row).share(pieces, of, case.decimals());
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let row = NewRow {
        external_ref: format!("bc-line-{}", link.line),
        product: Some(row.product).filter(|product| *product != FREE_TEXT),
        name: row.name.clone(),
        quantity: pieces,
        net: amount.net,
        tax: amount.tax,
        tax_code: row.tax_code.clone(),
        nominal_code: some(&row.nominal_code),
        line: None,
        details: Vec::new(),
    };
    Ok((row, amount))
}
