//! Behaviour that the fact sheet marks as unconfirmed, each a switch (BP §m.2).

use serde_json::{Map, Value, json};

/// The switches; defaults are the variant that asks more of a client.
#[derive(Debug, Clone)]
pub struct Switches(Map<String, Value>);

/// Name, default and allowed values (`None`: a whole number of 0 or more).
const KNOWN: &[(&str, &str, Option<&[&str]>)] = &[
    // Body of a repeated sales-order POST (BP §e.2).
    ("repeated_order_body", "id", Some(&["id", "empty"])),
    // Whether row externalRef comes back on reads (BP §e.2).
    ("row_external_ref_echo", "true", Some(&["true", "false"])),
    // Totals: sum the four-decimal inputs, or what is shown with two decimals (BP §e.9, §m.2).
    ("row_sum", "inputs", Some(&["inputs", "shown"])),
    // Which way round exchange rates are: units of the order's currency per unit of the base, or the reverse (not said in BP §e.2, §i.2).
    ("exchange_rate", "order_per_base", Some(&["order_per_base", "base_per_order"])),
    // Milliseconds until a write shows in searches (BP §m).
    ("search_lag_ms", "0", None),
    // An early refresh hands back the current access token (BP §b.3), or a new one.
    ("early_refresh", "same", Some(&["same", "new"])),
    // What a refresh that issues a new access token does with the refresh token (BP §b.3).
    ("refresh_rotation", "rotate_and_revoke", Some(&["keep", "rotate", "rotate_and_revoke"])),
    // Whether `order.modified` fires on creation beside `sales-order.created` (BP §m.2).
    ("order_modified_on_create", "true", Some(&["true", "false"])),
    // Whether the key of a deleted order may be used again (BP §e.2).
    ("external_ref_reuse_after_delete", "true", Some(&["true", "false"])),
    // Whether PUT of a reservation drops rows that it does not list (BP §h.2).
    ("reservation_put", "keep_unlisted", Some(&["keep_unlisted", "drop_unlisted"])),
    // Whether rows may be reserved beyond their quantity (BP §h.2).
    ("over_reservation", "accepted", Some(&["accepted", "refused"])),
    // A search filter that does not exist (BP §m.2).
    ("unknown_search_filter", "refused", Some(&["refused", "ignored"])),
    // How product-search compares a SKU (BP §m.2).
    ("product_sku_search", "exact", Some(&["exact", "partial"])),
    // Row quantities of 0 and below (BP §m.2).
    ("non_positive_quantity", "refused", Some(&["refused", "taken"])),
    // Contact names of more than 32 characters (BP §m.2).
    ("long_contact_name", "refused", Some(&["refused", "cut"])),
    // A GET of sales orders of which a part exists: 207 with the bare list, or with resource statuses (BP §a.3).
    ("partial_read", "list", Some(&["list", "statuses"])),
    // Payments by a method that has no bank account in the currency (BP §m.2).
    ("payment_without_bank_account", "accepted", Some(&["accepted", "refused"])),
    // Payments on cancelled and invoiced orders (BP §i.1, §m).
    ("payment_on_closed_order", "accepted", Some(&["accepted", "refused"])),
    // Payments beyond an order's total (BP §i.1, §m).
    ("overpayment", "accepted", Some(&["accepted", "refused"])),
    // Payments in another currency than the order's.
    ("payment_currency", "order_only", Some(&["order_only", "any"])),
    // Number and status of error codes that nobody documents (BP §m.2).
    ("placeholder_code", "999", None),
    ("placeholder_status", "400", Some(&["400", "409", "422", "500"])),
    // JSON type of a note's weight (BP §h.3).
    ("note_weight", "string", Some(&["string", "number"])),
    // Where a drop-ship note shows its tracking reference (BP §h.4).
    ("drop_ship_tracking", "shipping.reference", Some(&["shipping.reference", "trackingReference"])),
    // Percentage of product.modified.on-hand-modified events that are never raised (BP §d.4).
    ("on_hand_event_drop_percent", "0", None),
    // Milliseconds from close (invoice pending) to invoiced (BP §e.5).
    ("invoice_delay_ms", "2000", None),
    // Events of one hook raised within this window travel as one id set (BP §d.2).
    ("webhook_window_ms", "100", None),
    // First wait before a webhook is retried; doubled each time. The platform's schedule is not known (BP §d.4).
    ("webhook_retry_ms", "30000", None),
    // Tries of one webhook in all (BP §d.4).
    ("webhook_tries", "10", None),
    // Whether an answered retry carries the first raised-on or a fresh one.
    ("webhook_retry_raised_on", "first", Some(&["first", "fresh"])),
    // Calls of a deleted hook that still wait to be made or repeated.
    ("webhook_after_delete", "dropped", Some(&["dropped", "delivered"])),
    // Whether http is accepted as a hook's scheme; the documents show https alone (BP §d.1).
    ("webhook_http", "false", Some(&["true", "false"])),
    // Whether the order's payment status counts an authorisation (BP §m).
    ("auth_payment_status", "unpaid", Some(&["unpaid", "paid"])),
    // Whether a multi-message costs one request or one per message (BP §a.10).
    ("multi_message_cost", "one", Some(&["one", "each"])),
    // Requests per minute and developer (BP §c).
    ("requests_per_minute", "200", None),
];

