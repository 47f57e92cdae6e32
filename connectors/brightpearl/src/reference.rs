//! Reference data of an account: what rules and checks name by id (BP §j).

use std::collections::BTreeMap;

use orderbridge_http_client::CallError;
use orderbridge_schema::ids::{ChannelId, InstallationId, SalesOrderStatusId, ShippingMethodId, WarehouseId};
use orderbridge_schema::reference::TaxCode;
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, place};
use crate::{lenient, reply};

/// A shipping method (BP §h.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingMethod {
    /// Its id.
    pub id: ShippingMethodId,
    /// As the merchant calls it.
    pub name: String,
    /// The merchant's code, often empty.
    pub code: String,
}

/// A warehouse (BP §h.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warehouse {
    /// Its id.
    pub id: WarehouseId,
    /// As the merchant calls it.
    pub name: String,
}

/// A sales channel (BP §j).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// As the merchant calls it.
    pub name: String,
}

/// An order status (BP §e.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStatus {
    /// Its id.
    pub id: SalesOrderStatusId,
    /// As the merchant calls it.
    pub name: String,
    /// `SO` for sales orders.
    pub type_code: String,
    /// Whether it can be used: neither disabled nor hidden.
    pub usable: bool,
}

#[derive(Deserialize)]
struct NamedPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    status_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    order_type_code: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    disabled: bool,
    #[serde(default = "yes", deserialize_with = "lenient::flag")]
    visible: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct TaxPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    description: String,
    #[serde(default, deserialize_with = "lenient::money")]
    rate: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstancePayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    installed_integration_instance_id: u64,
}

#[derive(Deserialize)]
struct ConfigurationPayload {
    #[serde(default)]
    configuration: BTreeMap<String, Value>,
}

impl Client {
    /// All shipping methods.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn shipping_methods(&self, share: Share) -> Result<Vec<ShippingMethod>, CallError> {
        let named: Vec<NamedPayload> =
            self.list(place(&["warehouse-service", "shipping-method"], "/warehouse-service/shipping-method"), share).await?;
        Ok(named.into_iter().map(|method| ShippingMethod { id: ShippingMethodId(method.id), name: method.name, code: method.code }).collect())
    }

    /// All warehouses.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn warehouses(&self, share: Share) -> Result<Vec<Warehouse>, CallError> {
        let named: Vec<NamedPayload> = self.list(place(&["warehouse-service", "warehouse"], "/warehouse-service/warehouse"), share).await?;
        Ok(named.into_iter().map(|warehouse| Warehouse { id: WarehouseId(warehouse.id), name: warehouse.name }).collect())
    }

    /// All sales channels.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn channels(&self, share: Share) -> Result<Vec<Channel>, CallError> {
        let named: Vec<NamedPayload> = self.list(place(&["product-service", "channel"], "/product-service/channel"), share).await?;
        Ok(named.into_iter().map(|channel| Channel { id: ChannelId(channel.id), name: channel.name }).collect())
    }

    /// All order statuses, of every type of order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn order_statuses(&self, share: Share) -> Result<Vec<OrderStatus>, CallError> {
        let statuses: Vec<StatusPayload> = self.list(place(&["order-service", "order-status"], "/order-service/order-status"), share).await?;
        let status = |status: StatusPayload| OrderStatus {
            id: SalesOrderStatusId(status.status_id),
            name: status.name,
            type_code: status.order_type_code,
            usable: status.visible && !status.disabled,
        };
        Ok(statuses.into_iter().map(status).collect())
    }

    /// All tax codes.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn tax_codes(&self, share: Share) -> Result<Vec<TaxCode>, CallError> {
        let codes: Vec<TaxPayload> = self.list(place(&["accounting-service", "tax-code"], "/accounting-service/tax-code"), share).await?;
        Ok(codes.into_iter().map(|code| TaxCode { code: code.code, description: code.description, rate: code.rate }).collect())
    }

    /// Which installation of our app the token belongs to: half of the key of orders (BP §b.4, §e.2).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn installation(&self, share: Share) -> Result<InstallationId, CallError> {
        let segments = ["integration-service", "integration", "instance"];
        let reply = self.get(place(&segments, "/integration-service/integration/instance"), share).await?;
        let instance: InstancePayload = reply::response(&reply, "the installation")?;
        Ok(InstallationId(instance.installed_integration_instance_id))
    }

    /// The account's configuration: currency, time zone, default statuses and the like (BP §i.3).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn account_configuration(&self, share: Share) -> Result<BTreeMap<String, String>, CallError> {
        let place = place(&["integration-service", "account-configuration"], "/integration-service/account-configuration");
        let reply = self.get(place, share).await?;
        let payload: ConfigurationPayload = reply::response(&reply, "the account's configuration")?;
        let text = |value: Value| match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        Ok(payload.configuration.into_iter().map(|(name, value)| (name, text(value))).collect())
    }
}
