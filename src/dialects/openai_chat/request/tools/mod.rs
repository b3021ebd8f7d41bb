//! `tools` and `tool_choice`, and their legacy forms `functions` and `function_call`.

mod choice;
mod schema;

use super::cache_control::{CacheControlPath, cache_point};
use super::types::{ChatTool, CustomTool, FunctionName, FunctionObject, ToolChoiceObject};
use crate::converse::JsonText;
use crate::converse::request::{Tool, ToolConfig, ToolInputSchema, ToolSpec};
use crate::converse::rules::AllowedCalls;
use crate::converse::rules::ToolNames;
use crate::error::{ApiError, Field, Parameter, Sentence, ToolField, ToolKind};
use crate::reply::Adjustments;
use crate::wire::StringOrObject;
use crate::wire::note_unknown;
use choice::without_tools;
use schema::schema;

/// OpenAI's maximum number of tools in a request.
const MAX_TOOLS: usize = 128;

/// The fields of a request that define tools.
#[derive(Debug, Default)]
pub(super) struct ToolFields {
    pub(super) tools: Option<Vec<Box<ChatTool>>>,
    pub(super) tool_choice: Option<StringOrObject<ToolChoiceObject>>,
    pub(super) functions: Option<Vec<Box<FunctionObject>>>,
    pub(super) function_call: Option<StringOrObject<FunctionName>>,
}

/// The translated tools of a request.
#[derive(Debug)]
pub(in crate::dialects) struct ToolTranslation {
    /// The `toolConfig` of Converse.
    pub(super) config: Option<ToolConfig>,
    /// The tools that the model may call. Converse has no field for them.
    pub(super) allowed: AllowedCalls,
    /// Whether the request, and therefore the response, uses the legacy form.
    pub(super) legacy: bool,
}

/// Translates the tools of a request.
pub(super) fn tool_translation(
    fields: ToolFields,
    names: &mut ToolNames,
    adjustments: &mut Adjustments,
) -> Result<ToolTranslation, ApiError> {
    let tools = fields.tools.filter(|tools| !tools.is_empty());
    let functions = fields.functions.filter(|functions| !functions.is_empty());
    let mut reader = ToolReader::new(names, adjustments);
    match (tools, functions) {
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "functions",
            "`functions` is deprecated and cannot be combined with `tools`; send only `tools`",
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

/// The form and the position of a tool in the request.
#[derive(Debug, Clone, Copy)]
pub(in crate::dialects) enum ToolPath<'a> {
    /// At this path, with its fields next to `type`, in a dialect that has tools in several places.
    At(&'a str),
    /// In `tools`, with its fields in `function` or `custom`.
    Nested(usize),
    /// In `tools`, with its fields next to `type`.
    Flat(usize),
    /// In `functions`.
    Legacy(usize),
}

impl ToolPath<'_> {
    fn missing_name(self, kind: ToolKind) -> ApiError {
        ApiError::missing_value(self.field(ToolField::Name(kind), "name"))
    }

    /// A field, which has the name `flat` in the forms that only chat has.
    fn field(self, field: ToolField, flat: &str) -> Parameter {
        match self {
            Self::At(path) => format!("{path}.{flat}").into(),
            Self::Nested(index) => Field::tool(index, field).into(),
            Self::Flat(index) => format!("tools[{index}].{flat}").into(),
            Self::Legacy(index) => format!("functions[{index}].{flat}").into(),
        }
    }

    /// The path of the function, for fields that only chat requests have.
    fn of_function(self) -> String {
        match self {
            Self::At(path) => path.to_owned(),
            Self::Nested(index) => format!("tools[{index}].function"),
            Self::Flat(index) => format!("tools[{index}]"),
            Self::Legacy(index) => format!("functions[{index}]"),
        }
    }
}

/// Translates tools and the tool choice.
pub(in crate::dialects) struct ToolReader<'a> {
    names: &'a mut ToolNames,
    adjustments: &'a mut Adjustments,
}

impl<'a> ToolReader<'a> {
    /// A reader that adds to `names` and `adjustments`.
    pub(in crate::dialects) fn new(
        names: &'a mut ToolNames,
        adjustments: &'a mut Adjustments,
    ) -> Self {
        Self { names, adjustments }
    }

    /// The translation of `tools` with the tool choice.
    pub(in crate::dialects) fn with_choice(
        &mut self,
        tools: Vec<Tool>,
        choice: Option<StringOrObject<ToolChoiceObject>>,
    ) -> Result<ToolTranslation, ApiError> {
        match tools.is_empty() {
            true => without_tools(choice, None),
            false => self.present(tools, choice),
        }
    }

