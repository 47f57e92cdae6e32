//! The plain order: two teas and a mug to one address, 42.00 with 7.00 tax, and what else the platforms say of it.

use jiff::{SignedDuration, Timestamp};
use orderbridge_decide::{SkuKey, sku_key};
use orderbridge_schema::decision::{AgreedStatus, Agreement};
use orderbridge_schema::facts::{
    Address, Charge, LineKind, Note, NoteRow, OrderAddress, OrderLine, PersonalText, SalesOrder, SalesOrderRow, Standing, StoreOrder, StoreShipment,
    TaxRow, Taxed,
};
use orderbridge_schema::ids::{
    ChannelId, ContactId, InstallationId, NoteId, OrderAddressId, OrderLineId, ProductId, SalesOrderId, SalesOrderRowId, SalesOrderStatusId,
    ShipmentId, StoreChannelId, StoreCustomerId, StoreOrderId, StoreStatusId, WarehouseId,
};
use orderbridge_schema::link::{NoteKind, RowLink};
use orderbridge_schema::reference::{AccountCurrency, Reference};
use orderbridge_schema::rules::{Rules, ToBrightpearlEntry, ToStoreEntry};
use rust_decimal::Decimal;

pub const ORDER: StoreOrderId = StoreOrderId(250);
pub const SALES_ORDER: SalesOrderId = SalesOrderId(70001);
pub const INSTALLATION: InstallationId = InstallationId(77);
pub const ADDRESS: OrderAddressId = OrderAddressId(127);
/// Two of `TEA-1`, 24.00 with 4.00 tax.
pub const TEA: OrderLineId = OrderLineId(501);
/// One of `MUG-1`, 12.00 with 2.00 tax.
pub const MUG: OrderLineId = OrderLineId(502);
pub const TEA_ROW: SalesOrderRowId = SalesOrderRowId(81001);
pub const MUG_ROW: SalesOrderRowId = SalesOrderRowId(81002);
pub const TEA_PRODUCT: ProductId = ProductId(5001);
pub const MUG_PRODUCT: ProductId = ProductId(5002);

pub fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

pub fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub fn sku(text: &str) -> SkuKey {
    sku_key(text).unwrap()
}

/// Rules with everything required, 11 ↔ 2 (open), 2 ↔ 4 (shipped), 3 ↔ 3 (in part), 5 ↔ 5 (cancelled), and 10 → 4 (many to one).
pub fn rules() -> Rules {
    let mut rules = Rules::default();
    rules.orders.channel = Some(ChannelId(1));
    rules.orders.warehouse = Some(WarehouseId(2));
    rules.taxes_and_accounts.default_tax_code = Some("T".into());
    let both = [(11, 2), (2, 4), (3, 3), (5, 5)];
    rules.orders.status.brightpearl = both.into_iter().chain([(10, 4)]).map(|(store, brightpearl)| to_brightpearl(store, brightpearl)).collect();
    rules.orders.status.store = both.into_iter().map(|(store, brightpearl)| to_store(brightpearl, store)).collect();
    rules
}

/// An account whose books are in pounds and that has rates of three other currencies.
pub fn reference() -> Reference {
    let mut reference = Reference::default();
    let configuration = [("baseCurrencyCode", "GBP"), ("giftcardNominalCode", "4050")];
    reference.account.configuration = configuration.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let currency = |(code, rate): (&str, &str)| AccountCurrency { code: code.into(), rate: Some(d(rate)), is_base: code == "GBP" };
    reference.account.currencies = [("GBP", "1"), ("USD", "1.25"), ("EUR", "1.15"), ("JPY", "190")].map(currency).to_vec();
    reference
}

pub fn to_brightpearl(store: u64, brightpearl: u64) -> ToBrightpearlEntry {
    ToBrightpearlEntry { store: StoreStatusId(store), brightpearl: SalesOrderStatusId(brightpearl) }
}

pub fn to_store(brightpearl: u64, store: u64) -> ToStoreEntry {
    ToStoreEntry { brightpearl: SalesOrderStatusId(brightpearl), store: StoreStatusId(store) }
}

pub fn pair(store: u64, brightpearl: u64) -> AgreedStatus {
    AgreedStatus { store: StoreStatusId(store), brightpearl: SalesOrderStatusId(brightpearl) }
}

/// An agreement of long ago.
pub fn agreement(store: u64, brightpearl: u64) -> Agreement {
    Agreement { pair: pair(store, brightpearl), before: None, at: ago(86_400) }
}

fn address() -> Address {
    Address {
        first_name: "Ada".into(),
        last_name: "Byron".into(),
        street_1: "1 Test Street".into(),
        city: "Bristol".into(),
        postcode: "BS1 1AA".into(),
        country_iso2: "GB".into(),
        email: "ada@example.com".into(),
        ..Address::default()
    }
}

