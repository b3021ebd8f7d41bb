//! The request as clients write it (OpenAI's openapi.yaml 2.3.0, and the extensions that clients
//! are seen to send).

use std::collections::BTreeMap;

use serde_json::Number;

use super::content::{Content, StringOrObject, Texts};
use super::media::{Citations, FilePart, ImageUrl, InputAudio, SearchResultText, VideoUrl};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::openai::object::client_object;

client_object! {
    /// The body of `POST /v1/chat/completions`.
    pub struct ChatRequest {
        /// The name of a model.
        model: String,
        /// The conversation.
        messages: Vec<Box<ChatMessage>>,
        /// The most tokens to write, reasoning included.
        max_completion_tokens: i64,
        /// The older name of `max_completion_tokens`.
        max_tokens: i64,
        /// 0 to 2.
        temperature: Number,
        /// 0 to 1.
        top_p: Number,
        /// Texts at which the model stops.
        stop: Texts,
        /// Whether to stream.
        stream: bool,
        /// What the stream carries beside the text.
        stream_options: StreamOptions,
        /// How many answers.
        n: i64,
        /// The tools the model may call.
        tools: Vec<Box<ChatTool>>,
        /// Whether it must.
        tool_choice: StringOrObject<ToolChoiceObject>,
        /// Whether it may call several at once.
        parallel_tool_calls: bool,
        /// The older form of `tools`.
        functions: Vec<Box<FunctionObject>>,
        /// The older form of `tool_choice`.
        function_call: StringOrObject<FunctionName>,
        /// The form of the answer.
        response_format: ResponseFormat,
        /// How much to reason: `none` to `max`.
        reasoning_effort: String,
        /// How much to reason, in Anthropic's shape, as an extension.
        thinking: ThinkingParameter,
        /// How many of the likeliest tokens are drawn from, as an extension.
        top_k: Number,
        /// How much to say.
        verbosity: JsonText,
        /// Which tier to run on.
        service_tier: String,
        /// −2 to 2.
        frequency_penalty: Number,
        /// −2 to 2.
        presence_penalty: Number,
        /// For answers that can be had again.
        seed: JsonText,
        /// Tokens to prefer or avoid.
        logit_bias: JsonText,
        /// Whether to give the tokens' probabilities.
        logprobs: JsonText,
        /// How many of them.
        top_logprobs: JsonText,
        /// The kinds of output.
        modalities: Vec<String>,
        /// The voice.
        audio: JsonText,
        /// Text that the answer is likely to hold.
        prediction: JsonText,
        /// Search the web.
        web_search_options: JsonText,
        /// Check the content.
        moderation: JsonText,
        /// The client's labels.
        metadata: Fields,
        /// Keep the answer.
        store: JsonText,
        /// The end user.
        user: JsonText,
        /// The end user, hashed.
        safety_identifier: JsonText,
        /// Where to look for a cached prefix.
        prompt_cache_key: JsonText,
        /// How long to keep it.
        prompt_cache_retention: String,
        /// How to cache.
        prompt_cache_options: PromptCacheOptions,
        /// Bedrock's guardrail, as an extension.
        guardrail_config => "guardrailConfig": GuardrailFields,
        /// Which machines to run on, as an extension.
        performance_config => "performanceConfig": PerformanceFields,
        /// Labels in the log of invocations, as an extension.
        request_metadata => "requestMetadata": BTreeMap<String, String>,
        /// A prompt's variables, as an extension.
        prompt_variables => "promptVariables": BTreeMap<String, PromptVariable>,
        /// Model fields of the provider, as an extension.
        additional_model_request_fields => "additionalModelRequestFields": Fields,
        /// Paths of the provider's answer, as an extension.
        additional_model_response_field_paths => "additionalModelResponseFieldPaths": Vec<String>,
    }
}

client_object! {
    /// How much to reason, in Anthropic's shape.
    pub struct ThinkingParameter {
        /// `enabled`, `adaptive`, `between_tools` or `disabled`.
        kind => "type": String,
        /// The tokens to reason with.
        budget_tokens: i64,
        /// How the reasoning is shown.
        display: String,
    }
}

