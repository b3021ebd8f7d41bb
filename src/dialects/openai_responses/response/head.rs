//! The response object: what is known of it in advance, and what changes.

use serde::Serialize;

use super::failure::FailureObject;
use super::finished::FailedResponse;
use super::json_of;
use crate::converse::JsonText;
use crate::converse::output::ResponseSummary;
use crate::dialects::openai_responses::request::types::ResponsesRequest;
use crate::error::ApiError;
use crate::usage::TokenCounts;

/// The fields of a response that are known in advance: its id, and what it repeats of the request.
/// The latter are JSON, since a stream repeats them three times.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    id: String,
    created_at: u64,
    model: String,
    instructions: Option<JsonText>,
    max_output_tokens: Option<i64>,
    max_tool_calls: Option<JsonText>,
    metadata: JsonText,
    parallel_tool_calls: bool,
    previous_response_id: Option<String>,
    prompt_cache_key: Option<JsonText>,
    reasoning: JsonText,
    safety_identifier: Option<JsonText>,
    service_tier: String,
    /// Whether the response is stored when it has ended.
    pub(super) is_stored: bool,
    /// Whether the response is generated in the background.
    pub(super) in_background: bool,
    temperature: JsonText,
    text: JsonText,
    tool_choice: JsonText,
    tools: JsonText,
    top_p: JsonText,
    truncation: String,
    user: Option<JsonText>,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    effort: Option<&'a str>,
    summary: Option<&'a str>,
}

impl ResponseHead {
    /// The head of the response `id` to `request`, created at `created_at` (Unix seconds).
    pub fn new(id: &str, created_at: u64, request: &ResponsesRequest) -> Self {
        let one = || json_of(&1.0);
        let reasoning = request.reasoning.as_ref();
        let summary = reasoning.and_then(|reasoning| {
            let older = reasoning.generate_summary.as_deref();
            reasoning.summary.as_deref().or(older)
        });
        let reasoning = Reasoning {
            effort: reasoning.and_then(|reasoning| reasoning.effort.as_deref()),
            summary,
        };
        let choice = request.tool_choice.as_ref();
        let truncation = request.truncation.as_deref();
        Self {
            id: id.to_owned(),
            created_at,
            model: request.model.clone().unwrap_or_default(),
            instructions: request.instructions.as_ref().map(json_of),
            max_output_tokens: request.max_output_tokens,
            max_tool_calls: request.max_tool_calls.clone(),
            metadata: match &request.metadata {
                Some(metadata) => json_of(metadata),
                None => JsonText::empty_object(),
            },
            parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
            previous_response_id: request.previous_response_id.clone(),
            prompt_cache_key: request.prompt_cache_key.clone(),
            reasoning: json_of(&reasoning),
            safety_identifier: request.safety_identifier.clone(),
            service_tier: match request.service_tier.as_deref() {
                None | Some("auto") => "default".to_owned(),
                Some(tier) => tier.to_owned(),
            },
            is_stored: false,
            in_background: false,
            temperature: request.temperature.as_ref().map_or_else(one, json_of),
            text: super::echo::text(request),
            tool_choice: choice.map_or_else(|| json_of(&"auto"), json_of),
            tools: super::echo::tools(request.tools.as_deref().unwrap_or_default()),
            top_p: request.top_p.as_ref().map_or_else(one, json_of),
            truncation: truncation.unwrap_or("disabled").to_owned(),
            user: request.user.clone(),
        }
    }

    /// The head of a response that is stored when it has ended.
    #[must_use]
    pub fn stored(self) -> Self {
        Self {
            is_stored: true,
            ..self
        }
    }

    /// The head of a response that is generated in the background, and therefore stored.
    #[must_use]
    pub fn in_background(self) -> Self {
        Self {
            is_stored: true,
            in_background: true,
            ..self
        }
    }

    /// The head of a response that was created at this time, in Unix seconds.
    #[must_use]
    pub(super) fn at(self, created_at: u64) -> Self {
        Self { created_at, ..self }
    }

    /// The object of a response with this status, `queued` or `in_progress`.
    pub fn started(&self, status: &'static str) -> JsonText {
        let state = ResponseState {
            status,
            ..ResponseState::in_progress(self)
        };
        json_of(&ResponseObject::new(self, state))
    }

    /// A response that has failed before its first item.
    pub fn failed(&self, error: &ApiError) -> FailedResponse {
        let failure = FailureObject::from(error);
        let state = ResponseState {
            status: "failed",
            error: Some(&failure),
            ..ResponseState::in_progress(self)
        };
        FailedResponse {
            document: json_of(&ResponseObject::new(self, state)),
            output: Vec::new(),
        }
    }

    /// The id of the response.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the response that the request continues.
    pub fn previous_response_id(&self) -> Option<&str> {
        self.previous_response_id.as_deref()
    }

