//! Request options that Converse has no single field for: reasoning, response format, caching.

use serde::Serialize;

use super::cache_control::CACHE_LIFETIMES;
use super::types::{JsonSchemaFormat, PromptCacheOptions, ResponseFormat, ThinkingParameter};
use crate::converse::JsonText;
use crate::converse::content::CacheTtl;
use crate::converse::options::Fields;
use crate::converse::rules::{CachePolicy, EffortOption, JsonFormat, ReasoningRequest, Thinking};
use crate::converse::translation::ChatOptions;
use crate::error::{ApiError, CachePolicyField, Field, FormatField, Sentence, ThinkingField};
use crate::models::Effort;
use crate::reply::Adjustments;
use crate::wire::{Words, note_unknown, unknown_word};

const EFFORTS: Words<EffortOption> = Words::new(
    "a reasoning effort",
    &[
        ("none", EffortOption::None),
        ("minimal", EffortOption::Level(Effort::Minimal)),
        ("low", EffortOption::Level(Effort::Low)),
        ("medium", EffortOption::Level(Effort::Medium)),
        ("high", EffortOption::Level(Effort::High)),
        ("xhigh", EffortOption::Level(Effort::Xhigh)),
        ("max", EffortOption::Level(Effort::Max)),
    ],
);

/// The cache modes, and whether the gateway places cache points.
const CACHE_MODES: Words<bool> =
    Words::new("a cache mode", &[("implicit", true), ("explicit", false)]);

const CACHE_RETENTIONS: Words<Option<CacheTtl>> = Words::new(
    "a cache retention",
    &[("in_memory", None), ("24h", Some(CacheTtl::OneHour))],
)
.with_aliases(&[("in-memory", None)]);

/// The reasoning options, from OpenAI's `reasoning_effort` and Anthropic's `thinking`.
pub(super) fn reasoning_request(
    effort: Option<String>,
    thinking: Option<ThinkingParameter>,
    options: &ChatOptions,
    adjustments: &mut Adjustments,
) -> Result<ReasoningRequest, ApiError> {
    Ok(ReasoningRequest {
        effort: EFFORTS.read(effort.as_deref(), Field::ReasoningEffort)?,
        thinking: match thinking {
            Some(parameter) => thinking_request(parameter, adjustments)?,
            None => None,
        },
        keeps_limit: options.max_tokens_ceiling.is_some(),
    })
}

fn thinking_request(
    parameter: ThinkingParameter,
    adjustments: &mut Adjustments,
) -> Result<Option<Thinking>, ApiError> {
    let ThinkingParameter {
        kind,
        budget_tokens,
        display,
        unknown,
    } = parameter;
    note_unknown(adjustments, &unknown, "thinking.");
    if display.is_some_and(|display| display != "summarized") {
        adjustments.ignored(Field::Thinking(ThinkingField::Display));
    }
    match kind.as_deref() {
        Some("disabled") => Ok(Some(Thinking::Disabled)),
        Some("between_tools") => Ok(Some(Thinking::BetweenTools)),
        Some("adaptive") => Ok(Some(Thinking::Adaptive)),
        Some("enabled") => {
            let tokens = budget_tokens
                .ok_or_else(|| ApiError::missing_value(Field::Thinking(ThinkingField::Budget)))?;
            let budget = u32::try_from(tokens).ok().filter(|budget| *budget >= 1);
            let budget = budget.ok_or_else(|| {
                let field = Field::Thinking(ThinkingField::Budget);
                ApiError::invalid(
                    field.clone(),
                    Sentence::about(field, format!(" is {tokens}; the minimum is 1024")),
                )
            })?;
            Ok(Some(Thinking::Enabled { budget }))
        }
        Some(other) => Err(unknown_word(
            Field::Thinking(ThinkingField::Type),
            other,
            "a thinking type",
            ["enabled", "adaptive", "between_tools", "disabled"],
        )),
        None => Err(ApiError::missing_value(Field::Thinking(
            ThinkingField::Type,
        ))),
    }
}

