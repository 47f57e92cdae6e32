//! Rules against the platforms' lists: what they name that is not there, and currencies that cannot be kept in step.

use serde_json::Value;

use super::notes::FIELD_PREFIX;
use super::{RuleProblem, Rules};
use crate::ids::Platform;
use crate::money::DECIMALS_MAX;
use crate::reference::{Listed, Reference, StoreCurrency, StoreReference};

/// How many entries of a list are named to somebody who named none of them.
const ENTRIES_TOLD: usize = 10;

/// A list of a platform that rules name entries of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Sales channels of the account.
    Channels,
    /// Warehouses.
    Warehouses,
    /// Price lists for selling.
    PriceLists,
    /// Lead sources.
    LeadSources,
    /// Projects.
    Projects,
    /// Members of staff.
    Staff,
    /// Statuses that a sales order may be given.
    SalesOrderStatuses,
    /// Shipping methods.
    ShippingMethods,
    /// Tax codes.
    TaxCodes,
    /// Nominal codes.
    NominalCodes,
    /// Payment methods in use.
    PaymentMethods,
    /// Custom fields of sales orders.
    CustomFields,
    /// Channels of the store.
    StoreChannels,
    /// Order statuses of the store.
    StoreStatuses,
}

/// Every rule that names an entry of a list, by its dotted path; `[]` stands for each element. The classes of the tax map are not among
/// them: the store's default class may stand in no list (BC §g).
pub const NAMES: &[(&str, List)] = &[
    ("orders.create_statuses[]", List::StoreStatuses),
    ("orders.channel", List::Channels),
    ("orders.warehouse", List::Warehouses),
    ("orders.price_list", List::PriceLists),
    ("orders.lead_source", List::LeadSources),
    ("orders.project", List::Projects),
    ("orders.shipping_methods[].brightpearl", List::ShippingMethods),
    ("orders.default_shipping_method", List::ShippingMethods),
    ("orders.store_channels[]", List::StoreChannels),
    ("orders.staff_owner", List::Staff),
    ("orders.defaults[].store_channel", List::StoreChannels),
    ("orders.defaults[].channel", List::Channels),
    ("orders.defaults[].warehouse", List::Warehouses),
    ("orders.defaults[].project", List::Projects),
    ("orders.defaults[].lead_source", List::LeadSources),
    ("orders.defaults[].staff_owner", List::Staff),
    ("orders.defaults[].price_list", List::PriceLists),
    ("orders.new_order_status", List::SalesOrderStatuses),
    ("orders.status.brightpearl[].store", List::StoreStatuses),
    ("orders.status.brightpearl[].brightpearl", List::SalesOrderStatuses),
    ("orders.status.brightpearl_default", List::SalesOrderStatuses),
    ("orders.status.store[].brightpearl", List::SalesOrderStatuses),
    ("orders.status.store[].store", List::StoreStatuses),
    ("orders.status.store_default", List::StoreStatuses),
    ("taxes_and_accounts.tax_codes[].code", List::TaxCodes),
    ("taxes_and_accounts.default_tax_code", List::TaxCodes),
    ("taxes_and_accounts.shipping_nominal_code", List::NominalCodes),
    ("taxes_and_accounts.discount_nominal_code", List::NominalCodes),
    ("taxes_and_accounts.fee_nominal_code", List::NominalCodes),
    ("taxes_and_accounts.default_untaxed_tax_code", List::TaxCodes),
    ("taxes_and_accounts.handling_nominal_code", List::NominalCodes),
    ("taxes_and_accounts.wrapping_nominal_code", List::NominalCodes),
    ("taxes_and_accounts.gift_certificate_nominal_code", List::NominalCodes),
    ("taxes_and_accounts.rounding_nominal_code", List::NominalCodes),
    ("fulfilment.methods[].brightpearl", List::ShippingMethods),
    ("notes.customer_message", List::CustomFields),
    ("notes.staff_notes", List::CustomFields),
    ("payments.methods[].method", List::PaymentMethods),
    ("payments.default_method", List::PaymentMethods),
    ("payments.offline[].paid_statuses[]", List::StoreStatuses),
    ("payments.refunds.channel", List::Channels),
    ("payments.refunds.nominal_code", List::NominalCodes),
    ("payments.refunds.restock.warehouse", List::Warehouses),
];

