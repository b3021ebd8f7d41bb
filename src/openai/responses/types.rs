//! The request as clients write it (OpenAI's openapi.yaml 2.3.0; openai-python 3.52.0,
//! `InputTokenCountParams` and `ResponseCreateParams`).

use serde_json::Number;

use super::content::StringOrList;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::openai::chat::{CacheControl, InputAudio, PromptCacheOptions, StringOrObject};
use crate::openai::object::client_object;

client_object! {
    /// The body of `POST /v1/responses` and `POST /v1/responses/input_tokens`.
    pub struct ResponsesRequest {
        /// The name of a model.
        model: String,
        /// What is said: a text, or items.
        input: StringOrList<Box<InputItem>>,
        /// The instructions before it.
        instructions: String,
        /// The tools the model may call.
        tools: Vec<Box<ResponsesTool>>,
        /// Whether it must.
        tool_choice: StringOrObject<ResponsesToolChoice>,
        /// Whether it may call several at once.
        parallel_tool_calls: bool,
        /// The form of the answer.
        text: TextConfig,
        /// How much to reason.
        reasoning: ReasoningConfig,
        /// The most tokens to write.
        max_output_tokens: i64,
        /// 0 to 2.
        temperature: Number,
        /// 0 to 1.
        top_p: Number,
        /// How many of the likeliest tokens to tell of.
        top_logprobs: JsonText,
        /// Which tier to run on.
        service_tier: String,
        /// The client's labels.
        metadata: Fields,
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
        /// Check the content.
        moderation: JsonText,
        /// An answer of before to go on from.
        previous_response_id: String,
        /// A conversation that is kept.
        conversation: JsonText,
        /// A prompt that is kept.
        prompt: JsonText,
        /// What to do where the input is too long.
        truncation: JsonText,
        /// When to make the conversation shorter.
        context_management: JsonText,
        /// Whether to stream.
        stream: JsonText,
        /// What the stream carries beside the text.
        stream_options: JsonText,
        /// Whether to answer later.
        background: JsonText,
        /// Whether to keep the answer.
        store: JsonText,
        /// What the answer tells beside the text.
        include: JsonText,
        /// How many calls of hosted tools.
        max_tool_calls: JsonText,
        /// A style of the model's own.
        personality: JsonText,
    }
}

client_object! {
    /// One item of the input: a message, a call, a result, or reasoning.
    pub struct InputItem {
        /// Which item it is; a message where it is not said.
        kind => "type": String,
        /// `system`, `developer`, `user` or `assistant`, of a message.
        role: String,
        /// What is said in a message, or thought.
        content: StringOrList<Box<ResponsesInputPart>>,
        /// The call, of a call and of its result.
        call_id: String,
        /// What is called.
        name: String,
        /// JSON as text, of a function's call.
        arguments: String,
        /// The text that a custom tool is given.
        input: String,
        /// What a call gave.
        output: StringOrList<Box<ResponsesInputPart>>,
        /// What was thought, in short.
        summary: JsonText,
        /// What was thought, sealed.
        encrypted_content: JsonText,
        /// The item's own id.
        id: JsonText,
        /// How far it has come.
        status: JsonText,
        /// Which part of the answer a message was.
        phase: JsonText,
    }
}

client_object! {
    /// One part of a message or of a result.
    pub struct ResponsesInputPart {
        /// Which part it is.
        kind => "type": String,
        /// The text of `input_text` and `output_text`.
        text: String,
        /// The text of `refusal`.
        refusal: String,
        /// The address of `input_image`.
        image_url: String,
        /// How closely to look.
        detail: String,
        /// A data URL, or base64, of `input_file`.
        file_data: String,
        /// An https address, of `input_file`.
        file_url: String,
        /// `s3://bucket/key`, or an https address.
        file_id: String,
        /// Its name, extension included.
        filename: String,
        /// The sound of `input_audio`.
        input_audio: Box<InputAudio>,
        /// What the text was found in.
        annotations: JsonText,
        /// The probabilities of the text.
        logprobs: JsonText,
        /// The end of a prefix to be cached.
        prompt_cache_breakpoint: Box<CacheControl>,
    }
}

client_object! {
    /// One tool.
    pub struct ResponsesTool {
        /// `function`, `custom` or `web_search`.
        kind => "type": String,
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// The JSON Schema of a function's arguments.
        parameters: JsonText,
        /// Whether the arguments must fit it.
        strict: bool,
        /// What the text for a custom tool has to be.
        format: JsonText,
    }
}

client_object! {
    /// A tool that must be called, or the tools of which one may be.
    pub struct ResponsesToolChoice {
        /// `function`, `custom` or `allowed_tools`.
        kind => "type": String,
        /// The tool.
        name: String,
        /// `auto` or `required`, of `allowed_tools`.
        mode: String,
        /// The tools of which one may be called.
        tools: Vec<Box<ChosenTool>>,
    }
}

client_object! {
    /// A tool that may be called.
    pub struct ChosenTool {
        /// `function` or `custom`.
        kind => "type": String,
        /// Its name.
        name: String,
    }
}

client_object! {
    /// The form of the answer.
    pub struct TextConfig {
        /// Text, or JSON.
        format: ResponsesTextFormat,
        /// How much to say.
        verbosity: JsonText,
    }
}

client_object! {
    /// Text, or JSON that fits a schema.
    pub struct ResponsesTextFormat {
        /// `text`, `json_object` or `json_schema`.
        kind => "type": String,
        /// The schema's name.
        name: String,
        /// What it is for.
        description: String,
        /// The schema.
        schema: JsonText,
        /// Whether the answer must fit it.
        strict: bool,
    }
}

client_object! {
    /// How much to reason, and what of it to show.
    pub struct ReasoningConfig {
        /// `none` to `max`.
        effort: String,
        /// `auto`, `concise` or `detailed`.
        summary: JsonText,
        /// The older name of `summary`.
        generate_summary: JsonText,
        /// Which reasoning of before the model is given.
        context: JsonText,
        /// `standard` or `pro`.
        mode: JsonText,
    }
}
