//! Which contact stands for a customer (BP §f).

use orderbridge_schema::command::NewContact;
use orderbridge_schema::facts::{Address, ContactMatch, StoreOrder};
use orderbridge_schema::rules::Rules;

/// Longest first or last name that Brightpearl takes (BP §f).
const NAME_CHARS_MAX: usize = 32;

/// An e-mail address as it is compared and hashed: trimmed, lower case. Empty if there is none.
#[must_use]
pub fn normalise_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The contact that stands for the customer: never staff or a supplier, primary contacts first, then the lowest id.
#[must_use]
pub fn choose_contact(matches: &[ContactMatch]) -> Option<&ContactMatch> {
    matches.iter().filter(|contact| !contact.staff && !contact.supplier).min_by_key(|contact| (!contact.primary, contact.id))
}

/// The contact to make for an order's customer, with names and lines that Brightpearl takes. The order itself carries the full address.
pub(crate) fn new_contact(order: &StoreOrder, email_hash: &str, rules: &Rules) -> NewContact {
    let billing = &order.billing;
    let address = Address {
        first_name: fitted(&billing.first_name),
        last_name: fitted(&billing.last_name),
        street_1: filled(&billing.street_1),
        email: billing.email.trim().to_owned(),
        ..billing.clone()
    };
    NewContact {
        email_hash: email_hash.to_owned(),
        address,
        price_list: rules.orders.price_list,
        lead_source: rules.orders.lead_source,
        reference: (order.customer.0 != 0).then(|| format!("BC-{}", order.customer)),
    }
}

fn fitted(name: &str) -> String {
    filled(&name.trim().chars().take(NAME_CHARS_MAX).collect::<String>())
}

/// A field that Brightpearl requires and the shopper left empty.
fn filled(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::ContactId;

    fn contact(id: u64, staff: bool, supplier: bool, primary: bool) -> ContactMatch {
        ContactMatch { id: ContactId(id), email: "a@example.com".into(), staff, supplier, primary }
    }

    #[test]
    fn primary_contacts_come_first_then_the_lowest_id() {
        let all = [contact(9, false, false, true), contact(3, false, false, false), contact(7, false, false, true)];
        assert_eq!(choose_contact(&all).unwrap().id, ContactId(7));
    }

    #[test]
    fn staff_and_suppliers_are_never_chosen() {
        assert!(choose_contact(&[contact(1, true, false, true), contact(2, false, true, true)]).is_none());
        assert!(choose_contact(&[]).is_none());
    }

    #[test]
    fn names_are_cut_by_characters_and_never_left_empty() {
        assert_eq!(fitted(&"\u{e9}".repeat(40)).chars().count(), 32);
        assert_eq!(fitted("  "), "-");
        assert_eq!(normalise_email("  Mara@Example.COM "), "mara@example.com");
    }
}
