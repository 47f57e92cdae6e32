//! What an order and a shipment cost of both platforms' quotas, counted in their ledgers.
//!
//! Quotas are on, and an order settles for a second, as it would for half a minute at a merchant's: what the store tells of one checkout is
//! one look at it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, Wish};
use crate::wait::{SOON, until};

/// How many orders arrive together.
const BURST: usize = 12;
/// Nothing is called for this long: it is over, echoes included.
const QUIET: Duration = Duration::from_secs(3);

/// Most calls of either platform that each thing may cost, and most reads of our own echoes for all of them.
#[derive(Clone, Copy)]
struct Limits {
    brightpearl: usize,
    bigcommerce: usize,
    echoes: usize,
}

/// What something cost: the calls by name, and the reads of orders that came after our own writes to them.
#[derive(Debug, Default)]
struct Costs {
    brightpearl: Vec<String>,
    bigcommerce: Vec<String>,
    echoes: Vec<String>,
}

fn text<'a>(call: &'a Value, field: &str) -> &'a str {
    call[field].as_str().unwrap()
}

fn is_write(call: &Value) -> bool {
    text(call, "method") != "GET"
}

/// A read of orders, alone or with their parts: an edit might have come with our own write.
fn is_order_read(call: &Value) -> bool {
    let path = text(call, "path");
    let last = path.rsplit('/').next().unwrap();
    text(call, "method") == "GET" && (path.ends_with("/v2/orders") || path.ends_with(&format!("/v2/orders/{last}")))
}

/// Method and path without whose it is, and the names of the parameters.
fn name(call: &Value) -> String {
    let path: Vec<&str> = text(call, "path").split('/').skip(3).collect();
    let names: Vec<&str> = call["query"].as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap()).collect();
    format!("{} /{}{}{}", text(call, "method"), path.join("/"), if names.is_empty() { "" } else { "?" }, names.join("&"))
}

impl Costs {
    fn of(brightpearl: &[Value], bigcommerce: &[Value]) -> Self {
        let first_write = bigcommerce.iter().position(is_write).unwrap_or(bigcommerce.len());
        let (before, after) = bigcommerce.split_at(first_write);
        let (echoes, after): (Vec<&Value>, Vec<&Value>) = after.iter().partition(|call| is_order_read(call));
        Self {
            brightpearl: brightpearl.iter().map(name).collect(),
            bigcommerce: before.iter().chain(after).map(name).collect(),
            echoes: echoes.into_iter().map(name).collect(),
        }
    }

    #[expect(clippy::print_stdout, reason = "the counts are what the test is run for when something costs too much")]
    fn tell(&self, what: &str) {
        println!("{what}: {} Brightpearl, {} BigCommerce, {} echo reads", self.brightpearl.len(), self.bigcommerce.len(), self.echoes.len());
        for (platform, calls) in [("Brightpearl", &self.brightpearl), ("BigCommerce", &self.bigcommerce), ("echo", &self.echoes)] {
            calls.iter().for_each(|call| println!("    {platform:<12} {call}"));
        }
    }

    /// Tells what it cost, and what of that is too much.
    fn beyond(&self, what: &str, limits: Limits, things: usize) -> Option<String> {
        self.tell(what);
        let fits = self.brightpearl.len() <= limits.brightpearl * things && self.bigcommerce.len() <= limits.bigcommerce * things;
        let fits = fits && self.echoes.len() <= limits.echoes;
        (!fits).then(|| format!("{what}: {} and {} calls, {} echo reads", self.brightpearl.len(), self.bigcommerce.len(), self.echoes.len()))
    }
}

/// A merchant whose calls are counted.
struct Counted<'a> {
    merchant: Merchant<'a>,
}

impl<'a> Counted<'a> {
    /// Start-up is apart: the catalogue, the installation, the first order.
    async fn open(installation: &'a Installation) -> Self {
        let merchant = Merchant::with(installation, Wish { settle_seconds: 1, ..Wish::default() }).await;
        let counted = Self { merchant };
        let first = counted.order("first@example.com").await;
        counted.merchant.synced(first).await;
        counted.quiet().await;
        counted
    }

