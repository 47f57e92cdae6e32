//! What a store order's parts become (BC §d).

use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{Charge, Coupon, LineKind, OrderLine, Taxed};
use orderbridge_schema::ids::{OrderAddressId, StoreChannelId, StoreCustomerId, StoreOrderId, StoreStatusId};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{HASH, SHARE, Shop, d, id, text};

fn money(row: &Value, field: &str) -> Decimal {
    text(&row[field]).parse().unwrap_or_else(|_| panic!("{field}"))
}

fn charge(row: &Value, name: &str) -> Charge {
    Charge { gross: money(row, &format!("{name}_inc_tax")), tax: money(row, &format!("{name}_tax")) }
}

/// Every kind of charge and reduction at once.
pub(super) fn everything() -> Value {
    json!({ "shipping": { "cost": "4.99" }, "handling": "1.25", "discount": "3.33",
        "coupons": [{ "code": "TEN", "type": 1, "amount": 10 }, { "code": "EACH", "type": 0, "amount": "0.50" }, { "code": "SHIP", "type": 3, "amount": 2 }],
        "fees": [{ "name": "Packing", "cost": "0.99" }],
        "lines": [{ "sku": "A", "quantity": 3, "price": "9.99" }, { "sku": "B", "price": "0.35", "quantity": 7, "tax_rate": 5 },
                  { "name": "Service", "price": "12.34", "tax_rate": 0 },
                  { "name": "Two taxes", "price": "19.99", "tax_rates": [{ "name": "GST", "rate": 5 }, { "name": "PST", "rate": "9.975" }],
                    "wrapping": { "cost": "2.50", "message": "Happy birthday" }, "discount": "1.11" }] })
}

#[tokio::test]
async fn a_plain_order_has_the_amounts_that_a_shopper_would_reckon() {
    let shop = Shop::open().await;
    let client = shop.client();
    for (inclusive, total, tax, line, line_tax, shipping) in
        [(false, "66", "11", "60", "10", ("6", "1")), (true, "55", "9.16", "50", "8.33", ("5", "0.83"))]
    {
        let placed = shop.place(json!({ "tax_inclusive": inclusive, "shipping": 5, "lines": [{ "sku": "A", "quantity": 2 }] })).await;
        let order = client.order(StoreOrderId(id(&placed["id"])), SHARE).await.unwrap().unwrap();
        assert_eq!((order.total, order.tax), (d(total), d(tax)), "inclusive: {inclusive}");
        assert_eq!(order.shipping, Charge { gross: d(shipping.0), tax: d(shipping.1) });
        let lines = client.lines(order.id, SHARE).await.unwrap();
        assert_eq!((lines[0].total, lines[0].tax, lines[0].discounted_total), (d(line), d(line_tax), d(line)));
        let taxes = client.taxes(order.id, SHARE).await.unwrap();
        assert_eq!(
            taxes.iter().map(|row| (row.on, row.rate, row.amount)).collect::<Vec<_>>(),
            [(Taxed::Line(lines[0].id), d("20"), d(line_tax)), (Taxed::Shipping, d("20"), d(shipping.1))]
        );
    }
}

