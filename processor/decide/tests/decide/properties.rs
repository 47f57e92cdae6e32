//! What holds for any order whatever.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderbridge_schema::command::{Command, NewSalesOrder};
use orderbridge_schema::decision::{Agreement, Cause, Effect};
use orderbridge_schema::facts::{Coupon, Fee, LineKind, NoteRow, TaxRow, Taxed};
use orderbridge_schema::ids::{OrderAddressId, OrderLineId, SalesOrderStatusId, StoreStatusId};
use orderbridge_schema::money;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::case::Case;
use crate::facts::{MUG, MUG_ROW, TEA, TEA_ROW, d, line, note, pair, shipment, sku};
use crate::orders::consistent_order;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Σ(net) + Σ(tax), and Σ(tax), where they fit.
fn sums(order: &NewSalesOrder) -> Option<(Decimal, Decimal)> {
    let tax = order.rows.iter().try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.tax))?;
    Some((order.total()?, tax))
}

/// Each rate's tax is the store's to less than a minor unit, but for what the row for rounding makes up for.
fn has_rates(order: &NewSalesOrder, by_rate: &BTreeMap<Decimal, Decimal>) -> bool {
    let unit = money::minor_unit(money::minor_decimals(&order.currency));
    let of = |code: &str| -> Decimal {
        order.rows.iter().filter(|row| row.tax_code == code && row.external_ref != "bc-rounding").map(|row| row.tax).sum()
    };
    by_rate.iter().all(|(rate, tax)| (of(&rate.to_string()) - tax).abs() < unit)
}

fn is_in_minor_units(order: &NewSalesOrder) -> bool {
    let decimals = money::minor_decimals(&order.currency);
    order.rows.iter().all(|row| row.net.normalize().scale() <= decimals && row.tax.normalize().scale() <= decimals)
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn the_rows_of_a_consistent_order_are_its_total_and_its_tax(order in consistent_order()) {
        let decision = order.case.decision();
        let lines = order.case.full.lines.as_ref().unwrap().len();
        let [Command::CreateSalesOrder(created)] = &decision.commands[..] else {
            // Only where the lines shown are as far off as that many roundings can be together.
            prop_assert!(decision.holds.iter().all(|hold| hold.cause == Cause::TotalMismatch) && !decision.holds.is_empty(), "{:?}", decision.holds);
            let currency = &order.case.full.store_order.as_ref().unwrap().as_ref().unwrap().currency;
            let least = Decimal::from(lines.div_ceil(4).max(2) - 1) * money::minor_unit(money::minor_decimals(currency));
            prop_assert!(order.off.iter().any(|off| off.abs() > least), "{:?} {:?}", order.off, decision.holds);
            return Ok(());
        };
        prop_assert_eq!(sums(created), Some((order.total, order.tax)));
        prop_assert!(is_in_minor_units(created), "{:?}", created.rows);
        prop_assert_eq!(created.rows.iter().filter(|row| row.line.is_some()).count(), lines);
        prop_assert!(created.rows.iter().filter(|row| row.external_ref == "bc-rounding").count() <= 1);
        if let Some(by_rate) = &order.by_rate {
            prop_assert!(has_rates(created, by_rate), "{by_rate:?} {:?}", created.rows);
        }
    }

    #[test]
    fn an_order_whose_total_nothing_explains_is_held_and_never_sent(order in consistent_order(), more: bool) {
        let mut case = order.case;
        case.order().total += if more { order.beyond } else { -order.beyond };
        prop_assert_eq!(case.held(Effect::Creation), [Cause::TotalMismatch]);
    }
}

fn wild_decimal() -> impl Strategy<Value = Decimal> {
    let extreme = vec![Decimal::MAX, Decimal::MIN, Decimal::ZERO, d("-0.01"), d("0.0000000000000000000000000001"), Decimal::MAX / Decimal::from(100)];
    let parts = (any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0u32..=28);
    prop_oneof![
        prop::sample::select(extreme),
        parts.prop_map(|(low, middle, high, negative, scale)| Decimal::from_parts(low, middle, high, negative, scale)),
        (-500_000i64..500_000, 0u32..6).prop_map(|(number, scale)| Decimal::new(number, scale)),
    ]
}

