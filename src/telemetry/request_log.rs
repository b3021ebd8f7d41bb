//! The log line of a request: a reader of its settled record.

use std::borrow::Cow;
use std::time::Duration;

use tracing::Level;

use crate::error::bounded;
use crate::models::{Tier, Usd};
use crate::usage::{RequestOutcome, Target, Units, UsageRecord, usd};

/// The target of the log line of a request, by which `RUST_LOG` selects it.
pub(super) const LOG_TARGET: &str = "outcrop::record";

/// Writes the line with `event`, one of tracing's macros: the level of an event is static.
macro_rules! write_line {
    ($event:ident, $record:expr) => {{
        let record: &UsageRecord = $record;
        let head = &record.head;
        let tokens = record.tokens.unwrap_or_default();
        let cost = record.cost.and_then(|cost| cost.breakdown).unwrap_or_default();
        let caller = record.caller.as_ref();
        let error = record.error.as_ref();
        let ids = &record.upstream_request_ids;
        let served = record.tier_served.filter(|tier| *tier != Tier::Default);
        tracing::$event!(
            target: LOG_TARGET,
            request_id = head.request_id,
            client_request_id = head.client_request_id,
            upstream_request_ids = (!ids.is_empty()).then(|| ids.join(",")),
            method = head.method.as_ref().map(|method| bounded::logged(method.as_str())).as_deref(),
            client_retries = (head.client_retries > 0).then_some(head.client_retries),
            path = &*bounded::logged(&head.path),
            route = &*record.route,
            client_address = head.client_address.map(tracing::field::display),
            caller = caller.map(|caller| &*caller.name),
            key_id = caller.and_then(|caller| caller.key_id.as_deref()),
            team = caller.and_then(|caller| caller.team.as_deref()),
            user = caller.and_then(|caller| caller.user.as_deref()),
            rejected_key = record.rejected_key,
            model = record.model.as_deref().map(bounded::logged_name),
            target_model = record.target.as_ref().map(Target::id),
            status = record.status,
            outcome = outcome(record.outcome),
            finish_reason = record.finish_reason,
            guardrail = record.guardrail_intervened.then_some("intervened"),
            stream = record.stream,
            service_tier = served.map(Tier::as_str),
            attempts = (record.attempts > 1).then_some(record.attempts),
            prompt_tokens = tokens.prompt,
            completion_tokens = tokens.completion,
            cached_tokens = tokens.cached,
            cache_write_tokens = tokens.cache_write,
            reasoning_tokens = tokens.reasoning,
            text_units = text_units(record.units),
            cost_usd = record.cost.map(|cost| usd(cost.total()).to_string()),
            cost_input_usd = amount(cost.input),
            cost_cache_read_usd = amount(cost.cache_read),
            cost_cache_write_usd = amount(cost.cache_write),
            cost_output_usd = amount(cost.output),
            cost_units_usd = amount(cost.units),
            cache_saved_usd = record
                .cost
                .and_then(|cost| cost.saved)
                .map(|saved| saved.to_string()),
            tokens_estimated = record.estimated.then_some(true),
            queued_ms = record.queued.map(milliseconds),
            time_to_first_token_ms = record.first_token.map(milliseconds),
            duration_ms = milliseconds(record.duration),
            adjustments = record.adjustments,
            withheld_tool_calls = positive(record.withheld_calls),
            undelivered_events = positive(record.undelivered),
            error = error.map(|error| error.code.as_str()),
            parameter = error.and_then(|error| error.parameter.as_deref()),
            upstream_error = error.and_then(|error| text(&error.detail)).as_deref(),
            "request"
        );
    }};
}

/// Writes the log line of a request.
pub fn log_request(record: &UsageRecord) {
    match level(record.outcome, record.status) {
        Level::ERROR => write_line!(error, record),
        Level::WARN => write_line!(warn, record),
        _ => write_line!(info, record),
    }
}

/// The level of the line: a warning for client errors, an error for failures of the gateway or of
/// Bedrock.
fn level(outcome: RequestOutcome, status: Option<u16>) -> Level {
    match (outcome, status) {
        (RequestOutcome::Broken, _) | (_, Some(500..)) => Level::ERROR,
        (_, Some(400..)) => Level::WARN,
        _ => Level::INFO,
    }
}

pub(super) fn outcome(outcome: RequestOutcome) -> &'static str {
    match outcome {
        RequestOutcome::Abandoned => "abandoned",
        RequestOutcome::Completed => "completed",
        RequestOutcome::Broken => "broken",
    }
}

fn text_units(units: Option<Units>) -> Option<u64> {
    match units {
        Some(Units::TextUnits(count)) => Some(count),
        _ => None,
    }
}

/// A field of the line; `None` if it is empty.
fn text(field: &str) -> Option<Cow<'_, str>> {
    (!field.is_empty()).then(|| bounded::logged(field))
}

/// An amount; `None` if it is zero.
fn amount(amount: Usd) -> Option<String> {
    (amount != Usd::default()).then(|| amount.to_string())
}

fn positive(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_level_matches_the_outcome() {
        for (status, outcome, expected) in [
            (Some(200), RequestOutcome::Completed, Level::INFO),
            (Some(200), RequestOutcome::Abandoned, Level::INFO),
            (None, RequestOutcome::Abandoned, Level::INFO),
            (Some(404), RequestOutcome::Completed, Level::WARN),
            (Some(429), RequestOutcome::Completed, Level::WARN),
            (Some(502), RequestOutcome::Completed, Level::ERROR),
            (Some(200), RequestOutcome::Broken, Level::ERROR),
        ] {
            assert_eq!(level(outcome, status), expected, "{status:?} {outcome:?}");
        }
    }
}
