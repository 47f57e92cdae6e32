//! Contacts: found by their whole address, made once (BP §f).

use std::time::Duration;

use orderbridge_http_client::CallError;
use orderbridge_schema::command::NewContact;
use orderbridge_schema::facts::Address;
use orderbridge_schema::ids::{ContactId, LeadSourceId, PostalAddressId, PriceListId};
use serde_json::json;

use super::sales_orders::address;
use super::{Office, SHARE, guard};

fn contact(email: &str) -> NewContact {
    let address = Address { email: email.into(), ..address() };
    NewContact { email_hash: "00".into(), address, price_list: None, lead_source: None, reference: None, found_by_reference: false }
}

#[tokio::test]
async fn a_contact_is_found_by_the_whole_address_whatever_its_case() {
    let office = Office::open().await;
    let client = office.client();
    for (id, email, staff, supplier) in [
        (501, "kim@example.com", true, false),
        (502, "Kim@Example.com", false, false),
        (503, "kim@example.com.au", false, false),
        (504, "joakim@example.com", false, false),
        (505, "kim@example.com", false, true),
        (506, "kim+shop@example.com", false, false),
    ] {
        office.act("contacts", json!({ "id": id, "email": email, "is_staff": staff, "is_supplier": supplier, "is_primary": id == 502 })).await;
    }
    let mut found = client.contacts_with_email(" KIM@example.com ", SHARE).await.unwrap();
    found.sort_by_key(|contact| contact.id);
    let facts: Vec<_> = found.iter().map(|contact| (contact.id.0, contact.staff, contact.supplier, contact.primary)).collect();
    assert_eq!(facts, [(501, true, false, false), (502, false, false, true), (505, false, true, false)]);
    assert_eq!(client.contacts_with_email("kim+shop@example.com", SHARE).await.unwrap()[0].id, ContactId(506), "a plus sign is no blank");
    assert!(client.contacts_with_email("nobody@example.com", SHARE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_contact_is_made_with_its_address_and_then_found() {
    let office = Office::open().await;
    let client = office.client();
    office.sim.switch("search_lag_ms", 30_000).await;
    let mut wish = contact("Ada.Byron@example.com");
    wish.price_list = Some(PriceListId(2));
    wish.lead_source = Some(LeadSourceId(3));
    wish.reference = Some("880".into());
    let place = client.create_address(&wish.address, guard(client.pool())).await.unwrap();
    let made = client.create_contact(&wish, place, guard(client.pool())).await.unwrap();
    assert!(client.contacts_with_email("ada.byron@example.com", SHARE).await.unwrap().is_empty(), "the index lags");
    office.sim.advance(Duration::from_secs(31));
    let found = client.contacts_with_email("ada.byron@example.com", SHARE).await.unwrap();
    assert_eq!(found.iter().map(|contact| (contact.id, contact.staff, contact.supplier)).collect::<Vec<_>>(), [(made, false, false)]);
    let shown = office.view(&format!("contacts/{made}")).await.to_string();
    for part in ["Ada.Byron@example.com", "Mara", "Lind", "+44 117 000 0000", "Quay Ltd"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[tokio::test]
async fn a_guest_without_company_or_telephone_becomes_a_contact_too() {
    let office = Office::open().await;
    let client = office.client();
    let mut guest = contact("guest@example.com");
    guest.address = Address { company: String::new(), phone: String::new(), street_2: String::new(), state: String::new(), ..guest.address };
    let place = client.create_address(&guest.address, guard(client.pool())).await.unwrap();
    let made = client.create_contact(&guest, place, guard(client.pool())).await.unwrap();
    assert_eq!(client.contacts_with_email("guest@example.com", SHARE).await.unwrap()[0].id, made);
}

#[tokio::test]
async fn brightpearl_itself_does_not_notice_a_repeated_contact() {
    let office = Office::open().await;
    let client = office.client();
    let wish = contact("twice@example.com");
    let place = client.create_address(&wish.address, guard(client.pool())).await.unwrap();
    for _ in 0..2 {
        client.create_contact(&wish, place, guard(client.pool())).await.unwrap();
    }
    assert_eq!(client.contacts_with_email("twice@example.com", SHARE).await.unwrap().len(), 2, "only a search beforehand prevents this");
}

#[tokio::test]
async fn incomplete_contacts_and_addresses_are_refused() {
    let office = Office::open().await;
    let client = office.client();
    let nowhere = [
        Address { street_1: String::new(), street_2: String::new(), ..address() },
        Address { country_iso2: String::new(), ..address() },
        Address { country_iso2: "QQ".into(), ..address() },
    ];
    for bad in &nowhere {
        let error = client.create_address(bad, guard(client.pool())).await.unwrap_err();
        assert!(matches!(error, CallError::Refused { status: 400, .. }), "{error:?}");
    }
    let only_second = Address { street_1: String::new(), ..address() };
    let place = client.create_address(&only_second, guard(client.pool())).await.unwrap();
    let nameless = |email: &str| {
        let mut wish = contact(email);
        wish.address = Address { first_name: String::new(), last_name: String::new(), ..wish.address };
        wish
    };
    for (wish, place) in [(nameless("x@example.com"), place), (contact("no at sign"), place), (contact("x@example.com"), PostalAddressId(999_999))] {
        let error = client.create_contact(&wish, place, guard(client.pool())).await.unwrap_err();
        assert!(matches!(error, CallError::Refused { status: 400, .. }), "{error:?}");
        assert!(!error.to_string().contains("example.com"), "{error}");
    }
}
