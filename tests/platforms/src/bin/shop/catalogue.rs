//! What the demo merchants sell. Names and prices are made up.

use rust_decimal::Decimal;
use serde_json::{Value, json};

/// One thing that is sold, with its price before discounts and its tax rate in per cent.
#[derive(Debug, Clone)]
pub struct Item {
    /// SKU, the same on both platforms.
    pub sku: String,
    /// Name.
    pub name: String,
    /// Price as the store states it.
    pub price: Decimal,
    /// Whether the reduced rate applies.
    pub reduced: bool,
}

/// A product with its variants; a product without variants is one item.
#[derive(Debug, Clone)]
pub struct Product {
    /// Name.
    pub name: &'static str,
    /// What is sold of it.
    pub items: Vec<Item>,
    /// Whether `items` are variants.
    pub varied: bool,
}

const KINDS: [(&str, &str, i64, bool); 22] = [
    ("MUG", "Stoneware mug", 895, false),
    ("BOWL", "Serving bowl", 1850, false),
    ("PLATE", "Dinner plate", 1299, false),
    ("JUG", "Water jug", 2249, false),
    ("TEA", "Breakfast tea", 495, true),
    ("COF", "Ground coffee", 749, true),
    ("HONEY", "Heather honey", 625, true),
    ("BOOK", "Cookery book", 1999, true),
    ("TOWEL", "Linen tea towel", 1150, false),
    ("APRON", "Canvas apron", 2899, false),
    ("BOARD", "Oak board", 3475, false),
    ("KNIFE", "Paring knife", 1620, false),
    ("LAMP", "Desk lamp", 5999, false),
    ("CUSH", "Wool cushion", 3333, false),
    ("THROW", "Wool throw", 8450, false),
    ("VASE", "Glass vase", 2715, false),
    ("CLOCK", "Wall clock", 4590, false),
    ("FRAME", "Picture frame", 1399, false),
    ("BASKET", "Willow basket", 2105, false),
    ("CANDLE", "Beeswax candle", 777, false),
    ("SOAP", "Olive soap", 449, false),
    ("BRUSH", "Scrubbing brush", 589, false),
];
const VARIED: [(&str, &str, i64); 6] = [
    ("TEE", "Harbour T-shirt", 1900),
    ("SOCK", "Boot socks", 1133),
    ("HAT", "Fisherman's hat", 2450),
    ("GLOVE", "Work gloves", 1575),
    ("SCARF", "Merino scarf", 3925),
    ("SMOCK", "Artist's smock", 6380),
];

/// The whole catalogue: 44 simple products and 6 with three variants each.
pub fn products() -> Vec<Product> {
    let item = |sku: String, name: String, cents: i64, reduced: bool| Item { sku, name, price: Decimal::new(cents, 2), reduced };
    let mut products = Vec::new();
    for (code, name, cents, reduced) in KINDS {
        for (suffix, more) in [("01", 0), ("02", 217)] {
            let items = vec![item(format!("{code}-{suffix}"), format!("{name} no. {suffix}"), cents + more, reduced)];
            products.push(Product { name, items, varied: false });
        }
    }
    for (code, name, cents) in VARIED {
        let sizes = [("S", 0), ("M", 0), ("L", 150)];
        let items = sizes.map(|(size, more)| item(format!("{code}-{size}"), format!("{name}, {size}"), cents + more, false));
        products.push(Product { name, items: items.to_vec(), varied: true });
    }
    products
}

/// Products as the store's seeding takes them; `reduced_rate` in per cent.
pub fn for_store(reduced_rate: &str) -> Value {
    let rows = products().into_iter().map(|product| {
        let first = product.items.first().cloned();
        let (sku, price, reduced) = first.map(|item| (item.sku, item.price, item.reduced)).unwrap_or_default();
        let mut row = json!({ "name": product.name, "price": price.to_string(), "stock": 1_000_000 });
        let Some(fields) = row.as_object_mut() else { return row };
        if reduced {
            fields.insert("tax_rate".to_owned(), json!(reduced_rate));
        }
        if product.varied {
            let variants = product.items.iter().map(|item| {
                let label = item.sku.rsplit('-').next().unwrap_or_default();
                json!({ "sku": item.sku, "label": label, "price": item.price.to_string(), "stock": 1_000_000 })
            });
            fields.insert("variants".to_owned(), variants.collect());
        } else {
            fields.insert("sku".to_owned(), json!(sku));
            fields.insert("name".to_owned(), json!(product.items.first().map(|item| &item.name)));
        }
        row
    });
    json!({ "products": rows.collect::<Vec<_>>() })
}

/// Products as the account's seeding takes them, one per item; tax code and stock are the merchant's.
pub fn for_account() -> Vec<Value> {
    let all = products().into_iter().flat_map(|product| product.items);
    all.map(|item| json!({ "sku": item.sku, "name": item.name })).collect()
}

/// Every SKU.
pub fn skus() -> Vec<String> {
    products().into_iter().flat_map(|product| product.items).map(|item| item.sku).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_item_has_a_sku_of_its_own_and_enough_are_sold_for_a_60_line_order() {
        let all = skus();
        assert_eq!(all.len(), 62);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
