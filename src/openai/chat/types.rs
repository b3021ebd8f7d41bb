//! The request as clients write it (OpenAI's openapi.yaml 2.3.0, and the extensions that clients
//! are seen to send).

use serde_json::Number;

use super::content::{Content, StringOrObject, Texts};
use crate::converse::JsonText;
use crate::openai::object::client_object;

client_object! {
    /// The body of `POST /v1/chat/completions`.
    pub struct ChatRequest {
        /// The name of a model.
        model: String,
        /// The conversation.
        messages: Vec<ChatMessage>,
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
        tools: Vec<ChatTool>,
        /// Whether it must.
        tool_choice: StringOrObject<ToolChoiceObject>,
        /// Whether it may call several at once.
        parallel_tool_calls: bool,
        /// The older form of `tools`.
        functions: Vec<FunctionObject>,
        /// The older form of `tool_choice`.
        function_call: StringOrObject<FunctionName>,
        /// The form of the answer.
        response_format: ResponseFormat,
        /// How much to reason.
        reasoning_effort: JsonText,
        /// How much to say.
        verbosity: JsonText,
        /// Which tier to run on.
        service_tier: JsonText,
        /// −2 to 2.
        frequency_penalty: JsonText,
        /// −2 to 2.
        presence_penalty: JsonText,
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
        metadata: JsonText,
        /// Keep the answer.
        store: JsonText,
        /// The end user.
        user: JsonText,
        /// The end user, hashed.
        safety_identifier: JsonText,
        /// Where to look for a cached prefix.
        prompt_cache_key: JsonText,
        /// How long to keep it.
        prompt_cache_retention: JsonText,
        /// How to cache.
        prompt_cache_options: JsonText,
        /// Bedrock's guardrail, as an extension.
        guardrail_config => "guardrailConfig": JsonText,
        /// A prompt's variables, as an extension.
        prompt_variables => "promptVariables": JsonText,
        /// Model fields of the provider, as an extension.
        additional_model_request_fields => "additionalModelRequestFields": JsonText,
        /// Paths of the provider's answer, as an extension.
        additional_model_response_field_paths => "additionalModelResponseFieldPaths": JsonText,
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
        tool_calls: Vec<ToolCall>,
        /// The older form of `tool_calls`.
        function_call: FunctionCall,
        /// The call that a tool's message answers.
        tool_call_id: String,
        /// The model's refusal, in an assistant's message.
        refusal: String,
        /// A spoken answer of before.
        audio: JsonText,
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
        image_url: StringOrObject<ImageUrl>,
        /// The sound of an `input_audio` part.
        input_audio: JsonText,
        /// The file of a `file` part.
        file: JsonText,
    }
}

client_object! {
    /// A picture.
    pub struct ImageUrl {
        /// A data URL.
        url: String,
        /// How closely to look.
        detail: String,
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
        custom: JsonText,
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
        custom: JsonText,
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
        custom: JsonText,
        /// The tools allowed.
        allowed_tools: JsonText,
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
        json_schema: JsonText,
    }
}