fn wild_quantity() -> impl Strategy<Value = u32> {
    prop_oneof![0u32..4, prop::sample::select(vec![u32::MAX, u32::MAX - 1, 1 << 31]), any::<u32>()]
}

fn wild_time() -> impl Strategy<Value = Timestamp> {
    let second = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    let extreme = prop::sample::select(vec![Timestamp::MIN, Timestamp::MAX, crate::facts::now(), crate::facts::ago(10)]);
    prop_oneof![extreme, second.prop_map(|second| Timestamp::from_second(second).unwrap())]
}

fn wild_subject() -> impl Strategy<Value = Taxed> {
    let others = vec![Taxed::Shipping, Taxed::Handling, Taxed::Wrapping, Taxed::Other];
    prop_oneof![(499u64..504).prop_map(|id| Taxed::Line(OrderLineId(id))), prop::sample::select(others)]
}

/// Amounts, quantities, statuses and times that no store would send.
#[derive(Debug, Clone)]
struct Wild {
    amounts: Vec<Decimal>,
    lines: Vec<(Decimal, Decimal, u32, u32, usize)>,
    taxes: Vec<(Taxed, Decimal, Decimal)>,
    coupons: Vec<(u32, Decimal)>,
    fees: Vec<(Decimal, Decimal)>,
    notes: Vec<Vec<(bool, Decimal)>>,
    shipped: Vec<(bool, u32)>,
    statuses: [u64; 4],
    times: Vec<Timestamp>,
    currency: &'static str,
    stage: usize,
}

fn wild() -> impl Strategy<Value = Wild> {
    let lines = prop::collection::vec((wild_decimal(), wild_decimal(), wild_quantity(), wild_quantity(), 0usize..4), 0..5);
    let money = (
        prop::collection::vec(wild_decimal(), 15),
        lines,
        prop::collection::vec((wild_subject(), wild_decimal(), wild_decimal()), 0..6),
        prop::collection::vec((0u32..7, wild_decimal()), 0..3),
        prop::collection::vec((wild_decimal(), wild_decimal()), 0..3),
    );
    let quantity = prop_oneof![wild_decimal(), wild_quantity().prop_map(Decimal::from)];
    let goods = (
        prop::collection::vec(prop::collection::vec((any::<bool>(), quantity), 0..4), 0..3),
        prop::collection::vec((any::<bool>(), wild_quantity()), 0..4),
    );
    let rest = (
        prop::array::uniform4(prop_oneof![0u64..15, any::<u64>()]),
        prop::collection::vec(wild_time(), 6),
        prop::sample::select(vec!["GBP", "JPY", "KWD", "", "\u{20ac}"]),
        0usize..3,
    );
    (money, goods, rest).prop_map(|((amounts, lines, taxes, coupons, fees), (notes, shipped), (statuses, times, currency, stage))| Wild {
        amounts,
        lines,
        taxes,
        coupons,
        fees,
        notes,
        shipped,
        statuses,
        times,
        currency,
        stage,
    })
}

impl Wild {
    fn case(&self) -> Case {
        let mut case = [Case::new, Case::created, Case::linked][self.stage]();
        self.money(&mut case);
        let line_of = |tea: bool| if tea { TEA } else { MUG };
        let row_of = |tea: bool| if tea { TEA_ROW } else { MUG_ROW };
        let row = |&(tea, quantity): &(bool, Decimal)| NoteRow { row: row_of(tea), product: 1.into(), quantity };
        let notes = (4101..).zip(&self.notes).map(|(id, rows)| orderbridge_schema::facts::Note {
            rows: rows.iter().map(row).collect(),
            shipped_at: Some(self.times[0]),
            ..note(id, &[])
        });
        case.full.notes = Some(notes.collect());
        case.full.shipments_in_doubt.insert("GON-4101-a127".into(), self.times[1]);
        let items: Vec<(OrderLineId, u32)> = self.shipped.iter().map(|&(tea, quantity)| (line_of(tea), quantity)).collect();
        *case.shipments() = vec![shipment(1, "", &items), shipment(2, "GON-4102", &items)];
        case.shipments()[0].created_at = self.times[2];
        if self.stage > 0 {
            case.sales_order().total = self.amounts[14];
            case.sales_order().status = SalesOrderStatusId(self.statuses[0]);
            let agreed = pair(self.statuses[1], self.statuses[0]);
            case.full.agreed = Some(Agreement { pair: agreed, before: Some(pair(self.statuses[2], 2)), at: self.times[3] });
            case.order().status = StoreStatusId(self.statuses[3]);
        }
        case.order().modified_at = self.times[4];
        case.now = self.times[5];
        case
    }

