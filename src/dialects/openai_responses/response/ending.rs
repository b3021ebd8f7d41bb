//! How a response ends.

use super::head::ResponseState;
use crate::config::OnBlocked;
use crate::converse::JsonText;
use crate::converse::output::ResponseSummary;
use crate::converse::response::StopReason;

/// The end of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    /// Whether the response is `completed`, not `incomplete`.
    pub(super) is_complete: bool,
    /// The reason in `incomplete_details`.
    pub(super) reason: Option<&'static str>,
    /// Whether the last tool call was cut off.
    pub(super) is_cut: bool,
    /// Whether a refusal follows the text.
    pub(super) is_refusal: bool,
}

impl Ending {
    /// The ending for Converse's stop reason.
    pub(super) fn new(reason: &StopReason, on_blocked: OnBlocked) -> Self {
        let complete = Self {
            is_complete: true,
            reason: None,
            is_cut: false,
            is_refusal: false,
        };
        match reason {
            StopReason::EndTurn
            | StopReason::ToolUse
            | StopReason::StopSequence
            | StopReason::MalformedModelOutput
            | StopReason::MalformedToolUse
            | StopReason::Other => complete,
            StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => Self {
                is_complete: false,
                reason: Some("max_output_tokens"),
                is_cut: true,
                ..complete
            },
            StopReason::GuardrailIntervened | StopReason::ContentFiltered | StopReason::Refusal => {
                Self {
                    is_complete: on_blocked != OnBlocked::Incomplete,
                    reason: Some("content_filter"),
                    is_cut: true,
                    is_refusal: on_blocked == OnBlocked::Refusal,
                }
            }
        }
    }

    /// The state of a response that ended at `now` (Unix seconds) with these items.
    pub(super) fn state<'a>(
        self,
        output: &'a [JsonText],
        summary: &'a ResponseSummary,
        now: u64,
    ) -> ResponseState<'a> {
        ResponseState {
            status: self.status(),
            completed_at: self.is_complete.then_some(now),
            error: None,
            reason: self.reason,
            output,
            summary: Some(summary),
            is_stored: false,
        }
    }

    /// The `status` of the response, and of the message at its end.
    pub(super) fn status(self) -> &'static str {
        match self.is_complete {
            true => "completed",
            false => "incomplete",
        }
    }
}