    async fn order(&self, email: &str) -> u64 {
        let order = json!({"email": email, "lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}, {"sku": "SKU-6", "tax_rate": 20}],
            "shipping": {"cost": "4.50", "tax_rate": 20}});
        self.merchant.place(order).await
    }

    async fn ledgers(&self) -> [Vec<Value>; 2] {
        let installation = self.merchant.installation;
        [self.merchant.calls(&installation.brightpearl, "").await, self.merchant.calls(&installation.bigcommerce, "").await]
    }

    /// Waits until nothing has been called for a while, and gives all that ever was.
    async fn quiet(&self) -> [Vec<Value>; 2] {
        let seen = Mutex::new(([0, 0], Instant::now()));
        until("nothing is called any more", SOON, || async {
            let ledgers = self.ledgers().await;
            let counts = ledgers.each_ref().map(Vec::len);
            let mut seen = seen.lock().unwrap();
            if seen.0 != counts {
                *seen = (counts, Instant::now());
            }
            (seen.1.elapsed() > QUIET).then_some(ledgers)
        })
        .await
    }

    /// What is called from now on until it is over.
    async fn costs(&self, act: impl Future<Output = ()>) -> Costs {
        let before = self.ledgers().await.each_ref().map(Vec::len);
        act.await;
        let [brightpearl, bigcommerce] = self.quiet().await;
        Costs::of(&brightpearl[before[0]..], &bigcommerce[before[1]..])
    }

    /// What an order of this customer costs.
    async fn order_of(&self, email: &str) -> Costs {
        let act = async {
            let order = self.order(email).await;
            self.merchant.synced(order).await;
        };
        self.costs(act).await
    }

    /// What several orders at once cost.
    async fn burst_of(&self, email: &str) -> Costs {
        let act = async {
            let mut orders = Vec::new();
            for _ in 0..BURST {
                orders.push(self.order(email).await);
            }
            for order in orders {
                self.merchant.synced(order).await;
            }
        };
        self.costs(act).await
    }

    async fn shipment(&self) -> Costs {
        let order = self.order("linked@example.com").await;
        let sales_order = self.merchant.synced(order).await;
        self.quiet().await;
        let act = async {
            self.merchant.ship(&sales_order, json!({"reference": "RM1", "shipping_method_id": 6})).await;
            self.merchant.shipped(order, 1).await;
        };
        self.costs(act).await
    }
}

/// Every case, with this many BigCommerce calls for an order at most. Gives what costs more.
async fn every_case(installation: &Installation, how: &str, bigcommerce: usize) -> Vec<String> {
    let shop = Counted::open(installation).await;
    shop.merchant.account("contacts", json!({"id": 900, "email": "known@example.com"})).await;
    let limits = |brightpearl| Limits { brightpearl, bigcommerce, echoes: 1 };
    let mut beyond = Vec::new();
    beyond.extend(shop.order_of("new@example.com").await.beyond(&format!("new customer, {how}"), limits(5), 1));
    beyond.extend(shop.order_of("known@example.com").await.beyond(&format!("customer without a link, {how}"), limits(3), 1));
    beyond.extend(shop.order_of("known@example.com").await.beyond(&format!("customer with a link, {how}"), limits(2), 1));
    let burst = shop.burst_of("known@example.com").await;
    beyond.extend(burst.beyond(&format!("{BURST} orders at once, {how}"), Limits { echoes: BURST / 2, ..limits(2) }, BURST));
    let shipment = shop.shipment().await;
    beyond.extend(shipment.beyond(&format!("shipment, {how}"), Limits { brightpearl: 6, bigcommerce: 3, echoes: 1 }, 1));
    let asked_for_parts = shop.merchant.calls(&installation.bigcommerce, "").await.iter().filter(|call| name(call).contains("include")).count();
    match bigcommerce {
        4 => assert!(asked_for_parts >= 5, "each look at new orders asks for their parts: {asked_for_parts}"),
        _ => assert_eq!(asked_for_parts, 1, "a store that gives no parts is not asked again"),
    }
    beyond
}

