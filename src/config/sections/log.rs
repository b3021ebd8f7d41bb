use crate::config::reader::Section;

/// The log: `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The format of a line.
    pub format: LogFormat,
    /// Directives for tracing-subscriber; `RUST_LOG` takes precedence.
    pub level: String,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain text on a terminal, JSON elsewhere.
    Auto,
    /// Plain text.
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            level: "info".to_owned(),
        }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> LogSettings {
    let mut settings = LogSettings::default();
    section.text("format", &mut settings.format, |text| match text {
        "auto" => Ok(LogFormat::Auto),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write \"auto\", \"text\" or \"json\"".to_owned()),
    });
    section.text("level", &mut settings.level, |text| match text
        .parse::<tracing_subscriber::filter::EnvFilter>(
    ) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "write a level such as \"info\" or \"debug\" ({error})"
        )),
    });
    settings
}
