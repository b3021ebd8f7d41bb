//! `outcrop usage`: what requests used and cost, from the store, or through the admin API of a
//! gateway.

mod show;
mod source;

pub(super) use show::dollars;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{BAD_ARGUMENTS, BAD_CONFIGURATION, admin_client};
use crate::admin::ClientError;
use crate::config::{Overrides, load};
use crate::store::{Store, StoreError, UsageDimension};
use crate::usage::{ExportFormat, ExportSelection};
use source::{Days, UsageSource};

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

/// Which store or gateway, and which days of it.
#[derive(Debug, Args)]
pub(super) struct SourceArguments {
    /// Configuration file [default: outcrop.toml in the working directory, if it exists]
    #[arg(long, env = "OUTCROP_CONFIG")]
    config: Option<PathBuf>,
    /// Admin API of a gateway to use instead of the store, such as http://127.0.0.1:8081; the
    /// environment variable OUTCROP_ADMIN_TOKEN has the token
    #[arg(long)]
    url: Option<String>,
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

impl UsageCommand {
    pub(super) async fn run(self) -> ExitCode {
        let (Self::Show { source: place, .. } | Self::Export { source: place, .. }) = &self;
        let source = match place.open() {
            Ok(source) => source,
            Err(code) => return code,
        };
        let days = place.days();
        let output = io::stdout().lock();
        let done = match &self {
            Self::Show { by, json, .. } => show::run(&source, by, days, *json, output).await,
            Self::Export {
                format, records, ..
            } => {
                let (from, to) = days;
                let selection = ExportSelection {
                    format: *format,
                    records: *records,
                    from: from.map(str::to_owned),
                    to: to.map(str::to_owned),
                };
                export(&source, selection, output).await
            }
        };
        source.close().await;
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

/// `outcrop usage export`
async fn export(
    source: &UsageSource,
    selection: ExportSelection,
    mut output: impl Write,
) -> Result<(), CommandError> {
    let mut file = source.export(selection).await?;
    while let Some(part) = file.next().await? {
        output.write_all(&part)?;
    }
    Ok(output.flush()?)
}

impl SourceArguments {
    fn open(&self) -> Result<UsageSource, ExitCode> {
        if let Some(url) = &self.url {
            let client = admin_client(url).map_err(|error| {
                eprintln!("outcrop: {error}");
                ExitCode::from(BAD_ARGUMENTS)
            })?;
            return Ok(UsageSource::Api(Box::new(client)));
        }
        let overrides = Overrides {
            file: self.config.clone().into(),
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
        Ok(UsageSource::Store(Arc::new(Store::at(path))))
    }

    fn days(&self) -> Days<'_> {
        (self.from.as_deref(), self.to.as_deref())
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

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
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
