//! Bedrock's findings for an item, from either API.

use std::collections::BTreeMap;

use serde::Serialize;

use super::categories::ModerationCategory;
use crate::converse::guardrails::applied::{
    ApplyGuardrailResponse, Assessment, SensitivePolicy, WordPolicy,
};
use crate::converse::guardrails::checks::{CheckResults, ChecksResponse, EntityMatch};

/// Bedrock's name of the prompt attack filter.
const ATTACK: &str = "PROMPT_ATTACK";

/// Bedrock's findings for an item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Scores by Bedrock's category of harmful content.
    harmful: BTreeMap<String, CategoryScore>,
    /// Whether the item is flagged.
    pub(super) flagged: bool,
    /// Findings without an OpenAI category.
    pub(super) beyond: Beyond,
    /// The text units consumed.
    pub text_units: u64,
}

/// The score of one category.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct CategoryScore {
    /// From 0 to 1.
    pub(super) score: f64,
    /// Whether the score is above the threshold.
    pub(super) flagged: bool,
}

/// Findings without an OpenAI category: the extension `bedrock_findings`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Beyond {
    /// Prompt attacks with their scores, by type if reported.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    prompt_attack: BTreeMap<String, f64>,
    /// Personal data and credentials.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sensitive_information: Vec<Sensitive>,
    /// Whether more were detected than are listed.
    #[serde(skip_serializing_if = "is_false")]
    sensitive_information_truncated: bool,
    /// Topics denied by the guardrail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    topics: Vec<String>,
    /// Words denied by the guardrail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<String>,
}

/// A detected entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Sensitive {
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    position: Option<ScorePosition>,
}

/// The position of an entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ScorePosition {
    /// The confidence, from 0 to 1.
    score: f64,
    /// The index of the part.
    part: u64,
    /// The index of the first character.
    start_index: u64,
    /// The index after the last character.
    end_index: u64,
}

/// The findings of InvokeGuardrailChecks; scores of at least `threshold` are flagged.
pub fn of_checks(response: ChecksResponse, threshold: f64) -> Findings {
    let ChecksResponse { results, usage } = response;
    let CheckResults {
        content_filter,
        prompt_attack,
        sensitive_information,
    } = results;
    let mut findings = Findings {
        text_units: usage.text_units(),
        ..Findings::default()
    };
    for severity in content_filter.unwrap_or_default().results {
        let flagged = severity.severity_score >= threshold;
        findings.harm(severity.category, severity.severity_score, flagged);
    }
    for severity in prompt_attack.unwrap_or_default().results {
        let score = severity.severity_score;
        findings.flagged |= score >= threshold;
        let kind = severity.category.to_ascii_lowercase();
        findings.beyond.prompt_attack.insert(kind, score);
    }
    let sensitive = sensitive_information.unwrap_or_default();
    findings.beyond.sensitive_information_truncated = sensitive.truncated.unwrap_or(false);
    for entity in sensitive.results {
        findings.flagged |= entity.confidence_score >= threshold;
        findings.beyond.sensitive_information.push(entity.into());
    }
    findings
}

/// The findings of a guardrail, which has its own thresholds.
pub fn of_guardrail(response: ApplyGuardrailResponse) -> Findings {
    let mut findings = Findings {
        flagged: response.intervened(),
        text_units: response.usage.text_units(),
        ..Findings::default()
    };
    for assessment in response.assessments {
        findings.assess(assessment);
    }
    findings
}

impl Findings {
    /// The score of `category`; `None` if Bedrock does not check it.
    pub(super) fn of(&self, category: ModerationCategory) -> Option<CategoryScore> {
        self.harmful.get(category.filter?).copied()
    }

    /// Adds a score; of several scores for a category, the highest counts.
    fn harm(&mut self, kind: String, score: f64, flagged: bool) {
        self.flagged |= flagged;
        let finding = self.harmful.entry(kind).or_default();
        finding.score = finding.score.max(score);
        finding.flagged |= flagged;
    }

    fn assess(&mut self, assessment: Assessment) {
        let Assessment {
            content_policy,
            topic_policy,
            word_policy,
            sensitive_information_policy,
        } = assessment;
        for filter in content_policy.unwrap_or_default().filters {
            let (score, is_detected) = (score(&filter.confidence), filter.is_detected());
            match filter.r#type.as_str() {
                ATTACK => {
                    let kind = ATTACK.to_ascii_lowercase();
                    self.beyond.prompt_attack.insert(kind, score);
                }
                kind => self.harm(kind.to_owned(), score, is_detected),
            }
        }
        let topics = topic_policy.unwrap_or_default().topics.into_iter();
        let topics = topics.filter(|topic| topic.is_detected());
        self.beyond.topics.extend(topics.map(|topic| topic.name));
        let WordPolicy {
            custom_words,
            managed_word_lists,
        } = word_policy.unwrap_or_default();
        let words = custom_words.into_iter().chain(managed_word_lists).flatten();
        let words = words.filter(|word| word.is_detected());
        self.beyond.words.extend(words.map(|word| word.r#match));
        self.sensitive(sensitive_information_policy.unwrap_or_default());
    }

    fn sensitive(&mut self, policy: SensitivePolicy) {
        let SensitivePolicy {
            pii_entities,
            regexes,
        } = policy;
        let entities = pii_entities.into_iter().flatten();
        let entities = entities.filter(|entity| entity.is_detected());
        let entities = entities.map(|entity| entity.r#type);
        let patterns = regexes.into_iter().flatten();
        let patterns = patterns.filter(|pattern| pattern.is_detected());
        let patterns = patterns.map(|pattern| pattern.name);
        let kinds = entities.chain(patterns);
        let detected = kinds.map(|kind| Sensitive {
            r#type: kind,
            position: None,
        });
        self.beyond.sensitive_information.extend(detected);
    }
}

impl Beyond {
    /// Whether there are no findings.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<EntityMatch> for Sensitive {
    fn from(entity: EntityMatch) -> Self {
        let EntityMatch {
            r#type,
            confidence_score,
            begin_offset,
            end_offset,
            content_index,
        } = entity;
        Self {
            r#type,
            position: Some(ScorePosition {
                score: confidence_score,
                part: content_index,
                start_index: begin_offset,
                end_index: end_offset,
            }),
        }
    }
}

/// Guardrails report confidence as four values (the project's contract, F.5).
fn score(confidence: &str) -> f64 {
    match confidence {
        "LOW" => 0.33,
        "MEDIUM" => 0.66,
        "HIGH" => 0.99,
        _ => 0.0,
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
