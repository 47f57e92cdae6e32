//! Compares the two platforms' own state: each store order with its sales order, its money and its goods.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::judge_shipments;
use crate::sim::{Sim, Trouble, amount, int, items, text};
use crate::state::Tenant;

/// Status of a wholly shipped order, at the store and in Brightpearl, as the tenants' files map them.
const SHIPPED: (i64, i64) = (2, 21);

/// What was found of one or more tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Store orders.
    pub orders: usize,
    /// Store orders that have a sales order.
    pub sales_orders: usize,
    /// Sales orders, shipments and contacts beyond the first of their kind.
    pub duplicates: usize,
    /// Shipped notes.
    pub shipments_expected: usize,
    /// Shipments at the stores.
    pub shipments: usize,
    /// Sales orders whose total or tax differs from the store's.
    pub wrong_totals: usize,
    /// All that is not as it must be, in plain words.
    pub problems: Vec<String>,
}

impl Verdict {
    /// Adds what was found of another tenant.
    pub fn add(&mut self, other: Self) {
        self.orders += other.orders;
        self.sales_orders += other.sales_orders;
        self.duplicates += other.duplicates;
        self.shipments_expected += other.shipments_expected;
        self.shipments += other.shipments;
        self.wrong_totals += other.wrong_totals;
        self.problems.extend(other.problems);
    }
}

/// The state of one tenant's platforms, as their control APIs show it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The store's orders with all that belongs to them.
    pub orders: Vec<Value>,
    /// The account's orders.
    pub sales_orders: Vec<Value>,
    /// The account's goods-out notes.
    pub notes: Vec<Value>,
    /// The account's contacts.
    pub contacts: Vec<Value>,
}

impl Seen {
    /// Reads it.
    pub async fn read(stores: &Sim, accounts: &Sim, tenant: &Tenant) -> Result<Self, Trouble> {
        let list = |value: &Value, pointer: &str| items(value, pointer).to_vec();
        let account = &tenant.account;
        Ok(Self {
            orders: list(&stores.get(&format!("stores/{}/orders", tenant.store)).await?, ""),
            sales_orders: list(&accounts.get(&format!("accounts/{account}/orders")).await?, "/orders"),
            notes: list(&accounts.get(&format!("accounts/{account}/goods-out")).await?, "/goods-out"),
            contacts: list(&accounts.get(&format!("accounts/{account}/contacts")).await?, "/contacts"),
        })
    }
}

/// Judges one tenant.
pub fn judge(tenant: &Tenant, seen: &Seen) -> Verdict {
    let mut verdict = Verdict { orders: seen.orders.len(), ..Verdict::default() };
    let mut made: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for sales_order in &seen.sales_orders {
        made.entry(text(sales_order, "/externalRef")).or_default().push(sales_order);
    }
    for order in &seen.orders {
        let id = int(order, "/id").unwrap_or_default();
        let found = made.remove(tenant.external_ref(id).as_str()).unwrap_or_default();
        let mut problems = Vec::new();
        match found.as_slice() {
            [] => problems.push("has no sales order".to_owned()),
            [sales_order, more @ ..] => {
                verdict.sales_orders += 1;
                verdict.duplicates += more.len();
                if !more.is_empty() {
                    problems.push(format!("has {} sales orders", found.len()));
                }
                if !same_money(order, sales_order, &mut problems) {
                    verdict.wrong_totals += 1;
                }
                compare(order, sales_order, &seen.contacts, &mut problems);
                judge_shipments::judge(order, sales_order, &seen.notes, &mut verdict, &mut problems);
            }
        }
        verdict.problems.extend(problems.into_iter().map(|problem| format!("{}: order {id} {problem}", tenant.id)));
    }
    let strays = made.into_values().flatten().map(|stray| int(stray, "/id").unwrap_or_default());
    verdict.problems.extend(strays.map(|stray| format!("{}: sales order {stray} belongs to no store order", tenant.id)));
    same_contacts(tenant, seen, &mut verdict);
    verdict
}

