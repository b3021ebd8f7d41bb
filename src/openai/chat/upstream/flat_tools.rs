//! Converts tools and tool choices from the flat form of the Responses API to the nested form of
//! chat completions. AWS's OpenAI endpoints accept only the nested form.

use crate::converse::JsonText;
use crate::converse::options::Fields;

/// `tools` in the nested form. Tools that have it already keep their bytes.
pub(super) fn nested_tools(tools: &JsonText) -> serde_json::Result<JsonText> {
    let mut list: Vec<JsonText> = serde_json::from_str(tools.as_str())?;
    let mut is_changed = false;
    for tool in &mut list {
        if let Some(nested) = nested(tool)? {
            *tool = nested;
            is_changed = true;
        }
    }
    match is_changed {
        true => JsonText::of(&list),
        false => Ok(tools.clone()),
    }
}

/// A `tool_choice` object in the nested form.
pub(super) fn nested_choice(choice: &JsonText) -> serde_json::Result<JsonText> {
    const ALLOWED: &str = "allowed_tools";
    let mut members: Fields = serde_json::from_str(choice.as_str())?;
    let is_allowed = members
        .get("type")
        .is_some_and(|kind| kind.as_str() == "\"allowed_tools\"");
    if !is_allowed {
        return Ok(nested(choice)?.unwrap_or_else(|| choice.clone()));
    }
    let mut allowed = match members.remove(ALLOWED) {
        Some(allowed) => serde_json::from_str(allowed.as_str())?,
        None => Fields::default(),
    };
    for key in ["mode", "tools"] {
        if let Some(value) = members.remove(key) {
            allowed.set_if_absent(key, value);
        }
    }
    if let Some(tools) = allowed.get("tools") {
        let tools = nested_tools(tools)?;
        allowed.set("tools", tools);
    }
    members.set(ALLOWED, JsonText::of(&allowed)?);
    JsonText::of(&members)
}

/// The object with the fields of its function or custom tool moved to a nested object; `None` if it
/// has the nested form already.
fn nested(text: &JsonText) -> serde_json::Result<Option<JsonText>> {
    if !text.is_object() {
        return Ok(None);
    }
    let members: Fields = serde_json::from_str(text.as_str())?;
    let is_custom = members
        .get("type")
        .is_some_and(|kind| kind.as_str() == "\"custom\"");
    let key = match is_custom {
        true => "custom",
        false => "function",
    };
    if members.get("name").is_none() || members.get(key).is_some() {
        return Ok(None);
    }
    let mut outer = Fields::default();
    let mut inner = Fields::default();
    for (name, value) in members.iter() {
        match name {
            "type" | "cache_control" => outer.push(name, value.clone()),
            _ => inner.push(name, value.clone()),
        }
    }
    outer.push(key, JsonText::of(&inner)?);
    JsonText::of(&outer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> JsonText {
        JsonText::parse(text.to_owned()).expect("JSON")
    }

    #[test]
    fn a_flat_tool_is_nested_and_a_nested_one_keeps_its_bytes() {
        for (tools, expected) in [
            (
                r#"[{"type":"function","name":"f","parameters":{ "type":"object" },"strict":true}]"#,
                r#"[{"type":"function","function":{"name":"f","parameters":{ "type":"object" },"strict":true}}]"#,
            ),
            (
                r#"[{"type":"custom","name":"c","format":{"type":"text"}}]"#,
                r#"[{"type":"custom","custom":{"name":"c","format":{"type":"text"}}}]"#,
            ),
            (
                r#"[ {"type": "function", "function": {"name": "f"}} ]"#,
                r#"[ {"type": "function", "function": {"name": "f"}} ]"#,
            ),
        ] {
            let nested = nested_tools(&json(tools)).expect("a list");
            assert_eq!(nested.as_str(), expected);
        }
    }

    #[test]
    fn a_flat_choice_is_nested() {
        for (choice, expected) in [
            (
                r#"{"type":"function","name":"f"}"#,
                r#"{"type":"function","function":{"name":"f"}}"#,
            ),
            (
                r#"{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]}"#,
                r#"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}"#,
            ),
            (
                r#"{"type":"function","function":{"name":"f"}}"#,
                r#"{"type":"function","function":{"name":"f"}}"#,
            ),
        ] {
            let nested = nested_choice(&json(choice)).expect("an object");
            assert_eq!(nested.as_str(), expected);
        }
    }
}
