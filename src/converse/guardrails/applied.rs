//! The ApplyGuardrail API: content checked against a guardrail of the AWS account.

use serde::{Deserialize, Serialize};

use crate::converse::media::ImageBlock;

/// The body of `POST /guardrail/{id}/version/{version}/apply`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyRequest {
    /// Whether the content is model input or output.
    pub source: ContentSource,
    /// The content to check.
    pub content: Vec<GuardedBlock>,
    /// How much detail the response contains.
    pub output_scope: OutputScope,
}

/// Whether content is model input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ContentSource {
    /// Written by the user.
    Input,
}

/// How much detail the response contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OutputScope {
    /// All assessments, including those that detected nothing.
    Full,
}

/// A content block to check.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GuardedBlock {
    /// A text.
    Text(GuardedText),
    /// A PNG or JPEG image.
    Image(ImageBlock),
}

/// A text block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuardedText {
    /// The text.
    pub text: String,
}

/// The guardrail's assessment. AWS writes `null` for policies that the guardrail does not have.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ApplyGuardrailResponse {
    /// `NONE` or `GUARDRAIL_INTERVENED`.
    pub action: String,
    /// The assessments of each policy.
    #[serde(default)]
    pub assessments: Vec<Assessment>,
    /// The text units consumed.
    #[serde(default)]
    pub usage: GuardrailUsage,
}

/// The assessment of one guardrail.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Assessment {
    /// Harmful content and prompt attacks.
    pub content_policy: Option<ContentPolicy>,
    /// Topics denied by the operator.
    pub topic_policy: Option<TopicPolicy>,
    /// Custom words and profanity.
    pub word_policy: Option<WordPolicy>,
    /// Personal data and credentials.
    pub sensitive_information_policy: Option<SensitivePolicy>,
}

/// The content policy: harmful content and prompt attacks.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ContentPolicy {
    /// One entry per category.
    #[serde(default)]
    pub filters: Vec<ContentFilter>,
}

/// A content filter category.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ContentFilter {
    /// The category, such as `VIOLENCE`.
    pub r#type: String,
    /// `NONE`, `LOW`, `MEDIUM` or `HIGH`.
    pub confidence: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// Topics denied by the operator.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct TopicPolicy {
    /// One entry per topic.
    #[serde(default)]
    pub topics: Vec<Topic>,
}

/// A topic denied by the operator.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Topic {
    /// The operator's name for the topic.
    pub name: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// Custom words and profanity.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WordPolicy {
    /// Words denied by the operator.
    pub custom_words: Option<Vec<Word>>,
    /// Words of AWS's managed lists.
    pub managed_word_lists: Option<Vec<Word>>,
}

/// A denied word.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Word {
    /// The word as written in the content.
    #[serde(default)]
    pub r#match: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// Personal data and credentials.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SensitivePolicy {
    /// Entities of AWS's predefined types.
    pub pii_entities: Option<Vec<SensitiveEntity>>,
    /// Matches of the operator's regular expressions.
    pub regexes: Option<Vec<SensitivePattern>>,
}

/// A detected entity.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SensitiveEntity {
    /// The type, such as `EMAIL`.
    pub r#type: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// A match of a regular expression defined by the operator.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SensitivePattern {
    /// The operator's name for the pattern.
    #[serde(default)]
    pub name: String,
    #[serde(flatten)]
    finding: PolicyFinding,
}

/// Whether the policy detected something, and its action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct PolicyFinding {
    /// `NONE` if nothing was detected.
    action: Option<String>,
    /// Absent in responses from before 2025.
    detected: Option<bool>,
}

/// The text units consumed by each policy.
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
    /// Whether the guardrail blocked or masked the content.
    pub fn intervened(&self) -> bool {
        self.action == "GUARDRAIL_INTERVENED"
    }
}

impl PolicyFinding {
    /// A guardrail in detect mode reports detections without acting on them.
    fn is_detected(&self) -> bool {
        let acted = self
            .action
            .as_deref()
            .is_some_and(|action| action != "NONE");
        self.detected.unwrap_or(acted)
    }
}

/// Adds `is_detected` to the types that hold a `PolicyFinding`.
macro_rules! findings {
    ($($name:ident),+) => {
        $( impl $name {
            /// Whether the policy detected this.
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
