//! What decisions ask for that costs no call: it is worked out, or stands in our own database.

use std::collections::BTreeSet;
use std::sync::Arc;

use orderbridge_decide::{Need, OrderFacts};
use orderbridge_postgres::DbError;
use orderbridge_schema::facts::PersonalText;
use orderbridge_schema::ids::ProductId;
use orderbridge_schema::order_text::TextDigest;

use crate::error::ReadError;
use crate::fetch::{Asked, Failed, wanting};
use crate::session::Session;

/// Digests of orders' texts.
pub(crate) fn digests(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    for (order, needs) in asked.iter_mut() {
        let texts = needs.iter().filter_map(|need| if let Need::Digests(texts) = need { Some(texts) } else { None });
        for texts in texts {
            if let Err(error) = digest(session, order, texts) {
                failed.insert(order.id, error.into());
            }
        }
    }
}

/// Digests of one order's texts.
pub(crate) fn digest(session: &Session, order: &mut OrderFacts, texts: &BTreeSet<PersonalText>) -> Result<(), DbError> {
    for text in texts {
        let digest = session.hasher.digest_text(&session.tenant, order.id, text.expose())?;
        order.digests.insert(text.clone(), TextDigest(digest));
    }
    Ok(())
}

/// Whether stock is kept of products. Of one that the catalogue does not tell about it is taken to be: a reservation that names one too
/// many is refused aloud, one that lacks one would never be missed.
pub(crate) async fn stock_tracked(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let wanted = |needs: &BTreeSet<Need>| {
        needs.iter().find_map(|need| if let Need::StockTracked(products) = need { Some(products.clone()) } else { None }).unwrap_or_default()
    };
    let mut wanting = wanting(asked, |need| matches!(need, Need::StockTracked(_)));
    let products: BTreeSet<ProductId> = wanting.iter().flat_map(|(_, needs)| wanted(needs)).collect();
    if products.is_empty() {
        return;
    }
    match session.db.stock_tracked(&session.account, &products.into_iter().collect::<Vec<_>>()).await {
        Ok(found) => {
            for (order, needs) in &mut wanting {
                let read = wanted(needs).into_iter().map(|product| (product, found.get(&product).copied().unwrap_or(true)));
                order.stock_tracked.extend(read);
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            failed.extend(wanting.iter().map(|(order, _)| (order.id, ReadError::Db((*error).clone()))));
        }
    }
}
