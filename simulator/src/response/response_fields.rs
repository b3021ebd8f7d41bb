//! `additionalModelResponseFields`: fields of the model's native response that a request selects.

use serde_json::{Map, Value, json};

use super::output::ModelOutput;
use crate::families::{Family, Maker};

/// The fields of a non-streaming response that the request's paths select; `None` if it has no
/// paths. Paths without a match are omitted.
pub(super) fn of_response(model_output: &ModelOutput, family: &Family) -> Option<Value> {
    let model_response = match family.maker {
        Maker::Anthropic => json!({
            "type": "message",
            "role": "assistant",
            "stop_reason": model_output.stop_reason,
            "stop_sequence": model_output.stop_sequence,
            "usage": claudes_usage(model_output),
        }),
        Maker::Amazon => {
            json!({ "stopReason": model_output.stop_reason, "usage": model_output.usage })
        }
        Maker::Other => {
            json!({ "choices": [{ "finish_reason": model_output.stop_reason, "index": 0 }] })
        }
    };
    picked(&model_response, &model_output.extras.paths)
}

/// As [`of_response`], for a stream: the paths refer to Claude's `message_delta`, where the stop
/// sequence is under `delta` (recordings `convs-unknown-4ce22953`, and `convs-claude-350f9719` for
/// a path without a match).
pub(super) fn of_stream(model_output: &ModelOutput, family: &Family) -> Option<Value> {
    if family.maker != Maker::Anthropic {
        return of_response(model_output, family);
    }
    let model_response = json!({
        "type": "message_delta",
        "delta": { "stop_reason": model_output.stop_reason, "stop_sequence": model_output.stop_sequence },
        "usage": claudes_usage(model_output),
    });
    picked(&model_response, &model_output.extras.paths)
}

fn claudes_usage(model_output: &ModelOutput) -> Value {
    json!({
        "input_tokens": model_output.usage.get("inputTokens"),
        "output_tokens": model_output.usage.get("outputTokens"),
        "output_tokens_details": { "thinking_tokens": model_output.thinking_tokens },
    })
}

fn picked(model_response: &Value, paths: &[String]) -> Option<Value> {
    let mut fields = Map::new();
    for path in paths {
        if let Some(value) = model_response.pointer(path) {
            let steps: Vec<&str> = path.split('/').skip(1).collect();
            put(&mut fields, &steps, value);
        }
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

/// Inserts a value at this path.
fn put(fields: &mut Map<String, Value>, steps: &[&str], value: &Value) {
    let Some((first, rest)) = steps.split_first() else {
        return;
    };
    if rest.is_empty() {
        fields.insert((*first).to_owned(), value.clone());
        return;
    }
    let inner = fields.entry(*first).or_insert_with(|| json!({}));
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_select_fields_of_the_models_native_response() {
        let mut model_output = ModelOutput {
            stop_reason: "stop_sequence".to_owned(),
            stop_sequence: Some("END".to_owned()),
            thinking_tokens: 7,
            ..ModelOutput::default()
        };
        model_output.extras.paths = [
            "/stop_sequence",
            "/delta/stop_sequence",
            "/usage/output_tokens_details",
            "/nothing",
        ]
        .map(str::to_owned)
        .to_vec();
        let claude = Family::of("anthropic.claude-sonnet-4-6");
        let thinking = json!({ "output_tokens_details": { "thinking_tokens": 7 } });
        assert_eq!(
            of_response(&model_output, &claude),
            Some(json!({ "stop_sequence": "END", "usage": thinking }))
        );
        assert_eq!(
            of_stream(&model_output, &claude),
            Some(json!({ "delta": { "stop_sequence": "END" }, "usage": thinking }))
        );
        assert_eq!(
            of_response(&model_output, &Family::of("qwen.qwen3-32b-v1:0")),
            None
        );
    }
}
