//! Pieces of an answer as one `chat.completion` object.

use serde::Serialize;

use super::pieces::{FinishReason, Piece, Sink, TokenCounts};

/// An answer that is being put together.
#[derive(Debug, Default)]
pub struct Completion {
    legacy_functions: bool,
    content: String,
    reasoning: String,
    calls: Vec<Call>,
    finish: Option<FinishReason>,
    usage: TokenCounts,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    arguments: String,
}

impl Completion {
    /// An answer of which nothing has arrived.
    pub fn new(legacy_functions: bool) -> Self {
        Self {
            legacy_functions,
            ..Self::default()
        }
    }

    /// The JSON of the whole answer `id`, given at `created` (Unix seconds) by the model that the
    /// client calls `model`.
    pub fn to_json(&self, id: &str, created: u64, model: &str) -> serde_json::Result<Vec<u8>> {
        let has_calls = !self.calls.is_empty();
        let first_call = self.calls.first().filter(|_| self.legacy_functions);
        let tool_calls = match self.legacy_functions {
            true => Vec::new(),
            false => self.calls.iter().map(ToolCallObject::from).collect(),
        };
        let message = MessageObject {
            role: "assistant",
            // Clients call string methods on the content of an answer without calls.
            content: (!has_calls || !self.content.is_empty()).then_some(&self.content),
            refusal: None,
            reasoning_content: (!self.reasoning.is_empty()).then_some(&self.reasoning),
            tool_calls,
            function_call: first_call.map(FunctionObject::from),
        };
        serde_json::to_vec(&CompletionObject {
            id,
            object: "chat.completion",
            created,
            model,
            choices: [ChoiceObject {
                index: 0,
                message,
                logprobs: None,
                finish_reason: self.finish.unwrap_or(FinishReason::Stop).as_str(),
            }],
            usage: UsageObject::from(self.usage),
        })
    }
}

impl Sink for Completion {
    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Role => {}
            Piece::Content(text) => self.content.push_str(text),
            Piece::Reasoning(text) => self.reasoning.push_str(text),
            Piece::ToolCall { index: _, id, name } => self.calls.push(Call {
                id: id.to_owned(),
                name: name.to_owned(),
                arguments: String::new(),
            }),
            Piece::Arguments { index, fragment } => {
                if let Some(call) = self.calls.get_mut(index) {
                    call.arguments.push_str(fragment);
                }
            }
            Piece::Finish(reason) => self.finish = Some(reason),
            Piece::Usage(counts) => self.usage = counts,
        }
    }
}

#[derive(Serialize)]
struct CompletionObject<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [ChoiceObject<'a>; 1],
    usage: UsageObject,
}

#[derive(Serialize)]
struct ChoiceObject<'a> {
    index: u32,
    message: MessageObject<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct MessageObject<'a> {
    role: &'static str,
    content: Option<&'a String>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionObject<'a>>,
}

#[derive(Serialize)]
struct ToolCallObject<'a> {
    id: &'a str,
    r#type: &'static str,
    function: FunctionObject<'a>,
}

#[derive(Serialize)]
struct FunctionObject<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> From<&'a Call> for ToolCallObject<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            id: &call.id,
            r#type: "function",
            function: FunctionObject::from(call),
        }
    }
}

impl<'a> From<&'a Call> for FunctionObject<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            name: &call.name,
            arguments: &call.arguments,
        }
    }
}

/// `usage`, in whole answers and in the last chunk of a stream.
#[derive(Serialize)]
pub(super) struct UsageObject {
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

#[derive(Default, Serialize)]
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
            completion_tokens_details: CompletionDetails::default(),
        }
    }
}
