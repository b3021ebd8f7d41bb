//! What InvokeGuardrailChecks and ApplyGuardrail refuse: the limits of botocore's model of
//! `bedrock-runtime` (2023-09-30), and keys that it does not have.

use serde_json::Value;

use super::constraints::broken::Violations;
use super::constraints::settings::{guardrail_id, guardrail_version};
use super::guardrails::unknown_guardrail;
use super::shape::no_other;
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

/// Refuses an InvokeGuardrailChecks request that Bedrock would refuse.
pub(crate) fn checks(request: &Value) -> Result<(), AwsError> {
    known_keys("#", request, &["messages", "checks"])?;
    let mut broken = Violations::default();
    let messages = entries(request, "messages", "messages", &mut broken);
    for (position, message) in messages.iter().enumerate() {
        known_keys(
            &format!("#/messages/{position}"),
            message,
            &["role", "content"],
        )?;
        let at = format!("messages.{}.member", position + 1);
        let roles = ["user", "assistant", "system"];
        broken.unless_one_of(text(message.get("role")), &format!("{at}.role"), &roles);
        let content = entries(message, "content", &format!("{at}.content"), &mut broken);
        for (place, block) in content.iter().enumerate() {
            let path = format!("#/messages/{position}/content/{place}");
            known_keys(&path, block, &["text"])?;
            let at = format!("{at}.content.{}.member.text", place + 1);
            match block.get("text").and_then(Value::as_str) {
                None => broken.missing(&at),
                Some("") => broken.empty(&at),
                Some(_) => {}
            }
        }
    }
    match request.get("checks") {
        None | Some(Value::Null) => broken.missing("checks"),
        Some(checks) => configured(checks, &mut broken)?,
    }
    broken.report()
}

fn configured(checks: &Value, broken: &mut Violations) -> Result<(), AwsError> {
    const LISTS: [(&str, &str, &str, &[&str]); 3] = [
        ("contentFilter", "categories", "category", &HARMFUL),
        ("promptAttack", "categories", "category", &ATTACKS),
        ("sensitiveInformation", "entities", "type", &ENTITIES),
    ];
    known_keys("#/checks", checks, &LISTS.map(|(check, ..)| check))?;
    for (check, list, member, allowed) in LISTS {
        let Some(config) = checks.get(check).filter(|config| !config.is_null()) else {
            continue;
        };
        known_keys(&format!("#/checks/{check}"), config, &[list])?;
        let at = format!("checks.{check}.{list}");
        let chosen = entries(config, list, &at, broken);
        if chosen.len() > allowed.len() {
            let most = allowed.len();
            let constraint = format!("Member must have length less than or equal to {most}");
            broken.unfit(&at, &constraint);
        }
        for (position, entry) in chosen.iter().enumerate() {
            known_keys(
                &format!("#/checks/{check}/{list}/{position}"),
                entry,
                &[member],
            )?;
            let at = format!("{at}.{}.member.{member}", position + 1);
            broken.unless_one_of(text(entry.get(member)), &at, allowed);
        }
    }
    Ok(())
}

/// Refuses an ApplyGuardrail request that Bedrock would refuse; gives the guardrail.
pub(crate) fn applied<'a>(
    id: &str,
    version: &str,
    request: &Value,
    known: &'a [Guardrail],
) -> Result<&'a Guardrail, AwsError> {
    known_keys("#", request, &["source", "content", "outputScope"])?;
    let mut broken = Violations::default();
    guardrail_id(id, "guardrailIdentifier", &mut broken);
    guardrail_version(version, "guardrailVersion", &mut broken);
    let source = text(request.get("source"));
    broken.unless_one_of(source, "source", &["INPUT", "OUTPUT"]);
    if let Some(scope) = request.get("outputScope") {
        let scopes = ["INTERVENTIONS", "FULL"];
        broken.unless_one_of(text(Some(scope)), "outputScope", &scopes);
    }
    let content = match request.get("content").and_then(Value::as_array) {
        Some(content) => content.as_slice(),
        None => {
            broken.missing("content");
            &[]
        }
    };
    for (position, block) in content.iter().enumerate() {
        guarded_block(position, block, &mut broken)?;
    }
    broken.report()?;
    guardrails::find(known, id, version).ok_or_else(unknown_guardrail)
}

fn guarded_block(position: usize, block: &Value, broken: &mut Violations) -> Result<(), AwsError> {
    let path = format!("#/content/{position}");
    known_keys(&path, block, &["text", "image"])?;
    let at = format!("content.{}.member", position + 1);
    if let Some(said) = block.get("text") {
        known_keys(&format!("{path}/text"), said, &["text", "qualifiers"])?;
        if !said.get("text").is_some_and(Value::is_string) {
            broken.missing(&format!("{at}.text.text"));
        }
        let qualifiers = said.get("qualifiers").and_then(Value::as_array);
        for qualifier in qualifiers.into_iter().flatten() {
            let allowed = ["grounding_source", "query", "guard_content"];
            let at = format!("{at}.text.qualifiers");
            broken.unless_one_of(text(Some(qualifier)), &at, &allowed);
        }
    }
    if let Some(image) = block.get("image") {
        known_keys(&format!("{path}/image"), image, &["format", "source"])?;
        let format = text(image.get("format"));
        broken.unless_one_of(format, &format!("{at}.image.format"), &["png", "jpeg"]);
        if text(image.pointer("/source/bytes")).is_empty() {
            broken.missing(&format!("{at}.image.source"));
        }
    }
    Ok(())
}

/// A list that has to have an entry.
fn entries<'a>(object: &'a Value, name: &str, at: &str, broken: &mut Violations) -> &'a [Value] {
    match object.get(name).and_then(Value::as_array) {
        None => {
            broken.missing(at);
            &[]
        }
        Some(entries) if entries.is_empty() => {
            broken.unfit(at, "Member must have length greater than or equal to 1");
            &[]
        }
        Some(entries) => entries,
    }
}

fn known_keys(at: &str, value: &Value, known: &[&str]) -> Result<(), AwsError> {
    match value {
        Value::Object(fields) => no_other(at, fields, known),
        _ => Err(AwsError::validation("Unexpected value type in payload")),
    }
}
