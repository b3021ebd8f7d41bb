//! An answer that is one JSON value: by the family's own means, else by a tool that is made up
//! for it, else in words. On families whose prefix has to stay as it is no tool is made up: the
//! next turn may not want it.

use super::request_options::JsonFormat;
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::options::{Fields, JsonSchemaDefinition, OutputConfig};
use crate::converse::request::{
    ConverseRequest, Tool, ToolChoice, ToolConfig, ToolInputSchema, ToolSpec,
};
use crate::models::{Capabilities, ReasoningReplay, RefusedField};

/// The name of the tool that is made up.
const TOOL: &str = "json_response";

/// How the JSON comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonDelivery {
    /// As the answer's text, maybe in a Markdown fence.
    Text,
    /// Within the answer's text: it was asked for in words alone, and other words may stand around
    /// it.
    Within,
    /// As the input of the tool of this name, with nothing but it in the answer's text.
    Tool(String),
}

/// What JSON is asked for under.
#[derive(Clone, Copy)]
pub(super) struct JsonContext<'a> {
    pub(super) calls_forbidden: bool,
    pub(super) reasons: bool,
    pub(super) capabilities: &'a Capabilities,
}

/// Asks for JSON as the family can be asked. `instructions` are for the model.
pub(super) fn apply(
    request: &mut ConverseRequest,
    format: JsonFormat,
    context: JsonContext<'_>,
    instructions: &mut Vec<String>,
    adjustments: &mut Adjustments,
) -> JsonDelivery {
    let JsonContext {
        calls_forbidden,
        reasons,
        capabilities,
    } = context;
    let JsonFormat {
        name,
        description,
        schema,
    } = format;
    let may_call = capabilities.keeps_prefix() && request.tool_config.is_some() && !calls_forbidden;
    let opening = match may_call {
        true => "Unless you call a tool, answer",
        false => "Answer",
    };
    let Some(schema) = schema else {
        instructions.push(format!(
            "{opening} with one JSON object and nothing else: no text around it, no Markdown."
        ));
        return JsonDelivery::Within;
    };
    if capabilities.structured_output
        && let Some(schema) = super::schema_fit::fitted(
            &schema,
            capabilities,
            "response_format.json_schema.schema",
            adjustments,
        )
    {
        request.output_config = Some(OutputConfig::json_schema(JsonSchemaDefinition {
            schema: schema.as_str().to_owned(),
            name,
            description: description.filter(|text| !text.trim().is_empty()),
        }));
        return JsonDelivery::Text;
    }
    // What a tool is given is an object.
    let by_tool_alone = capabilities.tools && !capabilities.keeps_prefix();
    let Some(schema_of_input) = of_object(&schema).filter(|_| by_tool_alone) else {
        if capabilities.keeps_prefix() && is_forced(request) {
            return JsonDelivery::Text;
        }
        let schema = schema.as_str();
        let mut words = format!(
            "{opening} with one JSON value that fits this JSON Schema and with nothing else, no \
             text around it, no Markdown: {schema}"
        );
        if let Some(description) = description.filter(|text| !text.trim().is_empty()) {
            words.push_str(&format!("\nThe value is this: {description}"));
        }
        instructions.push(words);
        adjustments.note("response_format", "asked for in words");
        return JsonDelivery::Within;
    };
    if capabilities.refuses(&RefusedField::OutputConfig) {
        adjustments.note(
            "response_format",
            "a tool in its place, this model refuses a schema",
        );
    }
    let can_force = !(reasons && capabilities.reasoning_replay == ReasoningReplay::Signed);
    let spec = ToolSpec {
        name: TOOL.to_owned(),
        description: Some(
            description
                .filter(|text| !text.trim().is_empty())
                .unwrap_or_else(|| {
                    "Gives the answer. Call it once, with the whole answer as its input.".to_owned()
                }),
        ),
        input_schema: ToolInputSchema::Json(schema_of_input),
        strict: None,
    };
    let can_force = CanForce {
        named: can_force && capabilities.forces_named_tool,
        any: can_force && capabilities.forces_any_tool,
    };
    if is_forced(request) {
        // The client wants one of its own tools called: there will be no text to hold to a schema.
        return JsonDelivery::Text;
    }
    let (name, is_forced) = by_tool(request, spec, calls_forbidden, can_force);
    if !is_forced {
        let words = format!("Give your answer by calling the tool `{name}`, not as text.");
        instructions.push(words);
        adjustments.note("response_format", "asked for in words and as a tool");
    }
    JsonDelivery::Tool(name)
}

