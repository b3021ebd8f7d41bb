//! The log line of a request. A guard writes it when the request ends, also if the client
//! disconnects.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::Method;
use parking_lot::{Mutex, MutexGuard};
use tracing::Level;

use crate::error::bounded;
use crate::error::{ApiError, ErrorCode};
use crate::models::Usd;
use crate::usage::{Cost, TokenCounts};

/// The target of the log line of a request.
pub const LOG_TARGET: &str = "outcrop::record";

/// The ledger of a request, shared by its layers; dropping the last reference writes the line. It
/// contains no text of the conversation.
#[derive(Debug)]
pub struct Ledger {
    began: Instant,
    entries: Mutex<RecordFields>,
}

/// The entries of a ledger.
#[derive(Debug, Default)]
pub struct RecordFields {
    /// The gateway's request id, which the client gets too.
    pub request_id: String,
    /// The client's own request id.
    pub client_request_id: Option<String>,
    /// The method.
    pub method: Option<Method>,
    /// The client's retry count, from the headers of its SDK.
    pub client_retries: u32,
    /// The route.
    pub route: String,
    /// The peer address: the client, or a proxy.
    pub client_address: Option<IpAddr>,
    /// The caller's name.
    pub caller: Option<String>,
    /// The first characters of a rejected key, by which its owner recognizes it.
    pub rejected_key: Option<String>,
    /// The model name of the request.
    pub model: Option<String>,
    /// The Bedrock model id.
    pub target: Option<String>,
    /// The HTTP status; `None` if the client disconnected before the response.
    pub status: Option<u16>,
    /// Whether the response is streamed.
    pub stream: bool,
    /// The time in queues of the limits.
    pub queued: Option<Duration>,
    /// The time to the first token.
    pub first_token: Option<Duration>,
    /// The usage, once Bedrock has returned it; summed over all calls.
    pub usage: Option<TokenCounts>,
    /// The text units of guardrails, as Bedrock counts them.
    pub text_units: Option<u64>,
    /// The cost.
    pub cost: Option<Cost>,
    /// An estimate of the output tokens so far, for responses that end before Bedrock returns the
    /// usage.
    pub estimated_completion: u64,
    /// The error: the code, and a detail for the operator, which is empty if it could quote the
    /// request.
    pub error: Option<(String, String)>,
    /// AWS's message, which can quote the request and is not logged.
    pub unlogged_detail: Option<String>,
    /// The JSON path of the wrong field.
    pub parameter: Option<String>,
    /// The outcome.
    pub outcome: RequestOutcome,
    /// The adjustments.
    pub adjustments: Option<String>,
    /// The number of tool calls removed because the client excluded tools.
    pub withheld_calls: Option<u64>,
    /// The number of response events without a counterpart in the client's API.
    pub undelivered: Option<u64>,
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The client disconnected before the response was complete.
    #[default]
    Abandoned,
    /// The response, or an error response, is complete.
    Completed,
    /// The stream ended with an error event.
    Broken,
}

impl Ledger {
    /// Opens the ledger of a request.
    pub fn new(request_id: String, route: String, client_request_id: Option<String>) -> Self {
        Self {
            began: Instant::now(),
            entries: Mutex::new(RecordFields {
                request_id,
                route,
                client_request_id,
                ..RecordFields::default()
            }),
        }
    }

    /// The time since the start of the request.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Records an error, unless Bedrock's own error is already recorded. Messages that can quote
    /// the request are not logged; the code and the path say what was wrong.
    pub fn note_error(&self, error: &ApiError) {
        let mut entries = self.entries();
        if entries.error.is_none() {
            let code = error.code.map_or("", ErrorCode::as_str).to_owned();
            let upstream_error = match error.kind.quotes_request() {
                true => String::new(),
                false => error.message.to_string(),
            };
            entries.error = Some((code, upstream_error));
        }
        if let Some(path) = error.path() {
            entries.parameter = Some(bounded::logged_path(&path));
        }
    }

    /// Locks the entries. The guard must not be held across an await.
    pub fn entries(&self) -> MutexGuard<'_, RecordFields> {
        self.entries.lock()
    }
}

