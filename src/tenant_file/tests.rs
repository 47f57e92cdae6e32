use std::collections::BTreeMap;
use std::path::Path;

use orderbridge_schema::ids::{
    ChannelId, ContactId, LeadSourceId, Platform, PriceListId, ProductId, ProjectId, SalesOrderStatusId, ShippingMethodId, StoreChannelId,
    StoreStatusId, WarehouseId,
};
use orderbridge_schema::rules::{
    Allocation, Carrier, CarrierEntry, CustomerRules, Discounts, FulfilmentRules, IdentityRules, ItemRules, NoteRules, OfflineEntry, OrderDefaults,
    OrderRules, PaymentMethodEntry, PaymentRules, PriceMode, ProductField, RateDirection, RefundRules, Restock, ShippingMethodEntry, StatusRules,
    StoreField, TaxCodeEntry, TaxesAndAccounts, Tenders, TextTarget, ToBrightpearlEntry, ToStoreEntry, UnknownProduct, Unmapped, WithoutEmail,
    WithoutEmailTreatment,
};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::shape::{FILE, Key, Shape};
use super::*;
use orderbridge_postgres::SignatureMode;
use orderbridge_schema::ids::InstallationId;
use orderbridge_schema::reference::{AccountReference, Listed, Reference, StoreReference};
use orderbridge_schema::rules::{NAMES, Rules};

const GOOD: &str = r#"
[tenant]
id = "acme-uk"

[bigcommerce]
store_hash = "abc123"
client_id = "client"
client_secret = "${STORE_SECRET}"
access_token = "store-token"

[brightpearl]
account = "acme"
base_url = "https://use1.brightpearlconnect.com"
app_ref = "app"
dev_ref = "dev"
access_token = "access"
refresh_token = "refresh"

[orders]
channel = "${CHANNEL}"
warehouse = 2

[[taxes_and_accounts.tax_codes]]
rate = 5.5
code = "R"
"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "STORE_SECRET" => Some("from-outside".into()),
        "CHANNEL" => Some("7".into()),
        "EMPTY" => Some("  ".into()),
        "WORD" => Some("seven".into()),
        _ => None,
    }
}

fn mistakes(text: &str) -> Vec<String> {
    let refused = read(Path::new("a.toml"), text, &environment).unwrap_err();
    refused.mistakes.iter().map(|mistake| format!("{}:{} {}", mistake.line, mistake.column, mistake.message)).collect()
}

fn full_status_rules() -> StatusRules {
    StatusRules {
        to_brightpearl: false,
        brightpearl: vec![ToBrightpearlEntry { store: StoreStatusId(0), brightpearl: SalesOrderStatusId(3) }],
        brightpearl_default: Some(SalesOrderStatusId(4)),
        to_store: false,
        store: vec![ToStoreEntry { brightpearl: SalesOrderStatusId(4), store: StoreStatusId(2) }],
        store_default: Some(StoreStatusId(0)),
        winner: Platform::Bigcommerce,
    }
}

fn full_payment_rules() -> PaymentRules {
    PaymentRules {
        enabled: true,
        uncaptured: false,
        authorization_days: 30,
        methods: vec![PaymentMethodEntry { gateway: Some("stripe".into()), text: Some("Credit Card".into()), method: "STRIPE".into() }],
        default_method: Some("OTHER".into()),
        offline: vec![OfflineEntry { text: "Bank Deposit".into(), paid_statuses: [9, 11].into_iter().map(StoreStatusId).collect() }],
        refunds: RefundRules {
            enabled: true,
            from: Some("2026-03-01T00:00:00Z".parse().unwrap()),
            channel: Some(ChannelId(6)),
            credit_status: Some(SalesOrderStatusId(9)),
            nominal_code: Some("4020".into()),
            restock: Some(Restock { warehouse: WarehouseId(8), location: 3 }),
        },
    }
}

