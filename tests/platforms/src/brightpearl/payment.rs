//! The accounting service: customer payments and lists (BP §i).

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::account::IdKind;
use super::call::Call;
use super::json::{at, decimal, fixed, instant, int, round, text};
use super::order_build::short;
use super::product_api::entries;
use super::reply::{Answer, Refusal, Reply};
use super::search::{self, Kind};
use super::search_columns::list_rows;
use super::switches::Switches;

/// One customer payment.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Its id.
    pub id: i64,
    /// Order or credit.
    pub order: i64,
    /// Method code; need not exist.
    pub method: String,
    /// AUTH, CAPTURE, RECEIPT, PAYMENT or VOID.
    pub kind: String,
    /// Currency.
    pub currency: String,
    /// Exchange rate.
    pub rate: Decimal,
    /// Unique with the method.
    pub transaction_ref: Option<String>,
    /// Links AUTH, CAPTURE and VOID.
    pub transaction_code: Option<String>,
    /// Amount paid.
    pub paid: Decimal,
    /// Amount authorised.
    pub authorized: Decimal,
    /// When an authorisation expires.
    pub expires: Option<Timestamp>,
    /// Payment date.
    pub date: Timestamp,
    /// Created.
    pub created_on: Timestamp,
    /// Journal, made only if the method has a bank account in the currency.
    pub journal: Option<i64>,
    /// Text on the journal, cut to 255 characters.
    pub journal_ref: Option<String>,
}

impl Payment {
    /// Whether money moves, unlike with an authorisation.
    fn moves(&self) -> bool {
        matches!(self.kind.as_str(), "RECEIPT" | "CAPTURE" | "PAYMENT")
    }

    /// What it adds to the money received for a sale, or paid out for a credit (BP §l.9).
    pub fn effect(&self, credit: bool, switches: &Switches) -> Decimal {
        let sign = if credit { -Decimal::ONE } else { Decimal::ONE };
        match self.kind.as_str() {
            "RECEIPT" | "CAPTURE" => self.paid * sign,
            "PAYMENT" => -self.paid * sign,
            "AUTH" if switches.is("auth_payment_status", "paid") => self.authorized * sign,
            _ => Decimal::ZERO,
        }
    }
}

fn refuse(message: impl Into<String>) -> Refusal {
    Refusal::bad("ACTC-999", message)
}

/// Handles a request to `accounting-service`.
pub fn handle(call: &mut Call<'_>) -> Answer {
    let segments = call.path.clone();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.clone().as_str(), path.as_slice()) {
        ("POST", ["customer-payment"]) => create(call),
        ("DELETE", ["customer-payment", id]) => delete(call, Call::id(id)?),
        ("GET", ["customer-payment-search"]) => search::answer(call, Kind::Payment, "customer-payment-search"),
        ("GET", ["customer-payment-search", "meta-data"]) => search::meta_data(Kind::Payment, "customer-payment-search"),
        ("GET", ["sale-payment-total", id]) => total(call, Call::id(id)?),
        ("GET", ["payment-method"]) => Reply::data(call.account.lists.payment_methods.clone()),
        ("GET", ["payment-method", ids]) => entries(&call.account.lists.payment_methods, "id", ids),
        ("GET", ["payment-method-search"]) => list_search(call, "payment-method-search"),
        ("GET", ["tax-code"]) => Reply::data(call.account.lists.tax_codes.clone()),
        ("GET", ["tax-code", ids]) => entries(&call.account.lists.tax_codes, "id", ids),
        ("GET", ["nominal-code"]) => Reply::data(call.account.lists.nominal_codes.clone()),
        ("GET", ["nominal-code", ids]) => nominal(call, ids),
        ("GET", ["nominal-code-search"]) => list_search(call, "nominal-code-search"),
        ("GET", ["currency-search"]) => list_search(call, "currency-search"),
        _ => Err(Refusal::unknown_path()),
    }
}

fn list_search(call: &Call<'_>, resource: &str) -> Answer {
    let currencies;
    let list = match resource {
        "payment-method-search" => &call.account.lists.payment_methods,
        "nominal-code-search" => &call.account.lists.nominal_codes,
        _ => {
            currencies = call.account.lists.shown_currencies(call.switches);
            &currencies
        }
    };
    search::answer_list(call, resource, &list_rows(resource, list))
}

fn nominal(call: &Call<'_>, codes: &str) -> Answer {
    let wanted: Vec<&str> = codes.split(',').collect();
    let has = |entry: &&Value| entry.get("code").and_then(Value::as_str).is_some_and(|code| wanted.contains(&code));
    let found: Vec<Value> = call.account.lists.nominal_codes.iter().filter(has).cloned().collect();
    if found.is_empty() { Err(Refusal::missing(format!("No nominal code found for {codes}"))) } else { Reply::data(found) }
}

