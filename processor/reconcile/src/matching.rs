//! Reads what an order's lines and its customer are matched by: products and variants from our own records first, contacts' details, and
//! what was carried of a customer before.

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_decide::{Need, OrderFacts, Shopper, SkuKey};
use orderbridge_postgres::DbError;
use orderbridge_schema::facts::{CustomerFact, CustomerField, SaidOfCustomer, StoreOrder};
use orderbridge_schema::ids::{ContactId, Platform, StoreOrderId};

use crate::error::ReadError;
use crate::fetch::{Asked, Failed, fail_all, wanting};
use crate::session::Session;

fn fail_with(failed: &mut Failed, orders: impl Iterator<Item = StoreOrderId>, error: &DbError) {
    failed.extend(orders.map(|order| (order, ReadError::Db(error.clone()))));
}

/// Live products, from our own records: no call.
pub(crate) async fn products(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let wanted = |needs: &BTreeSet<Need>| {
        needs.iter().find_map(|need| if let Need::Products(keys) = need { Some(keys.clone()) } else { None }).unwrap_or_default()
    };
    let mut wanting = wanting(asked, |need| matches!(need, Need::Products(_)));
    let keys: BTreeSet<SkuKey> = wanting.iter().flat_map(|(_, needs)| wanted(needs)).collect();
    if keys.is_empty() {
        return;
    }
    let texts: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
    let found = match session.db.products_by(&session.account, session.rules.items_and_customers.identity.brightpearl, &texts).await {
        Ok(found) => found,
        Err(error) => return fail_with(failed, wanting.iter().map(|(order, _)| order.id), &error),
    };
    for (order, needs) in &mut wanting {
        for key in wanted(needs) {
            let products = found.get(key.as_str()).map(Vec::as_slice).unwrap_or_default();
            order.spelled.extend(products.iter().map(|one| (one.product, one.text.clone())));
            order.products.insert(key, products.iter().map(|one| one.product).collect());
        }
    }
}

/// Variants: remembered ones cost no call, and for all others the store's catalogue is asked together.
pub(crate) async fn variants(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let wanted = |needs: &BTreeSet<Need>| {
        needs.iter().find_map(|need| if let Need::Variants(pairs) = need { Some(pairs.clone()) } else { None }).unwrap_or_default()
    };
    let mut wanting = wanting(asked, |need| matches!(need, Need::Variants(_)));
    let pairs: BTreeSet<(u64, u64)> = wanting.iter().flat_map(|(_, needs)| wanted(needs)).collect();
    if pairs.is_empty() {
        return;
    }
    let ids: Vec<u64> = pairs.iter().map(|(_, variant)| *variant).collect();
    let mut known = match session.db.variants(&session.tenant, &ids).await {
        Ok(known) => known,
        Err(error) => return fail_with(failed, wanting.iter().map(|(order, _)| order.id), &error),
    };
    let missing = pairs.iter().filter(|(_, variant)| !known.contains_key(variant)).map(|(product, _)| *product);
    let missing: Vec<u64> = missing.collect::<BTreeSet<u64>>().into_iter().collect();
    if !missing.is_empty() {
        let found = match session.bigcommerce.variants_of(&missing, session.share).await {
            Ok(found) => found,
            Err(error) => return fail_all(failed, wanting.iter().map(|(order, _)| order.id), Platform::Bigcommerce, &error),
        };
        if let Err(error) = session.db.save_variants(&session.tenant, &missing, &found).await {
            return fail_with(failed, wanting.iter().map(|(order, _)| order.id), &error);
        }
        known.extend(found.into_iter().map(|variant| (variant.variant, variant)));
    }
    for (order, needs) in &mut wanting {
        order.variants.extend(wanted(needs).into_iter().map(|(_, variant)| (variant, known.get(&variant).cloned())));
    }
}

/// What orders say of their customers, and what was carried of that before: read along with the orders, from our own records.
pub(crate) async fn customers(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    if !session.rules.items_and_customers.customers.update {
        return;
    }
    let mut wanting = wanting(asked, |need| *need == Need::StoreOrder);
    let mut said: BTreeMap<StoreOrderId, SaidOfCustomer> = BTreeMap::new();
    for (order, _) in &wanting {
        let Some(Some(store_order)) = &order.store_order else { continue };
        match said_by(session, store_order) {
            Ok(one) => said.extend(one.map(|one| (order.id, one))),
            Err(error) => return fail_with(failed, wanting.iter().map(|(order, _)| order.id), &error),
        }
    }
    let hashes: BTreeSet<String> = said.values().map(|one| one.email_hash.clone()).collect();
    if hashes.is_empty() {
        return;
    }
    match session.db.customers_sent(&session.tenant, &hashes.into_iter().collect::<Vec<_>>()).await {
        Ok(sent) => {
            for (order, _) in &mut wanting {
                order.customer = said.remove(&order.id).map(|now| CustomerFact { sent: sent.get(&now.email_hash).cloned(), now });
            }
        }
        Err(error) => fail_with(failed, wanting.iter().map(|(order, _)| order.id), &error),
    }
}

fn said_by(session: &Session, order: &StoreOrder) -> Result<Option<SaidOfCustomer>, DbError> {
    // A contact that stands for many shoppers is no single one's.
    let shopper = Shopper::of(order, &session.rules.orders.without_email);
    let Some(key) = shopper.key(&session.store) else { return Ok(None) };
    let email_hash = session.hasher.hash(&session.account, &key)?;
    let said = CustomerField::ALL.into_iter().filter_map(|field| Some((field, field.said(&order.billing)?)));
    let digest = |(field, text): (CustomerField, String)| Ok((field, session.hasher.digest(&email_hash, field.shown(), &text)?));
    let digests = said.map(digest).collect::<Result<_, DbError>>()?;
    Ok(Some(SaidOfCustomer { email_hash, order: order.id, digests }))
}

/// A contact as it is in Brightpearl.
pub(crate) async fn contact_details(session: &Session, order: &mut OrderFacts, contact: ContactId) -> Result<(), ReadError> {
    let details = session.brightpearl.contact(contact, session.share).await.map_err(ReadError::brightpearl)?;
    order.contacts.insert(contact, details);
    Ok(())
}