fn full_tax_rules() -> TaxesAndAccounts {
    TaxesAndAccounts {
        tax_codes: vec![
            TaxCodeEntry { class: Some("Books".into()), rate: Some("5.50".parse().unwrap()), country: Some("GB".into()), code: "T5".into() },
            TaxCodeEntry { class: None, rate: None, country: None, code: "-".into() },
        ],
        default_tax_code: Some("T20".into()),
        shipping_nominal_code: Some("4040".into()),
        discount_nominal_code: Some("4009".into()),
        fee_nominal_code: Some("4010".into()),
        default_untaxed_tax_code: Some("T0".into()),
        handling_nominal_code: Some("4041".into()),
        wrapping_nominal_code: Some("4042".into()),
        gift_certificate_nominal_code: Some("2105".into()),
        rounding_nominal_code: Some("7910".into()),
        rounding_limit: Some(3),
        discounts: Discounts::OwnRows,
        tenders: Tenders::Excluded,
        store_rate: RateDirection::Inverse,
    }
}

fn full_rules() -> Rules {
    let carrier = Carrier { provider: "royalmail".into(), carrier: "royal-mail".into(), method: "Tracked \"48\"\n".into() };
    let orders = OrderRules {
        enabled: false,
        create_statuses: [2, 11].into_iter().map(StoreStatusId).collect(),
        settle_seconds: 5,
        settle_max_seconds: 50,
        store_channels: [1, 4].into_iter().map(StoreChannelId).collect(),
        sources: vec!["www".into()],
        except_sources: vec!["amazon".into()],
        go_live: Some("2026-03-01T00:00:00Z".parse().unwrap()),
        guests: false,
        without_email: WithoutEmail {
            treatment: WithoutEmailTreatment::ContactPerCustomer,
            contact: Some(ContactId(10)),
            masked_domains: vec!["marketplace.example.com".into()],
        },
        channel: Some(ChannelId(1)),
        warehouse: Some(WarehouseId(2)),
        price_list: Some(PriceListId(3)),
        price_mode: PriceMode::Inc,
        lead_source: Some(LeadSourceId(4)),
        project: Some(ProjectId(5)),
        staff_owner: Some(ContactId(11)),
        defaults: vec![OrderDefaults {
            store_channel: Some(StoreChannelId(4)),
            currency: Some("EUR".into()),
            channel: Some(ChannelId(6)),
            warehouse: Some(WarehouseId(7)),
            project: Some(ProjectId(8)),
            lead_source: Some(LeadSourceId(9)),
            staff_owner: Some(ContactId(12)),
            price_list: Some(PriceListId(13)),
            price_mode: Some(PriceMode::Exc),
        }],
        new_order_status: Some(SalesOrderStatusId(14)),
        shipping_methods: vec![ShippingMethodEntry { store: "Königlich = schnell".into(), brightpearl: ShippingMethodId(6) }],
        default_shipping_method: Some(ShippingMethodId(7)),
        unmapped_shipping: Unmapped::Held,
        status: full_status_rules(),
        allocation: Allocation::WhenPaid,
        edits: false,
    };
    let notes = NoteRules { customer_message: TextTarget::Field("PCF_GIFT".into()), staff_notes: TextTarget::OrderNote };
    let entry = CarrierEntry { brightpearl: ShippingMethodId(9), carrier: carrier.clone() };
    let items_and_customers = ItemRules {
        identity: IdentityRules { store: StoreField::BinPickingNumber, brightpearl: ProductField::Isbn },
        unknown_product: UnknownProduct::Placeholder,
        placeholder_product: Some(ProductId(8)),
        customers: CustomerRules { auto_create: false, update: false },
    };
    Rules {
        orders,
        taxes_and_accounts: full_tax_rules(),
        fulfilment: FulfilmentRules { enabled: false, methods: vec![entry], default: Some(carrier) },
        payments: full_payment_rules(),
        notes,
        items_and_customers,
    }
}

