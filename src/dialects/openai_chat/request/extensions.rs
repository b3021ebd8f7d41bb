//! Bedrock parameters that OpenAI's API does not have: guardrail, latency mode, service tier,
//! request metadata, and provider-specific fields.

use std::collections::BTreeMap;

use super::types::{PerformanceFields, PromptVariable};
use crate::converse::options::{
    Fields, GuardrailConfig, GuardrailStreamMode, GuardrailTrace, Latency, PerformanceConfig,
    ServiceTier, ServiceTierType,
};
use crate::converse::policy::GuardrailPolicy;
use crate::converse::request;
use crate::converse::translation::{ChatOptions, GuardrailHeaders};
use crate::error::{ApiError, Field, GuardrailField, Sentence};
use crate::models::{Capabilities, RefusedField};
use crate::reply::Adjustments;
use crate::wire::{
    ClientField, GuardrailFields, UnknownFields, Words, note_unknown, note_unknown_fields,
};

/// The maximum number of response field paths (botocore, bedrock-runtime).
const MAX_PATHS: usize = 10;

/// The maximum number of `requestMetadata` labels, and the maximum length of a key or a value
/// (botocore, bedrock-runtime).
const MAX_LABELS: usize = 16;
const MAX_LABEL_CHARS: usize = 256;

/// The maximum number of provider-specific fields; no provider has as many.
const MAX_KEYS: usize = 256;

const TRACE_MODES: Words<GuardrailTrace> = Words::new(
    "a trace mode",
    &[
        ("enabled", GuardrailTrace::Enabled),
        ("disabled", GuardrailTrace::Disabled),
        ("enabled_full", GuardrailTrace::EnabledFull),
    ],
)
.with_aliases(&[
    ("ENABLED", GuardrailTrace::Enabled),
    ("DISABLED", GuardrailTrace::Disabled),
    ("ENABLED_FULL", GuardrailTrace::EnabledFull),
]);

const STREAM_MODES: Words<GuardrailStreamMode> = Words::new(
    "a stream processing mode",
    &[
        ("sync", GuardrailStreamMode::Sync),
        ("async", GuardrailStreamMode::Async),
    ],
);

/// OpenAI's and Bedrock's names of service tiers; `None` leaves the choice to Bedrock.
const SERVICE_TIERS: Words<Option<ServiceTierType>> = Words::new(
    "a service tier",
    &[
        ("auto", None),
        ("default", Some(ServiceTierType::Default)),
        ("flex", Some(ServiceTierType::Flex)),
        ("priority", Some(ServiceTierType::Priority)),
        ("scale", Some(ServiceTierType::Reserved)),
    ],
)
.with_aliases(&[
    ("fast", Some(ServiceTierType::Priority)),
    ("reserved", Some(ServiceTierType::Reserved)),
]);

const LATENCY_MODES: Words<Latency> = Words::new(
    "a latency mode",
    &[
        ("standard", Latency::Standard),
        ("optimized", Latency::Optimized),
    ],
);

/// The guardrail of the operator, otherwise of the request's body, otherwise of its headers.
pub(super) fn guardrail(
    fields: Option<GuardrailFields>,
    options: &ChatOptions,
    adjustments: &mut Adjustments,
) -> Result<Option<GuardrailPolicy>, ApiError> {
    let headers = &options.guardrail_headers;
    let from_headers = || (*headers != GuardrailHeaders::default()).then(|| of_headers(headers));
    let requested = fields.or_else(from_headers);
    let requested = requested
        .map(|requested| requested_policy(requested, adjustments))
        .transpose()?;
    let Some(own) = &options.guardrail else {
        return requested.map(complete).transpose();
    };
    let mut policy = own.clone();
    if let Some(requested) = requested {
        let is_other = |requested: &Option<String>, own: &str| {
            requested
                .as_deref()
                .is_some_and(|requested| requested != own)
        };
        if is_other(&requested.identifier, &own.config.guardrail_identifier)
            || is_other(&requested.version, &own.config.guardrail_version)
        {
            adjustments.note(
                Field::Guardrail(GuardrailField::Whole),
                "replaced by the operator's guardrail",
            );
        }
        policy.config.trace = requested.trace.or(policy.config.trace);
    }
    Ok(Some(policy))
}

