//! ApplyGuardrail: content against a guardrail of the account's.

use serde::{Deserialize, Serialize};

use crate::converse::media::ImageBlock;

/// The body of `POST /guardrail/{id}/version/{version}/apply`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyRequest {
    /// On whose side the content stands.
    pub source: ContentSource,
    /// What is looked at.
    pub content: Vec<GuardedBlock>,
    /// How much is told.
    pub output_scope: OutputScope,
}

/// On whose side content stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ContentSource {
    /// The user's.
    Input,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OutputScope {
    /// What was looked for and not found, too.
    Full,
}

/// A piece of content.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GuardedBlock {
    /// A text.
    Text(GuardedText),
    /// A picture, png or jpeg.
    Image(ImageBlock),
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuardedText {
    /// The text.
    pub text: String,
}

/// What the guardrail found. AWS writes `null` for policies that it does not have.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ApplyGuardrailResponse {
    /// `NONE` or `GUARDRAIL_INTERVENED`.
    pub action: String,
    /// By the policy.
    #[serde(default)]
    pub assessments: Vec<Assessment>,
    /// What it took.
    #[serde(default)]
    pub usage: GuardrailUsage,
}

/// What one guardrail found.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Assessment {
    /// Harmful content, and attacks on the model's instructions.
    pub content_policy: Option<ContentPolicy>,
    /// Topics that the operator has forbidden.
    pub topic_policy: Option<TopicPolicy>,
    /// Words that the operator has forbidden, and profanity.
    pub word_policy: Option<WordPolicy>,
    /// What identifies people, or gives access.
    pub sensitive_information_policy: Option<SensitivePolicy>,
}

/// Harmful content, and attacks on the model's instructions.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ContentPolicy {
    /// One a kind.
    #[serde(default)]
    pub filters: Vec<ContentFilter>,
}

/// A kind of harmful content.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ContentFilter {
    /// `VIOLENCE` and its like.
    pub r#type: String,
    /// `NONE`, `LOW`, `MEDIUM` or `HIGH`.
    pub confidence: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// Topics that the operator has forbidden.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct TopicPolicy {
    /// One a topic.
    #[serde(default)]
    pub topics: Vec<Topic>,
}

/// A topic that the operator has forbidden.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Topic {
    /// The operator's name of it.
    pub name: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// Words that the operator has forbidden, and profanity.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WordPolicy {
    /// The operator's.
    pub custom_words: Option<Vec<Word>>,
    /// Those of AWS's lists.
    pub managed_word_lists: Option<Vec<Word>>,
}

/// A word that is forbidden.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Word {
    /// As the content has it.
    #[serde(default)]
    pub r#match: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// What identifies people, or gives access.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SensitivePolicy {
    /// Of AWS's kinds.
    pub pii_entities: Option<Vec<SensitiveEntity>>,
    /// Of the operator's patterns.
    pub regexes: Option<Vec<SensitivePattern>>,
}

/// A kind of sensitive information.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SensitiveEntity {
    /// `EMAIL` and its like.
    pub r#type: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// A pattern of the operator's.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SensitivePattern {
    /// The operator's name of it.
    #[serde(default)]
    pub name: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// Whether something was found, and what was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct PolicyFinding {
    /// `NONE` where nothing was.
    action: Option<String>,
    /// Absent in answers of before 2025.
    detected: Option<bool>,
}

/// What the policies took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GuardrailUsage {
    topic_policy_units: u64,
    content_policy_units: u64,
    word_policy_units: u64,
    sensitive_information_policy_units: u64,
    sensitive_information_policy_free_units: u64,
    contextual_grounding_policy_units: u64,
}

impl ApplyGuardrailResponse {
    /// Whether the guardrail would have stopped the content.
    pub fn intervened(&self) -> bool {
        self.action == "GUARDRAIL_INTERVENED"
    }
}

impl PolicyFinding {
    /// A guardrail that only watches detects without acting.
    fn is_detected(&self) -> bool {
        let acted = self
            .action
            .as_deref()
            .is_some_and(|action| action != "NONE");
        self.detected.unwrap_or(acted)
    }
}

/// What a guardrail looks for, found or not.
macro_rules! findings {
    ($($name:ident),+) => {
        $( impl $name {
            /// Whether it was found.
            pub fn is_detected(&self) -> bool {
                self.finding.is_detected()
            }
        } )+
    };
}

findings!(
    ContentFilter,
    Topic,
    Word,
    SensitiveEntity,
    SensitivePattern
);

impl GuardrailUsage {
    /// The text units of all policies.
    pub fn text_units(&self) -> u64 {
        let Self {
            topic_policy_units,
            content_policy_units,
            word_policy_units,
            sensitive_information_policy_units,
            sensitive_information_policy_free_units,
            contextual_grounding_policy_units,
        } = self;
        [
            topic_policy_units,
            content_policy_units,
            word_policy_units,
            sensitive_information_policy_units,
            sensitive_information_policy_free_units,
            contextual_grounding_policy_units,
        ]
        .into_iter()
        .sum()
    }
}
