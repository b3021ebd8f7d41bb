//! The tools on offer.

use serde_json::Value;

use super::Subject;
use crate::error::AwsError;
use crate::families::{Choice, Tools};

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
    use super::super::conversation;
    use serde_json::{Value, json};

    fn refusal(model: &str, choice: Value, streaming: bool) -> Option<String> {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "toolConfig": { "toolChoice": choice, "tools": [
                { "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } }] },
        });
        conversation(model, &request, streaming)
            .err()
            .map(|error| error.message)
    }

    #[test]
    fn tools_and_choices_are_judged_by_family() {
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
}
