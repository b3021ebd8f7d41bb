//! Translates declared tools to tools of Converse.

use super::super::types::{NamespacedTool, ResponsesTool};
use super::built_in::BuiltIn;
use super::table::ToolTable;
use super::web_search::is_web_search;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::request::Tool;
use crate::converse::rules::ToolNames;
use crate::dialects::openai_chat::{CustomTool, FunctionObject, ToolPath, ToolReader, check_count};
use crate::error::{ApiError, Field};
use crate::reply::Adjustments;
use crate::wire::note_unknown;

/// The tools of Converse for the declared tools, and those that items add.
pub(super) fn specs(
    declared: Vec<Box<ResponsesTool>>,
    added: Vec<(usize, Vec<Box<ResponsesTool>>)>,
    table: &ToolTable,
    names: &mut ToolNames,
    adjustments: &mut Adjustments,
) -> Result<Vec<Tool>, ApiError> {
    let mut specs = Specs {
        tools: Vec::with_capacity(declared.len()),
        table,
        names,
        adjustments,
    };
    for (index, tool) in declared.into_iter().enumerate() {
        let tools = specs.tool(*tool, &format!("tools[{index}]"))?;
        specs.tools.extend(tools);
    }
    for (item, tools) in added {
        for (index, tool) in tools.into_iter().enumerate() {
            let tools = specs.tool(*tool, &format!("input[{item}].tools[{index}]"))?;
            tools.into_iter().for_each(|tool| specs.replace(tool));
        }
    }
    check_count(specs.tools.len(), Field::Tools.into())?;
    Ok(specs.tools)
}

struct Specs<'a> {
    tools: Vec<Tool>,
    table: &'a ToolTable,
    names: &'a mut ToolNames,
    adjustments: &'a mut Adjustments,
}

impl Specs<'_> {
    /// Adds a tool of an item in place of an earlier one of the same name.
    fn replace(&mut self, tool: Tool) {
        let name = tool.spec().map(|spec| spec.name.clone());
        let is_same = |old: &&mut Tool| old.spec().map(|spec| &spec.name) == name.as_ref();
        match self.tools.iter_mut().find(is_same) {
            Some(earlier) => *earlier = tool,
            None => self.tools.push(tool),
        }
    }

    fn tool(&mut self, tool: ResponsesTool, path: &str) -> Result<Vec<Tool>, ApiError> {
        let built_in = BuiltIn::of(&tool);
        let ResponsesTool {
            kind,
            name,
            description,
            parameters,
            strict,
            format,
            tools,
            execution,
            environment,
            // The options of web search are noted where it is served.
            external_web_access: _,
            filters: _,
            user_location: _,
            search_context_size: _,
            search_content_types: _,
            // All tools are declared at once, and who may call them or what they return does not
            // concern the model.
            defer_loading: _,
            allowed_callers: _,
            output_schema: _,
            asynchronous: _,
            unknown,
        } = tool;
        note_unknown(self.adjustments, &unknown, "tools[].");
        if let Some(built_in) = built_in {
            check_environment(environment, path)?;
            let function = built_in.function(description, parameters);
            return self.reader().function(function, ToolPath::At(path));
        }
        let named = NamedTool {
            name,
            description,
            parameters,
            strict,
            format,
        };
        match kind.as_deref() {
            Some("function") => self.function(named, path),
            Some("custom") => Ok(vec![self.custom(named, path)?]),
            Some("namespace") => self.namespace(named, tools.unwrap_or_default(), path),
            Some("tool_search") => {
                if execution.as_deref() != Some("client") {
                    self.adjustments
                        .note("tools[]", "tool search removed; all tools are declared");
                }
                Ok(Vec::new())
            }
            Some(kind) if is_web_search(kind) => Ok(Vec::new()),
            Some("mcp") => Err(ApiError::unsupported_value(
                format!("{path}.type"),
                "`mcp` tools are not served; run the MCP server in the client, whose SDK declares \
                 its tools as functions",
            )),
            Some(other) => Err(ApiError::unsupported_value(
                format!("{path}.type"),
                format!(
                    "`{other}` tools are not served; `function`, `custom`, `namespace`, \
                     `tool_search`, `web_search`, `local_shell`, `shell` and `apply_patch` are"
                ),
            )),
            None => Err(ApiError::missing_field(path, "type")),
        }
    }

    fn reader(&mut self) -> ToolReader<'_> {
        ToolReader::new(self.names, self.adjustments)
    }

    fn function(&mut self, tool: NamedTool, path: &str) -> Result<Vec<Tool>, ApiError> {
        let function = FunctionObject {
            name: tool.name,
            description: tool.description,
            parameters: tool.parameters,
            strict: tool.strict,
            ..FunctionObject::default()
        };
        self.reader().function(function, ToolPath::At(path))
    }

    fn custom(&mut self, tool: NamedTool, path: &str) -> Result<Tool, ApiError> {
        let custom = CustomTool {
            name: tool.name,
            description: tool.description,
            format: tool.format,
            ..CustomTool::default()
        };
        self.reader().custom(custom, ToolPath::At(path))
    }

    /// The tools of a namespace, each with the description of the namespace.
    fn namespace(
        &mut self,
        namespace: NamedTool,
        tools: Vec<Box<NamespacedTool>>,
        path: &str,
    ) -> Result<Vec<Tool>, ApiError> {
        let name = namespace.name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| ApiError::missing_field(path, "name"))?;
        let shared = namespace.description.unwrap_or_default();
        let mut all = Vec::with_capacity(tools.len());
        for (index, tool) in tools.into_iter().enumerate() {
            let path = format!("{path}.tools[{index}]");
            let NamespacedTool {
                kind,
                name: local,
                description,
                parameters,
                strict,
                format,
                defer_loading: _,
                allowed_callers: _,
                output_schema: _,
                asynchronous: _,
                unknown,
            } = *tool;
            note_unknown(self.adjustments, &unknown, "tools[].tools[].");
            let local = local.filter(|name| !name.is_empty());
            let local = local.ok_or_else(|| ApiError::missing_field(&path, "name"))?;
            let description = [shared.clone(), description.unwrap_or_default()].join("\n\n");
            let tool = NamedTool {
                name: Some(self.table.model_name(Some(&name), &local)),
                description: Some(description.trim().to_owned()),
                parameters,
                strict,
                format,
            };
            match kind.as_deref() {
                None | Some("function") => all.extend(self.function(tool, &path)?),
                Some("custom") => all.push(self.custom(tool, &path)?),
                Some(other) => {
                    return Err(ApiError::unsupported_value(
                        format!("{path}.type"),
                        format!(
                            "`{other}` tools are not served in a namespace; `function` and \
                             `custom` are"
                        ),
                    ));
                }
            }
        }
        Ok(all)
    }
}

/// The fields of a tool that is declared by name.
struct NamedTool {
    name: Option<String>,
    description: Option<String>,
    parameters: Option<JsonText>,
    strict: Option<bool>,
    format: Option<JsonText>,
}

/// The gateway has no containers for shells.
fn check_environment(environment: Option<JsonText>, path: &str) -> Result<(), ApiError> {
    let fields = environment.as_ref().and_then(Fields::from_object);
    let fields = fields.unwrap_or_default();
    let kind = fields.get("type").map(JsonText::as_str);
    match kind {
        None | Some("\"local\"") => Ok(()),
        Some(_) => Err(ApiError::unsupported_value(
            format!("{path}.environment.type"),
            "the gateway has no containers; use the environment `local`, which the client runs",
        )),
    }
}