client_object! {
    /// How to cache.
    pub struct PromptCacheOptions {
        /// `implicit` or `explicit`.
        mode: String,
        /// How long to keep what is cached.
        ttl: String,
    }
}

client_object! {
    /// The end of a prefix to be cached, in Anthropic's shape (`type`) or OpenAI's (`mode`).
    pub struct CacheControl {
        /// `ephemeral`
        kind => "type": String,
        /// `explicit`
        mode: String,
        /// How long to keep it.
        ttl: String,
    }
}

client_object! {
    /// Bedrock's guardrail.
    pub struct GuardrailFields {
        /// Its id or ARN.
        identifier => "guardrailIdentifier": String,
        /// `DRAFT` or a number.
        version => "guardrailVersion": String,
        /// `enabled`, `disabled` or `enabled_full`.
        trace: String,
        /// `sync` or `async`.
        stream_processing_mode => "streamProcessingMode": String,
        /// Whether it looks at the last of the user's turns alone.
        only_last_turn => "onlyLastTurn": bool,
    }
}

client_object! {
    /// Which machines to run on.
    pub struct PerformanceFields {
        /// `standard` or `optimized`.
        latency: String,
    }
}

client_object! {
    /// The value of a prompt's variable.
    pub struct PromptVariable {
        /// Text.
        text: String,
    }
}

client_object! {
    /// What the stream carries beside the text.
    pub struct StreamOptions {
        /// Whether a last chunk tells what was used.
        include_usage: bool,
        /// Padding against traffic analysis; never written here.
        include_obfuscation: bool,
    }
}

client_object! {
    /// One message.
    pub struct ChatMessage {
        /// `system`, `developer`, `user`, `assistant`, `tool` or `function`.
        role: String,
        /// What is said.
        content: Content,
        /// Who of several users, or which function.
        name: String,
        /// The model's calls, in an assistant's message.
        tool_calls: Vec<Box<ToolCall>>,
        /// The older form of `tool_calls`.
        function_call: Box<FunctionCall>,
        /// The call that a tool's message answers.
        tool_call_id: String,
        /// The model's refusal, in an assistant's message.
        refusal: String,
        /// A spoken answer of before.
        audio: JsonText,
        /// The model's reasoning, as an extension.
        reasoning_content: String,
        /// The same with what is signed or redacted in it, as an extension.
        thinking_blocks: Vec<Box<ThinkingBlock>>,
        /// Whether the tool failed, in a tool's message, as an extension.
        is_error: bool,
        /// The end of a prefix to be cached, as an extension.
        cache_control: Box<CacheControl>,
    }
}

client_object! {
    /// A block of the model's reasoning, in Anthropic's shape.
    pub struct ThinkingBlock {
        /// `thinking` or `redacted_thinking`.
        kind => "type": String,
        /// The text.
        thinking: String,
        /// The provider's mark that the text is the model's own.
        signature: String,
        /// Reasoning that only the model can read: base64.
        data: String,
        /// The place in a stream; some clients send it back.
        index: JsonText,
    }
}

client_object! {
    /// One part of a message's content.
    pub struct ContentPart {
        /// Which part it is.
        kind => "type": String,
        /// The text of a `text` part.
        text: String,
        /// The text of a `refusal` part.
        refusal: String,
        /// The picture of an `image_url` part.
        image_url: Box<StringOrObject<ImageUrl>>,
        /// The sound of an `input_audio` part.
        input_audio: Box<InputAudio>,
        /// The file of a `file` part.
        file: Box<FilePart>,
        /// The film of a `video_url` part, as an extension.
        video_url: Box<StringOrObject<VideoUrl>>,
        /// Where a `search_result` is from, as an extension.
        source: String,
        /// The title of a `search_result`, as an extension.
        title: String,
        /// The text of a `search_result`, as an extension.
        content: Vec<SearchResultText>,
        /// Whether a `file` or `search_result` is cited, as an extension.
        citations: Box<Citations>,
        /// What the model is told of a `file`, as an extension.
        context: String,
        /// What a `guarded_text` is to the guardrail, as an extension.
        qualifiers: Vec<String>,
        /// The end of a prefix to be cached, in Anthropic's shape.
        cache_control: Box<CacheControl>,
        /// The same in OpenAI's shape.
        prompt_cache_breakpoint: Box<CacheControl>,
    }
}

