//! Contacts, postal addresses and companies (BP §f).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Account;
use super::country::{Country, by_code, by_id};
use super::json::{compact, int, set, text};
use super::reply::Refusal;
use super::switches::Switches;

/// An address as parties of orders and contacts carry it.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// Full name.
    pub full_name: String,
    /// Company.
    pub company: String,
    /// Lines 1 to 4; by convention 3 is the city and 4 the state.
    pub lines: [String; 4],
    /// Postal code.
    pub postal_code: String,
    /// Country.
    pub country: Option<Country>,
    /// Telephone.
    pub telephone: String,
    /// Mobile telephone.
    pub mobile: String,
    /// Fax.
    pub fax: String,
    /// E-mail.
    pub email: String,
}

impl Address {
    /// Reads an address object.
    ///
    /// # Errors
    /// CMNU-003 for a wrong type, 400 for a country that does not exist.
    pub fn read(value: &Value, code: &str) -> Result<Self, Refusal> {
        let field = |name: &str| text(value, name).map(Option::unwrap_or_default);
        let country = match (text(value, "countryIsoCode")?.filter(|iso| !iso.is_empty()), int(value, "countryId")?.filter(|id| *id > 0)) {
            (Some(iso), _) => Some(by_code(&iso).ok_or_else(|| Refusal::bad(code, format!("{iso} is not a known country code")))?),
            (None, Some(id)) => Some(by_id(id).ok_or_else(|| Refusal::bad(code, format!("{id} is not a known country")))?),
            (None, None) => None,
        };
        Ok(Self {
            full_name: field("addressFullName")?,
            company: field("companyName")?,
            lines: [field("addressLine1")?, field("addressLine2")?, field("addressLine3")?, field("addressLine4")?],
            postal_code: field("postalCode")?,
            country,
            telephone: field("telephone")?,
            mobile: field("mobileTelephone")?,
            fax: field("fax")?,
            email: field("email")?,
        })
    }

    /// As orders show it (BP §e.4).
    pub fn view(&self) -> Value {
        let [line1, line2, line3, line4] = &self.lines;
        compact(json!({"addressFullName": self.full_name, "companyName": self.company, "addressLine1": line1, "addressLine2": line2,
            "addressLine3": line3, "addressLine4": line4, "postalCode": self.postal_code,
            "country": self.country.map(|country| country.name), "telephone": self.telephone, "mobileTelephone": self.mobile,
            "fax": self.fax, "email": self.email, "countryId": self.country.map(|country| country.id),
            "countryIsoCode": self.country.map(|country| country.iso2), "countryIsoCode3": self.country.map(|country| country.iso3)}))
    }

    /// As the postal-address resource shows it.
    pub fn postal_view(&self, id: i64) -> Value {
        let [line1, line2, line3, line4] = &self.lines;
        compact(json!({"addressId": id, "addressLine1": line1, "addressLine2": line2, "addressLine3": line3, "addressLine4": line4,
            "postalCode": self.postal_code, "countryId": self.country.map(|country| country.id),
            "countryIsoCode": self.country.map(|country| country.iso3)}))
    }
}

/// One contact.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Its id.
    pub id: i64,
    /// Salutation.
    pub salutation: String,
    /// First name, at most 32 characters.
    pub first_name: String,
    /// Last name, at most 32 characters.
    pub last_name: String,
    /// Address ids by role: DEF, BIL, DEL.
    pub addresses: BTreeMap<String, i64>,
    /// E-mails by role: PRI, SEC, TER.
    pub emails: BTreeMap<String, String>,
    /// Telephones by role: PRI, SEC, MOB, FAX.
    pub telephones: BTreeMap<String, String>,
    /// Whether it is the primary contact of its company.
    pub is_primary: bool,
    /// Supplier.
    pub is_supplier: bool,
    /// Staff.
    pub is_staff: bool,
    /// Company; 0 = none.
    pub company_id: i64,
    /// `financialDetails` as set.
    pub financial: Value,
    /// `assignment.current` as set.
    pub assignment: Value,
    /// `marketingDetails` as set.
    pub marketing: Value,
    /// Tag ids.
    pub tags: Vec<i64>,
    /// Custom field values by code.
    pub custom: BTreeMap<String, Value>,
    /// When it was created.
    pub created_on: Timestamp,
    /// When it last changed.
    pub updated_on: Timestamp,
    /// When it last ordered.
    pub last_ordered_on: Option<Timestamp>,
    /// Who created it.
    pub created_by: i64,
}

