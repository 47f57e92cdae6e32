//! Reads by what the variants of a store's catalogue are known (BC §f).

use orderbridge_http_client::CallError;
use orderbridge_schema::facts::VariantIdentity;
use orderbridge_schema::work::Share;
use serde::Deserialize;

use crate::client::{Client, PAGE, Place};
use crate::{lenient, reply};

/// Products per call: their ids must fit an address.
const PRODUCTS: usize = 100;
/// A product has 600 variants at most (BC §f); a server that ignores `page` must not keep us for ever.
const PAGES_MAX: u32 = 500;
const FIELDS: &str = "id,product_id,sku,upc,mpn,gtin,bin_picking_number";

#[derive(Deserialize)]
struct VariantPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    product_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    sku: String,
    #[serde(default, deserialize_with = "lenient::text")]
    upc: String,
    #[serde(default, deserialize_with = "lenient::text")]
    mpn: String,
    #[serde(default, deserialize_with = "lenient::text")]
    gtin: String,
    #[serde(default, deserialize_with = "lenient::text")]
    bin_picking_number: String,
}

impl From<VariantPayload> for VariantIdentity {
    fn from(variant: VariantPayload) -> Self {
        let trimmed = |text: String| text.trim().to_owned();
        Self {
            product: variant.product_id,
            variant: variant.id,
            sku: trimmed(variant.sku),
            upc: trimmed(variant.upc),
            mpn: trimmed(variant.mpn),
            gtin: trimmed(variant.gtin),
            bin_picking_number: trimmed(variant.bin_picking_number),
        }
    }
}

impl Client {
    /// All variants of these products; a product that is gone has none. 250 variants per call.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn variants_of(&self, products: &[u64], share: Share) -> Result<Vec<VariantIdentity>, CallError> {
        let mut sorted: Vec<u64> = products.iter().copied().filter(|id| *id > 0).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut variants = Vec::new();
        for chunk in sorted.chunks(PRODUCTS) {
            let read = self.variants_of_chunk(chunk, share).await?;
            // Old stores gave orphans that belong to no product (BC §f), and a server may ignore the filter.
            variants.extend(read.into_iter().filter(|variant| chunk.contains(&variant.product)));
        }
        Ok(variants)
    }

    async fn variants_of_chunk(&self, products: &[u64], share: Share) -> Result<Vec<VariantIdentity>, CallError> {
        let ids = products.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let limit = PAGE.to_string();
        let mut variants: Vec<VariantIdentity> = Vec::new();
        for page in 1..=PAGES_MAX {
            let page = page.to_string();
            let query = [("product_id:in", ids.as_str()), ("include_fields", FIELDS), ("page", page.as_str()), ("limit", limit.as_str())];
            let place = Place { segments: &["v3", "catalog", "variants"], query: &query, template: "/v3/catalog/variants" };
            let reply = self.get(place, share).await?;
            if reply::is_empty(&reply) {
                return Ok(variants);
            }
            let read: Vec<VariantPayload> = reply::data(&reply, "the variants")?;
            let (known, is_last) = (variants.len(), read.len() < PAGE);
            for variant in read.into_iter().map(VariantIdentity::from) {
                if !variants.iter().any(|other| other.variant == variant.variant) {
                    variants.push(variant);
                }
            }
            if is_last || variants.len() == known {
                return Ok(variants);
            }
        }
        Err(CallError::uncertain("the variants have no last page"))
    }
}
