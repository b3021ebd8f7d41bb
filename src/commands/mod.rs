//! The commands: one file for each.

mod admin;
mod callers;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod explain;
mod greeting;
mod healthcheck;
mod local;
mod operators;
mod records;
mod serve;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::admin::{AdminClient, ClientError};
use crate::config::Overrides;
use admin::AdminCommand;
use callers::{BudgetsCommand, KeysCommand, TeamsCommand};

/// The exit code for a configuration with mistakes.
const BAD_CONFIGURATION: u8 = 2;

/// The exit code for arguments with mistakes, as that of the parser.
const BAD_ARGUMENTS: u8 = 2;

/// What to do if the store cannot be opened.
const STORE_REMEDY: &str = "set `[store] path` to a file in a folder that exists and is writable; \
                            if the file is damaged, restore a backup or move it away";

/// Printed by `outcrop demo` in builds without the simulator, such as the container image.
#[cfg(not(feature = "demo"))]
const NO_DEMO: &str = "outcrop: this build does not include the simulated Bedrock; build it with \
                       `cargo build --features demo`, or run `docker compose -f \
                       compose.demo.yaml up` in the repository";

/// An OpenAI-compatible gateway for Amazon Bedrock.
#[derive(Debug, Parser)]
#[command(name = "outcrop", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway, with AWS credentials from the standard chain
    Serve(CommonArguments),
    /// Run the gateway with a simulated Bedrock, without an AWS account
    Demo {
        /// Configuration file, whose AWS settings are not used [default: none]
        #[arg(long)]
        config: Option<PathBuf>,
        /// Address to listen on [default: 127.0.0.1:8080]
        #[arg(long, env = "OUTCROP_LISTEN")]
        listen: Option<String>,
    },
    /// Check the configuration, AWS credentials, permissions and models
    Check {
        #[command(flatten)]
        settings: CommonArguments,
        /// Also call this model, for one output token
        #[arg(long)]
        model: Option<String>,
        /// Check the configuration only; send no requests
        #[arg(long, conflicts_with = "model")]
        offline: bool,
    },
    /// Print the Bedrock request of a chat request without sending it
    Explain {
        #[command(flatten)]
        settings: CommonArguments,
        /// File with the JSON of the chat request; `-` for standard input
        file: PathBuf,
    },
    /// Manage the tokens of operators
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Manage teams and their limits
    #[command(subcommand)]
    Teams(TeamsCommand),
    /// Manage API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Show and change budgets
    #[command(subcommand)]
    Budgets(BudgetsCommand),
    /// Show and export what requests used and cost
    #[command(subcommand)]
    Usage(usage::UsageCommand),
    /// Check that the gateway on this machine is alive; for container health checks
    Healthcheck {
        /// Address that the gateway listens on
        #[arg(long, env = "OUTCROP_LISTEN", default_value = "127.0.0.1:8080")]
        listen: String,
    },
}

/// The arguments of `serve`, `check` and `explain`.
#[derive(Debug, Args)]
struct CommonArguments {
    /// Configuration file [default: outcrop.toml in the working directory, if it exists]
    #[arg(long, env = "OUTCROP_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "OUTCROP_LISTEN")]
    listen: Option<String>,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("outcrop: cannot start the runtime: {error}");
                return ExitCode::FAILURE;
            }
        };
        runtime.block_on(self.command.run())
    }
}

impl Command {
    async fn run(self) -> ExitCode {
        match self {
            Self::Serve(settings) => serve::run(&settings.overrides()).await,
            #[cfg(feature = "demo")]
            Self::Demo { config, listen } => demo::run(config, listen, environment()).await,
            #[cfg(not(feature = "demo"))]
            Self::Demo { .. } => {
                eprintln!("{NO_DEMO}");
                ExitCode::FAILURE
            }
            Self::Check {
                settings,
                model,
                offline,
            } => {
                let checks = check::CheckArguments {
                    model: model.as_deref(),
                    offline,
                };
                check::run(&settings.overrides(), checks).await
            }
            Self::Explain { settings, file } => explain::run(&settings.overrides(), &file).await,
            Self::Admin(command) => command.run().await,
            Self::Teams(command) => command.run().await,
            Self::Keys(command) => command.run().await,
            Self::Budgets(command) => command.run().await,
            Self::Usage(command) => command.run().await,
            Self::Healthcheck { listen } => healthcheck::run(&listen).await,
        }
    }
}

impl CommonArguments {
    fn overrides(self) -> Overrides {
        Overrides {
            file: self.config.into(),
            listen: self.listen,
            ..environment()
        }
    }
}

/// The environment variables that no flag overrides.
fn environment() -> Overrides {
    Overrides {
        api_keys: api_keys(),
        admin_listen: std::env::var("OUTCROP_ADMIN_LISTEN").ok(),
        admin_token: admin_token(),
        ..Overrides::default()
    }
}

/// Not a flag, since all users of a machine can see arguments.
fn api_keys() -> Option<String> {
    std::env::var("OUTCROP_API_KEYS").ok()
}

/// Not a flag, as the keys.
fn admin_token() -> Option<String> {
    std::env::var("OUTCROP_ADMIN_TOKEN").ok()
}

/// The admin API at `url`, with the token of the environment.
fn admin_client(url: &str) -> Result<AdminClient, ClientError> {
    match admin_token().filter(|token| !token.is_empty()) {
        Some(token) => AdminClient::new(url, &token),
        None => Err(ClientError::Arguments(
            "--url: set OUTCROP_ADMIN_TOKEN to an admin token; `outcrop admin tokens create` \
             creates one"
                .to_owned(),
        )),
    }
}
