//! InvokeGuardrailChecks: texts against checks that the request itself names.

use serde::{Deserialize, Serialize};

use crate::converse::request::Role;

/// The body of `POST /guardrail-checks/invoke`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChecksRequest {
    /// What is looked at, at least one.
    pub messages: Vec<CheckedMessage>,
    /// What is looked for.
    pub checks: Checks,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedMessage {
    /// Who says it.
    pub role: Role,
    /// Its texts, at least one.
    pub content: Vec<CheckedText>,
}

/// A text of at least one character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedText {
    /// The text.
    pub text: String,
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// Harmful content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_filter: Option<Categories>,
    /// Attacks on the model's instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_attack: Option<Categories>,
    /// What identifies people, or gives access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive_information: Option<Entities>,
}

/// Categories of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Categories {
    categories: Vec<CheckCategory>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct CheckCategory {
    category: &'static str,
}

/// Kinds of sensitive information.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entities {
    entities: Vec<Entity>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Entity {
    r#type: &'static str,
}

const CONTENT: [&str; 5] = ["VIOLENCE", "HATE", "SEXUAL", "MISCONDUCT", "INSULTS"];

const ATTACKS: [&str; 3] = ["JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE"];

const ENTITIES: [&str; 31] = [
    "ADDRESS",
    "AGE",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "CA_HEALTH_NUMBER",
    "CA_SOCIAL_INSURANCE_NUMBER",
    "CREDIT_DEBIT_CARD_CVV",
    "CREDIT_DEBIT_CARD_EXPIRY",
    "CREDIT_DEBIT_CARD_NUMBER",
    "DRIVER_ID",
    "EMAIL",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "IP_ADDRESS",
    "LICENSE_PLATE",
    "MAC_ADDRESS",
    "NAME",
    "PASSWORD",
    "PHONE",
    "PIN",
    "SWIFT_CODE",
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
    "UK_NATIONAL_INSURANCE_NUMBER",
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
    "URL",
    "USERNAME",
    "US_BANK_ACCOUNT_NUMBER",
    "US_BANK_ROUTING_NUMBER",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    "US_PASSPORT_NUMBER",
    "US_SOCIAL_SECURITY_NUMBER",
    "VEHICLE_IDENTIFICATION_NUMBER",
];

impl Categories {
    /// All of harmful content.
    pub fn of_content() -> Self {
        Self::of(&CONTENT)
    }

    /// All of attacks.
    pub fn of_attacks() -> Self {
        Self::of(&ATTACKS)
    }

    fn of(names: &[&'static str]) -> Self {
        let categories = names.iter().map(|category| CheckCategory { category });
        Self {
            categories: categories.collect(),
        }
    }
}

impl Entities {
    /// All kinds that there are.
    pub fn all() -> Self {
        let entities = ENTITIES.iter().map(|kind| Entity { r#type: kind });
        Self {
            entities: entities.collect(),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ChecksResponse {
    /// By the check.
    pub results: CheckResults,
    /// What it took.
    #[serde(default)]
    pub usage: CheckUsages,
}

/// What was found, by the check; nothing for those that were not asked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CheckResults {
    /// Harmful content.
    pub content_filter: Option<Severities>,
    /// Attacks on the model's instructions.
    pub prompt_attack: Option<Severities>,
    /// What identifies people, or gives access.
    pub sensitive_information: Option<EntityMatches>,
}

/// How severe each category is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Severities {
    /// One a category.
    #[serde(default)]
    pub results: Vec<Severity>,
}

/// How severe a category is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Severity {
    /// The category, which may be one that is not known here.
    pub category: String,
    /// 0 to 1.
    pub severity_score: f64,
}

/// Sensitive information.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct EntityMatches {
    /// Where it stands.
    #[serde(default)]
    pub results: Vec<EntityMatch>,
    /// Whether there is more than is told.
    pub truncated: Option<bool>,
}

/// A piece of sensitive information.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityMatch {
    /// Its kind.
    pub r#type: String,
    /// 0 to 1.
    pub confidence_score: f64,
    /// Its first character in the text.
    pub begin_offset: u64,
    /// The character behind its last one.
    pub end_offset: u64,
    /// The place of the text in its message.
    pub content_index: u64,
}

/// What the checks took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CheckUsages {
    content_filter: Option<CheckUsage>,
    prompt_attack: Option<CheckUsage>,
    sensitive_information: Option<CheckUsage>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CheckUsage {
    text_units: u64,
}

impl CheckUsages {
    /// The text units of all checks.
    pub fn text_units(&self) -> u64 {
        let Self {
            content_filter,
            prompt_attack,
            sensitive_information,
        } = self;
        let all = [content_filter, prompt_attack, sensitive_information];
        all.into_iter()
            .flatten()
            .map(|usage| usage.text_units)
            .sum()
    }
}
