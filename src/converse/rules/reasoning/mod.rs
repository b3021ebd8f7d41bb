//! Reasoning: the control of each family, and parameters that are not supported with it.

pub(crate) mod open_reasoning;
pub(crate) mod tag_split;

use serde::{Deserialize, Serialize};

use super::replay;
use super::request_options::{EffortOption, ReasoningRequest, Thinking};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::request::ConverseRequest;
use crate::error::{Field, Sentence, ThinkingField};
use crate::models::{Capabilities, Effort, ReasoningControl};
use crate::reply::Adjustments;

/// Claude's minimum budget.
const MIN_BUDGET: u32 = 1024;

/// Completion tokens besides the budget, if neither the client nor the model table sets a limit.
const OUTPUT_HEADROOM: u32 = 8192;

/// Claude rejects lower values of top_p with reasoning.
const MIN_TOP_P: f64 = 0.95;

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
    // continue from it.
    let keeps = match state {
        ReasoningState::On | ReasoningState::NotEnabled => true,
        ReasoningState::Untouched => capabilities.reasons_by_default && by_client.is_none(),
        ReasoningState::Off => false,
    };
    if !on && !keeps {
        let action = "removed; reasoning is not enabled";
        replay::take_out(&mut request.messages, action, adjustments, |_| false);
    }
    request
        .messages
        .retain(|message| !message.content.is_empty());
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

/// The requested amount of reasoning.
enum ReasoningLevel {
    Effort(Effort),
    Budget(u32),
    Adaptive(Option<Effort>),
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

struct ReasoningWriter<'a> {
    request: &'a mut ConverseRequest,
    requested: ReasoningRequest,
    capabilities: &'a Capabilities,
    adjustments: &'a mut Adjustments,
}

