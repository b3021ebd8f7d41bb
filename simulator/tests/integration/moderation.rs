//! Guardrail checks with the AWS SDK, and with Bedrock's recorded bytes.

use crate::common::{self, client, open_simulator, post, simulator};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata as _;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ConversationRole, GuardrailAction, GuardrailChecksConfig, GuardrailChecksContentBlock,
    GuardrailChecksContentFilterCategory as Category, GuardrailChecksContentFilterCategoryConfig,
    GuardrailChecksContentFilterConfig, GuardrailChecksMessage, GuardrailChecksRole,
    GuardrailChecksSensitiveInformationConfig, GuardrailChecksSensitiveInformationEntityConfig,
    GuardrailChecksSensitiveInformationEntityType as Entity, GuardrailContentBlock,
    GuardrailContentFilterConfidence, GuardrailContentFilterType, GuardrailContentSource,
    GuardrailImageBlock, GuardrailImageFormat, GuardrailImageSource, GuardrailOutputScope,
    GuardrailTextBlock,
};
use bedrock_simulator::{Operation, Script};
use serde_json::{Value, json};

fn message(text: &str) -> GuardrailChecksMessage {
    GuardrailChecksMessage::builder()
        .role(GuardrailChecksRole::User)
        .content(GuardrailChecksContentBlock::Text(text.to_owned()))
        .build()
        .unwrap()
}

fn harmful(categories: &[Category]) -> GuardrailChecksContentFilterConfig {
    let config = |category: &Category| {
        GuardrailChecksContentFilterCategoryConfig::builder()
            .category(category.clone())
            .build()
            .unwrap()
    };
    GuardrailChecksContentFilterConfig::builder()
        .set_categories(Some(categories.iter().map(config).collect()))
        .build()
        .unwrap()
}

