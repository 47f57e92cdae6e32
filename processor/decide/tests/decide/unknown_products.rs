//! Lines whose product Brightpearl does not have, or has several times.

use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::LineKind;
use orderbridge_schema::ids::ProductId;
use orderbridge_schema::rules::UnknownProduct;

use crate::case::{Case, remark_keys};
use crate::facts::{MUG_PRODUCT, TEA_PRODUCT, d, sku};

/// The plain order without a product for its tea, and with two for its mug.
fn unknown(chosen: UnknownProduct) -> Case {
    let mut case = Case::new();
    case.full.products.insert(sku("TEA-1"), Vec::new());
    case.full.products.insert(sku("MUG-1"), vec![MUG_PRODUCT, ProductId(9)]);
    case.rules.items_and_customers.unknown_product = chosen;
    case
}

fn products(case: &Case) -> Vec<Option<ProductId>> {
    case.rows().iter().map(|row| row.product).collect()
}

#[test]
fn the_order_waits_for_its_products_unless_the_merchant_says_otherwise() {
    let causes = unknown(UnknownProduct::Hold).held(Effect::Creation);
    assert_eq!(causes, [Cause::AmbiguousSku("MUG-1".into()), Cause::UnknownSku("TEA-1".into())]);
    // Without the product that is to stand for them there is nothing to send.
    assert_eq!(unknown(UnknownProduct::Placeholder).held(Effect::Creation).len(), 2);
}

#[test]
fn free_text_names_the_sku_and_the_total_is_right() {
    let mut case = unknown(UnknownProduct::FreeText);
    assert_eq!(products(&case), [None, None, None]);
    let created = case.created_order();
    assert_eq!((created.rows[0].name.as_str(), created.rows[1].name.as_str()), ("Thing TEA-1 | SKU: TEA-1", "Thing MUG-1 | SKU: MUG-1"));
    assert_eq!(created.total(), Some(d("42")));
    assert_eq!(remark_keys(&case.decision()), ["unknown-product", "unknown-product"]);
    case.full.products.insert(sku("TEA-1"), vec![TEA_PRODUCT]);
    assert_eq!(products(&case), [Some(TEA_PRODUCT), None, None]);
    assert_eq!(case.rows()[0].name, "Thing TEA-1");
}

#[test]
fn a_placeholder_stands_for_what_is_unknown_and_for_nothing_else() {
    let mut case = unknown(UnknownProduct::Placeholder);
    case.rules.items_and_customers.placeholder_product = Some(ProductId(7));
    case.full.products.insert(sku("MUG-1"), vec![MUG_PRODUCT]);
    assert_eq!(products(&case), [Some(ProductId(7)), Some(MUG_PRODUCT), None]);
    assert!(case.rows()[0].name.ends_with("SKU: TEA-1"));
    // A line without a SKU asks for no product, and a gift certificate is none.
    case.lines()[0].sku = " ".into();
    case.lines()[1].kind = LineKind::GiftCertificate;
    assert_eq!(products(&case), [None, None, None]);
    assert!(remark_keys(&case.decision()).is_empty());
}
