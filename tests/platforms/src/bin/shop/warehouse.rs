//! Ships sales orders as warehouse staff would: all at once, or in two parts.

use platforms::core::Rng;
use serde_json::{Value, json};

use crate::sim::{Sim, Trouble, amount, int, text, wanted};
use crate::state::Tenant;

/// What is on a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// About half of what is open.
    Half,
    /// All that is open.
    Rest,
}

/// One shipped note.
#[derive(Debug, Clone)]
pub struct Shipped {
    /// Its id.
    pub note: i64,
    /// Its tracking reference.
    pub tracking: String,
}

/// Makes and ships one goods-out note of a sales order; `None` if nothing is left to ship.
pub async fn ship(accounts: &Sim, tenant: &Tenant, order: &Value, part: Part, rng: &mut Rng) -> Result<Option<Shipped>, Trouble> {
    let open = open_rows(order);
    if open.is_empty() {
        return Ok(None);
    }
    let id = wanted(order, "/id")?;
    let (method, prefix) = rng.pick(&tenant.carriers).cloned().unwrap_or_default();
    let tracking = format!("{prefix}{:09}", rng.range(1, 999_999_999));
    let mut body = json!({ "reference": tracking, "shipping_method_id": method });
    if let (Part::Half, Some(fields)) = (part, body.as_object_mut()) {
        let rows = half(&open).into_iter().map(|(row, quantity)| json!({ "row_id": row, "quantity": quantity }));
        fields.insert("rows".to_owned(), rows.collect());
    }
    let made = accounts.post(&format!("accounts/{}/orders/{id}/ship", tenant.account), &body).await?;
    Ok(Some(Shipped { note: wanted(&made, "/id")?, tracking }))
}

/// Rows with goods that are on no note yet, and how many of each.
pub fn open_rows(order: &Value) -> Vec<(i64, i64)> {
    let rows = order.pointer("/orderRows").and_then(Value::as_object).into_iter().flatten();
    let mut open: Vec<(i64, i64)> = rows
        .filter(|(_, row)| int(row, "/productId").is_some_and(|product| product > 1000) && !text(row, "/productSku").is_empty())
        .filter_map(|(id, row)| {
            let ordered = amount(row, "/quantity/magnitude")?.trunc();
            let on_notes = int(order, &format!("/rowStates/{id}/fulfilled")).unwrap_or(0);
            let left = i64::try_from(ordered).ok()? - on_notes;
            (left > 0).then_some((id.parse().ok()?, left))
        })
        .collect();
    open.sort_unstable();
    open
}

/// About half of the pieces, row by row; never all, if there are at least two.
fn half(open: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let all: i64 = open.iter().map(|(_, quantity)| quantity).sum();
    let mut wanted = (all / 2).max(1);
    let mut rows = Vec::new();
    for (row, quantity) in open {
        let taken = wanted.min(*quantity);
        if taken > 0 {
            rows.push((*row, taken));
        }
        wanted -= taken;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_pieces_leaves_some_for_a_second_note() {
        assert_eq!(half(&[(1, 3), (2, 4)]), [(1, 3)]);
        assert_eq!(half(&[(1, 1), (2, 5)]), [(1, 1), (2, 2)]);
        assert_eq!(half(&[(9, 2)]), [(9, 1)]);
    }

    #[test]
    fn rows_of_delivery_and_what_is_on_notes_are_not_open() {
        let order = json!({
            "orderRows": {
                "11": { "productId": 1005, "productSku": "MUG", "quantity": { "magnitude": "3.0000" } },
                "12": { "productId": 1, "quantity": { "magnitude": "1.0000" } },
                "13": { "productId": 1006, "productSku": "TEA", "quantity": { "magnitude": "2.0000" } },
            },
            "rowStates": { "11": { "fulfilled": 1 }, "13": { "fulfilled": 2 } },
        });
        assert_eq!(open_rows(&order), [(11, 2)]);
    }
}
