//! What nobody may read: looked for in everything that an installation writes down or says.

use orderbridge_kafka::Reader;
use orderbridge_schema::topics::Topic;
use serde_json::{Value, json};

use crate::installation::{Installation, KEYS, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

const EMAIL: &str = "needle.sharp@haystack.example";
const STREET: &str = "17 Needle Wharf";
const POSTCODE: &str = "NE3 9DL";
const PHONE: &str = "07700900417";

/// Everything that is secret, by what it is.
#[derive(Default)]
struct Needles(Vec<(String, String)>);

impl Needles {
    fn add(&mut self, what: &str, value: &str) {
        assert!(value.len() >= 7, "{what} is too short to be told from other text");
        self.0.push((what.to_owned(), value.to_owned()));
    }

    /// The person's, the file's, and what we told the platforms at registration.
    async fn of(merchant: &Merchant<'_>) -> Self {
        let mut needles = Self::default();
        for (what, value) in
            [("e-mail", EMAIL), ("street", STREET), ("postcode", POSTCODE), ("phone", PHONE), ("key", KEYS.split_once(':').unwrap().1)]
        {
            needles.add(what, value);
        }
        for (section, names) in
            [("[bigcommerce]", &["client_secret", "access_token"][..]), ("[brightpearl]", &["client_secret", "access_token", "refresh_token"])]
        {
            for name in names {
                needles.add(&format!("{section} {name}"), &merchant.setting(section, name));
            }
        }
        let installation = merchant.installation;
        let hooks = installation.look(&installation.bigcommerce, &format!("stores/{}/hooks", merchant.id)).await;
        needles.add("header secret", hooks[0]["headers"]["x-orderbridge-secret"].as_str().unwrap());
        let hooks = installation.look(&installation.brightpearl, &format!("accounts/{}/webhooks", merchant.code)).await;
        let hook = &hooks["webhooks"][0];
        needles.add("path secret", hook["uriTemplate"].as_str().unwrap().rsplit('/').next().unwrap());
        let body: Value = serde_json::from_str(hook["bodyTemplate"].as_str().unwrap()).unwrap();
        needles.add("literal", body["literal"].as_str().unwrap());
        needles
    }

    /// The tokens that the account has now.
    async fn add_tokens(&mut self, merchant: &Merchant<'_>) {
        let account = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}", merchant.code)).await;
        for name in ["access_token", "refresh_token"] {
            self.add(&format!("later {name}"), account["installations"][0][name].as_str().unwrap());
        }
    }

    fn look_for(&self, place: &str, text: &str) {
        let lower = text.to_lowercase();
        for (what, needle) in &self.0 {
            if let Some((before, after)) = lower.split_once(&needle.to_lowercase()) {
                let before: String = before.chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect();
                panic!("the {what} stands in {place}: …{before} HERE {}…", after.chars().take(200).collect::<String>());
            }
        }
    }
}

fn order() -> Value {
    json!({"email": EMAIL, "lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}],
        "billing": {"first_name": "Nora", "last_name": "Sharp", "street_1": STREET, "zip": POSTCODE, "phone": PHONE}})
}

/// An answer that repeats whatever it was given, as error texts of platforms do.
async fn refuse_aloud(merchant: &Merchant<'_>, path: &str, secret: &str) {
    let message = format!("{EMAIL} of {STREET}, {POSTCODE} ({PHONE}) is refused, and so is {secret}");
    let body = json!({"errors": [{"code": "CMNC-404", "message": message}], "error": "invalid_grant", "error_description": message});
    let fault =
        json!({"method": "POST", "path": path, "tenant": merchant.code, "action": {"kind": "status", "status": 400, "body": body}, "times": 1});
    merchant.installation.control(&merchant.installation.brightpearl, "faults", fault).await;
}

/// Orders that arrive, calls that are refused with the secrets in the refusal, tokens that are exchanged.
async fn go_through_everything(merchant: &Merchant<'_>, needles: &mut Needles) {
    let installation = merchant.installation;
    let token = merchant.brightpearl_token();
    for path in ["*/contact-service/postal-address/", "*/contact-service/contact/", "*/order-service/sales-order/"] {
        refuse_aloud(merchant, path, &token).await;
    }
    let first = merchant.place(order()).await;
    until("it arrives after all refusals", SOON, || async {
        installation.try_orderbridge(&["work", "retry", "--cause", "refused:", "--tenant", &merchant.id]).await;
        (!merchant.sales_orders(first).await.is_empty()).then_some(())
    })
    .await;
    let sales_order = merchant.synced(first).await;
    merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
    merchant.shipped(first, 1).await;

    needles.add_tokens(merchant).await;
    refuse_aloud(merchant, "/token/*", &merchant.setting("[brightpearl]", "refresh_token")).await;
    merchant.account("tokens", json!({"action": "expire"})).await;
    let second = merchant.place(order()).await;
    until("it arrives with new tokens", SOON, || async {
        installation.orderbridge(&["tenant", "resume", &merchant.id]).await;
        (!merchant.sales_orders(second).await.is_empty()).then_some(())
    })
    .await;
    merchant.synced(second).await;
    needles.add_tokens(merchant).await;
    let faults = installation.look(&installation.brightpearl, "faults").await;
    assert!(!faults.to_string().contains("\"fired\":0"), "every refusal was met: {faults}");

    // Unknown products hold; strangers are refused.
    let mut unknown = order();
    unknown["lines"] = json!([{"name": "New", "sku": "NEW-1", "quantity": 1, "price": 3, "tax_rate": 20}]);
    merchant.place(unknown).await;
    merchant.held_for("unknown-sku:NEW-1").await;
}

