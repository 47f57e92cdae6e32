//! Tenants and accounts: credentials, rules and registrations, as the platforms see them now.

use std::collections::BTreeSet;

use orderbridge_http_client::CallError;
use orderbridge_postgres::{AccountRecord, AccountState, TenantRecord, TenantState};
use orderbridge_processor::hooks::{Addresses, NoSecret, Registry};
use orderbridge_schema::ids::{Platform, TenantId};
use orderbridge_schema::rules::{KnownLists, RuleProblem, Rules};

use super::report::Report;
use crate::commands::hooks;
use crate::commands::platforms::{Platforms, SHARE};
use crate::settings::Settings;

/// All tenants that are not removed, or one of them, with the accounts they belong to.
///
/// # Errors
/// Standard output cannot be written to.
pub async fn check(report: &mut Report, settings: &Settings, platforms: &Platforms, only: Option<&TenantId>) -> anyhow::Result<()> {
    let read = async { Ok::<_, orderbridge_postgres::DbError>((platforms.db.tenants().await?, platforms.db.accounts().await?)) };
    let (mut tenants, accounts) = match read.await {
        Ok(read) => read,
        Err(error) => return report.fail("tenants", error.to_string(), "look at the database's log"),
    };
    tenants.retain(|tenant| tenant.state != TenantState::Removed && only.is_none_or(|only| tenant.id == *only));
    if tenants.is_empty() {
        return report.fail("tenants", "there is none", "run `orderbridge tenant import FILE`");
    }
    let addresses = settings.public_url().ok().map(|url| Addresses::new(url, None));
    for tenant in &tenants {
        store(report, platforms, tenant, addresses.as_ref()).await?;
    }
    let used: BTreeSet<_> = tenants.iter().map(|tenant| tenant.account.clone()).collect();
    for account in accounts.iter().filter(|account| used.contains(&account.code)) {
        let of_account: Vec<&TenantRecord> = tenants.iter().filter(|tenant| tenant.account == account.code).collect();
        brightpearl(report, platforms, account, &of_account, addresses.as_ref()).await?;
    }
    Ok(())
}

async fn store(report: &mut Report, platforms: &Platforms, tenant: &TenantRecord, addresses: Option<&Addresses>) -> anyhow::Result<()> {
    let id = &tenant.id;
    match (&tenant.state, &tenant.parked) {
        (_, Some(why)) => report.fail(id.to_string(), format!("its work waits: {why}"), "import the tenant again with working credentials")?,
        (TenantState::Paused, None) => report.ok(id.to_string(), "is paused; `orderbridge tenant resume` takes its work up")?,
        (TenantState::Active | TenantState::Removed, None) => report.ok(id.to_string(), "is active")?,
    }
    rules(report, tenant)?;
    let check = format!("{id} store {}", tenant.store);
    let (client, credentials) = match platforms.store(tenant).await {
        Ok(made) => made,
        Err(error) => return report.fail(check, format!("{error:#}"), "import the tenant again, or give back the master key it was stored under"),
    };
    match client.store_info(SHARE).await {
        Ok(info) => report.ok(check, format!("answers as {:?}, in {}", info.name, info.currency))?,
        Err(error) => return report.fail(check, error.to_string(), remedy(&error, Platform::Bigcommerce)),
    }
    store_lists(report, &client, tenant).await?;
    match client.hooks_admin(SHARE).await {
        Ok(admin) => {
            for blocked in admin.blocked {
                let found = format!("BigCommerce holds back deliveries to {} for {} s more", blocked.destination, blocked.seconds_left);
                report.fail(format!("{id} deliveries"), found, "more than a tenth of deliveries failed; look at ingest's log and metrics")?;
            }
        }
        Err(error) => report.fail(format!("{id} deliveries"), error.to_string(), remedy(&error, Platform::Bigcommerce))?,
    }
    let registry = addresses.map(|addresses| Registry::store(client, tenant, &credentials, addresses, platforms.payer()));
    registrations(report, format!("{id} webhooks of {}", tenant.store), registry).await
}

/// Rules without which every order is held.
fn rules(report: &mut Report, tenant: &TenantRecord) -> anyhow::Result<()> {
    let missing = missing(&tenant.rules);
    let check = format!("{} rules", tenant.id);
    if missing.is_empty() {
        return report.ok(check, format!("version {}", tenant.rules_version));
    }
    report.fail(check, format!("no order can be created without {}", missing.join(", ")), "add it to the tenant's file and import that again")
}

fn missing(rules: &Rules) -> Vec<&'static str> {
    let orders = &rules.orders;
    let tax = rules.taxes_and_accounts.default_tax_code.is_none() && rules.taxes_and_accounts.tax_codes.is_empty();
    let needed = [
        ("orders.channel", orders.channel.is_none()),
        ("orders.warehouse", orders.warehouse.is_none()),
        ("taxes_and_accounts.default_tax_code", tax),
    ];
    needed.into_iter().filter(|(_, lacks)| orders.enabled && *lacks).map(|(rule, _)| rule).collect()
}

