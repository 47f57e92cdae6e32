//! One order on its whole way, with every role at work, against the platform's OpenAPI files.

use serde_json::json;

use super::exceptions::BIGCOMMERCE;
use super::exchange::Exchange;
use super::vendors;
use crate::installation::{run, shared};
use crate::merchant::Merchant;

#[test]
fn what_is_said_on_an_order_s_way_to_its_shipments_is_as_the_platform_describes_it() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant
            .place(json!({"email": "mara.lind@example.com", "discount": "2.50", "shipping": {"cost": "5.99", "tax_rate": 20},
                "coupons": [{"code": "TEN", "type": 1, "amount": 10}], "fees": [{"name": "Packing", "cost": "0.99"}],
                "lines": [{"sku": "SKU-3", "quantity": 3, "tax_rate": 20}, {"sku": "SKU-7", "quantity": 1, "tax_rate": 0}]}))
            .await;
        let sales_order = merchant.synced(order).await;
        merchant.ship(&sales_order, json!({"rows": [{"sku": "SKU-3", "quantity": 1}], "reference": "A1"})).await;
        merchant.shipped(order, 1).await;
        merchant.ship(&sales_order, json!({"reference": "B2", "shipping_method_id": 6})).await;
        merchant.shipped(order, 2).await;
        let exchanges: Vec<Exchange> = merchant.calls(&installation.bigcommerce, "").await.iter().map(Exchange::of_ledger).collect();
        let made = exchanges.iter().filter(|call| call.method == "POST" && call.path.ends_with("/shipments")).count();
        assert_eq!(made, 2);
        let Some(vendors) = vendors("an order's way to its shipments") else { return };
        vendors.judge(&exchanges, BIGCOMMERCE).assert_clean("an order's way to its shipments");
    });
}
