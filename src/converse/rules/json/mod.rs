//! JSON responses: by structured output if the family supports it, else by a generated tool, else
//! by an instruction in the prompt. Families whose prefix must stay unchanged get no generated
//! tool, since the next request may not need it.

pub(crate) mod fence_filter;

use super::request_options::JsonFormat;
use crate::converse::JsonText;
use crate::converse::options::{Fields, JsonSchemaDefinition, OutputConfig};
use crate::converse::request::{
    ConverseRequest, Tool, ToolChoice, ToolConfig, ToolInputSchema, ToolSpec,
};
use crate::error::{Field, FormatField};
use crate::models::{Capabilities, ReasoningReplay, RefusedField};
use crate::reply::Adjustments;

/// The name of the generated tool.
const TOOL: &str = "json_response";

/// How the JSON is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonDelivery {
    /// As the response text, possibly in a Markdown fence.
    Text,
    /// Inside the response text: it was requested by an instruction only, so other text may
    /// surround it.
    Within,
    /// As the input of the tool with this name, which becomes the only text of the response.
    Tool(String),
}

#[derive(Clone, Copy)]
pub(super) struct JsonContext<'a> {
    pub(super) calls_forbidden: bool,
    pub(super) reasons: bool,
    pub(super) capabilities: &'a Capabilities,
}

/// Requests JSON in the way that the family supports. Adds instructions for the model to
/// `instructions`.
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
        // Converse always enforces the schema.
        strict: _,
    } = format;
    let may_call = capabilities.keeps_prefix() && request.tool_config.is_some() && !calls_forbidden;
    let prefix = match may_call {
        true => "Unless you call a tool, answer",
        false => "Answer",
    };
    let Some(schema) = schema else {
        instructions.push(format!(
            "{prefix} with one JSON object and nothing else: no text around it, no Markdown."
        ));
        return JsonDelivery::Within;
    };
    if capabilities.structured_output
        && let Some(schema) = super::schema::fit::fitted(
            &schema,
            capabilities,
            &Field::ResponseFormat(FormatField::Schema),
            adjustments,
        )
    {
        request.output_config = Some(OutputConfig::json_schema(JsonSchemaDefinition {
            schema: schema.as_str().to_owned(),
            name,
            description: description.filter(|text| !text.trim().is_empty()),
            strict: None,
        }));
        return JsonDelivery::Text;
    }
    // A tool's input must be an object.
    let can_use_tool = capabilities.tools && !capabilities.keeps_prefix();
    let Some(schema_of_input) = of_object(&schema).filter(|_| can_use_tool) else {
        if capabilities.keeps_prefix() && is_forced(request) {
            return JsonDelivery::Text;
        }
        let schema = schema.as_str();
        let mut instruction = format!(
            "{prefix} with one JSON value that fits this JSON Schema and with nothing else, no \
             text around it, no Markdown: {schema}"
        );
        if let Some(description) = description.filter(|text| !text.trim().is_empty()) {
            instruction.push_str(&format!("\nThe value is this: {description}"));
        }
        instructions.push(instruction);
        adjustments.note(
            Field::ResponseFormat(FormatField::Whole),
            "requested in the prompt",
        );
        return JsonDelivery::Within;
    };
    if capabilities.refuses(&RefusedField::OutputConfig) {
        adjustments.note(
            Field::ResponseFormat(FormatField::Whole),
            "replaced by a tool; the model does not accept structured output",
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
        // The client forces one of its own tools: there will be no text to validate.
        return JsonDelivery::Text;
    }
    let (name, is_forced) = by_tool(request, spec, calls_forbidden, can_force);
    if !is_forced {
        let instruction = format!("Give your answer by calling the tool `{name}`, not as text.");
        instructions.push(instruction);
        adjustments.note(
            Field::ResponseFormat(FormatField::Whole),
            "requested in the prompt and as a tool",
        );
    }
    JsonDelivery::Tool(name)
}

/// Whether the client forces a tool call.
fn is_forced(request: &ConverseRequest) -> bool {
    let choice = request.tool_config.as_ref();
    matches!(
        choice.and_then(|config| config.tool_choice.as_ref()),
        Some(ToolChoice::Any {} | ToolChoice::Tool { .. })
    )
}

/// The kinds of tool calls that can be forced.
#[derive(Clone, Copy)]
struct CanForce {
    named: bool,
    any: bool,
}

/// Declares the tool. Returns its name and whether the call is forced.
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
    // Tools declared only for earlier calls are not called.
    let is_only_tool = config.tools.is_empty() || calls_forbidden;
    spec.name.clone_from(&name);
    config.tools.push(Tool::ToolSpec(spec));
    config.tool_choice = match (is_only_tool, can_force) {
        (true, CanForce { named: true, .. }) => Some(ToolChoice::Tool { name: name.clone() }),
        (_, CanForce { any: true, .. }) => Some(ToolChoice::Any {}),
        _ => return (name, false),
    };
    (name, true)
}

/// The schema with root type `object`, which Bedrock requires for tools; `None` if the schema is
/// not an object's.
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

/// The tool's name, with a number appended if the client has a tool of that name.
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