impl Contact {
    /// The primary e-mail; empty if none.
    pub fn primary_email(&self) -> &str {
        self.emails.get("PRI").map(String::as_str).unwrap_or_default()
    }

    /// Full name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    /// A financial detail as an id; 0 if not set.
    pub fn financial_id(&self, name: &str) -> i64 {
        int(&self.financial, name).ok().flatten().unwrap_or(0)
    }

    /// As the contact resource shows it (BP §f).
    pub fn view(&self, account: &Account, custom: bool, postal: bool) -> Value {
        let emails: serde_json::Map<String, Value> = self.emails.iter().map(|(role, email)| (role.clone(), json!({ "email": email }))).collect();
        let mut organisation = json!({ "organisationId": self.company_id });
        if let Some((name, _)) = account.companies.get(&self.company_id) {
            set(&mut organisation, "name", json!(name));
        }
        let mut view = json!({
            "contactId": self.id, "isPrimaryContact": self.is_primary, "salutation": self.salutation, "firstName": self.first_name,
            "lastName": self.last_name, "postAddressIds": self.addresses,
            "communication": {"emails": emails, "telephones": self.telephones, "messagingVoips": {"SKP": ""}, "websites": {"PRI": ""}},
            "contactStatus": {"current": {"contactStatusId": 0, "contactStatusName": ""}},
            "relationshipToAccount": {"isSupplier": self.is_supplier, "isStaff": self.is_staff},
            "marketingDetails": self.marketing, "financialDetails": self.financial, "assignment": {"current": self.assignment},
            "organisation": organisation, "tradeStatus": "TRD", "createdByid": self.created_by,
            "createdOn": account.show(self.created_on), "updatedOn": account.show(self.updated_on),
            "contactTags": super::idset::compact(&self.tags), "aliases": [], "companyId": self.company_id,
        });
        if custom {
            set(&mut view, "customFields", json!(self.custom));
        }
        if postal {
            let all: serde_json::Map<String, Value> = self
                .addresses
                .values()
                .filter_map(|id| account.addresses.get(id).map(|address| (id.to_string(), address.postal_view(*id))))
                .collect();
            set(&mut view, "postalAddresses", Value::Object(all));
        }
        compact(view)
    }

    /// The address of a role, falling back to the default one, with the contact's name and telephone filled in.
    pub fn address(&self, account: &Account, role: &str) -> Address {
        let id = self.addresses.get(role).or_else(|| self.addresses.get("DEF"));
        let mut address = id.and_then(|id| account.addresses.get(id)).cloned().unwrap_or_default();
        let phone = |role: &str| self.telephones.get(role).cloned().unwrap_or_default();
        address.full_name = self.full_name();
        address.company = account.companies.get(&self.company_id).map(|(name, _)| name.clone()).unwrap_or_default();
        address.email = self.primary_email().to_owned();
        address.telephone = phone("PRI");
        address.mobile = phone("MOB");
        address
    }
}

/// A name field: at most 32 characters (BP §f, §m.2); a switch cuts a longer one.
///
/// # Errors
/// 400 for a longer one.
pub fn name(value: Option<String>, field: &str, switches: &Switches) -> Result<String, Refusal> {
    let value = value.unwrap_or_default();
    if value.chars().count() > 32 {
        if switches.is("long_contact_name", "cut") {
            return Ok(value.chars().take(32).collect());
        }
        return Err(Refusal::bad("CTCC-999", format!("{field} must not be longer than 32 characters")));
    }
    Ok(value)
}
