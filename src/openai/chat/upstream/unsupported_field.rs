//! Finds request fields that the chat-completions upstream does not support and Converse does.

use super::super::content::Content;
use super::super::context::ChatOptions;
use super::super::media::ImageUrl;
use super::super::types::{
    ChatMessage, ChatRequest, ChatTool, ContentPart, GuardrailFields, ToolCall,
};
use super::reasons;
use crate::converse::JsonText;
use crate::converse::media::is_s3_uri;
use crate::dialects::wire::StringOrObject;
use crate::error::ApiError;
use crate::models::Capabilities;

/// A field that the upstream does not support, in general or for this model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsupportedField {
    /// The path of the field, such as `messages[].audio`.
    pub field: &'static str,
    /// The reason, for the client.
    pub why: &'static str,
}

impl UnsupportedField {
    /// The error for a model that Converse does not support either.
    pub fn refusal(self) -> ApiError {
        let Self { field, why } = self;
        ApiError::unsupported(
            field,
            format!(
                "`{field}` is not supported for this model, which is only available on AWS's \
                 chat-completions endpoint: {why}"
            ),
        )
    }
}

/// The first field, set by the request or by the operator's options, that the upstream does not
/// support.
pub fn unsupported_field(
    request: &ChatRequest,
    capabilities: &Capabilities,
    options: &ChatOptions,
) -> Option<UnsupportedField> {
    let checks = [
        (
            uses_guardrail(request, options),
            "guardrailConfig",
            "the endpoint has no guardrails",
        ),
        (
            request.performance_config.is_some() || options.latency_header.is_some(),
            "performanceConfig",
            "the endpoint has no latency modes",
        ),
        (
            uses_reserved_tier(request, options),
            "service_tier",
            "the endpoint has no reserved capacity",
        ),
        (
            request
                .request_metadata
                .as_ref()
                .is_some_and(|labels| !labels.is_empty()),
            "requestMetadata",
            "the endpoint has no request metadata",
        ),
        (
            options.forward_metadata && request.metadata.as_ref().is_some_and(|m| !m.is_empty()),
            "metadata",
            "the endpoint has no request metadata",
        ),
        (
            request
                .prompt_variables
                .as_ref()
                .is_some_and(|variables| !variables.is_empty()),
            "promptVariables",
            "the endpoint has no stored prompts",
        ),
        (
            request
                .additional_model_request_fields
                .as_ref()
                .is_some_and(|fields| !fields.is_empty()),
            "additionalModelRequestFields",
            "only Converse has this field",
        ),
        (
            request
                .additional_model_response_field_paths
                .as_ref()
                .is_some_and(|paths| !paths.is_empty()),
            "additionalModelResponseFieldPaths",
            "only Converse has this field",
        ),
        (
            request.thinking.is_some(),
            "thinking",
            "use `reasoning_effort`",
        ),
        (
            request.n.is_some_and(|n| n > 1),
            "n",
            "the endpoint returns one choice per request",
        ),
        (
            request
                .web_search_options
                .as_ref()
                .is_some_and(JsonText::is_object),
            "web_search_options",
            "the endpoint has no web search",
        ),
        (
            uses_json_format(request) && !capabilities.upstream_response_format,
            "response_format",
            "the model ignores it on that endpoint",
        ),
    ];
    let first = checks.into_iter().find(|(is_used, ..)| *is_used);
    first
        .map(|(_, field, why)| UnsupportedField { field, why })
        .or_else(|| unsupported_in_tools(request, capabilities))
        .or_else(|| {
            request
                .messages
                .iter()
                .flatten()
                .find_map(|message| unsupported_in_message(message))
        })
}

fn uses_guardrail(request: &ChatRequest, options: &ChatOptions) -> bool {
    options.guardrail.is_some()
        || options.guardrail_headers != GuardrailFields::default()
        || request.guardrail_config.is_some()
}

fn uses_reserved_tier(request: &ChatRequest, options: &ChatOptions) -> bool {
    let tier = request.service_tier.as_ref();
    match tier
        .or(options.service_tier_header.as_ref())
        .map(String::as_str)
    {
        Some("reserved") => true,
        Some("scale") => options.reserved_tier,
        _ => false,
    }
}

