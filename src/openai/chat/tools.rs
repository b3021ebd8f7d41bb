//! Tools and the choice among them, in the present form and in the older one.

use super::content::StringOrObject;
use super::conversation::note_unknown;
use super::marks::{MarkPlace, cache_point};
use super::names::ToolNames;
use super::types::{
    AllowedTool, AllowedTools, ChatTool, CustomTool, FunctionName, FunctionObject, ToolChoiceObject,
};
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::request::{Tool, ToolChoice, ToolConfig, ToolInputSchema, ToolSpec};
use crate::converse::rules::AllowedCalls;
use crate::fault::Fault;

/// The most tools OpenAI takes in a request.
const MOST_TOOLS: usize = 128;

/// What the client says of tools.
#[derive(Debug, Default)]
pub(super) struct ToolFields {
    pub(super) tools: Option<Vec<Box<ChatTool>>>,
    pub(super) tool_choice: Option<StringOrObject<ToolChoiceObject>>,
    pub(super) functions: Option<Vec<Box<FunctionObject>>>,
    pub(super) function_call: Option<StringOrObject<FunctionName>>,
}

/// What that comes to.
#[derive(Debug)]
pub(super) struct ToolPlan {
    /// The tools for Bedrock.
    pub(super) config: Option<ToolConfig>,
    /// Which tools the client wants called, which Bedrock cannot be told.
    pub(super) allowed: AllowedCalls,
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
    fn tools(&mut self, tools: Vec<Box<ChatTool>>) -> Result<Vec<Tool>, Fault> {
        check_count(tools.len(), "tools")?;
        let mut specs = Vec::with_capacity(tools.len());
        for (position, tool) in tools.into_iter().enumerate() {
            let path = format!("tools[{position}]");
            let is_flat = tool.is_flat();
            let ChatTool {
                kind,
                mut function,
                mut custom,
                name,
                description,
                parameters,
                strict,
                format,
                cache_control,
                unknown,
            } = *tool;
            note_unknown(self.adjustments, &unknown, "tools[].");
            let is_custom = kind.as_deref() == Some("custom");
            let (function_path, custom_path) = match is_flat {
                true => (path.clone(), path.clone()),
                false => (format!("{path}.function"), format!("{path}.custom")),
            };
            if is_flat && is_custom {
                self.ignore_flat(&[
                    ("parameters", parameters.is_some()),
                    ("strict", strict.is_some()),
                ]);
                custom = Some(CustomTool {
                    name,
                    description,
                    format,
                    unknown: Vec::new(),
                });
            } else if is_flat {
                self.ignore_flat(&[("format", format.is_some())]);
                function = Some(FunctionObject {
                    name,
                    description,
                    parameters,
                    strict,
                    ..FunctionObject::default()
                });
            } else {
                self.ignore_flat(&[
                    ("name", name.is_some()),
                    ("description", description.is_some()),
                    ("parameters", parameters.is_some()),
                    ("strict", strict.is_some()),
                    ("format", format.is_some()),
                ]);
            }
            let mark = MarkPlace::new(&path, "cache_control");
            let point = cache_point(cache_control, &mark, self.adjustments)?;
            match kind.as_deref() {
                None | Some("function") => {
                    let function =
                        function.ok_or_else(|| Fault::missing_field(&path, "function"))?;
                    specs.extend(self.function(function, &function_path)?);
                }
                Some("custom") => {
                    let custom = custom.ok_or_else(|| Fault::missing_field(&path, "custom"))?;
                    specs.push(self.custom(custom, &custom_path)?);
                }
                Some(kind) => {
                    return Err(Fault::unsupported_value(
                        format!("{path}.type"),
                        format!("`{kind}` tools are not served; declare it as a `function`"),
                    ));
                }
            }
            specs.extend(point.map(Tool::CachePoint));
        }
        Ok(specs)
    }

    /// Notes members of the flat form where the tool has no place for them.
    fn ignore_flat(&mut self, members: &[(&str, bool)]) {
        for (member, _) in members.iter().filter(|(_, is_there)| *is_there) {
            self.adjustments.ignored(&format!("tools[].{member}"));
        }
    }

    fn functions(&mut self, functions: Vec<Box<FunctionObject>>) -> Result<Vec<Tool>, Fault> {
        check_count(functions.len(), "functions")?;
        let mut specs = Vec::with_capacity(functions.len());
        for (position, function) in functions.into_iter().enumerate() {
            specs.extend(self.function(*function, &format!("functions[{position}]"))?);
        }
        Ok(specs)
    }

