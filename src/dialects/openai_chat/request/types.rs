//! The request body (OpenAI's openapi.yaml 2.3.0, and the extensions that clients are known to
//! send).

use std::collections::BTreeMap;

use serde_json::Number;

use super::content::Content;
use super::media::{Citations, FilePart, InputAudio, SearchResultText, VideoUrl};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::wire::{
    GuardrailFields, ImageUrl, StringOrObject, Texts, client_object, written_client_object,
};

client_object! {
    /// The body of `POST /v1/chat/completions`.
    pub struct ChatRequest {
        /// The public name or Bedrock id of the model.
        model: String,
        /// The conversation.
        messages: Vec<Box<ChatMessage>>,
        /// The maximum output tokens, including reasoning.
        max_completion_tokens: i64,
        /// The older name of `max_completion_tokens`.
        max_tokens: i64,
        /// 0 to 2.
        temperature: Number,
        /// 0 to 1.
        top_p: Number,
        /// Stop sequences.
        stop: Texts,
        /// Whether to stream the response.
        stream: bool,
        /// Options of the stream, such as usage.
        stream_options: StreamOptions,
        /// The number of choices.
        n: i64,
        /// The tools that the model may call.
        tools: Vec<Box<ChatTool>>,
        /// Whether the model may or must call a tool, and which one.
        tool_choice: StringOrObject<ToolChoiceObject>,
        /// Whether the model may call several tools at once.
        parallel_tool_calls: bool,
        /// The older form of `tools`.
        functions: Vec<Box<FunctionObject>>,
        /// The older form of `tool_choice`.
        function_call: StringOrObject<FunctionName>,
        /// Text, a JSON object, or JSON with a schema.
        response_format: ResponseFormat,
        /// `none` to `max`.
        reasoning_effort: String,
        /// The reasoning options in Anthropic's format, as an extension.
        thinking: ThinkingParameter,
        /// The number of most likely tokens to sample from, as an extension.
        top_k: Number,
        /// The level of detail of the response; no effect with Converse.
        verbosity: JsonText,
        /// `auto`, `default`, `flex`, `priority` or `scale`.
        service_tier: String,
        /// −2 to 2.
        frequency_penalty: Number,
        /// −2 to 2.
        presence_penalty: Number,
        /// The seed for reproducible sampling; no effect with Converse.
        seed: JsonText,
        /// The bias of single tokens; Converse has none.
        logit_bias: JsonText,
        /// Whether to return token probabilities.
        logprobs: JsonText,
        /// The number of alternative tokens to return probabilities for.
        top_logprobs: JsonText,
        /// The output modalities; only `text` is supported.
        modalities: Vec<String>,
        /// The voice and format of audio output; no effect.
        audio: JsonText,
        /// The expected content of the response; no effect with Converse.
        prediction: JsonText,
        /// Enables web search.
        web_search_options: JsonText,
        /// OpenAI's moderation of the content; not supported.
        moderation: JsonText,
        /// The client's labels, which the response repeats.
        metadata: Fields,
        /// Whether OpenAI stores the completion; no effect.
        store: JsonText,
        /// The id of the end user; no effect with Converse.
        user: JsonText,
        /// The hashed id of the end user; no effect with Converse.
        safety_identifier: JsonText,
        /// OpenAI's routing key for prompt caching; no effect with Converse.
        prompt_cache_key: JsonText,
        /// The lifetime of a cached prefix: `in_memory` or `24h`.
        prompt_cache_retention: String,
        /// The mode and lifetime of prompt caching.
        prompt_cache_options: PromptCacheOptions,
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

client_object! {
    /// The reasoning options in Anthropic's format.
    pub struct ThinkingParameter {
        /// `enabled`, `adaptive`, `between_tools` or `disabled`.
        kind => "type": String,
        /// The maximum number of reasoning tokens, for `enabled`.
        budget_tokens: i64,
        /// The form in which reasoning is returned; only `summarized` has an effect.
        display: String,
    }
}

client_object! {
    /// The options of prompt caching.
    pub struct PromptCacheOptions {
        /// `implicit` or `explicit`.
        mode: String,
        /// The lifetime of a cached prefix, such as `5m` or `1h`.
        ttl: String,
    }
}

written_client_object! {
    /// A cache breakpoint, in Anthropic's format (`type`) or OpenAI's (`mode`).
    pub struct CacheControl {
        /// `ephemeral`
        kind => "type": String,
        /// `explicit`
        mode: String,
        /// The lifetime of the cached prefix, such as `5m` or `1h`.
        ttl: String,
    }
}

client_object! {
    /// Bedrock's performance configuration.
    pub struct PerformanceFields {
        /// `standard` or `optimized`.
        latency: String,
    }
}

client_object! {
    /// The value of a prompt variable.
    pub struct PromptVariable {
        /// The value as text.
        text: String,
    }
}

client_object! {
    /// The options of a stream.
    pub struct StreamOptions {
        /// Whether the stream ends with a chunk with usage.
        include_usage: bool,
        /// Whether chunks are padded against traffic analysis; the gateway never pads.
        include_obfuscation: bool,
    }
}

client_object! {
    /// A message of the conversation.
    pub struct ChatMessage {
        /// `system`, `developer`, `user`, `assistant`, `tool` or `function`.
        role: String,
        /// A string or content parts.
        content: Content,
        /// The name of a participant, or of the function in a `function` message.
        name: String,
        /// The model's tool calls, in an assistant message.
        tool_calls: Vec<Box<ToolCall>>,
        /// The older form of `tool_calls`.
        function_call: Box<FunctionCall>,
        /// The id of the tool call, in a tool message.
        tool_call_id: String,
        /// The model's refusal, in an assistant message.
        refusal: String,
        /// The id of an earlier audio response; not supported.
        audio: JsonText,
        /// The text of the model's reasoning, as an extension.
        reasoning_content: String,
        /// The model's reasoning with signatures and redacted blocks, as an extension.
        thinking_blocks: Vec<Box<ThinkingBlock>>,
        /// Whether the tool failed, in a tool message, as an extension.
        is_error: bool,
        /// A cache breakpoint after the message, as an extension.
        cache_control: Box<CacheControl>,
    }
}

client_object! {
    /// A reasoning block in Anthropic's format.
    pub struct ThinkingBlock {
        /// `thinking` or `redacted_thinking`.
        kind => "type": String,
        /// The text of a `thinking` block.
        thinking: String,
        /// The provider's signature of the text.
        signature: String,
        /// The encrypted reasoning of a `redacted_thinking` block, in base64.
        data: String,
        /// The index in a stream, which some clients send back.
        index: JsonText,
    }
}

client_object! {
    /// One part of a message's content.
    pub struct ContentPart {
        /// The type of the part, such as `text`.
        kind => "type": String,
        /// The text of a `text` part.
        text: String,
        /// The text of a `refusal` part.
        refusal: String,
        /// The image of an `image_url` part.
        image_url: Box<StringOrObject<ImageUrl>>,
        /// The audio of an `input_audio` part.
        input_audio: Box<InputAudio>,
        /// The file of a `file` part.
        file: Box<FilePart>,
        /// The video of a `video_url` part, as an extension.
        video_url: Box<StringOrObject<VideoUrl>>,
        /// The source of a `search_result`, such as its URL, as an extension.
        source: String,
        /// The title of a `search_result`, as an extension.
        title: String,
        /// The text of a `search_result`, as an extension.
        content: Vec<SearchResultText>,
        /// Whether the response cites a `file` or `search_result`, as an extension.
        citations: Box<Citations>,
        /// Text about a `file` for the model, as an extension.
        context: String,
        /// The guardrail's qualifiers of a `guarded_text`, such as `grounding_source`, as an
        /// extension.
        qualifiers: Vec<String>,
        /// A cache breakpoint after the part, in Anthropic's format.
        cache_control: Box<CacheControl>,
        /// A cache breakpoint after the part, in OpenAI's format.
        prompt_cache_breakpoint: Box<CacheControl>,
    }
}

client_object! {
    /// A tool call in an assistant message.
    pub struct ToolCall {
        /// The id that the tool's result refers to.
        id: String,
        /// `function` or `custom`.
        kind => "type": String,
        /// The function and its arguments.
        function: FunctionCall,
        /// The custom tool and its input.
        custom: CustomCall,
        /// The index in a stream, which some clients send back.
        index: JsonText,
    }
}

client_object! {
    /// A function and its arguments.
    pub struct FunctionCall {
        /// The function's name.
        name: String,
        /// The arguments, as JSON text.
        arguments: String,
    }
}

client_object! {
    /// A tool that the model may call.
    pub struct ChatTool {
        /// `function` or `custom`.
        kind => "type": String,
        /// The function, for type `function`.
        function: FunctionObject,
        /// The custom tool, for type `custom`.
        custom: CustomTool,
        /// The name, in the flat form of the Responses API, which has no nested object.
        name: String,
        /// The description for the model, in the flat form.
        description: String,
        /// The JSON Schema of a function's arguments, in the flat form.
        parameters: JsonText,
        /// Whether a function's arguments must match the schema, in the flat form.
        strict: bool,
        /// The format of a custom tool's input, in the flat form.
        format: JsonText,
        /// A cache breakpoint after the tool, as an extension.
        cache_control: Box<CacheControl>,
    }
}

impl ChatTool {
    /// Whether the tool has the flat form of the Responses API.
    pub(super) fn is_flat(&self) -> bool {
        self.name.is_some() && self.function.is_none() && self.custom.is_none()
    }
}

client_object! {
    /// A tool whose input is text instead of JSON.
    pub struct CustomTool {
        /// The name, unique in the request.
        name: String,
        /// The description for the model.
        description: String,
        /// The format of the input: `text` or a grammar.
        format: JsonText,
    }
}

client_object! {
    /// A custom tool and its input.
    pub struct CustomCall {
        /// The tool's name.
        name: String,
        /// The input, which can be any text.
        input: String,
    }
}

client_object! {
    /// A function that the client runs.
    pub struct FunctionObject {
        /// The name, unique in the request.
        name: String,
        /// The description for the model.
        description: String,
        /// The JSON Schema of the arguments.
        parameters: JsonText,
        /// Whether the arguments must match the schema.
        strict: bool,
        /// A cache breakpoint after the function, as an extension.
        cache_control: Box<CacheControl>,
    }
}

client_object! {
    /// The object form of `tool_choice`: the tool that the model must call, or the allowed tools.
    pub struct ToolChoiceObject {
        /// `function`, `custom` or `allowed_tools`.
        kind => "type": String,
        /// The function, for type `function`.
        function: FunctionName,
        /// The custom tool, for type `custom`.
        custom: FunctionName,
        /// The allowed tools, for type `allowed_tools`.
        allowed_tools: AllowedTools,
        /// The name of the tool, in the flat form of the Responses API.
        name: String,
        /// The mode of `allowed_tools`, in the flat form of the Responses API.
        mode: String,
        /// The list of `allowed_tools`, in the flat form of the Responses API.
        tools: Vec<Box<AllowedTool>>,
    }
}

client_object! {
    /// The tools that the model may call, out of all tools of the request.
    pub struct AllowedTools {
        /// `auto` or `required`.
        mode: String,
        /// The allowed tools, by name.
        tools: Vec<Box<AllowedTool>>,
    }
}

client_object! {
    /// An allowed tool.
    pub struct AllowedTool {
        /// `function` or `custom`.
        kind => "type": String,
        /// The function, for type `function`.
        function: FunctionName,
        /// The custom tool, for type `custom`.
        custom: FunctionName,
        /// The name of the tool, in the flat form of the Responses API.
        name: String,
    }
}

client_object! {
    /// A reference to a tool of the request.
    pub struct FunctionName {
        /// The tool's name.
        name: String,
    }
}

client_object! {
    /// The format of the response.
    pub struct ResponseFormat {
        /// `text`, `json_object` or `json_schema`.
        kind => "type": String,
        /// The schema, for type `json_schema`.
        json_schema: JsonSchemaFormat,
    }
}

client_object! {
    /// A named JSON Schema for the response.
    pub struct JsonSchemaFormat {
        /// The name of the format.
        name: String,
        /// The description for the model.
        description: String,
        /// The JSON Schema; its root must have type `object`.
        schema: JsonText,
        /// Whether the response must match the schema.
        strict: bool,
    }
}
