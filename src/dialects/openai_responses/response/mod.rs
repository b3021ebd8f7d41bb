//! Output events as a response object, and as the events of a stream.

mod built_in;
mod calls;
mod citations;
mod compact;
mod compaction;
mod echo;
mod ending;
mod events;
mod failure;
mod finished;
mod followed;
mod format;
mod head;
mod items;
mod message;
mod reasoning;
mod replay;
mod writer;

pub use compact::CompactFormat;
pub use finished::{FailedResponse, FinishedResponse};
pub(super) use followed::{count_events, ended_event, from_event, is_ended, keepalive};
pub use format::{ResponsesFormat, ResponsesOutput};
pub use head::ResponseHead;
pub(super) use replay::replayed;
pub use writer::ResponsesWriter;

use serde::Serialize;

use crate::converse::JsonText;

/// `value` as JSON. The values are strings, numbers and plain structs, so that this cannot fail.
fn json_of<T: Serialize + ?Sized>(value: &T) -> JsonText {
    JsonText::of(value).unwrap_or_else(|_| JsonText::empty_object())
}
