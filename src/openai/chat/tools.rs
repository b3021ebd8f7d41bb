//! Tools and the choice among them, in the present form and in the older one.

use super::content::StringOrObject;
use super::conversation::note_unknown;
use super::names::ToolNames;
use super::types::{ChatTool, FunctionName, FunctionObject, ToolChoiceObject};
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::request::{Tool, ToolChoice, ToolConfig, ToolInputSchema, ToolSpec};
use crate::fault::Fault;

/// The most tools OpenAI takes in a request.
const MOST_TOOLS: usize = 128;

/// What the client says of tools.
#[derive(Debug, Default)]
pub(super) struct ToolFields {
    pub(super) tools: Option<Vec<ChatTool>>,
    pub(super) tool_choice: Option<StringOrObject<ToolChoiceObject>>,
    pub(super) functions: Option<Vec<FunctionObject>>,
    pub(super) function_call: Option<StringOrObject<FunctionName>>,
}

/// What that comes to.
#[derive(Debug)]
pub(super) struct ToolPlan {
    /// The tools for Bedrock.
    pub(super) config: Option<ToolConfig>,
    /// Whether the client wants no call at all, which Bedrock cannot be told.
    pub(super) forbidden: bool,
    /// Whether the client speaks the older form, and is answered in it.
    pub(super) legacy: bool,
}

/// Reads what the client says of tools.
pub(super) fn tool_plan(
    fields: ToolFields,
    names: &mut ToolNames,
    adjustments: &mut Adjustments,
) -> Result<ToolPlan, Fault> {
    let tools = fields.tools.filter(|tools| !tools.is_empty());
    let functions = fields.functions.filter(|functions| !functions.is_empty());
    let mut reader = Reader { names, adjustments };
    match (tools, functions) {
        (Some(_), Some(_)) => Err(Fault::invalid(
            "functions",
            "`functions` is the older form of `tools`; send one of them",
        )),
        (Some(tools), None) => {
            let config = reader.tools(tools)?;
            reader.present(config, fields.tool_choice)
        }
        (None, Some(functions)) => {
            let config = reader.functions(functions)?;
            reader.legacy(config, fields.function_call)
        }
        (None, None) => without_tools(fields.tool_choice, fields.function_call),
    }
}

struct Reader<'a> {
    names: &'a mut ToolNames,
    adjustments: &'a mut Adjustments,
}

impl Reader<'_> {
    fn tools(&mut self, tools: Vec<ChatTool>) -> Result<Vec<Tool>, Fault> {
        check_count(tools.len(), "tools")?;
        let mut specs = Vec::with_capacity(tools.len());
        for (position, tool) in tools.into_iter().enumerate() {
            let path = format!("tools[{position}]");
            let ChatTool {
                kind,
                function,
                custom,
                unknown,
            } = tool;
            note_unknown(self.adjustments, &unknown, "tools[].");
            let kind = kind.as_deref().unwrap_or("function");
            if kind != "function" || custom.is_some() {
                return Err(Fault::unsupported_value(
                    format!("{path}.type"),
                    format!("`{kind}` tools are not served; declare the tool as a `function`"),
                ));
            }
            let Some(function) = function else {
                return Err(Fault::missing_field(&path, "function"));
            };
            specs.push(self.function(function, &format!("{path}.function"))?);
        }
        Ok(specs)
    }

    fn functions(&mut self, functions: Vec<FunctionObject>) -> Result<Vec<Tool>, Fault> {
        check_count(functions.len(), "functions")?;
        let numbered = functions.into_iter().enumerate();
        numbered
            .map(|(position, function)| self.function(function, &format!("functions[{position}]")))
            .collect()
    }

    fn function(&mut self, function: FunctionObject, path: &str) -> Result<Tool, Fault> {
        let FunctionObject {
            name,
            description,
            parameters,
            strict,
            unknown,
        } = function;
        note_unknown(self.adjustments, &unknown, "tools[].function.");
        if strict == Some(true) {
            self.adjustments.ignored("tools[].function.strict");
        }
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Fault::missing_field(path, "name"))?;
        Ok(Tool::ToolSpec(ToolSpec {
            name: self.names.bedrock_name(&name),
            // An empty description is refused by Bedrock.
            description: description.filter(|text| !text.trim().is_empty()),
            input_schema: ToolInputSchema::Json(schema(parameters, &format!("{path}.parameters"))?),
        }))
    }

    fn present(
        &mut self,
        tools: Vec<Tool>,
        choice: Option<StringOrObject<ToolChoiceObject>>,
    ) -> Result<ToolPlan, Fault> {
        let choice = match choice {
            None => None,
            Some(StringOrObject::String(word)) if word == "none" => {
                return Ok(plan(tools, None, true, false));
            }
            Some(StringOrObject::String(word)) => Some(match word.as_str() {
                "auto" => ToolChoice::Auto {},
                "required" => ToolChoice::Any {},
                other => return Err(unknown_choice("tool_choice", other)),
            }),
            Some(StringOrObject::Object(object)) => Some(self.named(object, &tools)?),
        };
        Ok(plan(tools, choice, false, false))
    }

    fn named(&mut self, object: ToolChoiceObject, tools: &[Tool]) -> Result<ToolChoice, Fault> {
        let ToolChoiceObject {
            kind,
            function,
            custom,
            allowed_tools,
            unknown,
        } = object;
        let kind = kind.as_deref().unwrap_or("function");
        if kind != "function" || custom.is_some() || allowed_tools.is_some() {
            return Err(Fault::unsupported_value(
                "tool_choice.type",
                format!("a choice of `{kind}` is not served; choose a `function`, or a word"),
            ));
        }
        // `{"type": "function", "name": "f"}` is how the Responses API writes it.
        let mut name = function.and_then(|function| function.name);
        for (key, value) in unknown {
            match serde_json::from_str(value.as_str()) {
                Ok(text) if key == "name" && name.is_none() => name = Some(text),
                _ => self.adjustments.ignored(&format!("tool_choice.{key}")),
            }
        }
        let Some(name) = name else {
            return Err(Fault::missing_field("tool_choice.function", "name"));
        };
        self.tool_named(&name, tools, "tool_choice.function.name")
    }

    fn tool_named(&mut self, name: &str, tools: &[Tool], path: &str) -> Result<ToolChoice, Fault> {
        let bedrock = self.names.bedrock_name(name);
        let declared = |tool: &Tool| {
            let Tool::ToolSpec(spec) = tool;
            spec.name == bedrock
        };
        if !tools.iter().any(declared) {
            return Err(Fault::invalid(
                path,
                format!("`{name}` is not one of the tools of this request"),
            ));
        }
        Ok(ToolChoice::Tool { name: bedrock })
    }

    fn legacy(
        &mut self,
        tools: Vec<Tool>,
        choice: Option<StringOrObject<FunctionName>>,
    ) -> Result<ToolPlan, Fault> {
        let choice = match choice {
            None => None,
            Some(StringOrObject::String(word)) => match word.as_str() {
                "auto" => Some(ToolChoice::Auto {}),
                "none" => return Ok(plan(tools, None, true, true)),
                other => return Err(unknown_choice("function_call", other)),
            },
            Some(StringOrObject::Object(FunctionName { name, unknown })) => {
                note_unknown(self.adjustments, &unknown, "function_call.");
                let name = name.ok_or_else(|| Fault::missing_field("function_call", "name"))?;
                Some(self.tool_named(&name, &tools, "function_call.name")?)
            }
        };
        Ok(plan(tools, choice, false, true))
    }
}

