//! Reference lists of an account: what the settings page of a client offers (BP §j).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::json::{exact, fixed, set, whole};
use super::switches::Switches;

/// The lists, each entry as the API shows it.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Currencies: id, code, name, symbol, exchangeRate, isDefault.
    pub currencies: Vec<Value>,
    /// Tax codes; `rate` is left out when 0 (BP §e.9).
    pub tax_codes: Vec<Value>,
    /// Nominal codes.
    pub nominal_codes: Vec<Value>,
    /// Channels.
    pub channels: Vec<Value>,
    /// Warehouses; their locations are apart.
    pub warehouses: Vec<Value>,
    /// Location ids per warehouse; the first is the default, the last the quarantine.
    pub locations: BTreeMap<i64, Vec<i64>>,
    /// Price lists.
    pub price_lists: Vec<Value>,
    /// Order statuses.
    pub order_statuses: Vec<Value>,
    /// Shipping methods.
    pub shipping_methods: Vec<Value>,
    /// Payment methods.
    pub payment_methods: Vec<Value>,
    /// Lead sources.
    pub lead_sources: Vec<Value>,
    /// Projects.
    pub projects: Vec<Value>,
    /// Tags.
    pub tags: Vec<Value>,
    /// Contact groups.
    pub contact_groups: Vec<Value>,
    /// Brands.
    pub brands: Vec<Value>,
    /// Product types.
    pub product_types: Vec<Value>,
    /// Custom fields by owner: `sale`, `purchase`, `customer`, `supplier`, `product`.
    pub custom_fields: BTreeMap<String, Vec<Value>>,
    /// Account configuration; all values are strings (BP §i.3).
    pub configuration: BTreeMap<String, String>,
}

impl Lists {
    /// A configuration value as an id; 0 if absent.
    pub fn config_id(&self, key: &str) -> i64 {
        self.configuration.get(key).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// A configuration value as text; empty if absent.
    pub fn config(&self, key: &str) -> String {
        self.configuration.get(key).cloned().unwrap_or_default()
    }

    /// The order status with this id.
    pub fn status(&self, id: i64) -> Option<&Value> {
        find(&self.order_statuses, "statusId", id)
    }

    /// The tax code entry with this code.
    pub fn tax_code(&self, code: &str) -> Option<&Value> {
        self.tax_codes.iter().find(|entry| entry.get("code").and_then(Value::as_str) == Some(code))
    }

    /// Rate of a tax code in per cent; 0 if the list gives none.
    pub fn tax_rate(&self, code: &str) -> Decimal {
        self.tax_code(code).and_then(|entry| entry.get("rate")).and_then(exact).unwrap_or(Decimal::ZERO)
    }

    /// The currency with this code.
    pub fn currency(&self, code: &str) -> Option<&Value> {
        self.currencies.iter().find(|entry| entry.get("code").and_then(Value::as_str) == Some(code))
    }

    /// The exchange rate of a currency against the base, in the direction that the switch says; 1 if unknown.
    pub fn exchange_rate(&self, code: &str, switches: &Switches) -> Decimal {
        let kept = self.currency(code).and_then(|entry| entry.get("exchangeRate")).and_then(exact).unwrap_or(Decimal::ONE);
        if switches.is("exchange_rate", "base_per_order") { Decimal::ONE.checked_div(kept).unwrap_or(kept) } else { kept }
    }

    /// The currencies as they are shown. They are kept as units of each for one of the base.
    pub fn shown_currencies(&self, switches: &Switches) -> Vec<Value> {
        let shown = |entry: &Value| {
            let mut entry = entry.clone();
            let code = entry.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
            if entry.get("exchangeRate").is_some() {
                set(&mut entry, "exchangeRate", json!(fixed(self.exchange_rate(&code, switches), 6)));
            }
            entry
        };
        self.currencies.iter().map(shown).collect()
    }

    /// Whether a list holds an id; 0 means "none" and always fits (BP §a.2).
    pub fn has(list: &[Value], key: &str, id: i64) -> bool {
        id == 0 || find(list, key, id).is_some()
    }

    /// Whether a nominal code exists.
    pub fn has_nominal(&self, code: &str) -> bool {
        self.nominal_codes.iter().any(|entry| entry.get("code").and_then(Value::as_str) == Some(code))
    }

    /// Default location of a warehouse.
    pub fn default_location(&self, warehouse: i64) -> Option<i64> {
        self.locations.get(&warehouse).and_then(|all| all.first().copied())
    }

    /// Quarantine location of a warehouse.
    pub fn quarantine_location(&self, warehouse: i64) -> Option<i64> {
        self.locations.get(&warehouse).and_then(|all| all.last().copied())
    }

    /// A custom field's metadata by owner and code.
    pub fn custom_field(&self, owner: &str, code: &str) -> Option<&Value> {
        self.custom_fields.get(owner)?.iter().find(|field| field.get("code").and_then(Value::as_str) == Some(code))
    }
}

/// The entry of a list whose id field has this value.
pub fn find<'a>(list: &'a [Value], key: &str, id: i64) -> Option<&'a Value> {
    list.iter().find(|entry| entry.get(key).and_then(whole) == Some(id))
}