#[test]
fn values_come_from_the_file_or_from_the_environment() {
    let file = read(Path::new("a.toml"), GOOD, &environment).unwrap();
    assert_eq!(file.id.as_str(), "acme-uk");
    assert_eq!(file.store.client_secret.expose_secret(), "from-outside");
    assert_eq!(file.store.access_token.expose_secret(), "store-token");
    assert_eq!(file.store.base.as_str(), "https://api.bigcommerce.com/");
    assert_eq!(file.account.token_base.as_str(), "https://oauth.brightpearlapp.com/");
    assert_eq!(file.store.signature_mode, SignatureMode::Require);
    assert_eq!(file.rules.orders.channel, Some(ChannelId(7)));
    assert_eq!(file.rules.taxes_and_accounts.tax_codes[0].rate, Some("5.5".parse().unwrap()));
}

#[test]
fn every_mistake_of_a_file_is_named_with_its_line() {
    let text = r#"[tenant]
id = "acme uk"
[bigcommerce]
store_hash = 5
base_url = "ftp://x"
client_id = " "
client_secret = "${MISSING}"
access_token = "${EMPTY}"
signature = "maybe"
[brightpearl]
account = "acme"
base_url = "https://user:secret@x"
app_ref = "app"
refresh_token = ["a"]
[orders]
chanel = 1
warehouse = -2
price_list = "${WORD}"
create_statuses = [11, 99, 9, "x"]
settle_seconds = 4000
shipping_methods = [{ store = "Standard" }, { store = "Express", brightpearl = 0 }]
[taxes_and_accounts]
tax_codes = [{ code = "" }, { rate = "101", code = "A" }, { rate = "x", code = "B" }]
[[orders.status.brightpearl]]
store = 11
brightpearl = 3
[[orders.status.brightpearl]]
store = 11
brightpearl = "three"
[[orders.status.brightpearl]]
store = 11
brightpearl = 4
[discounts]
"#;
    let found = mistakes(text);
    let expected = [
        "2:6 `tenant.id` is no id: a tenant id must be",
        "4:14 `bigcommerce.store_hash` must be a text, not a whole number",
        "5:12 `bigcommerce.base_url` must be a URL",
        "6:13 `bigcommerce.client_id` must not be empty",
        "7:17 `bigcommerce.client_secret` refers to ${MISSING}, which the environment does not have",
        "8:16 `bigcommerce.access_token` refers to ${EMPTY}, which is empty",
        "9:13 `bigcommerce.signature` must be one of \"require\", \"verify-if-present\", \"off\"",
        "10:2 missing key `brightpearl.dev_ref`",
        "10:2 missing key `brightpearl.access_token`",
        "12:12 `brightpearl.base_url` must be a URL",
        "14:17 `brightpearl.refresh_token` must be a text",
        "16:1 unknown key `orders.chanel`; did you mean `channel`?",
        "17:13 `orders.warehouse` must be a whole number from 1",
        "18:14 `orders.price_list` must be a whole number from 1",
        "19:24 `orders.create_statuses`: BigCommerce's order statuses are 0 to 14",
        "19:31 `orders.create_statuses` must be a whole number from 0, not a text",
        "20:18 `orders.settle_seconds`: the settle delay must be an hour at most",
        "21:21 missing key `orders.shipping_methods.brightpearl`",
        "21:80 `orders.shipping_methods.brightpearl` must be a whole number from 1",
        "23:23 `taxes_and_accounts.tax_codes.code`: a tax code must not be empty",
        "23:38 `taxes_and_accounts.tax_codes.rate` must be a rate",
        "23:68 `taxes_and_accounts.tax_codes.rate` must be a rate",
        "29:15 `orders.status.brightpearl.brightpearl` must be a whole number from 1, not a text",
        "30:1 `orders.status.brightpearl`: an earlier entry already says",
        "33:2 unknown key `discounts`; known here: tenant",
    ];
    let count = found.len().max(expected.len());
    for index in 0..count {
        let (found, expected) = (found.get(index).map_or("", String::as_str), expected.get(index).copied().unwrap_or("(nothing)"));
        assert!(found.starts_with(expected), "\nfound    {found}\nexpected {expected}\nall: {:#?}", mistakes(text));
    }
    assert!(!found.iter().any(|line| line.contains("secret@")), "a password in a URL is not repeated");
}

