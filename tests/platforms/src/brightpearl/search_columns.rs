//! The columns of every search (BP §a.5, §e.4, §f, §g, §h.3, §i).

use serde_json::Value;

use super::search::Row;

/// Type of a column; it decides how a filter is read.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// One whole number.
    Integer,
    /// An ID set.
    IdSet,
    /// Exact text.
    Text,
    /// One of several texts, exactly.
    TextSet,
    /// A part of the text.
    SearchString,
    /// An instant, filtered by a period.
    Period,
    /// A boolean.
    Boolean,
}

impl Type {
    /// The platform's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::IdSet => "IDSET",
            Self::Text => "STRING",
            Self::TextSet => "STRING_SET",
            Self::SearchString => "SEARCH_STRING",
            Self::Period => "PERIOD",
            Self::Boolean => "BOOLEAN",
        }
    }
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Its name in the search.
    pub name: &'static str,
    /// Name of the value in the row.
    pub value: &'static str,
    /// Type.
    pub kind: Type,
    /// Whether it can be filtered.
    pub filterable: bool,
    /// Whether it is part of the default columns.
    pub shown: bool,
}

const fn col(name: &'static str, kind: Type) -> Column {
    Column { name, value: name, kind, filterable: true, shown: true }
}

const fn named(name: &'static str, value: &'static str, kind: Type) -> Column {
    Column { name, value, kind, filterable: true, shown: true }
}

const fn hidden(name: &'static str, value: &'static str, kind: Type) -> Column {
    Column { name, value, kind, filterable: true, shown: false }
}

use Type::{Boolean, IdSet, Integer, Period, SearchString, Text, TextSet};

static ORDER: &[Column] = &[
    col("orderId", IdSet),
    col("orderTypeId", Integer),
    col("contactId", IdSet),
    col("orderStatusId", Integer),
    col("orderStockStatusId", Integer),
    col("createdOn", Period),
    col("createdById", Integer),
    col("customerRef", Text),
    col("orderPaymentStatusId", Integer),
    col("updatedOn", Period),
    col("parentOrderId", IdSet),
    col("orderShippingStatusId", Integer),
    col("externalRef", Text),
    col("installedIntegrationInstanceId", Integer),
    col("warehouseId", Integer),
    col("staffOwnerContactId", Integer),
    col("taxDate", Period),
    col("departmentId", Integer),
    col("deliveryDate", Period),
    hidden("placedOn", "placedOn", Period),
    hidden("shippingMethodId", "shippingMethodId", Integer),
    hidden("projectId", "projectId", Integer),
    hidden("leadSourceId", "leadSourceId", Integer),
    hidden("isClone", "isClone", Boolean),
    hidden("isHistoricalOrder", "isHistoricalOrder", Boolean),
    hidden("closedOn", "closedOn", Period),
];

static SALES_ORDER: &[Column] = &[
    named("salesOrderId", "orderId", IdSet),
    named("customerId", "contactId", IdSet),
    col("orderStatusId", Integer),
    named("orderStockStatus", "stockCode", Text),
    col("createdOn", Period),
    col("createdById", Integer),
    col("customerRef", Text),
    named("orderPaymentStatus", "paymentCode", Text),
    col("updatedOn", Period),
    named("orderShippingStatus", "shippingCode", Text),
    col("externalRef", Text),
    col("installedIntegrationInstanceId", Integer),
    col("warehouseId", Integer),
    named("staffOwnerId", "staffOwnerContactId", Integer),
    col("taxDate", Period),
    named("channelId", "departmentId", Integer),
    col("deliveryDate", Period),
    hidden("isHistoricalOrder", "isHistoricalOrder", Boolean),
    hidden("customerRefs", "customerRef", TextSet),
    hidden("productIds", "productIds", IdSet),
    hidden("placedOn", "placedOn", Period),
];

