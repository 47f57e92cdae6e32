//! How orders are shown (BP §e.4).

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::json::{compact, fixed, set};
use super::order::{Order, Row};
use super::switches::Switches;

/// The low-level order.
pub fn order(account: &Account, order: &Order, switches: &Switches, custom: bool) -> Value {
    let codes = account.codes(order, switches);
    let totals = order.totals(switches);
    let base = totals.base(order.exchange_rate, switches);
    let purchase = matches!(order.kind.as_str(), "PO" | "PC");
    let mut contact = order.customer_address.view();
    set(&mut contact, "contactId", json!(order.contact_id));
    let mut billing = order.billing_address.view();
    set(&mut billing, "contactId", json!(order.billing_contact_id));
    let rows: Map<String, Value> = order.rows.values().map(|row| (row.id.to_string(), row_view(account, order, row, switches))).collect();
    let invoice_date = order.invoice.tax_date.map(|at| account.show(at));
    let mut view = json!({
        "id": order.id, "parentOrderId": order.parent_id, "orderTypeCode": order.kind, "reference": order.reference, "version": order.version,
        "state": {"tax": if order.is_invoiced() { "INVOICED" } else { "READY" }},
        "orderStatus": {"orderStatusId": order.status_id, "name": account.lists.status(order.status_id).and_then(|status| status.get("name"))},
        "tax": {"errors": []}, "orderPaymentStatus": codes.payment, "stockStatusCode": codes.stock,
        "allocationStatusCode": codes.allocation, "shippingStatusCode": codes.shipping,
        "placedOn": account.show(order.placed_on), "createdOn": account.show(order.created_on), "updatedOn": account.show(order.updated_on),
        "closedOn": order.invoice.closed_on.map(|at| account.show(at)), "createdById": order.created_by,
        "priceListId": order.price_list_id, "priceModeCode": order.price_mode,
        "delivery": {"deliveryDate": order.delivery_date.map(|at| account.show(at)), "shippingMethodId": order.shipping_method_id},
        "invoices": [{"invoiceReference": order.invoice.reference, "taxDate": invoice_date,
            "dueDate": order.invoice.closed_on.map(|at| account.show(at))}],
        "currency": {"accountingCurrencyCode": account.base_currency, "orderCurrencyCode": order.currency,
            "exchangeRate": fixed(order.exchange_rate, 6), "fixedExchangeRate": order.fixed_rate},
        "totalValue": {"net": fixed(totals.net, 2), "taxAmount": fixed(totals.tax, 2), "baseNet": fixed(base.net, 2),
            "baseTaxAmount": fixed(base.tax, 2), "baseTotal": fixed(base.gross, 2), "total": fixed(totals.gross, 2)},
        "assignment": {"current": {"staffOwnerContactId": order.staff_owner_id, "projectId": order.project_id, "channelId": order.channel_id,
            "leadSourceId": order.lead_source_id, "teamId": order.team_id}},
        "parties": {if purchase { "supplier" } else { "customer" }: contact, "delivery": order.delivery_address.view(), "billing": billing},
        "orderRows": rows, "warehouseId": order.warehouse_id, "acknowledged": 0,
        "costPriceListId": account.lists.config_id("defaultCostPriceListId"), "historicalOrder": false,
        "isDropship": !order.drop_ships.is_empty(), "originalInvoiceDate": invoice_date, "orderWeighting": 100,
        "externalRef": order.external_ref, "installedIntegrationInstanceId": order.instance,
    });
    if custom {
        set(&mut view, "customFields", super::custom_field::show(&order.custom));
    }
    compact(view)
}

fn tax_class(account: &Account, code: &str) -> Value {
    account.lists.tax_code(code).and_then(|entry| entry.get("id")).cloned().unwrap_or(json!(0))
}

fn echo(row: &Row, switches: &Switches) -> Option<String> {
    row.external_ref.clone().filter(|_| switches.on("row_external_ref_echo"))
}

