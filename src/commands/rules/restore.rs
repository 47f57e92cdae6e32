//! Making an earlier version the present one.

use anyhow::{Context, bail};
use orderbridge_postgres::Db;
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::rules::{Author, Origin, RuleProblem, Rules};
use serde::Serialize;

use crate::commands::Ending;
use crate::commands::rules::{check, connected, version};
use crate::commands::tenant::{count, no_tenant};
use crate::output;

#[derive(Serialize)]
struct Restored {
    tenant: TenantId,
    restored_from: i64,
    changed: bool,
    version: i64,
    released: usize,
    warnings: Vec<RuleProblem>,
}

/// `rules restore`. The version is judged like rules that are imported today: what it names must still be there.
///
/// # Errors
/// There is no such tenant or version, its rules cannot be saved, or the database fails.
pub async fn run(db: &Db, id: &TenantId, number: i64, author: &Author, json: bool) -> anyhow::Result<Ending> {
    let tenant = connected(db, id).await?;
    let found = version(db, id, number).await?;
    let read = serde_json::from_value::<Rules>(found.rules);
    let rules = read.with_context(|| format!("version {number} was saved by another release, and this one cannot read it"))?;
    let lists = db.known_lists(&tenant.account, id).await?;
    let mut problems = rules.problems();
    if rules != tenant.rules {
        problems.extend(lists.unknown(&rules));
    }
    if !problems.is_empty() {
        let told: Vec<String> = problems.iter().map(|problem| format!("\n  {}: {}", problem.path, problem.message)).collect();
        bail!("version {number} of the rules of {id} is not restored:{}{}", told.concat(), check::HOW_TO_REFRESH.replace("TENANT", id.as_str()));
    }
    let saved = db.save_rules(id, &rules, Origin::Restore(number), author).await?.with_context(|| no_tenant(id))?;
    let warnings = rules.warnings(&lists.all());
    if json {
        let (changed, version, released) = (saved.changed, saved.version, saved.released);
        output::object(&Restored { tenant: id.clone(), restored_from: number, changed, version, released, warnings })?;
        return Ok(Ending::Fine);
    }
    if !saved.changed {
        output::line(&format!("the rules of {id} say what version {number} says already; they stay version {}", saved.version))?;
        return Ok(Ending::Fine);
    }
    let mut text = format!("{id} has the rules of version {number} again, as version {}", saved.version);
    if saved.released > 0 {
        text.push_str(&format!("; {} that waited for a rule goes on", count(saved.released, "work item")));
    }
    output::line(&text)?;
    check::warn(&warnings)?;
    Ok(Ending::Fine)
}
