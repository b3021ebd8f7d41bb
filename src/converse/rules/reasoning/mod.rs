//! Reasoning: the control of each family, and parameters that are not supported with it.

mod binding;
mod control;
pub(crate) mod open_reasoning;
pub(crate) mod tag_split;

use serde::{Deserialize, Serialize};

pub(super) use control::effort_of;
use control::{EffortObject, MIN_BUDGET, ReasoningLevel, ReasoningWriter};

use super::replay;
use super::request_options::{EffortOption, ReasoningRequest, Thinking};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::request::ConverseRequest;
use crate::error::{Field, Sentence, ThinkingField};
use crate::models::{Capabilities, ReasoningControl, ReasoningReplay};
use crate::reply::Adjustments;

/// Where the provider's response reports reasoning tokens.
pub(super) const TOKENS_PATH: &str = "/usage/output_tokens_details";

/// Sets the family's reasoning control and filters earlier reasoning. Returns whether the model
/// reasons, including if the client's `provider_fields` enable it.
pub(super) fn apply(
    request: &mut ConverseRequest,
    requested: ReasoningRequest,
    provider_fields: &Fields,
    output_limit: Option<u32>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> bool {
    replay::keep_supported_reasoning(&mut request.messages, capabilities, adjustments);
    let state = apply_control(request, requested, output_limit, capabilities, adjustments);
    let by_client = setting_of(provider_fields).filter(|_| capabilities.has_reasoning_control());
    let on = state == ReasoningState::On || capabilities.always_reasons || by_client == Some(true);
    // Earlier reasoning stays if reasoning is disabled for this request only: later requests may
    // continue from it. Models with encrypted reasoning only reason on their own.
    let is_encrypted = capabilities.reasoning_replay == ReasoningReplay::Redacted;
    let keeps = match state {
        ReasoningState::On | ReasoningState::NotEnabled => true,
        ReasoningState::Untouched => {
            (capabilities.reasons_by_default || is_encrypted) && by_client.is_none()
        }
        ReasoningState::Off => is_encrypted && !capabilities.has_reasoning_control(),
    };
    if !on && !keeps {
        let action = "removed; reasoning is not enabled";
        replay::take_out(&mut request.messages, action, adjustments, |_| false);
    }
    request
        .messages
        .retain(|message| !message.content.is_empty());
    binding::drop_mismatches(request, provider_fields, on || keeps, capabilities);
    if on && capabilities.reasoning_tokens {
        let paths = &mut request.additional_model_response_field_paths;
        // Bedrock accepts up to ten paths (botocore, bedrock-runtime).
        if paths.len() < 10 && !paths.iter().any(|path| path == TOKENS_PATH) {
            paths.push(TOKENS_PATH.to_owned());
        }
    }
    on
}

/// The state of the reasoning control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReasoningState {
    /// Reasoning is enabled.
    On,
    /// Reasoning was requested, but is not possible for this request.
    NotEnabled,
    /// Reasoning is disabled, or cannot be controlled.
    Off,
    /// The request does not control reasoning.
    Untouched,
}