    fn tools(&mut self, tools: Vec<Box<ChatTool>>) -> Result<Vec<Tool>, ApiError> {
        check_count(tools.len(), Field::Tools.into())?;
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
            let tool_path = match is_flat {
                true => ToolPath::Flat(position),
                false => ToolPath::Nested(position),
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
            let field_path = CacheControlPath::new(&path, "cache_control");
            let point = cache_point(cache_control, &field_path, self.adjustments)?;
            match kind.as_deref() {
                None | Some("function") => {
                    let function =
                        function.ok_or_else(|| ApiError::missing_field(&path, "function"))?;
                    specs.extend(self.function(function, tool_path)?);
                }
                Some("custom") => {
                    let custom = custom.ok_or_else(|| ApiError::missing_field(&path, "custom"))?;
                    if grammar_of(&custom).is_some() {
                        self.adjustments.note(
                            Field::any_tool(ToolField::Format),
                            "added to the tool's description",
                        );
                    }
                    specs.push(self.custom(custom, tool_path)?);
                }
                Some(kind) => {
                    return Err(ApiError::unsupported_value(
                        Field::tool(position, ToolField::Type),
                        format!("`{kind}` tools are not supported; use `function` or `custom`"),
                    ));
                }
            }
            specs.extend(point.map(Tool::CachePoint));
        }
        Ok(specs)
    }

    /// Notes the fields of the flat form that the tool does not use.
    fn ignore_flat(&mut self, fields: &[(&str, bool)]) {
        for (field, _) in fields.iter().filter(|(_, is_set)| *is_set) {
            self.adjustments.ignored(format!("tools[].{field}"));
        }
    }

    fn functions(&mut self, functions: Vec<Box<FunctionObject>>) -> Result<Vec<Tool>, ApiError> {
        check_count(functions.len(), "functions".into())?;
        let mut specs = Vec::with_capacity(functions.len());
        for (position, function) in functions.into_iter().enumerate() {
            specs.extend(self.function(*function, ToolPath::Legacy(position))?);
        }
        Ok(specs)
    }

    /// A custom tool, whose input is text, as a Bedrock tool whose input is an object with one
    /// string.
    pub(in crate::dialects) fn custom(
        &mut self,
        custom: CustomTool,
        path: ToolPath<'_>,
    ) -> Result<Tool, ApiError> {
        const SCHEMA: &str =
            r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;
        let grammar_note = grammar_of(&custom).map(|grammar| {
            // Bedrock cannot enforce a grammar, so the description states it.
            format!("The input follows this grammar: {}", grammar.as_str())
        });
        let CustomTool {
            name,
            description,
            format: _,
            unknown,
        } = custom;
        note_unknown(self.adjustments, &unknown, "tools[].custom.");
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(|| path.missing_name(ToolKind::Custom))?;
        let mut description = description.filter(|text| !text.trim().is_empty());
        if let Some(grammar_note) = grammar_note {
            description = Some(match description {
                Some(text) => format!("{text}\n{grammar_note}"),
                None => grammar_note,
            });
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

    /// A function, and the cache point after it.
    pub(in crate::dialects) fn function(
        &mut self,
        function: FunctionObject,
        path: ToolPath<'_>,
    ) -> Result<Vec<Tool>, ApiError> {
        let FunctionObject {
            name,
            description,
            parameters,
            strict,
            cache_control,
            unknown,
        } = function;
        note_unknown(self.adjustments, &unknown, "tools[].function.");
        let function_path = path.of_function();
        let field_path = CacheControlPath::new(&function_path, "cache_control");
        let point = cache_point(cache_control, &field_path, self.adjustments)?;
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(|| path.missing_name(ToolKind::Function))?;
        let spec = Tool::ToolSpec(ToolSpec {
            name: self.names.bedrock_name_of_function(&name),
            // Bedrock rejects an empty description.
            description: description.filter(|text| !text.trim().is_empty()),
            input_schema: ToolInputSchema::Json(schema(parameters, path)?),
            strict: strict.filter(|strict| *strict),
        });
        Ok(std::iter::once(spec)
            .chain(point.map(Tool::CachePoint))
            .collect())
    }
}

/// The grammar of a custom tool's input.
fn grammar_of(custom: &CustomTool) -> Option<&JsonText> {
    let format = custom.format.as_ref();
    format.filter(|format| format.as_str().contains("\"grammar\""))
}

pub(in crate::dialects) fn check_count(count: usize, list: Parameter) -> Result<(), ApiError> {
    if count > MAX_TOOLS {
        return Err(ApiError::invalid(
            &list,
            Sentence::about(
                &list,
                format!(" has {count} entries; the maximum is {MAX_TOOLS}"),
            ),
        ));
    }
    Ok(())
}
