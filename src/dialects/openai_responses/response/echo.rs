//! The tools and the text format of a request, as its response repeats them.

use serde::Serialize;

use super::json_of;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::dialects::openai_responses::request::types::{ResponsesRequest, ResponsesTool};

#[derive(Serialize)]
struct Text<'a> {
    format: Option<JsonText>,
    verbosity: Option<&'a JsonText>,
}

/// `text`, with the defaults.
pub(super) fn text(request: &ResponsesRequest) -> JsonText {
    let config = request.text.as_ref();
    let format = config.and_then(|text| text.format.as_ref());
    let verbosity = config.and_then(|text| text.verbosity.as_ref());
    let medium = json_of(&"medium");
    let default = || JsonText::parse(r#"{"type":"text"}"#.to_owned()).ok();
    json_of(&Text {
        format: format.map(json_of).or_else(default),
        verbosity: verbosity.or(request.verbosity.as_ref()).or(Some(&medium)),
    })
}

/// `tools`. SDKs require some members of functions, even if they are `null`.
pub(super) fn tools(tools: &[Box<ResponsesTool>]) -> JsonText {
    let tools: Vec<JsonText> = tools.iter().map(|tool| echoed(tool)).collect();
    json_of(&tools)
}

fn echoed(tool: &ResponsesTool) -> JsonText {
    let json = json_of(tool);
    if tool.kind.as_deref() != Some("function") {
        return json;
    }
    let mut fields = Fields::from_object(&json).unwrap_or_default();
    for member in ["description", "parameters", "strict"] {
        fields.set_if_absent(member, json_of(&()));
    }
    json_of(&fields)
}