/// The lists every generated account starts with; names and numbers are our own.
pub fn generated(base: &str) -> Lists {
    let mut lists = Lists::default();
    fill_money(&mut lists, base);
    fill_trade(&mut lists, base);
    fill_order_lists(&mut lists);
    fill_configuration(&mut lists, base);
    lists
}

fn fill_money(lists: &mut Lists, base: &str) {
    let rates = [("GBP", "Pound Sterling", "£", "1.000000"), ("EUR", "Euro", "€", "1.150000"), ("USD", "US Dollar", "$", "1.250000")];
    let of_base = rates.iter().find(|(code, ..)| *code == base).and_then(|(.., rate)| rate.parse::<Decimal>().ok()).unwrap_or(Decimal::ONE);
    for ((code, name, symbol, rate), id) in rates.iter().zip(1..) {
        let rate = rate.parse::<Decimal>().unwrap_or(Decimal::ONE).checked_div(of_base).unwrap_or(Decimal::ONE);
        lists.currencies.push(json!({"id": id, "name": name, "code": code, "symbol": symbol,
            "exchangeRate": fixed(rate, 6), "isDefault": *code == base}));
    }
    if lists.currency(base).is_none() {
        lists.currencies.push(json!({"id": 4, "name": base, "code": base, "symbol": base, "exchangeRate": "1.000000", "isDefault": true}));
    }
    lists.tax_codes = vec![
        json!({"id": 1, "code": "Z", "description": "Exempt"}),
        json!({"id": 2, "code": "T20", "description": "Standard", "rate": 20.0}),
        json!({"id": 3, "code": "T5", "description": "Reduced", "rate": 5.0}),
        json!({"id": 4, "code": "T0", "description": "Zero rated"}),
        json!({"id": 5, "code": "-", "description": "Not taxable"}),
        json!({"id": 6, "code": "T8", "description": "Sales tax", "rate": 8.25}),
    ];
    for ((code, name, bank), id) in [
        ("1001", "Stock", false),
        ("1200", "Bank current account", true),
        ("1205", "Card clearing", true),
        ("1206", "Card clearing EUR", true),
        ("1207", "Card clearing USD", true),
        ("4000", "Sales", false),
        ("4009", "Discounts allowed", false),
        ("4040", "Carriage income", false),
        ("4050", "Gift cards", false),
        ("5000", "Purchases", false),
        ("7910", "Rounding corrections", false),
    ]
    .into_iter()
    .zip(1..)
    {
        lists.nominal_codes.push(json!({"id": id, "code": code, "name": name, "type": if bank { 1 } else { 2 }, "bank": bank,
            "currencyId": 1, "active": true, "expense": false, "discount": code == "4009", "editable": true, "description": name, "taxCode": 1}));
    }
    let accounts = |id: i64| json!([{"paymentMethodId": id, "currencyIsoCode": base, "bankAccountNominalCode": "1205"}]);
    lists.payment_methods = vec![
        json!({"id": 3, "name": "Stripe", "code": "STRIPE", "isActive": true, "bankAccounts": accounts(3), "installedIntegrationId": 0}),
        json!({"id": 4, "name": "PayPal", "code": "PAYPAL", "isActive": true, "bankAccounts": accounts(4), "installedIntegrationId": 0}),
        json!({"id": 5, "name": "Gift card", "code": "GIFTCARD", "isActive": true, "bankAccounts": accounts(5), "installedIntegrationId": 0}),
        json!({"id": 6, "name": "Other", "code": "OTHER", "isActive": true, "bankAccounts": [], "installedIntegrationId": 0}),
    ];
}

fn fill_trade(lists: &mut Lists, base: &str) {
    let channel = |id: i64, name: &str| {
        json!({"id": id, "name": name, "channelTypeId": 1, "channelBrandId": 1, "defaultWarehouseId": 2,
        "contactGroupId": 0, "defaultPriceListId": 2, "warehouseIds": [2, 3], "showInChannelMenu": true,
        "integrationDetail": {"installedIntegrationId": 0, "configSetId": 0, "providerCode": "", "integrationTypeCode": "", "active": false}})
    };
    lists.channels = vec![channel(1, "Brightpearl"), channel(5, "Web shop"), channel(6, "Second web shop")];
    let warehouse = |id: i64, name: &str, city: &str| {
        json!({"id": id, "name": name, "typeCode": "WAR", "typeDescription": "Warehouse",
        "address": {"addressId": 90_000 + id, "customerId": 0, "streetAddress": "1 Dock Road", "postcode": "BS1 1AA", "city": city,
            "state": "", "countryId": 222, "countryIsoCode2": "GB"}})
    };
    lists.warehouses = vec![warehouse(2, "Bristol", "Bristol"), warehouse(3, "Leeds", "Leeds")];
    lists.locations = BTreeMap::from([(2, vec![2, 9, 10]), (3, vec![3, 12, 13])]);
    let price = |id: i64, name: &str, code: &str, kind: &str, gross: bool| {
        json!({"id": id, "name": {"languageCode": "en", "text": name, "format": "PLAINTEXT"},
        "code": code, "currencyCode": base, "currencySymbol": "", "priceListTypeCode": kind, "gross": gross})
    };
    lists.price_lists = vec![
        price(1, "Cost price", "COST", "BUY", false),
        price(2, "Retail", "RETAIL", "SELL", false),
        price(3, "Retail incl. tax", "RETAILINC", "SELL", true),
    ];
    let method = |id: i64, name: &str, code: &str| json!({"id": id, "name": name, "code": code, "breaks": 0, "methodType": 2, "additionalInformationRequired": false});
    lists.shipping_methods =
        vec![method(5, "Collection", "COL"), method(6, "Royal Mail 48", "RM48"), method(7, "DPD Next Day", "DPD12"), method(8, "UPS Ground", "UPS")];
    lists.brands = vec![json!({"id": 74, "name": "Harbour", "description": ""})];
    lists.product_types = vec![json!({"id": 1, "name": "Default"})];
}