impl List {
    /// Whose list it is.
    #[must_use]
    pub const fn platform(self) -> Platform {
        match self {
            Self::StoreChannels | Self::StoreStatuses => Platform::Bigcommerce,
            Self::Channels
            | Self::Warehouses
            | Self::PriceLists
            | Self::LeadSources
            | Self::Projects
            | Self::Staff
            | Self::SalesOrderStatuses
            | Self::ShippingMethods
            | Self::TaxCodes
            | Self::NominalCodes
            | Self::PaymentMethods
            | Self::CustomFields => Platform::Brightpearl,
        }
    }

    /// One of its entries, in plain words.
    const fn entry(self) -> &'static str {
        match self {
            Self::Channels => "sales channel",
            Self::Warehouses => "warehouse",
            Self::PriceLists => "price list for selling",
            Self::LeadSources => "lead source",
            Self::Projects => "project",
            Self::Staff => "member of staff",
            Self::SalesOrderStatuses => "usable sales order status",
            Self::ShippingMethods => "shipping method",
            Self::TaxCodes => "tax code",
            Self::NominalCodes => "nominal code",
            Self::PaymentMethods => "active payment method",
            Self::CustomFields => "custom field of sales orders",
            Self::StoreChannels => "channel",
            Self::StoreStatuses => "order status",
        }
    }

    /// Its entries, each with its name.
    fn entries(self, lists: &Reference) -> Vec<(String, String)> {
        let Reference { account, store } = lists;
        match self {
            Self::Channels => listed(&account.channels),
            Self::Warehouses => listed(&account.warehouses),
            Self::PriceLists => listed(&account.price_lists),
            Self::LeadSources => listed(&account.lead_sources),
            Self::Projects => listed(&account.projects),
            Self::Staff => account.staff.iter().map(|contact| (contact.to_string(), String::new())).collect(),
            Self::SalesOrderStatuses => listed(&account.order_statuses),
            Self::ShippingMethods => listed(&account.shipping_methods),
            Self::TaxCodes => account.tax_codes.iter().map(|code| (code.code.clone(), code.description.clone())).collect(),
            Self::NominalCodes => account.nominal_codes.iter().map(|code| (code.code.clone(), code.name.clone())).collect(),
            Self::PaymentMethods => {
                let active = account.payment_methods.iter().filter(|method| method.active);
                active.map(|method| (method.code.clone(), method.name.clone())).collect()
            }
            Self::CustomFields => account.custom_fields.iter().map(|field| (field.code.clone(), field.name.clone())).collect(),
            Self::StoreChannels => listed(&store.channels),
            Self::StoreStatuses => listed(&store.order_statuses),
        }
    }

    fn problem(self, path: String, named: &str, entries: &[(String, String)]) -> RuleProblem {
        let whose = match self.platform() {
            Platform::Bigcommerce => "the store",
            Platform::Brightpearl => "the Brightpearl account",
        };
        let told = |(id, name): &(String, String)| if name.is_empty() || name == id { id.clone() } else { format!("{id} ({name})") };
        let mut has: Vec<String> = entries.iter().take(ENTRIES_TOLD).map(told).collect();
        if entries.len() > ENTRIES_TOLD {
            has.push(format!("and {} more", entries.len() - ENTRIES_TOLD));
        }
        let has = if has.is_empty() { "it has none".to_owned() } else { format!("it has {}", has.join(", ")) };
        RuleProblem { path, message: format!("{whose} has no {} {named}; {has}", self.entry()) }
    }
}

fn listed<I: std::fmt::Display>(list: &[Listed<I>]) -> Vec<(String, String)> {
    list.iter().map(|entry| (entry.id.to_string(), entry.name.clone())).collect()
}