#[test]
fn a_file_that_is_no_toml_tells_each_line_that_cannot_be_read() {
    let found = mistakes("[tenant]\nid = acme\n[orders]\nchannel = \nunknown = 1\n");
    assert!(found.iter().any(|line| line.starts_with("2:")), "{found:#?}");
    assert!(found.iter().any(|line| line.starts_with("4:")), "{found:#?}");
    assert!(found.iter().any(|line| line.contains("unknown key `orders.unknown`")), "{found:#?}");
    assert!(!found.iter().any(|line| line.contains("missing")), "what a syntax error swallowed is not missing: {found:#?}");
}

#[test]
fn an_empty_file_lacks_its_three_sections() {
    let found = mistakes("");
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|line| line.starts_with("1:1 missing section `")), "{found:#?}");
}

#[test]
fn a_reference_with_a_bad_name_is_a_mistake_and_not_a_secret() {
    let found = mistakes(&GOOD.replace("${STORE_SECRET}", "${store secret}"));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("capital letters"), "{found:#?}");
}

fn as_environment(text: &str) -> BTreeMap<String, String> {
    let names = text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
    names.map(|name| (name.clone(), format!("value of {name}"))).collect()
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    for rules in [Rules::default(), full_rules()] {
        let mut file = read(Path::new("a.toml"), GOOD, &environment).unwrap();
        file.rules = rules;
        file.account.installation = Some(InstallationId(41));
        file.account.client_secret = Some("confidential".to_owned().into());
        file.store.signature_mode = SignatureMode::VerifyIfPresent;
        let text = write(&file).unwrap();
        for secret in ["from-outside", "store-token", "confidential", "\"access\"", "\"refresh\""] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
        let variables = as_environment(&text);
        assert_eq!(variables.len(), 5, "{text}");
        let again = read(Path::new("b.toml"), &text, &|name| variables.get(name).cloned()).map_err(|refused| format!("{refused}\n{text}")).unwrap();
        assert_eq!(again.rules, file.rules);
        assert_eq!(again.account.installation, file.account.installation);
        assert_eq!(again.store.signature_mode, file.store.signature_mode);
        assert_eq!(again.store.access_token.expose_secret(), "value of ACME_UK_BIGCOMMERCE_ACCESS_TOKEN");
        assert_eq!(write(&again).unwrap(), text);
    }
}

/// The paths of all values, with list positions left out.
fn paths(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(table) => table.iter().for_each(|(name, value)| paths(&format!("{path}.{name}"), value, found)),
        Value::Array(items) => items.iter().for_each(|item| paths(path, item, found)),
        _ => found.push(path.to_owned()),
    }
}

fn known(path: &str, shape: &Shape, found: &mut Vec<String>) {
    match shape {
        Shape::Table(keys) => keys.iter().for_each(|key| known(&format!("{path}.{}", key.name), &key.shape, found)),
        Shape::Many(each) => known(path, each, found),
        _ => found.push(path.to_owned()),
    }
}

