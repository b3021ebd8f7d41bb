//! Output events as one `chat.completion` object.

use serde::{Deserialize, Serialize};

use super::finish_reason::FinishReason;
use crate::converse::JsonText;
use crate::converse::content::{ReasoningBlock, ReasoningText};
use crate::converse::options::Fields;
use crate::converse::output::ResponseSummary;
use crate::converse::output::{
    CallKind, OutputBlock, OutputDelta, OutputEvent, OutputWriter, Span,
};
use crate::converse::response::{Citation, WebSource};
use crate::usage::TokenCounts;

/// One of the `choices` of a completion, built from output events.
#[derive(Debug, Default)]
pub struct Completion {
    legacy_functions: bool,
    content: String,
    refusal: String,
    logprobs: Option<LogprobsObject>,
    reasoning: String,
    thinking_blocks: Vec<ReasoningBlock>,
    annotations: Vec<AnnotationObject>,
    citations: Vec<CitationObject>,
    calls: Vec<CompletionToolCall>,
    finish: Option<FinishReason>,
}

#[derive(Debug)]
struct CompletionToolCall {
    id: String,
    name: String,
    input: String,
    kind: CallKind,
}

/// The fields of a completion that its choices share.
#[derive(Debug, Clone, Copy)]
pub struct CompletionHead<'a> {
    /// The id of the completion.
    pub id: &'a str,
    /// The time of creation in Unix seconds.
    pub created: u64,
    /// The client's name of the model.
    pub model: &'a str,
    /// The request's `metadata`, which the response repeats.
    pub metadata: Option<&'a Fields>,
}

impl Completion {
    /// A choice without any output yet.
    pub fn new(legacy_functions: bool) -> Self {
        Self {
            legacy_functions,
            ..Self::default()
        }
    }

    /// The JSON of the completion with all its choices.
    pub fn to_json(
        completions: &[Self],
        head: CompletionHead<'_>,
        summary: &ResponseSummary,
    ) -> serde_json::Result<Vec<u8>> {
        let ResponseSummary {
            usage,
            trace,
            response_fields,
            service_tier,
        } = summary;
        // A growing buffer would be copied for each doubling.
        let length = completions.iter().map(Self::length).sum::<usize>();
        let mut json = Vec::with_capacity(length + 640);
        let choices = (0..).zip(completions);
        let object = CompletionObject {
            id: head.id,
            object: "chat.completion",
            created: head.created,
            model: head.model,
            choices: choices
                .map(|(index, completion)| completion.choice(index))
                .collect(),
            usage: UsageObject::from(usage.unwrap_or_default()),
            service_tier: service_tier.as_deref(),
            metadata: head.metadata,
            trace: trace.as_ref(),
            additional_model_response_fields: response_fields.as_ref(),
        };
        serde_json::to_writer(&mut json, &object)?;
        Ok(json)
    }

    /// The length of its texts, in bytes.
    fn length(&self) -> usize {
        let inputs = self.calls.iter().map(|call| call.input.len());
        self.content.len() + self.refusal.len() + self.reasoning.len() + inputs.sum::<usize>()
    }

    fn choice(&self, index: u32) -> ChoiceObject<'_> {
        let has_calls = !self.calls.is_empty();
        let first_call = self.calls.first().filter(|_| self.legacy_functions);
        let tool_calls = match self.legacy_functions {
            true => Vec::new(),
            false => self.calls.iter().map(ToolCallObject::from).collect(),
        };
        let blocks = self.thinking_blocks.iter();
        let message = MessageObject {
            role: "assistant",
            // Without tool calls or a refusal, clients expect `content` to be a string.
            content: (!has_calls && self.refusal.is_empty() || !self.content.is_empty())
                .then_some(&self.content),
            refusal: (!self.refusal.is_empty()).then_some(&self.refusal),
            reasoning_content: (!self.reasoning.is_empty()).then_some(&self.reasoning),
            thinking_blocks: blocks.map(ThinkingBlockObject::from).collect(),
            annotations: &self.annotations,
            bedrock_citations: &self.citations,
            tool_calls,
            function_call: first_call.map(FunctionCallObject::from),
        };
        ChoiceObject {
            index,
            message,
            logprobs: self.logprobs.as_ref(),
            finish_reason: self.finish.unwrap_or(FinishReason::Stop).as_str(),
        }
    }
}

