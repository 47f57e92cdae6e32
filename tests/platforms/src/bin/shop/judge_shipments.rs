//! Compares shipped goods-out notes with the store's shipments.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::judge::Verdict;
use crate::sim::{int, items, text};

/// Judges the shipments of one order: one per shipped note, with its goods and tracking number, and never more than ordered.
pub fn judge(order: &Value, sales_order: &Value, notes: &[Value], verdict: &mut Verdict, problems: &mut Vec<String>) {
    let shipments = items(order, "/shipments");
    verdict.shipments += shipments.len();
    let id = int(sales_order, "/id");
    let shipped = |note: &&Value| int(note, "/orderId") == id && note.pointer("/status/shipped") == Some(&Value::Bool(true));
    let mut told = 0;
    for note in notes.iter().filter(shipped) {
        verdict.shipments_expected += 1;
        let mark = format!("GON-{}", int(note, "/id").unwrap_or_default());
        let found: Vec<&Value> = shipments.iter().filter(|shipment| first_word(text(shipment, "/comments")) == mark).collect();
        told += found.len();
        match found.as_slice() {
            [] => problems.push(format!("has no shipment for {mark}")),
            [shipment, more @ ..] => {
                verdict.duplicates += more.len();
                if !more.is_empty() {
                    problems.push(format!("has {} shipments for {mark}", found.len()));
                }
                compare(order, sales_order, note, shipment, &mark, problems);
            }
        }
    }
    if told < shipments.len() {
        problems.push(format!("has {} shipments that stand for no note", shipments.len() - told));
    }
    let too_many = |line: &&Value| int(line, "/quantity_shipped") > int(line, "/quantity");
    for line in items(order, "/products").iter().filter(too_many) {
        problems.push(format!("has more of {} shipped than ordered", text(line, "/sku")));
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

fn compare(order: &Value, sales_order: &Value, note: &Value, shipment: &Value, mark: &str, problems: &mut Vec<String>) {
    let rows = note.pointer("/orderRows").and_then(Value::as_object).into_iter().flatten();
    let of_note = rows.flat_map(|(row, parts)| {
        let sku = text(sales_order, &format!("/orderRows/{row}/productSku"));
        items(parts, "").iter().map(move |part| (sku, int(part, "/quantity")))
    });
    let of_shipment = items(shipment, "/items").iter().map(|item| {
        let line = int(item, "/order_product_id");
        let line = items(order, "/products").iter().find(|one| int(one, "/id") == line);
        (line.map_or("", |line| text(line, "/sku")), int(item, "/quantity"))
    });
    let (wanted, found) = (pieces(of_note), pieces(of_shipment));
    if wanted != found {
        problems.push(format!("has a shipment for {mark} with {found:?} instead of {wanted:?}"));
    }
    let (wanted, found) = (text(note, "/shipping/reference"), text(shipment, "/tracking_number"));
    if wanted != found {
        problems.push(format!("has a shipment for {mark} with tracking number {found:?} instead of {wanted:?}"));
    }
}

/// Pieces by SKU.
fn pieces<'a>(rows: impl Iterator<Item = (&'a str, Option<i64>)>) -> BTreeMap<&'a str, i64> {
    let mut all = BTreeMap::new();
    for (sku, quantity) in rows {
        *all.entry(sku).or_insert(0) += quantity.unwrap_or_default();
    }
    all
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::judge::tests::{seen, tenant};
    use serde_json::json;

    #[test]
    fn a_missing_a_second_and_an_unmarked_shipment_are_found() {
        let mut missing = seen();
        missing.orders[0]["shipments"] = json!([]);
        let verdict = judge(&tenant(), &missing);
        assert_eq!((verdict.shipments, verdict.shipments_expected, verdict.problems.len()), (0, 1, 1));
        let mut twice = seen();
        let second = twice.orders[0]["shipments"][0].clone();
        twice.orders[0]["shipments"].as_array_mut().unwrap().push(second);
        let verdict = judge(&tenant(), &twice);
        assert_eq!((verdict.shipments, verdict.duplicates, verdict.problems.len()), (2, 1, 1));
        let mut unmarked = seen();
        unmarked.orders[0]["shipments"][0]["comments"] = json!("GON-410");
        assert_eq!(judge(&tenant(), &unmarked).problems.len(), 2);
    }

    #[test]
    fn other_goods_another_number_and_too_many_pieces_are_found() {
        let mut goods = seen();
        goods.orders[0]["shipments"][0]["items"][0]["quantity"] = json!(2);
        assert!(judge(&tenant(), &goods).problems[0].contains("instead of"));
        let mut number = seen();
        number.orders[0]["shipments"][0]["tracking_number"] = json!("RM2");
        assert!(judge(&tenant(), &number).problems[0].contains("tracking number"));
        let mut many = seen();
        many.orders[0]["products"][0]["quantity_shipped"] = json!(4);
        assert!(judge(&tenant(), &many).problems[0].contains("than ordered"));
    }

    #[test]
    fn a_note_that_is_not_shipped_needs_no_shipment() {
        let mut seen = seen();
        seen.notes[0]["status"]["shipped"] = json!(false);
        seen.orders[0]["shipments"] = json!([]);
        assert!(judge(&tenant(), &seen).problems.is_empty());
    }
}
