//! The request body.

use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;

use super::messages::{MessageObject, messages};
use crate::converse::JsonText;
use crate::converse::options::{Fields, JsonSchemaDefinition};
use crate::converse::request::{
    ConverseRequest, InferenceConfig, Tool, ToolChoice, ToolInputSchema, ToolSpec,
};
use crate::error::ApiError;

/// A Converse request in the chat-completions format.
#[derive(Debug, Serialize)]
pub struct ChatCompletionRequest<'a> {
    model: &'a str,
    messages: Vec<MessageObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoiceObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormatObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptionsObject>,
    /// The upstream's own fields, such as `reasoning_effort`.
    #[serde(flatten)]
    additional: &'a Fields,
}

impl<'a> ChatCompletionRequest<'a> {
    /// The request to `model`, the upstream's id of it. A stream always ends with its usage, which
    /// the gateway records.
    ///
    /// # Errors
    ///
    /// If the request has content for which `upstream::route` does not choose this upstream.
    pub fn new(
        request: &'a ConverseRequest,
        model: &'a str,
        stream: bool,
    ) -> Result<Self, ApiError> {
        // No rest pattern: a new field does not compile until it is handled here.
        let ConverseRequest {
            messages: turns,
            system,
            inference_config,
            tool_config,
            guardrail_config: _,
            additional_model_request_fields,
            prompt_variables: _,
            additional_model_response_field_paths: _,
            request_metadata: _,
            performance_config: _,
            service_tier,
            output_config,
        } = request;
        let InferenceConfig {
            max_tokens,
            temperature,
            top_p,
            stop_sequences,
        } = inference_config;
        let tools = tool_config.iter().flat_map(|config| &config.tools);
        let choice = tool_config.as_ref();
        let choice = choice.and_then(|config| config.tool_choice.as_ref());
        let format = output_config.as_ref().map(|config| config.schema());
        Ok(Self {
            model,
            messages: messages(system, turns)?,
            max_completion_tokens: *max_tokens,
            temperature: temperature.as_ref(),
            top_p: top_p.as_ref(),
            stop: stop_sequences,
            tools: tools.filter_map(Tool::spec).map(ToolObject::from).collect(),
            tool_choice: choice.map(ToolChoiceObject::from),
            response_format: format.map(response_format).transpose()?,
            service_tier: service_tier.map(|tier| tier.r#type.as_str()),
            stream: stream.then_some(true),
            stream_options: stream.then_some(StreamOptionsObject {
                include_usage: true,
            }),
            additional: additional_model_request_fields,
        })
    }
}

#[derive(Debug, Serialize)]
struct StreamOptionsObject {
    include_usage: bool,
}

#[derive(Debug, Serialize)]
struct ToolObject<'a> {
    r#type: &'static str,
    function: FunctionObject<'a>,
}

#[derive(Debug, Serialize)]
struct FunctionObject<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: &'a JsonText,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> From<&'a ToolSpec> for ToolObject<'a> {
    fn from(spec: &'a ToolSpec) -> Self {
        let ToolSpec {
            name,
            description,
            input_schema: ToolInputSchema::Json(parameters),
            strict,
        } = spec;
        Self {
            r#type: "function",
            function: FunctionObject {
                name,
                description: description.as_deref(),
                parameters,
                strict: *strict,
            },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ToolChoiceObject<'a> {
    Word(&'static str),
    Function {
        r#type: &'static str,
        function: NameObject<'a>,
    },
}

#[derive(Debug, Serialize)]
struct NameObject<'a> {
    name: &'a str,
}

impl<'a> From<&'a ToolChoice> for ToolChoiceObject<'a> {
    fn from(choice: &'a ToolChoice) -> Self {
        match choice {
            ToolChoice::Auto {} => Self::Word("auto"),
            ToolChoice::Any {} => Self::Word("required"),
            ToolChoice::Tool { name } => Self::Function {
                r#type: "function",
                function: NameObject { name },
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct ResponseFormatObject<'a> {
    r#type: &'static str,
    json_schema: JsonSchemaObject<'a>,
}

#[derive(Debug, Serialize)]
struct JsonSchemaObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

fn response_format(
    definition: &JsonSchemaDefinition,
) -> Result<ResponseFormatObject<'_>, ApiError> {
    let JsonSchemaDefinition {
        schema,
        name,
        description,
        strict,
    } = definition;
    Ok(ResponseFormatObject {
        r#type: "json_schema",
        json_schema: JsonSchemaObject {
            name: name.as_deref(),
            description: description.as_deref(),
            schema: serde_json::from_str(schema).map_err(|_| ApiError::internal())?,
            strict: *strict,
        },
    })
}
