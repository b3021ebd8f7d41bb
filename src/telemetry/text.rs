//! The text format of the log: one short line for each event.

use std::fmt::{self, Write as _};

use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::request_line::RequestLine;
use super::request_log::LOG_TARGET;

/// Formats events as text: time, level, message and fields. Request lines have their own format.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextFormatter {
    /// Whether the output is a terminal: then the time of day (UTC) is enough.
    pub(super) is_watched: bool,
}

/// The fields of an event in order, the message first.
#[derive(Debug, Default)]
pub(super) struct EventFields {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl EventFields {
    /// The value of the field `name`.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value.as_str())
    }

    #[cfg(test)]
    pub(super) fn of(fields: &[(&'static str, &str)]) -> Self {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        Self {
            message: String::new(),
            fields: fields.iter().map(owned).collect(),
        }
    }

    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.fields.push((name, value)),
        }
    }
}

impl Visit for EventFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}

impl<S, N> FormatEvent<S, N> for TextFormatter
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
        let mut fields = EventFields::default();
        event.record(&mut fields);
        match self.is_watched {
            true => {
                let (hour, minute, second) = OffsetDateTime::now_utc().to_hms();
                write!(writer, "{hour:02}:{minute:02}:{second:02}Z")?;
            }
            false => SystemTime.format_time(&mut writer)?,
        }
        writer.write_char(' ')?;
        write_level(&mut writer, *metadata.level())?;
        let text = match metadata.target() == LOG_TARGET {
            true => RequestLine::of(&fields).to_string(),
            false => general(metadata.target(), &fields),
        };
        writeln!(writer, " {}", visible(&text))
    }
}

/// The message, its fields, and the target unless it is the gateway.
fn general(target: &str, fields: &EventFields) -> String {
    let mut text = String::new();
    let is_ours = target.split("::").next() == Some(env!("CARGO_PKG_NAME"));
    if !is_ours {
        text.push_str(target);
        text.push_str(": ");
    }
    text.push_str(&fields.message);
    for (name, value) in &fields.fields {
        let is_plain = !value.is_empty() && !value.contains(char::is_whitespace);
        let _ = match is_plain {
            true => write!(text, " {name}={value}"),
            false => write!(text, " {name}=\"{value}\""),
        };
    }
    text
}

fn write_level(writer: &mut Writer<'_>, level: Level) -> fmt::Result {
    if !writer.has_ansi_escapes() {
        return write!(writer, "{level:>5}");
    }
    let color = match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        _ => 34,
    };
    write!(writer, "\x1b[{color}m{level:>5}\x1b[0m")
}

/// Escapes line breaks and control characters: some text comes from clients.
fn visible(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => escaped.extend(character.escape_default()),
            false => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::captured;

    /// The log lines of `work`, without times.
    fn logged(work: impl FnOnce()) -> Vec<String> {
        let lines = written(false, work);
        let lines = lines.iter().map(|line| line.split_once(' ').unwrap().1);
        lines.map(str::to_owned).collect()
    }

    fn written(is_watched: bool, work: impl FnOnce()) -> Vec<String> {
        captured::written(TextFormatter { is_watched }, work)
    }

    #[test]
    fn a_terminal_shows_only_the_time_of_day() {
        let log = || tracing::info!("hello");
        let time = |line: &str| line.split_once(' ').unwrap().0.len();
        assert_eq!(time(&written(true, log)[0]), "15:04:05Z".len());
        assert_eq!(
            time(&written(false, log)[0]),
            "2026-11-21T15:04:05.000000Z".len()
        );
    }

    #[test]
    fn an_event_is_one_line_of_its_message_and_fields() {
        let lines = logged(|| {
            tracing::info!(address = "127.0.0.1:8080", count = 3, "listening");
            tracing::warn!(reason = "two words", empty = "", "odd");
            tracing::error!(target: "hyper::client", "lost");
        });
        assert_eq!(
            lines,
            [
                " INFO listening address=127.0.0.1:8080 count=3",
                " WARN odd reason=\"two words\" empty=\"\"",
                "ERROR hyper::client: lost",
            ]
        );
    }

    #[test]
    fn client_text_cannot_inject_log_lines_or_terminal_escapes() {
        let lines = logged(|| tracing::info!(model = "a\nb\x1b[2J", "called"));
        assert_eq!(lines, [" INFO called model=\"a\\nb\\u{1b}[2J\""]);
    }
}
