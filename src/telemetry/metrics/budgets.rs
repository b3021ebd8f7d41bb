use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::allowances::{BudgetPeriod, Level};

/// The maximum number of budgets with series of their own.
const MAX_BUDGETS: usize = 2_000;

/// The share of a budget that is used in its current window. Neither keys nor users have one: their
/// number has no bound.
#[derive(Debug, Clone, PartialEq)]
pub struct UsedBudget {
    /// The organization, or a team.
    pub level: Level,
    /// The name of the team; empty for the organization.
    pub team: String,
    /// The period.
    pub per: BudgetPeriod,
    /// Whether requests beyond it are refused.
    pub is_hard: bool,
    /// What is spent and reserved, in proportion to the limit. Above 1 if more was spent.
    pub ratio: f64,
}

type Read = Box<dyn Fn() -> Vec<UsedBudget> + Send + Sync>;

/// Reads the budgets at each scrape.
pub(super) struct BudgetCollector(Read);

impl BudgetCollector {
    pub(super) fn new(read: impl Fn() -> Vec<UsedBudget> + Send + Sync + 'static) -> Self {
        Self(Box::new(read))
    }
}

impl Collector for BudgetCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let budgets = self.0();
        if budgets.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(
            "outcrop_budget_used_ratio",
            "Share of a budget that is used in its current window, reservations included",
            None,
            MetricType::Gauge,
        )?;
        for budget in budgets.iter().take(MAX_BUDGETS) {
            let labels = [
                ("level", budget.level.as_str()),
                ("team", budget.team.as_str()),
                ("per", budget.per.as_str()),
                ("kind", if budget.is_hard { "hard" } else { "soft" }),
            ];
            ConstGauge::new(budget.ratio).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for BudgetCollector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BudgetCollector(..)")
    }
}