    /// A tool that is given text: one of Bedrock's whose input is an object with one text.
    fn custom(&mut self, custom: CustomTool, path: &str) -> Result<Tool, Fault> {
        const SCHEMA: &str =
            r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;
        let CustomTool {
            name,
            description,
            format,
            unknown,
        } = custom;
        note_unknown(self.adjustments, &unknown, "tools[].custom.");
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Fault::missing_field(path, "name"))?;
        let mut description = description.filter(|text| !text.trim().is_empty());
        let grammar = format.filter(|format| format.as_str().contains("\"grammar\""));
        if let Some(grammar) = grammar {
            // No model on Bedrock is held to a grammar; it is told of it.
            let told = format!("The input follows this grammar: {}", grammar.as_str());
            description = Some(match description {
                Some(text) => format!("{text}\n{told}"),
                None => told,
            });
            self.adjustments
                .note("tools[].custom.format", "told in the description");
        }
        let schema = JsonText::parse(SCHEMA.to_owned());
        Ok(Tool::ToolSpec(ToolSpec {
            name: self.names.bedrock_name_of_custom(&name),
            description,
            input_schema: ToolInputSchema::Json(
                schema.unwrap_or_else(|_| JsonText::empty_object()),
            ),
            strict: None,
        }))
    }

    /// A function, and the point behind it.
    fn function(&mut self, function: FunctionObject, path: &str) -> Result<Vec<Tool>, Fault> {
        let FunctionObject {
            name,
            description,
            parameters,
            strict,
            cache_control,
            unknown,
        } = function;
        note_unknown(self.adjustments, &unknown, "tools[].function.");
        let mark = MarkPlace::new(path, "cache_control");
        let point = cache_point(cache_control, &mark, self.adjustments)?;
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Fault::missing_field(path, "name"))?;
        let spec = Tool::ToolSpec(ToolSpec {
            name: self.names.bedrock_name_of_function(&name),
            // An empty description is refused by Bedrock.
            description: description.filter(|text| !text.trim().is_empty()),
            input_schema: ToolInputSchema::Json(schema(parameters, &format!("{path}.parameters"))?),
            strict: strict.filter(|strict| *strict),
        });
        Ok(std::iter::once(spec)
            .chain(point.map(Tool::CachePoint))
            .collect())
    }

    fn present(
        &mut self,
        tools: Vec<Tool>,
        choice: Option<StringOrObject<ToolChoiceObject>>,
    ) -> Result<ToolPlan, Fault> {
        let choice = match choice {
            None => None,
            Some(StringOrObject::String(word)) if word == "none" => {
                return Ok(plan(tools, None, AllowedCalls::None, false));
            }
            Some(StringOrObject::String(word)) => Some(match word.as_str() {
                "auto" => ToolChoice::Auto {},
                "required" => ToolChoice::Any {},
                other => return Err(unknown_choice("tool_choice", other)),
            }),
            Some(StringOrObject::Object(object)) => {
                let (choice, allowed) = self.chosen(object, &tools)?;
                return Ok(plan(tools, Some(choice), allowed, false));
            }
        };
        Ok(plan(tools, choice, AllowedCalls::All, false))
    }

    fn chosen(
        &mut self,
        object: ToolChoiceObject,
        tools: &[Tool],
    ) -> Result<(ToolChoice, AllowedCalls), Fault> {
        let ToolChoiceObject {
            kind,
            function,
            custom,
            allowed_tools,
            name,
            mode,
            tools: listed,
            unknown,
        } = object;
        note_unknown(self.adjustments, &unknown, "tool_choice.");
        // The Responses API has both at the top of the choice.
        let flat = listed.map(|tools| AllowedTools {
            mode,
            tools: Some(tools),
            unknown: Vec::new(),
        });
        let (named, path) = match kind.as_deref() {
            None | Some("function") => (function, "tool_choice.function"),
            Some("custom") => (custom, "tool_choice.custom"),
            Some("allowed_tools") => {
                let allowed = allowed_tools
                    .or(flat)
                    .ok_or_else(|| Fault::missing_field("tool_choice", "allowed_tools"))?;
                return self.allowed(allowed, tools);
            }
            Some(kind) => {
                return Err(Fault::unsupported_value(
                    "tool_choice.type",
                    format!("a choice of `{kind}` is not served; choose a `function`, or a word"),
                ));
            }
        };
        // `{"type": "function", "name": "f"}` is how the Responses API writes it.
        let name = named.and_then(|named| named.name).or(name);
        let name = name.ok_or_else(|| Fault::missing_field(path, "name"))?;
        let choice = self.tool_named(&name, tools, &format!("{path}.name"))?;
        Ok((choice, AllowedCalls::All))
    }

    fn allowed(
        &mut self,
        allowed: AllowedTools,
        tools: &[Tool],
    ) -> Result<(ToolChoice, AllowedCalls), Fault> {
        let path = "tool_choice.allowed_tools";
        let AllowedTools {
            mode,
            tools: listed,
            unknown,
        } = allowed;
        note_unknown(self.adjustments, &unknown, "tool_choice.allowed_tools.");
        let mut kept = Vec::new();
        for (position, tool) in listed.into_iter().flatten().enumerate() {
            let AllowedTool {
                kind: _,
                function,
                custom,
                name,
                unknown,
            } = *tool;
            note_unknown(
                self.adjustments,
                &unknown,
                "tool_choice.allowed_tools.tools[].",
            );
            let path = format!("{path}.tools[{position}]");
            let named = function.or(custom).and_then(|named| named.name).or(name);
            let name = named.ok_or_else(|| Fault::missing_field(&path, "function.name"))?;
            if let ToolChoice::Tool { name } = self.tool_named(&name, tools, &path)?
                && !kept.contains(&name)
            {
                kept.push(name);
            }
        }
        if kept.is_empty() {
            return Err(Fault::invalid(
                format!("{path}.tools"),
                "no tool is allowed; name some, or choose `none`",
            ));
        }
        let allowed = AllowedCalls::Only(kept);
        match mode.as_deref() {
            None | Some("auto") => Ok((ToolChoice::Auto {}, allowed)),
            Some("required") => Ok((ToolChoice::Any {}, allowed)),
            Some(other) => Err(Fault::invalid(
                format!("{path}.mode"),
                format!("`{other}` is neither `auto` nor `required`"),
            )),
        }
    }

    fn tool_named(&mut self, name: &str, tools: &[Tool], path: &str) -> Result<ToolChoice, Fault> {
        let bedrock = self.names.bedrock_name(name);
        let mut declared = tools.iter().filter_map(Tool::spec);
        if !declared.any(|spec| spec.name == bedrock) {
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
                "none" => return Ok(plan(tools, None, AllowedCalls::None, true)),
                other => return Err(unknown_choice("function_call", other)),
            },
            Some(StringOrObject::Object(FunctionName { name, unknown })) => {
                note_unknown(self.adjustments, &unknown, "function_call.");
                let name = name.ok_or_else(|| Fault::missing_field("function_call", "name"))?;
                Some(self.tool_named(&name, &tools, "function_call.name")?)
            }
        };
        Ok(plan(tools, choice, AllowedCalls::All, true))
    }
}

