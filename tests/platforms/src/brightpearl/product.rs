//! Products (BP §g).

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::json::{compact, fixed, set};
use super::lists::find;

/// The product that free-text rows point to (BP §e.3).
pub const FREE_TEXT: i64 = 1000;

/// Identity fields in the order of search columns.
pub const IDENTITY: [&str; 6] = ["sku", "barcode", "ean", "upc", "isbn", "mpn"];

/// One product.
#[derive(Debug, Clone)]
pub struct Product {
    /// Its id.
    pub id: i64,
    /// sku, barcode, ean, upc, isbn, mpn; the SKU may be blank and is not guaranteed unique.
    pub identity: BTreeMap<String, String>,
    /// Name.
    pub name: String,
    /// Whether stock is kept.
    pub stock_tracked: bool,
    /// LIVE, DISCONTINUED or ARCHIVED.
    pub status: String,
    /// Brand.
    pub brand_id: i64,
    /// Product type.
    pub type_id: i64,
    /// Product group, shared by the variants of one product; 0 = none.
    pub group_id: i64,
    /// Option values of a variant, as shown.
    pub variations: Vec<Value>,
    /// Components of a bundle with their quantity per bundle.
    pub components: Vec<(i64, Decimal)>,
    /// Tax code.
    pub tax_code: String,
    /// Weight.
    pub weight: Decimal,
    /// Cost price.
    pub cost: Decimal,
    /// Prices by price list and break quantity.
    pub prices: BTreeMap<i64, BTreeMap<i64, Decimal>>,
    /// Nominal codes: stock, purchases, sales.
    pub nominals: [String; 3],
    /// Primary supplier; 0 = none.
    pub supplier_id: i64,
    /// Custom field values.
    pub custom: BTreeMap<String, Value>,
    /// When it was created.
    pub created_on: Timestamp,
    /// When it last changed.
    pub updated_on: Timestamp,
}

impl Product {
    /// An identity field; empty if not set.
    pub fn identity(&self, field: &str) -> &str {
        self.identity.get(field).map(String::as_str).unwrap_or_default()
    }

    /// Whether it is a bundle.
    pub fn is_bundle(&self) -> bool {
        !self.components.is_empty()
    }

    /// As the product resource shows it (BP §g).
    pub fn view(&self, account: &Account, custom: bool) -> Value {
        let [stock, purchases, sales] = &self.nominals;
        let components: Vec<Value> =
            self.components.iter().map(|(id, quantity)| json!({"productId": id, "productQuantity": number(*quantity)})).collect();
        let composition = if self.is_bundle() { json!({"bundle": true, "bundleComponents": components}) } else { json!({"bundle": false}) };
        let warehouses: Map<String, Value> = account
            .stock
            .get(&self.id)
            .into_iter()
            .flatten()
            .map(|(id, _)| {
                (
                    id.to_string(),
                    json!({"defaultLocationId": account.lists.default_location(*id).unwrap_or(0), "reorderLevel": 0, "reorderQuantity": 0}),
                )
            })
            .collect();
        let tax = account.lists.tax_code(&self.tax_code).and_then(|entry| entry.get("id")).cloned().unwrap_or(json!(0));
        let text = |text: &str| json!({"languageCode": "en", "text": text, "format": "HTML_FRAGMENT"});
        let mut view = json!({
            "id": self.id, "brandId": self.brand_id, "productTypeId": self.type_id, "identity": self.identity, "featured": false,
            "stock": {"stockTracked": self.stock_tracked, "weight": {"magnitude": number(self.weight)},
                "dimensions": {"length": 0, "height": 0, "width": 0, "volume": 0}},
            "financialDetails": {"taxable": true, "taxCode": {"id": tax, "code": self.tax_code}},
            "salesChannels": [{"salesChannelName": "Brightpearl", "productName": self.name, "productCondition": "new",
                "categories": [{"categoryCode": "296"}], "description": text(""), "shortDescription": text("")}],
            "composition": composition, "createdOn": account.show(self.created_on), "updatedOn": account.show(self.updated_on),
            "warehouses": warehouses, "nominalCodeStock": stock, "nominalCodePurchases": purchases, "nominalCodeSales": sales,
            "status": self.status, "version": self.updated_on.as_millisecond(),
            "primarySupplierId": if self.supplier_id == 0 { Value::Null } else { json!(self.supplier_id) },
        });
        if self.group_id != 0 {
            set(&mut view, "productGroupId", json!(self.group_id));
            set(&mut view, "variations", json!(self.variations));
        }
        if custom {
            set(&mut view, "customFields", super::custom_field::show(&self.custom));
        }
        compact(view)
    }

    /// As the product-price resource shows it: every price list, an empty map where there is no price.
    pub fn price_view(&self, account: &Account, wanted: Option<&[i64]>) -> Value {
        let mut shown = Vec::new();
        for list in &account.lists.price_lists {
            let Some(id) = list.get("id").and_then(Value::as_i64) else { continue };
            if wanted.is_some_and(|wanted| !wanted.contains(&id)) {
                continue;
            }
            let code = list.get("currencyCode").and_then(Value::as_str).unwrap_or_default();
            let currency = account.lists.currency(code).and_then(|entry| entry.get("id")).cloned().unwrap_or(json!(0));
            let prices: Map<String, Value> =
                self.prices.get(&id).into_iter().flatten().map(|(quantity, price)| (quantity.to_string(), json!(fixed(*price, 4)))).collect();
            shown.push(json!({"priceListId": id, "currencyCode": code, "currencyId": currency, "quantityPrice": prices}));
        }
        json!({"productId": self.id, "priceLists": shown})
    }
}

/// A decimal as a JSON number.
pub fn number(amount: Decimal) -> Value {
    let text = amount.normalize().to_string();
    text.parse::<i64>().map(Value::from).or_else(|_ignored| text.parse::<f64>().map(Value::from)).unwrap_or(Value::Null)
}

/// Whether a price list holds prices with tax.
pub fn is_gross(account: &Account, price_list: i64) -> bool {
    find(&account.lists.price_lists, "id", price_list).and_then(|list| list.get("gross")).and_then(Value::as_bool).unwrap_or(false)
}