impl Completion {
    fn start(&mut self, block: OutputBlock<'_>) {
        match block {
            OutputBlock::Text | OutputBlock::Refusal | OutputBlock::Reasoning => {}
            OutputBlock::RedactedReasoning(data) => {
                let block = ReasoningBlock::RedactedContent(data.to_owned());
                self.thinking_blocks.push(block);
            }
            OutputBlock::ToolCall { id, name, kind } => self.calls.push(CompletionToolCall {
                id: id.to_owned(),
                name: name.to_owned(),
                input: String::new(),
                kind,
            }),
        }
    }

    fn delta(&mut self, delta: OutputDelta<'_>) {
        match delta {
            OutputDelta::Text(text) => self.content.push_str(text),
            OutputDelta::Refusal(text) => self.refusal.push_str(text),
            OutputDelta::Reasoning(text) => self.reasoning.push_str(text),
            OutputDelta::Signature(reasoning) => {
                let block = ReasoningBlock::ReasoningText(reasoning.clone());
                self.thinking_blocks.push(block);
            }
            OutputDelta::Input { fragment, kind: _ } => {
                if let Some(call) = self.calls.last_mut() {
                    call.input.push_str(fragment);
                }
            }
            OutputDelta::Citation {
                citation: source,
                span,
            } => match source.web_source() {
                Some(page) => self.annotations.push(annotation(None, page, span)),
                None => self.citations.push(citation(None, source, span)),
            },
            OutputDelta::Logprobs(logprobs) => {
                if let Ok(more) = serde_json::from_str::<LogprobsObject>(logprobs.as_str()) {
                    self.logprobs.get_or_insert_default().append(more);
                }
            }
        }
    }
}

impl OutputWriter for Completion {
    fn output(&mut self, output: OutputEvent<'_>) {
        match output {
            OutputEvent::MessageStart | OutputEvent::BlockStop { .. } => {}
            OutputEvent::BlockStart { index: _, block } => self.start(block),
            OutputEvent::BlockDelta { index: _, delta } => self.delta(delta),
            OutputEvent::MessageStop(reason) => {
                self.finish = Some(FinishReason::new(reason, self.legacy_functions));
            }
        }
    }
}

#[derive(Serialize)]
struct CompletionObject<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChoiceObject<'a>>,
    usage: UsageObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<&'a JsonText>,
}

#[derive(Serialize)]
struct ChoiceObject<'a> {
    index: u32,
    message: MessageObject<'a>,
    logprobs: Option<&'a LogprobsObject>,
    finish_reason: &'static str,
}

/// The probabilities of the tokens of the text and of the refusal, one entry for each token.
#[derive(Debug, Default, Serialize, Deserialize)]
struct LogprobsObject {
    content: Option<Vec<JsonText>>,
    refusal: Option<Vec<JsonText>>,
}

impl LogprobsObject {
    /// Adds those of the following tokens.
    fn append(&mut self, more: Self) {
        for (list, more) in [
            (&mut self.content, more.content),
            (&mut self.refusal, more.refusal),
        ] {
            if let Some(more) = more {
                list.get_or_insert_default().extend(more);
            }
        }
    }
}

#[derive(Serialize)]
struct MessageObject<'a> {
    role: &'static str,
    content: Option<&'a String>,
    refusal: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thinking_blocks: Vec<ThinkingBlockObject<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    annotations: &'a [AnnotationObject],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    bedrock_citations: &'a [CitationObject],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCallObject<'a>>,
}

