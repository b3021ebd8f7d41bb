use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use super::records::RecordReaders;
use crate::admin::{AdminListener, AdminServer, AdminState};
use crate::config::{Config, ConfigStatus};
use crate::http::Shutdown;
use crate::limits::ScopeState;
use crate::models::Usd;
use crate::server::{App, ReloadHandle, Router, ServerLoad};
use crate::telemetry::{MetricsBuilder, UsedBudget};
use crate::usage::{UsageQueue, UsageReader, UsageWriter};

/// The listener for operators, which is bound and does not serve yet.
pub(super) struct Operators {
    listener: AdminListener,
    metrics: MetricsBuilder,
    /// The router, once it exists: its application has the aliases in use.
    router: Arc<OnceLock<Router>>,
}

/// What operators read and change of the gateway.
pub(super) struct ServedGateway {
    pub(super) router: Router,
    pub(super) shutdown: Shutdown,
    /// Reloads the configuration; `None` if it has no file.
    pub(super) reload: Option<ReloadHandle>,
    pub(super) load: ServerLoad,
    pub(super) records: RecordReaders,
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
        let router = Arc::<OnceLock<Router>>::default();
        let current = Arc::clone(&router);
        let is_alias = move |name: &str| {
            let router = current.get();
            router.is_some_and(|router| router.app().config.models.contains_key(name))
        };
        Ok(Some(Self {
            listener,
            metrics: MetricsBuilder::new(is_alias),
            router,
        }))
    }

    /// Counts settled records.
    pub(super) fn usage_reader(&self) -> UsageReader {
        let metrics = self.metrics.requests();
        Box::new(move |record| metrics.observe(record))
    }

    /// Serves operators.
    pub(super) fn serve(self, gateway: ServedGateway) -> AdminServer {
        let Self {
            listener,
            metrics,
            router: known_router,
        } = self;
        let ServedGateway {
            router,
            shutdown,
            reload,
            load,
            records,
        } = gateway;
        let _ = known_router.set(router.clone());
        let status = reload.as_ref().map(|reload| reload.status().clone());
        let mut metrics = with_state(metrics, load, records.queue.clone(), status);
        if let Some(writer) = &records.writer {
            metrics = with_writer(metrics, writer);
        }
        let budgets = router.clone();
        let metrics = metrics.budgets(move || used_budgets(&budgets.app()));
        listener.start(AdminState {
            metrics: metrics.build(),
            router,
            shutdown,
            reload,
        })
    }
}

/// How much of the budgets of the organization and its teams is used, as far as that is known.
fn used_budgets(app: &App) -> Vec<UsedBudget> {
    let levels = app.http.callers.organization().shared_levels();
    let states = app.limits.states(&levels).into_iter();
    let budgets = states.flat_map(|ScopeState { scope, budgets, .. }| {
        budgets.into_iter().filter_map(move |budget| {
            let ratio = |of: Usd| budget.spent.map(|spent| dollars(spent) / dollars(of));
            Some(UsedBudget {
                level: scope.level,
                team: scope.name.to_string(),
                per: budget.period,
                is_hard: budget.is_hard,
                ratio: ratio(budget.limit)?,
            })
        })
    });
    budgets.collect()
}

fn dollars(amount: Usd) -> f64 {
    amount.nanodollars() as f64 / 1e9
}

/// Adds what waits to be stored.
fn with_writer(metrics: MetricsBuilder, writer: &UsageWriter) -> MetricsBuilder {
    let (lag, spool, lost) = (writer.clone(), writer.clone(), writer.clone());
    let queue = writer.clone();
    metrics
        .gauge(
            "outcrop_usage_writer_queue",
            "Usage records that wait for the task that stores them",
            move || queue.waiting() as f64,
        )
        .gauge(
            "outcrop_usage_lag_seconds",
            "How long the oldest usage record has been waiting for the store",
            move || lag.lag(SystemTime::now()).as_secs_f64(),
        )
        .gauge(
            "outcrop_spool_bytes",
            "Size of the usage records in the spool",
            move || spool.spool_bytes() as f64,
        )
        .counter(
            "outcrop_usage_lost",
            "Usage records for which neither the store nor the spool had room",
            move || lost.lost() as f64,
        )
}

/// Adds what is read at the moment of a scrape: what the gateway serves, which records wait, and
/// which configuration is in use.
fn with_state(
    metrics: MetricsBuilder,
    load: ServerLoad,
    usage: UsageQueue,
    status: Option<ConfigStatus>,
) -> MetricsBuilder {
    let (streams, connections) = (load.clone(), load.clone());
    let dropped = usage.clone();
    let metrics = metrics
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
        );
    let Some(status) = status else {
        return metrics;
    };
    let generation = status.clone();
    metrics
        .gauge(
            "outcrop_config_generation",
            "The number of the configuration: 1 at the start, one more after each reload",
            move || generation.state().generation as f64,
        )
        .gauge(
            "outcrop_config_last_reload_successful",
            "Whether the last attempt to reload the configuration succeeded",
            move || f64::from(u8::from(status.state().error.is_none())),
        )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::allowances::{BudgetPeriod, Level};
    use crate::limits::RefusedLimit;
    use crate::models::CostBreakdown;
    use crate::server::Cores;
    use crate::store::{Spool, Store};
    use crate::telemetry::MetricsFormat;
    use crate::usage::{
        Cost, FailedAttempts, RequestHead, TokenCounts, UsageReaders, UsageRecord, WriterSettings,
    };

    /// Records that fill all metrics of requests.
    fn records() -> [UsageRecord; 3] {
        let full = UsageRecord {
            stream: true,
            first_token: Some(Duration::ZERO),
            queued: Some(Duration::ZERO),
            attempts: 1,
            refused_limit: Some(RefusedLimit {
                scope: "team",
                kind: "tokens",
            }),
            failed_attempts: FailedAttempts::default(),
            overhead: Some(Duration::ZERO),
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

    /// A writer that waits for a file which is never there.
    fn idle_writer() -> UsageWriter {
        let missing = Path::new("/nowhere/outcrop.db");
        let settings = WriterSettings {
            wait_for_file: Some(missing.to_owned()),
            time_zone: TimeZone::UTC,
            spool: Spool::at(missing, 1 << 24),
        };
        UsageWriter::start(Arc::new(Store::at(missing)), settings)
    }

    fn budget() -> UsedBudget {
        UsedBudget {
            level: Level::Team,
            team: "research".to_owned(),
            per: BudgetPeriod::Day,
            is_hard: true,
            ratio: 0.5,
        }
    }

    #[tokio::test]
    async fn the_documentation_has_every_metric() {
        let builder = MetricsBuilder::new(|_| false);
        let requests = builder.requests();
        records().iter().for_each(|record| requests.observe(record));
        let queue = UsageQueue::start(UsageReaders::new(Vec::new()), Duration::ZERO);
        let status = Some(ConfigStatus::default());
        let metrics = with_state(builder, Cores::current().load(), queue, status);
        let metrics = with_writer(metrics, &idle_writer());
        let metrics = metrics.budgets(|| vec![budget()]).build();
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
