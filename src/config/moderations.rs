use toml::Value;

use super::chat::Guardrails;
use super::reader::Section;
use crate::openai::chat::GuardrailPolicy;

/// How content is checked for `/v1/moderations`: `[moderations]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModerationSettings {
    /// The guardrail that judges; Bedrock's own checks where there is none.
    pub guardrail: Option<GuardrailPolicy>,
    /// The score, in thousandths, from which on a category is flagged.
    threshold: u16,
    /// Whether attacks on a model's instructions are looked for.
    pub prompt_attack: bool,
    /// Whether sensitive information is looked for.
    pub sensitive_information: bool,
}

impl Default for ModerationSettings {
    fn default() -> Self {
        Self {
            guardrail: None,
            threshold: 500,
            prompt_attack: false,
            sensitive_information: false,
        }
    }
}

impl ModerationSettings {
    /// The same with another score from which on a category is flagged, from 0 to 1.
    #[must_use]
    pub fn at_threshold(mut self, score: f64) -> Self {
        self.threshold = (score.clamp(0.0, 1.0) * 1000.0).round() as u16;
        self
    }

    /// The score from which on a category is flagged.
    pub fn threshold(&self) -> f64 {
        f64::from(self.threshold) / 1000.0
    }
}

/// `[moderations]`
pub(super) fn read(section: &mut Section<'_>, guardrails: &Guardrails) -> ModerationSettings {
    let mut settings = ModerationSettings::default();
    super::chat::read_guardrail_name(section, &mut settings.guardrail, guardrails);
    let mut threshold = settings.threshold();
    section.value("threshold", &mut threshold, |value| match value {
        Value::Float(score) if (0.001..=1.0).contains(score) => Ok(*score),
        Value::Integer(1) => Ok(1.0),
        _ => Err("write a score above 0, up to 1".to_owned()),
    });
    section.flag("prompt_attack", &mut settings.prompt_attack);
    section.flag("sensitive_information", &mut settings.sensitive_information);
    settings.at_threshold(threshold)
}
