//! `outcrop teams`, `outcrop keys` and `outcrop budgets`: what is in the store, also while gateways
//! use it.

mod allowance;
mod budgets;
mod keys;
mod table;
mod teams;

pub(super) use budgets::BudgetsCommand;
pub(super) use keys::KeysCommand;
pub(super) use teams::TeamsCommand;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;

use super::{BAD_CONFIGURATION, STORE_REMEDY, api_keys};
use crate::admin::{Actor, Audited, AuditedAdministration};
use crate::config::{Mistakes, Overrides, load};
use crate::identity::administration::AdministrationError;
use crate::store::Store;

/// The exit code for arguments with mistakes, as that of the parser.
const BAD_ARGUMENTS: u8 = 2;

/// The arguments of all commands on the store.
#[derive(Debug, Args)]
pub(super) struct StoreArguments {
    /// Configuration file with the path of the store [default: outcrop.toml in the working
    /// directory, if it exists]
    #[arg(long, env = "OUTCROP_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// Why a command has failed.
#[derive(Debug)]
enum CommandError {
    Configuration(Mistakes),
    Administration(AdministrationError),
}

/// What a command prints: a text for people, or JSON.
struct Output {
    text: String,
    json: serde_json::Result<String>,
}

/// Runs `command` with the teams and keys of the store and the configuration.
async fn with_store(
    arguments: StoreArguments,
    command: impl AsyncFnOnce(&AuditedAdministration, i64) -> Result<Output, CommandError>,
) -> ExitCode {
    match run(&arguments, command).await {
        Ok(output) => print(arguments.json, output),
        Err(error) => {
            eprintln!("outcrop: {error}");
            error.exit_code()
        }
    }
}

async fn run(
    arguments: &StoreArguments,
    command: impl AsyncFnOnce(&AuditedAdministration, i64) -> Result<Output, CommandError>,
) -> Result<Output, CommandError> {
    let overrides = Overrides {
        file: arguments.config.clone(),
        api_keys: api_keys(),
        ..Overrides::default()
    };
    let config = load(&overrides).map_err(CommandError::Configuration)?;
    let store = Arc::new(Store::at(&config.store.path));
    let administration = AuditedAdministration::new(&config, &store, Actor::command());
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let result = command(&administration, now).await;
    store.close().await;
    result
}

fn print(as_json: bool, Output { text, json }: Output) -> ExitCode {
    let text = match (as_json, json) {
        (false, _) => text,
        (true, Ok(json)) => format!("{json}\n"),
        (true, Err(error)) => {
            eprintln!("outcrop: {error}");
            return ExitCode::FAILURE;
        }
    };
    // A closed pipe, as of `head`, is not an error.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// What was changed, with a warning if the change could not be recorded.
fn done<T>(Audited { value, recorded }: Audited<T>) -> T {
    if let Err(error) = recorded {
        eprintln!("outcrop: the change is done, but not in the audit log: {error}");
    }
    value
}

impl Output {
    fn new(text: impl Into<String>, json: &impl Serialize) -> Self {
        Self {
            text: text.into(),
            json: serde_json::to_string_pretty(json),
        }
    }
}

impl CommandError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::from(BAD_CONFIGURATION),
            Self::Administration(AdministrationError::Invalid { .. }) => {
                ExitCode::from(BAD_ARGUMENTS)
            }
            Self::Administration(_) => ExitCode::FAILURE,
        }
    }
}

impl From<AdministrationError> for CommandError {
    fn from(error: AdministrationError) -> Self {
        Self::Administration(error)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(mistakes) => mistakes.fmt(formatter),
            Self::Administration(error @ AdministrationError::Store(_)) => {
                write!(formatter, "{error}; {STORE_REMEDY}")
            }
            Self::Administration(error) => error.fmt(formatter),
        }
    }
}
