//! Tax codes, nominal codes and tenders.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How money is classed: tax codes, nominal codes, tenders.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaxesAndAccounts {
    /// Which tax code a row gets; the most specific entry wins. Codes are the merchant's own words (BP §e.9).
    pub tax_codes: Vec<TaxCodeEntry>,
    /// For rows without a matching entry.
    pub default_tax_code: Option<String>,
    /// Nominal code of delivery rows.
    pub shipping_nominal_code: Option<String>,
    /// Nominal code of discount rows.
    pub discount_nominal_code: Option<String>,
    /// Nominal code of handling, wrapping and fee rows.
    pub fee_nominal_code: Option<String>,
    /// Whether the store's total is before or after gift certificates and store credit (UNCONFIRMED, BC §j.2).
    pub tenders: Tenders,
}

impl TaxesAndAccounts {
    /// The tax code for a store tax class and rate. Entries that name both come first, then class, then rate.
    #[must_use]
    pub fn tax_code(&self, class: &str, rate: Decimal) -> Option<&str> {
        let fits = |entry: &&TaxCodeEntry| {
            entry.class.as_ref().is_none_or(|named| named.trim().eq_ignore_ascii_case(class.trim())) && entry.rate.is_none_or(|named| named == rate)
        };
        let rank = |entry: &&TaxCodeEntry| (entry.class.is_some(), entry.rate.is_some());
        let entry = self.tax_codes.iter().filter(fits).max_by_key(rank);
        entry.map(|entry| entry.code.as_str()).or(self.default_tax_code.as_deref())
    }
}

/// One line of the tax map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxCodeEntry {
    /// Name of the store's tax class; any if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Rate in per cent, written as text, such as "20"; any if left out. "0" is a row without tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Decimal>,
    /// Brightpearl's tax code.
    pub code: String,
}

/// Whether the store's total already lacks what was paid by gift certificate or store credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tenders {
    /// Take the reading under which the lines add up.
    #[default]
    Detect,
    /// The total is before tenders.
    Included,
    /// The total is after tenders.
    Excluded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_tax_entry_wins() {
        let entry = |class: Option<&str>, rate: Option<i64>, code: &str| TaxCodeEntry {
            class: class.map(str::to_owned),
            rate: rate.map(Decimal::from),
            code: code.to_owned(),
        };
        let rules = TaxesAndAccounts {
            tax_codes: vec![
                entry(None, Some(20), "T20"),
                entry(Some("Books"), None, "T0"),
                entry(Some("books "), Some(20), "B20"),
                entry(None, Some(0), "Z"),
            ],
            default_tax_code: Some("-".into()),
            ..TaxesAndAccounts::default()
        };
        assert_eq!(rules.tax_code("Default", Decimal::from(20)), Some("T20"));
        assert_eq!(rules.tax_code("BOOKS", Decimal::from(5)), Some("T0"));
        assert_eq!(rules.tax_code("Books", "20.0000".parse().unwrap()), Some("B20"));
        assert_eq!(rules.tax_code("Default", Decimal::ZERO), Some("Z"));
        assert_eq!(rules.tax_code("Default", Decimal::from(7)), Some("-"));
    }
}
