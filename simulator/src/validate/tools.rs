//! Tool configuration.

use serde_json::Value;

use super::structured;
use super::subject::Subject;
use crate::conversation::text;
use crate::error::AwsError;
use crate::families::{Choice, Maker, Tools};

/// The limit in pydantic-ai's profile of Bedrock; the wording is unknown.
const MAX_STRICT_TOOLS: usize = 20;

pub(super) fn tools_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let message = match (subject.family.tools, subject.streaming) {
        _ if subject.conversation.tools.is_none() => return Ok(()),
        (Tools::None, true) | (Tools::Unstreamed(_), true) => {
            "This model doesn't support tool use in streaming mode."
        }
        (Tools::None, false) => "This model doesn't support tool use.",
        (Tools::Unstreamed(_), false) | (Tools::Streamed(_), _) => return Ok(()),
    };
    Err(AwsError::validation(message))
}

pub(super) fn choice_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let choice = subject
        .conversation
        .tools
        .as_ref()
        .and_then(|tools| tools.choice);
    let auto_only = matches!(
        subject.family.tools,
        Tools::Unstreamed(Choice::Auto) | Tools::Streamed(Choice::Auto)
    );
    match choice {
        Some(choice) if auto_only && choice.kind != "auto" => {
            let field = format!("toolConfig.toolChoice.{}", choice.kind);
            Err(AwsError::validation(format!(
                "This model doesn't support the {field} field. Remove {field} and try again."
            )))
        }
        _ => Ok(()),
    }
}

/// A required tool must be in the list.
pub(super) fn choice_is_offered(subject: &Subject<'_>) -> Result<(), AwsError> {
    let Some(tools) = &subject.conversation.tools else {
        return Ok(());
    };
    let demanded = tools
        .choice
        .filter(|choice| choice.kind == "tool")
        .map(|choice| text(choice.value.get("name")));
    let is_offered = |name: &str| {
        tools
            .entries
            .iter()
            .any(|entry| text(entry.value.get("name")) == name)
    };
    match demanded {
        Some(name) if !is_offered(name) => Err(AwsError::validation(format!(
            "The tool name {name} at toolConfig.toolChoice.tool.name is not defined in toolConfig.tools."
        ))),
        _ => Ok(()),
    }
}

/// Tools that Bedrock runs itself.
pub(super) fn server_tools_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let Some(tools) = &subject.conversation.tools else {
        return Ok(());
    };
    let unknown = tools.of_kind("systemTool").find(|(_, tool)| {
        !subject
            .family
            .server_tools
            .contains(&text(tool.get("name")))
    });
    match unknown {
        None => Ok(()),
        Some((position, _)) if subject.family.server_tools.is_empty() => {
            let field = format!("toolConfig.tools.{position}.systemTool");
            Err(AwsError::validation(format!(
                "This model doesn't support the {field} field. Remove {field} and try again."
            )))
        }
        Some((position, tool)) => Err(AwsError::validation(format!(
            "The system tool {} at toolConfig.tools.{position}.systemTool.name is not supported by this model.",
            text(tool.get("name"))
        ))),
    }
}

/// Claude has its own wording (<https://github.com/BerriAI/litellm/pull/35688>).
pub(super) fn strict_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let Some(tools) = &subject.conversation.tools else {
        return Ok(());
    };
    let strict = || {
        tools
            .of_kind("toolSpec")
            .filter(|(_, spec)| spec.get("strict").is_some())
    };
    if let (false, Some((position, _))) = (subject.family.strict_tools, strict().next()) {
        let field = format!("toolConfig.tools.{position}.toolSpec.strict");
        return Err(match subject.family.maker {
            Maker::Anthropic => AwsError::by_model(format!(
                "tools.{position}.custom.strict: Extra inputs are not permitted"
            )),
            _ => AwsError::validation(format!(
                "This model doesn't support the {field} field. Remove {field} and try again."
            )),
        });
    }
    let enforced = || strict().filter(|(_, spec)| spec.get("strict") == Some(&Value::Bool(true)));
    if subject.family.maker != Maker::Anthropic {
        return Ok(());
    }
    if enforced().count() > MAX_STRICT_TOOLS {
        return Err(AwsError::by_model(format!(
            "Too many strict tools. A maximum of {MAX_STRICT_TOOLS} tools may have strict set to true."
        )));
    }
    enforced().try_for_each(|(position, spec)| {
        let schema = spec.pointer("/inputSchema/json").unwrap_or(&Value::Null);
        structured::fits(&format!("tools.{position}.custom"), schema)
    })
}

