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
    /// For rows without a matching entry that no tax is due on; `default_tax_code` if left out.
    pub default_untaxed_tax_code: Option<String>,
    /// Nominal code of delivery rows; the account's own setting if left out.
    pub shipping_nominal_code: Option<String>,
    /// Nominal code of discount rows; the account's own setting if left out.
    pub discount_nominal_code: Option<String>,
    /// Nominal code of fee rows, and of handling and wrapping rows that have none of their own.
    pub fee_nominal_code: Option<String>,
    /// Nominal code of handling rows.
    pub handling_nominal_code: Option<String>,
    /// Nominal code of gift wrapping rows.
    pub wrapping_nominal_code: Option<String>,
    /// Nominal code of gift certificates sold, which are a liability; the account's own setting if left out.
    pub gift_certificate_nominal_code: Option<String>,
    /// Nominal code of the rounding row; the account's own setting if left out.
    pub rounding_nominal_code: Option<String>,
    /// Most minor units of total and of tax that one row may make up for where the store's own amounts do not add up; two, or a quarter
    /// of the order's rows if that is more, if left out.
    pub rounding_limit: Option<u32>,
    /// Where discounts of products stand.
    pub discounts: Discounts,
    /// Whether the store's total is before or after gift certificates and store credit (UNCONFIRMED, BC §j.2).
    pub tenders: Tenders,
    /// Which way round the store's exchange rate is, compared with Brightpearl's.
    pub store_rate: RateDirection,
}

/// What is taxed, as far as the map of tax codes knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxedAs<'a> {
    /// Name of the store's tax class; empty if none is known.
    pub class: &'a str,
    /// Rate in per cent; none if the store names none although there is tax.
    pub rate: Option<Decimal>,
    /// Two-letter code of the country it is delivered to; empty if not known.
    pub country: &'a str,
}

impl TaxesAndAccounts {
    /// The tax code for a store's tax class, rate and country, or the default for taxed or untaxed rows. Of the entries that fit, the one
    /// that names most comes first; among equals class, then rate, then country decides.
    #[must_use]
    pub fn tax_code(&self, taxed: TaxedAs<'_>) -> Option<&str> {
        self.mapped_tax_code(taxed).or_else(|| self.default_code(taxed.rate))
    }

    /// The same without the defaults.
    #[must_use]
    pub fn mapped_tax_code(&self, taxed: TaxedAs<'_>) -> Option<&str> {
        let is = |named: &Option<String>, wanted: &str| named.as_ref().is_none_or(|named| named.trim().eq_ignore_ascii_case(wanted.trim()));
        let fits = |entry: &&TaxCodeEntry| {
            is(&entry.class, taxed.class) && is(&entry.country, taxed.country) && entry.rate.is_none_or(|named| Some(named) == taxed.rate)
        };
        let rank = |entry: &&TaxCodeEntry| {
            let named = [entry.class.is_some(), entry.rate.is_some(), entry.country.is_some()];
            (named.into_iter().filter(|named| *named).count(), named)
        };
        self.tax_codes.iter().filter(fits).max_by_key(rank).map(|entry| entry.code.as_str())
    }

    /// The code of rows without a matching entry, by their rate.
    #[must_use]
    pub fn default_code(&self, rate: Option<Decimal>) -> Option<&str> {
        let untaxed = self.default_untaxed_tax_code.as_deref().filter(|_| rate.is_some_and(|rate| rate.is_zero()));
        untaxed.or(self.default_tax_code.as_deref())
    }

    /// Whether a country must be known to find a tax code.
    #[must_use]
    pub fn asks_for_country(&self) -> bool {
        self.tax_codes.iter().any(|entry| entry.country.is_some())
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
    /// Two-letter code of the country it is delivered to; any if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Brightpearl's tax code.
    pub code: String,
}

/// Where discounts of products stand on the sales order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discounts {
    /// Inside the rows of what they lower.
    #[default]
    InRows,
    /// On rows of their own, one per tax code; the rows of products show what they cost before.
    OwnRows,
}

/// Which way round the store's rate of an order is. Neither platform says (BC §j.2, BP §e.2), so that it can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateDirection {
    /// As Brightpearl's: both tell how many units of the order's currency one unit of the default or base currency is. Passed on as it is.
    #[default]
    Direct,
    /// The other way round than Brightpearl's: one divided by it is sent.
    Inverse,
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
            country: None,
            code: code.to_owned(),
        };
        let taxed = |class, rate| TaxedAs { class, rate: Some(rate), country: "GB" };
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
        assert_eq!(rules.tax_code(taxed("Default", Decimal::from(20))), Some("T20"));
        assert_eq!(rules.tax_code(taxed("BOOKS", Decimal::from(5))), Some("T0"));
        assert_eq!(rules.tax_code(taxed("Books", "20.0000".parse().unwrap())), Some("B20"));
        assert_eq!(rules.tax_code(taxed("Default", Decimal::ZERO)), Some("Z"));
        assert_eq!(rules.tax_code(taxed("Default", Decimal::from(7))), Some("-"));
    }

    #[test]
    fn a_country_makes_an_entry_more_specific_and_untaxed_rows_have_a_default_of_their_own() {
        let entry = |class: Option<&str>, rate: Option<i64>, country: Option<&str>, code: &str| TaxCodeEntry {
            class: class.map(str::to_owned),
            rate: rate.map(Decimal::from),
            country: country.map(str::to_owned),
            code: code.to_owned(),
        };
        let mut rules = TaxesAndAccounts {
            tax_codes: vec![
                entry(None, Some(20), None, "T20"),
                entry(None, Some(20), Some("fr"), "FR20"),
                entry(Some("Books"), Some(20), None, "B20"),
            ],
            default_tax_code: Some("T".into()),
            ..TaxesAndAccounts::default()
        };
        let taxed = |class, rate: Option<i64>, country| TaxedAs { class, rate: rate.map(Decimal::from), country };
        assert_eq!(rules.tax_code(taxed("Default", Some(20), "FR")), Some("FR20"));
        assert_eq!(rules.tax_code(taxed("Default", Some(20), "GB")), Some("T20"));
        assert_eq!(rules.tax_code(taxed("Books", Some(20), "FR")), Some("B20"), "the class decides among entries that name as much");
        assert_eq!(rules.tax_code(taxed("Default", Some(0), "GB")), Some("T"));
        rules.default_untaxed_tax_code = Some("Z".into());
        assert_eq!(rules.tax_code(taxed("Default", Some(0), "GB")), Some("Z"));
        assert_eq!(rules.tax_code(taxed("", None, "GB")), Some("T"), "tax of no known rate is tax");
        assert!(rules.asks_for_country() && !TaxesAndAccounts::default().asks_for_country());
    }
}
