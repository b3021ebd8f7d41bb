//! The log: text on a terminal, JSON lines otherwise. The metrics are in a folder of their own.

mod lines;
mod metrics;
mod request_line;
mod request_log;
mod text;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

pub use metrics::{Metrics, MetricsBuilder, MetricsFormat, RequestMetrics};
pub use request_log::log_request;

use crate::bedrock::SDK_LOG;
use crate::config::{LogFormat, LogSettings};
use text::TextFormatter;

/// The log. Buffered lines are written when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Log(());

/// Starts the log. `RUST_LOG` takes precedence over the configured level.
pub fn start(settings: &LogSettings) -> Log {
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) if !directives.is_empty() => EnvFilter::new(directives),
        _ => EnvFilter::new(format!("{SDK_LOG},{}", settings.level)),
    };
    let terminal = std::io::stdout().is_terminal();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colors = terminal && !no_color;
    let text = TextFormatter {
        is_watched: terminal,
    };
    let json = match settings.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter);
    // Without the thread, buffered lines would never be written.
    let started = match (lines::start(), json) {
        (Ok(()), true) => {
            let subscriber = subscriber.json().flatten_event(true);
            subscriber.with_writer(|| lines::LineWriter).try_init()
        }
        (Ok(()), false) => {
            let subscriber = subscriber.with_ansi(colors).event_format(text);
            subscriber.with_writer(|| lines::LineWriter).try_init()
        }
        (Err(_), true) => subscriber.json().flatten_event(true).try_init(),
        (Err(_), false) => {
            let subscriber = subscriber.with_ansi(colors).event_format(text);
            subscriber.try_init()
        }
    };
    // A second start has no effect.
    let _ = started;
    Log(())
}

/// Writes buffered lines, for a process that ends without dropping its [`Log`].
pub fn flush() {
    lines::flush();
}

impl Drop for Log {
    fn drop(&mut self) {
        flush();
    }
}
