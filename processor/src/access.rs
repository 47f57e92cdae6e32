//! Whether a store still lets us in, asked when an event says that it may not.

use orderbridge_http_client::CallError;
use orderbridge_postgres::WorkItem;
use orderbridge_schema::ids::{Platform, TenantId};
use orderbridge_schema::work::Share;

use crate::account::Worker;
use crate::connections::of_db;
use crate::failure;
use crate::outcome::Outcome;

impl Worker {
    /// Asks a tenant's store with the credentials as they are now, and parks the tenant if it refuses them: work that could only fail is
    /// not taken up any more.
    pub(crate) async fn check_connections(&self, tenant: &TenantId, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let Some(attempts) = items.iter().map(|item| item.attempts).min() else { return Vec::new() };
        let client = match self.connections.store_client(tenant).await {
            Ok(client) => client,
            Err(error) => return items.into_iter().map(|item| (item, of_db(&error))).collect(),
        };
        let answer = match client {
            Some(client) => client.time(Share::Orders).await.map(|_time| ()),
            None => Ok(()),
        };
        let outcome = match answer {
            Ok(()) => Outcome::Done,
            Err(CallError::Unauthorised) => {
                self.park_tenant(tenant, Share::Orders).await;
                Outcome::Done
            }
            Err(error) => failure::of_read_call(Platform::Bigcommerce, &error, attempts),
        };
        items.into_iter().map(|item| (item, outcome.clone())).collect()
    }
}
