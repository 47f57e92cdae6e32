//! Commands that work, on an installation that runs: what they print for programs and for people.

use serde_json::{Value, json};

use crate::installation::{Installation, KEYS, run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

async fn json(installation: &Installation, arguments: &[&str]) -> Value {
    serde_json::from_str(&installation.orderbridge(&[arguments, &["--json"]].concat()).await).unwrap()
}

#[test]
fn a_work_item_is_shown_and_taken_up_again() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        merchant.store(&format!("accounts/{}/revoke", merchant.client_id()), json!({})).await;
        let order = merchant.place_simple().await;
        let item = format!("{}/order/{order}", merchant.id);
        let shown = until("it waits for a token that works", SOON, || async {
            let shown = installation.try_orderbridge(&["work", "show", &item, "--json"]).await;
            let shown: Value = serde_json::from_slice(&shown.stdout).ok()?;
            shown["put_off_because"].as_str().is_some_and(|why| why.contains("credentials") || why.contains("parked")).then_some(shown)
        })
        .await;
        assert_eq!(
            (&shown["item"], &shown["state"], &shown["account"], &shown["share"]),
            (&json!(item), &json!("ready"), &json!(merchant.code), &json!("orders")),
            "{shown}"
        );
        assert_eq!(shown["holds"], json!([]));
        let text = installation.orderbridge(&["work", "show", &item]).await;
        assert!(text.starts_with(&format!("{item}\n  state           ready\n")) && text.contains("put off"), "{text}");
        let listed = json(installation, &["work", "list", "--tenant", &merchant.id, "--kind", "order", "--state", "ready"]).await;
        assert_eq!(listed.as_array().unwrap().len(), 1);
        assert_eq!(listed[0]["item"], json!(item));

        // While the tenant is paused nobody takes it up, so that what the command did can be seen.
        installation.orderbridge(&["tenant", "pause", &merchant.id]).await;
        let due_at = async || json(installation, &["work", "show", &item]).await["due_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let before = due_at().await;
        let told = installation.orderbridge(&["work", "retry", &item]).await;
        assert_eq!(told, format!("{item} is taken up again\n"));
        let now = due_at().await;
        assert!(before.duration_since(now).as_secs() > 10, "{now}, and not {before}");
        installation.orderbridge(&["tenant", "resume", &merchant.id]).await;
        until("it is looked at, and put off as before", SOON, || async { (due_at().await > now).then_some(()) }).await;
    });
}

#[test]
fn a_tenant_is_exported_as_a_file_that_can_be_imported_and_holds_no_secret() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let exported = installation.orderbridge(&["tenant", "export", &merchant.id]).await;
        for secret in [merchant.brightpearl_token(), merchant.bigcommerce_token()] {
            assert!(!exported.contains(&secret));
        }
        let file: toml::Table = exported.parse().unwrap();
        assert_eq!(file["tenant"]["id"].as_str(), Some(merchant.id.as_str()));
        assert_eq!((file["orders"]["channel"].as_integer(), file["orders"]["warehouse"].as_integer()), (Some(5), Some(2)));
        assert_eq!(file["bigcommerce"]["client_id"].as_str(), Some(merchant.client_id()));
        assert_eq!(file["orders"]["status"]["brightpearl"].as_array().unwrap().len(), 5);
        let named: Vec<&str> = exported.split("${").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert!(named.len() >= 4, "every secret is named: {exported}");

        // With the secrets in the environment it is the same tenant, and importing it changes nothing.
        let listed = async || {
            let tenants = json(installation, &["tenant", "list"]).await;
            tenants.as_array().unwrap().iter().find(|tenant| tenant["id"] == json!(merchant.id)).unwrap().clone()
        };
        let before = listed().await;
        let path = installation.folder().join(format!("{}-exported.toml", merchant.id));
        std::fs::write(&path, &exported).unwrap();
        let value = |name: &&str| {
            let what = name.strip_prefix(&format!("{}_", merchant.id.to_ascii_uppercase())).unwrap();
            let (platform, what) = what.split_once('_').unwrap();
            merchant.setting(&format!("[{}]", platform.to_ascii_lowercase()), &what.to_ascii_lowercase())
        };
        let values: Vec<(&str, String)> = named.iter().map(|name| (*name, value(name))).collect();
        let environment: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        installation.orderbridge_with(&["tenant", "import", path.to_str().unwrap()], &environment).await;
        assert_eq!(listed().await, before);
        assert_eq!(installation.orderbridge(&["tenant", "export", &merchant.id]).await, exported);
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
    });
}

