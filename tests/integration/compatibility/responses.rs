//! The finish reasons of responses.

use std::sync::Arc;

use outcrop::converse::event::Event;
use outcrop::converse::output::{OutputEvents, OutputOptions};
use outcrop::dialects::openai_chat::{Completion, FinishReason};
use outcrop::error::ErrorCode;

use crate::support::sse_writer::STOP_REASONS;

const TEXT: &str = r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#;
const CALL: &str =
    r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t","name":"look_up"}}}"#;

/// The table of stop reasons, by the content of the response.
pub fn finish_reasons() -> Vec<String> {
    let mut lines = vec![
        "| Bedrock's `stopReason` | after text | after a tool call | empty response |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    for reason in STOP_REASONS {
        let label = match reason {
            "something_new" => "any other".to_owned(),
            reason => format!("`{reason}`"),
        };
        let after_text = finish_reason(reason, Some(("contentBlockDelta", TEXT)));
        let after_call = finish_reason(reason, Some(("contentBlockStart", CALL)));
        let after_empty = finish_reason(reason, None);
        lines.push(format!(
            "| {label} | {after_text} | {after_call} | {after_empty} |"
        ));
    }
    lines
}

fn finish_reason(reason: &str, content: Option<(&str, &str)>) -> String {
    let stop = format!(r#"{{"stopReason":"{reason}"}}"#);
    let events = content.into_iter().chain([("messageStop", stop.as_str())]);
    let mut output_events = OutputEvents::new(Arc::new(OutputOptions::default()));
    let mut completion = Completion::new(false);
    for (kind, payload) in events {
        let event = Event::parse(kind, payload.as_bytes()).unwrap();
        if let Err(error) = output_events.accept(&event, &mut completion) {
            let (status, code) = (
                error.kind.status(),
                error.code.map_or("", ErrorCode::as_str),
            );
            return format!("error {status}, `{code}`");
        }
    }
    format!(
        "`{}`",
        FinishReason::new(output_events.stop_reason().unwrap(), false).as_str()
    )
}
