//! Checking and building orders and rows, field by field (BP §e.2).

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::account::{Account, IdKind};
use super::call::Actor;
use super::contact::{Address, Contact};
use super::json::{array, decimal, flag, instant, int, object, round, text};
use super::lists::Lists;
use super::order::{Invoice, Order, Row};
use super::product::{FREE_TEXT, is_gross};
use super::reply::Refusal;
use super::switches::Switches;

fn refuse(message: impl Into<String>) -> Refusal {
    Refusal::bad("ORDC-999", message)
}

/// An id that must be in a list; 0 means none.
fn listed(list: &[Value], key: &str, what: &str, id: Option<i64>) -> Result<Option<i64>, Refusal> {
    match id {
        Some(id) if !Lists::has(list, key, id) => Err(refuse(format!("{what} {id} does not exist"))),
        _ => Ok(id),
    }
}

/// A customer: exists and is neither staff nor supplier (BP §f).
///
/// # Errors
/// 400 with the texts of BP §a.4.
pub fn customer(account: &Account, id: Option<i64>) -> Result<&Contact, Refusal> {
    let id = id.ok_or_else(|| refuse("customer.id is required"))?;
    let contact = account.contacts.get(&id).ok_or_else(|| refuse("You have provided an invalid contact ID"))?;
    if contact.is_staff || contact.is_supplier {
        return Err(refuse(format!("Contact not a customer with contact ID {id}")));
    }
    Ok(contact)
}

/// A text of limited length.
///
/// # Errors
/// 400 for a longer one.
pub fn short(value: Option<String>, field: &str, max: usize) -> Result<Option<String>, Refusal> {
    match value {
        Some(value) if value.chars().count() > max => Err(refuse(format!("{field} must not be longer than {max} characters"))),
        other => Ok(other),
    }
}

/// A status that exists, is visible and belongs to the type (BP §e.5).
///
/// # Errors
/// 400 otherwise.
pub fn status(account: &Account, kind: &str, id: i64) -> Result<i64, Refusal> {
    let entry = account.lists.status(id).ok_or_else(|| refuse(format!("Order status {id} does not exist")))?;
    let fits = entry.get("orderTypeCode").and_then(Value::as_str) == Some(kind);
    let usable = entry.get("disabled").and_then(Value::as_bool) != Some(true) && entry.get("visible").and_then(Value::as_bool) != Some(false);
    if fits && usable { Ok(id) } else { Err(refuse(format!("Order status {id} cannot be used for an order of type {kind}"))) }
}

/// The status new orders of a type get.
pub fn new_status(account: &Account, kind: &str) -> i64 {
    account.lists.config_id(match kind {
        "SO" => "newSalesOrderStatusId",
        "SC" => "newSalesCreditStatusId",
        "PO" => "newPurchaseOrderStatusId",
        _ => "newPurchaseCreditStatusId",
    })
}

fn party(value: &Value, path: &str, contact: &Contact, account: &Account, role: &str) -> Result<Address, Refusal> {
    match object(value, path)? {
        Some(address) => Address::read(address, "ORDC-999"),
        None => Ok(contact.address(account, role)),
    }
}

