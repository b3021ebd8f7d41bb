//! Validation of InvokeGuardrailChecks and ApplyGuardrail: constraints of botocore's model of
//! `bedrock-runtime` (2023-09-30), and unknown keys.

use serde_json::Value;

use super::constraints::settings::{guardrail_id, guardrail_version};
use super::constraints::violations::Violations;
use super::guardrails::unknown_guardrail;
use super::shape::require_no_other_keys;
use crate::conversation::text;
use crate::error::AwsError;
use crate::guardrails;
use crate::options::Guardrail;

const HARMFUL: [&str; 5] = ["VIOLENCE", "HATE", "SEXUAL", "MISCONDUCT", "INSULTS"];
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

/// Validates an InvokeGuardrailChecks request.
pub(crate) fn checks(request: &Value) -> Result<(), AwsError> {
    require_known_keys("#", request, &["messages", "checks"])?;
    let mut violations = Violations::default();
    let messages = entries(request, "messages", "messages", &mut violations);
    for (position, message) in messages.iter().enumerate() {
        require_known_keys(
            &format!("#/messages/{position}"),
            message,
            &["role", "content"],
        )?;
        let at = format!("messages.{}.member", position + 1);
        let roles = ["user", "assistant", "system"];
        violations.unless_one_of(text(message.get("role")), &format!("{at}.role"), &roles);
        let content = entries(
            message,
            "content",
            &format!("{at}.content"),
            &mut violations,
        );
        for (block_index, block) in content.iter().enumerate() {
            let path = format!("#/messages/{position}/content/{block_index}");
            require_known_keys(&path, block, &["text"])?;
            let at = format!("{at}.content.{}.member.text", block_index + 1);
            match block.get("text").and_then(Value::as_str) {
                None => violations.missing(&at),
                Some("") => violations.empty(&at),
                Some(_) => {}
            }
        }
    }
    match request.get("checks") {
        None | Some(Value::Null) => violations.missing("checks"),
        Some(checks) => configured(checks, &mut violations)?,
    }
    violations.report()
}

fn configured(checks: &Value, violations: &mut Violations) -> Result<(), AwsError> {
    const LISTS: [(&str, &str, &str, &[&str]); 3] = [
        ("contentFilter", "categories", "category", &HARMFUL),
        ("promptAttack", "categories", "category", &ATTACKS),
        ("sensitiveInformation", "entities", "type", &ENTITIES),
    ];
    require_known_keys("#/checks", checks, &LISTS.map(|(check, ..)| check))?;
    for (check, list, member, allowed) in LISTS {
        let Some(config) = checks.get(check).filter(|config| !config.is_null()) else {
            continue;
        };
        require_known_keys(&format!("#/checks/{check}"), config, &[list])?;
        let at = format!("checks.{check}.{list}");
        let chosen = entries(config, list, &at, violations);
        if chosen.len() > allowed.len() {
            let max_length = allowed.len();
            let constraint = format!("Member must have length less than or equal to {max_length}");
            violations.unfit(&at, &constraint);
        }
        for (position, entry) in chosen.iter().enumerate() {
            require_known_keys(
                &format!("#/checks/{check}/{list}/{position}"),
                entry,
                &[member],
            )?;
            let at = format!("{at}.{}.member.{member}", position + 1);
            violations.unless_one_of(text(entry.get(member)), &at, allowed);
        }
    }
    Ok(())
}

/// Validates an ApplyGuardrail request and returns its guardrail.
pub(crate) fn applied<'a>(
    id: &str,
    version: &str,
    request: &Value,
    existing: &'a [Guardrail],
) -> Result<&'a Guardrail, AwsError> {
    require_known_keys("#", request, &["source", "content", "outputScope"])?;
    let mut violations = Violations::default();
    guardrail_id(id, "guardrailIdentifier", &mut violations);
    guardrail_version(version, "guardrailVersion", &mut violations);
    let source = text(request.get("source"));
    violations.unless_one_of(source, "source", &["INPUT", "OUTPUT"]);
    if let Some(scope) = request.get("outputScope") {
        let scopes = ["INTERVENTIONS", "FULL"];
        violations.unless_one_of(text(Some(scope)), "outputScope", &scopes);
    }
    let content = match request.get("content").and_then(Value::as_array) {
        Some(content) => content.as_slice(),
        None => {
            violations.missing("content");
            &[]
        }
    };
    for (position, block) in content.iter().enumerate() {
        guarded_block(position, block, &mut violations)?;
    }
    violations.report()?;
    guardrails::find(existing, id, version).ok_or_else(unknown_guardrail)
}

fn guarded_block(
    position: usize,
    block: &Value,
    violations: &mut Violations,
) -> Result<(), AwsError> {
    let path = format!("#/content/{position}");
    require_known_keys(&path, block, &["text", "image"])?;
    let at = format!("content.{}.member", position + 1);
    if let Some(text_block) = block.get("text") {
        require_known_keys(&format!("{path}/text"), text_block, &["text", "qualifiers"])?;
        if !text_block.get("text").is_some_and(Value::is_string) {
            violations.missing(&format!("{at}.text.text"));
        }
        let qualifiers = text_block.get("qualifiers").and_then(Value::as_array);
        for qualifier in qualifiers.into_iter().flatten() {
            let allowed = ["grounding_source", "query", "guard_content"];
            let at = format!("{at}.text.qualifiers");
            violations.unless_one_of(text(Some(qualifier)), &at, &allowed);
        }
    }
    if let Some(image) = block.get("image") {
        require_known_keys(&format!("{path}/image"), image, &["format", "source"])?;
        let format = text(image.get("format"));
        violations.unless_one_of(format, &format!("{at}.image.format"), &["png", "jpeg"]);
        if text(image.pointer("/source/bytes")).is_empty() {
            violations.missing(&format!("{at}.image.source"));
        }
    }
    Ok(())
}

/// A required list with at least one entry.
fn entries<'a>(
    object: &'a Value,
    name: &str,
    at: &str,
    violations: &mut Violations,
) -> &'a [Value] {
    match object.get(name).and_then(Value::as_array) {
        None => {
            violations.missing(at);
            &[]
        }
        Some(entries) if entries.is_empty() => {
            violations.unfit(at, "Member must have length greater than or equal to 1");
            &[]
        }
        Some(entries) => entries,
    }
}

fn require_known_keys(at: &str, value: &Value, existing: &[&str]) -> Result<(), AwsError> {
    match value {
        Value::Object(fields) => require_no_other_keys(at, fields, existing),
        _ => Err(AwsError::validation("Unexpected value type in payload")),
    }
}