fn of_headers(headers: &GuardrailHeaders) -> GuardrailFields {
    let GuardrailHeaders {
        identifier,
        version,
        trace,
    } = headers.clone();
    GuardrailFields {
        identifier,
        version,
        trace,
        ..GuardrailFields::default()
    }
}

/// The guardrail fields of a request, parsed.
struct GuardrailRequest {
    identifier: Option<String>,
    version: Option<String>,
    trace: Option<GuardrailTrace>,
    stream_processing_mode: Option<GuardrailStreamMode>,
    only_last_turn: bool,
}

fn requested_policy(
    fields: GuardrailFields,
    adjustments: &mut Adjustments,
) -> Result<GuardrailRequest, ApiError> {
    let GuardrailFields {
        identifier,
        version,
        trace,
        stream_processing_mode,
        only_last_turn,
        unknown,
    } = fields;
    note_unknown(adjustments, &unknown, "guardrailConfig.");
    let field = Field::Guardrail;
    let stream_mode = stream_processing_mode.as_deref();
    Ok(GuardrailRequest {
        identifier,
        version,
        trace: TRACE_MODES.read(trace.as_deref(), field(GuardrailField::Trace))?,
        stream_processing_mode: STREAM_MODES
            .read(stream_mode, field(GuardrailField::StreamMode))?,
        only_last_turn: only_last_turn.unwrap_or(false),
    })
}

fn complete(requested: GuardrailRequest) -> Result<GuardrailPolicy, ApiError> {
    let missing = |field| ApiError::missing_value(Field::Guardrail(field));
    Ok(GuardrailPolicy {
        config: GuardrailConfig {
            guardrail_identifier: requested
                .identifier
                .ok_or_else(|| missing(GuardrailField::Identifier))?,
            guardrail_version: requested
                .version
                .ok_or_else(|| missing(GuardrailField::Version))?,
            trace: requested.trace,
            stream_processing_mode: requested.stream_processing_mode,
        },
        only_last_turn: requested.only_last_turn,
    })
}

