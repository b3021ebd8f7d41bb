//! The InvokeGuardrailChecks API: texts checked against the checks named in the request.

use serde::{Deserialize, Serialize};

use crate::converse::request::Role;

/// The body of `POST /guardrail-checks/invoke`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChecksRequest {
    /// The messages to check, at least one.
    pub messages: Vec<CheckedMessage>,
    /// The checks to run.
    pub checks: Checks,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedMessage {
    /// The author of the message.
    pub role: Role,
    /// The texts of the message, at least one.
    pub content: Vec<CheckedText>,
}

/// A text of at least one character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedText {
    /// The text.
    pub text: String,
}

/// The checks to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// Harmful content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_filter: Option<Categories>,
    /// Prompt attacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_attack: Option<Categories>,
    /// Personal data and credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive_information: Option<Entities>,
}

/// The categories of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Categories {
    categories: Vec<CheckCategory>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct CheckCategory {
    category: &'static str,
}

/// The types of sensitive information.
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
    /// All content filter categories.
    pub fn of_content() -> Self {
        Self::of(&CONTENT)
    }

    /// All prompt attack categories.
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
    /// All entity types.
    pub fn all() -> Self {
        let entities = ENTITIES.iter().map(|kind| Entity { r#type: kind });
        Self {
            entities: entities.collect(),
        }
    }
}

/// The results of the checks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ChecksResponse {
    /// The results of each check.
    pub results: CheckResults,
    /// The text units consumed.
    #[serde(default)]
    pub usage: CheckUsages,
}

/// The results of each check; `None` for checks that were not requested.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CheckResults {
    /// Harmful content.
    pub content_filter: Option<Severities>,
    /// Prompt attacks.
    pub prompt_attack: Option<Severities>,
    /// Personal data and credentials.
    pub sensitive_information: Option<EntityMatches>,
}

/// The severity of each category.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Severities {
    /// One entry per category.
    #[serde(default)]
    pub results: Vec<Severity>,
}

/// The severity of one category.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Severity {
    /// The category; may be one that the gateway does not know.
    pub category: String,
    /// From 0 to 1.
    pub severity_score: f64,
}

/// The detected entities.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct EntityMatches {
    /// One entry per detected entity.
    #[serde(default)]
    pub results: Vec<EntityMatch>,
    /// Whether more entities were detected than are listed.
    pub truncated: Option<bool>,
}

/// A detected entity.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityMatch {
    /// The entity type.
    pub r#type: String,
    /// From 0 to 1.
    pub confidence_score: f64,
    /// The index of the first character in the text.
    pub begin_offset: u64,
    /// The index after the last character.
    pub end_offset: u64,
    /// The index of the text in its message.
    pub content_index: u64,
}

/// The text units consumed by each check.
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
