//! Input items and their parts.

use super::super::content::StringOrList;
use super::{ReasoningConfig, ResponsesTool, TextConfig};
use crate::converse::JsonText;
use crate::dialects::openai_chat::{CacheControl, InputAudio};
use crate::wire::written_client_object;

written_client_object! {
    /// An input item: a message, a tool call, a tool result, reasoning, or an item that changes the
    /// request. A store can write it and read it again.
    pub struct InputItem {
        /// The item type; a message by default.
        kind => "type": String,
        /// The item's id, which is the client's business, except in references.
        id: String,
        /// The item's status.
        status: JsonText,
        /// `system`, `developer`, `user` or `assistant`, of a message.
        role: String,
        /// The phase of a message.
        phase: JsonText,
        /// The content of a message or of reasoning.
        content: StringOrList<Box<ResponsesInputPart>>,
        /// The id of a tool call and of its result.
        call_id: String,
        /// The name of the called tool.
        name: String,
        /// The namespace of the called tool.
        namespace: String,
        /// The arguments of a call: a JSON string, or an object for `tool_search_call`.
        arguments: JsonText,
        /// The input of a custom tool call.
        input: String,
        /// The result of a tool call.
        output: StringOrList<Box<ResponsesInputPart>>,
        /// The results of a code interpreter.
        outputs: JsonText,
        /// The summary of the reasoning.
        summary: JsonText,
        /// The sealed reasoning or summary.
        encrypted_content: String,
        /// `client` or `server`, of a tool search.
        execution: String,
        /// The tools that a tool search found, or that are added.
        tools: Vec<Box<ResponsesTool>>,
        /// The action of a shell call or a web search.
        action: JsonText,
        /// The operation of a patch.
        operation: JsonText,
        /// The maximum length of a shell's output.
        max_output_length: JsonText,
        /// The reasoning options of a configuration update.
        reasoning: ReasoningConfig,
        /// The response format of a configuration update.
        text: TextConfig,
        /// Whether a call runs in the background of the client.
        asynchronous => "async": JsonText,
        /// The tool that called the tool.
        caller: JsonText,
    }
}

written_client_object! {
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
        /// What a shell command wrote, in a shell result.
        stdout: String,
        /// What it wrote to the standard error, in a shell result.
        stderr: String,
        /// How it ended, in a shell result.
        outcome: JsonText,
    }
}