#[test]
fn registrations_are_listed_as_they_are_on_both_platforms() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let listed = json(installation, &["hooks", "list", "--tenant", &merchant.id]).await;
        let rows = listed.as_array().unwrap();
        assert!(rows.iter().all(|row| row["state"] == "active" && row["id"].as_u64().is_some()), "{listed:#}");
        let of = |owner: &str, platform: &str| rows.iter().filter(|row| row["owner"] == owner && row["platform"] == platform).count();
        let store = installation.look(&installation.bigcommerce, &format!("stores/{}/hooks", merchant.id)).await;
        let account = installation.look(&installation.brightpearl, &format!("accounts/{}/webhooks", merchant.code)).await;
        assert_eq!(of(&merchant.id, "bigcommerce"), store.as_array().unwrap().len());
        assert_eq!(of(&format!("@{}", merchant.code), "brightpearl"), account["webhooks"].as_array().unwrap().len());
        assert_eq!(of(&merchant.id, "bigcommerce") + of(&format!("@{}", merchant.code), "brightpearl"), rows.len());

        // One that is gone shows as missing.
        let gone = &rows.iter().find(|row| row["platform"] == "bigcommerce").unwrap();
        let url = format!("{}/stores/{}/v3/hooks/{}", installation.bigcommerce, merchant.id, gone["id"]);
        assert!(installation.http.delete(url).header("x-auth-token", merchant.bigcommerce_token()).send().await.unwrap().status().is_success());
        let listed = json(installation, &["hooks", "list", "--tenant", &merchant.id]).await;
        let missing: Vec<&Value> = listed.as_array().unwrap().iter().filter(|row| row["state"] == "missing").collect();
        assert_eq!(missing.iter().map(|row| &row["event"]).collect::<Vec<_>>(), [&gone["event"]]);
        let text = installation.orderbridge(&["hooks", "list", "--tenant", &merchant.id]).await;
        assert!(text.starts_with("OWNER") && text.contains("missing") && text.contains("active"), "{text}");
    });
}

#[test]
fn keys_are_rotated_and_topics_described() {
    run(async {
        let installation = Installation::new(&[]).await;
        let merchant = Merchant::new(&installation).await;
        let topics = json(&installation, &["topics", "describe"]).await;
        let topics = topics.as_array().unwrap();
        let prefix = installation.kafka().topic_prefix;
        for topic in topics {
            assert!(topic["topic"].as_str().unwrap().starts_with(&prefix), "{topic}");
            assert_eq!((&topic["partitions"], &topic["replication"], &topic["drift"]), (&json!(3), &json!(1), &json!([])), "{topic}");
        }
        assert_eq!(topics.len(), orderbridge_schema::topics::Topic::ALL.len());

        // A new key stands in front of the old one.
        let new = installation.orderbridge(&["keys", "generate", "--id", "newer"]).await;
        let both = format!("{},{KEYS}", new.trim());
        let rotated = installation.orderbridge_with(&["keys", "rotate"], &[("ORDERBRIDGE__KEYS", &both)]).await;
        let sealed = installation.sql("select count(*) from credentials").await;
        assert_eq!(rotated, format!("{sealed} secrets were re-encrypted; all are under key newer now\n"));
        assert_ne!(sealed, "0");
        let again = installation.orderbridge_with(&["keys", "rotate"], &[("ORDERBRIDGE__KEYS", &both)]).await;
        assert!(again.starts_with("0 secrets"), "{again}");

        // The old one is needed no more.
        let newest = [("ORDERBRIDGE__KEYS", new.trim())];
        let _all = installation.start("all", &newest).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
    });
}
