//! The money of orders in Brightpearl: rates, discounts, rounding, unknown products, and what shoppers chose.

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, SECTIONS, Wish};
use crate::wait::{SOON, until};

fn money(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse::<rust_decimal::Decimal>().unwrap().normalize().to_string()
}

fn assert_same_money(order: &Value, sales_order: &Value) {
    assert_eq!(money(&sales_order["totalValue"]["total"]), money(&order["total_inc_tax"]), "total");
    assert_eq!(money(&sales_order["totalValue"]["taxAmount"]), money(&order["total_tax"]), "tax");
}

/// Net, tax and tax code of the row with our key.
fn amounts(sales_order: &Value, key: &str) -> (String, String, String) {
    let row = row(sales_order, key);
    let value = &row["rowValue"];
    (money(&value["rowNet"]["value"]), money(&value["rowTax"]["value"]), value["taxCode"].as_str().unwrap().to_owned())
}

fn row(sales_order: &Value, key: &str) -> Value {
    let rows = sales_order["orderRows"].as_object().unwrap();
    rows.values().find(|row| row["externalRef"] == json!(key)).unwrap_or_else(|| panic!("no row {key} in {rows:?}")).clone()
}

/// The usual sections with more lines in the one of taxes.
fn sections(more: &str) -> String {
    SECTIONS.replace("[taxes_and_accounts]\n", &format!("[taxes_and_accounts]\n{more}\n"))
}

/// An order made past the checkout, as other programs make them: its total is what they say it is (BC §d.7).
async fn post_order(merchant: &Merchant<'_>, order: Value) -> u64 {
    let installation = merchant.installation;
    let url = format!("{}/stores/{}/v2/orders", installation.bigcommerce, merchant.id);
    let made = installation.http.post(url).header("x-auth-token", merchant.bigcommerce_token()).json(&order).send().await.unwrap();
    let made: Value = made.error_for_status().unwrap().json().await.unwrap();
    made["id"].as_u64().unwrap()
}

/// A merchant with other settings.
async fn merchant_with<'a>(installation: &'a Installation, store: Value, sections: &str) -> Merchant<'a> {
    let merchant = Merchant::with(installation, Wish { store, ..Wish::default() }).await;
    merchant.import(crate::merchant::ORDERS, sections).await;
    merchant
}

#[test]
fn an_unknown_product_is_free_text_or_the_placeholder_as_the_merchant_says() {
    run(async {
        let installation = shared().await;
        let chosen = |rule: &str| format!("{SECTIONS}\n[items_and_customers]\n{rule}\n");
        let merchant = merchant_with(installation, json!({}), &chosen("unknown_product = \"free-text\"")).await;
        let order = json!({"lines": [{"sku": "SKU-1", "quantity": 2, "tax_rate": 20}, {"sku": "GONE-9", "name": "Old lamp", "price": 10, "tax_rate": 20},
            {"name": "Made to measure", "price": 5, "tax_rate": 20}], "shipping": {"cost": 4, "tax_rate": 20}});
        let placed = merchant.place(order.clone()).await;
        let sales_order = merchant.synced(placed).await;
        assert_same_money(&merchant.store_order(placed).await, &sales_order);
        let texts: Vec<&Value> = sales_order["orderRows"].as_object().unwrap().values().filter(|row| row["productId"] == json!(1000)).collect();
        assert_eq!(texts.len(), 3, "lamp, made to measure, delivery: {texts:?}");
        assert!(texts.iter().any(|row| row["productName"] == json!("Old lamp | SKU: GONE-9")), "{texts:?}");
        assert!(merchant.timeline(placed).await.contains("unknown-product"));

        let made = merchant.account("products", json!({"products": [{"sku": "STAND-IN", "name": "Unknown goods", "price": 1}]})).await;
        let stand_in = made.pointer("/products/0/id").or(made.pointer("/0/id")).unwrap_or(&made["id"]).as_u64().unwrap();
        let rule = format!("unknown_product = \"placeholder\"\nplaceholder_product = {stand_in}");
        merchant.import(crate::merchant::ORDERS, &chosen(&rule)).await;
        let placed = merchant.place(order).await;
        let sales_order = merchant.synced(placed).await;
        assert_same_money(&merchant.store_order(placed).await, &sales_order);
        let rows = sales_order["orderRows"].as_object().unwrap();
        let named: Vec<&Value> = rows.values().filter(|row| row["productId"] == json!(stand_in)).map(|row| &row["productName"]).collect();
        assert_eq!(named, [&json!("Old lamp | SKU: GONE-9")]);
    });
}

