use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use clap::{Args, Subcommand};
use serde::Serialize;
use time::OffsetDateTime;

use super::{BAD_CONFIGURATION, environment};
use crate::admin::{Actor, AdminTokens, AuditLog, Change, Scope, TokenView};
use crate::config::{Overrides, load, parse_instant};
use crate::store::Store;

/// `outcrop admin`
#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Manage tokens for the admin API
    #[command(subcommand)]
    Tokens(TokensCommand),
}

/// `outcrop admin tokens`
#[derive(Debug, Subcommand)]
pub(super) enum TokensCommand {
    /// Create a token, and print it once
    Create {
        /// Name, which the audit log shows
        name: String,
        /// What it may do: read, keys (manage teams and keys, read usage) or all
        #[arg(long)]
        scope: Scope,
        /// Date or time at which it expires [default: never]
        #[arg(long)]
        expires: Option<String>,
        #[command(flatten)]
        arguments: TokenArguments,
    },
    /// List tokens, without the tokens themselves
    List {
        #[command(flatten)]
        arguments: TokenArguments,
    },
    /// Revoke a token
    Revoke {
        /// Id of the token
        id: String,
        #[command(flatten)]
        arguments: TokenArguments,
    },
}

/// The arguments of all of them.
#[derive(Debug, Args)]
pub(super) struct TokenArguments {
    /// Configuration file with the path of the store [default: outcrop.toml in the working
    /// directory, if it exists]
    #[arg(long, env = "OUTCROP_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// A token that was created, for scripts.
#[derive(Serialize)]
struct CreatedJson<'a> {
    token: &'a str,
    #[serde(flatten)]
    view: &'a TokenView,
}

impl AdminCommand {
    pub(super) async fn run(self) -> ExitCode {
        let Self::Tokens(command) = self;
        let arguments = match &command {
            TokensCommand::Create { arguments, .. }
            | TokensCommand::List { arguments }
            | TokensCommand::Revoke { arguments, .. } => arguments,
        };
        let overrides = Overrides {
            file: arguments.config.clone().into(),
            ..environment()
        };
        let config = match load(&overrides) {
            Ok(config) => config,
            Err(mistakes) => {
                eprintln!("outcrop: {mistakes}");
                return ExitCode::from(BAD_CONFIGURATION);
            }
        };
        let store = Arc::new(Store::at(&config.store.path));
        let done = command.run(&store).await;
        store.close().await;
        match done {
            Ok(text) => {
                // A closed pipe, as of `head`, is not an error.
                let _ = writeln!(std::io::stdout(), "{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("outcrop: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

impl TokensCommand {
    /// Runs the command; returns what it prints.
    async fn run(self, store: &Arc<Store>) -> Result<String, String> {
        let tokens = AdminTokens::new(Arc::clone(store));
        let now = OffsetDateTime::now_utc().unix_timestamp();
        match self {
            Self::Create {
                name,
                scope,
                expires,
                arguments,
            } => {
                let expires_at = expires.as_deref().map(unix_seconds).transpose()?;
                let created = tokens.create(&name, scope, expires_at, now).await;
                let created = created.map_err(|error| error.to_string())?;
                let view = &created.view;
                record(store, "token.create", view).await?;
                let token = created.expose();
                match arguments.json {
                    true => json(&CreatedJson { token, view }),
                    false => Ok(format!(
                        "{token}\n\nToken `{}` ({}) may do: {}. It is shown only now.",
                        view.name, view.id, view.scope
                    )),
                }
            }
            Self::List { arguments } => {
                let listed = tokens.list().await.map_err(|error| error.to_string())?;
                match arguments.json {
                    true => json(&listed),
                    false => Ok(table(&listed)),
                }
            }
            Self::Revoke { id, arguments } => {
                let revoked = tokens.revoke(&id, now).await;
                let revoked = revoked.map_err(|error| error.to_string())?;
                let view = revoked.ok_or_else(|| {
                    format!("there is no token `{id}`; `outcrop admin tokens list` shows all")
                })?;
                record(store, "token.revoke", &view).await?;
                match arguments.json {
                    true => json(&view),
                    false => Ok(format!("Token `{}` ({}) is revoked.", view.name, view.id)),
                }
            }
        }
    }
}

async fn record(store: &Arc<Store>, action: &'static str, view: &TokenView) -> Result<(), String> {
    let change = Change {
        action,
        subject: &view.id,
        before: None::<&()>,
        after: Some(view),
    };
    let audit = AuditLog::new(Arc::clone(store));
    let recorded = audit.record(&Actor::command(), change).await;
    recorded.map_err(|error| error.to_string())
}

fn unix_seconds(text: &str) -> Result<i64, String> {
    let time = parse_instant(text).map_err(|remedy| format!("--expires: `{text}`; {remedy}"))?;
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(seconds.as_secs()).unwrap_or(i64::MAX))
}

fn json(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(value).map_err(|error| error.to_string())
}

/// A line for each token.
fn table(tokens: &[TokenView]) -> String {
    let mut text = format!(
        "{:<28} {:<5} {:<21} {:<21} {}",
        "ID", "SCOPE", "EXPIRES", "REVOKED", "NAME"
    );
    for token in tokens {
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
        text.push_str(&format!(
            "\n{:<28} {:<5} {:<21} {:<21} {}",
            token.id,
            token.scope.to_string(),
            time(&token.expires_at),
            time(&token.revoked_at),
            token.name
        ));
    }
    text
}
