//! The response of InvokeGuardrailChecks.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{ATTACKS, HARMFUL, count, sensitive, units, words};
use crate::conversation::text;
use crate::reply::Reply;

pub(crate) fn response(request: &Value) -> Reply {
    let texts = texts(request);
    let all_texts: Vec<&str> = texts.iter().map(|(_, _, text)| *text).collect();
    let all_texts = all_texts.join("\n");
    let units: usize = texts.iter().map(|(_, _, text)| units(text)).sum();
    let (mut results, mut usage) = (Map::new(), Map::new());
    let mut add = |check: &str, result: Value| {
        results.insert(check.to_owned(), result);
        usage.insert(check.to_owned(), json!({ "textUnits": units }));
    };
    for (check, kinds) in [
        ("contentFilter", &HARMFUL[..]),
        ("promptAttack", &ATTACKS[..]),
    ] {
        if let Some(categories) = list(request, check, "categories") {
            let severities = categories.iter().map(|category| {
                let name = text(category.get("category"));
                let score = score(count(&all_texts, words(kinds, name)));
                json!({ "category": name, "severityScore": score })
            });
            add(check, json!({ "results": severities.collect::<Vec<_>>() }));
        }
    }
    if let Some(entities) = list(request, "sensitiveInformation", "entities") {
        let kinds: Vec<&str> = entities
            .iter()
            .map(|entity| text(entity.get("type")))
            .collect();
        let detected = texts.iter().flat_map(|(message, content, text)| {
            let detected = sensitive(text).into_iter();
            let detected = detected.filter(|detected| kinds.contains(&detected.kind));
            detected.map(move |detected| {
                json!({
                    "type": detected.kind,
                    "confidenceScore": 0.9,
                    "beginOffset": detected.begin,
                    "endOffset": detected.end,
                    "messageIndex": message,
                    "contentIndex": content,
                })
            })
        });
        let detected: Vec<Value> = detected.collect();
        add(
            "sensitiveInformation",
            json!({ "results": detected, "truncated": false }),
        );
    }
    let body = json!({ "results": results, "usage": usage });
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}

fn list<'a>(request: &'a Value, check: &str, name: &str) -> Option<&'a Vec<Value>> {
    request.get("checks")?.get(check)?.get(name)?.as_array()
}

/// The texts, each with its message index and its content index.
fn texts(request: &Value) -> Vec<(usize, usize, &str)> {
    let messages = request.get("messages").and_then(Value::as_array);
    let mut texts = Vec::new();
    for (message, value) in messages.into_iter().flatten().enumerate() {
        let content = value.get("content").and_then(Value::as_array);
        for (index, block) in content.into_iter().flatten().enumerate() {
            texts.push((message, index, text(block.get("text"))));
        }
    }
    texts
}

fn score(detected: usize) -> f64 {
    match detected {
        0 => 0.0,
        1 => 0.6,
        2 => 0.8,
        _ => 1.0,
    }
}