#[test]
fn orders_in_two_currencies_carry_the_stores_rate_or_brightpearls() {
    run(async {
        let store = json!({"currency": "GBP", "currencies": [{"code": "EUR", "rate": "1.1700000000"}]});
        let merchant = Merchant::with(shared().await, Wish { store, ..Wish::default() }).await;
        let order = |currency: &str| json!({"currency": currency, "lines": [{"sku": "SKU-4", "quantity": 3, "tax_rate": 20}], "shipping": {"cost": 5, "tax_rate": 20}});
        for (currency, rate) in [("GBP", "1.000000"), ("EUR", "1.170000"), ("USD", "1.250000")] {
            let placed = merchant.place(order(currency)).await;
            let sales_order = merchant.synced(placed).await;
            assert_same_money(&merchant.store_order(placed).await, &sales_order);
            let told = &sales_order["currency"];
            assert_eq!(
                (&told["orderCurrencyCode"], &told["exchangeRate"], &told["fixedExchangeRate"]),
                (&json!(currency), &json!(rate), &json!(true))
            );
            let (total, base) = (&sales_order["totalValue"]["total"], &sales_order["totalValue"]["baseTotal"]);
            let number = |value: &Value| money(value).parse::<rust_decimal::Decimal>().unwrap();
            let expected = (number(total) / rate.parse::<rust_decimal::Decimal>().unwrap())
                .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
            assert_eq!(number(base), expected, "{currency}: as many pounds as that");
            let remembered = format!(
                "do $$ begin if not exists (select from order_links where tenant = '{}' and store_order = {placed} and exchange_rate = {rate}) \
                   then raise exception 'not remembered'; end if; end $$",
                merchant.id
            );
            merchant.installation.sql(&remembered).await;
        }
    });
}

#[test]
fn a_rate_the_other_way_round_is_held_and_goes_on_when_the_setting_is_turned() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        installation.control(&installation.bigcommerce, "switches", json!({"exchange_rate": "inverse"})).await;
        let store = json!({"currency": "GBP", "currencies": [{"code": "USD", "rate": "1.2500000000"}]});
        let merchant = Merchant::with(&installation, Wish { store, ..Wish::default() }).await;
        let placed = merchant.place(json!({"currency": "USD", "lines": [{"sku": "SKU-4", "quantity": 3, "tax_rate": 20}]})).await;
        merchant.held_for("exchange-rate-direction:USD").await;
        merchant.import(crate::merchant::ORDERS, &sections("store_rate = \"inverse\"")).await;
        let sales_order = merchant.synced(placed).await;
        assert_eq!(sales_order["currency"]["exchangeRate"], json!("1.250000"));
    });
}

#[test]
fn rates_of_an_account_that_writes_them_the_other_way_round_give_the_right_base_total() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        installation.control(&installation.brightpearl, "switches", json!({"exchange_rate": "base_per_order"})).await;
        let store = json!({"currency": "GBP", "currencies": [{"code": "USD", "rate": "1.2500000000"}]});
        let merchant = merchant_with(&installation, store, &sections("store_rate = \"inverse\"")).await;
        let placed = merchant.place(json!({"currency": "USD", "lines": [{"sku": "SKU-10", "quantity": 1, "price": 100, "tax_rate": 0}]})).await;
        let sales_order = merchant.synced(placed).await;
        assert_eq!(sales_order["currency"]["exchangeRate"], json!("0.800000"));
        assert_eq!((money(&sales_order["totalValue"]["total"]), money(&sales_order["totalValue"]["baseTotal"])), ("100".into(), "80".into()));
    });
}