/// Whether the client wants one of its own tools called.
fn is_forced(request: &ConverseRequest) -> bool {
    let choice = request.tool_config.as_ref();
    matches!(
        choice.and_then(|config| config.tool_choice.as_ref()),
        Some(ToolChoice::Any {} | ToolChoice::Tool { .. })
    )
}

/// Which calls the model can be made to make.
#[derive(Clone, Copy)]
struct CanForce {
    named: bool,
    any: bool,
}

/// Declares the tool; returns its name, and whether the model is made to call it.
fn by_tool(
    request: &mut ConverseRequest,
    mut spec: ToolSpec,
    calls_forbidden: bool,
    can_force: CanForce,
) -> (String, bool) {
    let config = request.tool_config.get_or_insert_with(|| ToolConfig {
        tools: Vec::new(),
        tool_choice: None,
    });
    let name = free_name(config);
    // Tools that stand there for the calls of before alone are not called.
    let alone = config.tools.is_empty() || calls_forbidden;
    spec.name.clone_from(&name);
    config.tools.push(Tool::ToolSpec(spec));
    config.tool_choice = match (alone, can_force) {
        (true, CanForce { named: true, .. }) => Some(ToolChoice::Tool { name: name.clone() }),
        (_, CanForce { any: true, .. }) => Some(ToolChoice::Any {}),
        _ => return (name, false),
    };
    (name, true)
}

/// The schema with `object` as its root's type, which Bedrock asks of a tool's; nothing where it is
/// that of another value.
fn of_object(schema: &JsonText) -> Option<JsonText> {
    let members = Fields::from_object(schema)?;
    match members.get("type").map(JsonText::as_str) {
        Some("\"object\"") => Some(schema.clone()),
        None => {
            let names = ["properties", "$ref", "allOf"];
            names.iter().find_map(|name| members.get(name))?;
            let mut typed = Fields::default();
            typed.set("type", JsonText::of("object").ok()?);
            for (name, member) in members.iter() {
                typed.set(name, member.clone());
            }
            JsonText::of(&typed).ok()
        }
        Some(_) => None,
    }
}

/// The tool's name, or a like one where the client has a tool of this name.
fn free_name(config: &ToolConfig) -> String {
    let is_taken = |name: &str| {
        let mut specs = config.tools.iter().filter_map(Tool::spec);
        specs.any(|spec| spec.name == name)
    };
    let names = std::iter::once(TOOL.to_owned()).chain((2..).map(|n| format!("{TOOL}_{n}")));
    let mut free = names.filter(|name| !is_taken(name));
    free.next().unwrap_or_else(|| TOOL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_tool_is_created_only_for_object_schemas() {
        for (schema, expected) in [
            (r#"{"type":"object"}"#, Some(r#"{"type":"object"}"#)),
            (
                r#"{"properties":{"b":{},"a":{}}}"#,
                Some(r#"{"type":"object","properties":{"b":{},"a":{}}}"#),
            ),
            (r#"{"type":"array","items":{}}"#, None),
            (r#"{"type":["object","null"],"properties":{}}"#, None),
            (r#"{"enum":[1,2]}"#, None),
        ] {
            let schema = JsonText::parse(schema.to_owned()).expect("JSON");
            let fitting = of_object(&schema);
            assert_eq!(
                fitting.as_ref().map(JsonText::as_str),
                expected,
                "{schema:?}"
            );
        }
    }
}
