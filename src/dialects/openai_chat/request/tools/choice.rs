//! `tool_choice`, and its legacy form `function_call`.

use super::super::types::{AllowedTool, AllowedTools, FunctionName, ToolChoiceObject};
use super::{ToolReader, ToolTranslation};
use crate::converse::request::{Tool, ToolChoice, ToolConfig};
use crate::converse::rules::AllowedCalls;
use crate::error::{ApiError, Field, Parameter, Sentence, ToolChoiceField, ToolKind};
use crate::wire::StringOrObject;
use crate::wire::{note_unknown, unknown_word};

impl ToolReader<'_> {
    pub(super) fn present(
        &mut self,
        tools: Vec<Tool>,
        choice: Option<StringOrObject<ToolChoiceObject>>,
    ) -> Result<ToolTranslation, ApiError> {
        let choice = match choice {
            None => None,
            Some(StringOrObject::String(word)) if word == "none" => {
                return Ok(translation(tools, None, AllowedCalls::None, false));
            }
            Some(StringOrObject::String(word)) => Some(match word.as_str() {
                "auto" => ToolChoice::Auto {},
                "required" => ToolChoice::Any {},
                other => {
                    let supported = "`auto`, `none`, `required` or an object";
                    return Err(unknown_choice(
                        Field::ToolChoice(ToolChoiceField::Whole),
                        other,
                        supported,
                    ));
                }
            }),
            Some(StringOrObject::Object(object)) => {
                let (choice, allowed) = self.chosen(object, &tools)?;
                return Ok(translation(tools, Some(choice), allowed, false));
            }
        };
        Ok(translation(tools, choice, AllowedCalls::All, false))
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
        // The Responses API has `mode` and `tools` at the top level of the choice.
        let flat = listed.map(|tools| AllowedTools {
            mode,
            tools: Some(tools),
            unknown: Vec::new(),
        });
        let (named, tool_kind) = match kind.as_deref() {
            None | Some("function") => (function, ToolKind::Function),
            Some("custom") => (custom, ToolKind::Custom),
            Some("allowed_tools") => {
                let allowed = allowed_tools.or(flat).ok_or_else(|| {
                    ApiError::missing_value(Field::ToolChoice(ToolChoiceField::Allowed))
                })?;
                return self.allowed(allowed, tools);
            }
            Some(kind) => {
                return Err(ApiError::unsupported_value(
                    Field::ToolChoice(ToolChoiceField::Type),
                    format!(
                        "a tool choice of type `{kind}` is not supported; use `function`, \
                         `custom` or `allowed_tools`"
                    ),
                ));
            }
        };
        // The Responses API has `{"type": "function", "name": "f"}`.
        let name = named.and_then(|named| named.name).or(name);
        let field = Field::ToolChoice(ToolChoiceField::Name(tool_kind));
        let name = name.ok_or_else(|| ApiError::missing_value(field.clone()))?;
        let choice = self.tool_named(&name, tools, field)?;
        Ok((choice, AllowedCalls::All))
    }

    fn allowed(
        &mut self,
        allowed: AllowedTools,
        tools: &[Tool],
    ) -> Result<(ToolChoice, AllowedCalls), ApiError> {
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
            let named = function.or(custom).and_then(|named| named.name).or(name);
            let name = named.ok_or_else(|| {
                ApiError::missing_value(Field::ToolChoice(ToolChoiceField::AllowedToolName(
                    position,
                )))
            })?;
            let field = Field::ToolChoice(ToolChoiceField::AllowedTool(position));
            if let ToolChoice::Tool { name } = self.tool_named(&name, tools, field)?
                && !kept.contains(&name)
            {
                kept.push(name);
            }
        }
        if kept.is_empty() {
            return Err(ApiError::invalid(
                Field::ToolChoice(ToolChoiceField::AllowedTools),
                Sentence::naming(
                    "the list of allowed tools is empty; name at least one, or set `{}` to `none`",
                    Field::ToolChoice(ToolChoiceField::Whole),
                ),
            ));
        }
        let allowed = AllowedCalls::Only(kept);
        match mode.as_deref() {
            None | Some("auto") => Ok((ToolChoice::Auto {}, allowed)),
            Some("required") => Ok((ToolChoice::Any {}, allowed)),
            Some(other) => Err(unknown_word(
                Field::ToolChoice(ToolChoiceField::AllowedMode),
                other,
                "a mode",
                ["auto", "required"],
            )),
        }
    }

    fn tool_named(
        &mut self,
        name: &str,
        tools: &[Tool],
        parameter: impl Into<Parameter>,
    ) -> Result<ToolChoice, ApiError> {
        let bedrock = self.names.bedrock_name(name);
        let mut declared = tools.iter().filter_map(Tool::spec);
        if !declared.any(|spec| spec.name == bedrock) {
            return Err(ApiError::invalid(
                parameter,
                format!(
                    "tool `{name}` is not in the request's tools; declare it or choose another"
                ),
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
                "none" => return Ok(translation(tools, None, AllowedCalls::None, true)),
                other => {
                    let supported = "`auto`, `none` or an object";
                    return Err(unknown_choice("function_call", other, supported));
                }
            },
            Some(StringOrObject::Object(FunctionName { name, unknown })) => {
                note_unknown(self.adjustments, &unknown, "function_call.");
                let name = name.ok_or_else(|| ApiError::missing_field("function_call", "name"))?;
                Some(self.tool_named(&name, &tools, "function_call.name")?)
            }
        };
        Ok(translation(tools, choice, AllowedCalls::All, true))
    }
}

fn translation(
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

/// Rejects a choice without tools, except `none` and `auto`.
pub(super) fn without_tools(
    choice: Option<StringOrObject<ToolChoiceObject>>,
    function_call: Option<StringOrObject<FunctionName>>,
) -> Result<ToolTranslation, ApiError> {
    let is_neutral = |word: &str| matches!(word, "none" | "auto");
    let choice_ok = match &choice {
        None => true,
        Some(StringOrObject::String(word)) => is_neutral(word),
        Some(StringOrObject::Object(_)) => false,
    };
    let call_ok = match &function_call {
        None => true,
        Some(StringOrObject::String(word)) => is_neutral(word),
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
        (false, _) => {
            let field = Field::ToolChoice(ToolChoiceField::Whole);
            return Err(ApiError::invalid(
                field.clone(),
                Sentence::about(field, " is only allowed when `tools` are specified"),
            ));
        }
        (true, false) => "`function_call` is only allowed when `functions` are specified",
    };
    Err(ApiError::invalid("function_call", refused))
}

fn unknown_choice(parameter: impl Into<Parameter>, word: &str, supported: &str) -> ApiError {
    let parameter = parameter.into();
    ApiError::invalid(
        &parameter,
        Sentence::around(
            format!("`{word}` is not a value of "),
            &parameter,
            format!("; use {supported}"),
        ),
    )
}
