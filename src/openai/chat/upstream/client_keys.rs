//! Removes the keys of messages and tools that OpenAI's API does not have. AWS's OpenAI endpoints
//! reject unknown keys.

use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::reply::Adjustments;

/// The keys of an object in OpenAI's API.
#[derive(Debug)]
pub(super) struct ClientKeys(&'static [(&'static str, ClientKeyKind)]);

/// The type of a key's value.
#[derive(Debug)]
enum ClientKeyKind {
    /// Any value, sent unchanged.
    Any,
    /// An object or a string.
    Object(&'static ClientKeys),
    /// A list of objects, or a string.
    Objects(&'static ClientKeys),
}

/// The keys of a message.
pub(super) const MESSAGE: ClientKeys = ClientKeys(&[
    ("role", ClientKeyKind::Any),
    ("content", ClientKeyKind::Objects(&PART)),
    ("name", ClientKeyKind::Any),
    ("tool_calls", ClientKeyKind::Objects(&TOOL_CALL)),
    ("tool_call_id", ClientKeyKind::Any),
    ("refusal", ClientKeyKind::Any),
]);

const PART: ClientKeys = ClientKeys(&[
    ("type", ClientKeyKind::Any),
    ("text", ClientKeyKind::Any),
    ("refusal", ClientKeyKind::Any),
    ("image_url", ClientKeyKind::Object(&IMAGE)),
    ("prompt_cache_breakpoint", ClientKeyKind::Any),
]);

const IMAGE: ClientKeys =
    ClientKeys(&[("url", ClientKeyKind::Any), ("detail", ClientKeyKind::Any)]);

const TOOL_CALL: ClientKeys = ClientKeys(&[
    ("id", ClientKeyKind::Any),
    ("type", ClientKeyKind::Any),
    ("function", ClientKeyKind::Object(&CALL)),
    ("custom", ClientKeyKind::Object(&CALL)),
]);

const CALL: ClientKeys = ClientKeys(&[
    ("name", ClientKeyKind::Any),
    ("arguments", ClientKeyKind::Any),
    ("input", ClientKeyKind::Any),
]);

/// The keys of a tool.
pub(super) const TOOL: ClientKeys = ClientKeys(&[
    ("type", ClientKeyKind::Any),
    ("function", ClientKeyKind::Object(&FUNCTION)),
    ("custom", ClientKeyKind::Object(&CUSTOM)),
]);

const FUNCTION: ClientKeys = ClientKeys(&[
    ("name", ClientKeyKind::Any),
    ("description", ClientKeyKind::Any),
    ("parameters", ClientKeyKind::Any),
    ("strict", ClientKeyKind::Any),
]);

const CUSTOM: ClientKeys = ClientKeys(&[
    ("name", ClientKeyKind::Any),
    ("description", ClientKeyKind::Any),
    ("format", ClientKeyKind::Any),
]);

impl ClientKeys {
    /// The list `text` with only these keys in its objects. Objects without other keys keep their
    /// bytes. Removed keys are noted under `path`.
    pub(super) fn keep_in_list(
        &self,
        text: &JsonText,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> serde_json::Result<JsonText> {
        let objects: Vec<JsonText> = serde_json::from_str(text.as_str())?;
        let mut kept = Vec::with_capacity(objects.len());
        for object in &objects {
            kept.push(self.keep(object, path, adjustments)?);
        }
        match kept == objects {
            true => Ok(text.clone()),
            false => JsonText::of(&kept),
        }
    }

    /// The object `text` with only these keys.
    pub(super) fn keep(
        &self,
        text: &JsonText,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> serde_json::Result<JsonText> {
        if !text.is_object() {
            return Ok(text.clone());
        }
        let object: Fields = serde_json::from_str(text.as_str())?;
        let mut kept = Fields::default();
        for (key, value) in object.iter() {
            let path = format!("{path}.{key}");
            match self.0.iter().find(|(known, _)| *known == key) {
                Some((_, inner)) => kept.push(key, inner.keep(value, &path, adjustments)?),
                None if value.is_neutral() => {}
                // Some clients send back the `index` of streamed tool calls.
                None if key == "index" => {}
                None => adjustments.ignored(&path),
            }
        }
        match kept == object {
            true => Ok(text.clone()),
            false => JsonText::of(&kept),
        }
    }
}

impl ClientKeyKind {
    fn keep(
        &self,
        text: &JsonText,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> serde_json::Result<JsonText> {
        match self {
            Self::Any => Ok(text.clone()),
            Self::Object(keys) => keys.keep(text, path, adjustments),
            Self::Objects(keys) if text.as_str().starts_with('[') => {
                keys.keep_in_list(text, &format!("{path}[]"), adjustments)
            }
            Self::Objects(_) => Ok(text.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> (String, Option<String>) {
        let text = JsonText::parse(text.to_owned()).expect("JSON");
        let mut adjustments = Adjustments::default();
        let kept = MESSAGE.keep_in_list(&text, "messages[]", &mut adjustments);
        let kept = kept.expect("a list").as_str().to_owned();
        (kept, adjustments.header_value())
    }

    #[test]
    fn openai_keys_keep_their_bytes() {
        let text =
            "[ {\"content\" : [ {\"type\":\"text\", \"text\":\"\\u0061\"} ],\"role\":\"user\"} ]";
        assert_eq!(kept(text), (text.to_owned(), None));
    }

    #[test]
    fn extensions_and_unknown_keys_are_removed_and_noted() {
        let text = r#"[{"role":"assistant","content":null,"reasoning_content":"r","mood":"x",
            "tool_calls":[{"index":0,"id":"1","function":{"name":"f", "arguments":"{}"}}]},
            {"role": "user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]"#;
        let (kept, notes) = kept(text);
        assert_eq!(
            kept,
            r#"[{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f", "arguments":"{}"}}]},{"role":"user","content":[{"type":"text","text":"a"}]}]"#
        );
        assert_eq!(
            notes.as_deref(),
            Some(
                "messages[].reasoning_content: ignored, messages[].mood: ignored, \
                 messages[].content[].cache_control: ignored"
            )
        );
    }
}
