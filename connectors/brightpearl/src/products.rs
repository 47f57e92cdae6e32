//! Reads the identities of products (BP §g). A SKU may be blank and need not be unique.

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::ProductId;
use orderbridge_schema::work::Share;
use serde::Deserialize;

use crate::client::{Client, IDS, Place, id_sets, place};
use crate::search::Row;
use crate::{lenient, reply};

const SEARCH: &[&str] = &["product-service", "product-search"];
const SEARCH_TEMPLATE: &str = "/product-service/product-search";
const COLUMNS: (&str, &str) = ("columns", "productId,SKU,EAN,UPC,MPN,ISBN,barcode,productStatus,stockTracked");

/// One page of the catalogue.
#[derive(Debug, Clone)]
pub struct ProductPage {
    /// Identities of its products.
    pub products: Vec<ProductIdentity>,
    /// Whether there are more.
    pub more: bool,
    /// First result of the next page.
    pub next_result: u32,
}

#[derive(Deserialize)]
struct ProductPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::object")]
    identity: IdentityPayload,
    #[serde(default, deserialize_with = "lenient::text")]
    status: String,
    #[serde(default, deserialize_with = "lenient::object")]
    stock: StockPayload,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StockPayload {
    stock_tracked: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct IdentityPayload {
    #[serde(deserialize_with = "lenient::text")]
    sku: String,
    #[serde(deserialize_with = "lenient::text")]
    ean: String,
    #[serde(deserialize_with = "lenient::text")]
    upc: String,
    #[serde(deserialize_with = "lenient::text")]
    mpn: String,
    #[serde(deserialize_with = "lenient::text")]
    isbn: String,
    #[serde(deserialize_with = "lenient::text")]
    barcode: String,
}

impl From<ProductPayload> for ProductIdentity {
    fn from(product: ProductPayload) -> Self {
        let IdentityPayload { sku, ean, upc, mpn, isbn, barcode } = product.identity;
        Self {
            id: ProductId(product.id),
            sku,
            ean,
            upc,
            mpn,
            isbn,
            barcode,
            live: is_live(&product.status),
            stock_tracked: product.stock.stock_tracked,
        }
    }
}

/// Only archived products are out of use; a status we do not know is no reason to hold orders.
fn is_live(status: &str) -> bool {
    !matches!(status.to_ascii_uppercase().as_str(), "ARCHIVED" | "DELETED" | "DESTROYED")
}

/// The identities in a search's row.
pub(crate) fn identity(row: Row<'_>) -> Option<ProductIdentity> {
    let id = ProductId(row.id("productId")?);
    Some(ProductIdentity {
        id,
        sku: row.text("SKU"),
        ean: row.text("EAN"),
        upc: row.text("UPC"),
        mpn: row.text("MPN"),
        isbn: row.text("ISBN"),
        barcode: row.text("barcode"),
        live: is_live(&row.text("productStatus")),
        stock_tracked: row.flag("stockTracked"),
    })
}

impl Client {
    /// One page of the whole catalogue, 500 products, from `first_result` (1 is the first).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn products_page(&self, first_result: u32, share: Share) -> Result<ProductPage, CallError> {
        self.product_search(&[COLUMNS], first_result, share).await
    }

    /// One page of the products changed at `since` or later.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn products_updated_since(&self, since: Timestamp, first_result: u32, share: Share) -> Result<ProductPage, CallError> {
        let period = format!("{since:.0}/");
        self.product_search(&[("updatedOn", &period), COLUMNS], first_result, share).await
    }

    async fn product_search(&self, query: &[(&str, &str)], first_result: u32, share: Share) -> Result<ProductPage, CallError> {
        let page = self.search_page(Place { segments: SEARCH, query, template: SEARCH_TEMPLATE }, first_result, share).await?;
        Ok(ProductPage { products: page.rows().filter_map(identity).collect(), more: page.more, next_result: page.next_result })
    }

    /// The products with exactly this SKU, but for case and blanks around it; several are possible.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn products_with_sku(&self, sku: &str, share: Share) -> Result<Vec<ProductIdentity>, CallError> {
        let wanted = sku.trim().to_lowercase();
        let query = [("SKU", sku.trim()), COLUMNS];
        let place = Place { segments: SEARCH, query: &query, template: SEARCH_TEMPLATE };
        self.search(place, share, |_page, row| identity(row).filter(|product| product.sku.to_lowercase() == wanted)).await
    }

    /// The products that exist among `ids`. Whether an id that is gone spoils the whole call is not documented, so a set that is
    /// "not found" is halved.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed otherwise.
    pub async fn products(&self, ids: &[ProductId], share: Share) -> Result<Vec<ProductIdentity>, CallError> {
        let mut sorted: Vec<u64> = ids.iter().map(|id| id.0).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut chunks: Vec<&[u64]> = sorted.chunks(IDS).rev().collect();
        let mut products = Vec::with_capacity(sorted.len());
        while let Some(chunk) = chunks.pop() {
            let set = id_sets(chunk.iter().copied(), IDS).concat();
            match self.get(place(&["product-service", "product", &set], "/product-service/product/{idset}"), share).await {
                Ok(reply) => {
                    let found: Vec<ProductPayload> = reply::list(&reply, "the products")?;
                    products.extend(found.into_iter().map(ProductIdentity::from));
                }
                Err(CallError::NotFound) if chunk.len() > 1 => {
                    let (first, second) = chunk.split_at(chunk.len() / 2);
                    chunks.extend([second, first]);
                }
                Err(CallError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(products)
    }
}