#[tokio::test]
async fn every_amount_comes_through_to_the_last_digit_in_both_tax_modes_and_all_currencies() {
    let shop = Shop::open().await;
    let client = shop.client();
    for (inclusive, currency) in [(false, "GBP"), (true, "GBP"), (false, "JPY"), (true, "KWD")] {
        let mut wish = everything();
        wish["tax_inclusive"] = json!(inclusive);
        wish["currency"] = json!(currency);
        let placed = shop.place(wish).await;
        let order = client.order(StoreOrderId(id(&placed["id"])), SHARE).await.unwrap().unwrap();
        assert_eq!((order.total, order.tax, order.currency.as_str()), (money(&placed, "total_inc_tax"), money(&placed, "total_tax"), currency));
        assert_eq!(order.shipping, charge(&placed, "shipping_cost"));
        assert_eq!(order.handling, charge(&placed, "handling_cost"));
        assert_eq!(order.wrapping, charge(&placed, "wrapping_cost"));
        assert_eq!((order.discount, order.coupon_discount), (money(&placed, "discount_amount"), money(&placed, "coupon_discount")));
        let lines = client.lines(order.id, SHARE).await.unwrap();
        for (line, shown) in lines.iter().zip(placed["products"].as_array().unwrap()) {
            let amounts = (line.total, line.tax, line.discounted_total);
            assert_eq!(amounts, (money(shown, "total_inc_tax"), money(shown, "total_tax"), money(shown, "discounted_total_inc_tax")));
        }
        let fees = client.fees(order.id, SHARE).await.unwrap();
        let coupons = client.coupons(order.id, SHARE).await.unwrap();
        let off_shipping: Decimal = coupons.iter().filter(|coupon| coupon.is_on_shipping()).map(|coupon| coupon.discount).sum();
        let paid: Decimal = lines.iter().map(|line| line.discounted_total).sum();
        let charged = [order.shipping, order.handling, order.wrapping, fees[0].charge].iter().map(|charge| charge.gross).sum::<Decimal>();
        assert_eq!(paid + charged - off_shipping, order.total, "the parts make the total: {currency} {inclusive}");
        let taxes = client.taxes(order.id, SHARE).await.unwrap();
        assert_eq!(taxes.iter().map(|row| row.amount).sum::<Decimal>(), order.tax, "the tax rows make the tax: {currency} {inclusive}");
        assert_eq!(taxes.iter().filter(|row| row.on == Taxed::Line(lines[3].id)).map(|row| row.rate).collect::<Vec<_>>(), [d("5"), d("9.975")]);
        for on in [Taxed::Handling, Taxed::Wrapping, Taxed::Other] {
            assert_eq!(taxes.iter().filter(|row| row.on == on).count(), 1, "{on:?}");
        }
    }
}

#[tokio::test]
async fn an_order_is_read_with_its_dates_addresses_and_people() {
    let shop = Shop::open().await;
    let client = shop.client();
    let customer = shop.act("customers", json!({ "email": "ada@example.com", "first_name": "Ada", "last_name": "Byron" })).await;
    let placed = shop
        .place(json!({ "id": 250, "customer": { "email": "ada@example.com" }, "date_created": "2026-03-02T09:14:55Z", "external_order_id": "ERP-7",
            "billing": { "company": "Engines Ltd", "street_1": "1 High St", "street_2": "Floor 2", "city": "Zürich", "zip": "8001", "country": "Switzerland",
                "country_iso2": "CH", "phone": "+41 44 000 00 00", "state": "ZH", "email": "ada@example.com" },
            "addresses": [{ "city": "York", "shipping": 5 }, { "first_name": "Grace", "city": "Leeds", "shipping": 7, "shipping_method": "DPD" }],
            "lines": [{ "sku": "A", "address": 0 }, { "sku": "B", "address": 1, "quantity": 2 }] }))
        .await;
    let order = client.order(StoreOrderId(250), SHARE).await.unwrap().unwrap();
    assert_eq!(order.created_at, "2026-03-02T09:14:55Z".parse().unwrap());
    assert!(order.modified_at.duration_since(shop.sim.clock.now()).abs() < jiff::SignedDuration::from_secs(60), "{}", order.modified_at);
    assert_eq!((order.customer.0 > 0, order.channel, order.external_order_id.as_str()), (true, StoreChannelId(1), "ERP-7"));
    assert!(customer.to_string().contains(&format!("\"id\":{}", order.customer)), "{customer}");
    assert_eq!((order.status, order.address_count, order.digital, order.deleted), (StoreStatusId(11), 2, false, false));
    let billing = &order.billing;
    assert_eq!((billing.first_name.as_str(), billing.last_name.as_str(), billing.company.as_str()), ("Ada", "Byron", "Engines Ltd"));
    assert_eq!((billing.street_1.as_str(), billing.street_2.as_str(), billing.city.as_str()), ("1 High St", "Floor 2", "Zürich"));
    assert_eq!((billing.state.as_str(), billing.postcode.as_str(), billing.country_iso2.as_str()), ("ZH", "8001", "CH"));
    assert_eq!((billing.phone.as_str(), billing.email.as_str()), ("+41 44 000 00 00", "ada@example.com"));
    let addresses = client.addresses(order.id, SHARE).await.unwrap();
    let ids: Vec<u64> = placed["shipping_addresses"].as_array().unwrap().iter().map(|address| id(&address["id"])).collect();
    assert_eq!(addresses.iter().map(|address| address.id.0).collect::<Vec<_>>(), ids);
    assert_eq!((addresses[0].address.city.as_str(), addresses[0].address.first_name.as_str()), ("York", "Ada"));
    assert_eq!((addresses[1].address.city.as_str(), addresses[1].address.first_name.as_str()), ("Leeds", "Grace"));
    assert_eq!((addresses[1].shipping_method.as_str(), addresses[1].items_total, addresses[1].items_shipped), ("DPD", 2, 0));
    assert_eq!(client.lines(order.id, SHARE).await.unwrap().iter().map(|line| line.address).collect::<Vec<_>>(), [addresses[0].id, addresses[1].id]);
}