impl ReasoningWriter<'_> {
    /// Sets the family's control.
    fn control(&mut self, level: ReasoningLevel, output_limit: Option<u32>) {
        match self.capabilities.reasoning {
            ReasoningControl::None => {}
            ReasoningControl::Budget => self.budget(level, output_limit),
            ReasoningControl::Adaptive => match level {
                // These models accepted budgets first (the model map of LiteLLM 1.106).
                ReasoningLevel::Budget(_) if output_limit.is_none_or(|max| max > MIN_BUDGET) => {
                    self.budget(level, output_limit);
                }
                _ => self.adaptive(level, None),
            },
            ReasoningControl::AdaptiveSummarized => self.adaptive(level, Some("summarized")),
            ReasoningControl::NovaConfig => self.nova(level),
            ReasoningControl::ReasoningEffort => self.word("reasoning_effort", level),
            ReasoningControl::ReasoningConfig => self.word("reasoning_config", level),
            ReasoningControl::ReasoningObject => self.object(level),
        }
    }

    fn budget(&mut self, level: ReasoningLevel, output_limit: Option<u32>) {
        #[derive(Serialize)]
        struct EnabledThinking {
            r#type: &'static str,
            budget_tokens: u32,
        }
        let (mut budget, from_effort) = match level {
            ReasoningLevel::Budget(budget) if budget < MIN_BUDGET => {
                let min = format!("raised to {MIN_BUDGET}; the minimum");
                self.note(Field::Thinking(ThinkingField::Budget), &min);
                (MIN_BUDGET, false)
            }
            ReasoningLevel::Budget(budget) => (budget, false),
            ReasoningLevel::Effort(effort) | ReasoningLevel::Adaptive(Some(effort)) => {
                (budget_of(effort), true)
            }
            ReasoningLevel::Adaptive(None) => (budget_of(Effort::High), true),
        };
        let limit = &mut self.request.inference_config.max_tokens;
        match *limit {
            None => {
                let room = budget.saturating_add(OUTPUT_HEADROOM);
                *limit = Some(output_limit.unwrap_or(room));
            }
            // The limit includes reasoning and caps the client's cost. A budget that the client
            // did not set is reduced to fit.
            Some(max) if max > budget || from_effort && max > MIN_BUDGET => {}
            Some(max) => {
                let ceiling = output_limit.unwrap_or(u32::MAX).max(MIN_BUDGET + 1);
                let raised = budget.saturating_add(max).min(ceiling);
                *limit = Some(raised);
                let action = format!("raised to {raised}; must exceed the reasoning budget");
                self.note(Field::MaxTokens, &action);
            }
        }
        let max_tokens = self.request.inference_config.max_tokens;
        let max = max_tokens.into_iter().chain(output_limit).min();
        if let Some(max) = max.filter(|max| budget >= *max) {
            budget = (max / 2).max(MIN_BUDGET);
            if !from_effort {
                let action =
                    format!("lowered to {budget}; the response is limited to {max} tokens");
                self.note(Field::Thinking(ThinkingField::Budget), &action);
            }
        }
        self.set(
            "thinking",
            &EnabledThinking {
                r#type: "enabled",
                budget_tokens: budget,
            },
        );
        self.drop_sampling();
    }

    fn adaptive(&mut self, level: ReasoningLevel, display: Option<&'static str>) {
        #[derive(Serialize)]
        struct Adaptive {
            r#type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            display: Option<&'static str>,
        }
        let effort = match level {
            ReasoningLevel::Effort(effort) => Some(effort),
            ReasoningLevel::Adaptive(effort) => effort,
            ReasoningLevel::Budget(budget) => {
                let effort = effort_of(budget);
                self.note(
                    Field::Thinking(ThinkingField::Budget),
                    "replaced by an effort; the model does not accept a budget",
                );
                Some(effort)
            }
        };
        let thinking = Adaptive {
            r#type: "adaptive",
            display,
        };
        self.set("thinking", &thinking);
        if let Some(effort) = effort {
            let effort = self.nearest(effort);
            self.set("output_config", &EffortObject { effort });
        }
        self.drop_sampling();
    }

    fn nova(&mut self, level: ReasoningLevel) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct EnabledReasoning {
            r#type: &'static str,
            max_reasoning_effort: &'static str,
        }
        let mut effort = self.effort(level);
        if effort == "high" && self.requested.keeps_limit {
            effort = "medium";
            let field = self.requested.field();
            self.note(
                field,
                "lowered to `medium`; the highest effort with a token limit",
            );
        }
        let config = EnabledReasoning {
            r#type: "enabled",
            max_reasoning_effort: effort,
        };
        self.set("reasoningConfig", &config);
        if effort != "high" {
            return;
        }
        // The highest effort requires these to be unset (the project's contract, A.6).
        let config = &mut self.request.inference_config;
        let unset = [
            (Field::MaxTokens, config.max_tokens.take().is_some()),
            (Field::Temperature, config.temperature.take().is_some()),
            (Field::TopP, config.top_p.take().is_some()),
        ];
        for (field, _) in unset.into_iter().filter(|(_, was_set)| *was_set) {
            self.note(field, "removed; not supported at the highest effort");
        }
    }

    fn word(&mut self, key: &str, level: ReasoningLevel) {
        let effort = self.effort(level);
        self.set(key, &effort);
    }

    fn object(&mut self, level: ReasoningLevel) {
        let effort = self.effort(level);
        self.set("reasoning", &EffortObject { effort });
        // These are only supported without reasoning (the project's contract, A.6).
        let config = &mut self.request.inference_config;
        let dropped = [
            (Field::Temperature, config.temperature.take().is_some()),
            (Field::TopP, config.top_p.take().is_some()),
        ];
        for (field, _) in dropped.into_iter().filter(|(_, was_set)| *was_set) {
            self.note(
                field,
                "removed; the model does not accept it while reasoning",
            );
        }
    }

    fn effort(&mut self, level: ReasoningLevel) -> &'static str {
        let effort = match level {
            ReasoningLevel::Effort(effort) | ReasoningLevel::Adaptive(Some(effort)) => effort,
            ReasoningLevel::Adaptive(None) => Effort::Medium,
            ReasoningLevel::Budget(budget) => effort_of(budget),
        };
        self.nearest(effort)
    }

    /// The closest effort that the family supports, rounded up.
    fn nearest(&mut self, effort: Effort) -> &'static str {
        let mut efforts = self.capabilities.efforts.iter();
        let at_or_above = efforts.clone().find(|own| **own >= effort);
        let nearest = *at_or_above.or(efforts.next_back()).unwrap_or(&effort);
        if nearest != effort && self.requested.effort.is_some() {
            let action = format!(
                "set to `{}`; the model has no `{}`",
                nearest.as_str(),
                effort.as_str()
            );
            self.note(Field::ReasoningEffort, &action);
        }
        nearest.as_str()
    }

    /// With reasoning, Claude accepts only a temperature of 1, a top_p close to 1, and no top_k.
    fn drop_sampling(&mut self) {
        let config = &mut self.request.inference_config;
        let is_one = |number: &serde_json::Number| number.as_f64() == Some(1.0);
        let temperature = config.temperature.take_if(|value| !is_one(value)).is_some();
        let top_p = config
            .top_p
            .take_if(|value| value.as_f64() < Some(MIN_TOP_P));
        if temperature {
            self.note(
                Field::Temperature,
                "removed; the model does not accept it while reasoning",
            );
        }
        if top_p.is_some() {
            self.note(
                Field::TopP,
                "removed; the model does not accept it while reasoning",
            );
        }
    }

    fn set(&mut self, key: &str, value: &impl Serialize) {
        if let Ok(value) = JsonText::of(value) {
            self.request.additional_model_request_fields.set(key, value);
        }
    }

    fn note(&mut self, field: Field, action: &str) {
        self.adjustments.note(field, action);
    }
}

#[derive(Serialize)]
struct EffortObject {
    effort: &'static str,
}

/// The budget for an effort, as in the project's contract, A.6.
fn budget_of(effort: Effort) -> u32 {
    match effort {
        Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 2048,
        Effort::High => 4096,
        Effort::Xhigh => 8192,
        Effort::Max => 16384,
    }
}

/// The effort for a budget.
pub(super) fn effort_of(budget: u32) -> Effort {
    match budget {
        0..2048 => Effort::Low,
        2048..4096 => Effort::Medium,
        4096..8192 => Effort::High,
        8192..16384 => Effort::Xhigh,
        _ => Effort::Max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::content::{ContentBlock, ReasoningBlock, ReasoningText};
    use crate::converse::request::{Message, Role};
    use crate::models::ReasoningReplay;

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