fn plan(
    tools: Vec<Tool>,
    tool_choice: Option<ToolChoice>,
    allowed: AllowedCalls,
    legacy: bool,
) -> ToolPlan {
    ToolPlan {
        config: Some(ToolConfig { tools, tool_choice }),
        allowed,
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
                allowed: AllowedCalls::None,
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
        Some(schema) => {
            let mut members = Fields::from_object(schema).ok_or_else(|| {
                Fault::invalid(path, format!("`{path}` has too many members for its size"))
            })?;
            match members.get("type").map(JsonText::as_str) {
                Some("\"object\"") => return Ok(schema.clone()),
                None => with_object_type(schema),
                // What a tool is given is an object, whatever else there may be.
                Some(kind) if kind == "null" || is_object_among_others(kind) => {
                    if let Ok(object) = JsonText::of("object") {
                        members.set("type", object);
                    }
                    serde_json::to_string(&members).unwrap_or_default()
                }
                Some(root) => {
                    return Err(Fault::invalid(
                        format!("{path}.type"),
                        format!(
                            "the root of a schema of arguments is of type `object`, not `{root}`"
                        ),
                    ));
                }
            }
        }
    };
    JsonText::parse(text).map_err(|_| Fault::invalid(path, "this is not a JSON Schema"))
}

/// Whether `kind` is a list of types that has `object` in it.
fn is_object_among_others(kind: &str) -> bool {
    let kinds: Option<Vec<String>> = serde_json::from_str(kind).ok();
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn schema_of(text: &str) -> Option<String> {
        let parameters = JsonText::parse(text.to_owned()).expect("JSON");
        let schema = schema(Some(parameters), "p").ok()?;
        Some(schema.as_str().to_owned())
    }

    #[test]
    fn the_root_of_a_schema_is_an_object() {
        for (schema, expected) in [
            (r#"{ "type":"object"}"#, Some(r#"{ "type":"object"}"#)),
            ("{}", Some(r#"{"type":"object","properties":{}}"#)),
            (r#"{ "a":1}"#, Some(r#"{"type":"object", "a":1}"#)),
            (r#"{"a":1,"type":null}"#, Some(r#"{"a":1,"type":"object"}"#)),
            (
                r#"{"type":["null","object"],"a":1}"#,
                Some(r#"{"type":"object","a":1}"#),
            ),
            (r#"{"type":"string"}"#, None),
            (r#"{"type":["string","null"]}"#, None),
            // As every reader of JSON that takes it at all, the last one counts.
            (r#"{"type":"object","type":"string"}"#, None),
            (r#"["type"]"#, None),
        ] {
            assert_eq!(schema_of(schema).as_deref(), expected, "{schema}");
        }
    }
}
