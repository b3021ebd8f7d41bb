//! The response of `POST /v1/responses/compact`: what the client sends in place of the conversation.

use serde::Serialize;

use super::format::{ResponsesFormat, ResponsesOutput};
use super::head::UsageObject;
use super::json_of;
use super::writer::ResponsesWriter;
use crate::converse::JsonText;
use crate::converse::dialect::ResponseFormat;
use crate::converse::output::{OutputOptions, ResponseSummary};
use crate::dialects::openai_responses::request::StringOrList;
use crate::dialects::openai_responses::request::types::{
    InputItem, ResponsesInputPart, ResponsesRequest,
};
use crate::error::{ApiError, FieldNames};

/// The format of a compacted conversation.
#[derive(Debug)]
pub struct CompactFormat {
    format: ResponsesFormat,
    /// The messages of the user, which stay as they are.
    kept: Vec<JsonText>,
}

#[derive(Serialize)]
struct CompactedResponse<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    output: Vec<&'a JsonText>,
    usage: UsageObject,
}

impl CompactFormat {
    /// The format of the compaction of `request`, whose own response would have `format`.
    pub fn new(format: ResponsesFormat, request: &ResponsesRequest) -> Self {
        let stem = format.head().stem();
        let items: Vec<&InputItem> = match &request.input {
            Some(StringOrList::List(items)) => items.iter().map(AsRef::as_ref).collect(),
            Some(StringOrList::String(_)) | None => Vec::new(),
        };
        let text = match &request.input {
            Some(StringOrList::String(text)) => Some(InputItem {
                role: Some("user".to_owned()),
                content: Some(StringOrList::String(text.clone())),
                ..InputItem::default()
            }),
            Some(StringOrList::List(_)) | None => None,
        };
        let is_of_user = |item: &&InputItem| {
            matches!(item.kind.as_deref(), None | Some("message"))
                && item.role.as_deref() == Some("user")
        };
        let messages = items.into_iter().chain(&text).filter(is_of_user);
        let kept = (0..).zip(messages);
        let kept = kept.map(|(index, item)| kept_message(item, &format!("msg_{stem}k{index:04x}")));
        Self {
            kept: kept.collect(),
            format: format.compacting(),
        }
    }
}

/// A message in the form of stored items: with an id, a status, and parts.
fn kept_message(item: &InputItem, id: &str) -> JsonText {
    let mut item = item.clone();
    item.kind = Some("message".to_owned());
    item.id.get_or_insert_with(|| id.to_owned());
    item.status = Some(json_of(&"completed"));
    if let Some(StringOrList::String(text)) = item.content {
        let part = ResponsesInputPart {
            kind: Some("input_text".to_owned()),
            text: Some(text),
            ..ResponsesInputPart::default()
        };
        item.content = Some(StringOrList::List(vec![Box::new(part)]));
    }
    json_of(&item)
}

impl ResponseFormat for CompactFormat {
    type Stream = ResponsesWriter;
    type Choice = ResponsesOutput;

    fn names(&self) -> &dyn FieldNames {
        self.format.names()
    }

    fn stream(&self, output_options: &OutputOptions) -> ResponsesWriter {
        self.format.stream(output_options)
    }

    fn choice(&self, index: u32, output_options: &OutputOptions) -> ResponsesOutput {
        self.format.choice(index, output_options)
    }

    fn json(
        &self,
        choices: &[ResponsesOutput],
        _output_options: &OutputOptions,
        summary: &ResponseSummary,
    ) -> Result<Vec<u8>, ApiError> {
        let choice = choices.first().ok_or_else(ApiError::internal)?;
        let head = self.format.head();
        let response = CompactedResponse {
            id: head.id(),
            object: "response.compaction",
            created_at: head.created_at(),
            output: self.kept.iter().chain(choice.complete_items()?).collect(),
            usage: UsageObject::from(summary.usage.unwrap_or_default()),
        };
        serde_json::to_vec(&response).map_err(|_| ApiError::internal())
    }
}