async fn brightpearl(
    report: &mut Report,
    platforms: &Platforms,
    account: &AccountRecord,
    tenants: &[&TenantRecord],
    addresses: Option<&Addresses>,
) -> anyhow::Result<()> {
    let check = format!("account {}", account.code);
    if let AccountState::Parked { reason } = &account.state {
        report.fail(
            check.clone(),
            format!("its work waits: {reason}"),
            "authorise the app again in Brightpearl and import a tenant with the new tokens",
        )?;
    }
    let (client, credentials) = match platforms.account(account).await {
        Ok(made) => made,
        Err(error) => return report.fail(check, format!("{error:#}"), "import a tenant of the account again, or give back the master key"),
    };
    match client.installation(SHARE).await {
        Ok(installation) if account.installation.is_none_or(|known| known == installation) => {
            report.ok(check, format!("answers; our installation is {installation}"))?;
        }
        Ok(installation) => {
            let found =
                format!("our installation is {installation}, but {} is stored", account.installation.map(|id| id.to_string()).unwrap_or_default());
            report.fail(check, found, "set brightpearl.installation in the tenant's file to the new one and import it again")?;
        }
        Err(error) => return report.fail(check, error.to_string(), remedy(&error, Platform::Brightpearl)),
    }
    account_lists(report, &client, account, tenants).await?;
    let registry = addresses.map(|addresses| Registry::account(client, account, &credentials, addresses, platforms.payer()));
    registrations(report, format!("webhooks of account {}", account.code), registry).await
}

/// Whether what the rules name exists at the store, and whether we can keep its currencies in step.
async fn store_lists(report: &mut Report, client: &orderbridge_bigcommerce::Client, tenant: &TenantRecord) -> anyhow::Result<()> {
    let check = format!("{} rules at store {}", tenant.id, tenant.store);
    let lists = match client.reference(SHARE).await {
        Ok(lists) => KnownLists { account: None, store: Some(lists) },
        Err(error) => return report.fail(check, error.to_string(), remedy(&error, Platform::Bigcommerce)),
    };
    for refused in lists.refused() {
        let remedy = "take the currency from those that shoppers can pay in, or enter its orders in Brightpearl by hand";
        report.fail(format!("{} currencies", tenant.id), refused.message, remedy)?;
    }
    named(report, check, &lists.unknown(&tenant.rules))
}

/// Whether what the rules of its tenants name exists in the account.
async fn account_lists(
    report: &mut Report,
    client: &orderbridge_brightpearl::Client,
    account: &AccountRecord,
    tenants: &[&TenantRecord],
) -> anyhow::Result<()> {
    let lists = match client.reference(SHARE).await {
        Ok(lists) => KnownLists { account: Some(lists), store: None },
        Err(error) => return report.fail(format!("lists of account {}", account.code), error.to_string(), remedy(&error, Platform::Brightpearl)),
    };
    tenants.iter().try_for_each(|tenant| named(report, format!("{} rules in account {}", tenant.id, account.code), &lists.unknown(&tenant.rules)))
}

fn named(report: &mut Report, check: String, unknown: &[RuleProblem]) -> anyhow::Result<()> {
    if unknown.is_empty() {
        return report.ok(check, "all that they name exists");
    }
    let found: Vec<String> = unknown.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    report.fail(check, found.join("; "), "correct the tenant's file and import it again, or make on the platform what is missing")
}

async fn registrations(report: &mut Report, check: String, registry: Option<Result<Registry, NoSecret>>) -> anyhow::Result<()> {
    let registry = match registry {
        None => return report.skip(check, "not looked at: public_url is not set"),
        Some(Err(error)) => return report.fail(check, error.to_string(), "import the tenant again"),
        Some(Ok(registry)) => registry,
    };
    match hooks::steps(&registry).await {
        Ok(steps) if steps.is_empty() => report.ok(check, "as they should be"),
        Ok(steps) => {
            let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
            report.fail(check, format!("to do: {}", steps.join("; ")), "run `orderbridge hooks sync`")
        }
        Err(error) => report.fail(check, error.to_string(), remedy(&error, registry.platform())),
    }
}

fn remedy(error: &CallError, platform: Platform) -> &'static str {
    match (error, platform) {
        (CallError::Unauthorised, Platform::Bigcommerce) => "make a new API account in the store and import the tenant with its token",
        (CallError::Unauthorised, Platform::Brightpearl) => {
            "a running processor refreshes the token; if the account is parked, authorise the app again and import the new tokens"
        }
        (CallError::NotSent { .. }, _) => "check the base URL in the tenant's file and that it can be reached from here",
        (CallError::Quota(_) | CallError::Throttled { .. }, _) => "wait a minute and run this again",
        (CallError::NotFound, Platform::Bigcommerce) => "check store_hash and base_url in the tenant's file",
        (CallError::NotFound, Platform::Brightpearl) => "check account and base_url in the tenant's file",
        (CallError::Refused { .. }, _) => "check that the app has the rights that the documentation names",
        (CallError::Uncertain { .. }, _) => "run this again; if it stays so, look at the platform's status page",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_without_which_every_order_is_held_are_named() {
        let mut rules = Rules::default();
        assert_eq!(missing(&rules), ["orders.channel", "orders.warehouse", "taxes_and_accounts.default_tax_code"]);
        rules.orders.warehouse = Some(orderbridge_schema::ids::WarehouseId(2));
        rules.taxes_and_accounts.default_tax_code = Some("T20".into());
        assert_eq!(missing(&rules), ["orders.channel"]);
        rules.orders.enabled = false;
        assert_eq!(missing(&rules), Vec::<&str>::new());
    }
}
