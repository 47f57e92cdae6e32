//! Tells in plain words what the ledgers record: webhooks, and calls that changed something or failed.

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::time_of_day_at;
use crate::sim::{Sim, Trouble, amount, int, items, say, text};
use crate::state::State;

/// Prints one line: when, whose, who, what.
pub fn line(at: &str, tenant: &str, who: &str, what: &str) {
    say(&format!("{at} {tenant:<9} {who:<11} {what}"));
}

/// Prints a line about what happens now.
pub fn now(tenant: &str, who: &str, what: &str) {
    line(&crate::clock::time_of_day(Timestamp::now()), tenant, who, what);
}

/// What was seen so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Webhooks that were accepted.
    pub webhooks: u64,
    /// Sales orders made.
    pub sales_orders: u64,
    /// Shipments made.
    pub shipments: u64,
    /// Calls of the connector.
    pub calls: u64,
    /// Calls that were refused, and webhooks that were not accepted.
    pub refused: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    Bigcommerce,
    Brightpearl,
}

impl Platform {
    const fn name(self) -> &'static str {
        match self {
            Self::Bigcommerce => "bigcommerce",
            Self::Brightpearl => "brightpearl",
        }
    }
}

/// Follows the ledgers of both platforms.
#[derive(Debug)]
pub struct Narrator<'a> {
    state: &'a State,
    sims: [(Platform, Sim); 2],
    /// Last records told, per platform: of deliveries, of calls. Both count in one sequence, but are read one after the other.
    since: [[i64; 2]; 2],
    /// What was seen so far.
    pub tally: Tally,
}

struct Told {
    at: String,
    tenant: String,
    who: &'static str,
    what: String,
}

impl<'a> Narrator<'a> {
    /// Follows from now on.
    pub async fn follow(state: &'a State) -> Result<Self, Trouble> {
        let sims = [(Platform::Bigcommerce, state.stores()), (Platform::Brightpearl, state.accounts())];
        let mut narrator = Self { state, sims, since: [[0; 2]; 2], tally: Tally::default() };
        for at in 0..narrator.sims.len() {
            narrator.read(at).await?;
        }
        Ok(narrator)
    }

    /// Prints what was recorded since it was last called.
    pub async fn tell(&mut self) -> Result<(), Trouble> {
        let mut lines = Vec::new();
        for at in 0..self.sims.len() {
            let Some((platform, sim)) = self.sims.get(at).cloned() else { continue };
            for (is_call, record) in self.read(at).await? {
                let tenant = self.state.tenant_of(text(&record, "/tenant")).map_or("?", |tenant| tenant.id.as_str()).to_owned();
                let told = if is_call { self.call(platform, &sim, &record).await? } else { self.delivery(&record) };
                let who = if is_call { platform.name() } else { "webhook" };
                lines.extend(told.map(|what| Told { at: text(&record, "/at").to_owned(), tenant, who, what }));
            }
        }
        lines.sort_by(|one, other| one.at.cmp(&other.at));
        for told in lines {
            line(&time_of_day_at(&told.at), &told.tenant, told.who, &told.what);
        }
        Ok(())
    }

    /// New records of one platform; whether each is a call.
    async fn read(&mut self, at: usize) -> Result<Vec<(bool, Value)>, Trouble> {
        let (Some((_, sim)), Some(since)) = (self.sims.get(at), self.since.get_mut(at)) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for ((ledger, is_call), since) in [("deliveries", false), ("calls", true)].into_iter().zip(since) {
            let records = sim.get(&format!("ledger/{ledger}?since={since}")).await?;
            for record in items(&records, "") {
                *since = int(record, "/seq").unwrap_or(*since).max(*since);
                found.push((is_call, record.clone()));
            }
        }
        Ok(found)
    }

