//! The metrics, for Prometheus: counters and histograms that read settled records, and values that
//! are read when they are scraped.

mod budgets;
mod exposition;
mod families;
mod labels;
mod process;
mod values;

use std::fmt;
use std::sync::Arc;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub use budgets::UsedBudget;
pub use exposition::MetricsFormat;

use crate::usage::UsageRecord;
use budgets::BudgetCollector;
use families::RequestFamilies;
use labels::KnownLabels;
use process::ProcessMetrics;
use values::{ReadCounter, ReadGauge};

/// The metrics of one gateway, which can be scraped.
pub struct Metrics(Registry);

/// Metrics that are being put together.
pub struct MetricsBuilder {
    registry: Registry,
    requests: RequestMetrics,
}

/// The metrics of requests: a reader of settled records. Clones share them.
#[derive(Debug, Clone)]
pub struct RequestMetrics(Arc<LabelledFamilies>);

#[derive(Debug)]
struct LabelledFamilies {
    families: RequestFamilies,
    labels: KnownLabels,
}

impl MetricsBuilder {
    /// The metrics of requests and of the process. Requests for a name that `is_alias` returns have it
    /// as their model.
    pub fn new(is_alias: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        let mut registry = Registry::default();
        let families = RequestFamilies::register(&mut registry);
        let build: Family<[(&str, &str); 1], Gauge> = Family::default();
        build
            .get_or_create(&[("version", env!("CARGO_PKG_VERSION"))])
            .set(1);
        registry.register("outcrop_build_info", "The version of the gateway", build);
        registry.register_collector(Box::new(ProcessMetrics));
        let labels = KnownLabels::new(is_alias);
        Self {
            registry,
            requests: RequestMetrics(Arc::new(LabelledFamilies { families, labels })),
        }
    }

    /// The reader of settled records.
    pub fn requests(&self) -> RequestMetrics {
        self.requests.clone()
    }

    /// Adds a value that can rise and fall, which `read` returns at each scrape.
    #[must_use]
    pub fn gauge(
        mut self,
        name: &str,
        help: &str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.registry.register(name, help, ReadGauge::new(read));
        self
    }

    /// Adds a value that only rises, which `read` returns at each scrape. `_total` is appended to
    /// its name.
    #[must_use]
    pub fn counter(
        mut self,
        name: &str,
        help: &str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.registry.register(name, help, ReadCounter::new(read));
        self
    }

    /// Adds how much of each budget that `read` returns at a scrape is used.
    #[must_use]
    pub fn budgets(mut self, read: impl Fn() -> Vec<UsedBudget> + Send + Sync + 'static) -> Self {
        self.registry
            .register_collector(Box::new(BudgetCollector::new(read)));
        self
    }

    /// The metrics.
    pub fn build(self) -> Metrics {
        Metrics(self.registry)
    }
}

impl RequestMetrics {
    /// Counts a request that has ended.
    pub fn observe(&self, record: &UsageRecord) {
        let LabelledFamilies { families, labels } = &*self.0;
        families.observe(record, labels.of(record));
    }
}

impl Metrics {
    /// The text of a scrape.
    pub fn text(&self, format: MetricsFormat) -> String {
        exposition::text(&self.0, format)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics(..)")
    }
}

impl fmt::Debug for MetricsBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MetricsBuilder(..)")
    }
}

#[cfg(test)]
mod tests;
