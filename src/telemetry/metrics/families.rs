//! The metrics of requests.

use std::borrow::Cow;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{LabelValue, Subject};
use super::values::DollarCounter;
use crate::limits::RefusedLimit;
use crate::telemetry::request_log::outcome;
use crate::usage::UsageRecord;

/// OpenTelemetry's buckets for durations of requests, in seconds.
const DURATIONS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];

/// OpenTelemetry's buckets for the time to the first token, in seconds, without those below what a
/// call to Bedrock takes, and with two above.
const FIRST_TOKENS: [f64; 14] = [
    0.02, 0.06, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0,
];

/// Buckets for the gateway's own time.
const OVERHEADS: [f64; 12] = [
    0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
];

/// Buckets for the time in queues of the limits, whose default maximum is 10 s.
const QUEUES: [f64; 9] = [0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: Cow<'static, str>,
    model: LabelValue,
    team: LabelValue,
    outcome: &'static str,
    status_class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DurationLabels {
    route: Cow<'static, str>,
    model: LabelValue,
    stream: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    model: LabelValue,
    team: LabelValue,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SubjectLabels {
    model: LabelValue,
    team: LabelValue,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    model: LabelValue,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    scope: &'static str,
    kind: &'static str,
    team: LabelValue,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    model: LabelValue,
    result: &'static str,
}

/// The request of an example in a histogram. OpenMetrics has one for each bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestExample {
    request_id: String,
}

type ExampleHistogram = HistogramWithExemplars<RequestExample>;

/// Histograms with these labels, and with examples.
type ExampleHistograms<Labels> = Family<Labels, ExampleHistogram, fn() -> ExampleHistogram>;

/// Histograms with these labels.
type Histograms<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

/// The metrics that settled records are counted in.
#[derive(Debug)]
pub(super) struct RequestFamilies {
    requests: Family<RequestLabels, Counter>,
    durations: ExampleHistograms<DurationLabels>,
    first_tokens: ExampleHistograms<ModelLabels>,
    queues: Histograms<ModelLabels>,
    overheads: Histogram,
    tokens: Family<TokenLabels, Counter>,
    costs: Family<SubjectLabels, DollarCounter>,
    savings: Family<SubjectLabels, DollarCounter>,
    surcharges: Family<SubjectLabels, DollarCounter>,
    unpriced: Family<SubjectLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    limited: Family<LimitLabels, Counter>,
}

impl RequestFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| {
                ExampleHistogram::new(DURATIONS.into_iter())
            }),
            first_tokens: Family::new_with_constructor(|| {
                ExampleHistogram::new(FIRST_TOKENS.into_iter())
            }),
            queues: Family::new_with_constructor(|| Histogram::new(QUEUES)),
            overheads: Histogram::new(OVERHEADS),
            tokens: Family::default(),
            costs: Family::default(),
            savings: Family::default(),
            surcharges: Family::default(),
            unpriced: Family::default(),
            attempts: Family::default(),
            limited: Family::default(),
        };
        let Self {
            requests,
            durations,
            first_tokens,
            queues,
            overheads,
            tokens,
            costs,
            savings,
            surcharges,
            unpriced,
            attempts,
            limited,
        } = &families;
        registry.register(
            "outcrop_requests",
            "Requests that have ended",
            requests.clone(),
        );
        registry.register(
            "outcrop_request_duration_seconds",
            "Time from the arrival of a request to the end of its response",
            durations.clone(),
        );
        registry.register(
            "outcrop_time_to_first_token_seconds",
            "Time from the arrival of a request to the first token of its stream",
            first_tokens.clone(),
        );
        registry.register(
            "outcrop_queue_seconds",
            "Time of requests in the queues of the limits",
            queues.clone(),
        );
        registry.register(
            "outcrop_overhead_seconds",
            "The gateway's own time until a response begins: without the request's body, queues and \
             Bedrock",
            overheads.clone(),
        );
        registry.register(
            "outcrop_tokens",
            "Tokens by kind; reasoning is a part of output",
            tokens.clone(),
        );
        registry.register(
            "outcrop_cost_usd",
            "Cost of requests by the table of prices, in US dollars",
            costs.clone(),
        );
        registry.register(
            "outcrop_cache_savings_usd",
            "What requests would have cost more without the prompt cache, in US dollars",
            savings.clone(),
        );
        registry.register(
            "outcrop_cache_surcharge_usd",
            "What requests that wrote to the prompt cache cost more than without it, in US dollars",
            surcharges.clone(),
        );
        registry.register(
            "outcrop_unpriced_requests",
            "Requests with usage for which the table has no price",
            unpriced.clone(),
        );
        registry.register(
            "outcrop_attempts",
            "Attempts of calls to Bedrock",
            attempts.clone(),
        );
        registry.register(
            "outcrop_requests_limited",
            "Requests that a limit of the gateway refused",
            limited.clone(),
        );
        families
    }

    pub(super) fn observe(&self, record: &UsageRecord, subject: Subject) {
        let Subject { model, team } = subject;
        let request = RequestLabels {
            route: record.route.clone(),
            model: model.clone(),
            team: team.clone(),
            outcome: outcome(record.outcome),
            status_class: status_class(record.status),
        };
        self.requests.get_or_create(&request).inc();
        let duration = DurationLabels {
            route: record.route.clone(),
            model: model.clone(),
            stream: record.stream,
        };
        observe_example(&self.durations, &duration, Some(record.duration), record);
        let of_model = ModelLabels {
            model: model.clone(),
        };
        let first_token = record.first_token.filter(|_| record.stream);
        observe_example(&self.first_tokens, &of_model, first_token, record);
        observe(&self.queues, &of_model, record.queued);
        if let Some(overhead) = record.overhead {
            self.overheads.observe(overhead.as_secs_f64());
        }
        if let Some(RefusedLimit { scope, kind }) = record.refused_limit {
            let team = team.clone();
            let labels = LimitLabels { scope, kind, team };
            self.limited.get_or_create(&labels).inc();
        }
        self.observe_attempts(record, &model);
        self.observe_usage(record, SubjectLabels { model, team });
    }

    fn observe_attempts(&self, record: &UsageRecord, model: &LabelValue) {
        let failed = record.failed_attempts;
        let succeeded = record.attempts.saturating_sub(failed.sum());
        for (result, count) in [
            ("success", succeeded),
            ("throttled", failed.throttled),
            ("error", failed.other),
        ] {
            if count > 0 {
                let labels = AttemptLabels {
                    model: model.clone(),
                    result,
                };
                self.attempts
                    .get_or_create(&labels)
                    .inc_by(u64::from(count));
            }
        }
    }

    fn observe_usage(&self, record: &UsageRecord, subject: SubjectLabels) {
        if let Some(counts) = record.tokens {
            let billed = counts.billed();
            for (kind, count) in [
                ("input", billed.input),
                ("cache_read", billed.cache_read),
                (
                    "cache_write",
                    billed.cache_write_5m.saturating_add(billed.cache_write_1h),
                ),
                ("output", billed.output),
                ("reasoning", counts.reasoning),
            ] {
                if count > 0 {
                    let SubjectLabels { model, team } = subject.clone();
                    let labels = TokenLabels { model, team, kind };
                    self.tokens.get_or_create(&labels).inc_by(count);
                }
            }
        }
        let Some(cost) = record.cost else {
            return;
        };
        match cost.total() {
            None => {
                self.unpriced.get_or_create(&subject).inc();
            }
            Some(total) => add(&self.costs, &subject, total.nanodollars()),
        }
        if let Some(saved) = cost.saved {
            // A counter cannot fall, and a prefix that is written but not read costs more.
            let saved = saved.nanodollars();
            add(&self.savings, &subject, saved);
            add(&self.surcharges, &subject, saved.saturating_neg());
        }
    }
}