/// Keys whose values name nothing in a list of a platform. A key that does belongs into [`NAMES`], so that it is checked.
const NAME_NOTHING: &[&str] = &[
    "orders.enabled",
    "orders.settle_seconds",
    "orders.settle_max_seconds",
    "orders.sources",
    "orders.except_sources",
    "orders.go_live",
    "orders.guests",
    "orders.without_email.treatment",
    // A contact, of which no list is kept.
    "orders.without_email.contact",
    "orders.without_email.masked_domains",
    "orders.defaults.currency",
    "orders.defaults.price_mode",
    "orders.unmapped_shipping",
    "orders.price_mode",
    "orders.shipping_methods.store",
    "orders.status.to_brightpearl",
    "orders.status.to_store",
    "orders.status.winner",
    "taxes_and_accounts.tax_codes.class",
    "taxes_and_accounts.tax_codes.rate",
    "taxes_and_accounts.tax_codes.country",
    "taxes_and_accounts.tenders",
    "taxes_and_accounts.rounding_limit",
    "taxes_and_accounts.discounts",
    "taxes_and_accounts.store_rate",
    "items_and_customers.identity.store",
    "items_and_customers.identity.brightpearl",
    "items_and_customers.customers.auto_create",
    "items_and_customers.customers.update",
    "items_and_customers.unknown_product",
    // A product, of which no list is kept.
    "items_and_customers.placeholder_product",
    "orders.allocation",
    "orders.edits",
    "payments.enabled",
    "payments.uncaptured",
    "payments.authorization_days",
    "payments.methods.gateway",
    "payments.methods.text",
    "payments.offline.text",
    "payments.refunds.enabled",
    "payments.refunds.from",
    // A status of sales credits, of which no list is kept.
    "payments.refunds.credit_status",
    // Nor of locations.
    "payments.refunds.restock.location",
    "fulfilment.enabled",
    "fulfilment.methods.provider",
    "fulfilment.methods.carrier",
    "fulfilment.methods.method",
    "fulfilment.default.provider",
    "fulfilment.default.carrier",
    "fulfilment.default.method",
];

#[test]
fn every_key_is_checked_against_the_platforms_lists_or_names_nothing_there() {
    let mut of_rules = Vec::new();
    paths("", &serde_json::to_value(full_rules()).unwrap(), &mut of_rules);
    let mut known: Vec<String> = NAMES.iter().map(|(path, _)| format!(".{}", path.replace("[]", ""))).collect();
    known.extend(NAME_NOTHING.iter().map(|path| format!(".{path}")));
    for list in [&mut of_rules, &mut known] {
        list.sort();
        list.dedup();
    }
    assert_eq!(of_rules, known);
}

#[test]
fn what_the_platforms_do_not_have_is_a_mistake_at_its_line() {
    let text = GOOD.replace("warehouse = 2", "warehouse = 77\ncreate_statuses = [11, 10, 12]");
    let mut file = read(Path::new("a.toml"), &text, &environment).unwrap();
    let account = AccountReference { channels: vec![Listed { id: ChannelId(7), name: String::new() }], ..AccountReference::default() };
    let statuses = [9, 10, 11].into_iter().map(|id| Listed { id: StoreStatusId(id), name: String::new() });
    let lists = Reference { account, store: StoreReference { order_statuses: statuses.collect(), ..StoreReference::default() } };
    let refused = refuse(Path::new("a.toml"), &text, &environment, &file.rules.unknown(&lists));
    let line = |part: &str| text.lines().position(|line| line.starts_with(part)).unwrap() + 1;
    let found: Vec<(usize, usize, &str)> = refused.mistakes.iter().map(|one| (one.line, one.column, one.message.as_str())).collect();
    let expected = [
        (line("warehouse"), 13, "`orders.warehouse`: the Brightpearl account has no warehouse 77; it has none"),
        (line("create_statuses"), 28, "`orders.create_statuses`: the store has no order status 12; it has 9, 10, 11"),
        (line("code = \"R\""), 8, "`taxes_and_accounts.tax_codes.code`: the Brightpearl account has no tax code R; it has none"),
    ];
    assert_eq!(found, expected);
    // What stands in no line is a mistake of the whole file.
    file.rules.orders.project = Some(ProjectId(9));
    let refused = refuse(Path::new("a.toml"), &text, &environment, &file.rules.unknown(&lists));
    assert!(refused.mistakes.iter().any(|mistake| mistake.message.contains("no project 9")), "{refused}");
}

#[test]
fn the_known_keys_are_exactly_those_of_the_rules() {
    let mut of_rules = Vec::new();
    paths("", &serde_json::to_value(full_rules()).unwrap(), &mut of_rules);
    let mut of_file = Vec::new();
    let sections = FILE.iter().filter(|key: &&Key| !key.required);
    sections.for_each(|key| known(&format!(".{}", key.name), &key.shape, &mut of_file));
    for list in [&mut of_rules, &mut of_file] {
        list.sort();
        list.dedup();
    }
    assert_eq!(of_rules, of_file);
}