#[tokio::test]
async fn lines_of_every_kind_are_told_apart() {
    let shop = Shop::open().await;
    let client = shop.client();
    let lines = json!([{ "sku": "A", "quantity": 2 }, { "name": "Engraving", "price": 4 }, { "sku": "NOT-THERE", "name": "Odd", "price": 1 },
        { "name": "Manual", "price": 3, "type": "digital" }, { "name": "Gift", "price": 10, "type": "giftcertificate" }, { "sku": "B", "parent": 0 }]);
    let placed = shop.place(json!({ "lines": lines })).await;
    let lines = client.lines(StoreOrderId(id(&placed["id"])), SHARE).await.unwrap();
    let kinds: Vec<LineKind> = lines.iter().map(|line| line.kind).collect();
    use LineKind::{Digital, GiftCertificate, Physical};
    assert_eq!(kinds, [Physical, Physical, Physical, Digital, GiftCertificate, Physical]);
    let shown = |line: &OrderLine| (line.sku.clone(), line.product > 0, line.name.clone());
    assert_eq!(shown(&lines[0]).0, "A");
    assert!(lines[0].product > 0 && lines[0].variant > 0);
    assert_eq!(shown(&lines[1]), (String::new(), false, "Engraving".into()));
    assert_eq!((lines[2].sku.as_str(), lines[2].product, lines[2].variant), ("NOT-THERE", 0, 0));
    assert_eq!((lines[3].address, lines[4].address), (OrderAddressId(0), OrderAddressId(0)));
    assert_eq!((lines[5].parent, lines[0].parent), (Some(lines[0].id), None));
    assert_eq!((lines[0].quantity, lines[0].shipped, lines[0].refunded, lines[0].left_to_ship()), (2, 0, 0, 2));
}

#[tokio::test]
async fn what_an_order_does_not_have_is_an_empty_list() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop.place(json!({ "lines": [{ "name": "Manual", "price": 3, "type": "digital", "tax_rate": 0 }] })).await;
    let order = client.order(StoreOrderId(id(&placed["id"])), SHARE).await.unwrap().unwrap();
    assert_eq!((order.digital, order.address_count, order.customer), (true, 0, StoreCustomerId(0)));
    assert!(client.addresses(order.id, SHARE).await.unwrap().is_empty());
    assert!(client.coupons(order.id, SHARE).await.unwrap().is_empty());
    assert!(client.shipments(order.id, SHARE).await.unwrap().is_empty());
    assert!(client.taxes(order.id, SHARE).await.unwrap().is_empty());
    for shape in ["object", "array", "single"] {
        shop.sim.switch("fees_shape", shape).await;
        assert!(client.fees(order.id, SHARE).await.unwrap().is_empty(), "{shape}");
    }
    assert!(client.order(StoreOrderId(999_999), SHARE).await.unwrap().is_none());
    assert_eq!(client.lines(StoreOrderId(999_999), SHARE).await, Err(CallError::NotFound));
    assert_eq!(client.fees(StoreOrderId(999_999), SHARE).await, Err(CallError::NotFound));
}