pub fn order_address(id: OrderAddressId) -> OrderAddress {
    let address = Address { street_1: "2 Delivery Road".into(), ..address() };
    OrderAddress { id, address, shipping_method: "Royal Mail Tracked 48".into(), items_total: 3, items_shipped: 0 }
}

pub fn store_order() -> StoreOrder {
    StoreOrder {
        id: ORDER,
        status: StoreStatusId(11),
        created_at: ago(7200),
        modified_at: ago(3600),
        customer: StoreCustomerId(0),
        currency: "GBP".into(),
        store_currency: "GBP".into(),
        store_rate: Some(Decimal::ONE),
        total: d("42.0000"),
        tax: d("7.0000"),
        shipping: Charge { gross: d("6.0000"), tax: d("1.0000") },
        handling: Charge::default(),
        wrapping: Charge::default(),
        discount: Decimal::ZERO,
        coupon_discount: Decimal::ZERO,
        store_credit: Decimal::ZERO,
        gift_certificates: Decimal::ZERO,
        payment_method: "Credit Card".into(),
        payment_status: "captured".into(),
        billing: address(),
        address_count: 1,
        digital: false,
        deleted: false,
        channel: StoreChannelId(1),
        source: "www".into(),
        external_source: String::new(),
        external_order_id: String::new(),
        customer_message: PersonalText::default(),
        staff_notes: PersonalText::default(),
    }
}

pub fn line(id: OrderLineId, sku: &str, quantity: u32, gross: &str, tax: &str) -> OrderLine {
    OrderLine {
        id,
        product: 184,
        variant: 421,
        address: ADDRESS,
        name: format!("Thing {sku}"),
        sku: sku.into(),
        upc: String::new(),
        kind: LineKind::Physical,
        quantity,
        shipped: 0,
        refunded: 0,
        total: d(gross),
        tax: d(tax),
        discounted_total: d(gross),
        parent: None,
        pick_up: false,
        options: Vec::new(),
        wrapping: None,
    }
}

pub fn tax(on: Taxed, rate: &str, amount: &str) -> TaxRow {
    TaxRow { on, class: "Default".into(), rate: d(rate), amount: d(amount) }
}

pub fn row(id: SalesOrderRowId, product: ProductId, quantity: u32, name: &str) -> SalesOrderRow {
    SalesOrderRow {
        id,
        sequence: 10,
        product,
        name: name.into(),
        quantity: Decimal::from(quantity),
        net: Decimal::ZERO,
        tax: Decimal::ZERO,
        tax_code: String::new(),
        nominal_code: String::new(),
        cost: None,
        external_ref: String::new(),
        bundle_child: false,
        bundle_parent_row: None,
    }
}

/// The sales order of [`store_order`], as Brightpearl gives it back without echoing our row keys.
pub fn sales_order() -> SalesOrder {
    SalesOrder {
        id: SALES_ORDER,
        type_code: "SO".into(),
        reference: "250".into(),
        external_ref: "bc-store7-250".into(),
        installation: Some(INSTALLATION),
        status: SalesOrderStatusId(2),
        channel: Some(ChannelId(1)),
        contact: Some(ContactId(300)),
        parent: None,
        exchange_rate: Some(Decimal::ONE),
        payment_status: "UNPAID".into(),
        currency: "GBP".into(),
        total: d("42.00"),
        tax: d("7.00"),
        updated_at: None,
        standing: Standing::default(),
        rows: vec![
            row(TEA_ROW, TEA_PRODUCT, 2, "Tea"),
            row(MUG_ROW, MUG_PRODUCT, 1, "Mug"),
            row(SalesOrderRowId(81003), ProductId(1000), 1, "Shipping"),
        ],
    }
}

pub fn row_link(line: OrderLineId, row: SalesOrderRowId, product: ProductId, quantity: u32) -> RowLink {
    RowLink { line, address: ADDRESS, sales_order: SALES_ORDER, row, product, quantity, shippable: true }
}

/// A shipped goods-out note.
pub fn note(id: u64, rows: &[(SalesOrderRowId, u32)]) -> Note {
    Note {
        kind: NoteKind::GoodsOut,
        id: NoteId(id),
        order: Some(SALES_ORDER),
        warehouse: Some(WarehouseId(2)),
        transfer: false,
        shipped: true,
        shipped_at: Some(ago(600)),
        reference: "RM123456785GB".into(),
        shipping_method: None,
        rows: rows.iter().map(|&(row, quantity)| NoteRow { row, product: TEA_PRODUCT, quantity: Decimal::from(quantity) }).collect(),
    }
}

pub fn shipment(id: u64, comments: &str, items: &[(OrderLineId, u32)]) -> StoreShipment {
    StoreShipment {
        id: ShipmentId(id),
        address: ADDRESS,
        comments: comments.into(),
        tracking_number: String::new(),
        created_at: ago(60),
        items: items.to_vec(),
    }
}