client_object! {
    /// One call of a tool, in an assistant's message.
    pub struct ToolCall {
        /// The call's id.
        id: String,
        /// `function` or `custom`.
        kind => "type": String,
        /// The function and its arguments.
        function: FunctionCall,
        /// The custom tool and its input.
        custom: CustomCall,
        /// The place in a stream; some clients send it back.
        index: JsonText,
    }
}

client_object! {
    /// A function and its arguments.
    pub struct FunctionCall {
        /// The function's name.
        name: String,
        /// JSON as text.
        arguments: String,
    }
}

client_object! {
    /// One tool.
    pub struct ChatTool {
        /// `function` or `custom`.
        kind => "type": String,
        /// The function.
        function: FunctionObject,
        /// The custom tool.
        custom: CustomTool,
        /// The name in the flat form of the Responses API, which has no object within the tool.
        name: String,
        /// What it is for, in the flat form.
        description: String,
        /// The JSON Schema of a function's arguments, in the flat form.
        parameters: JsonText,
        /// Whether a function's arguments must fit the schema, in the flat form.
        strict: bool,
        /// What a custom tool's text has to be, in the flat form.
        format: JsonText,
        /// The end of a prefix to be cached, as an extension.
        cache_control: Box<CacheControl>,
    }
}

impl ChatTool {
    /// Whether the tool is written in the flat form of the Responses API.
    pub(super) fn is_flat(&self) -> bool {
        self.name.is_some() && self.function.is_none() && self.custom.is_none()
    }
}

client_object! {
    /// A tool that takes text instead of JSON.
    pub struct CustomTool {
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// What the text has to be.
        format: JsonText,
    }
}

client_object! {
    /// A custom tool and its input.
    pub struct CustomCall {
        /// The tool's name.
        name: String,
        /// Any text.
        input: String,
    }
}

client_object! {
    /// A function that the client runs.
    pub struct FunctionObject {
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// The JSON Schema of its arguments.
        parameters: JsonText,
        /// Whether the arguments must fit the schema.
        strict: bool,
        /// The end of a prefix to be cached, as an extension.
        cache_control: Box<CacheControl>,
    }
}

client_object! {
    /// A tool that must be called, or the tools of which one may be.
    pub struct ToolChoiceObject {
        /// `function`, `custom` or `allowed_tools`.
        kind => "type": String,
        /// The function.
        function: FunctionName,
        /// The custom tool.
        custom: FunctionName,
        /// The tools allowed.
        allowed_tools: AllowedTools,
        /// The function, as the Responses API has it.
        name: String,
        /// `auto` or `required` for `allowed_tools`, as the Responses API has it.
        mode: String,
        /// The tools allowed, as the Responses API has them.
        tools: Vec<Box<AllowedTool>>,
    }
}

client_object! {
    /// The tools of which one may be called.
    pub struct AllowedTools {
        /// `auto` or `required`.
        mode: String,
        /// Their names.
        tools: Vec<Box<AllowedTool>>,
    }
}

client_object! {
    /// A tool that may be called.
    pub struct AllowedTool {
        /// `function` or `custom`.
        kind => "type": String,
        /// The function.
        function: FunctionName,
        /// The custom tool.
        custom: FunctionName,
        /// The tool, as the Responses API has it.
        name: String,
    }
}

client_object! {
    /// A function by name.
    pub struct FunctionName {
        /// The name.
        name: String,
    }
}

client_object! {
    /// The form of the answer.
    pub struct ResponseFormat {
        /// `text`, `json_object` or `json_schema`.
        kind => "type": String,
        /// The schema.
        json_schema: JsonSchemaFormat,
    }
}

client_object! {
    /// A schema with its name.
    pub struct JsonSchemaFormat {
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// The schema.
        schema: JsonText,
        /// Whether the answer must fit it.
        strict: bool,
    }
}
