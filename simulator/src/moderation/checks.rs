//! The answer of InvokeGuardrailChecks.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{ATTACKS, HARMFUL, count, sensitive, units, words};
use crate::conversation::text;
use crate::reply::Reply;

/// What the checks of a request find.
pub(crate) fn answer(request: &Value) -> Reply {
    let texts = texts(request);
    let whole: Vec<&str> = texts.iter().map(|(_, _, text)| *text).collect();
    let whole = whole.join("\n");
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
                let score = score(count(&whole, words(kinds, name)));
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
        let found = texts.iter().flat_map(|(message, content, text)| {
            let found = sensitive(text).into_iter();
            let found = found.filter(|found| kinds.contains(&found.kind));
            found.map(move |found| {
                json!({
                    "type": found.kind,
                    "confidenceScore": 0.9,
                    "beginOffset": found.begin,
                    "endOffset": found.end,
                    "messageIndex": message,
                    "contentIndex": content,
                })
            })
        });
        let found: Vec<Value> = found.collect();
        add(
            "sensitiveInformation",
            json!({ "results": found, "truncated": false }),
        );
    }
    let body = json!({ "results": results, "usage": usage });
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}

fn list<'a>(request: &'a Value, check: &str, name: &str) -> Option<&'a Vec<Value>> {
    request.get("checks")?.get(check)?.get(name)?.as_array()
}

/// The texts, with the places of their message and of themselves in it.
fn texts(request: &Value) -> Vec<(usize, usize, &str)> {
    let messages = request.get("messages").and_then(Value::as_array);
    let mut texts = Vec::new();
    for (message, value) in messages.into_iter().flatten().enumerate() {
        let content = value.get("content").and_then(Value::as_array);
        for (place, block) in content.into_iter().flatten().enumerate() {
            texts.push((message, place, text(block.get("text"))));
        }
    }
    texts
}

fn score(found: usize) -> f64 {
    match found {
        0 => 0.0,
        1 => 0.6,
        2 => 0.8,
        _ => 1.0,
    }
}
