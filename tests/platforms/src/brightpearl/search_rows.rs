//! The values that searches find for an object (BP §e.4, §f, §g, §h.3, §i).

use serde_json::{Value, json};

use super::account::Account;
use super::json::fixed;
use super::search::{Kind, Row};
use super::switches::Switches;

/// The values of one object; none if it is gone.
pub fn row(account: &Account, kind: Kind, id: i64, switches: &Switches) -> Option<Row> {
    match kind {
        Kind::Order => order(account, id, switches),
        Kind::Contact => contact(account, id),
        Kind::Product => product(account, id),
        Kind::GoodsOut => goods_out(account, id),
        Kind::Payment => payment(account, id),
    }
}

fn position(codes: &[&str], code: &str, first: usize) -> Value {
    codes.iter().position(|known| *known == code).map_or(Value::Null, |place| json!(place + first))
}

/// Codes of stock and fulfilment (BP §e.6); their numbers in searches are ours.
pub const STOCK_CODES: [&str; 13] = ["NON", "SON", "SOP", "SOA", "SCN", "SCP", "SCA", "PON", "POP", "POA", "PCN", "PCP", "PCA"];

fn order(account: &Account, id: i64, switches: &Switches) -> Option<Row> {
    let order = account.orders.get(&id)?;
    let products: Vec<i64> = order.rows.values().map(|row| row.product_id).collect();
    let codes = account.codes(order, switches);
    let instant = |at: Option<jiff::Timestamp>| at.map_or(Value::Null, |at| json!(account.show(at)));
    let some = |id: i64| if id == 0 { Value::Null } else { json!(id) };
    Some(Row::from([
        ("orderId", json!(id)),
        ("productIds", json!(products)),
        ("orderTypeId", position(&["SO", "PO", "SC", "PC"], &order.kind, 1)),
        ("contactId", json!(order.contact_id)),
        ("orderStatusId", json!(order.status_id)),
        ("orderStockStatusId", position(&STOCK_CODES, &codes.stock, 1)),
        ("stockCode", json!(codes.stock)),
        ("createdOn", instant(Some(order.created_on))),
        ("createdById", json!(order.created_by)),
        ("customerRef", json!(order.reference)),
        ("orderPaymentStatusId", position(&["UNPAID", "PARTIALLY_PAID", "PAID", "NOT_APPLICABLE"], codes.payment, 2)),
        ("paymentCode", json!(codes.payment)),
        ("updatedOn", instant(Some(order.updated_on))),
        ("parentOrderId", some(order.parent_id)),
        ("orderShippingStatusId", position(&["NST", "SNS", "SPS", "ASS"], codes.shipping, 1)),
        ("shippingCode", json!(codes.shipping)),
        ("externalRef", json!(order.external_ref)),
        ("installedIntegrationInstanceId", json!(order.instance)),
        ("warehouseId", some(order.warehouse_id)),
        ("staffOwnerContactId", some(order.staff_owner_id)),
        ("taxDate", instant(order.invoice.tax_date)),
        ("departmentId", some(order.channel_id)),
        ("deliveryDate", instant(order.delivery_date)),
        ("placedOn", instant(Some(order.placed_on))),
        ("shippingMethodId", some(order.shipping_method_id)),
        ("projectId", some(order.project_id)),
        ("leadSourceId", some(order.lead_source_id)),
        ("isClone", json!(order.is_clone)),
        ("isHistoricalOrder", json!(false)),
        ("closedOn", instant(order.invoice.closed_on)),
    ]))
}