#[test]
fn discounts_stand_on_rows_of_their_own_once_per_tax_code() {
    run(async {
        let merchant = merchant_with(shared().await, json!({}), &sections("discounts = \"own-rows\"")).await;
        let placed = merchant.place(json!({
            "lines": [{"sku": "SKU-10", "quantity": 2, "price": 12, "tax_rate": 20, "discount": "6.00"},
                {"sku": "SKU-5", "quantity": 1, "price": 12, "tax_rate": 20, "discount": "2.40"},
                {"sku": "SKU-6", "quantity": 1, "price": 10, "tax_rate": 0, "discount": "1.00"}],
            "shipping": {"cost": 5, "tax_rate": 20}, "coupons": [{"code": "FREESHIP", "type": 4}],
        }));
        let placed = placed.await;
        let (sales_order, order) = (merchant.synced(placed).await, merchant.store_order(placed).await);
        assert_same_money(&order, &sales_order);
        assert_eq!(amounts(&sales_order, "bc-shipping"), ("5".into(), "1".into(), "T20".into()), "as it was before");
        // 6.00, 2.40 and free delivery of 6.00, all with tax.
        assert_eq!(amounts(&sales_order, "bc-discount-T20"), ("-12".into(), "-2.4".into(), "T20".into()));
        assert_eq!(amounts(&sales_order, "bc-discount-T0"), ("-1".into(), "0".into(), "T0".into()));
        assert_eq!(row(&sales_order, "bc-discount-T20")["nominalCode"], json!("4009"));
    });
}

#[test]
fn a_store_whose_total_is_a_penny_off_gets_one_row_for_rounding_and_more_is_held() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let with_total = |ex: &str, inc: &str| {
            json!({"customer_id": 0, "status_id": 11, "total_ex_tax": ex, "total_inc_tax": inc,
            "billing_address": {"first_name": "Ada", "last_name": "Byron", "street_1": "1 Test Street", "city": "Bristol", "state": "Bristol",
                "zip": "BS1 1AA", "country": "United Kingdom", "country_iso2": "GB", "email": "penny@example.com"},
            "products": [{"name": "Loose change", "quantity": 1, "price_ex_tax": "10.00", "price_inc_tax": "12.00"}]})
        };
        let placed = post_order(&merchant, with_total("10.02", "12.02")).await;
        let sales_order = merchant.synced(placed).await;
        assert_same_money(&merchant.store_order(placed).await, &sales_order);
        assert_eq!(amounts(&sales_order, "bc-rounding"), ("0.02".into(), "0".into(), "T0".into()));
        assert_eq!(row(&sales_order, "bc-rounding")["nominalCode"], json!("7910"), "the account's own");
        assert!(merchant.timeline(placed).await.contains("rounding-row"));

        let placed = post_order(&merchant, with_total("11.00", "13.00")).await;
        merchant.held_for("total-mismatch").await;
        assert!(merchant.sales_orders(placed).await.is_empty());
        let held = merchant.held().await;
        assert!(held.iter().any(|item| item.to_string().contains("12 with 2")), "line by line: {held:?}");
    });
}

#[test]
fn what_shoppers_chose_and_wrote_stands_on_the_row_and_a_gift_certificate_is_a_liability() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let option = |name: &str, value: &str| json!({"display_name": name, "display_value": value, "value": value});
        let placed = merchant
            .place(json!({"lines": [
                {"sku": "SKU-3", "quantity": 1, "tax_rate": 20, "options": [option("Engraving", "For Ada"), option("Picture", "cat.png")],
                    "wrapping": {"name": "Red paper", "message": "Happy birthday", "cost": "2.00", "tax_rate": 20}},
                {"name": "Gift certificate", "price": 25, "type": "giftcertificate"}]}))
            .await;
        let sales_order = merchant.synced(placed).await;
        assert_same_money(&merchant.store_order(placed).await, &sales_order);
        let names: Vec<&str> = sales_order["orderRows"].as_object().unwrap().values().filter_map(|row| row["productName"].as_str()).collect();
        let wanted = "Item 3 | Engraving: For Ada | Picture: cat.png | Gift wrapping: Red paper | Gift message: Happy birthday";
        assert!(names.contains(&wanted), "{names:?}");
        assert!(names.contains(&"Gift wrapping: Red paper"), "{names:?}");
        let certificate = sales_order["orderRows"].as_object().unwrap().values().find(|row| row["productName"] == json!("Gift certificate")).unwrap();
        assert_eq!((&certificate["nominalCode"], &certificate["productId"]), (&json!("4050"), &json!(1000)));
        let timeline =
            until("it is compared", SOON, || async { Some(merchant.timeline(placed).await).filter(|told| told.contains("total-equal")) }).await;
        assert!(!timeline.contains("birthday") && !timeline.contains("row-text-differs"), "{timeline}");
    });
}
