//! The reasoning control of each family: budgets, adaptive thinking, efforts.

use serde::Serialize;

use super::super::request_options::ReasoningRequest;
use crate::converse::JsonText;
use crate::converse::request::ConverseRequest;
use crate::error::{Field, ThinkingField};
use crate::models::{Capabilities, Effort, ReasoningControl};
use crate::reply::Adjustments;

/// Claude's minimum budget.
pub(super) const MIN_BUDGET: u32 = 1024;

/// Completion tokens besides the budget, if neither the client nor the model table sets a limit.
const OUTPUT_HEADROOM: u32 = 8192;

/// Claude rejects lower values of top_p with reasoning.
const MIN_TOP_P: f64 = 0.95;

/// The requested amount of reasoning.
pub(super) enum ReasoningLevel {
    Effort(Effort),
    Budget(u32),
    Adaptive(Option<Effort>),
}

/// Writes a request for reasoning in the form of the family.
pub(super) struct ReasoningWriter<'a> {
    pub(super) request: &'a mut ConverseRequest,
    pub(super) requested: ReasoningRequest,
    pub(super) capabilities: &'a Capabilities,
    pub(super) adjustments: &'a mut Adjustments,
}

impl ReasoningWriter<'_> {
    /// Sets the family's control.
    pub(super) fn control(&mut self, level: ReasoningLevel, output_limit: Option<u32>) {
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
pub(super) struct EffortObject {
    pub(super) effort: &'static str,
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
pub(in crate::converse::rules) fn effort_of(budget: u32) -> Effort {
    match budget {
        0..2048 => Effort::Low,
        2048..4096 => Effort::Medium,
        4096..8192 => Effort::High,
        8192..16384 => Effort::Xhigh,
        _ => Effort::Max,
    }
}
