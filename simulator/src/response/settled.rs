//! Final processing of a response: guardrails, the prompt cache, and optional members.

use serde_json::{Value, json};

use super::output::{Extras, ModelOutput, Part};
use crate::control_plane;
use crate::conversation::Conversation;
use crate::families::Family;
use crate::guardrails::Watch;
use crate::resources;
use crate::runtime::Runtime;

/// Processes the response that `compose` creates; `compose` is not called if a guardrail blocks the
/// input. `called` is the model id in the path. `charged` is true if usage is an estimate that the
/// prompt cache corrects.
pub(crate) fn settled(
    runtime: &Runtime,
    called: &str,
    request: &Value,
    charged: bool,
    compose: impl FnOnce(&Conversation<'_>) -> ModelOutput,
) -> ModelOutput {
    let conversation = Conversation::of(request);
    let model = resources::base(called);
    let mut watch = Watch::over(request, &runtime.options.guardrails);
    if let Some(watch) = &mut watch
        && let Some(blocked_message) = watch.check_input(&conversation)
    {
        return ModelOutput {
            extras: extras(request, watch.trace("")),
            ..instead(blocked_message, zero_usage())
        };
    }
    let mut model_output = compose(&conversation);
    if charged {
        let charge = runtime.charge(model, &conversation);
        charge.put_into(&mut model_output.usage, &Family::of(model));
    }
    let mut trace = model_output.extras.trace.take();
    if let Some(watch) = &mut watch {
        let output_text = model_output.text();
        if let Some(blocked_message) = watch.check_output(&output_text) {
            model_output = instead(blocked_message, model_output.usage);
        }
        trace = watch.trace(&output_text);
    }
    if let Some(router) = resources::called(called).filter(|resource| resource.is_router()) {
        let routed = json!({ "invokedModelId": control_plane::routed(router) });
        let trace = trace.get_or_insert_with(|| json!({}));
        if let Value::Object(fields) = trace {
            fields.insert("promptRouter".to_owned(), routed);
        }
    }
    ModelOutput {
        extras: extras(request, trace),
        ..model_output
    }
}

/// A guardrail's message in place of the response.
fn instead(blocked_message: &str, usage: Value) -> ModelOutput {
    ModelOutput {
        parts: vec![Part::words(blocked_message)],
        stop_reason: "guardrail_intervened".to_owned(),
        usage,
        ..ModelOutput::default()
    }
}

/// Recording `convs-claude-24e3edcf`.
fn zero_usage() -> Value {
    json!({ "inputTokens": 0, "outputTokens": 0, "serverToolUsage": {}, "totalTokens": 0 })
}

fn extras(request: &Value, trace: Option<Value>) -> Extras {
    let paths = request
        .get("additionalModelResponseFieldPaths")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Extras {
        trace,
        performance_config: request.get("performanceConfig").cloned(),
        service_tier: request.get("serviceTier").cloned(),
        paths: paths.filter_map(Value::as_str).map(str::to_owned).collect(),
        response_fields: None,
    }
}
