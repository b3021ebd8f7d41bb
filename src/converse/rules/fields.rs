//! Provider fields set by the rules, and those set by the client.

use serde_json::Number;

use super::request_options::RequestOptions;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::request::{ConverseRequest, SystemTool, Tool, ToolConfig};
use crate::error::{ApiError, Field};
use crate::models::{Capabilities, RefusedField};
use crate::reply::Adjustments;

/// Sets options that Converse has no field for. The client's own provider fields come last and do
/// not override them.
pub(super) fn apply(
    request: &mut ConverseRequest,
    request_options: &mut RequestOptions,
    reasons: bool,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> Result<(), ApiError> {
    top_k(
        request,
        request_options.top_k.take(),
        reasons,
        capabilities,
        adjustments,
    );
    for (key, field, value) in [
        (
            "frequency_penalty",
            Field::FrequencyPenalty,
            request_options.frequency_penalty.take(),
        ),
        (
            "presence_penalty",
            Field::PresencePenalty,
            request_options.presence_penalty.take(),
        ),
    ] {
        // Zero is the default.
        let Some(penalty) = value.filter(|penalty| penalty.as_f64() != Some(0.0)) else {
            continue;
        };
        let refused = capabilities.refuses(&RefusedField::Additional(key.to_owned()));
        if !capabilities.penalties || refused {
            adjustments.ignored(field);
            continue;
        }
        let fields = &mut request.additional_model_request_fields;
        set(fields, key, penalty.to_string());
    }
    if request_options.one_call && capabilities.single_tool_call {
        single_call(request);
    }
    if request_options.web_search {
        search_the_web(request, capabilities)?;
    }
    for (key, value) in request_options.provider_fields.iter() {
        if capabilities.refuses(&RefusedField::Additional(key.to_owned())) {
            let field = Field::ProviderField(Some(key.to_owned()));
            adjustments.note(field, "removed; the model does not accept it");
            continue;
        }
        let fields = &mut request.additional_model_request_fields;
        if key == "anthropic_beta"
            && let Some(betas) = fields.get(key).and_then(|own| joined(own, value))
        {
            fields.set(key, betas);
            continue;
        }
        if fields.get(key).is_some_and(|set| set != value) {
            let field = Field::ProviderField(Some(key.to_owned()));
            adjustments.note(field, "removed; another field of the request sets it");
        }
        fields.set_if_absent(key, value.clone());
    }
    Ok(())
}

/// The betas of both lists; `None` if one of them is not a list.
fn joined(own: &JsonText, more: &JsonText) -> Option<JsonText> {
    let read = |list: &JsonText| serde_json::from_str::<Vec<String>>(list.as_str()).ok();
    let mut betas = read(own)?;
    for beta in read(more)? {
        if !betas.contains(&beta) {
            betas.push(beta);
        }
    }
    JsonText::of(&betas).ok()
}

fn top_k(
    request: &mut ConverseRequest,
    top_k: Option<Number>,
    reasons: bool,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let Some(top_k) = top_k else {
        return;
    };
    if capabilities.top_k.is_empty() {
        adjustments.note(Field::TopK, "removed; the model does not accept it");
        return;
    }
    if reasons && capabilities.has_reasoning_control() {
        adjustments.note(
            Field::TopK,
            "removed; the model does not accept it while reasoning",
        );
        return;
    }
    let mut levels = capabilities.top_k.split('.');
    let key = levels.next().unwrap_or_default();
    let mut text = top_k.to_string();
    for level in levels.rev() {
        text = format!("{{\"{level}\":{text}}}");
    }
    set(&mut request.additional_model_request_fields, key, text);
}

/// Converse rejects this field's `type` next to its own `toolChoice` (the model map of LiteLLM
/// 1.106).
fn single_call(request: &mut ConverseRequest) {
    let Some(config) = &request.tool_config else {
        return;
    };
    let value = match config.tool_choice {
        Some(_) => r#"{"disable_parallel_tool_use":true}"#,
        None => r#"{"type":"auto","disable_parallel_tool_use":true}"#,
    };
    let fields = &mut request.additional_model_request_fields;
    set(fields, "tool_choice", value.to_owned());
}

fn search_the_web(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
) -> Result<(), ApiError> {
    if capabilities.web_search.is_empty() {
        return Err(ApiError::unsupported(
            Field::WebSearch,
            "this model does not support web search; use Nova 2, or add a search tool",
        ));
    }
    let config = request.tool_config.get_or_insert_with(|| ToolConfig {
        tools: Vec::new(),
        tool_choice: None,
    });
    config.tools.push(Tool::SystemTool(SystemTool {
        name: capabilities.web_search.clone(),
    }));
    Ok(())
}

fn set(fields: &mut Fields, key: &str, text: String) {
    if let Ok(value) = JsonText::parse(text) {
        fields.set(key, value);
    }
}