/// One row of the low-level order.
pub fn row_view(account: &Account, order: &Order, row: &Row, switches: &Switches) -> Value {
    let money = |amount: Decimal, places: u32| json!({"currencyCode": order.currency, "value": fixed(amount, places)});
    let sku = if row.sku.is_empty() { None } else { Some(&row.sku) };
    compact(json!({
        "orderRowSequence": row.sequence.to_string(), "productId": row.product_id, "productName": row.name, "productSku": sku,
        "quantity": {"magnitude": fixed(row.quantity, 4)}, "itemCost": money(row.cost, 4), "productPrice": money(row.price, 4),
        "discountPercentage": "0.00",
        "rowValue": {"taxRate": fixed(account.lists.tax_rate(&row.tax_code), 4), "taxCode": row.tax_code, "taxCalculator": row.tax_calculator,
            "rowNet": money(row.net, 4), "rowTax": money(row.tax, 2), "taxClassId": tax_class(account, &row.tax_code)},
        "nominalCode": row.nominal_code,
        "composition": {"bundleParent": row.bundle_parent, "bundleChild": row.bundle_child, "parentOrderRowId": row.parent_row},
        "clonedFromId": row.cloned_from, "externalRef": echo(row, switches),
    }))
}

/// The specialised sales order or sales credit.
pub fn sales_order(account: &Account, order: &Order, switches: &Switches) -> Value {
    let codes = account.codes(order, switches);
    let totals = order.totals(switches);
    let base = totals.base(order.exchange_rate, switches);
    let cancelled = account.lists.config_id("cancelledOrderStatusId");
    let rows: Vec<Value> = order.rows.values().map(|row| flat_view(account, row, switches)).collect();
    compact(json!({
        "id": order.id, "customer": {"id": order.contact_id, "address": order.customer_address.view()},
        "billing": {"contactId": order.billing_contact_id, "address": order.billing_address.view()}, "ref": order.reference,
        "externalRef": order.external_ref, "installedIntegrationInstanceId": order.instance, "placedOn": account.show(order.placed_on),
        "taxDate": order.invoice.tax_date.map(|at| account.show(at)), "parentId": order.parent_id, "statusId": order.status_id,
        "warehouseId": order.warehouse_id, "channelId": order.channel_id, "staffOwnerId": order.staff_owner_id,
        "projectId": order.project_id, "leadSourceId": order.lead_source_id, "teamId": order.team_id, "priceListId": order.price_list_id,
        "priceModeCode": order.price_mode,
        "currency": {"code": order.currency, "fixedExchangeRate": order.fixed_rate, "exchangeRate": fixed(order.exchange_rate, 6)},
        "delivery": {"date": order.delivery_date.map(|at| account.show(at)), "address": order.delivery_address.view(),
            "shippingMethodId": order.shipping_method_id},
        "rows": rows, "createdOn": account.show(order.created_on), "createdBy": order.created_by, "updatedOn": account.show(order.updated_on),
        "total": {"net": fixed(totals.net, 2), "tax": fixed(totals.tax, 2), "gross": fixed(totals.gross, 2), "baseNet": fixed(base.net, 2),
            "baseTax": fixed(base.tax, 2), "baseGross": fixed(base.gross, 2)},
        "isCanceled": if cancelled == 0 { Value::Null } else { json!(order.status_id == cancelled) },
        "orderPaymentStatus": codes.payment, "allocationStatusCode": codes.allocation, "stockStatusCode": codes.stock,
        "shippingStatusCode": codes.shipping, "invoice": {"invoiceReference": order.invoice.reference,
            "taxDate": order.invoice.tax_date.map(|at| account.show(at))},
        "orderWeighting": 100, "costPriceListId": account.lists.config_id("defaultCostPriceListId"), "version": order.version,
    }))
}

fn flat_view(account: &Account, row: &Row, switches: &Switches) -> Value {
    compact(json!({
        "id": row.id, "productId": row.product_id, "name": row.name, "sku": row.sku, "quantity": fixed(row.quantity, 4),
        "taxCode": row.tax_code, "net": fixed(row.net, 4), "tax": fixed(row.tax, 2), "nominalCode": row.nominal_code,
        "externalRef": echo(row, switches), "productPrice": fixed(row.price, 4), "discountPercentage": "0.00", "sequence": row.sequence,
        "bundleChild": row.bundle_child, "bundleParent": row.bundle_parent, "parentRowId": row.parent_row,
        "taxClassId": tax_class(account, &row.tax_code), "taxCalculator": row.tax_calculator, "clonedFromId": row.cloned_from,
    }))
}