    fn delivery(&mut self, record: &Value) -> Option<String> {
        let answer = int(record, "/answer");
        let accepted = answer.is_some_and(|answer| (200..300).contains(&answer));
        if accepted {
            self.tally.webhooks += 1;
        } else {
            self.tally.refused += 1;
        }
        let came_of_it = answer.map_or_else(|| text(record, "/error").to_owned(), |answer| answer.to_string());
        let body = record.get("body")?;
        let numbers = ["/data/id", "/data/orderId", "/data/order_id"];
        let id = numbers.iter().find_map(|at| int(body, at)).map(|id| id.to_string());
        let id = id.unwrap_or_else(|| text(body, "/id").to_owned());
        Some(format!("{} {id} → {came_of_it}", text(record, "/event")))
    }

    async fn call(&mut self, platform: Platform, sim: &Sim, record: &Value) -> Result<Option<String>, Trouble> {
        self.tally.calls += 1;
        let (method, path) = (text(record, "/method"), text(record, "/path"));
        let status = int(record, "/status");
        if !status.is_some_and(|status| (200..300).contains(&status)) {
            self.tally.refused += 1;
            let status = status.map_or_else(|| "nothing".to_owned(), |status| status.to_string());
            return Ok(Some(format!("{method} {path} answered {status}")));
        }
        let fault = text(record, "/fault");
        if method == "GET" {
            return Ok((!fault.is_empty()).then(|| format!("{method} {path} met the fault {fault}")));
        }
        let told = match platform {
            Platform::Bigcommerce => self.store_write(method, path, record),
            Platform::Brightpearl => self.account_write(method, path, record, sim).await?,
        };
        Ok(if fault.is_empty() { told } else { told.map(|told| format!("{told} (met the fault {fault})")) })
    }

    fn store_write(&mut self, method: &str, path: &str, record: &Value) -> Option<String> {
        let parts: Vec<&str> = path.split('/').skip(4).filter(|part| !part.is_empty()).collect();
        let body = record.get("request_body").unwrap_or(&Value::Null);
        Some(match (method, parts.as_slice()) {
            ("POST", ["orders", order, "shipments"]) => {
                self.tally.shipments += 1;
                let id = int(record, "/response_body/id").unwrap_or_default();
                format!("shipment {id} of order {order}, tracking {}", text(body, "/tracking_number"))
            }
            ("PUT", ["orders", order]) => {
                if let Some(status) = int(body, "/status_id") {
                    format!("order {order} set to status {status}, {}", text(record, "/response_body/status"))
                } else {
                    format!("order {order} now names its sales order, {}", text(body, "/external_order_id"))
                }
            }
            _ => format!("{method} {path}"),
        })
    }

    async fn account_write(&mut self, method: &str, path: &str, record: &Value, sim: &Sim) -> Result<Option<String>, Trouble> {
        let parts: Vec<&str> = path.split('/').skip(3).filter(|part| !part.is_empty()).collect();
        let made = int(record, "/response_body/response").unwrap_or_default();
        Ok(Some(match (method, parts.as_slice()) {
            ("POST", ["order-service", "sales-order"]) => {
                self.tally.sales_orders += 1;
                let account = text(record, "/tenant");
                let seen = sim.get(&format!("accounts/{account}/orders/{made}")).await?;
                let order = seen.pointer("/orders/0").unwrap_or(&Value::Null);
                let total = amount(order, "/totalValue/total").unwrap_or_default();
                let (reference, currency) = (text(order, "/reference"), text(order, "/currency/orderCurrencyCode"));
                format!("sales order {made} created for {reference}: {currency} {total:.2}")
            }
            ("POST", ["contact-service", "contact"]) => format!("contact {made} created"),
            ("POST", ["contact-service", "postal-address"]) => return Ok(None),
            ("PUT", ["order-service", "order", order, "status"]) => {
                let status = int(record, "/request_body/orderStatusId").unwrap_or_default();
                format!("sales order {order} set to status {status}")
            }
            _ => format!("{method} {path}"),
        }))
    }
}
