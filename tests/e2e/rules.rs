//! A tenant's rules through time and against what the platforms have: versions, refusals, warnings before orders fail.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::wait::{SOON, until};

/// So long that lists that were read before are old.
const A_DAY: Duration = Duration::from_secs(25 * 3600);

async fn json(installation: &Installation, arguments: &[&str]) -> Value {
    serde_json::from_str(&installation.orderbridge(&[arguments, &["--json"]].concat()).await).unwrap()
}

/// What `rules check` finds, whether that is well or not.
async fn check(merchant: &Merchant<'_>) -> (Option<i32>, Value) {
    let output = merchant.installation.try_orderbridge(&["rules", "check", &merchant.id, "--json"]).await;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_none| panic!("{errors}")))
}

fn paths(problems: &Value) -> Vec<&str> {
    problems.as_array().unwrap().iter().map(|problem| problem["path"].as_str().unwrap()).collect()
}

/// Waits until a check finds exactly these names.
async fn unknown(merchant: &Merchant<'_>, expected: &[&str]) -> Value {
    until(&format!("{} has {expected:?}", merchant.id), SOON, || async {
        let (code, checked) = check(merchant).await;
        let is_read = checked["account_lists_read_at"].is_string() && checked["store_lists_read_at"].is_string();
        let is_so = is_read && paths(&checked["unknown"]) == expected && (code == Some(0)) == expected.is_empty();
        is_so.then_some(checked)
    })
    .await
}

async fn refused(installation: &Installation, arguments: &[&str]) -> String {
    let output = installation.try_orderbridge(arguments).await;
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

async fn without_status(merchant: &Merchant<'_>, status: u64) -> Value {
    let account = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}", merchant.id)).await;
    let all = account["order_statuses"].clone();
    let others: Vec<&Value> = all.as_array().unwrap().iter().filter(|one| one["statusId"] != json!(status)).collect();
    merchant.account("configuration", json!({"order_statuses": others})).await;
    all
}

#[test]
fn a_status_deleted_in_the_account_is_told_before_any_order_fails() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        // The lists are read without any order.
        unknown(&merchant, &[]).await;
        let statuses = without_status(&merchant, 18).await;
        assert_eq!(check(&merchant).await.0, Some(0), "the lists are of today");
        installation.advance(A_DAY);
        let gone = ["orders.status.brightpearl[1].brightpearl", "orders.status.store[1].brightpearl"];
        let checked = unknown(&merchant, &gone).await;
        assert!(checked["unknown"][0]["message"].as_str().unwrap().contains("no usable sales order status 18"), "{checked}");
        let gauge = async |value: &str| {
            until(&format!("the gauge is {value}"), SOON, || async {
                let text = installation.http.get(format!("{}/metrics", installation.processor_url)).send().await.ok()?.text().await.ok()?;
                text.lines().any(|line| line == format!("orderbridge_rules_unknown_names {value}")).then_some(())
            })
            .await;
        };
        gauge("2").await;
        let told = "the rules name what the platforms do not have";
        assert_eq!(installation.log("all").matches(told).count(), 1, "a change is told once");
        let doctor = installation.try_orderbridge(&["doctor", "--tenant", &merchant.id, "--json"]).await;
        let doctor = String::from_utf8(doctor.stdout).unwrap();
        assert!(doctor.contains(gone[0]) && doctor.contains("rules in account"), "{doctor}");
        assert!(merchant.held().await.is_empty(), "nothing has failed yet");

        // Once it is there again, a look at the lists is enough.
        merchant.account("configuration", json!({"order_statuses": statuses})).await;
        let refreshed = json(&installation, &["rules", "refresh", &merchant.id]).await;
        assert_eq!(refreshed["unknown"], json!([]));
        gauge("0").await;
        until("it is told", SOON, || async { installation.log("all").contains("is in the platforms' lists again").then_some(()) }).await;
        assert_eq!(installation.log("all").matches(told).count(), 1);
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
    });
}