fn uses_json_format(request: &ChatRequest) -> bool {
    let format = request.response_format.as_ref();
    let kind = format.and_then(|format| format.kind.as_deref());
    !matches!(kind, None | Some("text"))
}

fn unsupported_in_tools(
    request: &ChatRequest,
    capabilities: &Capabilities,
) -> Option<UnsupportedField> {
    let has_functions = request
        .functions
        .as_ref()
        .is_some_and(|list| !list.is_empty());
    if has_functions || request.function_call.is_some() {
        return Some(UnsupportedField {
            field: "functions",
            why: "the endpoint does not accept the deprecated form; use `tools`",
        });
    }
    let has_tools = request.tools.as_ref().is_some_and(|list| !list.is_empty());
    let mut tools = request.tools.iter().flatten();
    if tools.any(|tool| !is_plain_name(tool_name(tool))) {
        return Some(INVALID_TOOL_NAME);
    }
    let is_refused =
        has_tools && !capabilities.upstream_tools_with_reasoning && reasons(request, capabilities);
    is_refused.then_some(UnsupportedField {
        field: "tools",
        why: "the model accepts tools on that endpoint only with `reasoning_effort: \"none\"`",
    })
}

const INVALID_TOOL_NAME: UnsupportedField = UnsupportedField {
    field: "tools",
    why: "tool names can have letters, digits, `_` and `-`, and at most 64 characters",
};

fn tool_name(tool: &ChatTool) -> Option<&str> {
    let function = tool
        .function
        .as_ref()
        .and_then(|function| function.name.as_deref());
    let custom = || tool.custom.as_ref()?.name.as_deref();
    function.or_else(custom).or(tool.name.as_deref())
}

/// Whether OpenAI's API accepts the name. A missing name is reported elsewhere.
fn is_plain_name(name: Option<&str>) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    name.is_none_or(|name| (1..=64).contains(&name.len()) && name.chars().all(is_plain))
}

fn unsupported_in_message(message: &ChatMessage) -> Option<UnsupportedField> {
    if message.function_call.is_some() || message.role.as_deref() == Some("function") {
        return Some(UnsupportedField {
            field: "messages[].function_call",
            why: "the endpoint does not accept the deprecated form; use `tool_calls`",
        });
    }
    let role = message.role.as_deref();
    if !matches!(
        role,
        Some("system" | "developer" | "user" | "assistant" | "tool")
    ) {
        return Some(UnsupportedField {
            field: "messages[].role",
            why: "OpenAI's API has no such role",
        });
    }
    if message
        .audio
        .as_ref()
        .is_some_and(|audio| !audio.is_neutral())
    {
        return Some(UnsupportedField {
            field: "messages[].audio",
            why: "the endpoint has no audio responses",
        });
    }
    let mut calls = message.tool_calls.iter().flatten();
    if calls.any(|call| !is_plain_name(call_name(call))) {
        return Some(INVALID_TOOL_NAME);
    }
    let Some(Content::Parts(parts)) = &message.content else {
        return None;
    };
    let is_supported = parts.iter().all(|part| match part.kind.as_deref() {
        Some("text" | "refusal") => true,
        Some("image_url") => !is_in_s3(part),
        _ => false,
    });
    (!is_supported).then_some(UnsupportedField {
        field: "messages[].content[]",
        why: "the endpoint accepts only text, and images as data URLs or web addresses",
    })
}

fn call_name(call: &ToolCall) -> Option<&str> {
    let function = call
        .function
        .as_ref()
        .and_then(|function| function.name.as_deref());
    function.or_else(|| call.custom.as_ref()?.name.as_deref())
}