/// Adds an amount that is above zero.
fn add(family: &Family<SubjectLabels, DollarCounter>, labels: &SubjectLabels, nanodollars: i64) {
    if let Ok(amount) = u64::try_from(nanodollars)
        && amount > 0
    {
        family.get_or_create(labels).add_nanodollars(amount);
    }
}

fn observe<Labels>(family: &Histograms<Labels>, labels: &Labels, duration: Option<Duration>)
where
    Labels: Clone + std::hash::Hash + Eq,
{
    if let Some(duration) = duration {
        family.get_or_create(labels).observe(duration.as_secs_f64());
    }
}

fn observe_example<Labels>(
    family: &ExampleHistograms<Labels>,
    labels: &Labels,
    duration: Option<Duration>,
    record: &UsageRecord,
) where
    Labels: Clone + std::hash::Hash + Eq,
{
    if let Some(duration) = duration {
        let example = RequestExample {
            request_id: record.head.request_id.clone(),
        };
        let histogram = family.get_or_create(labels);
        histogram.observe(duration.as_secs_f64(), Some(example), Some(record.at));
    }
}

/// The class of a status; `none` if the client disconnected before the response.
fn status_class(status: Option<u16>) -> &'static str {
    match status {
        None => "none",
        Some(..200) => "1xx",
        Some(200..300) => "2xx",
        Some(300..400) => "3xx",
        Some(400..500) => "4xx",
        Some(500..) => "5xx",
    }
}
