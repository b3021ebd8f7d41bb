//! What can be typed: one file a command.

mod check;
#[cfg(feature = "demo")]
mod demo;
mod explain;
mod greeting;
mod healthcheck;
mod local;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Overrides;

/// The exit code of a configuration with mistakes in it.
const BAD_CONFIGURATION: u8 = 2;

/// The images are built without the simulator.
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
    /// Serve Bedrock's models, with the AWS credentials of the standard chain
    Serve(CommonArguments),
    /// Try it out without an AWS account: the gateway in front of a simulated Bedrock
    Demo {
        /// The address to listen on
        #[arg(long, env = "OUTCROP_LISTEN", default_value = "127.0.0.1:8080")]
        listen: String,
    },
    /// Tell what stands between this machine and a first answer from Bedrock
    Check {
        #[command(flatten)]
        settings: CommonArguments,
        /// Call this model too, for one token
        #[arg(long)]
        model: Option<String>,
        /// Check the configuration alone; send nothing
        #[arg(long, conflicts_with = "model")]
        offline: bool,
    },
    /// Tell what would be sent to Bedrock for a chat request, without sending it
    Explain {
        #[command(flatten)]
        settings: CommonArguments,
        /// The request's JSON; `-` for standard input
        file: PathBuf,
    },
    /// Ask the gateway on this machine whether it is alive; for container health checks
    Healthcheck {
        /// The address the gateway listens on
        #[arg(long, env = "OUTCROP_LISTEN", default_value = "127.0.0.1:8080")]
        listen: String,
    },
}

/// What `serve`, `check` and `explain` take.
#[derive(Debug, Args)]
struct CommonArguments {
    /// The configuration; outcrop.toml of the working directory where there is one
    #[arg(long, env = "OUTCROP_CONFIG")]
    config: Option<PathBuf>,
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "OUTCROP_LISTEN")]
    listen: Option<String>,
}

impl Arguments {
    /// Runs the command to its end.
    pub fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("outcrop: the runtime could not be started: {error}");
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
            Self::Demo { listen } => demo::run(&listen, api_keys()).await,
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
            Self::Healthcheck { listen } => healthcheck::run(&listen).await,
        }
    }
}

impl CommonArguments {
    fn overrides(self) -> Overrides {
        Overrides {
            file: self.config,
            listen: self.listen,
            api_keys: api_keys(),
        }
    }
}

/// Not a flag: arguments can be seen by everyone on the machine.
fn api_keys() -> Option<String> {
    std::env::var("OUTCROP_API_KEYS").ok()
}
