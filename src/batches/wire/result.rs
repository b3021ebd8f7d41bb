use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::batch::{BatchUsage, InputDetails, OutputDetails};
use crate::converse::dialect::ResponseFormat;
use crate::converse::output::{OutputEvents, OutputOptions};
use crate::converse::response::ConverseResponse;
use crate::dialects::openai_chat::ChatFormat;
use crate::dialects::openai_responses::ResponsesFormat;
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::usage::TokenCounts;
use crate::wire::error::ErrorBody;

/// The ids of a result.
#[derive(Debug, Clone, Copy)]
pub struct ResultIds<'a> {
    /// `batch_req_…`, the id of the result.
    pub id: &'a str,
    /// The client's id of the request.
    pub custom_id: &'a str,
    /// The request id, as in the header of individual responses.
    pub request_id: &'a str,
}

#[derive(Serialize)]
struct ResultLine<'a, B: Serialize> {
    id: &'a str,
    custom_id: &'a str,
    response: Option<ResponseObject<'a, B>>,
    error: Option<BatchErrorObject<'a>>,
}

#[derive(Serialize)]
struct ResponseObject<'a, B: Serialize> {
    status_code: u16,
    request_id: &'a str,
    body: B,
    /// The adjustments, as in the header of individual responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    adjustments: Option<String>,
}

#[derive(Serialize)]
struct BatchErrorObject<'a> {
    code: &'a str,
    message: &'a str,
}

/// The line of the output file for a successful request with the JSON `body`.
pub fn response_line(
    ids: ResultIds<'_>,
    body: &[u8],
    adjustments: &Adjustments,
) -> serde_json::Result<String> {
    let body: &RawValue = serde_json::from_slice(body)?;
    line(ids, 200, body, adjustments.header_value())
}

/// The line of the error file for a request rejected by the gateway or by Bedrock.
pub fn error_line(ids: ResultIds<'_>, error: &ApiError) -> serde_json::Result<String> {
    line(ids, error.kind.status(), ErrorBody::from(error), None)
}

/// The line of the error file for a request that was not sent, or has no response.
pub fn unsent_line(ids: ResultIds<'_>, code: &str, message: &str) -> serde_json::Result<String> {
    serde_json::to_string(&ResultLine::<()> {
        id: ids.id,
        custom_id: ids.custom_id,
        response: None,
        error: Some(BatchErrorObject { code, message }),
    })
}

fn line<B: Serialize>(
    ids: ResultIds<'_>,
    status_code: u16,
    body: B,
    adjustments: Option<String>,
) -> serde_json::Result<String> {
    serde_json::to_string(&ResultLine {
        id: ids.id,
        custom_id: ids.custom_id,
        response: Some(ResponseObject {
            status_code,
            request_id: ids.request_id,
            body,
            adjustments,
        }),
        error: None,
    })
}

/// The format of the response to a request of a batch.
#[derive(Debug)]
pub enum BatchFormat {
    /// A `chat.completion` object.
    Chat {
        /// The id of the completion.
        id: String,
        /// The time of creation in Unix seconds.
        created: u64,
        /// The client's name of the model.
        model: String,
    },
    /// A `response` object.
    Responses(Box<ResponsesFormat>),
}

impl BatchFormat {
    /// The JSON of a response from a job's output, like that of individual responses, and its
    /// token usage.
    ///
    /// # Errors
    ///
    /// If Bedrock's response cannot be translated.
    pub fn json(
        &self,
        response: ConverseResponse,
        output_options: OutputOptions,
    ) -> Result<(Vec<u8>, Option<TokenCounts>), ApiError> {
        match self {
            Self::Chat { id, created, model } => {
                let format = ChatFormat {
                    id,
                    created: *created,
                    model,
                };
                translate(response, output_options, &format)
            }
            Self::Responses(format) => translate(response, output_options, &**format),
        }
    }
}

fn translate<F: ResponseFormat>(
    response: ConverseResponse,
    output_options: OutputOptions,
    format: &F,
) -> Result<(Vec<u8>, Option<TokenCounts>), ApiError> {
    let output_options = Arc::new(output_options);
    let mut choice = format.choice(0, &output_options);
    let mut output_events = OutputEvents::new(Arc::clone(&output_options));
    for event in response.into_events() {
        output_events.accept(&event, &mut choice)?;
    }
    let summary = output_events.summary();
    let json = format.json(&[choice], &output_options, summary);
    let json = json.map_err(|_| ApiError::internal())?;
    Ok((json, summary.usage))
}

/// The token usage of the response in a line of the output file.
pub fn usage_of(line: &str) -> BatchUsage {
    #[derive(Deserialize)]
    struct CompletedLine {
        response: LineResponse,
    }
    #[derive(Deserialize)]
    struct LineResponse {
        body: LineBody,
    }
    #[derive(Deserialize)]
    struct LineBody {
        usage: LineUsage,
    }
    // Both APIs count the same tokens, by other names.
    #[derive(Deserialize)]
    struct LineUsage {
        #[serde(alias = "input_tokens")]
        prompt_tokens: u64,
        #[serde(alias = "output_tokens")]
        completion_tokens: u64,
        #[serde(alias = "input_tokens_details")]
        prompt_tokens_details: InputDetails,
        #[serde(alias = "output_tokens_details")]
        completion_tokens_details: OutputDetails,
    }
    let Ok(line) = serde_json::from_str::<CompletedLine>(line) else {
        return BatchUsage::default();
    };
    let LineUsage {
        prompt_tokens,
        completion_tokens,
        prompt_tokens_details,
        completion_tokens_details,
    } = line.response.body.usage;
    BatchUsage {
        input_tokens: prompt_tokens,
        input_tokens_details: prompt_tokens_details,
        output_tokens: completion_tokens,
        output_tokens_details: completion_tokens_details,
        total_tokens: prompt_tokens.saturating_add(completion_tokens),
    }
}