/// Total and tax, to the cent.
fn same_money(order: &Value, sales_order: &Value, problems: &mut Vec<String>) -> bool {
    let mut same = true;
    for (what, at_store, in_account) in [("total", "/total_inc_tax", "/totalValue/total"), ("tax", "/total_tax", "/totalValue/taxAmount")] {
        let (wanted, found) = (amount(order, at_store), amount(sales_order, in_account));
        if wanted.is_none() || wanted != found {
            let show = |amount: Option<Decimal>| amount.map_or_else(|| "nothing".to_owned(), |amount| format!("{amount:.2}"));
            problems.push(format!("has a {what} of {} at the store and {} in its sales order", show(wanted), show(found)));
            same = false;
        }
    }
    same
}

/// Pieces by SKU; lines without one (delivery, discounts) do not count.
fn pieces<'a>(rows: impl Iterator<Item = (&'a str, Option<Decimal>)>) -> BTreeMap<&'a str, Decimal> {
    let mut all = BTreeMap::new();
    for (sku, quantity) in rows.filter(|(sku, _)| !sku.is_empty()) {
        *all.entry(sku).or_insert(Decimal::ZERO) += quantity.unwrap_or_default();
    }
    all
}

fn compare(order: &Value, sales_order: &Value, contacts: &[Value], problems: &mut Vec<String>) {
    let id = int(sales_order, "/id").unwrap_or_default();
    let rows = sales_order.pointer("/orderRows").and_then(Value::as_object).into_iter().flat_map(|rows| rows.values());
    let in_account = pieces(rows.map(|row| (text(row, "/productSku"), amount(row, "/quantity/magnitude"))));
    let at_store = pieces(items(order, "/products").iter().map(|line| (text(line, "/sku"), amount(line, "/quantity"))));
    if in_account != at_store {
        problems.push(format!("and its sales order {id} hold different goods"));
    }
    let number = int(order, "/id").unwrap_or_default().to_string();
    if text(sales_order, "/reference") != number {
        problems.push(format!("is called {:?} in its sales order {id}", text(sales_order, "/reference")));
    }
    if text(order, "/external_order_id") != format!("BP-{id}") {
        problems.push(format!("does not name its sales order {id}, but {:?}", text(order, "/external_order_id")));
    }
    let contact = int(sales_order, "/parties/customer/contactId");
    let contact = contacts.iter().find(|one| int(one, "/contactId") == contact);
    if contact.map(email) != Some(text(order, "/billing_address/email").to_lowercase()) {
        problems.push(format!("belongs to somebody else in its sales order {id}"));
    }
    if int(order, "/items_shipped") == int(order, "/items_total") {
        let found = (int(order, "/status_id").unwrap_or_default(), int(sales_order, "/orderStatus/orderStatusId").unwrap_or_default());
        if found != SHIPPED {
            problems.push(format!("is shipped, but has status {} at the store and {} in its sales order", found.0, found.1));
        }
    }
}

fn email(contact: &Value) -> String {
    text(contact, "/communication/emails/PRI/email").to_lowercase()
}