fn fill_order_lists(lists: &mut Lists) {
    let status = |id: i64, name: &str, kind: &str, order: i64| {
        json!({"statusId": id, "name": name, "orderTypeCode": kind, "sortOrder": order,
        "disabled": false, "visible": true, "color": "#00AA88", "remindAfterDays": 0, "alertEmails": [], "emailContent": "", "batchProcess": false})
    };
    lists.order_statuses = vec![
        status(1, "Draft / quote", "SO", 1),
        status(17, "New web order", "SO", 2),
        status(18, "Paid, ready to ship", "SO", 3),
        status(19, "Back order", "SO", 4),
        status(20, "Part shipped", "SO", 5),
        status(21, "Shipped", "SO", 6),
        status(4, "Invoiced", "SO", 7),
        status(5, "Cancelled", "SO", 8),
        status(22, "On hold", "SO", 9),
        status(9, "New credit", "SC", 1),
        status(10, "Credit finished", "SC", 2),
        status(6, "Placed with supplier", "PO", 1),
        status(7, "Received", "PO", 2),
        status(8, "New purchase credit", "PC", 1),
    ];
    lists.lead_sources = vec![json!({"id": 3, "name": "Web"}), json!({"id": 4, "name": "Phone"})];
    lists.projects = vec![json!({"projectId": 1, "name": "Spring campaign"})];
    lists.tags = vec![json!({"tagId": 9, "tagName": "Web customer"})];
    lists.contact_groups = vec![json!({"id": 1, "name": "Trade"})];
    let field =
        |id: i64, code: &str, name: &str, kind: &str| json!({"id": id, "code": code, "name": name, "customFieldType": kind, "required": false});
    let mut zone = field(132, "PCF_ZONE", "Zone", "SELECT");
    set(&mut zone, "options", json!({"64": {"id": 64, "value": "North"}, "65": {"id": 65, "value": "South"}}));
    lists.custom_fields = BTreeMap::from([
        (
            "sale".to_owned(),
            vec![
                field(131, "PCF_GIFT", "Gift message", "TEXT"),
                zone,
                field(133, "PCF_NOTES", "Notes", "TEXT_AREA"),
                field(134, "PCF_SIGNED", "Signature needed", "YES_NO"),
                field(135, "PCF_COUNT", "Parcels", "INTEGER"),
                field(136, "PCF_DAY", "Wanted on", "DATE"),
            ],
        ),
        ("purchase".to_owned(), vec![field(141, "PCF_PORT", "Port", "TEXT")]),
        ("customer".to_owned(), vec![field(151, "PCF_LOYALTY", "Loyalty number", "TEXT")]),
        ("supplier".to_owned(), vec![field(161, "PCF_TERMS", "Terms", "TEXT")]),
        ("product".to_owned(), vec![field(171, "PCF_ORIGIN", "Origin", "TEXT")]),
    ]);
}

fn fill_configuration(lists: &mut Lists, base: &str) {
    let tax_scheme = if base == "USD" { "SALES TAX" } else { "VAT" };
    for (key, value) in [
        ("baseCurrencyCode", base),
        ("defaultCurrencyCode", base),
        ("timeZone", "UTC"),
        ("taxSchemeCode", tax_scheme),
        ("newSalesOrderStatusId", "17"),
        ("newSalesCreditStatusId", "9"),
        ("newPurchaseOrderStatusId", "6"),
        ("newPurchaseCreditStatusId", "8"),
        ("invoicedOrderStatusId", "4"),
        ("cancelledOrderStatusId", "5"),
        ("salesNominalCode", "4000"),
        ("shippingNominalCode", "4040"),
        ("discountNominalCode", "4009"),
        ("giftcardNominalCode", "4050"),
        ("roundingCorrectionsNominalCode", "7910"),
        ("defaultTaxRateId", "2"),
        ("autoAssignOrder", "false"),
        ("multipleWarehouseEnabled", "true"),
        ("defaultWarehouseId", "2"),
        ("defaultCostPriceListId", "1"),
        ("defaultSellPriceListId", "2"),
        ("orderRowSortingStrategy", "SEQUENCE"),
    ] {
        lists.configuration.insert(key.to_owned(), value.to_owned());
    }
}