/// What a sales order is made of, whatever its ids and dates.
fn content(sales_order: &Value) -> Value {
    let mut billing = sales_order["parties"]["billing"].clone();
    billing.as_object_mut().unwrap().remove("contactId");
    let rows = sales_order["orderRows"].as_object().unwrap().values();
    let rows: Vec<Value> = rows
        .map(|row| json!([row["externalRef"], row["productSku"], row["productName"], row["quantity"], row["rowValue"], row["nominalCode"]]))
        .collect();
    json!([
        rows,
        sales_order["totalValue"],
        sales_order["parties"]["delivery"],
        billing,
        sales_order["reference"],
        sales_order["currency"],
        sales_order["delivery"],
        sales_order["orderStatus"]["orderStatusId"]
    ])
}

/// The sales orders of orders of many shapes, of a merchant who has no others.
async fn sales_orders_of_every_shape(installation: &Installation) -> Vec<Value> {
    let merchant = Merchant::with(installation, Wish { settle_seconds: 1, ..Wish::default() }).await;
    let sixty: Vec<Value> = (0..60).map(|n| json!({"sku": format!("SKU-{}", n % 24 + 1), "quantity": n % 3 + 1, "tax_rate": n % 2 * 20})).collect();
    let shapes = [
        json!({"lines": [{"sku": "SKU-3", "quantity": 3, "tax_rate": 20}], "shipping": {"cost": "5.99", "tax_rate": 20, "method": "Royal Mail"}}),
        json!({"lines": sixty, "shipping": {"cost": "7.35", "tax_rate": 20}, "fees": [{"name": "Surcharge", "cost": "0.85", "tax_rate": 20}],
            "coupons": [{"code": "TENOFF", "type": 1, "amount": 10}]}),
        json!({"lines": [{"sku": "SKU-2", "tax_rate": 20}, {"name": "Manual", "price": 3, "type": "digital", "tax_rate": 20}],
            "fees": [{"name": "Packing", "cost": "1.00", "tax_rate": 0}], "discount": "1.10"}),
        json!({"lines": [{"name": "Manual", "price": 3, "type": "digital", "tax_rate": 0}]}),
    ];
    let mut orders = Vec::new();
    for shape in shapes {
        orders.push(merchant.place(shape).await);
    }
    let mut made = Vec::new();
    for order in orders {
        made.push(merchant.synced(order).await);
    }
    made.iter().map(content).collect()
}

#[test]
fn orders_and_shipments_cost_no_more_calls_than_promised_and_come_out_the_same_however_they_are_read() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _role = installation.start("all", &[]).await;
        let mut beyond = every_case(&installation, "parts inside orders", 4).await;
        let inside = sales_orders_of_every_shape(&installation).await;
        installation.control(&installation.bigcommerce, "switches", json!({"consignments_include": false})).await;
        beyond.extend(every_case(&installation, "parts apart", 6).await);
        for (apart, inside) in sales_orders_of_every_shape(&installation).await.iter().zip(&inside) {
            assert_eq!(apart, inside);
        }
        assert!(beyond.is_empty(), "{beyond:#?}");
    });
}

#[test]
fn a_store_that_refuses_or_fails_to_tell_of_parts_is_asked_without_them() {
    run(async {
        let installation = shared().await;
        for status in [400, 500] {
            let merchant = Merchant::new(installation).await;
            let answer = json!({"kind": "status", "status": status, "body": format!("[{{\"status\":{status},\"message\":\"include\"}}]")});
            let rule = json!({"method": "GET", "path": "*/v2/orders*", "tenant": merchant.id, "times": 1, "action": answer});
            installation.control(&installation.bigcommerce, "faults", rule).await;
            let orders = [merchant.place_simple().await, merchant.place_simple().await];
            for order in orders {
                merchant.synced(order).await;
            }
            let calls = merchant.calls(&installation.bigcommerce, "method=GET&path=/orders").await;
            let asked_for_parts = calls.iter().filter(|call| name(call).contains("include")).count();
            assert_eq!(asked_for_parts, 1, "{status}: {:#?}", calls.iter().map(name).collect::<Vec<_>>());
        }
    });
}
