//! What an order costs of the merchant's quota, counted in the platforms' ledgers.
//!
//! Each burst is run twice: once with all webhooks, and once with those lost that our own writes cause. The difference is the echoes'.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::installation::{DEADLINE, Installation, Quotas};
use crate::ledger::{self, Call, Kinds};
use crate::merchant::{Merchant, Wish};
use crate::place::{Place, until};
use crate::report::{Figure, Report, Target, tell};
use crate::stats::{count, per, rounded};

/// Large plans, enforced on both sides, so that 200 orders take seconds.
const QUOTAS: Quotas = Quotas { per_store: 3_000, per_account: 3_000 };
/// Nothing is called for this long: it is over.
const QUIET: Duration = Duration::from_secs(3);

/// Calls of one burst, by kind.
#[derive(Debug, Default)]
struct Counts {
    brightpearl: Kinds,
    bigcommerce: Kinds,
    things: usize,
    throttled: usize,
}

impl Counts {
    fn of(brightpearl: &[Call], bigcommerce: &[Call], things: usize) -> Self {
        let throttled = brightpearl.iter().chain(bigcommerce).filter(|call| call.is_throttled()).count();
        Self { brightpearl: ledger::kinds(brightpearl), bigcommerce: ledger::kinds(bigcommerce), things, throttled }
    }

    fn each(&self, kinds: &Kinds) -> f64 {
        per(kinds.values().map(|number| count(usize::try_from(*number).unwrap_or(usize::MAX))).sum(), count(self.things))
    }

    fn brightpearl(&self) -> f64 {
        self.each(&self.brightpearl)
    }

    fn bigcommerce(&self) -> f64 {
        self.each(&self.bigcommerce)
    }

    fn to_json(&self) -> Value {
        json!({ "of": self.things, "brightpearl_each": rounded(self.brightpearl()), "bigcommerce_each": rounded(self.bigcommerce()),
            "throttled": self.throttled, "brightpearl": self.brightpearl, "bigcommerce": self.bigcommerce })
    }

    fn lines(&self, what: &str) -> Vec<String> {
        let mut lines =
            vec![format!("{what}: {:.2} Brightpearl and {:.2} BigCommerce calls each, of {}", self.brightpearl(), self.bigcommerce(), self.things)];
        for (platform, kinds) in [("Brightpearl", &self.brightpearl), ("BigCommerce", &self.bigcommerce)] {
            lines.extend(kinds.iter().map(|(kind, number)| format!("  {number:>6}  {platform:<12}{kind}")));
        }
        lines
    }
}

/// One kind of customer, with and without echoes.
#[derive(Debug)]
struct Pair {
    what: &'static str,
    whole: Counts,
    without_echoes: Counts,
}

impl Pair {
    fn echoes(&self) -> (f64, f64) {
        let (whole, without) = (&self.whole, &self.without_echoes);
        ((whole.brightpearl() - without.brightpearl()).max(0.0), (whole.bigcommerce() - without.bigcommerce()).max(0.0))
    }

    fn to_json(&self) -> Value {
        let (brightpearl, bigcommerce) = self.echoes();
        json!({ "whole": self.whole.to_json(), "without_echoes": self.without_echoes.to_json(),
            "echoes_each": { "brightpearl": rounded(brightpearl), "bigcommerce": rounded(bigcommerce) } })
    }

    fn lines(&self) -> Vec<String> {
        let (brightpearl, bigcommerce) = self.echoes();
        let mut lines = self.whole.lines(&format!("{}, with every echo", self.what));
        lines.extend(self.without_echoes.lines(&format!("{}, without echoes", self.what)));
        lines.push(format!("{}: our own echoes cost {brightpearl:.2} Brightpearl and {bigcommerce:.2} BigCommerce calls each", self.what));
        lines
    }
}

/// One merchant, and sets of customers that are used up as they become known.
struct Shop<'a> {
    installation: Installation<'a>,
    merchant: Merchant,
    orders: usize,
    /// Long enough for a whole burst to be placed before the first of it is taken up.
    settle_seconds: u32,
}

fn buyer(set: &str, number: usize) -> String {
    format!("{set}-{number}@example.com")
}

impl<'a> Shop<'a> {
    async fn open(place: &'a Place) -> anyhow::Result<Self> {
        let (orders, settle_seconds) = (place.pick(200, 20), place.pick(10, 4));
        let installation = Installation::start(place, "calls", QUOTAS).await?;
        let contacts = ["one", "two"].into_iter().flat_map(|set| (0..orders).map(move |number| buyer(set, number))).collect();
        let wish = Wish { id: "shop".into(), contacts, settle_seconds, quota: QUOTAS.per_store, ..Wish::default() };
        let merchant = Merchant::open(&installation, wish).await?;
        installation.warm_up(std::slice::from_ref(&merchant)).await?;
        let mut shop = Self { installation, merchant, orders, settle_seconds };
        // Start-up is apart: the catalogue, reference lists, what is swept at first.
        shop.merchant.place(&shop.installation.platforms, "first@example.com").await?;
        shop.made(1).await?;
        Ok(shop)
    }

    /// Waits until so many sales orders have been made and nothing more is called.
    async fn made(&mut self, orders: usize) -> anyhow::Result<()> {
        self.installation.made(orders).await?;
        self.installation.platforms.quiet(QUIET, DEADLINE).await
    }

    async fn counts(&self, things: usize) -> anyhow::Result<Counts> {
        let platforms = &self.installation.platforms;
        let counts = Counts::of(&ledger::calls(&platforms.brightpearl, "").await?, &ledger::calls(&platforms.bigcommerce, "").await?, things);
        if counts.throttled > 0 {
            tell(&format!("calls: {} were refused by a platform's quota", counts.throttled));
        }
        Ok(counts)
    }