#[tokio::test]
async fn fees_taxes_and_coupons_are_the_same_in_every_form() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop
        .place(json!({ "fees": [{ "name": "Packing", "cost": "0.99" }], "coupons": [{ "code": "TEN", "type": 1, "amount": 10 }],
            "lines": [{ "sku": "A" }] }))
        .await;
    let order = StoreOrderId(id(&placed["id"]));
    let (taxes, coupons) = (client.taxes(order, SHARE).await.unwrap(), client.coupons(order, SHARE).await.unwrap());
    for shape in ["object", "array", "single"] {
        shop.sim.switch("fees_shape", shape).await;
        let fees = client.fees(order, SHARE).await.unwrap();
        assert_eq!((fees.len(), fees[0].name.as_str(), fees[0].charge), (1, "Packing", Charge { gross: d("1.19"), tax: d("0.20") }), "{shape}");
        assert!(fees[0].id > 0);
    }
    assert_eq!(taxes.iter().map(|row| row.on).collect::<Vec<_>>(), [Taxed::Line(client.lines(order, SHARE).await.unwrap()[0].id), Taxed::Other]);
    assert_eq!(coupons, [Coupon { code: "TEN".into(), kind: 1, discount: money(&placed, "coupon_discount") }]);
    shop.sim.switch("tax_row_ids", "string").await;
    shop.sim.switch("coupon_amounts", "string").await;
    assert_eq!(client.taxes(order, SHARE).await.unwrap(), taxes);
    assert_eq!(client.coupons(order, SHARE).await.unwrap(), coupons);
    shop.sim.switch("fee_tax_rows", "none").await;
    assert_eq!(client.taxes(order, SHARE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn numbers_for_money_and_null_for_nothing_change_no_fact() {
    let shop = Shop::open().await;
    let client = shop.client();
    let mut wish = everything();
    wish["billing"] = json!({ "company": "" });
    let placed = shop.place(wish).await;
    let order = StoreOrderId(id(&placed["id"]));
    let plain = client.order(order, SHARE).await.unwrap();
    let lines = client.lines(order, SHARE).await.unwrap();
    shop.sim.switch("money_as_number", true).await;
    shop.sim.switch("null_for_empty", true).await;
    assert_eq!(client.order(order, SHARE).await.unwrap(), plain);
    assert_eq!(client.lines(order, SHARE).await.unwrap(), lines);
}

#[tokio::test]
async fn credits_are_told_apart_from_the_total_in_both_of_its_meanings() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop.place(json!({ "store_credit": "5.50", "gift_certificate": "4.25", "lines": [{ "sku": "A" }] })).await;
    let order = StoreOrderId(id(&placed["id"]));
    let before = client.order(order, SHARE).await.unwrap().unwrap();
    assert_eq!((before.total, before.store_credit, before.gift_certificates), (d("30"), d("5.5"), d("4.25")));
    shop.sim.switch("total_after_credits", true).await;
    assert_eq!(client.order(order, SHARE).await.unwrap().unwrap().total, d("20.25"));
}

#[tokio::test]
async fn orders_in_every_status_are_found_also_those_that_lists_hide() {
    let shop = Shop::open().await;
    let client = shop.client();
    shop.sim.switch("list_incomplete", false).await;
    let mut ids = Vec::new();
    for status in [11, 9, 7, 10, 12] {
        ids.push(StoreOrderId(id(&shop.place(json!({ "checkout": "direct", "status": status, "lines": [{ "sku": "A" }] })).await["id"])));
    }
    ids.push(StoreOrderId(id(&shop.place(json!({ "checkout": "abandoned", "lines": [{ "sku": "A" }] })).await["id"])));
    shop.act(&format!("orders/{}/archive", ids[0]), json!({})).await;
    shop.act(&format!("orders/{}/cancel", ids[1]), json!({})).await;
    let wanted: Vec<StoreOrderId> = ids.iter().copied().chain([StoreOrderId(999_999)]).collect();
    let orders = client.orders(&wanted, SHARE).await.unwrap();
    assert_eq!(orders.iter().map(|order| order.id).collect::<Vec<_>>(), ids);
    assert_eq!(orders.iter().map(|order| order.status.0).collect::<Vec<_>>(), [11, 5, 7, 10, 12, 0]);
    assert_eq!(orders.iter().map(|order| order.deleted).collect::<Vec<_>>(), [true, false, false, false, false, false]);
}

#[tokio::test]
async fn the_store_tells_its_time_and_its_profile() {
    let shop = Shop::open_with(json!({ "currency": "EUR", "tax_inclusive": true, "name": "Harbour" })).await;
    let client = shop.client();
    let time = client.time(SHARE).await.unwrap();
    assert!(time.duration_since(shop.sim.clock.now()).abs() < jiff::SignedDuration::from_secs(60), "{time}");
    let store = client.store_info(SHARE).await.unwrap();
    assert_eq!((store.hash.as_str(), store.store_id.as_str(), store.name.as_str()), (HASH, "1025646", "Harbour"));
    assert_eq!((store.currency.as_str(), store.prices_include_tax), ("EUR", true));
    assert!(!store.domain.is_empty());
}