impl RecordFields {
    /// The level of the line: a warning for client errors, an error for failures of the gateway or
    /// of Bedrock.
    fn level(&self) -> Level {
        match (self.outcome, self.status) {
            (RequestOutcome::Broken, _) | (_, Some(500..)) => Level::ERROR,
            (_, Some(400..)) => Level::WARN,
            _ => Level::INFO,
        }
    }
}

/// Writes the line with `event`, one of tracing's macros: the level of an event is static.
macro_rules! write_line {
    ($event:ident, $fields:expr) => {{
        let LogLine {
            entries,
            outcome,
            usage,
            completion,
            estimated,
            duration_ms,
        } = $fields;
        let cost = entries.cost;
        let (code, upstream_error) = match &entries.error {
            Some((code, upstream_error)) => (Some(code.as_str()), text(upstream_error)),
            None => (None, None),
        };
        tracing::$event!(
            target: LOG_TARGET,
            request_id = entries.request_id,
            client_request_id = entries.client_request_id,
            method = entries.method.as_ref().map(|method| bounded::logged(method.as_str())),
            client_retries = (entries.client_retries > 0).then_some(entries.client_retries),
            route = bounded::logged(&entries.route),
            client_address = entries.client_address.map(tracing::field::display),
            caller = entries.caller,
            rejected_key = entries.rejected_key,
            model = entries.model.as_deref().map(bounded::logged_name),
            target_model = entries.target,
            status = entries.status,
            outcome,
            stream = entries.stream,
            prompt_tokens = usage.prompt,
            completion_tokens = completion,
            cached_tokens = usage.cached,
            cache_write_tokens = usage.cache_write,
            reasoning_tokens = usage.reasoning,
            text_units = entries.text_units,
            cost_usd = cost.map(|cost| usd(cost.total)),
            cache_saved_usd = cost
                .and_then(|cost| cost.saved)
                .map(|saved| saved.to_string()),
            tokens_estimated = estimated.then_some(true),
            queued_ms = entries.queued.map(milliseconds),
            time_to_first_token_ms = entries.first_token.map(milliseconds),
            duration_ms,
            adjustments = entries.adjustments,
            withheld_tool_calls = entries.withheld_calls,
            undelivered_events = entries.undelivered,
            error = code,
            parameter = entries.parameter,
            upstream_error,
            "request"
        );
    }};
}

/// The fields of the line.
struct LogLine<'a> {
    entries: &'a RecordFields,
    outcome: &'static str,
    usage: TokenCounts,
    completion: u64,
    estimated: bool,
    duration_ms: f64,
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let duration_ms = milliseconds(self.elapsed());
        let entries = self.entries();
        let usage = entries.usage.unwrap_or_default();
        let estimated = entries.usage.is_none() && entries.estimated_completion > 0;
        let completion = match estimated {
            true => entries.estimated_completion,
            false => usage.completion,
        };
        let outcome = match entries.outcome {
            RequestOutcome::Abandoned => "abandoned",
            RequestOutcome::Completed => "completed",
            RequestOutcome::Broken => "broken",
        };
        let line = LogLine {
            entries: &entries,
            outcome,
            usage,
            completion,
            estimated,
            duration_ms,
        };
        match entries.level() {
            Level::ERROR => write_line!(error, line),
            Level::WARN => write_line!(warn, line),
            _ => write_line!(info, line),
        }
    }
}

/// A field of the line; `None` if it is empty.
fn text(field: &str) -> Option<String> {
    (!field.is_empty()).then(|| bounded::logged(field))
}

/// An amount in US dollars, or `unknown`.
pub fn usd(amount: Option<Usd>) -> String {
    amount.map_or_else(|| "unknown".to_owned(), |amount| amount.to_string())
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_level_matches_the_outcome() {
        for (status, outcome, level) in [
            (Some(200), RequestOutcome::Completed, Level::INFO),
            (Some(200), RequestOutcome::Abandoned, Level::INFO),
            (None, RequestOutcome::Abandoned, Level::INFO),
            (Some(404), RequestOutcome::Completed, Level::WARN),
            (Some(429), RequestOutcome::Completed, Level::WARN),
            (Some(502), RequestOutcome::Completed, Level::ERROR),
            (Some(200), RequestOutcome::Broken, Level::ERROR),
        ] {
            let entries = RecordFields {
                status,
                outcome,
                ..RecordFields::default()
            };
            assert_eq!(entries.level(), level, "{status:?} {outcome:?}");
        }
    }
}