impl Rules {
    /// Everything that the rules name and the lists do not have, by its place in the rules. A list of the store that is empty was not
    /// given to our token, so nothing can be said about it; an account gives all of its lists.
    #[must_use]
    pub fn unknown(&self, lists: &Reference) -> Vec<RuleProblem> {
        self.unknown_of(lists, &[Platform::Bigcommerce, Platform::Brightpearl])
    }

    pub(super) fn unknown_of(&self, lists: &Reference, platforms: &[Platform]) -> Vec<RuleProblem> {
        // Rules are plain data; that they can be written is held by a test.
        let rules = serde_json::to_value(self).unwrap_or_default();
        let mut unknown = Vec::new();
        for &(pattern, list) in NAMES.iter().filter(|(_, list)| platforms.contains(&list.platform())) {
            let entries = list.entries(lists);
            if entries.is_empty() && list.platform() == Platform::Bigcommerce {
                continue;
            }
            // Where a field may be named, a word may stand that names none.
            let names = named_at(&rules, pattern).into_iter().filter(|(_, named)| list != List::CustomFields || named.starts_with(FIELD_PREFIX));
            for (path, named) in names {
                if !entries.iter().any(|(id, _)| *id == named) {
                    unknown.push(list.problem(path, &named, &entries));
                }
            }
        }
        unknown
    }
}

