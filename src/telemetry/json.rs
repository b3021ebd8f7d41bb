//! The JSON format of the log: one object for each event.
//!
//! It is tracing-subscriber's, without spans. Every request writes a line of 30 fields, and that
//! crate's formatter executes more instructions for it than the translation of the request.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The size of the line of a chat request, in bytes.
const TYPICAL_LINE: usize = 1 << 10;

/// Formats events as JSON: timestamp, level, message, fields and target.
#[derive(Debug, Clone, Copy)]
pub struct JsonFormatter;

impl<S, N> FormatEvent<S, N> for JsonFormatter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = Line(String::with_capacity(TYPICAL_LINE));
        line.0.push_str("{\"timestamp\":\"");
        SystemTime.format_time(&mut Writer::new(&mut line.0))?;
        line.0.push_str("\",\"level\":\"");
        line.0.push_str(metadata.level().as_str());
        line.0.push('"');
        event.record(&mut line);
        line.name("target");
        line.string(metadata.target());
        line.0.push_str("}\n");
        writer.write_str(&line.0)
    }
}

/// A line to which members are added. Writing to a string does not fail.
struct Line(String);

impl Line {
    /// Names are identifiers in source code, so that none needs an escape.
    fn name(&mut self, name: &str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn string(&mut self, text: &str) {
        self.0.push('"');
        push_escaped(&mut self.0, text);
        self.0.push('"');
    }

    fn number(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field.name());
        let _ = write!(self.0, "{value}");
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field.name());
        self.string(value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match value.is_finite() {
            // Unlike `{}`, a whole number keeps its `.0`.
            true => self.number(field, format_args!("{value:?}")),
            false => self.number(field, "null"),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field.name());
        self.0.push('"');
        let _ = write!(Escaping(&mut self.0), "{value:?}");
        self.0.push('"');
    }
}

/// Escapes what is written, as within quotation marks.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

fn push_escaped(line: &mut String, text: &str) {
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Without an early exit, the compiler checks many bytes at once.
    let is_plain = text
        .bytes()
        .fold(true, |is_plain, byte| is_plain & !needs_escape(byte));
    if is_plain {
        line.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '"' | '\\' => line.extend(['\\', character]),
            '\n' => line.push_str("\\n"),
            '\0'..' ' => {
                let _ = write!(line, "\\u{:04x}", u32::from(character));
            }
            _ => line.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::telemetry::captured::written;

    #[test]
    fn an_event_is_one_object_in_the_order_of_its_fields() {
        let lines = written(JsonFormatter, || {
            tracing::warn!(
                count = 3,
                change = -1,
                share = 1.0,
                ratio = f64::NAN,
                fails = false,
                missing = None::<u64>,
                address = %"::1",
                cause = ?Some("x"),
                "listening"
            );
        });
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        let (time, rest) = line.split_once("\",").unwrap();
        assert_eq!(
            time.len(),
            "{\"timestamp\":\"2026-11-22T15:04:05.000000Z".len()
        );
        assert_eq!(
            rest,
            "\"level\":\"WARN\",\"message\":\"listening\",\"count\":3,\"change\":-1,\"share\":1.0,\
             \"ratio\":null,\"fails\":false,\"address\":\"::1\",\"cause\":\"Some(\\\"x\\\")\",\
             \"target\":\"outcrop::telemetry::json::tests\"}"
        );
    }

    #[test]
    fn any_text_stays_on_its_line_and_is_the_same_after_parsing() {
        let every: String = (0..0x180).filter_map(char::from_u32).collect();
        for text in ["", "\"", "a\\", "\n\n", "é\u{7f}\u{2028}😀", &every] {
            let lines = written(
                JsonFormatter,
                || tracing::info!(text, shown = %text, "called"),
            );
            let [line] = &lines[..] else {
                panic!("{lines:?}")
            };
            let object: Value = serde_json::from_str(line).unwrap();
            assert_eq!(object["text"], json!(text));
            assert_eq!(object["shown"], json!(text));
        }
    }
}
