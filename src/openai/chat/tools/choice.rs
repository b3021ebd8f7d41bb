//! The choice among tools, in the present form and in the older one.

use super::super::content::StringOrObject;
use super::super::conversation::note_unknown;
use super::super::types::{AllowedTool, AllowedTools, FunctionName, ToolChoiceObject};
use super::{ToolReader, ToolTranslation};
use crate::converse::request::{Tool, ToolChoice, ToolConfig};
use crate::converse::rules::AllowedCalls;
use crate::error::ApiError;

impl ToolReader<'_> {
    pub(super) fn present(
        &mut self,
        tools: Vec<Tool>,
        choice: Option<StringOrObject<ToolChoiceObject>>,
    ) -> Result<ToolTranslation, ApiError> {
        let choice = match choice {
            None => None,
            Some(StringOrObject::String(word)) if word == "none" => {
                return Ok(output_options(tools, None, AllowedCalls::None, false));
            }
            Some(StringOrObject::String(word)) => Some(match word.as_str() {
                "auto" => ToolChoice::Auto {},
                "required" => ToolChoice::Any {},
                other => return Err(unknown_choice("tool_choice", other)),
            }),
            Some(StringOrObject::Object(object)) => {
                let (choice, allowed) = self.chosen(object, &tools)?;
                return Ok(output_options(tools, Some(choice), allowed, false));
            }
        };
        Ok(output_options(tools, choice, AllowedCalls::All, false))
    }

    fn chosen(
        &mut self,
        object: ToolChoiceObject,
        tools: &[Tool],
    ) -> Result<(ToolChoice, AllowedCalls), ApiError> {
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
                    .ok_or_else(|| ApiError::missing_field("tool_choice", "allowed_tools"))?;
                return self.allowed(allowed, tools);
            }
            Some(kind) => {
                return Err(ApiError::unsupported_value(
                    "tool_choice.type",
                    format!("a choice of `{kind}` is not served; choose a `function`, or a word"),
                ));
            }
        };
        // `{"type": "function", "name": "f"}` is how the Responses API writes it.
        let name = named.and_then(|named| named.name).or(name);
        let name = name.ok_or_else(|| ApiError::missing_field(path, "name"))?;
        let choice = self.tool_named(&name, tools, &format!("{path}.name"))?;
        Ok((choice, AllowedCalls::All))
    }

    fn allowed(
        &mut self,
        allowed: AllowedTools,
        tools: &[Tool],
    ) -> Result<(ToolChoice, AllowedCalls), ApiError> {
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
            let name = named.ok_or_else(|| ApiError::missing_field(&path, "function.name"))?;
            if let ToolChoice::Tool { name } = self.tool_named(&name, tools, &path)?
                && !kept.contains(&name)
            {
                kept.push(name);
            }
        }
        if kept.is_empty() {
            return Err(ApiError::invalid(
                format!("{path}.tools"),
                "no tool is allowed; name some, or choose `none`",
            ));
        }
        let allowed = AllowedCalls::Only(kept);
        match mode.as_deref() {
            None | Some("auto") => Ok((ToolChoice::Auto {}, allowed)),
            Some("required") => Ok((ToolChoice::Any {}, allowed)),
            Some(other) => Err(ApiError::invalid(
                format!("{path}.mode"),
                format!("`{other}` is neither `auto` nor `required`"),
            )),
        }
    }

    fn tool_named(
        &mut self,
        name: &str,
        tools: &[Tool],
        path: &str,
    ) -> Result<ToolChoice, ApiError> {
        let bedrock = self.names.bedrock_name(name);
        let mut declared = tools.iter().filter_map(Tool::spec);
        if !declared.any(|spec| spec.name == bedrock) {
            return Err(ApiError::invalid(
                path,
                format!("`{name}` is not one of the tools of this request"),
            ));
        }
        Ok(ToolChoice::Tool { name: bedrock })
    }

    pub(super) fn legacy(
        &mut self,
        tools: Vec<Tool>,
        choice: Option<StringOrObject<FunctionName>>,
    ) -> Result<ToolTranslation, ApiError> {
        let choice = match choice {
            None => None,
            Some(StringOrObject::String(word)) => match word.as_str() {
                "auto" => Some(ToolChoice::Auto {}),
                "none" => return Ok(output_options(tools, None, AllowedCalls::None, true)),
                other => return Err(unknown_choice("function_call", other)),
            },
            Some(StringOrObject::Object(FunctionName { name, unknown })) => {
                note_unknown(self.adjustments, &unknown, "function_call.");
                let name = name.ok_or_else(|| ApiError::missing_field("function_call", "name"))?;
                Some(self.tool_named(&name, &tools, "function_call.name")?)
            }
        };
        Ok(output_options(tools, choice, AllowedCalls::All, true))
    }
}

fn output_options(
    tools: Vec<Tool>,
    tool_choice: Option<ToolChoice>,
    allowed: AllowedCalls,
    legacy: bool,
) -> ToolTranslation {
    ToolTranslation {
        config: Some(ToolConfig { tools, tool_choice }),
        allowed,
        legacy,
    }
}

/// A choice without tools is refused, but for the words that ask for nothing.
pub(super) fn without_tools(
    choice: Option<StringOrObject<ToolChoiceObject>>,
    function_call: Option<StringOrObject<FunctionName>>,
) -> Result<ToolTranslation, ApiError> {
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
            return Ok(ToolTranslation {
                config: None,
                allowed: AllowedCalls::None,
                legacy: false,
            });
        }
        (false, _) => ("tool_choice", "tools"),
        (true, false) => ("function_call", "functions"),
    };
    Err(ApiError::invalid(
        refused.0,
        format!(
            "`{}` asks for a call, and there are no `{}`",
            refused.0, refused.1
        ),
    ))
}

fn unknown_choice(field: &str, word: &str) -> ApiError {
    ApiError::invalid(
        field,
        format!("`{word}` is not a choice; see the reference for `{field}`"),
    )
}