/// Everything of a sales order or credit but its rows and ids.
///
/// # Errors
/// 400 or 500 for the first field that does not fit.
pub fn header(account: &Account, body: &Value, kind: &str, actor: Actor, now: Timestamp, switches: &Switches) -> Result<Order, Refusal> {
    let lists = &account.lists;
    let id = int(body, "customer.id")?.map_or_else(|| int(body, "customerId"), |id| Ok(Some(id)))?;
    let contact = customer(account, id)?;
    let billing_id = int(body, "billing.contactId")?.unwrap_or(contact.id);
    let billing = account.contacts.get(&billing_id).ok_or_else(|| refuse("You have provided an invalid contact ID"))?;
    let price_list =
        listed(&lists.price_lists, "id", "Price list", int(body, "priceListId")?)?.unwrap_or_else(|| contact.financial_id("priceListId"));
    let mode = price_mode(account, body, price_list)?;
    let currency = text(body, "currency.code")?.unwrap_or_else(|| account.base_currency.clone());
    let (exchange_rate, fixed_rate) = rate(account, body, "currency", &currency, switches)?;
    let parent_id = parent(account, int(body, "parentId")?)?;
    let instance = instance(account, body)?;
    let status_id = match int(body, "statusId")? {
        Some(id) => status(account, kind, id)?,
        None => new_status(account, kind),
    };
    let mut order = Order {
        kind: kind.to_owned(),
        parent_id,
        reference: short(text(body, "ref")?, "ref", 64)?.unwrap_or_default(),
        external_ref: text(body, "externalRef")?.filter(|value| !value.is_empty()),
        instance,
        version: 1,
        status_id,
        placed_on: instant(body, "placedOn")?.unwrap_or(now),
        created_on: now,
        updated_on: now,
        created_by: actor.contact,
        price_list_id: price_list,
        price_mode: mode,
        delivery_date: instant(body, "delivery.date")?,
        shipping_method_id: listed(&lists.shipping_methods, "id", "Shipping method", int(body, "delivery.shippingMethodId")?)?.unwrap_or(0),
        invoice: Invoice { tax_date: Some(instant(body, "taxDate")?.unwrap_or(now)), ..Invoice::default() },
        currency,
        exchange_rate,
        fixed_rate,
        contact_id: contact.id,
        billing_contact_id: billing_id,
        customer_address: party(body, "customer.address", contact, account, "DEF")?,
        billing_address: party(body, "billing.address", billing, account, "BIL")?,
        delivery_address: party(body, "delivery.address", contact, account, "DEL")?,
        ..Order::default()
    };
    assign(account, body, contact, &mut order)?;
    Ok(order)
}

/// INC or EXC; without one the price list decides.
///
/// # Errors
/// 400 for anything else.
pub fn price_mode(account: &Account, body: &Value, price_list: i64) -> Result<String, Refusal> {
    match text(body, "priceModeCode")? {
        None => Ok(if is_gross(account, price_list) { "INC" } else { "EXC" }.to_owned()),
        Some(mode) if matches!(mode.as_str(), "INC" | "EXC") => Ok(mode),
        Some(mode) => Err(refuse(format!("{mode} is not a valid price mode"))),
    }
}

/// The order that an order belongs to; 0 means none.
///
/// # Errors
/// ORDC-003 if it does not exist.
pub fn parent(account: &Account, id: Option<i64>) -> Result<i64, Refusal> {
    let id = id.unwrap_or(0);
    if id != 0 && !account.orders.contains_key(&id) {
        return Err(Refusal::bad("ORDC-003", format!("Invalid order id {id}")));
    }
    Ok(id)
}

/// The installed integration instance that an order names.
///
/// # Errors
/// 400 if it does not exist.
pub fn instance(account: &Account, body: &Value) -> Result<Option<i64>, Refusal> {
    let instance = int(body, "installedIntegrationInstanceId")?;
    match instance {
        Some(id) if !account.installations.iter().any(|one| one.instance_id == id) => {
            Err(refuse(format!("Installed integration instance {id} does not exist")))
        }
        _ => Ok(instance),
    }
}

/// Channel, warehouse and the people an order is assigned to.
fn assign(account: &Account, body: &Value, contact: &Contact, order: &mut Order) -> Result<(), Refusal> {
    let lists = &account.lists;
    order.channel_id = listed(&lists.channels, "id", "Channel", int(body, "channelId")?)?.unwrap_or(0);
    order.lead_source_id = listed(&lists.lead_sources, "id", "Lead source", int(body, "leadSourceId")?)?
        .unwrap_or_else(|| int(&contact.assignment, "leadSourceId").ok().flatten().unwrap_or(0));
    order.project_id = listed(&lists.projects, "projectId", "Project", int(body, "projectId")?)?.unwrap_or(0);
    order.staff_owner_id = staff(account, int(body, "staffOwnerId")?)?;
    order.team_id = int(body, "teamId")?.unwrap_or(0);
    order.warehouse_id =
        listed(&lists.warehouses, "id", "Warehouse", int(body, "warehouseId")?)?.unwrap_or_else(|| lists.config_id("defaultWarehouseId"));
    Ok(())
}