fn contact(account: &Account, id: i64) -> Option<Row> {
    let contact = account.contacts.get(&id)?;
    let email = |role: &str| json!(contact.emails.get(role).cloned().unwrap_or_default());
    let phone = |role: &str| json!(contact.telephones.get(role).cloned().unwrap_or_default());
    let company = account.companies.get(&contact.company_id).map(|(name, _)| name.clone()).unwrap_or_default();
    Some(Row::from([
        ("contactId", json!(id)),
        ("primaryEmail", email("PRI")),
        ("secondaryEmail", email("SEC")),
        ("tertiaryEmail", email("TER")),
        ("firstName", json!(contact.first_name)),
        ("lastName", json!(contact.last_name)),
        ("isSupplier", json!(contact.is_supplier)),
        ("companyName", json!(company)),
        ("isStaff", json!(contact.is_staff)),
        ("isCustomer", json!(!contact.is_staff && !contact.is_supplier)),
        ("createdOn", json!(account.show(contact.created_on))),
        ("updatedOn", json!(account.show(contact.updated_on))),
        ("lastOrderedOn", contact.last_ordered_on.map_or(Value::Null, |at| json!(account.show(at)))),
        ("isPrimary", json!(contact.is_primary)),
        ("pri", phone("PRI")),
        ("sec", phone("SEC")),
        ("mob", phone("MOB")),
        ("exactCompanyName", json!(company)),
        ("title", json!(contact.salutation)),
    ]))
}

fn product(account: &Account, id: i64) -> Option<Row> {
    let product = account.products.get(&id)?;
    Some(Row::from([
        ("productId", json!(id)),
        ("productName", json!(product.name)),
        ("SKU", json!(product.identity("sku"))),
        ("barcode", json!(product.identity("barcode"))),
        ("EAN", json!(product.identity("ean"))),
        ("UPC", json!(product.identity("upc"))),
        ("ISBN", json!(product.identity("isbn"))),
        ("MPN", json!(product.identity("mpn"))),
        ("stockTracked", json!(product.stock_tracked)),
        ("salesChannelName", json!("Brightpearl")),
        ("createdOn", json!(account.show(product.created_on))),
        ("updatedOn", json!(account.show(product.updated_on))),
        ("brightpearlCategoryCode", json!("296")),
        ("productGroupId", json!(product.group_id)),
        ("brandId", json!(product.brand_id)),
        ("productTypeId", json!(product.type_id)),
        ("productStatus", json!(product.status)),
        ("primarySupplierId", json!(product.supplier_id)),
    ]))
}

fn goods_out(account: &Account, id: i64) -> Option<Row> {
    let note = account.notes.get(&id)?;
    let channel = account.orders.get(&note.order).map_or(0, |order| order.channel_id);
    Some(Row::from([
        ("goodsOutNoteId", json!(id)),
        ("printed", json!(note.marks.contains_key("printed"))),
        ("picked", json!(note.marks.contains_key("picked"))),
        ("packed", json!(note.marks.contains_key("packed"))),
        ("shipped", json!(note.shipped_on.is_some())),
        ("shippedOn", note.shipped_on.map_or(Value::Null, |at| json!(account.show(at)))),
        ("orderId", json!(note.order)),
        ("shippingMethodId", json!(note.method)),
        ("warehouseId", json!(note.warehouse)),
        ("priority", json!(note.priority)),
        ("createdOn", json!(account.show(note.created_on))),
        ("releaseDate", json!(account.show(note.release_date))),
        ("createdBy", json!(note.created_by)),
        ("transfer", json!(note.transfer)),
        ("channelId", json!(channel)),
    ]))
}

fn payment(account: &Account, id: i64) -> Option<Row> {
    let payment = account.payments.get(&id)?;
    let currency = account.lists.currency(&payment.currency).and_then(|entry| entry.get("id")).cloned().unwrap_or(Value::Null);
    Some(Row::from([
        ("paymentId", json!(id)),
        ("transactionRef", json!(payment.transaction_ref)),
        ("transactionCode", json!(payment.transaction_code)),
        ("paymentMethodCode", json!(payment.method)),
        ("paymentType", json!(payment.kind)),
        ("orderId", json!(payment.order)),
        ("currencyId", currency),
        ("currencyCode", json!(payment.currency)),
        ("amountAuthorized", json!(fixed(payment.authorized, 2))),
        ("amountPaid", json!(fixed(payment.paid, 2))),
        ("expires", payment.expires.map_or(Value::Null, |at| json!(account.show(at)))),
        ("paymentDate", json!(account.show(payment.date))),
        ("createdOn", json!(account.show(payment.created_on))),
        ("journalId", json!(payment.journal)),
    ]))
}