impl Default for Switches {
    fn default() -> Self {
        Self(KNOWN.iter().map(|(name, default, values)| ((*name).to_owned(), typed(default, *values))).collect())
    }
}

fn typed(text: &str, values: Option<&[&str]>) -> Value {
    match text {
        "true" => json!(true),
        "false" => json!(false),
        _ if values.is_none() => json!(text.parse::<i64>().unwrap_or_default()),
        _ => json!(text),
    }
}

impl Switches {
    /// All switches as one flat object.
    pub fn all(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Whether a worded switch has this value.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.word(name) == value
    }

    /// The value of a worded switch.
    pub fn word(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a boolean switch is on.
    pub fn on(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// The number of a numeric switch.
    pub fn number(&self, name: &str) -> i64 {
        self.0.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    /// Sets switches, all or none.
    ///
    /// # Errors
    /// A text that names the known switches and their values.
    pub fn set(&mut self, changes: &Value) -> Result<(), String> {
        let Some(changes) = changes.as_object() else { return Err(known()) };
        for (name, value) in changes {
            let Some((_, _, values)) = KNOWN.iter().find(|(known, _, _)| known == name) else {
                return Err(format!("unknown switch {name}; {}", known()));
            };
            let fits = match values {
                Some(["true", "false"]) => value.is_boolean(),
                Some(values) => value.as_str().is_some_and(|text| values.contains(&text)),
                None => value.as_i64().is_some_and(|number| number >= 0),
            };
            if !fits {
                return Err(format!("bad value for {name}; {}", known()));
            }
        }
        self.0.extend(changes.clone());
        Ok(())
    }
}

fn known() -> String {
    let list: Vec<String> = KNOWN
        .iter()
        .map(|(name, _, values)| values.map_or_else(|| format!("{name}=<number>"), |values| format!("{name}={}", values.join("|"))))
        .collect();
    format!("known switches: {}", list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_and_bad_values_are_refused_and_change_nothing() {
        let mut switches = Switches::default();
        assert!(switches.set(&json!({"search_lag_ms": 5, "nonsense": 1})).unwrap_err().contains("row_sum=inputs|shown"));
        assert!(switches.set(&json!({"row_sum": "maybe"})).is_err());
        assert_eq!(switches.number("search_lag_ms"), 0);
        switches.set(&json!({"search_lag_ms": 5, "row_sum": "shown"})).unwrap();
        assert!(switches.is("row_sum", "shown") && switches.number("search_lag_ms") == 5);
    }
}
