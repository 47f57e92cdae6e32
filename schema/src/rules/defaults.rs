//! What created sales orders carry, by channel of the store and by currency.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{OrderRules, PriceMode};
use crate::ids::{ChannelId, ContactId, LeadSourceId, PriceListId, ProjectId, StoreChannelId, WarehouseId};

/// What differs for orders of a channel of the store, of a currency, or of both. What an entry leaves out is as for all orders.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderDefaults {
    /// For this channel of the store; any if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_channel: Option<StoreChannelId>,
    /// For this currency, an ISO code; any if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Sales channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    /// Warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<WarehouseId>,
    /// Project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// Lead source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_source: Option<LeadSourceId>,
    /// Member of staff who owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff_owner: Option<ContactId>,
    /// Price list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_list: Option<PriceListId>,
    /// Whether that list's prices include tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_mode: Option<PriceMode>,
}

/// What a sales order is created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices {
    /// Sales channel; required.
    pub channel: Option<ChannelId>,
    /// Warehouse; required.
    pub warehouse: Option<WarehouseId>,
    /// Project, if any.
    pub project: Option<ProjectId>,
    /// Lead source, if any.
    pub lead_source: Option<LeadSourceId>,
    /// Member of staff who owns it, if any.
    pub staff_owner: Option<ContactId>,
    /// Price list; the customer's if none.
    pub price_list: Option<PriceListId>,
    /// Whether that list's prices include tax.
    pub price_mode: PriceMode,
}

impl OrderDefaults {
    /// How closely it fits, if it does: channel and currency before channel, that before currency.
    fn fits(&self, channel: StoreChannelId, currency: &str) -> Option<u8> {
        let by_channel = self.store_channel.is_none_or(|named| named == channel);
        let by_currency = self.currency.as_ref().is_none_or(|named| named.eq_ignore_ascii_case(currency));
        (by_channel && by_currency).then(|| 2 * u8::from(self.store_channel.is_some()) + u8::from(self.currency.is_some()))
    }
}

impl OrderRules {
    /// What an order of this channel of the store and this currency is created with: each value from the closest entry that has it.
    #[must_use]
    pub fn choices(&self, channel: StoreChannelId, currency: &str) -> Choices {
        let mut fitting: Vec<(u8, &OrderDefaults)> = self.defaults.iter().filter_map(|entry| Some((entry.fits(channel, currency)?, entry))).collect();
        fitting.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        let entries = || fitting.iter().map(|(_, entry)| *entry);
        Choices {
            channel: entries().find_map(|entry| entry.channel).or(self.channel),
            warehouse: entries().find_map(|entry| entry.warehouse).or(self.warehouse),
            project: entries().find_map(|entry| entry.project).or(self.project),
            lead_source: entries().find_map(|entry| entry.lead_source).or(self.lead_source),
            staff_owner: entries().find_map(|entry| entry.staff_owner).or(self.staff_owner),
            price_list: entries().find_map(|entry| entry.price_list).or(self.price_list),
            price_mode: entries().find_map(|entry| entry.price_mode).unwrap_or(self.price_mode),
        }
    }

    /// Every sales channel that a created order may be in.
    #[must_use]
    pub fn all_channels(&self) -> BTreeSet<ChannelId> {
        self.channel.into_iter().chain(self.defaults.iter().filter_map(|entry| entry.channel)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(store_channel: Option<u64>, currency: Option<&str>, channel: Option<u64>, warehouse: Option<u64>) -> OrderDefaults {
        OrderDefaults {
            store_channel: store_channel.map(StoreChannelId),
            currency: currency.map(str::to_owned),
            channel: channel.map(ChannelId),
            warehouse: warehouse.map(WarehouseId),
            ..OrderDefaults::default()
        }
    }

    #[test]
    fn the_closest_entry_that_has_a_value_gives_it() {
        let mut rules = OrderRules { channel: Some(ChannelId(1)), warehouse: Some(WarehouseId(1)), ..OrderRules::default() };
        rules.defaults =
            vec![entry(None, Some("EUR"), Some(10), Some(10)), entry(Some(2), None, Some(20), None), entry(Some(2), Some("eur"), None, Some(30))];
        rules.defaults[1].price_mode = Some(PriceMode::Inc);
        let chosen = |channel, currency| {
            let chosen = rules.choices(StoreChannelId(channel), currency);
            (chosen.channel.unwrap().0, chosen.warehouse.unwrap().0, chosen.price_mode)
        };
        assert_eq!(chosen(1, "GBP"), (1, 1, PriceMode::Exc));
        assert_eq!(chosen(1, "EUR"), (10, 10, PriceMode::Exc));
        assert_eq!(chosen(2, "GBP"), (20, 1, PriceMode::Inc));
        assert_eq!(chosen(2, "EUR"), (20, 30, PriceMode::Inc), "the pair leaves the channel to the entry of its channel");
        assert_eq!(rules.all_channels(), [1, 10, 20].map(ChannelId).into());
    }
}
