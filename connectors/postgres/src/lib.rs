//! PostgreSQL: tenants and their sealed credentials, work items, leases, the journal, links, products, the timeline and the quota.
//!
//! The only crate that knows Diesel. Queries never run on an async worker: [`Db`] takes a permit, then runs a closure on a blocking
//! thread, and a transaction lives inside one such closure, so a dropped future cannot leave one half open. No transaction spans a
//! call to a platform. Pooled connections carry no session state beyond the time-outs they were opened with, so that a pooler may
//! stand in front.
//!
//! # Surface
//!
//! Everything is an `async` method of [`Db`], returning `Result<_, DbError>`:
//!
//! ```text
//! Db::connect(&DatabaseSettings, Arc<dyn Clock>) -> Result<Db>        (sync; opens connections lazily)   db.with_keyring(Arc<Keyring>) -> Db
//! db.ping()  db.migrate() -> Vec<String>  db.revert_all() -> Vec<String>  db.pending_migrations() -> Vec<String>
//! db.email_hasher() -> EmailHasher            EmailHasher::hash(&AccountCode, email) -> String (normalises, hex)
//! db.rotate_credentials() -> Rotated
//!
//! db.import_tenant(&TenantImport) -> Imported   db.export_tenant(&TenantId) -> Option<TenantImport>
//! db.tenants() -> Vec<TenantRecord>  db.tenant(&TenantId) -> Option<TenantRecord>  db.tenants_of_account(&AccountCode) -> Vec<TenantRecord>
//! db.tenant_of_store(&AccountCode, &StoreHash) -> Option<TenantId>
//! db.pause_tenant / resume_tenant / remove_tenant(&TenantId) -> bool   db.park_tenant(&TenantId, reason) / unpark_tenant(&TenantId)
//! db.accounts() -> Vec<AccountRecord>  db.account(&AccountCode) -> Option<AccountRecord>
//! db.park_account(&AccountCode, reason) / unpark_account(&AccountCode)   db.save_installation(&AccountCode, InstallationId)
//! db.store_credentials(&TenantId) -> StoreCredentials   db.account_credentials(&AccountCode) -> AccountCredentials
//! db.begin_refresh(&AccountCode, generation, holder) -> bool   db.store_tokens(&AccountCode, expected_generation, &NewTokens) -> bool
//!
//! db.intake(&[Upsert], &[(Topic, i32, i64)])   db.stored_offset(Topic, i32) -> Option<i64>   db.upsert(&[Upsert])
//! db.ready_accounts() -> Vec<ReadyAccount{account, due_at}>   db.work_signals() -> WorkSignals (next().await -> WorkSignal::{Accounts, All})
//! db.claim(&AccountCode, fence, owner, &[ShareLimit{share, limit}]) -> Vec<WorkItem>
//! db.complete(&WorkItem) -> bool   db.complete_many(&[WorkItem]) -> usize   db.reschedule(&WorkItem, Postponed{due_at, reason, counts_as_attempt, floor}) -> bool
//! db.hold(&WorkItem, &[Hold], rules_version) -> bool   db.record_holds(&WorkKey, &[Hold], rules_version) -> bool
//! db.clear_holds(&WorkKey, &[Effect])   db.release_holds(Causes, Option<&Scope>) -> usize
//! db.holds(&HoldFilter) -> Vec<StoredHold>  db.work_list(&WorkFilter) -> Vec<WorkRow>  db.work_show(&WorkKey) -> Option<WorkRow>  db.work_retry(&WorkKey) -> bool
//! db.acquire_leases(owner, max, ttl) -> Vec<Lease>  db.renew_leases(owner, ttl) -> Vec<Lease>  db.release_leases(owner)  db.release_lease(owner, &AccountCode)
//!
//! db.plan(&NewCommand) -> JournalEntry
//! db.mark_sent(&JournalEntry, fence, owner, deadline_at) -> SendRight::{Granted(JournalEntry), LeaseLost, TargetBusy{until}, Moved}
//! db.confirm(&JournalEntry, Option<u64>, Confirmed) -> bool   db.refuse(&JournalEntry, code, message, back_to_planned) -> bool
//! db.doubt(&JournalEntry, why) -> bool   db.miss(&JournalEntry, look_up_took: Duration) -> Missed::{First{again_at}, Proved, Moved}
//! db.unsettled(&AccountCode) -> Vec<JournalEntry>   db.journal_entry(&CommandKey) -> Option<JournalEntry>
//!
//! db.load_order_state(&TenantId, &[StoreOrderId]) -> HashMap<StoreOrderId, OrderState>
//! db.orders_of_sales_orders(&AccountCode, &[SalesOrderId]) -> HashMap<SalesOrderId, (TenantId, StoreOrderId)>
//! db.contact_links(&AccountCode, &[String]) -> HashMap<String, ContactId>   db.drop_contact_link(&AccountCode, &str) -> bool
//! db.save_links(&AccountCode, &Scope, &[NewLink], &[TimelineEntry])   (for what was found, not made)
//! db.save_verified(&TenantId, StoreOrderId, SalesOrderId, &[RowLink], &[TimelineEntry])   db.save_agreed(&TenantId, StoreOrderId, AgreedStatus)
//! db.remember_foreign(&AccountCode, &[SalesOrderId])   db.foreign(&AccountCode, &[SalesOrderId]) -> HashSet<SalesOrderId>
//! db.save_products(&AccountCode, &[ProductIdentity]) -> Vec<String>   db.products_by_sku(&AccountCode, &[String]) -> HashMap<String, Vec<ProductId>>
//! db.catalogue_state(&AccountCode) -> CatalogueState   db.set_catalogue_state(&AccountCode, CatalogueState)
//! db.append_timeline(&[TimelineEntry])   db.timeline(&WorkKey) -> Vec<TimelineEntry>   db.ensure_timeline_partitions()
//! ```

mod crypto;
mod db;
mod directory;
mod error;
mod journal;
mod lease;
mod links;
mod listen;
mod migrate;
mod products;
mod quota;
mod settings;
mod sql;
mod tenants;
mod timeline;
mod work;

pub use crypto::{CryptoError, EmailHasher, Keyring, Rotated};
pub use db::Db;
pub use directory::{BigcommerceConnection, BrightpearlConnection, Connection, Directory, DirectorySettings, Lookup};
pub use error::DbError;
pub use journal::{CommandState, Confirmed, JournalEntry, Missed, NewAgreement, NewCommand, SendRight};
pub use lease::Lease;
pub use links::{NewLink, OrderState};
pub use listen::{WorkSignal, WorkSignals};
pub use products::CatalogueState;
pub use quota::{PostgresQuotaGate, QuotaSettings};
pub use settings::{DatabaseSettings, JournalSettings};
pub use tenants::{
    AccountCredentials, AccountImport, AccountRecord, AccountState, Imported, NewTokens, SignatureMode, StoreCredentials, StoreImport, TenantImport,
    TenantRecord, TenantState,
};
pub use timeline::TimelineEntry;
pub use work::{Causes, HoldFilter, Postponed, ReadyAccount, ShareLimit, StoredHold, WorkFilter, WorkItem, WorkRow, WorkState};
