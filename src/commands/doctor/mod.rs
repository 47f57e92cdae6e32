//! `doctor`: looks at everything that the roles need and says what to do about what is wrong. It changes nothing.

mod report;
mod services;
mod tenants;

use std::sync::Arc;

use clap::Args;
use orderbridge_postgres::PostgresQuotaGate;
use orderbridge_schema::ids::TenantId;

use crate::clock::clock;
use crate::commands::Ending;
use crate::commands::platforms::Platforms;
use crate::settings::Settings;

use report::Report;

/// Arguments.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Only this tenant and its account
    #[arg(long, value_name = "ID")]
    tenant: Option<TenantId>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs every check; exit code 1 if one fails.
///
/// # Errors
/// Standard output cannot be written to.
pub async fn run(args: &Doctor, settings: &Settings) -> anyhow::Result<Ending> {
    let mut report = Report::new(args.json);
    services::settings(&mut report, settings)?;
    services::brokers(&mut report, settings).await?;
    match services::database(&mut report, settings).await? {
        Some(db) => {
            // Paid like every other call: the quota is shared with the roles that run, and with other apps.
            let gate = PostgresQuotaGate::new(db.clone(), clock(settings.clock.offset_file.clone()), settings.quota.clone());
            let platforms = Platforms { db, http: settings.http.client()?, gate: Arc::new(gate) };
            tenants::check(&mut report, settings, &platforms, args.tenant.as_ref()).await?;
        }
        None => report.skip("tenants", "not looked at: the database comes first")?,
    }
    Ok(Ending::fine_if(report.end()?))
}
