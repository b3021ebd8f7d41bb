//! The fields of a request that one upstream has and another does not.

use serde_json::Number;

use super::chat_completions::UnsupportedFields;
use super::request_options::RequestOptions;
use crate::converse::JsonText;
use crate::converse::content::{ContentBlock, ToolResultContent};
use crate::converse::media::PartKind;
use crate::converse::options::Fields;
use crate::converse::request::ConverseRequest;
use crate::error::{ApiError, Field, MediaField, Sentence};
use crate::models::{Capabilities, ChatUpstream};
use crate::reply::Adjustments;

/// A field that Converse does not have.
struct UpstreamField {
    /// The name, in chat-completions upstreams and in requests.
    name: &'static str,
    /// What happens to it on Converse.
    on_converse: Absence,
    /// Whether chat-completions upstreams have it.
    is_sent: bool,
}

/// The treatment of a field that an upstream does not have.
#[derive(Clone, Copy)]
enum Absence {
    /// Clients rely on its effect: the request is rejected.
    Refused,
    /// The response lacks token probabilities, and is still useful.
    NoLogprobs,
    /// It has no effect, which is noted unless the value is this JSON.
    Ignored(&'static str),
    /// The rules give it another form.
    Replaced,
}

const fn field(name: &'static str, on_converse: Absence) -> UpstreamField {
    UpstreamField {
        name,
        on_converse,
        is_sent: true,
    }
}

/// In the order of their notes.
const UPSTREAM_FIELDS: [UpstreamField; 13] = [
    field("logit_bias", Absence::Refused),
    field("logprobs", Absence::NoLogprobs),
    field("top_logprobs", Absence::NoLogprobs),
    field("verbosity", Absence::Ignored("\"medium\"")),
    field("seed", Absence::Ignored("")),
    UpstreamField {
        is_sent: false,
        ..field("audio", Absence::Ignored(""))
    },
    field("prediction", Absence::Ignored("")),
    UpstreamField {
        is_sent: false,
        ..field("store", Absence::Ignored("false"))
    },
    field("user", Absence::Ignored("")),
    field("safety_identifier", Absence::Ignored("")),
    field("prompt_cache_key", Absence::Ignored("")),
    field("prompt_cache_retention", Absence::Replaced),
    field("prompt_cache_options", Absence::Replaced),
];

/// Sends the fields that `upstream` has, and leaves out the others. Returns the notes.
///
/// # Errors
///
/// If the upstream or the model does not have a field that clients rely on.
pub fn upstream_fields(
    upstream: ChatUpstream,
    request: &mut ConverseRequest,
    request_options: &mut RequestOptions,
    capabilities: &Capabilities,
) -> Result<Adjustments, ApiError> {
    let fields = std::mem::take(&mut request_options.upstream_fields);
    match upstream {
        ChatUpstream::Converse => for_converse(request, fields),
        ChatUpstream::OpenAi(_) => {
            for_chat_completions(request, fields, request_options, capabilities)
        }
    }
}

fn for_converse(
    request: &mut ConverseRequest,
    mut fields: Fields,
) -> Result<Adjustments, ApiError> {
    let mut adjustments = Adjustments::default();
    for (
        UpstreamField {
            name, on_converse, ..
        },
        value,
    ) in present(&mut fields)
    {
        let field = named(name);
        match on_converse {
            Absence::Refused => refuse(field, &value, "Bedrock has no token bias")?,
            Absence::NoLogprobs => no_logprobs(field, &value, &mut adjustments),
            Absence::Ignored(default) => ignore(field, &value, default, &mut adjustments),
            Absence::Replaced => {}
        }
    }
    let temperature = &mut request.inference_config.temperature;
    // The maximum is 2 in OpenAI's API, and 1 on Converse.
    if temperature.as_ref().and_then(Number::as_f64) > Some(1.0) {
        *temperature = Some(Number::from(1));
        adjustments.note(Field::Temperature, "clamped to 1");
    }
    if has_image_detail(request) {
        adjustments.ignored(PartKind::ImageUrl.any(MediaField::Detail));
    }
    Ok(adjustments)
}

fn for_chat_completions(
    request: &mut ConverseRequest,
    mut fields: Fields,
    request_options: &RequestOptions,
    capabilities: &Capabilities,
) -> Result<Adjustments, ApiError> {
    let unsupported = UnsupportedFields::new(request_options, capabilities);
    let has_logprobs = |name| request_options.returns_logprobs && !unsupported.contains(name);
    let mut adjustments = Adjustments::default();
    for (
        UpstreamField {
            name,
            on_converse,
            is_sent,
        },
        value,
    ) in present(&mut fields)
    {
        let field = named(name);
        match on_converse {
            Absence::Ignored(default) if !is_sent => {
                ignore(field, &value, default, &mut adjustments);
            }
            Absence::NoLogprobs if !has_logprobs(name) => {
                no_logprobs(field, &value, &mut adjustments);
            }
            _ if unsupported.contains(name) => refuse(field, &value, unsupported.why(name))?,
            _ => {
                let additional = &mut request.additional_model_request_fields;
                additional.set(name, value);
            }
        }
    }
    Ok(adjustments)
}

/// The fields that are set, in the order of the table.
fn present(fields: &mut Fields) -> impl Iterator<Item = (&'static UpstreamField, JsonText)> {
    let known = UPSTREAM_FIELDS.iter();
    known.filter_map(|field| Some((field, fields.remove(field.name)?)))
}

/// The field that chat-completions upstreams call `name`.
pub(super) fn named(name: &'static str) -> Field {
    match name {
        "temperature" => Field::Temperature,
        "top_p" => Field::TopP,
        "stop" => Field::StopSequences,
        "service_tier" => Field::ServiceTier,
        "verbosity" => Field::Verbosity,
        name => Field::Upstream(name),
    }
}

fn refuse(field: Field, value: &JsonText, why: &str) -> Result<(), ApiError> {
    match value.is_neutral() {
        true => Ok(()),
        false => Err(ApiError::unsupported(
            field.clone(),
            Sentence::about(field, format!(" is not supported: {why}")),
        )),
    }
}

fn no_logprobs(field: Field, value: &JsonText, adjustments: &mut Adjustments) {
    if !value.is_neutral() {
        let action = "ignored; the model does not return token probabilities";
        adjustments.note(field, action);
    }
}

fn ignore(field: Field, value: &JsonText, default: &str, adjustments: &mut Adjustments) {
    if !value.is_neutral() && value.as_str() != default {
        adjustments.ignored(field);
    }
}

/// Whether an image is to be read in a certain resolution.
fn has_image_detail(request: &ConverseRequest) -> bool {
    let mut blocks = request.messages.iter().flat_map(|turn| &turn.content);
    let is_set = |detail: &Option<String>| detail.as_deref().is_some_and(|word| word != "auto");
    blocks.any(|block| match block {
        ContentBlock::Image(image) => is_set(&image.detail),
        ContentBlock::ToolResult(result) => result.content.iter().any(
            |content| matches!(content, ToolResultContent::Image(image) if is_set(&image.detail)),
        ),
        _ => false,
    })
}