/// Checks a payment field by field; id and journal are still missing.
fn checked(call: &Call<'_>, body: &Value) -> Result<Payment, Refusal> {
    let order = int(body, "orderId")?.ok_or_else(|| refuse("orderId is required"))?;
    let found =
        call.account.orders.get(&order).filter(|one| one.kind.starts_with('S')).ok_or_else(|| refuse(format!("Order {order} does not exist")))?;
    let rate = decimal(body, "exchangeRate")?.unwrap_or(found.exchange_rate);
    if rate <= Decimal::ZERO || rate.normalize().scale() > 6 {
        return Err(refuse("exchangeRate must be greater than 0 and have at most 6 decimal places"));
    }
    let required = |path: &str| text(body, path)?.filter(|value| !value.is_empty()).ok_or_else(|| refuse(format!("{path} is required")));
    let method = short(Some(required("paymentMethodCode")?), "paymentMethodCode", 36)?.unwrap_or_default();
    let kind = required("paymentType")?;
    if !["AUTH", "CAPTURE", "RECEIPT", "PAYMENT", "VOID"].contains(&kind.as_str()) {
        return Err(refuse(format!("{kind} is not a valid paymentType")));
    }
    let currency = required("currencyIsoCode")?;
    if call.account.lists.currency(&currency).is_none() {
        return Err(refuse(format!("Currency {currency} does not exist")));
    }
    let date = instant(body, "paymentDate")?.ok_or_else(|| refuse("paymentDate is required"))?;
    let expires = instant(body, "authorizationExpiry")?;
    if kind == "AUTH" && expires.is_none() {
        return Err(refuse("authorizationExpiry is required"));
    }
    let transaction_ref = short(text(body, "transactionRef")?, "transactionRef", 64)?.filter(|value| !value.is_empty());
    let transaction_code = short(text(body, "transactionCode")?, "transactionCode", 64)?.filter(|value| !value.is_empty());
    if let Some(reference) = &transaction_ref
        && call.account.payments.values().any(|one| one.transaction_ref.as_ref() == Some(reference) && one.method == method)
    {
        return Err(refuse(format!("A payment with transactionRef {reference} and method {method} already exists")));
    }
    let amount = |path: &str| decimal(body, path).map(|amount| round(amount.unwrap_or(Decimal::ZERO), 2));
    let (paid, authorized) = (amount("amountPaid")?, amount("amountAuthorized")?);
    let created_on = call.now;
    let journal_ref = text(body, "journalRef")?.map(|text| text.chars().take(255).collect());
    let journal = int(body, "journalId")?;
    if journal.is_some() && !call.account.payments.values().any(|one| one.journal == journal) {
        return Err(refuse("journalId does not exist"));
    }
    Ok(Payment {
        id: 0,
        order,
        method,
        kind,
        currency,
        rate,
        transaction_ref,
        transaction_code,
        paid,
        authorized,
        expires,
        date,
        created_on,
        journal,
        journal_ref,
    })
}

/// What nobody documents, each as its switch has it: closed orders, other currencies, overpayment, methods without bank account (BP §m).
fn judged(call: &Call<'_>, payment: &Payment) -> Result<(), Refusal> {
    let Some(order) = call.account.orders.get(&payment.order) else { return Ok(()) };
    let refused = |switch: &str| call.switches.is(switch, "refused");
    let cancelled = call.account.lists.config_id("cancelledOrderStatusId");
    let closed = order.is_invoiced() || (cancelled != 0 && order.status_id == cancelled);
    if closed && refused("payment_on_closed_order") {
        return Err(refuse(format!("Order {} is closed", order.id)));
    }
    if payment.currency != order.currency && call.switches.is("payment_currency", "order_only") {
        return Err(refuse(format!("Order {} is in {}", order.id, order.currency)));
    }
    let effect = payment.effect(matches!(order.kind.as_str(), "SC" | "PC"), call.switches);
    let paid = call.account.paid(order, call.switches) + effect;
    if effect > Decimal::ZERO && paid > order.totals(call.switches).gross && refused("overpayment") {
        return Err(refuse(format!("Order {} would be overpaid", order.id)));
    }
    if payment.moves() && !has_bank(call, &payment.method, &payment.currency) && refused("payment_without_bank_account") {
        return Err(refuse(format!("Payment method {} has no bank account in {}", payment.method, payment.currency)));
    }
    Ok(())
}

fn create(call: &mut Call<'_>) -> Answer {
    let body = call.json()?.clone();
    let mut payment = checked(call, &body)?;
    judged(call, &payment)?;
    if payment.journal.is_none() && payment.moves() && has_bank(call, &payment.method, &payment.currency) {
        payment.journal = Some(call.account.next_id(IdKind::Journal));
    }
    payment.id = call.account.next_id(IdKind::Payment);
    let (id, order) = (payment.id, payment.order);
    call.account.payments.insert(id, payment);
    if let Some(found) = call.account.orders.get_mut(&order) {
        found.payments.push(id);
    }
    call.account.touch(Kind::Payment, id);
    // No event tells of payments (BP §d.3).
    call.account.bump(order, call.now);
    Reply::data(id)
}

fn has_bank(call: &Call<'_>, method: &str, currency: &str) -> bool {
    let entry = call.account.lists.payment_methods.iter().find(|entry| entry.get("code").and_then(Value::as_str) == Some(method));
    let accounts = entry.and_then(|entry| at(entry, "bankAccounts")).and_then(Value::as_array);
    accounts.into_iter().flatten().any(|account| account.get("currencyIsoCode").and_then(Value::as_str) == Some(currency))
}

fn delete(call: &mut Call<'_>, id: i64) -> Answer {
    let payment = call.account.payments.remove(&id).ok_or_else(|| Refusal::missing(format!("No customer payment found with id {id}")))?;
    if let Some(order) = call.account.orders.get_mut(&payment.order) {
        order.payments.retain(|other| *other != id);
    }
    call.account.touch(Kind::Payment, id);
    call.account.bump(payment.order, call.now);
    Reply::done()
}

fn total(call: &Call<'_>, id: i64) -> Answer {
    let order = call.account.orders.get(&id).ok_or_else(|| Refusal::missing(format!("No order found with id {id}")))?;
    let paid = call.account.paid(order, call.switches);
    let totals = order.totals(call.switches);
    Reply::data(json!({"orderId": id, "currencyCode": order.currency, "totalPaid": fixed(paid, 2), "totalOwing": fixed(totals.gross - paid, 2)}))
}
