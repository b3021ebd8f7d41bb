//! The request as clients write it (OpenAI's openapi.yaml 2.3.0), and Bedrock's own fields as
//! extensions, as in chat.

use std::collections::BTreeMap;

use serde_json::Number;

use super::prompt::Prompt;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::openai::chat::{GuardrailFields, PerformanceFields, StreamOptions, Texts};
use crate::openai::object::client_object;

client_object! {
    /// The body of `POST /v1/completions`.
    pub struct CompletionRequest {
        /// The name of a model.
        model: String,
        /// What is to be completed.
        prompt: Prompt,
        /// What comes behind the completion.
        suffix: JsonText,
        /// The most tokens to write, reasoning included.
        max_tokens: i64,
        /// 0 to 2.
        temperature: Number,
        /// 0 to 1.
        top_p: Number,
        /// How many answers to each prompt.
        n: i64,
        /// Of how many the best are given.
        best_of: i64,
        /// Whether to stream.
        stream: bool,
        /// What the stream carries beside the text.
        stream_options: StreamOptions,
        /// How many of the likeliest tokens to give with their probabilities.
        logprobs: JsonText,
        /// Whether to say the prompt before its completion.
        echo: bool,
        /// Texts at which the model stops.
        stop: Texts,
        /// −2 to 2.
        presence_penalty: Number,
        /// −2 to 2.
        frequency_penalty: Number,
        /// Tokens to prefer or avoid.
        logit_bias: JsonText,
        /// For answers that can be had again.
        seed: JsonText,
        /// The end user.
        user: JsonText,
        /// The tokenizer that made the tokens of `prompt`, as an extension.
        tokenizer: String,
        /// How many of the likeliest tokens are drawn from, as an extension.
        top_k: Number,
        /// Bedrock's guardrail, as an extension.
        guardrail_config => "guardrailConfig": GuardrailFields,
        /// Which machines to run on, as an extension.
        performance_config => "performanceConfig": PerformanceFields,
        /// Labels in the log of invocations, as an extension.
        request_metadata => "requestMetadata": BTreeMap<String, String>,
        /// Model fields of the provider, as an extension.
        additional_model_request_fields => "additionalModelRequestFields": Fields,
        /// Paths of the provider's answer, as an extension.
        additional_model_response_field_paths => "additionalModelResponseFieldPaths": Vec<String>,
    }
}
