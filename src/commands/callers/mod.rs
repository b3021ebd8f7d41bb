//! `outcrop teams`, `outcrop keys` and `outcrop budgets`: what is in the store, also while gateways
//! use it, or through the admin API of a gateway.

mod allowance;
mod budgets;
mod keys;
mod table;
mod target;
mod teams;

pub(super) use budgets::BudgetsCommand;
pub(super) use keys::KeysCommand;
pub(super) use teams::TeamsCommand;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::{BAD_ARGUMENTS, BAD_CONFIGURATION, STORE_REMEDY, admin_client, api_keys};
use crate::admin::ClientError;
use crate::config::{Mistakes, Overrides, load};
use crate::identity::administration::AdministrationError;
use target::Callers;

/// The arguments of all of these commands.
#[derive(Debug, Args)]
pub(super) struct TargetArguments {
    /// Configuration file with the path of the store [default: outcrop.toml in the working
    /// directory, if it exists]
    #[arg(long, env = "OUTCROP_CONFIG")]
    config: Option<PathBuf>,
    /// Admin API of a gateway to use instead of the store, such as http://127.0.0.1:8081; the
    /// environment variable OUTCROP_ADMIN_TOKEN has the token
    #[arg(long)]
    url: Option<String>,
    /// Print JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// Why a command has failed.
#[derive(Debug)]
enum CommandError {
    Configuration(Mistakes),
    Administration(AdministrationError),
    Client(ClientError),
}

/// What a command prints: a text for people, or JSON.
struct Output {
    text: String,
    json: serde_json::Result<String>,
}

/// Runs `command` with the teams and keys of the store and the configuration, or of a gateway.
async fn with_callers(
    arguments: TargetArguments,
    command: impl AsyncFnOnce(&Callers) -> Result<Output, CommandError>,
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
    arguments: &TargetArguments,
    command: impl AsyncFnOnce(&Callers) -> Result<Output, CommandError>,
) -> Result<Output, CommandError> {
    let callers = match &arguments.url {
        Some(url) => Callers::Api(Box::new(admin_client(url)?)),
        None => {
            let overrides = Overrides {
                file: arguments.config.clone().into(),
                api_keys: api_keys(),
                ..Overrides::default()
            };
            let config = load(&overrides).map_err(CommandError::Configuration)?;
            Callers::of_store(&config)
        }
    };
    let result = command(&callers).await;
    callers.close().await;
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
            Self::Client(error) if error.is_about_arguments() => ExitCode::from(BAD_ARGUMENTS),
            Self::Administration(_) | Self::Client(_) => ExitCode::FAILURE,
        }
    }
}

impl From<AdministrationError> for CommandError {
    fn from(error: AdministrationError) -> Self {
        Self::Administration(error)
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
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
            Self::Client(error) => error.fmt(formatter),
        }
    }
}