    fn money(&self, case: &mut Case) {
        let order = case.order();
        let a = &self.amounts;
        order.currency = self.currency.into();
        order.store_rate = Some(a[10]).filter(|rate| *rate > Decimal::ZERO);
        (order.total, order.tax, order.discount, order.coupon_discount, order.store_credit, order.gift_certificates) =
            (a[0], a[1], a[2], a[3], a[4], a[5]);
        (order.shipping.gross, order.shipping.tax, order.handling.gross, order.wrapping.tax) = (a[6], a[7], a[8], a[9]);
        let kinds = [LineKind::Physical, LineKind::Digital, LineKind::GiftCertificate, LineKind::Physical];
        let lines = self.lines.iter().enumerate().map(|(place, &(gross, tax, quantity, refunded, kind))| orderbridge_schema::facts::OrderLine {
            discounted_total: gross,
            tax,
            refunded,
            kind: kinds[kind],
            address: OrderAddressId(kind.try_into().unwrap()),
            ..line(OrderLineId(500 + u64::try_from(place).unwrap()), "TEA-1", quantity, "1", "0")
        });
        case.full.lines = Some(lines.collect());
        case.full.products.remove(&sku("MUG-1"));
        let tax = |&(on, rate, amount): &(Taxed, Decimal, Decimal)| TaxRow { on, class: String::new(), rate, amount };
        case.full.taxes = Some(self.taxes.iter().map(tax).collect());
        case.full.coupons = Some(self.coupons.iter().map(|&(kind, discount)| Coupon { code: String::new(), kind, discount }).collect());
        let fee = |(id, &(gross, tax)): (u64, &(Decimal, Decimal))| Fee {
            id,
            name: String::new(),
            charge: orderbridge_schema::facts::Charge { gross, tax },
        };
        case.full.fees = Some((1..).zip(&self.fees).map(fee).collect());
    }
}

proptest! {
    #![proptest_config(config(1024))]

    /// Deciding twice and making progress are checked by the reader itself.
    #[test]
    fn no_order_panics_and_none_is_sent_with_another_total(wild in wild()) {
        let mut case = wild.case();
        for command in case.decision().commands {
            if let Command::CreateSalesOrder(created) = command {
                let order = case.order();
                let readings = [Some(order.total), order.total.checked_add(order.store_credit).and_then(|sum| sum.checked_add(order.gift_certificates))];
                let decimals = money::minor_decimals(&order.currency);
                let total = created.total();
                prop_assert!(readings.into_iter().flatten().any(|reading| total == Some(money::round(reading, decimals))));
                prop_assert!(is_in_minor_units(&created));
            }
        }
    }

    /// The wild total is made to fit, so that the rows themselves are tried.
    #[test]
    fn wild_rows_that_add_up_are_sent_as_they_add_up(wild in wild(), off in -2i64..3) {
        let mut case = Wild { stage: 0, ..wild }.case();
        case.order().modified_at = crate::facts::ago(3600);
        case.now = crate::facts::now();
        (case.order().coupon_discount, case.rules.taxes_and_accounts.tenders) = (Decimal::ZERO, orderbridge_schema::rules::Tenders::Included);
        let lines = case.full.lines.iter().flatten().filter(|line| line.quantity > 0).map(|line| line.discounted_total);
        let order = case.full.store_order.clone().flatten().unwrap();
        let parts: Vec<Decimal> = lines.chain([order.shipping.gross, order.handling.gross, order.wrapping.gross]).collect();
        let sum = money::sum(&parts).and_then(|sum| sum.checked_add(Decimal::new(off, 3)));
        let Some(sum) = sum else { return Ok(()) };
        case.order().total = sum;
        let decision = case.decision();
        if let [Command::CreateSalesOrder(created)] = &decision.commands[..] {
            let decimals = money::minor_decimals(&order.currency);
            prop_assert_eq!(created.total(), Some(money::round(sum, decimals)));
            prop_assert!(is_in_minor_units(created));
        } else {
            prop_assert!(!decision.holds.is_empty(), "{:?}", decision);
        }
    }
}