#[tokio::test]
async fn checks_return_the_requested_categories() {
    let simulator = simulator().await;
    let email = GuardrailChecksSensitiveInformationEntityConfig::builder()
        .r#type(Entity::Email)
        .build()
        .unwrap();
    let sensitive = GuardrailChecksSensitiveInformationConfig::builder()
        .entities(email)
        .build()
        .unwrap();
    let checks = GuardrailChecksConfig::builder()
        .content_filter(harmful(&[Category::Violence, Category::Insults]))
        .sensitive_information(sensitive)
        .build();
    let response = client(&simulator)
        .invoke_guardrail_checks()
        .messages(message(
            "I will kill and murder you. Mail a@b.example from 10.0.0.1",
        ))
        .checks(checks)
        .send()
        .await
        .unwrap();
    let results = response.results().unwrap();
    let filter = results.content_filter().unwrap().results();
    let scores: Vec<_> = filter
        .iter()
        .map(|entry| (entry.category().clone(), entry.severity_score()))
        .collect();
    assert_eq!(
        scores,
        [(Category::Violence, 0.8), (Category::Insults, 0.0)]
    );
    let [finding] = results.sensitive_information().unwrap().results() else {
        panic!("expected one entity");
    };
    assert_eq!(*finding.r#type(), Entity::Email);
    assert_eq!((finding.begin_offset(), finding.end_offset()), (33, 44));
    assert!(results.prompt_attack().is_none());
    let usage = response.usage().unwrap();
    assert_eq!(usage.content_filter().unwrap().text_units(), 1);
    let received = simulator.requests();
    assert_eq!(
        received[0].operation,
        Some(Operation::InvokeGuardrailChecks)
    );
}

#[tokio::test]
async fn a_guardrail_applies_to_text_and_images() {
    let simulator = simulator().await;
    let apply = |input_text: &str| {
        let text = GuardrailTextBlock::builder()
            .text(input_text)
            .build()
            .unwrap();
        let image = GuardrailImageBlock::builder()
            .format(GuardrailImageFormat::Png)
            .source(GuardrailImageSource::Bytes(Blob::new(b"\x89PNG idiot")))
            .build()
            .unwrap();
        client(&simulator)
            .apply_guardrail()
            .guardrail_identifier("arn:aws:bedrock:us-east-1:123456789012:guardrail/demoguardrail")
            .guardrail_version("DRAFT")
            .source(GuardrailContentSource::Input)
            .content(GuardrailContentBlock::Text(text))
            .content(GuardrailContentBlock::Image(image))
            .output_scope(GuardrailOutputScope::Full)
            .send()
    };
    let allowed = apply("What a mountain").await.unwrap();
    assert_eq!(*allowed.action(), GuardrailAction::None);
    assert!(allowed.outputs().is_empty());
    let filters = allowed.assessments()[0].content_policy().unwrap().filters();
    assert_eq!(filters.len(), 6);
    let insults = filters
        .iter()
        .find(|filter| *filter.r#type() == GuardrailContentFilterType::Insults)
        .unwrap();
    assert_eq!(
        *insults.confidence(),
        GuardrailContentFilterConfidence::Medium
    );
    assert_eq!(insults.detected(), Some(true));
    assert_eq!(
        allowed.usage().unwrap().content_policy_image_units(),
        Some(1)
    );

    let blocked = apply("An avalanche").await.unwrap();
    assert_eq!(*blocked.action(), GuardrailAction::GuardrailIntervened);
    assert_eq!(
        blocked.outputs()[0].text(),
        Some("Sorry, I cannot talk about that.")
    );
    let words = blocked.assessments()[0]
        .word_policy()
        .unwrap()
        .custom_words();
    assert_eq!(words[0].r#match(), "avalanche");
}

#[tokio::test]
async fn a_script_with_only_an_operation_name_applies() {
    let simulator = simulator().await;
    simulator.push(
        Script::error(429, "ThrottlingException", "slow").for_operation(Operation::ApplyGuardrail),
    );
    simulator.push(Script::text("for a model"));
    let text = GuardrailTextBlock::builder().text("a").build().unwrap();
    let apply = |version: &str| {
        client(&simulator)
            .apply_guardrail()
            .guardrail_identifier("demoguardrail")
            .guardrail_version(version)
            .source(GuardrailContentSource::Output)
            .content(GuardrailContentBlock::Text(text.clone()))
            .send()
    };
    let code = |error: Option<&str>| error.map(str::to_owned);
    let throttled = apply("1").await.unwrap_err();
    assert_eq!(
        code(throttled.code()).as_deref(),
        Some("ThrottlingException")
    );
    let unknown = apply("7").await.unwrap_err();
    assert_eq!(code(unknown.code()).as_deref(), Some("ValidationException"));
    assert!(apply("1").await.is_ok());
    let response = client(&simulator)
        .converse()
        .model_id(common::NOVA)
        .messages(common::user("hi"));
    let response = response.send().await.unwrap();
    let input_text = response.output().unwrap().as_message().unwrap();
    assert_eq!(*input_text.role(), ConversationRole::Assistant);
    assert_eq!(input_text.content()[0].as_text().unwrap(), "for a model");
}

/// The error message for a body; empty if the body is valid.
async fn refusal(path: &str, body: Value) -> String {
    let options = bedrock_simulator::Options {
        any_credentials: true,
        ..bedrock_simulator::Options::default()
    };
    let simulator = bedrock_simulator::Simulator::start(options).await.unwrap();
    let response = post(&simulator, path, body.to_string()).await;
    match response.status.as_u16() {
        200 => String::new(),
        _ => response.message(),
    }
}

#[tokio::test]
async fn requests_violating_the_api_model_are_rejected() {
    let input_text = json!([{"role": "user", "content": [{"text": "a"}]}]);
    let violence = json!({"contentFilter": {"categories": [{"category": "VIOLENCE"}]}});
    let path = "/guardrail-checks/invoke";
    for (body, expected) in [
        (json!({"messages": input_text, "checks": violence}), ""),
        (json!({"messages": input_text, "checks": {}}), ""),
        (
            json!({"checks": violence}),
            "'messages' failed to satisfy constraint: Member must not be null",
        ),
        (
            json!({"messages": [], "checks": violence}),
            "length greater than or equal to 1",
        ),
        (
            json!({"messages": input_text}),
            "'checks' failed to satisfy constraint: Member must not be null",
        ),
        (
            json!({"messages": input_text, "checks": violence, "model": "x"}),
            "extraneous key [model]",
        ),
        (
            json!({"messages": [{"role": "tool", "content": [{"text": "a"}]}], "checks": violence}),
            "Member must satisfy enum value set: [user, assistant, system]",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"text": ""}]}], "checks": violence}),
            "'messages.1.member.content.1.member.text' failed to satisfy constraint: Member must have length",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"image": {}}]}], "checks": violence}),
            "extraneous key [image]",
        ),
        (
            json!({"messages": input_text, "checks": {"contentFilter": {"categories": [{"category": "GORE"}]}}}),
            "enum value set: [VIOLENCE, HATE, SEXUAL, MISCONDUCT, INSULTS]",
        ),
        (
            json!({"messages": input_text, "checks": {"promptAttack": {"categories": []}}}),
            "'checks.promptAttack.categories' failed",
        ),
        (json!([]), "Unexpected value type in payload"),
    ] {
        let message = refusal(path, body.clone()).await;
        assert!(
            message.contains(expected) && expected.is_empty() == message.is_empty(),
            "{body}: {message}"
        );
    }
    let text = json!([{"text": {"text": "a"}}]);
    for (id, version, body, expected) in [
        (
            "demoguardrail",
            "1",
            json!({"source": "INPUT", "content": text}),
            "",
        ),
        (
            "demoguardrail",
            "9",
            json!({"source": "INPUT", "content": text}),
            "does not exist",
        ),
        (
            "Demo",
            "v1",
            json!({"source": "INPUT", "content": text}),
            "2 validation errors",
        ),
        (
            "demoguardrail",
            "1",
            json!({"source": "USER", "content": text}),
            "enum value set: [INPUT, OUTPUT]",
        ),
        (
            "demoguardrail",
            "1",
            json!({"source": "INPUT"}),
            "'content' failed",
        ),
        (
            "demoguardrail",
            "1",
            json!({"source": "INPUT", "content": [{"image": {"format": "gif", "source": {"bytes": "YQ=="}}}]}),
            "enum value set: [png, jpeg]",
        ),
        (
            "demoguardrail",
            "1",
            json!({"source": "INPUT", "content": text, "outputScope": "ALL"}),
            "enum value set: [INTERVENTIONS, FULL]",
        ),
    ] {
        let path = format!("/guardrail/{id}/version/{version}/apply");
        let message = refusal(&path, body.clone()).await;
        assert!(
            message.contains(expected) && expected.is_empty() == message.is_empty(),
            "{path} {body}: {message}"
        );
    }
}

#[tokio::test]
async fn only_detected_findings_are_returned_unless_full_output_is_requested() {
    let simulator = open_simulator().await;
    let path = "/guardrail/demoguardrail/version/1/apply";
    let body = json!({"source": "INPUT", "content": [{"text": {"text": "you idiot"}}]});
    let response = post(&simulator, path, body.to_string()).await.json();
    let filters = &response["assessments"][0]["contentPolicy"]["filters"];
    assert_eq!(filters.as_array().unwrap().len(), 1);
    assert_eq!(filters[0]["type"], "INSULTS");
}
