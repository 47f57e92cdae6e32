use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;

const KEY: &str = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load(text: &str, pairs: &[(&str, &str)]) -> Result<Settings, BadSettings> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Settings::load(Some(file.path()), environment(pairs))
}

#[test]
fn without_anything_the_defaults_stand_and_what_is_needed_is_named() {
    let settings = Settings::load(None, HashMap::new()).unwrap();
    let problems = settings.problems();
    assert_eq!(problems.len(), 3, "{problems:?}");
    for (problem, named) in problems.iter().zip(["keys generate", "DATABASE_URL", "KAFKA_BROKERS"]) {
        assert!(problem.contains(named), "{problem}");
    }
}

#[test]
fn the_environment_wins_over_the_file_and_our_names_over_plain_ones() {
    let file = "[database]\nurl = \"postgres://file\"\nhot_connections = 3\n[kafka]\nbrokers = \"file:1\"\n";
    let plain = [("DATABASE_URL", "postgres://plain"), ("KAFKA_BROKERS", "plain:1"), ("ORDERBRIDGE__KAFKA__BROKERS", "ours:1")];
    let settings = load(file, &plain).unwrap();
    assert_eq!(settings.database().unwrap().url.expose_secret(), "postgres://plain");
    assert_eq!(settings.database().unwrap().hot_connections, 3);
    assert_eq!(settings.kafka().unwrap().brokers, "ours:1");
    let settings =
        load(file, &[("ORDERBRIDGE__DATABASE__HOT_CONNECTIONS", "9"), ("ORDERBRIDGE__PROCESSOR__DRAIN", "2s"), ("KAFKA_BROKERS", "")]).unwrap();
    assert_eq!(settings.database().unwrap().hot_connections, 9);
    assert_eq!(settings.processor.drain, Duration::from_secs(2));
    assert_eq!(settings.kafka().unwrap().brokers, "file:1");
}

#[test]
fn every_value_that_cannot_be_read_is_named() {
    let file = r#"
colour = "blue"
public_url = "nowhere"
[database]
url = "postgres://x"
hot_connections = "many"
bulk_conections = 2
[processor]
drain = "soon"
batch_max = []
[log]
format = "xml"
"#;
    let BadSettings(problems) = load(file, &[]).unwrap_err();
    for named in
        ["colour", "public_url", "database.hot_connections", "database.bulk_conections", "processor.drain", "processor.batch_max", "log.format"]
    {
        assert!(problems.iter().any(|problem| problem.starts_with(&format!("{named}:"))), "{named} is not in {problems:#?}");
    }
    assert_eq!(problems.len(), 7, "{problems:#?}");
    assert!(problems.iter().any(|problem| problem == "log.format: must be text or json"), "{problems:#?}");
}

#[test]
fn the_profile_sets_what_the_topics_are_like_unless_somebody_says_otherwise() {
    let replication = |file: &str, environment: &[(&str, &str)]| {
        let topics = load(file, environment).unwrap().topics;
        (topics.partitions, topics.replication, topics.min_insync_replicas)
    };
    assert_eq!(replication("", &[]), (3, 1, 1));
    assert_eq!(replication("profile = \"production\"", &[]), (12, 3, 2));
    assert_eq!(replication("", &[("ORDERBRIDGE__PROFILE", "production"), ("ORDERBRIDGE__TOPICS__PARTITIONS", "24")]), (24, 3, 2));
    assert_eq!(replication("[topics]\nreplication = 2", &[]), (3, 2, 1));
}

#[test]
fn sections_within_sections_are_read() {
    let environment = [("ORDERBRIDGE__INGEST__HTTP__LISTEN", "127.0.0.1:9"), ("ORDERBRIDGE__INGEST__DIRECTORY__FILE", "/x"), ("RUST_LOG", "debug")];
    let settings = load("[ingest.directory]\npoll = \"9s\"\n", &environment).unwrap();
    assert_eq!(settings.ingest.http.listen.port(), 9);
    assert_eq!(settings.directory.file.as_deref(), Some(Path::new("/x")));
    assert_eq!(settings.directory.poll, Duration::from_secs(9));
    assert_eq!(settings.log.filter, "debug");
    let sweeps = load("[processor.sweeps]\norders = \"30s\"\n", &[("ORDERBRIDGE__PROCESSOR__SWEEPS__NOTES", "40s")]).unwrap().processor.sweeps;
    assert_eq!((sweeps.orders, sweeps.notes), (Duration::from_secs(30), Duration::from_secs(40)));
    let BadSettings(problems) = load("[processor.sweeps]\nevery = \"1h\"\n", &[]).unwrap_err();
    assert!(problems.iter().any(|problem| problem.starts_with("processor.sweeps:")), "{problems:?}");
    let BadSettings(problems) = load("[ingest.directory]\nfolder = \"x\"\n[topics]\nretention = 1\n", &[]).unwrap_err();
    assert!(problems.iter().any(|problem| problem.starts_with("ingest.directory.folder:")), "{problems:?}");
}

#[test]
fn a_file_that_is_no_toml_names_the_line_and_not_what_stands_there() {
    let BadSettings(problems) = load("[database]\nurl = postgres://user:hunter2@host\n", &[]).unwrap_err();
    assert!(problems.iter().all(|problem| problem.contains(":2:") && !problem.contains("hunter2")), "{problems:?}");
    let BadSettings(problems) = Settings::load(Some(Path::new("/nowhere/at/all")), HashMap::new()).unwrap_err();
    assert!(problems[0].contains("/nowhere/at/all"), "{problems:?}");
}

#[test]
fn settings_that_do_not_go_together_are_all_named() {
    let file = r#"
profile = "production"
public_url = "http://hooks.example.com"
[database]
url = "postgres://x"
[kafka]
brokers = "nowhere"
[topics]
replication = 1
min_insync_replicas = 1
[processor]
batch_max = 999
[processor.sweeps]
notes = "0s"
[http]
user_agent = ""
[log]
filter = "a=b=c"
[clock]
offset_file = "/tmp/offset"
"#;
    let problems = load(file, &[("ORDERBRIDGE__KEYS", "k1:short")]).unwrap().problems();
    let named = [
        "log.filter",
        "encryption key 1",
        "public_url must begin",
        "kafka.brokers",
        "topics.replication",
        "topics.min_insync",
        "clock.offset_file",
        "processor.batch_max",
        "processor.sweeps.notes",
        "http.user_agent",
    ];
    for named in named {
        assert!(problems.iter().any(|problem| problem.contains(named)), "{named} is not in {problems:#?}");
    }
    assert_eq!(problems.len(), named.len(), "{problems:#?}");
}

#[test]
fn what_is_shown_holds_no_secret() {
    let settings = load(
        "[kafka]\nbrokers = \"a:1\"\n[kafka.connection]\n\"sasl.password\" = \"hunter2\"\n",
        &[("ORDERBRIDGE__KEYS", KEY), ("DATABASE_URL", "postgres://user:hunter3@host/db")],
    )
    .unwrap();
    assert_eq!(settings.problems(), Vec::<String>::new());
    let shown = settings.redacted();
    for secret in ["hunter2", "hunter3", "MDEyMzQ1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    for shown_too in ["[processor]", "batch_max: 100", "a:1"] {
        assert!(shown.contains(shown_too), "{shown_too} is not in {shown}");
    }
}