fn plan(
    tools: Vec<Tool>,
    tool_choice: Option<ToolChoice>,
    forbidden: bool,
    legacy: bool,
) -> ToolPlan {
    ToolPlan {
        config: Some(ToolConfig { tools, tool_choice }),
        forbidden,
        legacy,
    }
}

/// A choice without tools is refused, but for the words that ask for nothing.
fn without_tools(
    choice: Option<StringOrObject<ToolChoiceObject>>,
    function_call: Option<StringOrObject<FunctionName>>,
) -> Result<ToolPlan, Fault> {
    let harmless = |word: &str| matches!(word, "none" | "auto");
    let choice_ok = match &choice {
        None => true,
        Some(StringOrObject::String(word)) => harmless(word),
        Some(StringOrObject::Object(_)) => false,
    };
    let call_ok = match &function_call {
        None => true,
        Some(StringOrObject::String(word)) => harmless(word),
        Some(StringOrObject::Object(_)) => false,
    };
    let refused = match (choice_ok, call_ok) {
        (true, true) => {
            return Ok(ToolPlan {
                config: None,
                forbidden: true,
                legacy: false,
            });
        }
        (false, _) => ("tool_choice", "tools"),
        (true, false) => ("function_call", "functions"),
    };
    Err(Fault::invalid(
        refused.0,
        format!(
            "`{}` asks for a call, and there are no `{}`",
            refused.0, refused.1
        ),
    ))
}

/// The schema of a tool's arguments, in the client's own bytes wherever its root allows: Bedrock
/// takes only schemas whose root type is `object`.
fn schema(parameters: Option<JsonText>, path: &str) -> Result<JsonText, Fault> {
    const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;
    let text = match &parameters {
        None => NO_ARGUMENTS.to_owned(),
        Some(schema) if schema.is_neutral() => NO_ARGUMENTS.to_owned(),
        Some(schema) if !schema.is_object() => {
            return Err(Fault::invalid(
                path,
                "a schema of arguments is a JSON object",
            ));
        }
        Some(schema) => match root_type(schema) {
            Some(root) if root == "\"object\"" => return Ok(schema.clone()),
            Some(root) if root != "null" => {
                return Err(Fault::invalid(
                    format!("{path}.type"),
                    format!("the root of a schema of arguments is of type `object`, not `{root}`"),
                ));
            }
            _ => with_object_type(schema),
        },
    };
    JsonText::parse(text).map_err(|_| Fault::invalid(path, "this is not a JSON Schema"))
}

/// The JSON text of a schema's root `type`.
fn root_type(schema: &JsonText) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Root {
        r#type: Option<JsonText>,
    }
    let root: Root = serde_json::from_str(schema.as_str()).ok()?;
    root.r#type.map(|text| text.as_str().to_owned())
}

/// The schema with `"type":"object"` in front; everything else keeps its bytes.
fn with_object_type(schema: &JsonText) -> String {
    let members = schema.as_str().trim_start_matches('{');
    let comma = if members.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    format!("{{\"type\":\"object\"{comma}{members}")
}

fn check_count(count: usize, field: &str) -> Result<(), Fault> {
    if count > MOST_TOOLS {
        return Err(Fault::invalid(
            field,
            format!("`{field}` has {count} entries, and {MOST_TOOLS} is the most"),
        ));
    }
    Ok(())
}

fn unknown_choice(field: &str, word: &str) -> Fault {
    Fault::invalid(
        field,
        format!("`{word}` is not a choice; see the reference for `{field}`"),
    )
}