/// The service tier.
pub(super) fn service_tier(
    tier: Option<&str>,
    options: &ChatOptions,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> Result<Option<ServiceTier>, ApiError> {
    let Some(Some(mut r#type)) = SERVICE_TIERS.read(tier, Field::ServiceTier)? else {
        return Ok(None);
    };
    if tier == Some("scale") && !options.reserved_tier {
        adjustments.note(
            Field::ServiceTier,
            "replaced by `default`; no capacity is reserved",
        );
        r#type = ServiceTierType::Default;
    }
    if capabilities.refuses(&RefusedField::ServiceTier) {
        adjustments.note(Field::ServiceTier, "removed; the model does not accept it");
        return Ok(None);
    }
    Ok(Some(ServiceTier { r#type }))
}

/// The latency mode.
pub(super) fn performance(
    fields: Option<PerformanceFields>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> Result<Option<PerformanceConfig>, ApiError> {
    let Some(PerformanceFields { latency, unknown }) = fields else {
        return Ok(None);
    };
    note_unknown(adjustments, &unknown, "performanceConfig.");
    let Some(latency) = LATENCY_MODES.read(latency.as_deref(), Field::Latency)? else {
        return Ok(None);
    };
    if capabilities.refuses(&RefusedField::PerformanceConfig) {
        adjustments.note(Field::Performance, "removed; the model does not accept it");
        return Ok(None);
    }
    Ok(Some(PerformanceConfig { latency }))
}

/// The labels of the Bedrock request: `requestMetadata`, and `metadata` if the operator's options
/// forward it.
pub(super) fn labels(
    own: Option<BTreeMap<String, String>>,
    metadata: Option<&Fields>,
    options: &ChatOptions,
    adjustments: &mut Adjustments,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut labels = own.unwrap_or_default();
    let metadata = metadata.filter(|metadata| !metadata.is_empty());
    if let Some(metadata) = metadata {
        if !options.forward_metadata {
            adjustments.note(
                Field::Metadata(None),
                "returned in the response; not sent to Bedrock",
            );
        } else {
            for (key, value) in metadata.iter() {
                let value: String = serde_json::from_str(value.as_str()).map_err(|_| {
                    let field = Field::Metadata(Some(key.to_owned()));
                    ApiError::invalid(
                        field,
                        Sentence::naming(
                            "the values of `{}` must be strings",
                            Field::Metadata(None),
                        ),
                    )
                })?;
                let (key, value) = (fitting(key), fitting(&value));
                if !key.is_empty() {
                    labels.entry(key).or_insert(value);
                }
            }
        }
    }
    if labels.len() > MAX_LABELS {
        return Err(ApiError::invalid(
            Field::RequestMetadata,
            format!(
                "the request has {} labels; the maximum is {MAX_LABELS}",
                labels.len()
            ),
        ));
    }
    Ok(labels)
}

/// `text` as a label. Bedrock accepts the characters `[a-zA-Z0-9\s:_@$#=/+,-.]`; others become `_`.
fn fitting(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || " :_@$#=/+,-.".contains(c);
    let characters = text.chars().map(|c| if fits(c) { c } else { '_' });
    characters.take(MAX_LABEL_CHARS).collect()
}

pub(super) fn prompt_variables(
    variables: Option<BTreeMap<String, PromptVariable>>,
    adjustments: &mut Adjustments,
) -> Result<BTreeMap<String, request::PromptVariable>, ApiError> {
    let variables = variables.unwrap_or_default().into_iter();
    variables
        .map(|(name, PromptVariable { text, unknown })| {
            note_unknown(adjustments, &unknown, "promptVariables[].");
            let path = format!("promptVariables.{name}");
            let text = text.ok_or_else(|| ApiError::missing_field(&path, "text"))?;
            Ok((name, request::PromptVariable::Text(text)))
        })
        .collect()
}

/// The provider-specific fields: `additionalModelRequestFields`, and unknown top-level fields that
/// the operator allows by name. All other unknown fields are noted.
pub(super) fn provider_fields(
    fields: Option<Fields>,
    unknown: &UnknownFields,
    client_fields: &[ClientField],
    options: &ChatOptions,
    adjustments: &mut Adjustments,
) -> Result<Fields, ApiError> {
    let fields = fields.unwrap_or_default();
    if fields.count() > MAX_KEYS {
        return Err(ApiError::invalid(
            Field::ProviderField(None),
            format!(
                "the object has {} fields; the maximum is {MAX_KEYS}",
                fields.count()
            ),
        ));
    }
    let allowed = &options.model_fields;
    if let Some((key, _)) = fields.iter().find(|(key, _)| !allowed.allows(key)) {
        return Err(ApiError::unsupported(
            Field::ProviderField(Some(key.to_owned())),
            format!("`{key}` is not allowed by the operator of this gateway; remove it"),
        ));
    }
    let mut all = fields;
    let mut others = UnknownFields::new();
    for (key, value) in unknown {
        if allowed.names(key) {
            all.set_if_absent(key, value.clone());
        } else {
            others.push((key.clone(), value.clone()));
        }
    }
    note_unknown_fields(&others, client_fields, adjustments);
    Ok(all)
}

/// The paths of provider-specific response fields.
pub(super) fn response_paths(paths: Option<Vec<String>>) -> Result<Vec<String>, ApiError> {
    let paths = paths.unwrap_or_default();
    if paths.len() > MAX_PATHS {
        return Err(ApiError::invalid(
            Field::ResponsePath(None),
            format!(
                "the list has {} paths; the maximum is {MAX_PATHS}",
                paths.len()
            ),
        ));
    }
    let wrong = paths.iter().position(|path| !path.starts_with('/'));
    if let Some(position) = wrong {
        return Err(ApiError::invalid(
            Field::ResponsePath(Some(position)),
            "a path must be a JSON Pointer, which starts with `/`",
        ));
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;
    use crate::dialects::openai_chat::{ChatFieldNames, ChatRequest};

    #[test]
    fn provider_specific_keys_are_limited_in_number() {
        let fields = |count: usize| {
            let mut fields = Fields::default();
            for key in 0..count {
                fields.set(&key.to_string(), JsonText::empty_object());
            }
            let options = ChatOptions::default();
            provider_fields(
                Some(fields),
                &UnknownFields::new(),
                ChatRequest::FIELDS,
                &options,
                &mut Adjustments::default(),
            )
        };
        assert!(fields(MAX_KEYS).is_ok());
        let error = fields(MAX_KEYS + 1).err();
        let parameter = error.and_then(|error| {
            error
                .named(&ChatFieldNames)
                .path()
                .map(|path| path.into_owned())
        });
        assert_eq!(parameter.as_deref(), Some("additionalModelRequestFields"));
    }
}
