//! How what was refunded at the store is booked in Brightpearl.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RuleProblem;
use crate::ids::{ChannelId, SalesOrderStatusId, WarehouseId};

/// How what was refunded at the store is booked in Brightpearl.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefundRules {
    /// Whether refunds are booked at all.
    pub enabled: bool,
    /// Refunds made earlier are left alone: somebody may have entered them by hand. All are booked if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Sales channel of sales credits; the sales order's if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    /// Status that sales credits are made with; the account's own for new ones if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_status: Option<SalesOrderStatusId>,
    /// Nominal code of the row for what no product row tells; Brightpearl's own default if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nominal_code: Option<String>,
    /// Where goods come back to that have left; they do not come back into stock if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restock: Option<Restock>,
}

/// Where goods come back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restock {
    /// The warehouse.
    pub warehouse: WarehouseId,
    /// One of its locations, such as that for returns.
    pub location: u64,
}

impl RefundRules {
    /// Everything wrong with these rules.
    pub(super) fn problems(&self) -> Vec<RuleProblem> {
        let is_empty = self.nominal_code.as_deref().is_some_and(|code| code.trim().is_empty());
        let problem = || RuleProblem { path: "payments.refunds.nominal_code".into(), message: "a nominal code is not empty".into() };
        is_empty.then(problem).into_iter().collect()
    }
}
