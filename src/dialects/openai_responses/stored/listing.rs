//! Stored items as lists of them show.

use crate::converse::JsonText;
use crate::dialects::openai_responses::request::StringOrList;
use crate::dialects::openai_responses::request::types::{InputItem, ResponsesInputPart};
use crate::error::ApiError;
use crate::store::StoredItem;

/// An item of a list: a message has a type, a status and content parts, however the client wrote
/// it.
///
/// # Errors
///
/// If the stored item cannot be read.
pub(in super::super) fn listed(stored: &StoredItem) -> Result<JsonText, ApiError> {
    let item: InputItem = serde_json::from_str(&stored.body).map_err(|_| ApiError::internal())?;
    let item = match item.kind.as_deref() {
        None | Some("message") => message(item)?,
        Some(_) => item,
    };
    JsonText::of(&item).map_err(|_| ApiError::internal())
}

fn message(mut item: InputItem) -> Result<InputItem, ApiError> {
    item.kind = Some("message".to_owned());
    if item.status.is_none() {
        let completed = JsonText::of("completed").map_err(|_| ApiError::internal())?;
        item.status = Some(completed);
    }
    let kind = match item.role.as_deref() {
        Some("assistant") => "output_text",
        _ => "input_text",
    };
    item.content = match item.content {
        Some(StringOrList::String(text)) => {
            Some(StringOrList::List(vec![Box::new(ResponsesInputPart {
                kind: Some(kind.to_owned()),
                text: Some(text),
                ..ResponsesInputPart::default()
            })]))
        }
        parts => parts,
    };
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(body: &str) -> String {
        let stored = StoredItem {
            id: "1".into(),
            is_output: false,
            body: body.into(),
        };
        listed(&stored).expect("an item").into_text()
    }

    #[test]
    fn messages_have_parts_and_a_status() {
        assert_eq!(
            list(r#"{"id":"1","role":"user","content":"Hi"}"#),
            r#"{"type":"message","id":"1","status":"completed","role":"user","content":[{"type":"input_text","text":"Hi"}]}"#
        );
        assert_eq!(
            list(r#"{"id":"1","role":"assistant","status":"incomplete","content":"Hi"}"#),
            r#"{"type":"message","id":"1","status":"incomplete","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}"#
        );
        let call = r#"{"type":"function_call_output","id":"1","call_id":"c","output":"x"}"#;
        assert_eq!(list(call), call);
    }
}
