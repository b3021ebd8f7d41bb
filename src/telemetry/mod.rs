//! The log: text on a terminal, JSON lines otherwise. The metrics are in a folder of their own.

#[cfg(test)]
mod captured;
mod json;
mod lines;
mod metrics;
mod request_line;
mod request_log;
mod text;

use std::fmt;
use std::io::IsTerminal;
use std::sync::Arc;

use tracing_subscriber::fmt::{FormatEvent, FormatFields, MakeWriter, SubscriberBuilder};
use tracing_subscriber::{EnvFilter, Registry};

pub use json::JsonFormatter;
pub use metrics::{Metrics, MetricsBuilder, MetricsFormat, RequestMetrics, UsedBudget};
pub use request_log::log_request;

use crate::bedrock::SDK_LOG;
use crate::config::{LogFormat, LogSettings};
use text::TextFormatter;

/// The log. Buffered lines are written when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Log(LogLevel);

/// The level of the log, which can change. Clones share it.
#[derive(Clone)]
pub struct LogLevel(Arc<dyn Fn(EnvFilter) + Send + Sync>);

/// Starts the log. `RUST_LOG` takes precedence over the configured level.
pub fn start(settings: &LogSettings) -> Log {
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
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter(settings));
    // Without the thread, buffered lines would never be written.
    let level = match (lines::start(), json) {
        (Ok(()), true) => {
            let subscriber = subscriber.event_format(JsonFormatter);
            started(subscriber.with_writer(|| lines::LineWriter))
        }
        (Ok(()), false) => {
            let subscriber = subscriber.with_ansi(colors).event_format(text);
            started(subscriber.with_writer(|| lines::LineWriter))
        }
        (Err(_), true) => started(subscriber.event_format(JsonFormatter)),
        (Err(_), false) => started(subscriber.with_ansi(colors).event_format(text)),
    };
    Log(level)
}

fn filter(settings: &LogSettings) -> EnvFilter {
    match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) if !directives.is_empty() => EnvFilter::new(directives),
        _ => EnvFilter::new(format!("{SDK_LOG},{}", settings.level)),
    }
}

fn started<N, E, W>(subscriber: SubscriberBuilder<N, E, EnvFilter, W>) -> LogLevel
where
    N: for<'w> FormatFields<'w> + Send + Sync + 'static,
    E: FormatEvent<Registry, N> + Send + Sync + 'static,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let subscriber = subscriber.with_filter_reloading();
    let handle = subscriber.reload_handle();
    // A second start has no effect.
    let _ = subscriber.try_init();
    LogLevel(Arc::new(move |filter| {
        // An error means that the log has not been started.
        let _ = handle.reload(filter);
    }))
}

/// Writes buffered lines, for a process that ends without dropping its [`Log`].
pub fn flush() {
    lines::flush();
}

impl Log {
    /// The level.
    pub fn level(&self) -> LogLevel {
        self.0.clone()
    }
}

impl LogLevel {
    /// Changes the level to that of `settings`.
    pub fn change(&self, settings: &LogSettings) {
        (self.0)(filter(settings));
    }
}

impl fmt::Debug for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LogLevel(..)")
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        flush();
    }
}
