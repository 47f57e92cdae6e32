//! Orders for the checks: one with all kinds of parts, one with as few as possible.

use serde_json::{Value, json};

/// Every kind of line, charge, reduction and tender.
pub(super) fn full_order() -> Value {
    json!({ "email": "ada@example.com", "customer": { "email": "ada@example.com" }, "shipping": { "cost": "4.99" }, "handling": "1.25",
        "discount": "3.33", "store_credit": "1.00", "gift_certificate": "2.00", "customer_message": "Ring twice", "staff_notes": "VIP",
        "coupons": [{ "code": "TEN", "type": 1, "amount": 10 }, { "code": "EACH", "type": 0, "amount": "0.50" }, { "code": "SHIP", "type": 3, "amount": 2 }],
        "fees": [{ "name": "Packing", "cost": "0.99" }],
        "billing": { "company": "Engines Ltd" },
        "addresses": [{ "city": "York", "shipping": 5, "shipping_method": "DPD" }, { "city": "Leeds", "shipping": 7 }],
        "lines": [{ "sku": "A", "quantity": 3, "price": "9.99", "address": 0 }, { "sku": "B", "price": "0.35", "quantity": 7, "tax_rate": 5, "address": 1 },
                  { "name": "Service", "price": "12.34", "tax_rate": 0 }, { "sku": "B", "parent": 0 },
                  { "name": "Manual", "price": 3, "type": "digital" }, { "name": "Gift", "price": 10, "type": "giftcertificate" },
                  { "name": "Two taxes", "price": "19.99", "tax_rates": [{ "name": "GST", "rate": 5 }, { "name": "PST", "rate": "9.975" }],
                    "wrapping": { "cost": "2.50", "message": "Happy birthday" }, "discount": "1.11" }] })
}

/// Nothing but one untaxed download: no address, tax, coupon or fee.
pub(super) fn bare_order() -> Value {
    json!({ "lines": [{ "name": "Manual", "price": 3, "type": "digital", "tax_rate": 0 }] })
}