pub(super) fn schemas_are_objects(subject: &Subject<'_>) -> Result<(), AwsError> {
    let Some(tools) = &subject.conversation.tools else {
        return Ok(());
    };
    let kind = |spec: &Value| spec.pointer("/inputSchema/json/type").cloned();
    match tools
        .of_kind("toolSpec")
        .find(|(_, spec)| kind(spec) != Some("object".into()))
    {
        None => Ok(()),
        Some((position, _)) => Err(AwsError::validation(format!(
            "The value at toolConfig.tools.{position}.toolSpec.inputSchema.json.type must be one of the following: object."
        ))),
    }
}

pub(super) fn config_present(subject: &Subject<'_>) -> Result<(), AwsError> {
    let conversation = &subject.conversation;
    let uses_tools = |kind: &str| matches!(kind, "toolUse" | "toolResult");
    if conversation.tools.is_none()
        && conversation
            .located_blocks()
            .any(|(_, _, block)| uses_tools(block.kind))
    {
        return Err(AwsError::validation(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{conversation, refusal as refused};
    use crate::runtime::Runtime;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn refusal(model: &str, choice: Value, streaming: bool) -> Option<String> {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "toolConfig": { "toolChoice": choice, "tools": [
                { "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } }] },
        });
        conversation(
            model,
            &request,
            streaming,
            &Runtime::new(Arc::default(), Arc::default()),
        )
        .err()
        .map(|error| error.message)
    }

    #[test]
    fn tools_and_tool_choices_are_validated_per_family() {
        let (auto, any) = (json!({ "auto": {} }), json!({ "any": {} }));
        let llama = "us.meta.llama3-3-70b-instruct-v1:0";
        assert_eq!(refusal("amazon.nova-lite-v1:0", any.clone(), true), None);
        assert_eq!(refusal(llama, auto.clone(), false), None);
        assert_eq!(
            refusal(llama, any, false).as_deref(),
            Some(
                "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again."
            )
        );
        assert_eq!(
            refusal(llama, auto.clone(), true).as_deref(),
            Some("This model doesn't support tool use in streaming mode.")
        );
        assert_eq!(
            refusal("us.deepseek.r1-v1:0", auto, false).as_deref(),
            Some("This model doesn't support tool use.")
        );
    }

    fn offered(model: &str, tools: Value, choice: Value) -> String {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "toolConfig": { "tools": tools, "toolChoice": choice },
        });
        refused(model, request).unwrap_or_default()
    }

    #[test]
    fn server_tools_depend_on_the_family() {
        let tool = |name: &str| json!([{ "systemTool": { "name": name } }]);
        let auto = json!({ "auto": {} });
        let nova_2 = "us.amazon.nova-2-lite-v1:0";
        assert_eq!(offered(nova_2, tool("nova_grounding"), auto.clone()), "");
        assert!(
            offered(nova_2, tool("nova_singing"), auto.clone())
                .contains("nova_singing at toolConfig.tools.0.systemTool.name is not supported")
        );
        assert!(
            offered(
                "us.anthropic.claude-sonnet-4-6",
                tool("nova_grounding"),
                auto
            )
            .contains("doesn't support the toolConfig.tools.0.systemTool field")
        );
    }

    #[test]
    fn strict_tools_need_support_and_closed_schemas() {
        let tool = |schema: Value| json!([{ "toolSpec": { "name": "t", "strict": true, "inputSchema": { "json": schema } } }]);
        let closed = json!({ "type": "object", "additionalProperties": false });
        let auto = json!({ "auto": {} });
        for (model, schema, expected) in [
            ("us.anthropic.claude-sonnet-4-5-x", closed.clone(), ""),
            (
                "us.anthropic.claude-sonnet-4-5-x",
                json!({ "type": "object" }),
                "tools.0.custom: For 'object' type, 'additionalProperties' must be",
            ),
            (
                "us.anthropic.claude-sonnet-5",
                closed.clone(),
                "tools.0.custom.strict: Extra inputs are not permitted",
            ),
            (
                "amazon.nova-lite-v1:0",
                closed,
                "doesn't support the toolConfig.tools.0.toolSpec.strict field",
            ),
        ] {
            let message = offered(model, tool(schema), auto.clone());
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{model}: {message}"
            );
        }
    }

    #[test]
    fn a_forced_tool_must_be_defined() {
        let tools = json!([{ "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } }]);
        let choice = |name: &str| json!({ "tool": { "name": name } });
        let nova = "amazon.nova-lite-v1:0";
        assert_eq!(offered(nova, tools.clone(), choice("t")), "");
        assert!(offered(nova, tools, choice("u")).contains("tool name u"));
    }
}
