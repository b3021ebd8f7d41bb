//! How answers end.

use std::sync::Arc;

use outcrop::converse::event::Event;
use outcrop::openai::chat::{Completion, OutputEvents, OutputOptions};

use crate::support::sse_writer::STOP_REASONS;

const TEXT: &str = r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#;
const CALL: &str =
    r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t","name":"look_up"}}}"#;

/// The table of stop reasons, by what the answer holds.
pub fn finish_reasons() -> Vec<String> {
    let mut lines = vec![
        "| Bedrock's `stopReason` | after text | after a call | after nothing |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    for reason in STOP_REASONS {
        let shown = match reason {
            "something_new" => "any other".to_owned(),
            reason => format!("`{reason}`"),
        };
        let after_text = ending(reason, Some(("contentBlockDelta", TEXT)));
        let after_call = ending(reason, Some(("contentBlockStart", CALL)));
        let after_nothing = ending(reason, None);
        lines.push(format!(
            "| {shown} | {after_text} | {after_call} | {after_nothing} |"
        ));
    }
    lines
}

fn ending(reason: &str, content: Option<(&str, &str)>) -> String {
    let stop = format!(r#"{{"stopReason":"{reason}"}}"#);
    let events = content.into_iter().chain([("messageStop", stop.as_str())]);
    let mut pieces = OutputEvents::new(Arc::new(OutputOptions::default()));
    let mut completion = Completion::new(false);
    for (kind, payload) in events {
        let event = Event::parse(kind, payload.as_bytes()).unwrap();
        if let Err(fault) = pieces.accept(&event, &mut completion) {
            let (status, code) = (fault.kind.status(), fault.code.unwrap_or_default());
            return format!("error {status}, `{code}`");
        }
    }
    format!("`{}`", pieces.finish().unwrap().as_str())
}
