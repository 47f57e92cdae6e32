//! Reading a tenant's file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use orderbridge_postgres::{AccountImport, SignatureMode, StoreImport, TenantImport};
use orderbridge_schema::ids::{AccountCode, InstallationId, StoreHash, TenantId};
use orderbridge_schema::rules::{RuleProblem, Rules};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};
use url::Url;

use super::mistake::Refused;
use super::shape::FILE;
use super::walk::{Environment, Walker, plain};

const RULE_SECTIONS: [&str; 6] = ["orders", "taxes_and_accounts", "fulfilment", "payments", "notes", "items_and_customers"];

/// BigCommerce has one API host for all stores (BC §a).
const STORE_BASE: &str = "https://api.bigcommerce.com";
/// Brightpearl's token host (BP §b.2).
const TOKEN_BASE: &str = "https://oauth.brightpearlapp.com";

#[derive(Deserialize)]
struct TenantSection {
    id: TenantId,
}

#[derive(Deserialize)]
struct StoreSection {
    store_hash: StoreHash,
    base_url: Option<Url>,
    client_id: String,
    client_secret: String,
    access_token: String,
    #[serde(default)]
    signature: SignatureMode,
}

#[derive(Deserialize)]
struct AccountSection {
    account: AccountCode,
    base_url: Url,
    token_url: Option<Url>,
    app_ref: String,
    dev_ref: String,
    client_secret: Option<String>,
    access_token: String,
    refresh_token: String,
    installation: Option<InstallationId>,
}

/// Reads a tenant's file. Any scalar may be written as `"${NAME}"`: it is then taken from the environment.
///
/// # Errors
/// [`Refused`], with every mistake of the file: syntax, unknown and missing keys, wrong types, bad ids, rules that contradict themselves.
pub fn read(file: &Path, text: &str, environment: Environment<'_>) -> Result<TenantImport, Refused> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut walker = Walker::new(environment, errors.is_empty());
    for error in &errors {
        walker.mistakes.push((error.span().unwrap_or(0..0), error.message().to_owned()));
    }
    let mut taken = walker.table("", &FILE, document.get_ref(), &(0..0));
    let rules = read_rules(&mut taken, document.get_ref(), &mut walker);
    if !walker.mistakes.is_empty() {
        return Err(Refused::new(file, text, walker.mistakes));
    }
    assemble(&mut taken, rules).map_err(|why| Refused::new(file, text, vec![(0..0, why)]))
}

/// Refuses a file that is without mistakes in itself, for problems that its rules have elsewhere: with the platforms' lists.
pub fn refuse(file: &Path, text: &str, environment: Environment<'_>, problems: &[RuleProblem]) -> Refused {
    let (document, _errors) = DeTable::parse_recoverable(text);
    let mut walker = Walker::new(environment, false);
    walker.table("", &FILE, document.get_ref(), &(0..0));
    let at = |problem: &RuleProblem| (place_of(problem, document.get_ref(), &walker.places), told(problem));
    Refused::new(file, text, problems.iter().map(at).collect())
}

fn told(problem: &RuleProblem) -> String {
    format!("`{}`: {}", plain(&problem.path), problem.message)
}

/// What is left after the walk is still checked as rules, so that those mistakes are not found only at the next attempt.
fn read_rules(taken: &mut Map<String, Value>, document: &DeTable<'_>, walker: &mut Walker<'_>) -> Result<Rules, String> {
    let sections = RULE_SECTIONS.into_iter().filter_map(|name| Some((name.to_owned(), taken.remove(name)?)));
    let rules: Rules = section(Value::Object(sections.collect()))?;
    for problem in rules.problems() {
        let at = place_of(&problem, document, &walker.places);
        walker.mistakes.push((at, told(&problem)));
    }
    Ok(rules)
}

fn assemble(taken: &mut Map<String, Value>, rules: Result<Rules, String>) -> Result<TenantImport, String> {
    let mut part = |name: &str| taken.remove(name).unwrap_or_default();
    let store: StoreSection = section(part("bigcommerce"))?;
    let account: AccountSection = section(part("brightpearl"))?;
    Ok(TenantImport {
        id: section::<TenantSection>(part("tenant"))?.id,
        store: StoreImport {
            hash: store.store_hash,
            base: or_usual(store.base_url, STORE_BASE)?,
            signature_mode: store.signature,
            client_id: store.client_id,
            client_secret: store.client_secret.into(),
            access_token: store.access_token.into(),
        },
        account: AccountImport {
            code: account.account,
            api_base: account.base_url,
            token_base: or_usual(account.token_url, TOKEN_BASE)?,
            app_ref: account.app_ref,
            dev_ref: account.dev_ref,
            installation: account.installation,
            client_secret: account.client_secret.map(SecretString::from),
            access_token: Some(account.access_token.into()),
            refresh_token: Some(account.refresh_token.into()),
            expires_at: None,
        },
        rules: rules?,
    })
}

fn or_usual(url: Option<Url>, usual: &str) -> Result<Url, String> {
    url.map_or_else(|| Url::parse(usual).map_err(|error| format!("{usual}: {error}")), Ok)
}

fn section<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("could not be read: {error}"))
}

/// Where the value that a problem speaks of stands, or the nearest thing around it.
fn place_of(problem: &RuleProblem, document: &DeTable<'_>, places: &BTreeMap<String, Range<usize>>) -> Range<usize> {
    if let Some(at) = place_in_sorted_list(&problem.path, document) {
        return at;
    }
    let mut path = problem.path.as_str();
    loop {
        if let Some(at) = places.get(path) {
            return at.clone();
        }
        // A single value is named like a list's first element.
        match path.rfind(['.', '[']).and_then(|end| path.get(..end)) {
            Some(shorter) => path = shorter,
            None => return 0..0,
        }
    }
}

/// `orders.create_statuses` is a set: its problems count in ascending order, not in the file's.
fn place_in_sorted_list(path: &str, document: &DeTable<'_>) -> Option<Range<usize>> {
    let position: usize = path.strip_prefix("orders.create_statuses[")?.strip_suffix(']')?.parse().ok()?;
    let list = document.get("orders")?.get_ref().get("create_statuses")?.get_ref().as_array()?;
    let number = |value: &DeValue<'_>| value.as_integer().and_then(|number| number.as_str().parse::<u64>().ok());
    let mut found: Vec<(u64, Range<usize>)> = list.iter().filter_map(|item| Some((number(item.get_ref())?, item.span()))).collect();
    found.sort_by_key(|(number, _)| *number);
    found.dedup_by_key(|(number, _)| *number);
    found.into_iter().nth(position).map(|(_, at)| at)
}
