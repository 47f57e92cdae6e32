//! What hangs on an order.

use orderbridge_schema::facts::{Charge, LineKind, Taxed};
use orderbridge_schema::ids::{OrderAddressId, OrderLineId, ShipmentId, StoreOrderId};
use serde_json::{Value, json};

use crate::support::{Answer, Seen, Server};
use crate::{SHARE, client, d};

fn line(id: u64) -> Value {
    json!({
        "id": id, "order_id": 9, "product_id": 184, "variant_id": "421", "order_address_id": 127, "name": "Mug", "sku": " MUG-01 ", "type": "physical",
        "quantity": 2, "quantity_shipped": "1", "quantity_refunded": 0, "total_inc_tax": "60.0000", "total_tax": "10.0000",
        "discounted_total_inc_tax": "54.0000", "parent_order_product_id": null, "refund_amount": "0.0000", "product_options": [],
    })
}

#[tokio::test]
async fn every_line_of_a_long_order_is_read() {
    for (count, calls) in [(60, 1), (250, 2), (260, 2)] {
        let server = Server::start(move |seen: &Seen| {
            assert_eq!(seen.query("limit").as_deref(), Some("250"));
            let page: u64 = seen.query("page").unwrap().parse().unwrap();
            let rows: Vec<Value> = (1..=count).skip(usize::try_from((page - 1) * 250).unwrap()).take(250).map(line).collect();
            if rows.is_empty() { Answer::empty(204) } else { Answer::json(200, Value::from(rows).to_string()) }
        })
        .await;
        let lines = client(&server).lines(StoreOrderId(9), SHARE).await.unwrap();
        assert_eq!((lines.len(), server.seen().len()), (usize::try_from(count).unwrap(), calls));
        assert_eq!((lines[0].sku.as_str(), lines[0].variant, lines[0].shipped, lines[0].left_to_ship()), ("MUG-01", 421, 1, 1));
        assert_eq!((lines[0].discounted_total, lines[0].parent, lines[0].kind), (d("54"), None, LineKind::Physical));
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_page_does_not_double_the_lines() {
    let rows: Vec<Value> = (1..=250).map(line).collect();
    let server = Server::start(move |_| Answer::json(200, Value::from(rows.clone()).to_string())).await;
    assert_eq!(client(&server).lines(StoreOrderId(9), SHARE).await.unwrap().len(), 250);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn odd_lines_are_read_too() {
    let rows = json!([
        {"id": "5", "type": "digital", "quantity": 1, "total_inc_tax": 12, "total_tax": 2, "applied_discounts": [{"amount": "1.5000"}, {"amount": 0.5}]},
        {"id": 6, "type": "giftcertificate", "quantity": "1", "total_inc_tax": "25", "total_tax": "0", "applied_discounts": null, "sku": null},
        {"id": 7, "type": "hologram", "quantity": 1, "total_inc_tax": "0.0000", "total_tax": "0.0000", "parent_order_product_id": "5"},
    ]);
    let server = Server::start(move |_| Answer::json(200, rows.to_string())).await;
    let lines = client(&server).lines(StoreOrderId(9), SHARE).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.kind).collect::<Vec<_>>(), [LineKind::Digital, LineKind::GiftCertificate, LineKind::Physical]);
    assert_eq!(lines.iter().map(|line| line.discounted_total).collect::<Vec<_>>(), [d("10"), d("25"), d("0")]);
    assert_eq!((lines[2].parent, lines[1].sku.as_str(), lines[0].address), (Some(OrderLineId(5)), "", OrderAddressId(0)));
}

#[tokio::test]
async fn no_content_is_an_empty_list_everywhere() {
    for answer in [|| Answer::empty(204), || Answer::json(200, " \n"), || Answer::json(200, "[]")] {
        let server = Server::start(move |_| answer()).await;
        let (client, id) = (client(&server), StoreOrderId(9));
        assert!(client.lines(id, SHARE).await.unwrap().is_empty());
        assert!(client.addresses(id, SHARE).await.unwrap().is_empty());
        assert!(client.taxes(id, SHARE).await.unwrap().is_empty());
        assert!(client.coupons(id, SHARE).await.unwrap().is_empty());
        assert!(client.fees(id, SHARE).await.unwrap().is_empty());
        assert!(client.shipments(id, SHARE).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_hangs_on_an_order_is_read() {
    let server = Server::start(|seen: &Seen| {
        let body = match seen.path().rsplit('/').next().unwrap() {
            "shipping_addresses" => json!([{"id": 127, "first_name": "Ada", "zip": "BS1 1AA", "country_iso2": "GB", "items_total": 2, "items_shipped": "1",
                "shipping_method": "Royal Mail 48", "base_cost": "5.0000"}]),
            "taxes" => json!([
                {"id": 1, "order_product_id": "188", "line_item_type": "item", "name": "VAT", "class": "Default Tax Class", "rate": "20.0000", "line_amount": "10.0000"},
                {"id": 2, "order_product_id": null, "line_item_type": "shipping", "class": "Shipping", "rate": 20, "line_amount": 1},
                {"id": 3, "line_item_type": "handling", "name": "VAT", "class": null, "rate": "0", "line_amount": "0"},
                {"id": 4, "order_product_id": 188, "line_item_type": "gift-wrapping", "class": "Wrap", "rate": "20", "line_amount": "0.5"},
                {"id": 5, "class": "Fees", "rate": "20", "line_amount": "2"},
            ]),
            "coupons" => json!([{"id": 1, "code": null, "amount": 5, "type": 1, "discount": 3.15}, {"id": 2, "code": "FREESHIP", "amount": "0", "type": "4", "discount": "6.0000"}]),
            "shipments" => json!([{"id": 6, "order_address_id": 127, "date_created": "Sun, 01 Mar 2026 12:00:00 +0000", "tracking_number": null,
                "comments": "GON-4101 more", "items": [{"order_product_id": 188, "product_id": 0, "quantity": 1}]}]),
            other => panic!("{other}"),
        };
        Answer::json(200, body.to_string())
    })
    .await;
    let (client, id) = (client(&server), StoreOrderId(9));
    let addresses = client.addresses(id, SHARE).await.unwrap();
    assert_eq!((addresses[0].id, addresses[0].items_total, addresses[0].items_shipped), (OrderAddressId(127), 2, 1));
    assert_eq!((addresses[0].shipping_method.as_str(), addresses[0].address.postcode.as_str()), ("Royal Mail 48", "BS1 1AA"));
    let taxes = client.taxes(id, SHARE).await.unwrap();
    let on: Vec<Taxed> = taxes.iter().map(|tax| tax.on).collect();
    assert_eq!(on, [Taxed::Line(OrderLineId(188)), Taxed::Shipping, Taxed::Handling, Taxed::Wrapping, Taxed::Other]);
    assert_eq!((taxes[0].class.as_str(), taxes[2].class.as_str(), taxes[1].amount), ("Default Tax Class", "VAT", d("1")));
    assert_eq!(server.seen()[1].query("details").as_deref(), Some("true"));
    let coupons = client.coupons(id, SHARE).await.unwrap();
    assert_eq!((coupons[0].discount, coupons[0].is_on_shipping(), coupons[1].is_on_shipping()), (d("3.15"), false, true));
    let shipments = client.shipments(id, SHARE).await.unwrap();
    assert_eq!((shipments[0].id, shipments[0].items.as_slice()), (ShipmentId(6), &[(OrderLineId(188), 1)][..]));
    assert_eq!((shipments[0].comments.as_str(), shipments[0].tracking_number.as_str()), ("GON-4101 more", ""));
}

#[tokio::test]
async fn fees_are_read_in_each_of_their_forms() {
    let fee = json!({"id": 1, "display_name_customer": "", "display_name_merchant": "Crate", "cost_exc_tax": "12.3000", "cost_tax": "2.4600", "tax_class_id": null});
    let whole = json!({"id": 1, "display_name_customer": "Crate", "cost_ex_tax": 12.3, "cost_inc_tax": "14.7600", "cost_tax": "2.4600"});
    for body in [json!({"fees": [fee]}), json!([whole]), whole.clone()] {
        let server = Server::start(move |_| Answer::json(200, body.to_string())).await;
        let fees = client(&server).fees(StoreOrderId(9), SHARE).await.unwrap();
        assert_eq!((fees.len(), fees[0].name.as_str(), fees[0].charge), (1, "Crate", Charge { gross: d("14.76"), tax: d("2.46") }));
    }
    for none in ["{}", r#"{"fees":[]}"#, r#"{"fees":null}"#, "null"] {
        let server = Server::start(move |_| Answer::json(200, none)).await;
        assert!(client(&server).fees(StoreOrderId(9), SHARE).await.unwrap().is_empty(), "{none}");
    }
}