/// Whether the client enabled or disabled reasoning itself with provider fields.
fn setting_of(fields: &Fields) -> Option<bool> {
    #[derive(Deserialize)]
    struct ThinkingType {
        r#type: String,
    }
    // `reasoning_config` is an older name of Claude's `thinking` [R] conv-claude-64de31c6.
    let keys = ["thinking", "reasoning_config", "reasoningConfig"];
    let set = keys.into_iter().filter_map(|key| fields.get(key));
    let controls =
        set.filter_map(|value| serde_json::from_str::<ThinkingType>(value.as_str()).ok());
    let settings =
        controls.map(|control| matches!(control.r#type.as_str(), "enabled" | "adaptive"));
    settings.reduce(|one, other| one || other)
}

fn apply_control(
    request: &mut ConverseRequest,
    requested: ReasoningRequest,
    output_limit: Option<u32>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> ReasoningState {
    let effort = match requested.effort {
        Some(EffortOption::Level(effort)) => Some(effort),
        Some(EffortOption::None) | None => None,
    };
    if effort.is_some()
        && requested
            .thinking
            .is_some_and(|thinking| thinking != Thinking::Adaptive)
    {
        let thinking = Field::Thinking(ThinkingField::Whole);
        let action = Sentence::naming("ignored; `{}` takes precedence", thinking);
        adjustments.note(Field::ReasoningEffort, action);
    }
    let level = match (requested.thinking, requested.effort) {
        (Some(Thinking::Enabled { budget }), _) => ReasoningLevel::Budget(budget),
        (Some(Thinking::Adaptive), _) => ReasoningLevel::Adaptive(effort),
        (None, Some(EffortOption::Level(effort))) => ReasoningLevel::Effort(effort),
        (Some(Thinking::Disabled | Thinking::BetweenTools), _)
        | (None, Some(EffortOption::None)) => {
            disable(request, requested, output_limit, capabilities, adjustments);
            return ReasoningState::Off;
        }
        (None, None) => return ReasoningState::Untouched,
    };
    if !capabilities.has_reasoning_control() {
        let action = match capabilities.always_reasons {
            true => "ignored; the model always reasons adaptively",
            false => "ignored; the model has no reasoning control",
        };
        adjustments.note(requested.field(), action);
        return ReasoningState::Off;
    }
    // Adaptive thinking does not require it (Anthropic's documentation of adaptive thinking).
    let takes_budget = match capabilities.reasoning {
        ReasoningControl::Budget => true,
        ReasoningControl::Adaptive => matches!(level, ReasoningLevel::Budget(_)),
        _ => false,
    };
    if takes_budget && replay::lacks_reasoning(&request.messages) {
        adjustments.note(
            requested.field(),
            "disabled; the reasoning before the tool calls is missing",
        );
        return ReasoningState::NotEnabled;
    }
    if capabilities.reasoning == ReasoningControl::Budget
        && output_limit.is_some_and(|max| max <= MIN_BUDGET)
    {
        adjustments.note(
            requested.field(),
            "disabled; the output limit is below the minimum budget",
        );
        return ReasoningState::NotEnabled;
    }
    let mut writer = ReasoningWriter {
        request,
        requested,
        capabilities,
        adjustments,
    };
    writer.control(level, output_limit);
    ReasoningState::On
}

/// Disables reasoning. Most families reason only if enabled; those that always reason get their
/// minimum.
fn disable(
    request: &mut ConverseRequest,
    requested: ReasoningRequest,
    output_limit: Option<u32>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    #[derive(Serialize)]
    struct Type<'a> {
        r#type: &'a str,
    }
    let between_tools = requested.thinking == Some(Thinking::BetweenTools);
    let min = capabilities.min_thinking.as_str();
    if !min.is_empty() {
        if let Ok(thinking) = JsonText::of(&Type { r#type: min }) {
            let fields = &mut request.additional_model_request_fields;
            fields.set("thinking", thinking);
        }
        if !(between_tools && min == "between_tools") {
            let action = format!("set to `{min}`; reasoning cannot be disabled");
            adjustments.note(requested.field(), action);
        }
        return;
    }
    if between_tools && !capabilities.always_reasons {
        let action = "treated as `disabled`; the model has no `between_tools`";
        adjustments.note(Field::Thinking(ThinkingField::Whole), action);
    }
    if !capabilities.always_reasons {
        let fields = &mut request.additional_model_request_fields;
        if capabilities.reasons_by_default
            && capabilities.reasoning == ReasoningControl::AdaptiveSummarized
            && let Ok(disabled) = JsonText::of(&Type { r#type: "disabled" })
        {
            fields.set("thinking", disabled);
        }
        // Without this field, these models reason adaptively.
        if capabilities.reasoning == ReasoningControl::ReasoningObject
            && let Ok(none) = JsonText::of(&EffortObject { effort: "none" })
        {
            fields.set("reasoning", none);
        }
        return;
    }
    adjustments.note(requested.field(), "the model always reasons");
    if let Some(min) = capabilities.efforts.first() {
        let mut writer = ReasoningWriter {
            request,
            requested,
            capabilities,
            adjustments,
        };
        writer.control(ReasoningLevel::Effort(*min), output_limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::content::{ContentBlock, ReasoningBlock, ReasoningText};
    use crate::converse::request::{Message, Role};

    fn keeps_reasoning(field: &str, value: &str) -> bool {
        let capabilities = Capabilities {
            reasoning: ReasoningControl::Budget,
            reasoning_replay: ReasoningReplay::Signed,
            ..Capabilities::default()
        };
        let signed = ReasoningText {
            text: "Let me see.".to_owned(),
            signature: Some("c2lnbmVk".to_owned()),
        };
        let mut request = ConverseRequest {
            messages: vec![Message {
                role: Role::Assistant,
                content: vec![ContentBlock::ReasoningContent(
                    ReasoningBlock::ReasoningText(signed),
                )],
            }],
            ..ConverseRequest::default()
        };
        let mut fields = Fields::default();
        fields.set(field, JsonText::parse(value.to_owned()).expect("JSON"));
        let mut adjustments = Adjustments::default();
        let requested = ReasoningRequest::default();
        let on = apply(
            &mut request,
            requested,
            &fields,
            None,
            &capabilities,
            &mut adjustments,
        );
        assert_eq!(on, !request.messages.is_empty());
        on
    }

    #[test]
    fn reasoning_is_sent_back_when_the_client_enabled_it_explicitly() {
        assert!(keeps_reasoning(
            "thinking",
            r#"{"type":"enabled","budget_tokens":1024}"#
        ));
        assert!(keeps_reasoning("thinking", r#"{"type":"adaptive"}"#));
        assert!(keeps_reasoning(
            "reasoning_config",
            r#"{"type":"enabled","budget_tokens":1024}"#
        ));
        assert!(!keeps_reasoning("thinking", r#"{"type":"disabled"}"#));
        assert!(!keeps_reasoning("thinking", r#""enabled""#));
        assert!(!keeps_reasoning("top_k", "5"));
    }
}