    /// Orders of a set of customers, all at once.
    async fn burst(&mut self, set: &str, echoes: bool) -> anyhow::Result<Counts> {
        self.installation.platforms.forget(false).await?;
        for number in 0..self.orders {
            self.merchant.place(&self.installation.platforms, &buyer(set, number)).await?;
        }
        if !echoes {
            self.delivered().await?;
            self.installation.platforms.lose(1.0).await?;
        }
        self.made(self.orders).await?;
        self.installation.platforms.lose(0.0).await?;
        self.counts(self.orders).await
    }

    /// Waits until the store has told of all that was ordered, and of nothing that we did: orders are still settling.
    async fn delivered(&self) -> anyhow::Result<()> {
        let platforms = &self.installation.platforms;
        let least = u64::try_from(self.orders * 2)?;
        until("the store's webhooks are delivered", Duration::from_secs(u64::from(self.settle_seconds)), || async {
            let sent = platforms.bigcommerce.counted("deliveries", "").await?;
            Ok((sent >= least && platforms.undelivered("shop").await? == 0).then_some(()))
        })
        .await?;
        if self.installation.platforms.sales_orders().await? > 0 {
            bail!("orders were taken up before all were placed: the machine is too slow for this burst");
        }
        Ok(())
    }

    /// One kind of customer; the burst without echoes first.
    async fn pair(&mut self, what: &'static str, sets: [&str; 2]) -> anyhow::Result<Pair> {
        let [silent, loud] = sets;
        tell(&format!("calls: {what}, twice {} orders", self.orders));
        let without_echoes = self.burst(silent, false).await?;
        Ok(Pair { what, without_echoes, whole: self.burst(loud, true).await? })
    }

    /// Ships this many sales orders that are not shipped yet, one note each.
    async fn ship(&mut self, notes: &[u64], echoes: bool) -> anyhow::Result<Counts> {
        let platforms = &self.installation.platforms;
        platforms.forget(false).await?;
        if !echoes {
            // All that a store tells from here on is about what we do; accounts tell of the notes.
            platforms.bigcommerce.act("chaos", &json!({ "drop": 1.0 })).await?;
        }
        for order in notes {
            let path = format!("accounts/{}/orders/{order}/ship", self.merchant.code);
            platforms.brightpearl.act(&path, &json!({ "reference": format!("RM{order}"), "shipping_method_id": 6, "top_up": true })).await?;
        }
        let wanted = u64::try_from(notes.len())?;
        until("all shipments are made", DEADLINE, || async {
            Ok((platforms.bigcommerce.counted("calls", "method=POST&path=/shipments").await? >= wanted).then_some(()))
        })
        .await?;
        platforms.quiet(QUIET, DEADLINE).await?;
        platforms.lose(0.0).await?;
        self.installation.check()?;
        self.counts(notes.len()).await
    }

    /// Ids of the account's newest sales orders.
    async fn sales_orders(&self, number: usize) -> anyhow::Result<Vec<u64>> {
        let shown = self.installation.platforms.brightpearl.look(&format!("accounts/{}/orders", self.merchant.code)).await?;
        let rows = shown.get("orders").and_then(Value::as_array).context("the account shows no orders")?;
        let mut ids: Vec<u64> = rows.iter().filter_map(|row| row.get("id")?.as_u64()).collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids.truncate(number);
        Ok(ids)
    }
}

/// Runs the part.
pub async fn run(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let mut shop = Shop::open(place).await?;
    // Whom the first bursts make known, the second know.
    let unlinked = shop.pair("customers without a link", ["one", "two"]).await?;
    let linked = shop.pair("customers with a link", ["one", "two"]).await?;
    let new = shop.pair("new customers", ["three", "four"]).await?;
    let shipped: usize = place.pick(50, 10);
    tell(&format!("calls: twice {shipped} shipments"));
    let notes = shop.sales_orders(shipped * 2).await?;
    let (silent, loud) = notes.split_at(notes.len().min(shipped));
    let without_echoes = shop.ship(silent, false).await?;
    let shipments = Pair { what: "shipments", without_echoes, whole: shop.ship(loud, true).await? };
    let orders = [&unlinked, &linked, &new];
    let per_order = orders.iter().map(|pair| pair.without_echoes.bigcommerce()).fold(0.0, f64::max);
    let figures = vec![
        Figure::new("brightpearl_linked_customer", linked.whole.brightpearl(), "").target(Target::AtMost(2.0)),
        Figure::new("brightpearl_unlinked_customer", unlinked.whole.brightpearl(), "").target(Target::AtMost(3.0)),
        Figure::new("brightpearl_new_customer", new.whole.brightpearl(), "").target(Target::AtMost(5.0)),
        Figure::new("bigcommerce_per_order", per_order, "").target(Target::AtMost(6.0)),
        Figure::new("bigcommerce_per_shipment", shipments.without_echoes.bigcommerce(), "").target(Target::AtMost(3.0)),
    ];
    let mut lines = vec!["BigCommerce without our own echoes, which are told apart; Brightpearl with all of them".to_owned()];
    lines.extend(orders.iter().flat_map(|pair| pair.lines()));
    lines.extend(shipments.lines());
    let raw = json!({
        "orders_per_burst": shop.orders, "quotas": { "per_store_30s": QUOTAS.per_store, "per_account_minute": QUOTAS.per_account },
        "unlinked_customer": unlinked.to_json(), "linked_customer": linked.to_json(), "new_customer": new.to_json(), "shipment": shipments.to_json(),
    });
    report.add("calls", figures, &lines, raw);
    shop.installation.stop().await
}
