//! Since when a tenant is live, and what a go-live time that is moved back asks for.

use diesel::pg::PgConnection;
use diesel::sql_types::{Nullable, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::ids::{AccountCode, TenantId};
use orderbridge_schema::rules::OrderRules;
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::sweep::{KnownKind, SweepSource};
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert};
use serde_json::Value;

use crate::error::DbError;
use crate::sql::time;
use crate::tenants::query::read_rules;
use crate::work::upsert_on;

/// Since when no order can have been entered in Brightpearl but by us, once rules follow others: as long as the former ones took no orders,
/// others may have entered them.
fn live_from(before: Option<&OrderRules>, after: &OrderRules, now: Timestamp) -> Option<Timestamp> {
    let Some(before) = before else { return Some(now) };
    let is_wider = (!before.enabled && after.enabled)
        || (!before.guests && after.guests)
        || (&before.store_channels, &before.sources, &before.except_sources) != (&after.store_channels, &after.sources, &after.except_sources);
    let was_left_alone = is_wider.then_some(now);
    // A time that lay ahead was in force until now.
    let was_later = before.go_live.filter(|go_live| after.go_live.is_none_or(|next| next < *go_live)).map(|go_live| go_live.min(now));
    was_left_alone.max(was_later)
}

/// What follows when rules take the place of others, within the transaction that saves them.
pub(super) fn follow_rules(
    conn: &mut PgConnection,
    tenant: &TenantId,
    account: &AccountCode,
    (former, after): (Option<&Value>, &OrderRules),
    now: Timestamp,
) -> Result<(), DbError> {
    // Stored rules of another version may not be readable: then nothing is known of what they left alone.
    let former = former.and_then(|stored| read_rules(stored).ok());
    let former = former.as_ref().map(|rules| &rules.orders);
    note_live(conn, tenant, live_from(former, after, now))?;
    former.map_or(Ok(()), |former| sweep_from_go_live(conn, tenant, account, (former, after), now))
}

/// Writes it down; it never falls.
fn note_live(conn: &mut PgConnection, tenant: &TenantId, from: Option<Timestamp>) -> Result<(), DbError> {
    let sql = "update tenants set live_since = greatest(live_since, $2) where id = $1 and live_since < $2";
    sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Nullable<Timestamptz>, _>(from.map(time)).execute(conn)?;
    Ok(())
}

/// A go-live time that is moved back lets orders in that were left alone: the store is swept from it on, and what has no sales order is not
/// taken for known. Without a go-live time nothing says how far back to look.
fn sweep_from_go_live(
    conn: &mut PgConnection,
    tenant: &TenantId,
    account: &AccountCode,
    (before, after): (&OrderRules, &OrderRules),
    now: Timestamp,
) -> Result<(), DbError> {
    let (Some(was), Some(is)) = (before.go_live, after.go_live) else { return Ok(()) };
    if is >= was {
        return Ok(());
    }
    let sql = "delete from reconciled r where r.scope = $1 and r.kind = $2 and r.modified_at >= $3 \
               and not exists (select from order_links l where l.tenant = $1 and l.store_order = r.entity)";
    let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Text, _>(KnownKind::StoreOrder.as_str());
    query.bind::<Timestamptz, _>(time(is)).execute(conn)?;
    let sweep = Upsert {
        key: SweepSource::StoreOrders.key(Scope::Tenant(tenant.clone())),
        account: account.clone(),
        aspects: Aspects::default(),
        share: Share::Sweeps,
        event_at: is.min(now),
        cause: "the go-live time was moved back".into(),
        event: None,
        seen: StatusSet::NONE,
    };
    upsert_on(conn, &[sweep], now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + hour * 3600).unwrap()
    }

    fn rules(enabled: bool, go_live: Option<i64>) -> OrderRules {
        OrderRules { enabled, go_live: go_live.map(at), ..OrderRules::default() }
    }

    #[test]
    fn whatever_was_left_alone_may_have_been_entered_by_others() {
        let from = |before: OrderRules, after: OrderRules| live_from(Some(&before), &after, at(10));
        assert_eq!(live_from(None, &rules(true, None), at(10)), Some(at(10)), "a new connection");
        assert_eq!(from(rules(true, None), rules(true, None)), None);
        assert_eq!(from(rules(true, Some(5)), rules(true, Some(6))), None, "what is later says it itself");
        assert_eq!(from(rules(true, Some(5)), rules(true, Some(2))), Some(at(5)));
        assert_eq!(from(rules(true, Some(50)), rules(true, None)), Some(at(10)), "it was in force until now");
        assert_eq!(from(rules(false, None), rules(true, None)), Some(at(10)), "nothing was created while it was off");
        assert_eq!(from(rules(false, Some(5)), rules(true, Some(2))), Some(at(10)));
        assert_eq!(from(rules(true, None), rules(false, None)), None);
        let guests = |guests| OrderRules { guests, ..rules(true, None) };
        assert_eq!((from(guests(false), guests(true)), from(guests(true), guests(false))), (Some(at(10)), None));
        let sources = |except: &[&str]| OrderRules { except_sources: except.iter().map(|&name| name.to_owned()).collect(), ..rules(true, None) };
        assert_eq!(from(sources(&["ebay"]), sources(&[])), Some(at(10)));
    }
}
