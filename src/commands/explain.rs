use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;

use super::BAD_CONFIGURATION;
use super::local::{chat_call, gateway};
use crate::bedrock::Bedrock;
use crate::catalog::Tables;
use crate::config::{Config, Overrides, load};
use crate::converse::json::describe;
use crate::endpoints::explain::service::{ExplainReader, explain_chat};

/// The timeout for credentials, which may come from a metadata service.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(2);

/// The region for prices if none is configured.
const DEFAULT_REGION: &str = "us-east-1";

/// `outcrop explain`: prints the Bedrock request of the chat request in `file`, `-` for standard
/// input.
pub(super) async fn run(overrides: &Overrides, file: &Path) -> ExitCode {
    let config = match load(overrides) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("outcrop: {mistakes}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    match explain(&config, file).await {
        Ok(explanation) => {
            // A closed pipe, as of `head`, is not an error.
            let _ = writeln!(std::io::stdout(), "{explanation}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("outcrop: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn explain(config: &Config, file: &Path) -> Result<String, String> {
    let body = read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let call = chat_call("explain", body).map_err(|error| {
        format!(
            "{}: not a chat request: {}",
            file.display(),
            describe(&error)
        )
    })?;
    let bedrock = connected(config).await?;
    let tables = Tables::load(&config.catalog.files)?;
    let gateway = gateway(config, tables, bedrock)?;
    let json = explain_chat(&gateway, call, ExplainReader::Operator)
        .await
        .map_err(|error| {
            let parameter = error.parameter.map(|parameter| format!("{parameter}: "));
            format!("{}{}", parameter.unwrap_or_default(), error.message)
        })?;
    indented(&json).map_err(|error| error.to_string())
}

/// Connects to Bedrock if a region and credentials are available. Without them, tokens are not
/// counted by Bedrock and base models are not looked up; everything else is the same.
async fn connected(config: &Config) -> Result<Bedrock, String> {
    let connected = Bedrock::connect(&config.bedrock).await.ok();
    if let Some(bedrock) = &connected
        && let Ok(Ok(_)) = tokio::time::timeout(CREDENTIALS_TIMEOUT, bedrock.credentials()).await
    {
        return Ok(bedrock.clone());
    }
    let region = connected.as_ref().map_or(DEFAULT_REGION, Bedrock::region);
    eprintln!(
        "outcrop: no AWS credentials: tokens are estimated, and prices are those of {region}"
    );
    Bedrock::offline(&config.bedrock, region).map_err(|error| error.to_string())
}

fn read(file: &Path) -> std::io::Result<Bytes> {
    if file.as_os_str() != "-" {
        return std::fs::read(file).map(Bytes::from);
    }
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body)?;
    Ok(body.into())
}

/// Indents the JSON and keeps its order.
fn indented(json: &[u8]) -> serde_json::Result<String> {
    let value: serde_json::Value = serde_json::from_slice(json)?;
    serde_json::to_string_pretty(&value)
}
