use super::*;
use crate::converse::options::GuardrailConfig;
use crate::converse::options::{GuardrailStreamMode, GuardrailTrace};

fn policy() -> GuardrailPolicy {
    GuardrailPolicy {
        config: GuardrailConfig {
            guardrail_identifier: "own".to_owned(),
            guardrail_version: "1".to_owned(),
            trace: None,
            stream_processing_mode: None,
        },
        only_last_turn: false,
    }
}

fn everything() -> AllowList {
    AllowList::default()
}

fn no_rules(all: &AllowList) -> Rules<'_> {
    Rules {
        guardrail: None,
        ceiling: None,
        max_tokens: None,
        model_fields: all,
        s3_buckets: all,
        allow_unlimited_invoke: false,
    }
}

fn converse(rules: &Rules<'_>, body: &'static str) -> Result<String, ApiError> {
    let body = rules.converse(body.into(), true, &mut Adjustments::default())?;
    Ok(String::from_utf8(body.to_vec()).expect("text"))
}

fn kind(result: Result<String, ApiError>) -> ErrorKind {
    result.expect_err("a refusal").kind
}

#[test]
fn without_rules_a_body_is_forwarded_unparsed() {
    let all = everything();
    let rules = no_rules(&all);
    let body = "{ \"messages\" : no JSON";
    assert_eq!(converse(&rules, body).as_deref(), Ok(body));
    let invoked = rules.invoke(
        &mut HeaderMap::new(),
        &body.into(),
        &mut Adjustments::default(),
    );
    assert_eq!(invoked, Ok(()));
}

#[test]
fn the_operators_guardrail_is_added_and_the_rest_is_unchanged() {
    let (all, policy) = (everything(), policy());
    let rules = Rules {
        guardrail: Some(&policy),
        ..no_rules(&all)
    };
    assert_eq!(
        converse(&rules, "{\"system\": [ ],\"messages\":[ {\"a\": 0.70} ]}").as_deref(),
        Ok(
            "{\"system\":[ ],\"messages\":[ {\"a\": 0.70} ],\"guardrailConfig\":\
             {\"guardrailIdentifier\":\"own\",\"guardrailVersion\":\"1\"}}"
        )
    );
    assert_eq!(
        converse(
            &rules,
            "{\"guardrailConfig\":{\"trace\":\"enabled\",\"streamProcessingMode\":\"async\"}}"
        )
        .as_deref(),
        Ok(
            "{\"guardrailConfig\":{\"trace\":\"enabled\",\"guardrailIdentifier\":\"own\",\
             \"guardrailVersion\":\"1\"}}"
        )
    );
}

#[test]
fn the_operators_guardrail_sets_the_stream_processing_mode() {
    let (all, mut policy) = (everything(), policy());
    policy.config.trace = Some(GuardrailTrace::EnabledFull);
    policy.config.stream_processing_mode = Some(GuardrailStreamMode::Sync);
    let rules = Rules {
        guardrail: Some(&policy),
        ..no_rules(&all)
    };
    let streamed = converse(&rules, "{}").expect("a body");
    assert!(streamed.contains("\"trace\":\"enabled_full\",\"streamProcessingMode\":\"sync\""));
    let body = rules.converse("{}".into(), false, &mut Adjustments::default());
    let body = String::from_utf8(body.expect("a body").to_vec()).expect("text");
    assert!(!body.contains("streamProcessingMode"), "{body}");
}

#[test]
fn no_request_bypasses_the_operators_guardrail() {
    let (all, policy) = (everything(), policy());
    let rules = Rules {
        guardrail: Some(&policy),
        ..no_rules(&all)
    };
    for body in [
        r#"{"guardrailConfig":{"guardrailIdentifier":"other"}}"#,
        r#"{"guardrailConfig":{"guardrailIdentifier":"own","guardrailVersion":"DRAFT"}}"#,
        r#"{"messages":[{"content":[{"guardContent":{}},{"text":"x"}]}]}"#,
        r#"{"messages":[{"content":[{"\u0067uardContent":{}}]}]}"#,
        r#"{"system":[{"guardContent":{}}]}"#,
        r#"{"additionalModelRequestFields":{"amazon-bedrock-guardrailConfig":{"tagSuffix":"x"}}}"#,
    ] {
        assert_eq!(
            kind(converse(&rules, body)),
            ErrorKind::Permission,
            "{body}"
        );
    }
    // With a duplicate key the last one counts, both here and in the request that is sent.
    let twice = r#"{"guardrailConfig":{"guardrailIdentifier":"other"},"guardrailConfig":{}}"#;
    let sent = converse(&rules, twice).expect("a body");
    assert!(!sent.contains("other"), "{sent}");
}

