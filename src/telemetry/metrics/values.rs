//! Types of metrics that the library lacks: amounts of dollars, and values that are read when they
//! are scraped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

const NANODOLLARS: f64 = 1e9;

/// A counter of dollars. It adds whole nanodollars, as the usage store does, so that both agree.
#[derive(Debug, Clone, Default)]
pub(super) struct DollarCounter(Arc<AtomicU64>);

impl DollarCounter {
    pub(super) fn add_nanodollars(&self, nanodollars: u64) {
        self.0.fetch_add(nanodollars, Ordering::Relaxed);
    }
}

impl TypedMetric for DollarCounter {
    const TYPE: MetricType = MetricType::Counter;
}

impl EncodeMetric for DollarCounter {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        encode_counter(self.0.load(Ordering::Relaxed) as f64 / NANODOLLARS, encoder)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// Reads a value at each scrape.
type Read = Box<dyn Fn() -> f64 + Send + Sync>;

/// A gauge whose value is kept elsewhere.
pub(super) struct ReadGauge(Read);

/// A counter whose value is kept elsewhere.
pub(super) struct ReadCounter(Read);

impl ReadGauge {
    pub(super) fn new(read: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Box::new(read))
    }
}

impl ReadCounter {
    pub(super) fn new(read: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Box::new(read))
    }
}

impl EncodeMetric for ReadGauge {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.0())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

impl EncodeMetric for ReadCounter {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        encode_counter(self.0(), encoder)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

impl fmt::Debug for ReadGauge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReadGauge(..)")
    }
}

impl fmt::Debug for ReadCounter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReadCounter(..)")
    }
}

fn encode_counter(value: f64, mut encoder: MetricEncoder<'_>) -> fmt::Result {
    encoder.encode_counter::<NoLabelSet, f64, u64>(&value, None)
}
