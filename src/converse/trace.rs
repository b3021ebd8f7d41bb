//! Removes operator data from guardrail traces: the guardrail's id, and account ids in ARNs.

/// Replaces operator identifiers.
pub const OPERATOR_PLACEHOLDER: &str = "[the operator's]";

/// Replaces account ids in ARNs.
const NO_ACCOUNT: &str = "000000000000";

/// Removes the id of the operator's `guardrail` and all account ids from `trace`, which is JSON.
pub fn without_operator(trace: &str, guardrail: &str) -> String {
    // An ARN of a guardrail ends with the id that traces contain.
    let id = guardrail.rsplit('/').next().unwrap_or(guardrail);
    let mut clean = String::with_capacity(trace.len());
    let mut rest = trace;
    while let Some((before, after)) = rest.split_once('"') {
        clean.push_str(before);
        clean.push('"');
        let (text, remainder) = after.split_at(end_of_string(after));
        match text {
            text if text == id => clean.push_str(OPERATOR_PLACEHOLDER),
            text if text.starts_with("arn:") && text.contains(id) => {
                clean.push_str(OPERATOR_PLACEHOLDER)
            }
            text if text.starts_with("arn:") => clean.push_str(&without_account(text)),
            text => clean.push_str(text),
        }
        if let Some(remainder) = remainder.strip_prefix('"') {
            clean.push('"');
            rest = remainder;
        } else {
            rest = remainder;
        }
    }
    clean.push_str(rest);
    clean
}

/// Replaces the account of an ARN with zeros:
/// `arn:aws:bedrock:us-east-1:000000000000:async-invoke/...`
pub fn without_account(arn: &str) -> String {
    let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
    if let Some(account) = parts.get_mut(4).filter(|account| !account.is_empty()) {
        *account = NO_ACCOUNT;
    }
    parts.join(":")
}

/// The end of the JSON string that starts before `text`.
fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_keeps_its_findings_and_hides_the_guardrail() {
        let trace = r#"{"guardrail":{"inputAssessment":{"abc123":{"wordPolicy":{"customWords":[{"match":"say \"abc123\"","action":"BLOCKED"}]},"appliedGuardrailDetails":{"guardrailId":"abc123","guardrailArn":"arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123"}}}},"promptRouter":{"invokedModelId":"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.m"}}"#;
        let expected = r#"{"guardrail":{"inputAssessment":{"[the operator's]":{"wordPolicy":{"customWords":[{"match":"say \"abc123\"","action":"BLOCKED"}]},"appliedGuardrailDetails":{"guardrailId":"[the operator's]","guardrailArn":"[the operator's]"}}}},"promptRouter":{"invokedModelId":"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.m"}}"#;
        for guardrail in [
            "abc123",
            "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123",
        ] {
            assert_eq!(without_operator(trace, guardrail), expected);
        }
    }

    #[test]
    fn text_without_identifiers_is_unchanged() {
        for json in [r#"{"a":["b\\","c\"d",1]}"#, "{}", "\"", ""] {
            assert_eq!(without_operator(json, "abc123"), json);
        }
    }

    #[test]
    fn an_arn_keeps_everything_but_its_account() {
        let foundation = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-reel-v1:1";
        assert_eq!(without_account(foundation), foundation);
        assert_eq!(
            without_account("arn:aws:bedrock:us-east-1:123456789012:async-invoke/abc"),
            "arn:aws:bedrock:us-east-1:000000000000:async-invoke/abc"
        );
    }
}
