//! All that an account's settings may name, read in one go (BP §j).

use std::collections::BTreeMap;

use orderbridge_http_client::CallError;
use orderbridge_schema::ids::{ContactId, LeadSourceId, PriceListId, ProjectId};
use orderbridge_schema::reference::{AccountCurrency, AccountReference, CustomField, FieldKind, Listed, NominalCode, PaymentMethod};
use orderbridge_schema::work::Share;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, Place, place};
use crate::lenient;

/// Type of the statuses that a sales order may be given (BP §e.6).
const SALES_ORDER: &str = "SO";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceListPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    id: u64,
    #[serde(default)]
    name: Value,
    #[serde(default, deserialize_with = "lenient::text")]
    code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    price_list_type_code: String,
}

#[derive(Deserialize)]
struct LeadSourcePayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    project_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentMethodPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    is_active: bool,
    #[serde(default, deserialize_with = "lenient::list")]
    bank_accounts: Vec<BankAccountPayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BankAccountPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    currency_iso_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomFieldPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    custom_field_type: String,
    #[serde(default, deserialize_with = "lenient::map")]
    options: BTreeMap<u64, OptionPayload>,
}

#[derive(Deserialize)]
struct OptionPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    value: String,
}

impl Client {
    /// All lists that settings may name: about fourteen calls.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn reference(&self, share: Share) -> Result<AccountReference, CallError> {
        let statuses = self.order_statuses(share).await?;
        let usable = statuses.into_iter().filter(|status| status.usable && status.type_code == SALES_ORDER);
        Ok(AccountReference {
            configuration: self.account_configuration(share).await?,
            channels: self.channels(share).await?.into_iter().map(|one| Listed { id: one.id, name: one.name }).collect(),
            warehouses: self.warehouses(share).await?.into_iter().map(|one| Listed { id: one.id, name: one.name }).collect(),
            order_statuses: usable.map(|one| Listed { id: one.id, name: one.name }).collect(),
            shipping_methods: self.shipping_methods(share).await?.into_iter().map(|one| Listed { id: one.id, name: one.name }).collect(),
            price_lists: self.price_lists(share).await?,
            lead_sources: self.lead_sources(share).await?,
            projects: self.projects(share).await?,
            staff: self.staff(share).await?,
            tax_codes: self.tax_codes(share).await?,
            nominal_codes: self.nominal_codes(share).await?,
            payment_methods: self.payment_methods(share).await?,
            custom_fields: self.custom_fields(share).await?,
            currencies: self.currencies(share).await?,
        })
    }

    async fn price_lists(&self, share: Share) -> Result<Vec<Listed<PriceListId>>, CallError> {
        let lists: Vec<PriceListPayload> = self.list(place(&["product-service", "price-list"], "/product-service/price-list"), share).await?;
        let name = |list: &PriceListPayload| match &list.name {
            Value::String(name) => name.clone(),
            other => other.get("text").and_then(Value::as_str).unwrap_or(&list.code).to_owned(),
        };
        let selling = lists.into_iter().filter(|list| !list.price_list_type_code.eq_ignore_ascii_case("BUY"));
        Ok(selling.map(|list| Listed { id: PriceListId(list.id), name: name(&list) }).collect())
    }

    async fn lead_sources(&self, share: Share) -> Result<Vec<Listed<LeadSourceId>>, CallError> {
        let sources: Vec<LeadSourcePayload> = self.list(place(&["contact-service", "lead-source"], "/contact-service/lead-source"), share).await?;
        Ok(sources.into_iter().map(|source| Listed { id: LeadSourceId(source.id), name: source.name }).collect())
    }

    async fn projects(&self, share: Share) -> Result<Vec<Listed<ProjectId>>, CallError> {
        let projects: Vec<ProjectPayload> = self.list(place(&["contact-service", "project"], "/contact-service/project"), share).await?;
        Ok(projects.into_iter().map(|project| Listed { id: ProjectId(project.project_id), name: project.name }).collect())
    }

    async fn staff(&self, share: Share) -> Result<Vec<ContactId>, CallError> {
        let place = Place {
            segments: &["contact-service", "contact-search"],
            query: &[("isStaff", "true"), ("columns", "contactId")],
            template: "/contact-service/contact-search",
        };
        self.search(place, share, |_, row| row.id("contactId").map(ContactId)).await
    }

    async fn nominal_codes(&self, share: Share) -> Result<Vec<NominalCode>, CallError> {
        let place = place(&["accounting-service", "nominal-code-search"], "/accounting-service/nominal-code-search");
        // A column that is left out says nothing: only what is marked inactive is left out.
        let pick = |row: crate::search::Row<'_>| {
            let code = row.text("code");
            (!code.is_empty() && row.flag("active") != Some(false)).then(|| NominalCode { code, name: row.text("name") })
        };
        self.search(place, share, |_, row| pick(row)).await
    }

    /// All payment methods (BP §i.2).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn payment_methods(&self, share: Share) -> Result<Vec<PaymentMethod>, CallError> {
        let segments = ["accounting-service", "payment-method"];
        let methods: Vec<PaymentMethodPayload> = self.list(place(&segments, "/accounting-service/payment-method"), share).await?;
        let method = |method: PaymentMethodPayload| PaymentMethod {
            code: method.code,
            name: method.name,
            active: method.is_active,
            currencies: method.bank_accounts.into_iter().map(|account| account.currency_iso_code).filter(|code| !code.is_empty()).collect(),
        };
        Ok(methods.into_iter().map(method).collect())
    }

    /// Custom fields of sales orders (BP §e.7).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn custom_fields(&self, share: Share) -> Result<Vec<CustomField>, CallError> {
        let segments = ["order-service", "sale", "custom-field-meta-data"];
        let fields: Vec<CustomFieldPayload> = self.list(place(&segments, "/order-service/sale/custom-field-meta-data"), share).await?;
        let field = |field: CustomFieldPayload| CustomField {
            code: field.code,
            name: field.name,
            kind: FieldKind::of(&field.custom_field_type),
            options: field.options.into_iter().map(|(id, option)| (id, option.value)).collect(),
        };
        Ok(fields.into_iter().map(field).collect())
    }

    async fn currencies(&self, share: Share) -> Result<Vec<AccountCurrency>, CallError> {
        let place = place(&["accounting-service", "currency-search"], "/accounting-service/currency-search");
        let pick = |row: crate::search::Row<'_>| {
            let code = row.text("code");
            let rate = lenient::decimal(&row.text("exchangeRate")).filter(|rate| *rate > rust_decimal::Decimal::ZERO);
            (!code.is_empty()).then(|| AccountCurrency { code, rate, is_base: row.flag("isDefault") == Some(true) })
        };
        self.search(place, share, |_, row| pick(row)).await
    }
}
