//! Recognizes the field that a model refuses, from the text of the error.

use crate::models::{CallIdForm, RefusedField};

/// The field that the model does not support according to `message`, of a ValidationException.
/// `None` if the field's value is invalid, or the error is about something else.
pub(in crate::bedrock) fn refused_field(message: &str) -> Option<RefusedField> {
    if message.contains("did not allow prompt caching") {
        return Some(RefusedField::CachePoint);
    }
    if message.contains("`temperature` and `top_p` cannot both be specified") {
        return Some(RefusedField::TopP);
    }
    if message.contains("when tool_choice forces tool use")
        || message.contains("tool_choice") && message.contains("is not supported")
    {
        return Some(RefusedField::ForcedTool);
    }
    if message.contains("input_schema does not support oneOf, allOf, or anyOf") {
        return Some(RefusedField::SchemaRootCombinators);
    }
    if message.contains("/toolSpec/inputSchema/json: extraneous key [") {
        return Some(RefusedField::SchemaRootKeys);
    }
    if message.contains("Property keys should match pattern") {
        return Some(RefusedField::PropertyKeys);
    }
    if message.contains("Tool call id was") && message.contains("with a length of 9") {
        return Some(RefusedField::CallIds(CallIdForm::NineAlphanumerics));
    }
    if message.contains("tool_use.id: String should match pattern") {
        return Some(RefusedField::CallIds(CallIdForm::Words));
    }
    if message.contains("invalid beta flag") {
        return Some(RefusedField::BlockBinding);
    }
    if message.contains("doesn't support tool use in streaming mode") {
        return Some(RefusedField::StreamTools);
    }
    if message.contains("each stop sequence must contain non-whitespace") {
        return Some(RefusedField::BlankStopSequences);
    }
    if message.contains("thinking is not supported")
        || message.contains("does not support the effort parameter")
        || message.contains("is not supported for this model") && message.contains("thinking")
    {
        return Some(RefusedField::Reasoning);
    }
    let named = between(message, "extraneous key [", "]")
        .or_else(|| between(message, "doesn't support the ", " field"))
        .or_else(|| between(message, "does not support the ", " field"))
        .or_else(|| before(message, " is deprecated for this model"))
        .or_else(|| before(message, ": Extra inputs are not permitted"))?;
    field_named(named, message)
}

/// The field `parameter` of a request to a chat-completions upstream, if the request means the same
/// without it.
pub(in crate::bedrock) fn upstream_field(parameter: &str) -> Option<RefusedField> {
    if parameter.ends_with("prompt_cache_breakpoint") {
        return Some(RefusedField::CachePoint);
    }
    let hint = HINTS.iter().find(|hint| **hint == parameter);
    hint.map(|hint| RefusedField::UpstreamField(hint))
}

/// OpenAI's fields that do not change the format of the response.
const HINTS: &[&str] = &[
    "frequency_penalty",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "temperature",
    "top_p",
    "user",
    "verbosity",
];

/// The field with a name in Bedrock's or the provider's terms.
fn field_named(name: &str, message: &str) -> Option<RefusedField> {
    let name = name.trim().trim_matches(['`', '\'', '"']);
    let has = |part: &str| name.split('.').any(|step| step == part);
    Some(if has("cachePoint") || has("cache_control") {
        match name.ends_with("ttl") {
            true => RefusedField::CacheTtl,
            false => RefusedField::CachePoint,
        }
    } else if has("ttl") {
        RefusedField::CacheTtl
    } else if has("strict") {
        RefusedField::StrictTools
    } else if has("textFormat") || name == "outputConfig" || name == "output_config.format" {
        RefusedField::OutputConfig
    } else if has("toolChoice") {
        RefusedField::ForcedTool
    } else if name.ends_with("status") {
        RefusedField::ToolResultStatus
    } else if has("stopSequences") || has("stop_sequences") {
        RefusedField::StopSequences
    } else if has("temperature") {
        RefusedField::Temperature
    } else if has("topP") || has("top_p") {
        RefusedField::TopP
    } else if has("topK") || has("top_k") {
        RefusedField::TopK
    } else if has("serviceTier") {
        RefusedField::ServiceTier
    } else if has("performanceConfig") {
        RefusedField::PerformanceConfig
    } else if has("block_binding") {
        RefusedField::BlockBinding
    } else if REASONING.iter().any(|key| has(key)) {
        RefusedField::Reasoning
    } else if message.contains(&format!("#: extraneous key [{name}]"))
        && !IN_CONVERSE.contains(&name)
        || message.contains(": Extra inputs are not permitted") && !name.contains('.')
    {
        RefusedField::Additional(name.to_owned())
    } else {
        return None;
    })
}

/// The reasoning fields of the model families.
const REASONING: &[&str] = &[
    "thinking",
    "output_config",
    "reasoningConfig",
    "reasoning_config",
    "reasoning_effort",
    "reasoning",
];

/// Fields of Converse itself, which cannot be removed without changing the request.
const IN_CONVERSE: &[&str] = &["messages", "system", "toolConfig", "inferenceConfig"];

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

/// The word before `end`.
fn before<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    let (head, _) = text.split_once(end)?;
    head.rsplit(char::is_whitespace).next()
}

