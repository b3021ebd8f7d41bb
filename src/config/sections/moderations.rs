use toml::Value;

use super::chat::Guardrails;
use crate::config::reader::Section;
use crate::converse::policy::GuardrailPolicy;

/// `/v1/moderations`: `[moderations]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModerationSettings {
    /// The guardrail that checks content; `None` for Bedrock's own checks.
    pub guardrail: Option<GuardrailPolicy>,
    /// The score, in thousandths, from which a category is flagged.
    threshold: u16,
    /// Whether Bedrock's checks include prompt attacks.
    pub prompt_attack: bool,
    /// Whether Bedrock's checks include sensitive information.
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
    /// The settings with another threshold, from 0 to 1.
    #[must_use]
    pub fn at_threshold(mut self, score: f64) -> Self {
        self.threshold = (score.clamp(0.0, 1.0) * 1000.0).round() as u16;
        self
    }

    /// The score from which a category is flagged, from 0 to 1.
    pub fn threshold(&self) -> f64 {
        f64::from(self.threshold) / 1000.0
    }
}

/// `[moderations]`
pub(crate) fn read(section: &mut Section<'_>, guardrails: &Guardrails) -> ModerationSettings {
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
