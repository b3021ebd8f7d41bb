//! The request as sent by clients (OpenAI's openapi.yaml 2.3.0; openai-python 3.52.0,
//! `InputTokenCountParams` and `ResponseCreateParams`).

use serde_json::Number;

use super::content::StringOrList;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::dialects::openai_chat::{CacheControl, InputAudio, PromptCacheOptions};
use crate::wire::StringOrObject;
use crate::wire::client_object;

client_object! {
    /// The body of `POST /v1/responses` and `POST /v1/responses/input_tokens`.
    pub struct ResponsesRequest {
        /// The name of a model.
        model: String,
        /// The input: a string, or items.
        input: StringOrList<Box<InputItem>>,
        /// The instructions before the input.
        instructions: String,
        /// The tools the model can call.
        tools: Vec<Box<ResponsesTool>>,
        /// The tool choice.
        tool_choice: StringOrObject<ResponsesToolChoice>,
        /// Whether parallel tool calls are allowed.
        parallel_tool_calls: bool,
        /// The format of the response.
        text: TextConfig,
        /// The reasoning options.
        reasoning: ReasoningConfig,
        /// The maximum number of completion tokens.
        max_output_tokens: i64,
        /// 0 to 2.
        temperature: Number,
        /// 0 to 1.
        top_p: Number,
        /// The number of most likely tokens to return.
        top_logprobs: JsonText,
        /// The service tier.
        service_tier: String,
        /// The client's metadata.
        metadata: Fields,
        /// The end user.
        user: JsonText,
        /// The end user, hashed.
        safety_identifier: JsonText,
        /// The key for prompt caching.
        prompt_cache_key: JsonText,
        /// The cache TTL.
        prompt_cache_retention: String,
        /// The prompt caching options.
        prompt_cache_options: PromptCacheOptions,
        /// Whether to moderate the content.
        moderation: JsonText,
        /// The previous response of the conversation.
        previous_response_id: String,
        /// The stored conversation.
        conversation: JsonText,
        /// The stored prompt.
        prompt: JsonText,
        /// How inputs that are too long are truncated.
        truncation: JsonText,
        /// When the context is compacted.
        context_management: JsonText,
        /// Whether to stream.
        stream: JsonText,
        /// Stream options.
        stream_options: JsonText,
        /// Whether to run in the background.
        background: JsonText,
        /// Whether to store the response.
        store: JsonText,
        /// Additional output to include.
        include: JsonText,
        /// The maximum number of calls of hosted tools.
        max_tool_calls: JsonText,
        /// The model's style.
        personality: JsonText,
    }
}

client_object! {
    /// An input item: a message, a tool call, a tool result, or reasoning.
    pub struct InputItem {
        /// The item type; a message by default.
        kind => "type": String,
        /// `system`, `developer`, `user` or `assistant`, of a message.
        role: String,
        /// The content of a message or of reasoning.
        content: StringOrList<Box<ResponsesInputPart>>,
        /// The id of a tool call and of its result.
        call_id: String,
        /// The name of the called tool.
        name: String,
        /// The arguments of a function call, as a JSON string.
        arguments: String,
        /// The input of a custom tool call.
        input: String,
        /// The result of a tool call.
        output: StringOrList<Box<ResponsesInputPart>>,
        /// The summary of the reasoning.
        summary: JsonText,
        /// The encrypted reasoning.
        encrypted_content: JsonText,
        /// The item's id.
        id: JsonText,
        /// The item's status.
        status: JsonText,
        /// The phase of a message.
        phase: JsonText,
    }
}

client_object! {
    /// A part of a message or of a tool result.
    pub struct ResponsesInputPart {
        /// The part type.
        kind => "type": String,
        /// The text of `input_text` and `output_text`.
        text: String,
        /// The text of `refusal`.
        refusal: String,
        /// The URL of `input_image`.
        image_url: String,
        /// The level of detail.
        detail: String,
        /// A data URL, or base64, of `input_file`.
        file_data: String,
        /// An https URL, of `input_file`.
        file_url: String,
        /// `s3://bucket/key`, or an https URL.
        file_id: String,
        /// The file name with extension.
        filename: String,
        /// The audio of `input_audio`.
        input_audio: Box<InputAudio>,
        /// The annotations of the text.
        annotations: JsonText,
        /// The log probabilities of the text.
        logprobs: JsonText,
        /// A cache breakpoint.
        prompt_cache_breakpoint: Box<CacheControl>,
    }
}

client_object! {
    /// A tool.
    pub struct ResponsesTool {
        /// `function`, `custom` or `web_search`.
        kind => "type": String,
        /// Its name.
        name: String,
        /// The tool's purpose.
        description: String,
        /// The JSON Schema of a function's arguments.
        parameters: JsonText,
        /// Whether the arguments must match the schema.
        strict: bool,
        /// The format of a custom tool's input.
        format: JsonText,
    }
}

client_object! {
    /// A tool that must be called, or the allowed tools.
    pub struct ResponsesToolChoice {
        /// `function`, `custom` or `allowed_tools`.
        kind => "type": String,
        /// The tool.
        name: String,
        /// `auto` or `required`, of `allowed_tools`.
        mode: String,
        /// The allowed tools.
        tools: Vec<Box<ChosenTool>>,
    }
}

client_object! {
    /// An allowed tool.
    pub struct ChosenTool {
        /// `function` or `custom`.
        kind => "type": String,
        /// Its name.
        name: String,
    }
}

client_object! {
    /// The format of the response.
    pub struct TextConfig {
        /// Text, or JSON.
        format: ResponsesTextFormat,
        /// The verbosity.
        verbosity: JsonText,
    }
}

client_object! {
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

client_object! {
    /// The reasoning options.
    pub struct ReasoningConfig {
        /// `none` to `max`.
        effort: String,
        /// `auto`, `concise` or `detailed`.
        summary: JsonText,
        /// The older name of `summary`.
        generate_summary: JsonText,
        /// Which earlier reasoning the model receives.
        context: JsonText,
        /// `standard` or `pro`.
        mode: JsonText,
    }
}
