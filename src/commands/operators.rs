use std::process::ExitCode;

use crate::admin::{AdminListener, AdminServer, AdminState};
use crate::config::Config;
use crate::server::ServerLoad;
use crate::telemetry::MetricsBuilder;
use crate::usage::{UsageQueue, UsageReader};

/// The listener for operators, which is bound and does not serve yet.
pub(super) struct Operators {
    listener: AdminListener,
    metrics: MetricsBuilder,
}

impl Operators {
    /// Binds the address of `[admin]`; `None` if there is none.
    pub(super) async fn listen(config: &Config) -> Result<Option<Self>, ExitCode> {
        let bound = AdminListener::bind(&config.admin).await;
        let listener = bound.map_err(|error| {
            eprintln!(
                "outcrop: cannot listen on `[admin] listen`: {error}; choose another address"
            );
            ExitCode::FAILURE
        })?;
        let Some(listener) = listener else {
            return Ok(None);
        };
        if let Ok(address) = listener.address() {
            tracing::info!(%address, "listening for operators");
        }
        let aliases = config.models.keys().map(String::as_str);
        Ok(Some(Self {
            listener,
            metrics: MetricsBuilder::new(aliases),
        }))
    }

    /// Counts settled records.
    pub(super) fn usage_reader(&self) -> UsageReader {
        let metrics = self.metrics.requests();
        Box::new(move |record| metrics.observe(record))
    }

    /// Serves operators.
    pub(super) fn serve(self, load: ServerLoad, usage: UsageQueue) -> AdminServer {
        let Self { listener, metrics } = self;
        listener.start(AdminState {
            metrics: with_state(metrics, load, usage).build(),
        })
    }
}

/// Adds what the gateway serves and what waits at the moment of a scrape.
fn with_state(metrics: MetricsBuilder, load: ServerLoad, usage: UsageQueue) -> MetricsBuilder {
    let (streams, connections) = (load.clone(), load.clone());
    let dropped = usage.clone();
    metrics
        .gauge(
            "outcrop_requests_in_flight",
            "Requests whose response is not complete",
            move || load.requests() as f64,
        )
        .gauge(
            "outcrop_open_streams",
            "Responses that are streams and are not complete",
            move || streams.streams() as f64,
        )
        .gauge(
            "outcrop_connections",
            "Connections of clients, with and without a request",
            move || connections.connections() as f64,
        )
        .gauge(
            "outcrop_usage_queue",
            "Usage records that wait for their readers",
            move || usage.waiting() as f64,
        )
        .counter(
            "outcrop_usage_dropped",
            "Usage records that found their queue full",
            move || dropped.dropped() as f64,
        )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::models::{CostBreakdown, Usd};
    use crate::server::Cores;
    use crate::telemetry::MetricsFormat;
    use crate::usage::{Cost, FailedAttempts, RequestHead, TokenCounts, UsageReaders, UsageRecord};

    /// Records that fill all metrics of requests.
    fn records() -> [UsageRecord; 3] {
        let full = UsageRecord {
            stream: true,
            first_token: Some(Duration::ZERO),
            queued: Some(Duration::ZERO),
            attempts: 1,
            failed_attempts: FailedAttempts::default(),
            tokens: Some(TokenCounts::of_input(1)),
            ..UsageRecord::new(RequestHead::default(), SystemTime::UNIX_EPOCH)
        };
        let costing = |saved| {
            let output = Usd::from_nanodollars(1);
            Cost {
                breakdown: Some(CostBreakdown {
                    output,
                    ..CostBreakdown::default()
                }),
                saved: Some(Usd::from_nanodollars(saved)),
            }
        };
        [Some(costing(1)), Some(costing(-1)), Some(Cost::default())].map(|cost| UsageRecord {
            cost,
            ..full.clone()
        })
    }

    #[tokio::test]
    async fn the_documentation_has_every_metric() {
        let builder = MetricsBuilder::new([]);
        let requests = builder.requests();
        records().iter().for_each(|record| requests.observe(record));
        let queue = UsageQueue::start(UsageReaders::new(Vec::new()), Duration::ZERO);
        let metrics = with_state(builder, Cores::current().load(), queue).build();
        let text = metrics.text(MetricsFormat::Prometheus);
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let exported: BTreeSet<&str> = types.filter_map(|line| line.split(' ').next()).collect();

        let page = include_str!("../../docs/operations.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let cells = rows.filter_map(|row| row.split(" | ").next());
        let names = cells.flat_map(|cell| cell.split(['`', ',', ' ']));
        let is_metric = |name: &&str| name.starts_with("outcrop_") || name.starts_with("process_");
        let documented: BTreeSet<&str> = names.filter(is_metric).collect();
        assert_eq!(documented, exported);
    }
}
