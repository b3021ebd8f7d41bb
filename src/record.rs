//! The one log line of a request, written when the request is over: also when the client leaves,
//! since a guard writes it.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use tracing::Level;

use crate::bounded;
use crate::error::ApiError;
use crate::models::Usd;
use crate::openai::chat::TokenCounts;
use crate::pipeline::Cost;

/// The target of the log line of a request.
pub const LOG_TARGET: &str = module_path!();

/// What becomes of one request. Shared by the layers that it passes; the last to let go of it
/// writes the line. No text of the conversation is in it.
#[derive(Debug)]
pub struct Record {
    began: Instant,
    entries: Mutex<RecordFields>,
}

/// What is known of the request so far.
#[derive(Debug, Default)]
pub struct RecordFields {
    /// The gateway's id of the request, which the client has too.
    pub request_id: String,
    /// The client's own id, where it sent one.
    pub client_request_id: Option<String>,
    /// The method.
    pub method: Option<Method>,
    /// How many times the client has sent the request before, as its SDK says.
    pub client_retries: u32,
    /// The route.
    pub route: String,
    /// The address of the connection's other end: the client, or the proxy in front.
    pub client_address: Option<IpAddr>,
    /// The caller's name.
    pub caller: Option<String>,
    /// The first characters of a key that is not one of the gateway's, so that its owner is found.
    pub rejected_key: Option<String>,
    /// The model as the client calls it.
    pub model: Option<String>,
    /// The model as Bedrock calls it.
    pub target: Option<String>,
    /// The HTTP status; absent where the client left before there was one.
    pub status: Option<u16>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// How long it waited for the limits to let it in.
    pub queued: Option<Duration>,
    /// How long the first token took.
    pub first_token: Option<Duration>,
    /// What was used, once Bedrock has said so; over all answers where there are several.
    pub usage: Option<TokenCounts>,
    /// The units of text that were judged, as Bedrock counts them.
    pub text_units: Option<u64>,
    /// What that cost.
    pub cost: Option<Cost>,
    /// The tokens written so far, estimated, for answers that end before Bedrock says it.
    pub estimated_completion: u64,
    /// Why it failed: the code, and what only the operator reads, which is empty where it could
    /// quote the request.
    pub error: Option<(String, String)>,
    /// AWS's words for it, which can quote the request and are not logged.
    pub unlogged_detail: Option<String>,
    /// The JSON path of the field at fault.
    pub parameter: Option<String>,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// What was changed in the request.
    pub adjustments: Option<String>,
    /// How many calls of the model's were kept from a client that wanted none of them.
    pub withheld_calls: Option<u64>,
    /// How many events of the response could not be shown to the client.
    pub undelivered: Option<u64>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The client left before the answer was whole.
    #[default]
    Abandoned,
    /// The answer is whole, or is an error.
    Completed,
    /// The stream broke, and the client was told so.
    Broken,
}

impl Record {
    /// The record of a request that begins now.
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

    /// How long the request has taken.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Notes why the request failed, unless Bedrock's own reason is there already. A message that
    /// can quote the request goes to the client alone; the code and the field's path say what was
    /// wrong.
    pub fn note_error(&self, error: &ApiError) {
        let mut entries = self.entries();
        if entries.error.is_none() {
            let code = error.code.unwrap_or_default().to_owned();
            let upstream_error = match error.kind.quotes_request() {
                true => String::new(),
                false => error.message.clone(),
            };
            entries.error = Some((code, upstream_error));
        }
        if let Some(parameter) = &error.parameter {
            entries.parameter = Some(bounded::logged_path(parameter));
        }
    }

    /// The entries, to be read or changed. Never held across an await.
    pub fn entries(&self) -> MutexGuard<'_, RecordFields> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordFields {
    /// How loud the line of the request is: a client's mistake is a warning, a failure of the
    /// gateway's or of Bedrock's an error.
    fn level(&self) -> Level {
        match (self.outcome, self.status) {
            (RequestOutcome::Broken, _) | (_, Some(500..)) => Level::ERROR,
            (_, Some(400..)) => Level::WARN,
            _ => Level::INFO,
        }
    }
}

/// Writes the line with `event`, one of tracing's macros: the level of an event is part of the code
/// that writes it.
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

/// What the line is made of.
struct LogLine<'a> {
    entries: &'a RecordFields,
    outcome: &'static str,
    usage: TokenCounts,
    completion: u64,
    estimated: bool,
    duration_ms: f64,
}

impl Drop for Record {
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

/// A field of the line, unless it is empty.
fn text(field: &str) -> Option<String> {
    (!field.is_empty()).then(|| bounded::logged(field))
}

/// Dollars, or that they are not known.
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
