//! The response for load tests: prepared once, sent to every call.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::families::Family;
use crate::faults::Faults;
use crate::frames;
use crate::options::FixedResponseSize;
use crate::play::{Step, Steps};
use crate::reply::{Reply, ReplyBody};
use crate::response::output::{ModelOutput, Part};
use crate::stamp::{self, StampedFrame};

/// Repeated to the requested length.
const FILLER: &str = "The quick brown fox jumps over the lazy dog. ";

/// The prepared response for both operations.
#[derive(Debug)]
pub(crate) struct FixedResponse {
    non_streaming: Bytes,
    steps: Steps,
}

impl FixedResponse {
    pub(crate) fn new(
        FixedResponseSize {
            bytes,
            deltas,
            delta_interval,
        }: FixedResponseSize,
        word_delay: Duration,
    ) -> Self {
        let text: String = FILLER.chars().cycle().take(bytes).collect();
        let texts = match delta_interval {
            None => split_evenly(&text, deltas),
            Some(_) => vec![stamp::BLANK.to_owned(); deltas],
        };
        let model_output = |texts| ModelOutput {
            parts: vec![Part::Text(texts)],
            stop_reason: "end_turn".to_owned(),
            usage: json!({ "inputTokens": 10, "outputTokens": deltas, "totalTokens": 10 + deltas }),
            ..ModelOutput::default()
        };
        // The default family has the simplest response.
        let family = Family::of("");
        let non_streaming = match model_output(vec![text]).non_streaming(&family).body {
            ReplyBody::Complete(body) => body,
            _ => Bytes::new(),
        };
        let steps = match model_output(texts).events(&family).body {
            ReplyBody::Events(frames) => {
                Faults::new(Vec::new(), word_delay).applied_to_stream(frames, frames::exception)
            }
            _ => Steps::from([]),
        };
        let steps = match delta_interval {
            None => steps,
            Some(interval) => steps.iter().map(|step| paced(step, interval)).collect(),
        };
        Self {
            non_streaming,
            steps,
        }
    }

    pub(crate) fn non_streaming(&self) -> Reply {
        Reply::json(StatusCode::OK, self.non_streaming.clone())
    }

    pub(crate) fn events(&self) -> Reply {
        Reply {
            body: ReplyBody::Prepared(self.steps.clone()),
            ..Reply::events(Vec::new())
        }
    }
}

/// The step at the pace of the stream, with the time of its sending, if it is a delta.
fn paced(step: &Step, interval: Duration) -> Step {
    let frame = match step {
        Step::Send(frame) => StampedFrame::of(frame),
        _ => None,
    };
    frame.map_or_else(|| step.clone(), |frame| Step::Stamp(frame, interval))
}

/// Splits an ASCII text into exactly `count` parts of nearly equal length; some are empty if
/// `count` exceeds the length.
fn split_evenly(text: &str, count: usize) -> Vec<String> {
    let end = |index: usize| text.len() * index / count.max(1);
    (0..count)
        .map(|index| {
            text.get(end(index)..end(index + 1))
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_stream_has_the_configured_number_of_deltas() {
        let fixed = FixedResponse::new(
            FixedResponseSize {
                bytes: 100,
                deltas: 7,
                delta_interval: None,
            },
            Duration::ZERO,
        );
        let deltas = fixed.steps.iter().filter(|step| match step {
            Step::Send(frame) => frame.windows(17).any(|bytes| bytes == b"contentBlockDelta"),
            _ => false,
        });
        assert_eq!(deltas.count(), 7);
        assert_eq!(split_evenly("abcdefghij", 3), ["abc", "def", "ghij"]);
    }
}
