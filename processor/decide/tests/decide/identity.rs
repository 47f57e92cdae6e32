use std::collections::{BTreeMap, BTreeSet};

use orderbridge_decide::{Match, Need, match_product, sku_key};
use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::{LineKind, VariantIdentity};
use orderbridge_schema::ids::ProductId;
use orderbridge_schema::rules::{IdentityRules, ProductField, StoreField};
use proptest::prelude::*;

use crate::case::Case;
use crate::facts::{MUG_PRODUCT, TEA_PRODUCT, sku};

const TEA_VARIANT: u64 = 421;
const MUG_VARIANT: u64 = 422;

/// An order whose lines are identified by other texts than their SKUs, which are none that anybody knows.
fn matched_by(store: StoreField, brightpearl: ProductField) -> Case {
    let mut case = Case::new();
    case.rules.items_and_customers.identity = IdentityRules { store, brightpearl };
    case.full.products = BTreeMap::from([(sku("Tea 9"), vec![TEA_PRODUCT]), (sku("mug-9"), vec![MUG_PRODUCT])]);
    case.full.variants = BTreeMap::new();
    for (line, variant, text) in [(0, TEA_VARIANT, " tea 9"), (1, MUG_VARIANT, "MUG-9")] {
        let line = &mut case.lines()[line];
        (line.variant, line.sku, line.upc) = (variant, "nobody's".into(), String::new());
        match store {
            StoreField::Sku => line.sku = text.into(),
            StoreField::Upc => line.upc = text.into(),
            StoreField::Mpn | StoreField::Gtin | StoreField::BinPickingNumber => {}
        }
        let mut identity = VariantIdentity { product: 184, variant, sku: "nobody's".into(), ..VariantIdentity::default() };
        match store {
            StoreField::Mpn => identity.mpn = text.into(),
            StoreField::Gtin => identity.gtin = text.into(),
            StoreField::BinPickingNumber => identity.bin_picking_number = text.into(),
            StoreField::Sku | StoreField::Upc => {}
        }
        case.full.variants.insert(variant, Some(identity));
    }
    case
}

const STORE_FIELDS: [StoreField; 5] = [StoreField::Sku, StoreField::Upc, StoreField::Mpn, StoreField::Gtin, StoreField::BinPickingNumber];

#[test]
fn every_pair_of_fields_matches_products_whatever_case_and_blanks() {
    for store in STORE_FIELDS {
        for brightpearl in ProductField::ALL {
            let case = matched_by(store, brightpearl);
            let products: Vec<Option<ProductId>> = case.rows().iter().take(2).map(|row| row.product).collect();
            assert_eq!(products, [Some(TEA_PRODUCT), Some(MUG_PRODUCT)], "{store:?} {brightpearl:?}");
            let asked = case.run().rounds.into_iter().flatten().find(|need| matches!(need, Need::Variants(_)));
            let variants = BTreeSet::from([(184, TEA_VARIANT), (184, MUG_VARIANT)]);
            assert_eq!(asked, store.is_in_catalogue().then_some(Need::Variants(variants)), "{store:?}");
        }
    }
}

#[test]
fn what_no_product_has_is_held_once_and_named_by_field_and_value() {
    for brightpearl in ProductField::ALL {
        let mut case = matched_by(StoreField::Upc, brightpearl);
        case.lines()[1].upc = "TEA 9 ".into();
        case.full.products.clear();
        let causes = case.held(Effect::Creation);
        assert_eq!(causes.len(), 1, "{causes:?}");
        assert_eq!(causes[0].key().to_lowercase(), format!("unknown-{}:tea 9", brightpearl.as_str()));
        let hold = &case.decision().holds[0];
        assert!(hold.why.contains(&brightpearl.to_string()), "{}", hold.why);
    }
    assert_eq!(Cause::unknown_product(ProductField::Sku, "A"), Cause::UnknownSku("A".into()));
}

#[test]
fn of_several_the_one_that_is_spelled_alike_is_taken_and_else_none() {
    let other = ProductId(7000);
    let mut case = matched_by(StoreField::Upc, ProductField::Barcode);
    case.full.products.insert(sku("tea 9"), vec![TEA_PRODUCT, other]);
    case.full.spelled = BTreeMap::from([(TEA_PRODUCT, "TEA 9".into()), (other, "tea 9".into())]);
    assert_eq!(case.rows()[0].product, Some(other));
    case.full.spelled.insert(other, "Tea 9".into());
    assert_eq!(case.held(Effect::Creation), [Cause::AmbiguousIdentity(ProductField::Barcode, "tea 9".into())]);
    case.full.spelled = BTreeMap::from([(TEA_PRODUCT, "tea 9".into()), (other, "tea 9".into())]);
    assert_eq!(case.held(Effect::Creation), [Cause::AmbiguousIdentity(ProductField::Barcode, "tea 9".into())]);
}

#[test]
fn a_thing_of_the_catalogue_without_an_identity_waits_and_a_line_of_its_own_does_not() {
    for store in STORE_FIELDS.into_iter().filter(|field| *field != StoreField::Sku) {
        let mut case = matched_by(store, ProductField::Ean);
        case.lines()[0].upc = " ".into();
        case.full.variants.insert(TEA_VARIANT, None);
        assert_eq!(case.held(Effect::Creation), [Cause::NoIdentity(TEA_VARIANT)], "{store:?}");
        (case.lines()[0].product, case.lines()[0].variant) = (0, 0);
        assert_eq!(case.rows()[0].product, None, "{store:?}");
        case.lines()[0].kind = LineKind::GiftCertificate;
        assert_eq!(case.rows()[0].product, None);
    }
}

proptest! {
    #[test]
    fn no_product_is_matched_that_is_not_equal_under_the_rule(
        text in "[ aAbB1]{0,4}",
        catalogue in prop::collection::vec("[ aAbB1]{0,4}", 0..8),
    ) {
        let spelled: BTreeMap<ProductId, String> = catalogue.into_iter().zip(1..).map(|(text, id)| (ProductId(id), text)).collect();
        let Some(key) = sku_key(&text) else { return Ok(()) };
        let alike: Vec<ProductId> = spelled.iter().filter(|(_, spelling)| sku_key(spelling).as_ref() == Some(&key)).map(|(id, _)| *id).collect();
        let exact: Vec<ProductId> = alike.iter().copied().filter(|id| spelled[id].trim() == text.trim()).collect();
        match match_product(&text, &alike, &spelled) {
            Match::One(product) => prop_assert!(alike == [product] || exact == [product]),
            Match::None => prop_assert!(alike.is_empty()),
            Match::Several => prop_assert!(alike.len() > 1 && exact.len() != 1),
        }
    }
}
