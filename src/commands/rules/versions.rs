//! Listing, showing and comparing versions.

use jiff::Timestamp;
use orderbridge_postgres::{Db, RulesVersion};
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::rules::{RuleDifference, Rules, compare as differences};
use serde::Serialize;
use serde_json::Value;

use crate::commands::Ending;
use crate::commands::rules::{known, version};
use crate::output;

/// A version without its rules.
#[derive(Debug, Serialize)]
struct Listed {
    version: i64,
    author: String,
    saved_at: Timestamp,
    origin: &'static str,
    restored_from: Option<i64>,
    present: bool,
    #[serde(skip)]
    came_from: String,
}

impl Listed {
    fn of(version: RulesVersion, present: i64) -> Self {
        Self {
            came_from: version.origin.to_string(),
            present: version.version == present,
            version: version.version,
            author: version.author,
            saved_at: version.saved_at,
            origin: version.origin.as_str(),
            restored_from: version.origin.restored(),
        }
    }
}

/// `rules versions`.
///
/// # Errors
/// There is no such tenant, or the database fails.
pub async fn list(db: &Db, tenant: &TenantId, json: bool) -> anyhow::Result<Ending> {
    let present = known(db, tenant).await?.rules_version;
    let versions: Vec<Listed> = db.rules_versions(tenant).await?.into_iter().map(|version| Listed::of(version, present)).collect();
    output::list(&versions, json, &["VERSION", "SAVED", "BY", "FROM", ""], |version| {
        let present = if version.present { "present" } else { "" };
        vec![version.version.to_string(), format!("{:.0}", version.saved_at), version.author.clone(), version.came_from.clone(), present.into()]
    })?;
    Ok(Ending::Fine)
}

#[derive(Serialize)]
struct Shown {
    tenant: TenantId,
    #[serde(flatten)]
    version: Listed,
    rules: Value,
}

/// `rules show`.
///
/// # Errors
/// There is no such tenant or version, or the database fails.
pub async fn show(db: &Db, tenant: &TenantId, number: Option<i64>, json: bool) -> anyhow::Result<Ending> {
    let present = known(db, tenant).await?.rules_version;
    let found = version(db, tenant, number.unwrap_or(present)).await?;
    let rules = found.rules.clone();
    let version = Listed::of(found, present);
    if json {
        output::object(&Shown { tenant: tenant.clone(), version, rules })?;
        return Ok(Ending::Fine);
    }
    let Listed { version: number, author, saved_at, came_from, .. } = version;
    output::line(&format!("# Version {number} of the rules of {tenant}, saved by {author} at {saved_at:.0} ({came_from})\n"))?;
    // What another release saved in another form can be shown, if not as this one would write it.
    match serde_json::from_value::<Rules>(rules.clone()) {
        Ok(rules) => output::raw(toml::to_string(&rules)?.as_bytes())?,
        Err(_other_form) => output::object(&rules)?,
    }
    Ok(Ending::Fine)
}

#[derive(Serialize)]
struct Compared {
    tenant: TenantId,
    before: i64,
    after: i64,
    differences: Vec<RuleDifference>,
}

/// `rules compare`.
///
/// # Errors
/// There is no such tenant or version, or the database fails.
pub async fn compare(db: &Db, tenant: &TenantId, (before, after): (i64, i64), json: bool) -> anyhow::Result<Ending> {
    known(db, tenant).await?;
    let (earlier, later) = (version(db, tenant, before).await?, version(db, tenant, after).await?);
    let differences = differences(&earlier.rules, &later.rules);
    if json {
        output::object(&Compared { tenant: tenant.clone(), before, after, differences })?;
    } else if differences.is_empty() {
        output::line(&format!("versions {before} and {after} of the rules of {tenant} say the same"))?;
    } else {
        let (earlier, later) = (format!("VERSION {before}"), format!("VERSION {after}"));
        output::list(&differences, false, &["RULE", earlier.as_str(), later.as_str()], |one| {
            vec![one.path.clone(), told(one.before.as_ref()), told(one.after.as_ref())]
        })?;
    }
    Ok(Ending::Fine)
}

fn told(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