/// A staff member; 0 means none.
///
/// # Errors
/// 400 for another contact.
pub fn staff(account: &Account, id: Option<i64>) -> Result<i64, Refusal> {
    let id = id.unwrap_or(0);
    if id != 0 && !account.contacts.get(&id).is_some_and(|contact| contact.is_staff) {
        return Err(refuse(format!("Staff owner {id} does not exist")));
    }
    Ok(id)
}

/// Exchange rate and whether it is fixed, from `{prefix}.exchangeRate` and `{prefix}.fixedExchangeRate`.
///
/// # Errors
/// 400 for an unknown currency or a rate of 0 or below.
pub fn rate(account: &Account, body: &Value, prefix: &str, currency: &str, switches: &Switches) -> Result<(Decimal, bool), Refusal> {
    if account.lists.currency(currency).is_none() {
        return Err(refuse(format!("Currency {currency} does not exist")));
    }
    let fixed = flag(body, &format!("{prefix}.fixedExchangeRate"))?.unwrap_or(false);
    let rate = decimal(body, &format!("{prefix}.exchangeRate"))?;
    if rate.is_some_and(|rate| rate <= Decimal::ZERO) {
        return Err(refuse("The exchange rate must be greater than 0"));
    }
    Ok((rate.map_or_else(|| account.lists.exchange_rate(currency, switches), |rate| round(rate, 6)), fixed))
}

/// An amount with at most so many decimals.
///
/// # Errors
/// 400 for more.
pub fn amount(value: &Value, path: &str, places: u32) -> Result<Option<Decimal>, Refusal> {
    let found = decimal(value, path)?;
    if found.is_some_and(|amount| amount.normalize().scale() > places) {
        return Err(refuse(format!("{path} must not have more than {places} decimal places")));
    }
    Ok(found)
}

/// Checks a quantity: above 0 (a switch lets others pass), whole for stock-tracked and bundle rows, else at most four decimals (BP §e.2, §m.2).
///
/// # Errors
/// ORDC-024.
pub fn quantity(value: &Value, path: &str, whole: bool, position: usize, switches: &Switches) -> Result<Decimal, Refusal> {
    let shown =
        super::json::at(value, path).map_or_else(|| "null".to_owned(), |found| found.as_str().map_or_else(|| found.to_string(), str::to_owned));
    let wrong = || Refusal::bad("ORDC-024", format!("Cannot update order row: invalid quantity: {shown} for row {position}"));
    let quantity = super::json::at(value, path).and_then(super::json::exact).ok_or_else(wrong)?;
    let places = if whole { 0 } else { 4 };
    let too_small = quantity <= Decimal::ZERO && switches.is("non_positive_quantity", "refused");
    if too_small || quantity.normalize().scale() > places { Err(wrong()) } else { Ok(quantity) }
}