    /// When the response was created, in Unix seconds.
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// The id without its prefix, from which those of items are made.
    pub fn stem(&self) -> &str {
        self.id.strip_prefix("resp_").unwrap_or(&self.id)
    }
}

/// What changes in a response until its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseState<'a> {
    pub(super) status: &'static str,
    /// In Unix seconds.
    pub(super) completed_at: Option<u64>,
    pub(super) error: Option<&'a FailureObject<'a>>,
    /// The reason in `incomplete_details`.
    pub(super) reason: Option<&'static str>,
    pub(super) output: &'a [JsonText],
    pub(super) summary: Option<&'a ResponseSummary>,
    /// Whether the response is, or will be, stored.
    pub(super) is_stored: bool,
}

impl ResponseState<'_> {
    /// The state before the first item.
    pub(super) fn in_progress(head: &ResponseHead) -> Self {
        Self {
            status: "in_progress",
            completed_at: None,
            error: None,
            reason: None,
            output: &[],
            summary: None,
            is_stored: head.is_stored,
        }
    }
}

/// The object on the wire.
#[derive(Serialize)]
pub(super) struct ResponseObject<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    completed_at: Option<u64>,
    background: bool,
    error: Option<&'a FailureObject<'a>>,
    incomplete_details: Option<IncompleteDetails>,
    instructions: Option<&'a JsonText>,
    max_output_tokens: Option<i64>,
    max_tool_calls: Option<&'a JsonText>,
    model: &'a str,
    output: &'a [JsonText],
    parallel_tool_calls: bool,
    previous_response_id: Option<&'a str>,
    prompt_cache_key: Option<&'a JsonText>,
    reasoning: &'a JsonText,
    safety_identifier: Option<&'a JsonText>,
    service_tier: &'a str,
    store: bool,
    temperature: &'a JsonText,
    text: &'a JsonText,
    tool_choice: &'a JsonText,
    tools: &'a JsonText,
    top_logprobs: u32,
    top_p: &'a JsonText,
    truncation: &'a str,
    presence_penalty: u32,
    frequency_penalty: u32,
    usage: Option<UsageObject>,
    user: Option<&'a JsonText>,
    metadata: &'a JsonText,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<&'a JsonText>,
}

#[derive(Serialize)]
struct IncompleteDetails {
    reason: &'static str,
}

/// `usage`; all members are required.
#[derive(Serialize)]
pub(super) struct UsageObject {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl From<TokenCounts> for UsageObject {
    fn from(counts: TokenCounts) -> Self {
        let TokenCounts {
            prompt,
            completion,
            cached,
            cache_write,
            cache_write_one_hour: _,
            reasoning,
        } = counts;
        Self {
            input_tokens: prompt,
            input_tokens_details: InputDetails {
                cached_tokens: cached,
                cache_write_tokens: cache_write,
            },
            output_tokens: completion,
            output_tokens_details: OutputDetails {
                reasoning_tokens: reasoning,
            },
            total_tokens: prompt.saturating_add(completion),
        }
    }
}

impl<'a> ResponseObject<'a> {
    /// The response in a state.
    pub(super) fn new(head: &'a ResponseHead, state: ResponseState<'a>) -> Self {
        let ResponseState {
            status,
            completed_at,
            error,
            reason,
            output,
            summary,
            is_stored,
        } = state;
        let tier = summary.and_then(|summary| summary.service_tier.as_deref());
        Self {
            id: &head.id,
            object: "response",
            created_at: head.created_at,
            status,
            completed_at,
            background: head.in_background,
            error,
            incomplete_details: reason.map(|reason| IncompleteDetails { reason }),
            instructions: head.instructions.as_ref(),
            max_output_tokens: head.max_output_tokens,
            max_tool_calls: head.max_tool_calls.as_ref(),
            model: &head.model,
            output,
            parallel_tool_calls: head.parallel_tool_calls,
            previous_response_id: head.previous_response_id(),
            prompt_cache_key: head.prompt_cache_key.as_ref(),
            reasoning: &head.reasoning,
            safety_identifier: head.safety_identifier.as_ref(),
            service_tier: tier.unwrap_or(&head.service_tier),
            store: is_stored,
            temperature: &head.temperature,
            text: &head.text,
            tool_choice: &head.tool_choice,
            tools: &head.tools,
            top_logprobs: 0,
            top_p: &head.top_p,
            truncation: &head.truncation,
            presence_penalty: 0,
            frequency_penalty: 0,
            usage: summary
                .and_then(|summary| summary.usage)
                .map(UsageObject::from),
            user: head.user.as_ref(),
            metadata: &head.metadata,
            trace: summary.and_then(|summary| summary.trace.as_ref()),
            additional_model_response_fields: summary
                .and_then(|summary| summary.response_fields.as_ref()),
        }
    }
}