/// What commands print that an operator might paste anywhere.
async fn printed(merchant: &Merchant<'_>) -> Vec<(String, String)> {
    let mut printed = Vec::new();
    let orders = merchant.installation.look(&merchant.installation.bigcommerce, &format!("stores/{}/orders", merchant.id)).await;
    let orders = orders.get("orders").unwrap_or(&orders).as_array().unwrap().clone();
    let order = orders[0]["id"].to_string();
    for arguments in [
        &["timeline", "show", &order, "--tenant", &merchant.id, "--json"][..],
        &["work", "list", "--json"],
        &["tenant", "list", "--json"],
        &["tenant", "export", &merchant.id],
        &["hooks", "list", "--json"],
        &["hooks", "sync", "--dry-run"],
        &["doctor", "--json"],
        &["dead-letters", "list", "--json"],
        &["replay", "--tenant", &merchant.id, "--dry-run", "--json"],
        &["reapply", "--tenant", &merchant.id, "--dry-run", "--json"],
        &["keys", "rotate"],
        &["--check-config"],
    ] {
        let output = merchant.installation.try_orderbridge(arguments).await;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!text.is_empty(), "{arguments:?} printed nothing");
        printed.push((format!("`orderbridge {}`", arguments.join(" ")), text));
    }
    printed
}

async fn topics(installation: &Installation) -> Vec<(String, String)> {
    let reader = Reader::new(&installation.kafka()).unwrap();
    let mut texts = Vec::new();
    for topic in Topic::ALL {
        let mut reading = reader.open(reader.whole(topic).await.unwrap()).unwrap();
        loop {
            let records = reading.next(500).await.unwrap();
            if records.is_empty() {
                break;
            }
            for record in records {
                let headers = record.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect::<Vec<_>>();
                let text = format!("{} {} {headers:?}", String::from_utf8_lossy(&record.key), String::from_utf8_lossy(&record.value));
                texts.push((format!("a record of {}", topic.name()), text));
            }
        }
    }
    texts
}

#[test]
fn no_secret_and_nothing_personal_is_written_down_or_said_anywhere() {
    run(async {
        let installation = Installation::new(&[("RUST_LOG", "debug")]).await;
        let mut all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let mut needles = Needles::of(&merchant).await;
        go_through_everything(&merchant, &mut needles).await;

        for (place, text) in printed(&merchant).await {
            needles.look_for(&place, &text);
        }
        for url in [&installation.public_url, &installation.processor_url] {
            for path in ["/metrics", "/readyz", "/healthz"] {
                needles.look_for(path, &installation.http.get(format!("{url}{path}")).send().await.unwrap().text().await.unwrap());
            }
        }
        let hooks = installation.look(&installation.brightpearl, &format!("accounts/{}/webhooks", merchant.code)).await;
        let url = hooks["webhooks"][0]["uriTemplate"].as_str().unwrap();
        for (place, body) in [("an answer to a stranger", format!(r#"{{"literal":"{EMAIL}"}}"#)), ("an answer to what is no JSON", EMAIL.to_owned())]
        {
            let answer = installation.http.post(url).body(body).send().await.unwrap();
            assert!(answer.status().is_client_error());
            needles.look_for(place, &answer.text().await.unwrap());
        }
        assert_eq!(all.stop().await, Some(0));

        let records = topics(&installation).await;
        assert!(records.len() > 6, "{} records", records.len());
        for (place, text) in records {
            needles.look_for(&place, &text);
        }
        // Every row of every table, the timeline and the journal among them.
        let tables = "select tablename from pg_tables where schemaname = 'public'";
        let dump = "select query_to_xml(format('select * from %I', tablename), true, false, '') from pg_tables where schemaname = 'public'";
        let (tables, dump) = (installation.sql(tables).await, installation.sql(dump).await);
        assert!(tables.lines().count() > 15 && dump.contains("sales-order-created") && dump.contains("create-sales-order"), "{tables}");
        needles.look_for("the database", &dump);
        let log = installation.log("all");
        assert!(log.contains("DEBUG") && log.lines().count() > 100, "the log says a lot");
        needles.look_for("the log", &log);
    });
}
