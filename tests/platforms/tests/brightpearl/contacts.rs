//! Contacts, addresses and companies.

use serde_json::{Value, json};

use crate::support::Sim;

async fn address(sim: &Sim) -> i64 {
    let body = json!({"addressLine1": "7 Quay St", "addressLine3": "Bristol", "postalCode": "BS1 4XX", "countryIsoCode": "GBR"});
    sim.post("/contact-service/postal-address/", body).await.id()
}

fn body(address: i64, email: &str) -> Value {
    json!({"salutation": "", "firstName": "Ada", "lastName": "Berg", "postAddressIds": {"DEF": address, "BIL": address, "DEL": address},
        "communication": {"emails": {"PRI": {"email": email}}, "telephones": {"PRI": "+44 117 000 0000"}},
        "relationshipToAccount": {"isSupplier": false, "isStaff": false}, "financialDetails": {"priceListId": 2, "currencyId": 2},
        "assignment": {"current": {"leadSourceId": 3, "accountReference": "BC-cust-880"}}})
}

#[tokio::test]
async fn a_contact_is_made_on_addresses_and_read_in_the_recorded_shape() {
    let sim = Sim::start().await;
    assert_eq!(sim.post("/contact-service/postal-address", json!({"addressLine1": "", "countryIsoCode": "GB"})).await.status, 400);
    assert_eq!(sim.post("/contact-service/postal-address", json!({"addressLine1": "x", "countryIsoCode": "XXX"})).await.status, 400);
    let home = address(&sim).await;
    let id = sim.post("/contact-service/contact/", body(home, "ada@example.com")).await.id();
    let read = sim.get(&format!("/contact-service/contact/{id}")).await;
    let contact = &read.data()[0];
    assert_eq!(
        (&contact["contactId"], &contact["firstName"], &contact["postAddressIds"]["DEL"], &contact["companyId"]),
        (&json!(id), &json!("Ada"), &json!(home), &json!(0))
    );
    assert_eq!(contact["communication"]["emails"]["PRI"]["email"], "ada@example.com");
    assert!(contact.get("createdByid").is_some(), "misspelled by the platform");
    assert_eq!(read.body["pagination"]["resultsReturned"], 1);
    assert_eq!(sim.get("/contact-service/contact/99").await.refusal(), (404, "CMNC-404"));
    let patched = sim.patch(&format!("/contact-service/contact/{id}"), json!([{"op": "replace", "path": "/lastName", "value": "Holm"}])).await;
    assert_eq!(patched.data()["lastName"], "Holm");
    assert_eq!(
        sim.patch(&format!("/contact-service/contact/{id}"), json!([{"op": "replace", "path": "/shoeSize", "value": 43}])).await.refusal(),
        (500, "CMNC-044")
    );
    let other = address(&sim).await;
    assert_eq!(
        sim.put(&format!("/contact-service/contact/{id}/postal-address"), json!([{"postalAddressId": other, "type": "DEL"}])).await.body,
        json!({})
    );
    assert_eq!(sim.get(&format!("/contact-service/contact/{id}")).await.data()[0]["postAddressIds"]["DEL"], other);
}

#[tokio::test]
async fn wrong_contacts_are_refused() {
    let sim = Sim::start().await;
    let home = address(&sim).await;
    for (pointer, wrong) in [
        ("/firstName", json!("x".repeat(33))),
        ("/lastName", json!("é".repeat(33))),
        ("/postAddressIds/DEF", json!(1)),
        ("/postAddressIds", json!({})),
        ("/communication/emails/PRI/email", json!("no-at-sign")),
        ("/financialDetails/priceListId", json!(99)),
    ] {
        let mut body = body(home, "a@example.com");
        *body.pointer_mut(pointer).unwrap() = wrong;
        assert_eq!(sim.post("/contact-service/contact", body).await.status, 400, "{pointer}");
    }
    let mut longest = body(home, "a@example.com");
    longest["firstName"] = json!("é".repeat(32));
    assert_eq!(sim.post("/contact-service/contact", longest).await.status, 200);
}

#[tokio::test]
async fn the_email_search_is_partial_and_addresses_may_be_shared() {
    let sim = Sim::start().await;
    let home = address(&sim).await;
    let first = sim.post("/contact-service/contact", body(home, "twin@example.com")).await.id();
    let second = sim.post("/contact-service/contact", body(home, "twin@example.com")).await.id();
    let longer = sim.post("/contact-service/contact", body(home, "not.TWIN@example.com")).await.id();
    let path = "/contact-service/contact-search?columns=contactId,primaryEmail,isStaff,isSupplier,isCustomer,isPrimary";
    let found = sim.get(&format!("{path}&primaryEmail=twin%40example.com")).await;
    let ids: Vec<_> = found.data()["results"].as_array().unwrap().iter().map(|row| row[0].as_i64().unwrap()).collect();
    assert_eq!(ids, vec![first, second, longer]);
    let staff = sim.get("/contact-service/contact-search?isStaff=true&columns=contactId").await;
    assert_eq!(staff.data()["results"], json!([[4]]));
}

#[tokio::test]
async fn more_contacts_than_a_page_holds_are_read_page_by_page() {
    let sim = Sim::start().await;
    for number in 0..205 {
        sim.act("/contacts", json!({"email": format!("{number}@example.com")})).await;
    }
    let first = sim.get("/contact-service/contact").await;
    assert_eq!(first.body["pagination"], json!({"morePagesAvailable": true, "resultsReturned": 200, "firstResult": 1, "lastResult": 200}));
    let second = sim.get("/contact-service/contact?firstResult=201").await;
    assert_eq!(second.body["pagination"], json!({"morePagesAvailable": false, "resultsReturned": 7, "firstResult": 201, "lastResult": 207}));
    assert!(second.data()[0]["contactId"].as_i64() > first.data()[199]["contactId"].as_i64());
    let small = sim.get("/contact-service/contact?firstResult=3&pageSize=2").await;
    assert_eq!((small.data()[0]["contactId"].as_i64(), small.data().as_array().unwrap().len()), (first.data()[2]["contactId"].as_i64(), 2));
    assert_eq!(sim.get("/contact-service/contact?firstResult=0").await.status, 400);
}

#[tokio::test]
async fn a_second_contact_of_a_company_is_secondary_and_inherits_its_addresses() {
    let sim = Sim::start().await;
    let (head_office, home) = (address(&sim).await, address(&sim).await);
    let mut boss = body(head_office, "boss@quay.example");
    boss["organisation"] = json!({"name": "Quay Ltd"});
    let boss = sim.post("/contact-service/contact", boss).await.id();
    let mut clerk = body(home, "clerk@quay.example");
    clerk["organisation"] = json!({"name": "Quay Ltd"});
    let clerk = sim.post("/contact-service/contact", clerk).await.id();
    let read = sim.get(&format!("/contact-service/contact/{boss},{clerk}")).await;
    assert_eq!((&read.data()[0]["isPrimaryContact"], &read.data()[1]["isPrimaryContact"]), (&json!(true), &json!(false)));
    assert_eq!(read.data()[1]["postAddressIds"], json!({"DEF": home, "BIL": head_office, "DEL": head_office}));
    assert_eq!(read.data()[1]["organisation"]["name"], "Quay Ltd");
    let company = read.data()[0]["companyId"].clone();
    assert_eq!(sim.get(&format!("/contact-service/company/{company}")).await.data()[0]["name"], "Quay Ltd");
}
