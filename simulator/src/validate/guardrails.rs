//! Validation of guardrail references.

use serde_json::Value;

use super::subject::Subject;
use crate::conversation::text;
use crate::error::AwsError;
use crate::guardrails;

/// Unknown ids and unknown versions give the same message on every operation (quoted in many
/// reports, for instance for a guardrail in another region).
pub(super) fn exists(subject: &Subject<'_>) -> Result<(), AwsError> {
    let Some(config) = subject
        .request
        .get("guardrailConfig")
        .filter(|config| !config.is_null())
    else {
        return Ok(());
    };
    // An empty id means no guardrail.
    if config.get("guardrailIdentifier").and_then(Value::as_str) == Some("") {
        return Ok(());
    }
    let id = text(config.get("guardrailIdentifier"));
    let version = text(config.get("guardrailVersion"));
    match guardrails::find(&subject.runtime.options.guardrails, id, version) {
        Some(_) => Ok(()),
        None => Err(unknown_guardrail()),
    }
}

pub(super) fn unknown_guardrail() -> AwsError {
    AwsError::validation(
        "The guardrail identifier or version provided in the request does not exist.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::json;

    #[test]
    fn only_existing_guardrails_are_accepted() {
        let is_accepted = |id: &str, version: &str| {
            let request = json!({
                "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
                "guardrailConfig": { "guardrailIdentifier": id, "guardrailVersion": version },
            });
            refusal("amazon.nova-lite-v1:0", request)
        };
        let unknown = "The guardrail identifier or version provided in the request does not exist.";
        let arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/demoguardrail";
        assert_eq!(is_accepted("demoguardrail", "1"), None);
        assert_eq!(is_accepted("demoguardrail", "DRAFT"), None);
        assert_eq!(is_accepted(arn, "1"), None);
        assert_eq!(is_accepted("demoguardrail", "2").as_deref(), Some(unknown));
        assert_eq!(is_accepted("othername", "1").as_deref(), Some(unknown));
    }
}