/// The requested JSON format; `None` for a text response.
pub(super) fn json_format(
    format: Option<ResponseFormat>,
    adjustments: &mut Adjustments,
) -> Result<Option<JsonFormat>, ApiError> {
    let Some(ResponseFormat {
        kind,
        json_schema,
        unknown,
    }) = format
    else {
        return Ok(None);
    };
    note_unknown(adjustments, &unknown, "response_format.");
    match kind.as_deref() {
        None | Some("text") => Ok(None),
        Some("json_object") => Ok(Some(JsonFormat {
            name: None,
            description: None,
            schema: None,
            strict: None,
        })),
        Some("json_schema") => {
            let format = json_schema.ok_or_else(|| {
                ApiError::missing_value(Field::ResponseFormat(FormatField::Definition))
            })?;
            schema_format(format, adjustments).map(Some)
        }
        Some(other) => Err(unknown_word(
            Field::ResponseFormat(FormatField::Type),
            other,
            "a response format",
            ["text", "json_object", "json_schema"],
        )),
    }
}

fn schema_format(
    format: JsonSchemaFormat,
    adjustments: &mut Adjustments,
) -> Result<JsonFormat, ApiError> {
    let JsonSchemaFormat {
        name,
        description,
        schema,
        strict,
        unknown,
    } = format;
    note_unknown(adjustments, &unknown, "response_format.json_schema.");
    let name = name.filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| ApiError::missing_value(Field::ResponseFormat(FormatField::Name)))?;
    let schema = match schema {
        Some(schema) if !schema.is_object() => {
            return Err(ApiError::invalid(
                Field::ResponseFormat(FormatField::Schema),
                "a JSON Schema must be an object",
            ));
        }
        Some(schema) if !may_be_object(&schema) => {
            return Err(ApiError::invalid(
                Field::ResponseFormat(FormatField::Schema),
                "the root of a response schema must have type `object`",
            ));
        }
        schema => schema.filter(|schema| !schema.is_neutral()),
    };
    Ok(JsonFormat {
        name: Some(name),
        description,
        schema,
        strict,
    })
}

/// Whether the root of a schema has type `object`, or no type.
fn may_be_object(schema: &JsonText) -> bool {
    let members = Fields::from_object(schema).unwrap_or_default();
    let root = members.get("type").map(JsonText::as_str);
    matches!(root, None | Some("\"object\"" | "null"))
}

/// The caching fields in OpenAI's own form, for upstreams that have them.
pub(super) fn cache_fields(
    retention: Option<&str>,
    options: Option<&PromptCacheOptions>,
) -> Result<[(&'static str, Option<JsonText>); 2], ApiError> {
    #[derive(Serialize)]
    struct CacheOptions<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl: Option<&'a str>,
    }
    let options = options.map(|options| {
        JsonText::of(&CacheOptions {
            mode: options.mode.as_deref(),
            ttl: options.ttl.as_deref(),
        })
    });
    let internal = |_| ApiError::internal();
    Ok([
        (
            "prompt_cache_retention",
            retention.map(JsonText::of).transpose().map_err(internal)?,
        ),
        (
            "prompt_cache_options",
            options.transpose().map_err(internal)?,
        ),
    ])
}

/// The policy of automatic prompt caching: whether it is enabled, and the lifetime of a prefix.
pub(super) fn cache_policy(
    automatic: bool,
    options: Option<PromptCacheOptions>,
    retention: Option<String>,
    adjustments: &mut Adjustments,
) -> Result<CachePolicy, ApiError> {
    let PromptCacheOptions { mode, ttl, unknown } = options.unwrap_or_default();
    note_unknown(adjustments, &unknown, "prompt_cache_options.");
    let field = Field::CachePolicy;
    let mode = CACHE_MODES.read(mode.as_deref(), field(CachePolicyField::Mode))?;
    let ttl = match ttl {
        Some(ttl) => Some(CACHE_LIFETIMES.parse(&ttl, field(CachePolicyField::Ttl))?),
        None => CACHE_RETENTIONS
            .read(retention.as_deref(), field(CachePolicyField::Retention))?
            .flatten(),
    };
    Ok(CachePolicy {
        automatic: automatic && mode.unwrap_or(true),
        ttl,
    })
}
