//! Sales orders: made, read back, never doubled (BP §e.2, §e.4, §e.5).

use std::time::Duration;

use orderbridge_http_client::CallError;
use orderbridge_schema::command::{NewRow, NewSalesOrder};
use orderbridge_schema::facts::Address;
use orderbridge_schema::ids::{
    ChannelId, ContactId, InstallationId, LeadSourceId, PriceListId, ProductId, SalesOrderId, SalesOrderStatusId, ShippingMethodId, StoreOrderId,
    StoreStatusId, WarehouseId,
};
use orderbridge_schema::rules::PriceMode;
use rust_decimal::Decimal;
use serde_json::json;

use super::{Office, SHARE, d, guard, id};

pub(super) fn address() -> Address {
    Address {
        first_name: "Mara".into(),
        last_name: "Lind".into(),
        company: "Quay Ltd".into(),
        street_1: "7 Quay St".into(),
        street_2: "Flat 2".into(),
        city: "Bristol".into(),
        state: "Avon".into(),
        postcode: "BS1 4XX".into(),
        country_iso2: "GB".into(),
        phone: "+44 117 000 0000".into(),
        email: "mara@example.com".into(),
    }
}

fn row(product: Option<u64>, name: &str, quantity: u32, net: &str, tax: &str) -> NewRow {
    NewRow {
        external_ref: format!("bc-line-{}", name.len()),
        product: product.map(ProductId),
        name: name.into(),
        quantity,
        net: d(net),
        tax: d(tax),
        tax_code: "T20".into(),
        nominal_code: product.is_none().then(|| "4040".into()),
        line: None,
        details: Vec::new(),
    }
}

/// Two mugs, delivery and a discount: 45.90 in all.
pub(super) fn order(office: &Office, number: u64) -> NewSalesOrder {
    NewSalesOrder {
        order: StoreOrderId(number),
        part: 0,
        external_ref: format!("bc-store7-{number}"),
        installation: InstallationId(id(&office.account["installations"][0]["installation_instance_id"])),
        contact: ContactId(office.customer),
        reference: number.to_string(),
        placed_at: "2026-03-02T09:14:55Z".parse().unwrap(),
        status: Some(SalesOrderStatusId(17)),
        agreed_with: StoreStatusId(11),
        channel: ChannelId(5),
        warehouse: WarehouseId(2),
        price_list: Some(PriceListId(2)),
        price_mode: PriceMode::Exc,
        lead_source: Some(LeadSourceId(3)),
        project: None,
        staff_owner: None,
        currency: "GBP".into(),
        decimals: 2,
        exchange_rate: rust_decimal::Decimal::ONE,
        shipping_method: Some(ShippingMethodId(6)),
        billing: address(),
        delivery: Address { company: String::new(), email: String::new(), city: "York".into(), ..address() },
        rows: vec![
            row(Some(office.mug), "Harbour mug", 2, "31.00", "6.20"),
            row(None, "Delivery", 1, "9.25", "1.85"),
            row(None, "Discount SPRING", 1, "-2.00", "-0.40"),
        ],
    }
}

