//! The executable as an operator meets it: what it prints, and how it exits.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected must fail")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const KEY: &str = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn orderbridge(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderbridge"));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn demo(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/demo").join(file)
}

#[test]
fn help_lists_the_commands_with_examples_and_exit_codes() {
    let output = orderbridge(&["--help"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    let commands = [
        "ingest",
        "processor",
        "all",
        "migrate",
        "topics",
        "tenant",
        "rules",
        "hooks",
        "work",
        "dead-letters",
        "replay",
        "reapply",
        "timeline",
        "keys",
        "doctor",
        "settings",
        "completions",
    ];
    for command in commands {
        assert!(shown.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))), "{command} is not in\n{shown}");
        let output = orderbridge(&[command, "--help"], &[]);
        assert_eq!(output.status.code(), Some(0), "{command}");
    }
    for part in ["Examples:", "Exit codes:", "ORDERBRIDGE__SECTION__KEY"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for arguments in [&["telepathy"][..], &["tenant", "import"], &["work", "retry"], &["work", "show", "acme"], &["tenant", "pause", "a b"], &[]] {
        let output = orderbridge(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let output = orderbridge(&["migrate", "revert"], &[("DATABASE_URL", "postgres://nobody@127.0.0.1:1/x")]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn what_is_wrong_with_a_repair_is_told_before_anything_is_read() {
    for (arguments, part) in [
        (&["replay"][..], "say what is to be replayed"),
        (&["replay", "--from", "yesterday"], "2026-03-01T09:00:00Z"),
        (&["replay", "--from", "1h", "--to", "2h"], "--to"),
        (&["replay", "--from", "2999-01-01"], "has not come yet"),
        (&["replay", "--topic", "orders"], "bigcommerce.orders.v1"),
        (&["replay", "--topic", "dead-letters.v1"], "the topics of events are"),
        (&["replay", "--offset", "0:1"], "exactly one --topic"),
        (&["replay", "--topic", "brightpearl.orders.v1", "--offset", "1"], "PARTITION:OFFSET"),
        (&["replay", "--entity", "order/1"], "--tenant"),
        (&["replay", "--tenant", "acme-uk", "--entity", "thing/1"], "KIND/ID"),
        (&["replay", "show", "17"], "17"),
        (&["reapply"], "--tenant"),
        (&["reapply", "--tenant", "acme-uk", "--from", "1h", "--to", "2h"], "--to"),
        (&["reapply", "--tenant", "acme-uk", "--yes", "--dry-run"], "--yes"),
        (&["dead-letters", "retry"], "LETTER"),
        (&["dead-letters", "retry", "17"], "PARTITION:OFFSET"),
        (&["dead-letters", "list", "--state", "lost"], "discarded"),
        (&["rules", "versions"], "TENANT"),
        (&["rules", "show", "acme uk"], "a tenant id must be"),
        (&["rules", "show", "acme-uk", "--version", "0"], "is not in 1"),
        (&["rules", "compare", "acme-uk", "1"], "AFTER"),
        (&["rules", "restore", "acme-uk", "two"], "VERSION"),
        (&["rules", "restore", "acme-uk", "2", "--author", "  "], "an author must be a name of 1 to 100 characters"),
        (&["tenant", "import", "a.toml", "--author", ""], "an author must be"),
        (&["work", "hold", "acme-uk/order/250"], "--why"),
        (&["timeline", "show", "250"], "--tenant"),
        (&["timeline", "show", "250", "--account", "acme"], "--sales-order"),
    ] {
        let output = orderbridge(arguments, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part) && output.stdout.is_empty(), "{arguments:?}: {part} is not in\n{said}");
    }
}

#[test]
fn check_config_shows_the_settings_without_secrets() {
    let environment = [("ORDERBRIDGE__KEYS", KEY), ("DATABASE_URL", "postgres://shop:hunter2@db/orders"), ("KAFKA_BROKERS", "k:9092")];
    for arguments in [&["--check-config"][..], &["settings", "check"], &["all", "--check-config"]] {
        let output = orderbridge(arguments, &environment);
        let (shown, said) = (text(&output.stdout), text(&output.stderr));
        // The default replication is right for three brokers; nothing else is wrong.
        assert_eq!(output.status.code(), Some(0), "{said}");
        for secret in ["hunter2", "MDEyMzQ1"] {
            assert!(!shown.contains(secret) && !said.contains(secret), "{arguments:?} {shown} {said}");
        }
        assert!(shown.contains("[processor]") && shown.contains("k:9092"), "{shown}");
    }
}

#[test]
fn every_problem_of_the_settings_is_told_at_once() {
    let environment = [("KAFKA_BROKERS", "nowhere"), ("ORDERBRIDGE__PROCESSOR__BATCH_MAX", "0"), ("ORDERBRIDGE__HTTP__USER_AGENT", "\u{e9}")];
    let output = orderbridge(&["all"], &environment);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for part in ["kafka.brokers", "processor.batch_max", "http.user_agent", "DATABASE_URL", "keys generate"] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
}

#[test]
fn a_tenant_file_is_refused_with_all_its_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acme.toml");
    std::fs::write(&file, "[tenant]\nid = \"acme uk\"\n[bigcommerce]\nstore_hsh = \"x\"\n[orders]\nwarehouse = \"two\"\n").unwrap();
    let output = orderbridge(&["tenant", "import", file.to_str().unwrap(), demo("borealis.toml").to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for part in [
        "acme.toml:2:6:",
        "acme.toml:4:1:",
        "did you mean `store_hash`?",
        "acme.toml:6:13:",
        "missing section `brightpearl`",
        "borealis.toml:",
        "${BOREALIS_STORE_HASH}",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
}

#[test]
fn the_demo_tenants_are_without_mistakes_once_the_environment_is_there() {
    let mut environment = vec![
        ("DEMO_BIGCOMMERCE_URL".to_owned(), "http://127.0.0.1:9001".to_owned()),
        ("DEMO_BRIGHTPEARL_URL".to_owned(), "http://127.0.0.1:9002".to_owned()),
    ];
    for tenant in ["ACME_UK", "BOREALIS"] {
        let names = [
            "STORE_HASH",
            "BIGCOMMERCE_CLIENT_ID",
            "BIGCOMMERCE_CLIENT_SECRET",
            "BIGCOMMERCE_ACCESS_TOKEN",
            "BRIGHTPEARL_ACCOUNT",
            "BRIGHTPEARL_APP_REF",
            "BRIGHTPEARL_DEV_REF",
            "BRIGHTPEARL_ACCESS_TOKEN",
            "BRIGHTPEARL_REFRESH_TOKEN",
        ];
        environment.extend(names.map(|name| (format!("{tenant}_{name}"), format!("{}-{}", tenant.to_lowercase(), name.len()))));
    }
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (acme, borealis) = (demo("acme-uk.toml"), demo("borealis.toml"));
    let arguments = ["tenant", "import", "--check", acme.to_str().unwrap(), borealis.to_str().unwrap()];
    let output = orderbridge(&arguments, &environment);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("2 files without mistakes"));
}

#[test]
fn the_demo_settings_can_be_used() {
    let settings = demo("settings/orderbridge.toml");
    let environment = [("ORDERBRIDGE__KEYS", KEY), ("DATABASE_URL", "postgres://db/x"), ("KAFKA_BROKERS", "k:9092")];
    let output = orderbridge(&["--config", settings.to_str().unwrap(), "--check-config"], &environment);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("partitions: 3"));
}

#[test]
fn a_new_key_can_be_used_at_once() {
    let output = orderbridge(&["keys", "generate", "--id", "k9"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let key = text(&output.stdout);
    assert!(key.starts_with("k9:"));
    let environment = [("ORDERBRIDGE__KEYS", key.trim()), ("DATABASE_URL", "postgres://db/x"), ("KAFKA_BROKERS", "k:9092")];
    assert_eq!(orderbridge(&["settings", "check"], &environment).status.code(), Some(0));
    assert_ne!(text(&orderbridge(&["keys", "generate", "--id", "k9"], &[]).stdout), key);
    assert_eq!(orderbridge(&["keys", "generate", "--id", "a:b"], &[]).status.code(), Some(1));
}

#[test]
fn completions_name_the_subcommands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = orderbridge(&["completions", shell], &[]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("timeline"), "{shell}");
    }
}

#[test]
fn the_doctor_says_what_to_do_and_fails_where_nothing_runs() {
    // Port 1 is reserved: nothing answers there.
    let environment = [("ORDERBRIDGE__KEYS", KEY), ("DATABASE_URL", "postgres://nobody:hunter2@127.0.0.1:1/x")];
    let output = orderbridge(&["doctor", "--json"], &environment);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |check: &str| findings.as_array().unwrap().iter().filter(|finding| finding["check"] == check).cloned().collect::<Vec<_>>();
    assert!(of("settings").iter().any(|finding| finding["found"].as_str().unwrap().contains("KAFKA_BROKERS")), "{findings:#}");
    assert_eq!(of("database")[0]["state"], "fail");
    assert!(of("database")[0]["remedy"].as_str().unwrap().contains("runs"));
    assert_eq!(of("tenants")[0]["state"], "skipped");
    assert!(!text(&output.stdout).contains("hunter2"));
}

#[test]
fn a_database_that_is_away_is_told_in_plain_words() {
    let environment = [("DATABASE_URL", "postgres://nobody:hunter2@127.0.0.1:1/x")];
    for arguments in [&["tenant", "list"][..], &["work", "list"], &["migrate", "status"]] {
        let output = orderbridge(arguments, &environment);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("orderbridge: the database is unavailable") && !said.contains("hunter2"), "{said}");
    }
    let output = orderbridge(&["tenant", "list"], &[]);
    assert!(text(&output.stderr).contains("DATABASE_URL"));
}

#[test]
fn an_authors_name_is_checked_wherever_it_comes_from() {
    let long = "x".repeat(101);
    for (arguments, environment) in [
        (vec!["rules", "restore", "acme-uk", "2", "--author", &long], vec![]),
        (vec!["rules", "restore", "acme-uk", "2"], vec![("ORDERBRIDGE_AUTHOR", long.as_str())]),
        (vec!["tenant", "import", "a.toml"], vec![("ORDERBRIDGE_AUTHOR", "two\nlines")]),
    ] {
        let output = orderbridge(&arguments, &environment);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("an author must be a name of 1 to 100 characters on one line"), "{said}");
    }
}
