//! The request as sent by clients (OpenAI's openapi.yaml 2.3.0; openai-python 3.54.0,
//! `ResponseCreateParams` and `InputTokenCountParams`).

mod item;
mod tool;

use std::collections::BTreeMap;

use serde_json::Number;

use super::content::StringOrList;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::dialects::openai_chat::{PerformanceFields, PromptCacheOptions, PromptVariable};
use crate::wire::{GuardrailFields, StringOrObject, client_object, written_client_object};
pub use item::{InputItem, ResponsesInputPart};
pub use tool::{ChosenTool, NamespacedTool, ResponsesTool, ResponsesToolChoice};

client_object! {
    /// The body of `POST /v1/responses` and `POST /v1/responses/input_tokens`.
    pub struct ResponsesRequest {
        /// The name of a model.
        model: String,
        /// The input: a string, or items.
        input: StringOrList<Box<InputItem>>,
        /// The instructions before the input.
        instructions: String,
        /// The maximum number of completion tokens, including reasoning.
        max_output_tokens: i64,
        /// The maximum number of calls of hosted tools.
        max_tool_calls: JsonText,
        /// 0 to 2.
        temperature: Number,
        /// 0 to 1.
        top_p: Number,
        /// The number of most likely tokens to sample from, as an extension.
        top_k: Number,
        /// The number of alternative tokens to return probabilities for.
        top_logprobs: JsonText,
        /// The tools the model can call.
        tools: Vec<Box<ResponsesTool>>,
        /// The tool choice.
        tool_choice: StringOrObject<ResponsesToolChoice>,
        /// Whether parallel tool calls are allowed.
        parallel_tool_calls: bool,
        /// The format of the response.
        text: TextConfig,
        /// The older place of `text.verbosity`.
        verbosity: JsonText,
        /// The reasoning options.
        reasoning: ReasoningConfig,
        /// Additional output to include.
        include: Vec<String>,
        /// Whether to stream.
        stream: bool,
        /// Options of the stream.
        stream_options: JsonText,
        /// Whether to store the response.
        store: bool,
        /// The previous response of the conversation.
        previous_response_id: String,
        /// The stored conversation.
        conversation: JsonText,
        /// Whether to run in the background.
        background: bool,
        /// Options of a response in the background.
        background_options: JsonText,
        /// `disabled` or `auto`: whether an input that is too long is truncated.
        truncation: String,
        /// When the context is compacted.
        context_management: JsonText,
        /// The stored prompt.
        prompt: JsonText,
        /// The client's labels, which the response repeats.
        metadata: Fields,
        /// The service tier.
        service_tier: String,
        /// OpenAI's routing key for prompt caching.
        prompt_cache_key: JsonText,
        /// The lifetime of a cached prefix: `in_memory` or `24h`.
        prompt_cache_retention: String,
        /// The mode and lifetime of prompt caching.
        prompt_cache_options: PromptCacheOptions,
        /// The end user.
        user: JsonText,
        /// The end user, hashed.
        safety_identifier: JsonText,
        /// OpenAI's moderation of the content.
        moderation: JsonText,
        /// Options of images in the context.
        image: JsonText,
        /// OpenAI's access programs.
        access_programs: JsonText,
        /// Whether to generate output, over a WebSocket.
        generate: JsonText,
        /// The lane of a WebSocket.
        stream_id: JsonText,
        /// The client's description of itself.
        client_metadata: JsonText,
        /// The model's style, in requests for token counts.
        personality: JsonText,
        /// Bedrock's guardrail, as an extension.
        guardrail_config => "guardrailConfig": GuardrailFields,
        /// Bedrock's latency mode, as an extension.
        performance_config => "performanceConfig": PerformanceFields,
        /// Labels for Bedrock's invocation log, as an extension.
        request_metadata => "requestMetadata": BTreeMap<String, String>,
        /// The variables of a Bedrock prompt, as an extension.
        prompt_variables => "promptVariables": BTreeMap<String, PromptVariable>,
        /// Provider-specific request fields, as an extension.
        additional_model_request_fields => "additionalModelRequestFields": Fields,
        /// JSON Pointers of provider-specific response fields, as an extension.
        additional_model_response_field_paths => "additionalModelResponseFieldPaths": Vec<String>,
    }
}

impl ResponsesRequest {
    /// The items of the input; `None` if it is a string or missing.
    pub fn items(&self) -> Option<&[Box<InputItem>]> {
        match &self.input {
            Some(StringOrList::List(items)) => Some(items),
            Some(StringOrList::String(_)) | None => None,
        }
    }

    /// The same, to be changed.
    pub fn items_mut(&mut self) -> &mut [Box<InputItem>] {
        match &mut self.input {
            Some(StringOrList::List(items)) => items,
            Some(StringOrList::String(_)) | None => &mut [],
        }
    }
}

written_client_object! {
    /// The format of the response.
    pub struct TextConfig {
        /// Text, or JSON.
        format: ResponsesTextFormat,
        /// The verbosity.
        verbosity: JsonText,
    }
}

written_client_object! {
    /// Text, or JSON that matches a schema.
    pub struct ResponsesTextFormat {
        /// `text`, `json_object` or `json_schema`.
        kind => "type": String,
        /// The schema's name.
        name: String,
        /// The purpose of the schema.
        description: String,
        /// The schema.
        schema: JsonText,
        /// Whether the response must match the schema.
        strict: bool,
    }
}

written_client_object! {
    /// The reasoning options.
    pub struct ReasoningConfig {
        /// `none` to `max`.
        effort: String,
        /// `auto`, `concise` or `detailed`: the response shows the reasoning.
        summary: String,
        /// The older name of `summary`.
        generate_summary: String,
        /// Which earlier reasoning the model receives: `auto`, `current_turn` or `all_turns`.
        context: String,
        /// `standard` or `pro`.
        mode: String,
    }
}
