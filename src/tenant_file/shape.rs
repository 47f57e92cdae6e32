//! The keys that a tenant's file may have, and what each holds.

use orderbridge_schema::ids::{AccountCode, StoreHash, TenantId};
use orderbridge_schema::rules::TextTarget;
use url::Url;

/// Ids are stored as signed 64-bit numbers.
const LARGEST_ID: u64 = i64::MAX.unsigned_abs();

/// What a key holds.
#[derive(Debug)]
pub enum Shape {
    /// True or false.
    Yes,
    /// A whole number within bounds.
    Whole {
        /// The smallest allowed.
        least: u64,
        /// The largest allowed.
        most: u64,
    },
    /// A text that passes a check.
    Text(fn(&str) -> Result<(), String>),
    /// A text that is never shown.
    Secret,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A rate in per cent, as text or number.
    Rate,
    /// A list.
    Many(&'static Shape),
    /// A section.
    Table(&'static [Key]),
}

impl Shape {
    /// What is wanted, in plain words, to follow "must be".
    pub fn wanted(&self) -> String {
        match self {
            Self::Yes => "true or false".into(),
            Self::Whole { least, most: LARGEST_ID } => format!("a whole number from {least}"),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::Text(_) => "a text".into(),
            Self::Secret => "a text, best written as \"${NAME}\" and taken from the environment".into(),
            Self::Choice(words) => format!("one of {}", words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")),
            Self::Rate => "a rate from 0 to 100 per cent, such as \"20\" or \"5.5\"".into(),
            Self::Many(each) => format!("a list; each element {}", each.wanted()),
            Self::Table(keys) => format!("a section with {}", keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// A key that is known.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Whether the file is refused without it.
    pub required: bool,
    /// What it holds.
    pub shape: Shape,
}

const fn required(name: &'static str, shape: Shape) -> Key {
    Key { name, required: true, shape }
}

const fn optional(name: &'static str, shape: Shape) -> Key {
    Key { name, required: false, shape }
}

const ID: Shape = Shape::Whole { least: 1, most: LARGEST_ID };
/// The bounds of BigCommerce's statuses are the rules' own business; 0 is one of them (BC §d.6).
const STORE_STATUS: Shape = Shape::Whole { least: 0, most: LARGEST_ID };
const WORDS: Shape = Shape::Text(not_empty);
const ANY_TEXT: Shape = Shape::Text(any);

/// The whole file.
pub static FILE: [Key; 9] = [
    required("tenant", Shape::Table(&TENANT)),
    required("bigcommerce", Shape::Table(&BIGCOMMERCE)),
    required("brightpearl", Shape::Table(&BRIGHTPEARL)),
    optional("orders", Shape::Table(&ORDERS)),
    optional("taxes_and_accounts", Shape::Table(&TAXES_AND_ACCOUNTS)),
    optional("fulfilment", Shape::Table(&FULFILMENT)),
    optional("payments", Shape::Table(&PAYMENTS)),
    optional("notes", Shape::Table(&NOTES)),
    optional("items_and_customers", Shape::Table(&ITEMS_AND_CUSTOMERS)),
];

static TENANT: [Key; 1] = [required("id", Shape::Text(tenant_id))];

static BIGCOMMERCE: [Key; 6] = [
    required("store_hash", Shape::Text(store_hash)),
    optional("base_url", Shape::Text(url)),
    required("client_id", WORDS),
    required("client_secret", Shape::Secret),
    required("access_token", Shape::Secret),
    optional("signature", Shape::Choice(&["require", "verify-if-present", "off"])),
];

static BRIGHTPEARL: [Key; 9] = [
    required("account", Shape::Text(account_code)),
    required("base_url", Shape::Text(url)),
    optional("token_url", Shape::Text(url)),
    required("app_ref", WORDS),
    required("dev_ref", WORDS),
    optional("client_secret", Shape::Secret),
    required("access_token", Shape::Secret),
    required("refresh_token", Shape::Secret),
    optional("installation", ID),
];

static ORDERS: [Key; 25] = [
    optional("enabled", Shape::Yes),
    optional("create_statuses", Shape::Many(&STORE_STATUS)),
    optional("settle_seconds", Shape::Whole { least: 0, most: u32::MAX as u64 }),
    optional("settle_max_seconds", Shape::Whole { least: 0, most: u32::MAX as u64 }),
    optional("store_channels", Shape::Many(&ID)),
    optional("sources", Shape::Many(&ANY_TEXT)),
    optional("except_sources", Shape::Many(&ANY_TEXT)),
    optional("go_live", Shape::Text(moment)),
    optional("guests", Shape::Yes),
    optional("without_email", Shape::Table(&WITHOUT_EMAIL)),
    optional("channel", ID),
    optional("warehouse", ID),
    optional("price_list", ID),
    optional("price_mode", Shape::Choice(&["INC", "EXC"])),
    optional("lead_source", ID),
    optional("project", ID),
    optional("staff_owner", ID),
    optional("defaults", Shape::Many(&Shape::Table(&ORDER_DEFAULTS))),
    optional("new_order_status", ID),
    optional("shipping_methods", Shape::Many(&Shape::Table(&SHIPPING_METHOD))),
    optional("default_shipping_method", ID),
    optional("unmapped_shipping", Shape::Choice(&["none", "held"])),
    optional("status", Shape::Table(&STATUS)),
    optional("allocation", Shape::Choice(&["off", "on-creation", "when-paid"])),
    optional("edits", Shape::Yes),
];

static WITHOUT_EMAIL: [Key; 3] = [
    optional("treatment", Shape::Choice(&["held", "contact", "contact-per-customer"])),
    optional("contact", ID),
    optional("masked_domains", Shape::Many(&ANY_TEXT)),
];

static ORDER_DEFAULTS: [Key; 9] = [
    optional("store_channel", ID),
    optional("currency", WORDS),
    optional("channel", ID),
    optional("warehouse", ID),
    optional("project", ID),
    optional("lead_source", ID),
    optional("staff_owner", ID),
    optional("price_list", ID),
    optional("price_mode", Shape::Choice(&["INC", "EXC"])),
];

static SHIPPING_METHOD: [Key; 2] = [required("store", WORDS), required("brightpearl", ID)];

static TAXES_AND_ACCOUNTS: [Key; 14] = [
    optional("tax_codes", Shape::Many(&Shape::Table(&TAX_CODE))),
    optional("default_tax_code", WORDS),
    optional("default_untaxed_tax_code", WORDS),
    optional("shipping_nominal_code", WORDS),
    optional("discount_nominal_code", WORDS),
    optional("fee_nominal_code", WORDS),
    optional("handling_nominal_code", WORDS),
    optional("wrapping_nominal_code", WORDS),
    optional("gift_certificate_nominal_code", WORDS),
    optional("rounding_nominal_code", WORDS),
    optional("rounding_limit", Shape::Whole { least: 0, most: u32::MAX as u64 }),
    optional("discounts", Shape::Choice(&["in-rows", "own-rows"])),
    optional("tenders", Shape::Choice(&["detect", "included", "excluded"])),
    optional("store_rate", Shape::Choice(&["direct", "inverse"])),
];

static TAX_CODE: [Key; 4] = [optional("class", WORDS), optional("rate", Shape::Rate), optional("country", WORDS), required("code", ANY_TEXT)];

static ITEMS_AND_CUSTOMERS: [Key; 4] = [
    optional("identity", Shape::Table(&IDENTITY)),
    optional("unknown_product", Shape::Choice(&["hold", "free-text", "placeholder"])),
    optional("placeholder_product", ID),
    optional("customers", Shape::Table(&CUSTOMERS)),
];

static STATUS: [Key; 7] = [
    optional("to_brightpearl", Shape::Yes),
    optional("brightpearl", Shape::Many(&Shape::Table(&STATUS_PAIR))),
    optional("brightpearl_default", ID),
    optional("to_store", Shape::Yes),
    optional("store", Shape::Many(&Shape::Table(&STATUS_PAIR))),
    optional("store_default", STORE_STATUS),
    optional("winner", Shape::Choice(&["bigcommerce", "brightpearl"])),
];

static STATUS_PAIR: [Key; 2] = [required("store", STORE_STATUS), required("brightpearl", ID)];

static FULFILMENT: [Key; 3] =
    [optional("enabled", Shape::Yes), optional("methods", Shape::Many(&Shape::Table(&CARRIER_ENTRY))), optional("default", Shape::Table(&CARRIER))];

static PAYMENTS: [Key; 7] = [
    optional("enabled", Shape::Yes),
    optional("uncaptured", Shape::Yes),
    optional("authorization_days", Shape::Whole { least: 1, most: 365 }),
    optional("methods", Shape::Many(&Shape::Table(&PAYMENT_METHOD))),
    optional("default_method", WORDS),
    optional("offline", Shape::Many(&Shape::Table(&OFFLINE))),
    optional("refunds", Shape::Table(&REFUNDS)),
];

static REFUNDS: [Key; 6] = [
    optional("enabled", Shape::Yes),
    optional("from", Shape::Text(moment)),
    optional("channel", ID),
    optional("credit_status", ID),
    optional("nominal_code", WORDS),
    optional("restock", Shape::Table(&RESTOCK)),
];

static RESTOCK: [Key; 2] = [required("warehouse", ID), required("location", ID)];

static PAYMENT_METHOD: [Key; 3] = [optional("gateway", WORDS), optional("text", WORDS), required("method", WORDS)];

static OFFLINE: [Key; 2] = [required("text", WORDS), optional("paid_statuses", Shape::Many(&STORE_STATUS))];
static NOTES: [Key; 2] = [optional("customer_message", Shape::Text(text_target)), optional("staff_notes", Shape::Text(text_target))];

static CARRIER_ENTRY: [Key; 4] =
    [required("brightpearl", ID), optional("provider", ANY_TEXT), optional("carrier", ANY_TEXT), optional("method", ANY_TEXT)];

static CARRIER: [Key; 3] = [optional("provider", ANY_TEXT), optional("carrier", ANY_TEXT), optional("method", ANY_TEXT)];

static IDENTITY: [Key; 2] = [
    optional("store", Shape::Choice(&["sku", "upc", "mpn", "gtin", "bin-picking-number"])),
    optional("brightpearl", Shape::Choice(&["sku", "ean", "upc", "mpn", "isbn", "barcode"])),
];

static CUSTOMERS: [Key; 2] = [optional("auto_create", Shape::Yes), optional("update", Shape::Yes)];

fn any(_text: &str) -> Result<(), String> {
    Ok(())
}

fn not_empty(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err("must not be empty".into()) } else { Ok(()) }
}

fn moment(text: &str) -> Result<(), String> {
    text.parse::<jiff::Timestamp>().map(drop).map_err(|_cause| "must be a time with its zone, such as \"2026-03-01T00:00:00Z\"".into())
}

fn text_target(text: &str) -> Result<(), String> {
    TextTarget::try_from(text.to_owned()).map(drop).map_err(str::to_owned)
}

fn tenant_id(text: &str) -> Result<(), String> {
    TenantId::new(text).map(drop).map_err(|error| format!("is no id: {error}"))
}

fn store_hash(text: &str) -> Result<(), String> {
    StoreHash::new(text).map(drop).map_err(|error| format!("is no id: {error}"))
}

fn account_code(text: &str) -> Result<(), String> {
    AccountCode::new(text).map(drop).map_err(|error| format!("is no id: {error}"))
}

/// Sandboxes may speak plain http; anything but scheme, host, port and path would be lost or leaked.
fn url(text: &str) -> Result<(), String> {
    let wanted = "must be a URL such as \"https://use1.brightpearlconnect.com\"";
    let url = Url::parse(text).map_err(|error| format!("{wanted}: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("{wanted}, with https:// in front"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{wanted}, without user, password, query and fragment"));
    }
    Ok(())
}