fn is_in_s3(part: &ContentPart) -> bool {
    let url = match part.image_url.as_deref() {
        Some(StringOrObject::String(url)) => Some(url),
        Some(StringOrObject::Object(ImageUrl { url, .. })) => url.as_ref(),
        None => None,
    };
    url.is_some_and(|url| is_s3_uri(url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{ModelId, ModelTable};

    fn field(model: &str, fields: &str, options: &ChatOptions) -> Option<&'static str> {
        let table = ModelTable::built_in().expect("the built-in table");
        let capabilities = table.capabilities(&ModelId::parse(model).expect("an id"));
        let body = format!(r#"{{"messages":[{{"role":"user","content":"hi"}}]{fields}}}"#);
        let request: ChatRequest = serde_json::from_str(&body).expect("a request");
        unsupported_field(&request, capabilities, options)
            .map(|unsupported_field| unsupported_field.field)
    }

    #[test]
    fn fields_the_upstream_does_not_support_are_found() {
        let gpt = "openai.gpt-6-luna";
        let tools = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;
        let none = r#","reasoning_effort":"none""#;
        for (model, fields, expected) in [
            (gpt, String::new(), None),
            (
                gpt,
                r#","n":1,"service_tier":"scale","tools":[]"#.to_owned(),
                None,
            ),
            (
                gpt,
                r#","guardrailConfig":{}"#.to_owned(),
                Some("guardrailConfig"),
            ),
            (gpt, r#","n":2"#.to_owned(), Some("n")),
            (
                gpt,
                r#","service_tier":"reserved""#.to_owned(),
                Some("service_tier"),
            ),
            (
                gpt,
                r#","thinking":{"type":"disabled"}"#.to_owned(),
                Some("thinking"),
            ),
            (gpt, tools.to_owned(), Some("tools")),
            (gpt, format!("{tools}{none}"), None),
            (
                gpt,
                r#","response_format":{"type":"json_object"}"#.to_owned(),
                None,
            ),
            (
                "openai.gpt-oss-20b-1:0",
                r#","response_format":{"type":"json_object"}"#.to_owned(),
                Some("response_format"),
            ),
            ("openai.gpt-oss-20b-1:0", tools.to_owned(), None),
            ("xai.grok-4.6", tools.to_owned(), None),
            (
                "xai.grok-4.6",
                tools.replace("\"f\"", "\"a.b\""),
                Some("tools"),
            ),
            (
                gpt,
                r#","functions":[{"name":"f"}]"#.to_owned(),
                Some("functions"),
            ),
            (
                gpt,
                r#","messages":[{"role":"critic"}]"#.to_owned(),
                Some("messages[].role"),
            ),
            (
                gpt,
                r#","messages":[{"role":"assistant","audio":{"id":"a"}}]"#.to_owned(),
                Some("messages[].audio"),
            ),
        ] {
            let actual = field(model, &fields, &ChatOptions::default());
            assert_eq!(actual, expected, "{model} {fields}");
        }
    }

    #[test]
    fn operator_options_and_headers_are_checked() {
        let guarded = ChatOptions {
            guardrail_headers: GuardrailFields {
                identifier: Some("abcd".to_owned()),
                ..GuardrailFields::default()
            },
            ..ChatOptions::default()
        };
        let labelled = ChatOptions {
            forward_metadata: true,
            ..ChatOptions::default()
        };
        let optimized = ChatOptions {
            latency_header: Some("optimized".to_owned()),
            ..ChatOptions::default()
        };
        for (options, fields, expected) in [
            (&guarded, "", Some("guardrailConfig")),
            (&labelled, "", None),
            (&labelled, r#","metadata":{"a":"b"}"#, Some("metadata")),
            (&optimized, "", Some("performanceConfig")),
        ] {
            assert_eq!(field("xai.grok-4.6", fields, options), expected);
        }
    }

    #[test]
    fn parts_other_than_text_and_images_are_found() {
        for (part, expected) in [
            (r#"{"type":"text","text":"a"}"#, None),
            (
                r#"{"type":"image_url","image_url":{"url":"https://a.b/c.png"}}"#,
                None,
            ),
            (
                r#"{"type":"image_url","image_url":"s3://bucket/c.png"}"#,
                Some("messages[].content[]"),
            ),
            (
                r#"{"type":"guarded_text","text":"a"}"#,
                Some("messages[].content[]"),
            ),
            (
                r#"{"type":"file","file":{"file_data":"aGk="}}"#,
                Some("messages[].content[]"),
            ),
        ] {
            let fields = format!(r#","messages":[{{"role":"user","content":[{part}]}}]"#);
            let actual = field("openai.gpt-6-luna", &fields, &ChatOptions::default());
            assert_eq!(actual, expected, "{part}");
        }
    }
}