/// Whether `message`, of a ValidationException, rejects earlier reasoning because of its context:
/// it was signed for another conversation or by another model, or was modified.
pub(in crate::bedrock) fn refuses_reasoning(message: &str) -> bool {
    let wordings = [
        "bound to a different conversation",
        "blocks in the latest assistant message cannot be modified",
        "Invalid `signature` in `thinking` block",
        "Invalid `data` in `redacted_thinking` block",
    ];
    wordings.iter().any(|wording| message.contains(wording))
}

/// The share of the conversation that fits, in thousandths, if the error has the actual and the
/// maximum length: "prompt is too long: 215000 tokens > 200000 maximum".
pub(in crate::bedrock) fn fitting_share(message: &str) -> Option<u16> {
    let (_, numbers) = message.split_once("too long: ")?;
    let mut numbers = numbers
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse::<u64>().ok());
    let (actual, max) = (numbers.next()?, numbers.next()?);
    if actual == 0 || max >= actual {
        return None;
    }
    u16::try_from(max * 950 / actual).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_names_its_field() {
        for (message, field) in [
            (
                "The model returned the following errors: `temperature` and `top_p` cannot both be \
                 specified for this model. Please use only one.",
                Some(RefusedField::TopP),
            ),
            (
                "`temperature` is deprecated for this model.",
                Some(RefusedField::Temperature),
            ),
            (
                "`top_k` is deprecated for this model.",
                Some(RefusedField::TopK),
            ),
            (
                "This model doesn't support the stopSequences field. Remove stopSequences and try \
                 again.",
                Some(RefusedField::StopSequences),
            ),
            (
                "This model doesn't support the toolConfig.toolChoice.any field. Remove \
                 toolConfig.toolChoice.any and try again.",
                Some(RefusedField::ForcedTool),
            ),
            (
                "This model doesn't support the outputConfig.textFormat field.",
                Some(RefusedField::OutputConfig),
            ),
            (
                "This model doesn't support the status field. Remove status and try again.",
                Some(RefusedField::ToolResultStatus),
            ),
            (
                "Malformed input request: #/toolConfig/tools/1: extraneous key [cachePoint] is not \
                 permitted, please reformat your input and try again.",
                Some(RefusedField::CachePoint),
            ),
            (
                "You invoked an unsupported model or your request did not allow prompt caching. \
                 See the documentation for more information.",
                Some(RefusedField::CachePoint),
            ),
            (
                "Malformed input request: #: extraneous key [min_p] is not permitted",
                Some(RefusedField::Additional("min_p".to_owned())),
            ),
            (
                "The model returned the following errors: tools.0.custom.strict: Extra inputs are \
                 not permitted",
                Some(RefusedField::StrictTools),
            ),
            (
                "The model returned the following errors: seed: Extra inputs are not permitted",
                Some(RefusedField::Additional("seed".to_owned())),
            ),
            (
                "adaptive thinking is not supported on this model",
                Some(RefusedField::Reasoning),
            ),
            (
                "The model returned the following errors: tools.6.custom.input_schema: \
                 input_schema does not support oneOf, allOf, or anyOf at the top level",
                Some(RefusedField::SchemaRootCombinators),
            ),
            (
                "The model returned the following errors: Malformed input request: \
                 #/toolConfig/tools/1/toolSpec/inputSchema/json: extraneous key [$defs] is not \
                 permitted, please reformat your input and try again.",
                Some(RefusedField::SchemaRootKeys),
            ),
            (
                "tools.0.custom.input_schema.properties: Property keys should match pattern \
                 '^[a-zA-Z0-9_.-]{1,64}$'",
                Some(RefusedField::PropertyKeys),
            ),
            (
                "The model returned the following errors: Tool call id was a but must be a-z, \
                 A-Z, 0-9, with a length of 9.",
                Some(RefusedField::CallIds(CallIdForm::NineAlphanumerics)),
            ),
            (
                "The model returned the following errors: messages.1.content.0.tool_use.id: \
                 String should match pattern '^[a-zA-Z0-9_-]+$'",
                Some(RefusedField::CallIds(CallIdForm::Words)),
            ),
            (
                "This model doesn't support tool use in streaming mode.",
                Some(RefusedField::StreamTools),
            ),
            (
                "The model returned the following errors: stop_sequences: each stop sequence \
                 must contain non-whitespace",
                Some(RefusedField::BlankStopSequences),
            ),
            (
                "The model returned the following errors: thinking.adaptive.block_binding: Extra \
                 inputs are not permitted",
                Some(RefusedField::BlockBinding),
            ),
            ("invalid beta flag", Some(RefusedField::BlockBinding)),
            ("Input is too long for requested model.", None),
            (
                "#/temperature: 3 is not less or equal to 1, please reformat your input",
                None,
            ),
            ("messages.0.content.3.type: Field required", None),
        ] {
            assert_eq!(refused_field(message), field, "{message}");
        }
    }

    #[test]
    fn an_overflow_error_states_how_much_would_fit() {
        let message = "prompt is too long: 400000 tokens > 200000 maximum";
        assert_eq!(fitting_share(message), Some(475));
        assert_eq!(
            fitting_share("Input is too long for requested model."),
            None
        );
        assert_eq!(
            fitting_share("prompt is too long: 0 tokens > 1 maximum"),
            None
        );
    }
}
