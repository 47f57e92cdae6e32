//! What an operator holds, whatever events say.

use anyhow::{Context, ensure};
use orderbridge_postgres::Db;
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::work::{Scope, WorkKey};

use crate::commands::Usage;
use crate::commands::arguments::operator;
use crate::output;

/// Stops work on entities.
///
/// # Errors
/// The database fails, or there is no such tenant or account.
pub async fn hold(db: &Db, items: &[WorkKey], why: &str) -> anyhow::Result<()> {
    if why.trim().is_empty() {
        return Err(Usage("--why must not be empty: somebody will ask".into()).into());
    }
    let by = operator();
    for item in items {
        let account = account_of(db, &item.scope).await?;
        db.stop_work(item, &account, why.trim(), &by).await?;
        output::line(&format!("{item} is held; `orderbridge work release {item}` lets it go on"))?;
    }
    Ok(())
}

/// Lets what was held go on.
///
/// # Errors
/// The database fails, or something was not held by an operator.
pub async fn release(db: &Db, items: &[WorkKey]) -> anyhow::Result<()> {
    let by = operator();
    let mut free = Vec::new();
    for item in items {
        if db.release_work(item, &by).await? {
            output::line(&format!("{item} is released"))?;
        } else {
            free.push(item.to_string());
        }
    }
    ensure!(free.is_empty(), "not held by an operator: {}; `orderbridge work retry` takes up what waits for anything else", free.join(", "));
    Ok(())
}

/// Whether an operator holds it.
///
/// # Errors
/// The database fails.
pub async fn is_held(db: &Db, item: &WorkKey) -> anyhow::Result<bool> {
    Ok(db.operator_holds(Some(&item.scope)).await?.iter().any(|hold| hold.key == *item))
}

async fn account_of(db: &Db, scope: &Scope) -> anyhow::Result<AccountCode> {
    match scope {
        Scope::Tenant(tenant) => Ok(db.tenant(tenant).await?.with_context(|| format!("there is no tenant {tenant}"))?.account),
        Scope::Account(account) => Ok(db.account(account).await?.with_context(|| format!("there is no account {account}"))?.code),
    }
}