#[test]
fn the_operators_guardrail_is_set_in_the_headers_of_invoke() {
    let (all, policy) = (everything(), policy());
    let rules = Rules {
        guardrail: Some(&policy),
        ..no_rules(&all)
    };
    let invoke = |headers: &mut HeaderMap, body: &'static str| {
        rules.invoke(headers, &body.into(), &mut Adjustments::default())
    };
    let mut headers = HeaderMap::new();
    assert_eq!(invoke(&mut headers, "{}"), Ok(()));
    assert_eq!(
        headers.get("x-amzn-bedrock-guardrailidentifier"),
        Some(&HeaderValue::from_static("own"))
    );
    assert_eq!(
        headers.get("x-amzn-bedrock-guardrailversion"),
        Some(&HeaderValue::from_static("1"))
    );
    let tagged = r#"{"amazon-bedrock-guardrailConfig":{"tagSuffix":"x"}}"#;
    assert!(invoke(&mut headers, tagged).is_err());
    headers.append(
        "x-amzn-bedrock-guardrailidentifier",
        HeaderValue::from_static("other"),
    );
    assert!(invoke(&mut headers, "{}").is_err());
    assert!(rules.job(&"{}".into(), "bucket").is_err());
}

#[test]
fn max_tokens_cannot_exceed_the_ceiling() {
    let all = everything();
    let rules = Rules {
        ceiling: Some(100),
        max_tokens: Some(20),
        ..no_rules(&all)
    };
    assert_eq!(
        converse(&rules, r#"{"inferenceConfig":{"topP":0.50}}"#).as_deref(),
        Ok(r#"{"inferenceConfig":{"topP":0.50,"maxTokens":20}}"#)
    );
    assert!(converse(&rules, r#"{"inferenceConfig":{"maxTokens":100}}"#).is_ok());
    for value in ["101", "99999999999", "1e9", "\"7\"", "null", "-1"] {
        let body = format!("{{\"inferenceConfig\":{{\"maxTokens\":{value}}}}}");
        let error = rules.converse(body.into(), false, &mut Adjustments::default());
        let error = error.expect_err(value);
        assert_eq!(error.kind, ErrorKind::InvalidRequest);
    }
    let invoke = |rules: &Rules<'_>| {
        rules.invoke(
            &mut HeaderMap::new(),
            &"{}".into(),
            &mut Adjustments::default(),
        )
    };
    assert!(invoke(&rules).is_err());
    let allowed = Rules {
        allow_unlimited_invoke: true,
        ..rules
    };
    assert_eq!(invoke(&allowed), Ok(()));
}

#[test]
fn only_allowed_fields_and_buckets_can_be_used() {
    let (all, some) = (everything(), AllowList::new(vec!["top_k".to_owned()]));
    let rules = Rules {
        model_fields: &some,
        ..no_rules(&all)
    };
    assert!(converse(&rules, r#"{"additionalModelRequestFields":{"top_k":1}}"#).is_ok());
    let other = r#"{"additionalModelRequestFields":{"top_k":1,"max_tokens":9}}"#;
    assert_eq!(kind(converse(&rules, other)), ErrorKind::Permission);

    let some = AllowList::new(vec!["ours".to_owned()]);
    let rules = Rules {
        s3_buckets: &some,
        ..no_rules(&all)
    };
    let body = r#"{"a":{"s3Location":{"uri":"s3://ours/a"}}}"#;
    assert_eq!(converse(&rules, body).as_deref(), Ok(body));
    let other = r#"{"a":{"s3Location":{"uri":"s3://theirs/a"}}}"#;
    assert_eq!(kind(converse(&rules, other)), ErrorKind::Permission);
    assert!(
        rules
            .job(&r#"{"s3Uri":"s3://output/a"}"#.into(), "output")
            .is_ok()
    );
    assert!(
        rules
            .job(&r#"{"s3Uri":"s3://theirs/a"}"#.into(), "output")
            .is_err()
    );
}