/// One contact per e-mail address.
fn same_contacts(tenant: &Tenant, seen: &Seen, verdict: &mut Verdict) {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for contact in &seen.contacts {
        *count.entry(email(contact)).or_default() += 1;
    }
    for (_, more) in count.into_iter().filter(|(email, more)| *more > 1 && !email.is_empty()) {
        verdict.duplicates += more - 1;
        verdict.problems.push(format!("{}: one e-mail address has {more} contacts", tenant.id));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn tenant() -> Tenant {
        let none = Vec::new;
        Tenant {
            id: "acme".into(),
            store: "s1".into(),
            account: "a1".into(),
            currency: "GBP".into(),
            skus: Vec::new(),
            customers: none(),
            places: Vec::new(),
            deliveries: Vec::new(),
            carriers: Vec::new(),
        }
    }

    /// One order of three mugs, its sales order, and one shipped note with its shipment.
    pub(crate) fn seen() -> Seen {
        Seen {
            orders: vec![json!({
                "id": 7, "total_inc_tax": "36.0000", "total_tax": "6.0000", "external_order_id": "BP-70001", "status_id": 2,
                "items_total": 3, "items_shipped": 3, "billing_address": { "email": "Ann@example.com" },
                "products": [{ "id": 41, "sku": "MUG", "quantity": 3, "quantity_shipped": 3 }],
                "shipments": [{ "id": 6, "comments": "GON-4101", "tracking_number": "RM1", "items": [{ "order_product_id": 41, "quantity": 3 }] }],
            })],
            sales_orders: vec![json!({
                "id": 70001, "externalRef": "bc-s1-7", "reference": "7", "totalValue": { "total": "36.00", "taxAmount": "6.00" },
                "orderStatus": { "orderStatusId": 21 }, "parties": { "customer": { "contactId": 5 } },
                "orderRows": {
                    "81": { "productSku": "MUG", "quantity": { "magnitude": "3.0000" } },
                    "82": { "quantity": { "magnitude": "1.0000" } },
                },
            })],
            notes: vec![json!({
                "id": 4101, "orderId": 70001, "status": { "shipped": true }, "shipping": { "reference": "RM1" },
                "orderRows": { "81": [{ "productId": 5001, "quantity": 2 }, { "productId": 5001, "quantity": 1 }] },
            })],
            contacts: vec![json!({ "contactId": 5, "communication": { "emails": { "PRI": { "email": "ann@example.com" } } } })],
        }
    }

    #[test]
    fn an_order_that_is_the_same_on_both_sides_has_no_problem() {
        let verdict = judge(&tenant(), &seen());
        let fine = Verdict { orders: 1, sales_orders: 1, shipments_expected: 1, shipments: 1, ..Verdict::default() };
        assert_eq!(verdict, fine);
    }

    #[test]
    fn a_cent_too_much_a_missing_and_a_second_sales_order_are_found() {
        let mut cent = seen();
        cent.sales_orders[0]["totalValue"]["total"] = json!("36.01");
        assert_eq!(judge(&tenant(), &cent).wrong_totals, 1);
        let mut tax = seen();
        tax.sales_orders[0]["totalValue"]["taxAmount"] = json!("5.99");
        assert_eq!(judge(&tenant(), &tax).wrong_totals, 1);
        let mut missing = seen();
        missing.sales_orders.clear();
        let verdict = judge(&tenant(), &missing);
        assert_eq!((verdict.sales_orders, verdict.problems.len()), (0, 1));
        let mut twice = seen();
        let second = twice.sales_orders[0].clone();
        twice.sales_orders.push(second);
        assert_eq!(judge(&tenant(), &twice).duplicates, 1);
    }

    #[test]
    fn foreign_sales_orders_other_goods_and_second_contacts_are_found() {
        type Spoil = fn(&mut Seen);
        let spoils: [(&str, Spoil); 5] = [
            ("belongs to no store order", |seen| {
                let mut stray = seen.sales_orders[0].clone();
                stray["externalRef"] = json!(null);
                seen.sales_orders.push(stray);
            }),
            ("different goods", |seen| seen.sales_orders[0]["orderRows"]["81"]["quantity"]["magnitude"] = json!("2.0000")),
            ("does not name its sales order", |seen| seen.orders[0]["external_order_id"] = json!("")),
            ("somebody else", |seen| seen.contacts[0]["communication"]["emails"]["PRI"]["email"] = json!("bob@example.com")),
            ("has status 3", |seen| seen.orders[0]["status_id"] = json!(3)),
        ];
        for (expected, spoil) in spoils {
            let mut seen = seen();
            spoil(&mut seen);
            let problems = judge(&tenant(), &seen).problems;
            assert!(problems.len() == 1 && problems[0].contains(expected), "{expected}: {problems:?}");
        }
    }
}