#[test]
fn versions_are_kept_compared_and_restored_and_a_restored_one_releases_what_waited_for_it() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let id = merchant.id.as_str();
        merchant.import("", SECTIONS).await;
        let order = merchant.place_simple().await;
        merchant.held_for("missing-rule:orders.warehouse").await;

        let compared = json(installation, &["rules", "compare", id, "1", "2"]).await;
        let expected = json!([
            {"path": "orders.channel", "before": 5, "after": null},
            {"path": "orders.warehouse", "before": 2, "after": null},
        ]);
        assert_eq!(compared["differences"], expected);
        let table = installation.orderbridge(&["rules", "compare", id, "2", "1"]).await;
        assert!(table.contains("orders.channel") && table.contains("VERSION 2"), "{table}");
        let same = installation.orderbridge(&["rules", "compare", id, "1", "1"]).await;
        assert!(same.contains("say the same"), "{same}");

        let told = installation.orderbridge(&["rules", "restore", id, "1", "--author", "Kim Li"]).await;
        assert!(told.starts_with(&format!("{id} has the rules of version 1 again, as version 3; 1 work item")), "{told}");
        merchant.synced(order).await;
        let versions = json(installation, &["rules", "versions", id]).await;
        let of = |index: usize, field: &str| versions[index][field].clone();
        assert_eq!(versions.as_array().unwrap().len(), 3);
        assert_eq!((of(0, "version"), of(0, "origin"), of(0, "restored_from")), (json!(3), json!("restore"), json!(1)));
        assert_eq!((of(0, "author"), of(0, "present"), of(1, "present")), (json!("Kim Li"), json!(true), json!(false)));
        assert_eq!((of(2, "version"), of(2, "origin"), of(2, "restored_from")), (json!(1), json!("import"), Value::Null));
        assert!(of(2, "saved_at").as_str().unwrap().parse::<jiff::Timestamp>().is_ok() && !of(2, "author").as_str().unwrap().is_empty());
        let again = installation.orderbridge(&["rules", "restore", id, "1"]).await;
        assert!(again.contains("stay version 3"), "{again}");

        let shown: toml::Table = installation.orderbridge(&["rules", "show", id, "--version", "2"]).await.parse().unwrap();
        assert!(shown["orders"].get("channel").is_none());
        let shown = json(installation, &["rules", "show", id]).await;
        assert_eq!((&shown["version"], &shown["rules"]["orders"]["channel"]), (&json!(3), &json!(5)));
        for (arguments, part) in [
            (&["rules", "show", id, "--version", "9"][..], "have no version 9"),
            (&["rules", "compare", id, "1", "9"], "have no version 9"),
            (&["rules", "restore", id, "9"], "have no version 9"),
            (&["rules", "versions", "nobody"], "there is no tenant nobody"),
            (&["rules", "check", "nobody"], "there is no tenant nobody"),
            (&["rules", "refresh", "nobody"], "there is no tenant nobody"),
        ] {
            let said = refused(installation, arguments).await;
            assert!(said.contains(part), "{said}");
        }
    });
}

#[test]
fn a_version_that_names_what_is_gone_is_not_restored() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        merchant.import(ORDERS, &SECTIONS.replace("brightpearl = 18", "brightpearl = 19")).await;
        without_status(&merchant, 18).await;
        installation.orderbridge(&["rules", "refresh", &merchant.id]).await;
        let said = refused(installation, &["rules", "restore", &merchant.id, "1"]).await;
        for part in ["is not restored", "orders.status.brightpearl[1].brightpearl", "orders.status.store[1].brightpearl", "rules refresh"] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert_eq!(json(installation, &["rules", "versions", &merchant.id]).await.as_array().unwrap().len(), 2);
    });
}

