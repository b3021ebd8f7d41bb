//! The answer of load tests: prepared once, sent over and over.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::answer::message::{ModelOutput, Part};
use crate::families::Family;
use crate::faults::Faults;
use crate::options::FixedResponseSize;
use crate::play::Steps;
use crate::reply::{Reply, ReplyBody};

/// Repeated to make up the text.
const FILLER: &str = "The quick brown fox jumps over the lazy dog. ";

/// Both forms of the answer, ready to be sent.
#[derive(Debug)]
pub(crate) struct FixedResponse {
    whole: Bytes,
    steps: Steps,
}

impl FixedResponse {
    pub(crate) fn new(
        FixedResponseSize { bytes, deltas }: FixedResponseSize,
        word_delay: Duration,
    ) -> Self {
        let text: String = FILLER.chars().cycle().take(bytes).collect();
        let made = ModelOutput {
            parts: vec![Part::Text(pieces(&text, deltas))],
            stop_reason: "end_turn".to_owned(),
            usage: json!({ "inputTokens": 10, "outputTokens": deltas, "totalTokens": 10 + deltas }),
            ..ModelOutput::default()
        };
        // Of no family: the plainest answer.
        let family = Family::of("");
        let whole = match made.whole(&family).body {
            ReplyBody::Whole(body) => body,
            _ => Bytes::new(),
        };
        let steps = match made.events(&family).body {
            ReplyBody::Events(frames) => {
                Faults::new(Vec::new(), word_delay).applied_to_events(frames)
            }
            _ => Steps::from([]),
        };
        Self { whole, steps }
    }

    /// For Converse.
    pub(crate) fn whole(&self) -> Reply {
        Reply::json(StatusCode::OK, self.whole.clone())
    }

    /// For ConverseStream.
    pub(crate) fn events(&self) -> Reply {
        Reply {
            body: ReplyBody::Prepared(self.steps.clone()),
            ..Reply::events(Vec::new())
        }
    }
}

/// Cuts an ASCII text into exactly `count` pieces of nearly the same length; some are empty where
/// there are more pieces than letters.
fn pieces(text: &str, count: usize) -> Vec<String> {
    let end = |piece: usize| text.len() * piece / count.max(1);
    (0..count)
        .map(|piece| {
            text.get(end(piece)..end(piece + 1))
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::Step;

    #[test]
    fn a_fixed_stream_has_exactly_as_many_deltas_as_asked_for() {
        let fixed = FixedResponse::new(
            FixedResponseSize {
                bytes: 100,
                deltas: 7,
            },
            Duration::ZERO,
        );
        let deltas = fixed.steps.iter().filter(|step| match step {
            Step::Send(frame) => frame.windows(17).any(|bytes| bytes == b"contentBlockDelta"),
            _ => false,
        });
        assert_eq!(deltas.count(), 7);
        assert_eq!(pieces("abcdefghij", 3), ["abc", "def", "ghij"]);
    }
}
