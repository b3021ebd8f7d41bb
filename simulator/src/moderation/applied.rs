//! The response of ApplyGuardrail (recording `applyguardrail-unknown-50492008`).
//!
//! A simulated guardrail blocks its own words. It detects harmful content without blocking it, like
//! a guardrail whose filters have the action `NONE`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{ATTACKS, HARMFUL, count, units};
use crate::catalog::{ACCOUNT, REGION};
use crate::conversation::text;
use crate::guardrails::matches;
use crate::options::Guardrail;
use crate::reply::Reply;

/// The content to check.
struct Content {
    content_text: String,
    text_units: usize,
    characters: usize,
    images: usize,
}

pub(crate) fn response(guardrail: &Guardrail, version: &str, request: &Value) -> Reply {
    let content = content(request);
    let is_full = text(request.get("outputScope")) == "FULL";
    let (words, blocked_message) = match text(request.get("source")) {
        "OUTPUT" => (&guardrail.output_words, &guardrail.blocked_output),
        _ => (&guardrail.input_words, &guardrail.blocked_input),
    };
    let blocked = matches(&content.content_text, words);
    let intervened = !blocked.is_empty();
    let outputs = match intervened {
        true => vec![json!({ "text": blocked_message })],
        false => vec![],
    };
    let usage = usage(&content);
    let coverage = json!({
        "images": (content.images > 0).then(|| json!({ "guarded": content.images, "total": content.images })),
        "textCharacters": { "guarded": content.characters, "total": content.characters },
    });
    let custom = blocked.iter();
    let custom = custom.map(|word| json!({ "action": "BLOCKED", "detected": true, "match": word }));
    let custom: Vec<Value> = custom.collect();
    let filters = filters(&content.content_text, is_full);
    let assessment = json!({
        "appliedGuardrailDetails": {
            "guardrailArn": format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/{}", guardrail.id),
            "guardrailId": guardrail.id,
            "guardrailOrigin": ["REQUEST"],
            "guardrailOwnership": "SELF",
            "guardrailVersion": version,
        },
        "automatedReasoningPolicy": null,
        "contentPolicy": (!filters.is_empty()).then(|| json!({ "filters": filters })),
        "contextualGroundingPolicy": null,
        "invocationMetrics": {
            "guardrailCoverage": coverage,
            "guardrailProcessingLatency": 21,
            "usage": usage,
        },
        "sensitiveInformationPolicy": null,
        "topicPolicy": null,
        "wordPolicy": intervened.then(|| json!({ "customWords": custom, "managedWordLists": [] })),
    });
    let body = json!({
        "action": if intervened { "GUARDRAIL_INTERVENED" } else { "NONE" },
        "actionReason": if intervened { "Guardrail blocked." } else { "No action." },
        "assessments": [assessment],
        "guardrailCoverage": coverage,
        "output": outputs,
        "outputs": outputs,
        "usage": usage,
    });
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}

/// The texts, and the bytes of images that are valid text.
fn content(request: &Value) -> Content {
    let mut content = Content {
        content_text: String::new(),
        text_units: 0,
        characters: 0,
        images: 0,
    };
    let blocks = request.get("content").and_then(Value::as_array);
    for block in blocks.into_iter().flatten() {
        if let Some(Value::String(text)) = block.pointer("/text/text") {
            content.text_units += units(text);
            content.characters += text.chars().count();
            content.content_text.push_str(text);
        } else {
            let bytes = text(block.pointer("/image/source/bytes"));
            let bytes = BASE64_STANDARD.decode(bytes).unwrap_or_default();
            content.images += 1;
            content
                .content_text
                .push_str(&String::from_utf8_lossy(&bytes));
        }
        content.content_text.push('\n');
    }
    content
}

/// The filter results; without `is_full`, only those with a detection.
fn filters(content_text: &str, is_full: bool) -> Vec<Value> {
    let attacks: usize = ATTACKS
        .iter()
        .map(|(_, words)| count(content_text, words))
        .sum();
    let harmful = HARMFUL
        .iter()
        .map(|(kind, words)| (*kind, count(content_text, words)));
    let all = harmful.chain([("PROMPT_ATTACK", attacks)]);
    all.filter(|(_, hits)| is_full || *hits > 0)
        .map(|(kind, hits)| {
            let confidence = match hits {
                0 => "NONE",
                1 => "MEDIUM",
                _ => "HIGH",
            };
            json!({
                "action": "NONE",
                "confidence": confidence,
                "detected": hits > 0,
                "filterStrength": "HIGH",
                "type": kind,
            })
        })
        .collect()
}

fn usage(content: &Content) -> Value {
    json!({
        "automatedReasoningPolicies": 0,
        "automatedReasoningPolicyUnits": 0,
        "contentPolicyImageUnits": content.images,
        "contentPolicyUnits": content.text_units,
        "contextualGroundingPolicyUnits": 0,
        "sensitiveInformationPolicyFreeUnits": 0,
        "sensitiveInformationPolicyUnits": 0,
        "topicPolicyUnits": 0,
        "wordPolicyUnits": content.text_units,
    })
}