/// The values at a path of [`NAMES`], as text, each with its own path.
fn named_at(rules: &Value, pattern: &str) -> Vec<(String, String)> {
    let mut found = vec![(String::new(), rules)];
    for part in pattern.split('.') {
        let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        let join = |path: String| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        found = found.into_iter().filter_map(|(path, value)| Some((join(path), value.get(name)?))).collect();
        if is_list {
            let each = |(path, value): (String, _)| {
                let items = Value::as_array(value).into_iter().flatten().enumerate();
                items.map(|(index, item)| (format!("{path}[{index}]"), item)).collect::<Vec<_>>()
            };
            found = found.into_iter().flat_map(each).collect();
        }
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    found.into_iter().filter_map(|(path, value)| Some((path, text(value)?))).collect()
}

impl StoreReference {
    /// Currencies that shoppers can pay in and whose amounts Brightpearl's two decimals cannot hold: orders in them are refused (BC §g).
    pub fn refused_currencies(&self) -> impl Iterator<Item = &StoreCurrency> {
        let is_paid_in = |currency: &&StoreCurrency| currency.is_transactional || currency.is_default;
        self.currencies.iter().filter(is_paid_in).filter(|currency| currency.decimals > DECIMALS_MAX)
    }

    /// The same as problems; no rule is to blame for them.
    #[must_use]
    pub fn currency_problems(&self) -> Vec<RuleProblem> {
        let problem = |currency: &StoreCurrency| RuleProblem {
            path: "(the store's currencies)".into(),
            message: format!(
                "{} has {} decimals, and amounts with more than {DECIMALS_MAX} cannot be kept in Brightpearl to the minor unit: orders in it are held",
                currency.code, currency.decimals
            ),
        };
        self.refused_currencies().map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ChannelId, SalesOrderStatusId, ShippingMethodId, StoreStatusId, WarehouseId};
    use crate::reference::{AccountReference, NominalCode, TaxCode};
    use crate::rules::{KnownLists, TaxCodeEntry, ToBrightpearlEntry};

    fn lists() -> Reference {
        let tax = |code: &str| TaxCode { code: code.into(), description: String::new(), rate: rust_decimal::Decimal::ZERO };
        let account = AccountReference {
            channels: vec![Listed { id: ChannelId(5), name: "Web shop".into() }],
            warehouses: vec![Listed { id: WarehouseId(2), name: "Bristol".into() }],
            order_statuses: vec![Listed { id: SalesOrderStatusId(17), name: "New".into() }],
            tax_codes: vec![tax("T20"), tax("-")],
            nominal_codes: vec![NominalCode { code: "4040".into(), name: "Carriage".into() }],
            ..AccountReference::default()
        };
        let store = StoreReference {
            order_statuses: [9, 10, 11].into_iter().map(|id| Listed { id: StoreStatusId(id), name: String::new() }).collect(),
            ..StoreReference::default()
        };
        Reference { account, store }
    }

    fn paths(problems: &[RuleProblem]) -> Vec<&str> {
        problems.iter().map(|problem| problem.path.as_str()).collect()
    }

    #[test]
    fn what_the_lists_have_is_no_problem() {
        let mut rules = Rules::default();
        assert!(rules.unknown(&lists()).is_empty());
        rules.orders.channel = Some(ChannelId(5));
        rules.orders.warehouse = Some(WarehouseId(2));
        rules.orders.status.brightpearl = vec![ToBrightpearlEntry { store: StoreStatusId(11), brightpearl: SalesOrderStatusId(17) }];
        rules.taxes_and_accounts.default_tax_code = Some("-".into());
        rules.taxes_and_accounts.shipping_nominal_code = Some("4040".into());
        assert!(rules.unknown(&lists()).is_empty());
    }

    #[test]
    fn everything_that_is_not_in_the_lists_is_named_with_its_place() {
        let mut rules = Rules::default();
        rules.orders.create_statuses.insert(StoreStatusId(12));
        rules.orders.channel = Some(ChannelId(6));
        rules.orders.default_shipping_method = Some(ShippingMethodId(1));
        rules.orders.status.brightpearl = vec![
            ToBrightpearlEntry { store: StoreStatusId(11), brightpearl: SalesOrderStatusId(17) },
            ToBrightpearlEntry { store: StoreStatusId(2), brightpearl: SalesOrderStatusId(77) },
        ];
        rules.taxes_and_accounts.tax_codes =
            ["T20", "T5"].into_iter().map(|code| TaxCodeEntry { class: None, rate: None, country: None, code: code.into() }).collect();
        rules.taxes_and_accounts.fee_nominal_code = Some("9999".into());
        let unknown = rules.unknown(&lists());
        let expected = [
            "orders.create_statuses[3]",
            "orders.channel",
            "orders.default_shipping_method",
            "orders.status.brightpearl[1].store",
            "orders.status.brightpearl[1].brightpearl",
            "taxes_and_accounts.tax_codes[1].code",
            "taxes_and_accounts.fee_nominal_code",
        ];
        assert_eq!(paths(&unknown), expected);
        assert_eq!(unknown[1].message, "the Brightpearl account has no sales channel 6; it has 5 (Web shop)");
        assert_eq!(unknown[2].message, "the Brightpearl account has no shipping method 1; it has none");
        assert_eq!(unknown[0].message, "the store has no order status 12; it has 9, 10, 11");
        let store = KnownLists { account: None, store: Some(lists().store) };
        assert_eq!(paths(&store.unknown(&rules)), [expected[0], expected[3]]);
        let account = KnownLists { account: Some(lists().account), store: None };
        assert_eq!(account.unknown(&rules).len(), unknown.len() - 2);
        assert!(KnownLists::default().unknown(&rules).is_empty(), "what was never read says nothing");
    }

    #[test]
    fn a_list_that_the_store_does_not_give_says_nothing() {
        let mut lists = lists();
        lists.store = StoreReference::default();
        let mut rules = Rules::default();
        rules.orders.create_statuses.insert(StoreStatusId(12));
        assert!(rules.unknown(&lists).is_empty());
    }

    #[test]
    fn currencies_with_three_decimals_are_refused_if_anybody_can_pay_in_them() {
        let currency = |code: &str, decimals, is_transactional| StoreCurrency { code: code.into(), decimals, is_default: false, is_transactional };
        let store = StoreReference {
            currencies: vec![currency("GBP", 2, true), currency("JPY", 0, true), currency("KWD", 3, true), currency("BHD", 3, false)],
            ..StoreReference::default()
        };
        assert_eq!(store.refused_currencies().map(|currency| currency.code.as_str()).collect::<Vec<_>>(), ["KWD"]);
        assert!(store.currency_problems()[0].message.starts_with("KWD has 3 decimals"));
    }
}