/// Builds one flat row of a sales order (BP §e.2), without ids.
///
/// # Errors
/// 400 or 500 for the first field that does not fit.
pub fn flat_row(account: &Account, order: &Order, value: &Value, position: usize, switches: &Switches) -> Result<Row, Refusal> {
    let product_id = int(value, "productId")?.filter(|id| *id != 0 && *id != FREE_TEXT);
    let name = text(value, "name")?.filter(|name| !name.is_empty());
    let product = match product_id {
        Some(id) => Some(account.products.get(&id).ok_or_else(|| refuse(format!("Product {id} does not exist")))?),
        None => None,
    };
    let name = name.or_else(|| product.map(|product| product.name.clone()));
    let name = name.ok_or_else(|| Refusal::bad("ORDC-026", "Product name must be provided for a row without product"))?;
    let whole = product.is_some_and(|product| product.stock_tracked || product.is_bundle());
    let quantity = quantity(value, "quantity", whole, position, switches)?;
    let tax_code = text(value, "taxCode")?.or_else(|| product.map(|product| product.tax_code.clone())).unwrap_or_else(|| "-".to_owned());
    if account.lists.tax_code(&tax_code).is_none() {
        return Err(refuse(format!("Tax code {tax_code} does not exist")));
    }
    let price = product.and_then(|product| product.prices.get(&order.price_list_id)?.values().next().copied()).unwrap_or(Decimal::ZERO);
    let net = amount(value, "net", 4)?.unwrap_or_else(|| round(price * quantity, 4));
    let computed = row_tax(account, &tax_code, net);
    let tax = amount(value, "tax", 4)?.unwrap_or(computed);
    let nominal = text(value, "nominalCode")?.filter(|code| !code.is_empty());
    if let Some(code) = &nominal
        && !account.lists.has_nominal(code)
    {
        return Err(refuse(format!("Nominal code {code} does not exist")));
    }
    let nominal_code =
        nominal.or_else(|| product.map(|product| product.nominals[2].clone())).unwrap_or_else(|| account.lists.config("salesNominalCode"));
    Ok(Row {
        product_id: product_id.unwrap_or(FREE_TEXT),
        name,
        sku: product.map(|product| product.identity("sku").to_owned()).unwrap_or_default(),
        quantity,
        tax_calculator: if round(tax, 2) == round(computed, 2) { "brightpearl" } else { "manual" }.to_owned(),
        tax_code,
        net,
        tax,
        nominal_code,
        external_ref: text(value, "externalRef")?.filter(|value| !value.is_empty()),
        price: if price.is_zero() { round(net.checked_div(quantity).unwrap_or(net), 4) } else { price },
        cost: product.map_or(Decimal::ZERO, |product| product.cost),
        tracked: product.is_some_and(|product| product.stock_tracked && !product.is_bundle()),
        bundle_parent: product.is_some_and(super::product::Product::is_bundle),
        ..Row::default()
    })
}

/// The tax Brightpearl itself would compute for a net amount.
pub fn row_tax(account: &Account, tax_code: &str, net: Decimal) -> Decimal {
    round(net * account.lists.tax_rate(tax_code) / Decimal::ONE_HUNDRED, 2)
}

/// All rows of a body's `rows`.
///
/// # Errors
/// As [`flat_row`].
pub fn flat_rows(account: &Account, order: &Order, body: &Value, switches: &Switches) -> Result<Vec<(Option<i64>, Row)>, Refusal> {
    let mut rows = Vec::new();
    for (position, value) in array(body, "rows")?.iter().enumerate() {
        rows.push((int(value, "id")?, flat_row(account, order, value, position, switches)?));
    }
    Ok(rows)
}

/// Gives a row its id and sequence and puts it into an order; a bundle's components follow as rows of their own (BP §e.3).
pub fn insert_row(account: &mut Account, order: &mut Order, mut row: Row) -> i64 {
    row.id = account.next_id(IdKind::Row);
    row.sequence = order.next_sequence();
    let (parent, quantity, is_bundle) = (row.id, row.quantity, row.bundle_parent);
    let bundle = if is_bundle { account.products.get(&row.product_id).map(|product| product.components.clone()) } else { None };
    let tax_code = row.tax_code.clone();
    order.rows.insert(row.id, row);
    for (part, each) in bundle.unwrap_or_default() {
        let Some(product) = account.products.get(&part).cloned() else { continue };
        let child = Row {
            id: account.next_id(IdKind::Row),
            sequence: order.next_sequence(),
            product_id: part,
            sku: product.identity("sku").to_owned(),
            name: product.name.clone(),
            quantity: quantity * each,
            tax_code: tax_code.clone(),
            tax_calculator: "brightpearl".to_owned(),
            nominal_code: product.nominals[2].clone(),
            cost: product.cost,
            tracked: product.stock_tracked,
            bundle_child: true,
            parent_row: parent,
            ..Row::default()
        };
        order.rows.insert(child.id, child);
    }
    parent
}