static CONTACT: &[Column] = &[
    col("contactId", IdSet),
    col("primaryEmail", SearchString),
    col("secondaryEmail", SearchString),
    col("tertiaryEmail", SearchString),
    col("firstName", SearchString),
    col("lastName", SearchString),
    col("isSupplier", Boolean),
    col("companyName", SearchString),
    col("isStaff", Boolean),
    col("isCustomer", Boolean),
    col("createdOn", Period),
    col("updatedOn", Period),
    col("lastContactedOn", Period),
    col("lastOrderedOn", Period),
    col("nominalCode", Integer),
    col("isPrimary", Boolean),
    col("pri", Text),
    col("sec", Text),
    col("mob", Text),
    col("exactCompanyName", Text),
    col("title", Text),
];

static PRODUCT: &[Column] = &[
    col("productId", IdSet),
    col("productName", SearchString),
    col("SKU", Text),
    col("barcode", Text),
    col("EAN", Text),
    col("UPC", Text),
    col("ISBN", Text),
    col("MPN", Text),
    col("stockTracked", Boolean),
    Column { name: "salesChannelName", value: "salesChannelName", kind: Text, filterable: false, shown: true },
    col("createdOn", Period),
    col("updatedOn", Period),
    col("brightpearlCategoryCode", Text),
    col("productGroupId", Integer),
    col("brandId", Integer),
    col("productTypeId", Integer),
    col("productStatus", Text),
    col("primarySupplierId", Integer),
];

static GOODS_OUT: &[Column] = &[
    col("goodsOutNoteId", IdSet),
    col("printed", Boolean),
    col("picked", Boolean),
    col("packed", Boolean),
    col("shipped", Boolean),
    col("shippedOn", Period),
    col("orderId", IdSet),
    col("shippingMethodId", Integer),
    col("warehouseId", Integer),
    col("priority", Boolean),
    col("createdOn", Period),
    col("releaseDate", Period),
    col("createdBy", Integer),
    col("transfer", Boolean),
    col("channelId", Integer),
];

static PAYMENT: &[Column] = &[
    col("paymentId", IdSet),
    col("transactionRef", Text),
    col("transactionCode", Text),
    col("paymentMethodCode", Text),
    col("paymentType", Text),
    col("orderId", IdSet),
    col("currencyId", Integer),
    col("currencyCode", Text),
    col("amountAuthorized", Text),
    col("amountPaid", Text),
    col("expires", Period),
    col("paymentDate", Period),
    col("createdOn", Period),
    col("journalId", Integer),
];

static PAYMENT_METHOD: &[Column] =
    &[col("id", IdSet), col("name", SearchString), col("code", Text), col("isActive", Boolean), col("installedIntegrationId", Integer)];

static NOMINAL: &[Column] = &[
    col("id", IdSet),
    col("code", Text),
    col("name", SearchString),
    col("type", Integer),
    col("bank", Boolean),
    col("currencyId", Integer),
    col("active", Boolean),
    col("expense", Boolean),
    col("discount", Boolean),
    col("editable", Boolean),
    col("description", SearchString),
    col("taxCode", Integer),
];

static CURRENCY: &[Column] =
    &[col("id", IdSet), col("name", SearchString), col("code", Text), col("symbol", Text), col("exchangeRate", Text), col("isDefault", Boolean)];

static GOODS_IN: &[Column] = &[col("goodsInNoteId", IdSet), col("orderId", IdSet), col("warehouseId", Integer), col("receivedOn", Period)];

/// The columns of a search, the id first.
pub fn columns(resource: &str) -> &'static [Column] {
    match resource {
        "order-search" => ORDER,
        "sales-order-search" => SALES_ORDER,
        "contact-search" => CONTACT,
        "product-search" => PRODUCT,
        "goods-out-search" => GOODS_OUT,
        "customer-payment-search" => PAYMENT,
        "payment-method-search" => PAYMENT_METHOD,
        "nominal-code-search" => NOMINAL,
        "currency-search" => CURRENCY,
        _ => GOODS_IN,
    }
}

/// The rows of a reference list, by the column names of its search.
pub fn list_rows(resource: &str, list: &[Value]) -> Vec<Row> {
    let one = |entry: &Value| columns(resource).iter().map(|column| (column.value, entry.get(column.name).cloned().unwrap_or(Value::Null))).collect();
    list.iter().map(one).collect()
}
