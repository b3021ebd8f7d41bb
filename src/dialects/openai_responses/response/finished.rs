//! A response that has ended and is stored before the client receives its end.

use super::ending::Ending;
use super::head::{ResponseHead, ResponseObject, ResponseState};
use super::json_of;
use crate::converse::JsonText;
use crate::converse::output::ResponseSummary;

/// A response that has ended.
#[derive(Debug, Clone)]
pub struct FinishedResponse {
    pub(super) ending: Ending,
    pub(super) output: Vec<JsonText>,
    pub(super) summary: ResponseSummary,
    /// In Unix seconds.
    pub(super) ended_at: u64,
}

/// A response that has failed in the background, as it is stored.
#[derive(Debug, Clone)]
pub struct FailedResponse {
    /// The response object without its output.
    pub document: JsonText,
    /// The items so far.
    pub output: Vec<JsonText>,
}

impl FinishedResponse {
    /// `completed` or `incomplete`.
    pub fn status(&self) -> &'static str {
        self.ending.status()
    }

    /// The items that the model wrote.
    pub fn output(&self) -> &[JsonText] {
        &self.output
    }

    /// The response object, which states whether the response is stored.
    pub fn object(&self, head: &ResponseHead, is_stored: bool) -> JsonText {
        json_of(&ResponseObject::new(head, self.state(is_stored)))
    }

    /// The object as it is stored: without the output, which is stored item by item.
    pub fn document(&self, head: &ResponseHead) -> JsonText {
        let state = ResponseState {
            output: &[],
            ..self.state(true)
        };
        json_of(&ResponseObject::new(head, state))
    }

    pub(super) fn state(&self, is_stored: bool) -> ResponseState<'_> {
        let state = self
            .ending
            .state(&self.output, &self.summary, self.ended_at);
        ResponseState { is_stored, ..state }
    }
}
