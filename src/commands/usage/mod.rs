//! `outcrop usage`: what requests used and cost, straight from the store.

mod show;

pub(super) use show::dollars;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::BAD_CONFIGURATION;
use crate::config::{Overrides, load};
use crate::store::{Store, StoreError, UsageDimension};
use crate::usage::{ExportFormat, ExportSelection, UsageExport};

#[derive(Debug, Subcommand)]
pub(super) enum UsageCommand {
    /// Print sums of requests, tokens and cost
    Show {
        #[command(flatten)]
        source: SourceArguments,
        /// What to group by: day, team, user, key, model
        #[arg(long, value_delimiter = ',', default_value = "team,model", value_parser = dimension)]
        by: Vec<UsageDimension>,
        /// Print a JSON list instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Write sums by day, or records, as CSV or JSON lines
    Export {
        #[command(flatten)]
        source: SourceArguments,
        /// `csv`, `jsonl` (JSON lines), or `focus` (CSV with the columns of FOCUS)
        #[arg(long, default_value = "csv", value_parser = ExportFormat::parse)]
        format: ExportFormat,
        /// One row for each request instead of sums by day
        #[arg(long)]
        records: bool,
    },
}

/// Which store, and which days of it.
#[derive(Debug, Args)]
pub(super) struct SourceArguments {
    /// Configuration file [default: outcrop.toml in the working directory, if it exists]
    #[arg(long, env = "OUTCROP_CONFIG")]
    config: Option<PathBuf>,
    /// First day, such as 2026-11-01 [default: the first there is]
    #[arg(long, value_parser = day)]
    from: Option<String>,
    /// Last day [default: the last there is]
    #[arg(long, value_parser = day)]
    to: Option<String>,
}

/// Why a command has no result.
enum CommandError {
    /// The message for the operator.
    Message(String),
    /// The reader of the output has gone, such as `head`.
    Closed,
}

/// The store of the configuration, and the days.
struct UsageSource {
    store: Arc<Store>,
    from: Option<String>,
    to: Option<String>,
}

impl UsageCommand {
    pub(super) async fn run(self) -> ExitCode {
        let source = match &self {
            Self::Show { source, .. } | Self::Export { source, .. } => source.open(),
        };
        let source = match source {
            Ok(source) => source,
            Err(code) => return code,
        };
        let output = io::stdout().lock();
        let done = match self {
            Self::Show { by, json, .. } => show::run(&source, &by, json, output).await,
            Self::Export {
                format, records, ..
            } => source.export(format, records, output).await,
        };
        source.store.close().await;
        match done {
            Ok(()) | Err(CommandError::Closed) => ExitCode::SUCCESS,
            Err(CommandError::Message(message)) => {
                // A closed standard error cannot be reported anywhere.
                let _ = writeln!(io::stderr(), "outcrop: {message}");
                ExitCode::FAILURE
            }
        }
    }
}

impl SourceArguments {
    fn open(&self) -> Result<UsageSource, ExitCode> {
        let overrides = Overrides {
            file: self.config.clone(),
            ..Overrides::default()
        };
        let config = load(&overrides).map_err(|mistakes| {
            eprintln!("outcrop: {mistakes}");
            ExitCode::from(BAD_CONFIGURATION)
        })?;
        let path = &config.store.path;
        if !path.exists() {
            eprintln!(
                "outcrop: {}: no such file; `outcrop serve` stores usage there with `[usage] enabled \
                 = true`, or once a key has been created",
                path.display()
            );
            return Err(ExitCode::FAILURE);
        }
        Ok(UsageSource {
            store: Arc::new(Store::at(path)),
            from: self.from.clone(),
            to: self.to.clone(),
        })
    }
}

impl UsageSource {
    fn days(&self) -> (Option<&str>, Option<&str>) {
        (self.from.as_deref(), self.to.as_deref())
    }

    async fn export(
        &self,
        format: ExportFormat,
        records: bool,
        mut output: impl Write,
    ) -> Result<(), CommandError> {
        let selection = ExportSelection {
            format,
            records,
            from: self.from.clone(),
            to: self.to.clone(),
        };
        let export = UsageExport::new(Arc::clone(&self.store), selection);
        let mut export = export.map_err(|remedy| CommandError::Message(remedy.to_owned()))?;
        while let Some(part) = export.next().await? {
            output.write_all(&part)?;
        }
        Ok(output.flush()?)
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Message(format!("standard output: {error}")),
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Message(error.to_string())
    }
}

/// A day as the store has it.
fn day(text: &str) -> Result<String, String> {
    let date: Result<Date, _> = text.parse();
    match date {
        Ok(date) => Ok(date.to_string()),
        Err(_) => Err("write a day such as 2026-11-22".to_owned()),
    }
}

fn dimension(word: &str) -> Result<UsageDimension, String> {
    let mut all = UsageDimension::ALL.into_iter();
    all.find(|dimension| dimension.as_str() == word)
        .ok_or_else(|| "write day, team, user, key or model".to_owned())
}