#[test]
fn an_import_that_names_an_unknown_warehouse_is_refused_as_a_whole_with_its_line() {
    run(async {
        let installation = shared().await;
        let (merchant, other) = (Merchant::new(installation).await, Merchant::new(installation).await);
        unknown(&merchant, &[]).await;
        let file = |merchant: &Merchant<'_>| installation.folder().join(format!("{}.toml", merchant.id));
        let replaced = |merchant: &Merchant<'_>, from: &str, to: &str| {
            let text = std::fs::read_to_string(file(merchant)).unwrap().replace(from, to);
            std::fs::write(file(merchant), &text).unwrap();
            text
        };
        let text = replaced(&merchant, ORDERS, "channel = 6\nwarehouse = 77\nproject = 8\n");
        replaced(&other, ORDERS, "channel = 6\nwarehouse = 3\n");
        let line = |part: &str| text.lines().position(|line| line.starts_with(part)).unwrap() + 1;
        let files = [file(&other), file(&merchant)];
        let import = ["tenant", "import", files[0].to_str().unwrap(), files[1].to_str().unwrap()];
        let said = refused(installation, &import).await;
        for part in [
            &format!(
                "{}.toml:{}:13: `orders.warehouse`: the Brightpearl account has no warehouse 77; it has 2 (Bristol), 3 (Leeds)",
                merchant.id,
                line("warehouse")
            ),
            &format!("{}.toml:{}:11: `orders.project`", merchant.id, line("project")),
            "2 mistakes; nothing of it was imported",
            "rules refresh",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        for merchant in [&merchant, &other] {
            assert_eq!(json(installation, &["rules", "versions", &merchant.id]).await.as_array().unwrap().len(), 1);
            assert_eq!(json(installation, &["rules", "show", &merchant.id]).await["rules"]["orders"]["channel"], json!(5));
        }
        // What was made since is known after a look at the lists.
        let made = json!({"warehouses": [{"id": 2, "name": "Bristol"}, {"id": 3, "name": "Leeds"}, {"id": 77, "name": "York"}], "projects": [{"projectId": 8, "name": "Autumn"}]});
        merchant.account("configuration", made).await;
        installation.orderbridge(&["rules", "refresh", &merchant.id]).await;
        installation.orderbridge(&import).await;
        assert_eq!(json(installation, &["rules", "show", &merchant.id]).await["rules"]["orders"]["warehouse"], json!(77));
    });
}

/// Two store statuses become one, what is left out of the chosen ones is warned of, and one status does not exist.
const UNUSUAL: &str = r#"
[taxes_and_accounts]
default_tax_code = "T0"

[orders.status]
brightpearl = [{ store = 11, brightpearl = 17 }, { store = 9, brightpearl = 17 }, { store = 2, brightpearl = 77 }]
"#;

#[test]
fn a_new_tenant_is_imported_unchecked_and_the_first_reading_checks() {
    run(async {
        let installation = shared().await;
        let orders = "channel = 5\nwarehouse = 2\ncreate_statuses = [11]\n";
        let merchant = Merchant::with(installation, Wish { orders, sections: UNUSUAL, ..Wish::default() }).await;
        let checked = unknown(&merchant, &["orders.status.brightpearl[2].brightpearl"]).await;
        let warned = ["orders.create_statuses", "orders.create_statuses", "orders.status.brightpearl"];
        assert_eq!(paths(&checked["warnings"]), warned, "{checked}");
        // Rules that stay as they are can be imported, and say what is wrong with them.
        let file = installation.folder().join(format!("{}.toml", merchant.id));
        let told = installation.orderbridge(&["tenant", "import", file.to_str().unwrap()]).await;
        for part in [
            "is up to date",
            "warn  orders.status.brightpearl[2].brightpearl: the Brightpearl account has no usable sales order status 77",
            "warn  orders.create_statuses: 9 (Awaiting Shipment) is not chosen",
            "the store statuses 11 (Awaiting Fulfillment) and 9 (Awaiting Shipment) become one, 17 (New web order) of Brightpearl",
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    });
}

#[test]
fn orders_in_a_currency_with_three_decimals_wait_and_the_check_says_why() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::with(installation, Wish { store: json!({"currency": "KWD"}), ..Wish::default() }).await;
        merchant.place_simple().await;
        merchant.held_for("currency-decimals:KWD").await;
        let (code, checked) = until("the lists are read", SOON, || async {
            let (code, checked) = check(&merchant).await;
            checked["store_lists_read_at"].is_string().then_some((code, checked))
        })
        .await;
        assert_eq!(code, Some(1));
        assert!(checked["refused"][0]["message"].as_str().unwrap().contains("KWD has 3 decimals"), "{checked}");
        let doctor = installation.try_orderbridge(&["doctor", "--tenant", &merchant.id, "--json"]).await;
        assert!(String::from_utf8(doctor.stdout).unwrap().contains("KWD has 3 decimals"));
    });
}
