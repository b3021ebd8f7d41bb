use super::reader::Section;

/// What is written down: `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// In which form.
    pub format: LogFormat,
    /// Which lines, as tracing-subscriber's directives; `RUST_LOG` goes first.
    pub level: String,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain text on a terminal, JSON elsewhere.
    Auto,
    /// Plain text.
    Text,
    /// One JSON object a line.
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

pub(super) fn read(section: &mut Section<'_>) -> LogSettings {
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
        Err(error) => Err(format!("write \"info\", \"debug\" or the like ({error})")),
    });
    settings
}