pub(super) async fn create(office: &Office, number: u64) -> SalesOrderId {
    let client = office.client();
    client.create_sales_order(&order(office, number), guard(client.pool())).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_sales_order_is_read_back_as_it_was_made() {
    let office = Office::open_with(json!({ "offset": "-06:00" })).await;
    let client = office.client();
    let wish = order(&office, 9001);
    let made = client.create_sales_order(&wish, guard(client.pool())).await.unwrap().unwrap();
    let read = client.orders(&[made], SHARE).await.unwrap();
    let read = &read[0];
    assert_eq!((read.id, read.type_code.as_str(), read.reference.as_str()), (made, "SO", "9001"));
    assert_eq!((read.external_ref.as_str(), read.installation), ("bc-store7-9001", Some(wish.installation)));
    assert_eq!((read.status, read.channel, read.contact, read.parent), (SalesOrderStatusId(17), Some(ChannelId(5)), Some(wish.contact), None));
    assert_eq!((read.currency.as_str(), Some(read.total), read.tax), ("GBP", wish.total(), d("7.65")));
    assert_eq!(read.total, d("45.90"));
    assert!(read.updated_at.unwrap().duration_since(office.sim.clock.now()).abs() < jiff::SignedDuration::from_secs(60), "whatever the zone");
    assert_eq!(read.rows.len(), 3);
    for (row, wish) in read.rows.iter().zip(&wish.rows) {
        assert_eq!((row.name.as_str(), row.external_ref.as_str()), (wish.name.as_str(), wish.external_ref.as_str()));
        assert_eq!((row.quantity, row.net, row.tax), (Decimal::from(wish.quantity), wish.net, wish.tax));
        assert_eq!(row.product, wish.product.unwrap_or(ProductId(1000)), "free text is product 1000");
        assert!(!row.bundle_child && row.bundle_parent_row.is_none());
    }
    assert!(read.rows.windows(2).all(|two| two[0].sequence < two[1].sequence));
}

#[tokio::test]
async fn addresses_dates_and_choices_arrive_where_staff_look_for_them() {
    let office = Office::open().await;
    let made = create(&office, 9001).await;
    let shown = office.view(&format!("orders/{made}")).await["orders"][0].clone();
    let delivery = &shown["parties"]["delivery"];
    assert_eq!(delivery["addressFullName"], "Mara Lind");
    assert_eq!((&delivery["addressLine1"], &delivery["addressLine2"]), (&json!("7 Quay St"), &json!("Flat 2")));
    assert_eq!((&delivery["addressLine3"], &delivery["addressLine4"]), (&json!("York"), &json!("Avon")), "city and state");
    assert_eq!(
        (&delivery["postalCode"], &delivery["countryIsoCode"], &delivery["telephone"]),
        (&json!("BS1 4XX"), &json!("GB"), &json!("+44 117 000 0000"))
    );
    assert_eq!(shown["parties"]["billing"]["companyName"], "Quay Ltd");
    assert_eq!(shown["parties"]["customer"]["email"], "mara@example.com");
    assert_eq!(shown["placedOn"], "2026-03-02T09:14:55.000+00:00");
    assert_eq!((&shown["warehouseId"], &shown["delivery"]["shippingMethodId"]), (&json!(2), &json!(6)));
    assert_eq!(
        (&shown["priceListId"], &shown["priceModeCode"], &shown["assignment"]["current"]["leadSourceId"]),
        (&json!(2), &json!("EXC"), &json!(3))
    );
}

#[tokio::test]
async fn what_is_left_out_is_chosen_by_the_account() {
    let office = Office::open().await;
    let client = office.client();
    let plain = NewSalesOrder {
        status: None,
        price_list: None,
        lead_source: None,
        shipping_method: None,
        currency: "EUR".into(),
        billing: Address { company: String::new(), street_2: String::new(), state: String::new(), phone: String::new(), ..address() },
        ..order(&office, 9002)
    };
    let made = client.create_sales_order(&plain, guard(client.pool())).await.unwrap().unwrap();
    let read = client.orders(&[made], SHARE).await.unwrap();
    assert_eq!((read[0].currency.as_str(), read[0].total), ("EUR", d("45.90")));
    let configured = client.account_configuration(SHARE).await.unwrap();
    assert_eq!(Some(&read[0].status.to_string()), configured.get("newSalesOrderStatusId"));
}

#[tokio::test]
async fn the_same_key_makes_no_second_order_whatever_the_answer_says() {
    let office = Office::open().await;
    let client = office.client();
    let wish = order(&office, 9001);
    let made = client.create_sales_order(&wish, guard(client.pool())).await.unwrap();
    assert_eq!(client.create_sales_order(&wish, guard(client.pool())).await.unwrap(), made);
    office.sim.switch("repeated_order_body", "empty").await;
    assert_eq!(client.create_sales_order(&wish, guard(client.pool())).await.unwrap(), None, "it is there, but is not named");
    let found = client.orders_with_external_ref(&wish.external_ref, Some(wish.installation), SHARE).await.unwrap();
    assert_eq!(found, [made.unwrap()]);
    assert_eq!(office.view("orders").await["orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_that_was_made_while_the_answer_was_lost_is_found_by_its_key() {
    let office = Office::open().await;
    let client = office.client();
    for (number, kind) in [(1, "cut_after"), (2, "corrupt_body")] {
        office.sim.spoil("*/sales-order*", json!({ "kind": kind })).await;
        let wish = order(&office, number);
        let error = client.create_sales_order(&wish, guard(client.pool())).await.unwrap_err();
        // A number that lost its second half would still be a number: the envelope around it tells.
        assert!(matches!(error, CallError::Uncertain { .. }), "{kind}: {error:?}");
        let found = client.orders_with_external_ref(&wish.external_ref, Some(wish.installation), SHARE).await.unwrap();
        assert_eq!(found.len(), 1, "{kind}");
        assert_eq!(client.create_sales_order(&wish, guard(client.pool())).await.unwrap(), Some(found[0]), "{kind}");
    }
    assert_eq!(office.view("orders").await["orders"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_key_is_searched_whole_and_by_installation() {
    let office =
        Office::open_with(json!({ "installations": [{ "app_ref": "app", "dev_ref": "dev" }, { "app_ref": "app", "dev_ref": "dev" }] })).await;
    let client = office.client();
    let (short, long) = (create(&office, 90).await, create(&office, 900).await);
    let other = InstallationId(id(&office.account["installations"][1]["installation_instance_id"]));
    let theirs = NewSalesOrder { installation: other, ..order(&office, 90) };
    let second = client.create_sales_order(&theirs, guard(client.pool())).await.unwrap().unwrap();
    assert_ne!(short, second, "a new installation is a new key");
    let ours = Some(order(&office, 90).installation);
    assert_eq!(client.orders_with_external_ref("bc-store7-90", ours, SHARE).await.unwrap(), [short]);
    assert_eq!(client.orders_with_external_ref("bc-store7-90", None, SHARE).await.unwrap(), [short, second]);
    assert_eq!(client.orders_with_external_ref("bc-store7-900", None, SHARE).await.unwrap(), [long]);
    assert!(client.orders_with_external_ref("bc-store7-9", None, SHARE).await.unwrap().is_empty());
    assert!(client.orders_with_external_ref("a&b=c+d %2B", None, SHARE).await.unwrap().is_empty(), "any text is one value of the query");
}

#[tokio::test]
async fn a_search_may_not_know_yet_what_was_just_written() {
    let office = Office::open().await;
    let client = office.client();
    office.sim.switch("search_lag_ms", 60_000).await;
    let made = create(&office, 9001).await;
    assert!(client.orders_with_external_ref("bc-store7-9001", None, SHARE).await.unwrap().is_empty());
    assert_eq!(client.orders(&[made], SHARE).await.unwrap().len(), 1, "the order itself is there");
    office.sim.advance(Duration::from_secs(61));
    assert_eq!(client.orders_with_external_ref("bc-store7-9001", None, SHARE).await.unwrap(), [made]);
}

#[tokio::test]
async fn row_keys_may_not_come_back_and_totals_may_be_summed_either_way() {
    let office = Office::open().await;
    let client = office.client();
    let made = create(&office, 9001).await;
    let echoed = client.orders(&[made], SHARE).await.unwrap();
    office.sim.switch("row_external_ref_echo", false).await;
    office.sim.switch("row_sum", "shown").await;
    let mute = client.orders(&[made], SHARE).await.unwrap();
    assert!(echoed[0].rows.iter().all(|row| row.external_ref.starts_with("bc-line-")));
    assert!(mute[0].rows.iter().all(|row| row.external_ref.is_empty()));
    assert_eq!((echoed[0].total, echoed[0].tax), (mute[0].total, mute[0].tax), "rows in the minor unit sum alike");
    let bare: Vec<_> = mute[0].rows.iter().map(|row| (row.id, row.product, row.sequence, row.quantity, row.net)).collect();
    assert_eq!(bare, echoed[0].rows.iter().map(|row| (row.id, row.product, row.sequence, row.quantity, row.net)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_bundle_brings_its_components_as_rows_of_their_own() {
    let office = Office::open().await;
    let client = office.client();
    let set = json!({ "products": [{ "sku": "SET-01", "components": [{ "sku": "MUG-01", "quantity": 2 }, { "sku": "CAP-01" }] }] });
    let set = id(&office.act("products", set).await["products"][0]["id"]);
    let wish = NewSalesOrder { rows: vec![row(Some(set), "Set", 1, "40.00", "8.00")], ..order(&office, 9003) };
    let made = client.create_sales_order(&wish, guard(client.pool())).await.unwrap().unwrap();
    let read = client.orders(&[made], SHARE).await.unwrap();
    assert_eq!((read[0].total, read[0].rows.len()), (d("48.00"), 3));
    let parent = &read[0].rows[0];
    assert!(parent.product == ProductId(set) && !parent.bundle_child);
    let children: Vec<_> = read[0].rows[1..].iter().map(|row| (row.bundle_child, row.bundle_parent_row, row.product.0, row.quantity)).collect();
    assert_eq!(children, [(true, Some(parent.id), office.mug, Decimal::TWO), (true, Some(parent.id), office.cap, Decimal::ONE)]);
}

#[tokio::test]
async fn what_the_account_does_not_know_is_refused_and_leaves_nothing() {
    let office = Office::open().await;
    let client = office.client();
    let good = order(&office, 9001);
    let rows = |row: NewRow| vec![good.rows[0].clone(), row];
    let cases = [
        ("a warehouse", NewSalesOrder { warehouse: WarehouseId(99), ..good.clone() }),
        ("a channel", NewSalesOrder { channel: ChannelId(99), ..good.clone() }),
        ("a status", NewSalesOrder { status: Some(SalesOrderStatusId(999)), ..good.clone() }),
        ("a contact", NewSalesOrder { contact: ContactId(999_999), ..good.clone() }),
        ("a currency", NewSalesOrder { currency: "XXX".into(), ..good.clone() }),
        ("a country", NewSalesOrder { delivery: Address { country_iso2: "QQ".into(), ..address() }, ..good.clone() }),
        ("a product", NewSalesOrder { rows: rows(row(Some(999_999), "Ghost", 1, "1.00", "0.20")), ..good.clone() }),
        ("a tax code", NewSalesOrder { rows: rows(NewRow { tax_code: "T99".into(), ..good.rows[1].clone() }), ..good.clone() }),
        ("a nameless row", NewSalesOrder { rows: rows(row(None, "", 1, "1.00", "0.20")), ..good.clone() }),
    ];
    for (what, bad) in cases {
        let error = client.create_sales_order(&bad, guard(client.pool())).await.unwrap_err();
        assert!(matches!(&error, CallError::Refused { status: 400, code, message } if !code.is_empty() && !message.is_empty()), "{what}: {error:?}");
    }
    assert!(office.view("orders").await["orders"].as_array().unwrap().is_empty());
    client.create_sales_order(&good, guard(client.pool())).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_status_is_set_and_an_unknown_one_refused() {
    let office = Office::open().await;
    let client = office.client();
    let made = create(&office, 9001).await;
    client.set_order_status(made, SalesOrderStatusId(21), guard(client.pool())).await.unwrap();
    assert_eq!(client.orders(&[made], SHARE).await.unwrap()[0].status, SalesOrderStatusId(21));
    for (order, status) in [(made, 999), (SalesOrderId(1), 21)] {
        let error = client.set_order_status(order, SalesOrderStatusId(status), guard(client.pool())).await.unwrap_err();
        assert!(matches!(error, CallError::Refused { .. } | CallError::NotFound), "{error:?}");
    }
    assert_eq!(client.orders(&[made], SHARE).await.unwrap()[0].status, SalesOrderStatusId(21));
}
