//! The request as sent by clients (OpenAI's openapi.yaml 2.3.0), with Bedrock's fields as
//! extensions, as in chat.

use std::collections::BTreeMap;

use serde_json::Number;

use super::prompt::Prompt;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::dialects::openai_chat::{PerformanceFields, StreamOptions};
use crate::wire::{GuardrailFields, Texts, client_object};

client_object! {
    /// The body of `POST /v1/completions`.
    pub struct CompletionRequest {
        /// The name of a model.
        model: String,
        /// The prompt.
        prompt: Prompt,
        /// The text after the completion.
        suffix: JsonText,
        /// The maximum number of completion tokens, including reasoning.
        max_tokens: i64,
        /// 0 to 2.
        temperature: Number,
        /// 0 to 1.
        top_p: Number,
        /// The number of choices for each prompt.
        n: i64,
        /// The number of completions to choose from.
        best_of: i64,
        /// Whether to stream.
        stream: bool,
        /// Stream options.
        stream_options: StreamOptions,
        /// The number of most likely tokens to return with log probabilities.
        logprobs: JsonText,
        /// Whether to return the prompt before its completion.
        echo: bool,
        /// Stop sequences.
        stop: Texts,
        /// −2 to 2.
        presence_penalty: Number,
        /// −2 to 2.
        frequency_penalty: Number,
        /// Tokens to prefer or avoid.
        logit_bias: JsonText,
        /// For reproducible completions.
        seed: JsonText,
        /// The end user.
        user: JsonText,
        /// The tokenizer of the tokens in `prompt`, as an extension.
        tokenizer: String,
        /// The number of most likely tokens to sample from, as an extension.
        top_k: Number,
        /// Bedrock's guardrail, as an extension.
        guardrail_config => "guardrailConfig": GuardrailFields,
        /// The latency mode, as an extension.
        performance_config => "performanceConfig": PerformanceFields,
        /// Labels in the invocation log, as an extension.
        request_metadata => "requestMetadata": BTreeMap<String, String>,
        /// Provider fields, as an extension.
        additional_model_request_fields => "additionalModelRequestFields": Fields,
        /// JSON Pointers into the provider's response, as an extension.
        additional_model_response_field_paths => "additionalModelResponseFieldPaths": Vec<String>,
    }
}