/// A reasoning block in Anthropic's format; chunks of a stream add its `index`.
#[derive(Serialize)]
pub(super) struct ThinkingBlockObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
}

impl<'a> ThinkingBlockObject<'a> {
    /// Readable reasoning; `index` is `None` outside of streams.
    pub(super) fn readable(index: Option<usize>, reasoning: &'a ReasoningText) -> Self {
        Self {
            index,
            r#type: "thinking",
            thinking: Some(&reasoning.text),
            signature: reasoning.signature.as_deref(),
            data: None,
        }
    }

    /// Encrypted reasoning; `index` is `None` outside of streams.
    pub(super) fn redacted(index: Option<usize>, data: &'a str) -> Self {
        Self {
            index,
            r#type: "redacted_thinking",
            thinking: None,
            signature: None,
            data: Some(data),
        }
    }
}

impl<'a> From<&'a ReasoningBlock> for ThinkingBlockObject<'a> {
    fn from(block: &'a ReasoningBlock) -> Self {
        match block {
            ReasoningBlock::ReasoningText(reasoning) => Self::readable(None, reasoning),
            ReasoningBlock::RedactedContent(data) => Self::redacted(None, data),
        }
    }
}

/// A citation of a web page.
#[derive(Debug, Serialize)]
pub(super) struct AnnotationObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    r#type: &'static str,
    url_citation: UrlCitationObject,
}

#[derive(Debug, Serialize)]
struct UrlCitationObject {
    url: String,
    title: String,
    start_index: usize,
    end_index: usize,
}

/// A citation of a web page; `index` is `None` outside of streams.
pub(super) fn annotation(index: Option<usize>, source: WebSource, span: Span) -> AnnotationObject {
    let WebSource { url, title } = source;
    AnnotationObject {
        index,
        r#type: "url_citation",
        url_citation: UrlCitationObject {
            url,
            title,
            start_index: span.start,
            end_index: span.end,
        },
    }
}

/// A citation of a document or search result of the request.
#[derive(Debug, Serialize)]
pub(super) struct CitationObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    start_index: usize,
    end_index: usize,
    citation: Citation,
}

/// A citation of a document or search result of the request; `index` is `None` outside of streams.
pub(super) fn citation(index: Option<usize>, source: &Citation, span: Span) -> CitationObject {
    CitationObject {
        index,
        start_index: span.start,
        end_index: span.end,
        citation: source.clone(),
    }
}

#[derive(Serialize)]
struct ToolCallObject<'a> {
    id: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<FunctionCallObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<CustomObject<'a>>,
}

#[derive(Serialize)]
struct FunctionCallObject<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct CustomObject<'a> {
    name: &'a str,
    input: &'a str,
}

impl<'a> From<&'a CompletionToolCall> for ToolCallObject<'a> {
    fn from(call: &'a CompletionToolCall) -> Self {
        let is_function = call.kind == CallKind::Function;
        Self {
            id: &call.id,
            r#type: call.kind.as_str(),
            function: is_function.then(|| FunctionCallObject::from(call)),
            custom: (!is_function).then(|| CustomObject {
                name: &call.name,
                input: &call.input,
            }),
        }
    }
}

impl<'a> From<&'a CompletionToolCall> for FunctionCallObject<'a> {
    fn from(call: &'a CompletionToolCall) -> Self {
        Self {
            name: &call.name,
            arguments: &call.input,
        }
    }
}

/// `usage`, in non-streaming responses and in the last chunk of a stream.
#[derive(Serialize)]
pub(crate) struct UsageObject {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    audio_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
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
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt.saturating_add(completion),
            prompt_tokens_details: PromptDetails {
                cached_tokens: cached,
                cache_write_tokens: cache_write,
                audio_tokens: 0,
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: reasoning,
                audio_tokens: 0,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
            },
        }
    }
}
