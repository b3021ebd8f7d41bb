//! The settled record of a request: plain data for its readers.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;

use super::cost::{Cost, Units};
use super::principal::Principal;
use super::target::Target;
use super::tokens::TokenCounts;
use crate::limits::RefusedLimit;
use crate::models::Tier;

/// The route of requests that match none.
const UNKNOWN_ROUTE: &str = "unknown";

/// A request that has ended. It contains no text of the conversation.
#[derive(Debug, Clone)]
pub struct UsageRecord {
    /// What was known when the request arrived.
    pub head: RequestHead,
    /// When the request arrived.
    pub at: SystemTime,
    /// The route that the path matches, such as `/v1/files/{id}`; `unknown` if there is none.
    pub route: Cow<'static, str>,
    /// The request ids of AWS, one for each HTTP response of Bedrock; at most 16.
    pub upstream_request_ids: Vec<String>,

    /// The caller; `None` if the request had no valid credential.
    pub caller: Option<Arc<Principal>>,
    /// How the caller has authenticated; `None` without keys, and for the lines of a batch.
    pub identity: Option<Identity>,
    /// The first characters of a rejected key, by which its owner recognizes it.
    pub rejected_key: Option<String>,

    /// The model name of the request.
    pub model: Option<String>,
    /// The model that was called, or the guardrail.
    pub target: Option<Target>,
    /// The API of AWS that was called last.
    pub upstream: Option<Upstream>,
    /// The AWS region that was called last.
    pub region: Option<Arc<str>>,
    /// Whether the response is streamed.
    pub stream: bool,
    /// The service tier that the request asked for.
    pub tier_requested: Option<Tier>,
    /// The service tier that Bedrock reports.
    pub tier_served: Option<Tier>,
    /// The size of the client's JSON, in bytes, without its HTTP compression; 0 for forms.
    pub request_bytes: u64,

    /// The tokens of all calls; `None` if Bedrock reported none.
    pub tokens: Option<TokenCounts>,
    /// Whether `tokens` is an estimate: the response ended before Bedrock reported its usage.
    pub estimated: bool,
    /// The usage that is not counted in tokens.
    pub units: Option<Units>,
    /// The cost; `None` if no usage was reported.
    pub cost: Option<Cost>,

    /// The HTTP status; `None` if the client disconnected before the response.
    pub status: Option<u16>,
    /// How the request ended.
    pub outcome: RequestOutcome,
    /// Why the model stopped, as the client received it, in Converse's words; that of the last
    /// choice. `None` if the response has none, or ended before.
    pub finish_reason: Option<&'static str>,
    /// Whether a guardrail intervened in the response.
    pub guardrail_intervened: bool,
    /// The error.
    pub error: Option<RequestError>,
    /// The limit of the gateway that refused the request.
    pub refused_limit: Option<RefusedLimit>,
    /// The attempts of all calls to Bedrock.
    pub attempts: u32,
    /// Those of them that failed.
    pub failed_attempts: FailedAttempts,
    /// The time in queues of the limits.
    pub queued: Option<Duration>,
    /// The gateway's own time until the response began: without the arrival of the body, the queues of
    /// the limits, and the calls to Bedrock. `None` if Bedrock was not called.
    pub overhead: Option<Duration>,
    /// The time to the first token.
    pub first_token: Option<Duration>,
    /// The time from the arrival of the request to the end of its response.
    pub duration: Duration,
    /// The adjustments.
    pub adjustments: Option<String>,
    /// The number of tool calls removed because the client excluded tools.
    pub withheld_calls: u64,
    /// The number of response events without a counterpart in the client's API.
    pub undelivered: u64,
}

impl UsageRecord {
    pub(crate) fn new(head: RequestHead, at: SystemTime) -> Self {
        Self {
            head,
            at,
            route: Cow::Borrowed(UNKNOWN_ROUTE),
            upstream_request_ids: Vec::new(),
            caller: None,
            identity: None,
            rejected_key: None,
            model: None,
            target: None,
            upstream: None,
            region: None,
            stream: false,
            tier_requested: None,
            tier_served: None,
            request_bytes: 0,
            tokens: None,
            estimated: false,
            units: None,
            cost: None,
            status: None,
            outcome: RequestOutcome::default(),
            finish_reason: None,
            guardrail_intervened: false,
            error: None,
            refused_limit: None,
            attempts: 0,
            failed_attempts: FailedAttempts::default(),
            queued: None,
            overhead: None,
            first_token: None,
            duration: Duration::ZERO,
            adjustments: None,
            withheld_calls: 0,
            undelivered: 0,
        }
    }
}

/// What is known of a request when it arrives.
#[derive(Debug, Clone, Default)]
pub struct RequestHead {
    /// The gateway's request id, which the client gets too.
    pub request_id: String,
    /// The client's own request id.
    pub client_request_id: Option<String>,
    /// The method; `None` for requests in a batch.
    pub method: Option<Method>,
    /// The client's path, which can contain ids. For the log only.
    pub path: String,
    /// The peer address: the client, or a proxy. For the log only.
    pub client_address: Option<IpAddr>,
    /// The client's retry count, from the headers of its SDK.
    pub client_retries: u32,
}

/// How a caller has authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// By an API key.
    Key,
    /// By a SigV4 signature with an access key of the gateway.
    Signature,
    /// By a JWT of an identity provider.
    Jwt,
}

/// An API of AWS that serves requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// Converse and ConverseStream.
    Converse,
    /// InvokeModel and InvokeModelWithResponseStream.
    InvokeModel,
    /// OpenAI's chat completions on `bedrock-runtime`.
    RuntimeChatCompletions,
    /// OpenAI's chat completions on `bedrock-mantle`.
    MantleChatCompletions,
    /// StartAsyncInvoke and its companions.
    AsyncInvoke,
    /// CountTokens.
    CountTokens,
    /// ApplyGuardrail and InvokeGuardrailChecks.
    Guardrails,
    /// A batch job.
    BatchJob,
}

/// How a request ended.
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

/// The attempts of calls to Bedrock that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailedAttempts {
    /// Those that Bedrock throttled.
    pub throttled: u32,
    /// The others.
    pub other: u32,
}

impl FailedAttempts {
    /// All of them.
    pub fn sum(self) -> u32 {
        self.throttled.saturating_add(self.other)
    }
}

/// The error of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// The code: AWS's if Bedrock failed, else the client's.
    pub code: String,
    /// A detail for the operator; empty if it could quote the request. For the log only.
    pub detail: String,
    /// The JSON path of the wrong field.
    pub parameter: Option<String>,
}
