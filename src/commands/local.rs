//! Requests from the command line, which use the gateway like those of clients.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::bedrock::Bedrock;
use crate::catalog::Tables;
use crate::config::Config;
use crate::dialects::openai_chat::ChatRequest;
use crate::fetch::Fetcher;
use crate::gateway::{ChatCall, Gateway};
use crate::identity::Caller;
use crate::usage::{Ledger, RequestHead, UsageQueue, UsageReaders};
use crate::wire::ParsedBody;

/// The gateway of a configuration.
pub(super) fn gateway(
    config: &Config,
    tables: Tables,
    bedrock: Bedrock,
) -> Result<Gateway, String> {
    let fetcher = Fetcher::new(&config.fetch).map_err(|error| error.to_string())?;
    Ok(Gateway::new(config, tables, bedrock, fetcher))
}

/// A call with the chat request in `body`, for `command`.
pub(super) fn chat_call(
    command: &str,
    body: Bytes,
) -> serde_json::Result<ChatCall<ParsedBody<ChatRequest>>> {
    Ok(ChatCall {
        caller: Caller::named("local"),
        request: ParsedBody::new(serde_json::from_slice(&body)?, body),
        permit: None,
        headers: None,
        ledger: Arc::new(Ledger::open(
            RequestHead {
                path: command.to_owned(),
                ..RequestHead::default()
            },
            &UsageQueue::start(UsageReaders::new(Vec::new()), Duration::ZERO),
        )),
    })
}
