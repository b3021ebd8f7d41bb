//! The life of a model request: the page to read first.
//!
//! The caller is known and the body is parsed when a request arrives here. Its steps, and where
//! they are:
//!
//! 1. look up the model and what serves it: `targets`, [`catalog`](crate::catalog)
//! 2. combine the settings of the operator, the key and the headers: `policy`
//! 3. admit the request, and download the files at URLs: `admit`; what it reserves of its caller's
//!    limits: `reserve`
//! 4. translate it, which a dialect does with the rules of the hub: `prepare`
//! 5. call Bedrock with retries, and do 4 and 5 again without a part that Bedrock refuses: `send`;
//!    requests of calls to InvokeModel: `invoke`
//! 6. write the response, complete or as a stream whose first event has arrived: `respond`
//! 7. report usage and cost to the ledger, and errors of Bedrock to the client: `settle`
//!
//! Converse serves most models, AWS's chat-completions endpoints some. `prepare` writes the format of
//! either, and both are sources of the same events.

mod admit;
mod invoke;
mod policy;
mod prepare;
mod reserve;
mod respond;
mod send;
mod settle;
mod targets;

pub use policy::HeaderOptions;
pub use respond::{ChatBody, ChatStream};

pub(crate) use invoke::{FailedCall, UpstreamBodies, guardrail_headers, unreadable};
pub(crate) use prepare::{PendingRequest, refuse_adjustments};
pub(crate) use reserve::CallSize;
pub(crate) use respond::{broke_off, respond};
pub(crate) use send::OpenCall;
pub(crate) use settle::client_error;
pub(crate) use targets::SearchedTarget;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::bedrock::Bedrock;
use crate::catalog::{BaseModels, Directory, Registry, Tables};
use crate::config::{ChatSettings, Config};
use crate::converse::dialect::{DialectRequest, ResponseFormat};
use crate::converse::translation::ChatTranslation;
use crate::error::ApiError;
use crate::fetch::Fetcher;
use crate::identity::Caller;
use crate::limits::{Limiter, WhenFull};
use crate::reply::Reply;
use crate::resources::body_memory::BodyPermit;
use crate::resources::reasoning_memory::ReasoningMemory;
use crate::resources::seals::{Sealer, Seals};
use crate::resources::workers::Workers;
use crate::usage::{Ledger, Upstream};
use prepare::{Memory, PreparedRequest};
use send::Admission;
use settle::Account;

/// The path of every request to Bedrock, with the state that requests share.
#[derive(Debug)]
pub struct Gateway {
    models: Registry,
    chat: ChatSettings,
    memory: Memory,
    fetcher: Fetcher,
    limiter: Limiter,
    workers: Workers,
    bedrock: Bedrock,
}

/// A request of a chat dialect with its HTTP context.
#[derive(Debug)]
pub struct ChatCall<R> {
    /// The authenticated caller.
    pub caller: Caller,
    /// The request, which a translation consumes.
    pub request: R,
    /// The memory reserved for the body; `None` if memory is not limited.
    pub permit: Option<BodyPermit>,
    /// The options in the request headers, if there are any.
    pub headers: Option<Box<HeaderOptions>>,
    /// The ledger of the request.
    pub ledger: Arc<Ledger>,
}

impl<R> ChatCall<R> {
    /// The call with its request in another form.
    pub(crate) fn try_map<T>(
        self,
        map: impl FnOnce(R) -> Result<T, ApiError>,
    ) -> Result<ChatCall<T>, ApiError> {
        Ok(ChatCall {
            caller: self.caller,
            request: map(self.request)?,
            permit: self.permit,
            headers: self.headers,
            ledger: self.ledger,
        })
    }
}

/// A request of another endpoint with its HTTP context.
#[derive(Debug)]
pub struct CallerRequest<T> {
    /// The authenticated caller.
    pub caller: Caller,
    /// The parsed body.
    pub request: T,
    /// The memory reserved for the request.
    pub memory: BodyPermit,
    /// The ledger of the request.
    pub ledger: Arc<Ledger>,
}

impl Gateway {
    /// Builds the gateway from the configuration.
    pub fn new(config: &Config, tables: Tables, bedrock: Bedrock, fetcher: Fetcher) -> Self {
        let chat = config.chat.clone();
        let (callers, targets) = limited_names(config);
        Self {
            models: Registry::new(config, tables, &bedrock),
            memory: Memory {
                reasoning: Arc::new(ReasoningMemory::new(
                    chat.reasoning_cache_size,
                    chat.reasoning_cache_ttl,
                )),
                seals: Seals::new(&config.seal_keys),
                owner: config.responses.owner,
            },
            chat,
            fetcher,
            limiter: Limiter::new(&config.limits, callers, targets),
            workers: Workers::default(),
            bedrock,
        }
    }

    /// The gateway of another configuration. What is in use, remembered and learned stays.
    pub fn reconfigured(&self, config: &Config, tables: Tables, bedrock: Bedrock) -> Self {
        let (callers, targets) = limited_names(config);
        Self {
            models: self.models.reconfigured(config, tables),
            chat: config.chat.clone(),
            memory: Memory {
                reasoning: Arc::clone(&self.memory.reasoning),
                seals: self.memory.seals.reconfigured(&config.seal_keys),
                owner: config.responses.owner,
            },
            fetcher: self.fetcher.reconfigured(&config.fetch),
            limiter: self.limiter.reconfigured(&config.limits, callers, targets),
            workers: self.workers.clone(),
            bedrock,
        }
    }

    /// The names that take calls; the catalog maintains them.
    pub fn directory(&self) -> Directory {
        self.models.directory().clone()
    }

    /// The threads for CPU-bound work.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// The settings of `[chat]`.
    pub(crate) fn chat_settings(&self) -> &ChatSettings {
        &self.chat
    }

    /// Seals what the response to a request of `caller` gives the client to keep.
    pub(crate) fn sealer(&self, caller: &Caller) -> Option<Sealer> {
        self.memory.seals.sealer(&caller.owner(self.memory.owner))
    }

    /// The Bedrock client for calls that no ledger records.
    pub(crate) fn bedrock(&self) -> &Bedrock {
        &self.bedrock
    }

    /// The base models that requests have looked up.
    pub fn base_models(&self) -> BaseModels {
        self.models.bases().clone()
    }

    /// Handles a request with one conversation, of any dialect. The client calls the model `name`.
    pub async fn chat<R: DialectRequest, F: ResponseFormat>(
        &self,
        call: ChatCall<R>,
        name: &str,
        format: &F,
    ) -> Result<Reply<ChatBody<F::Stream>>, ApiError> {
        let ledger = Arc::clone(&call.ledger);
        let mut pending = self.pending(call, name).await?;
        let open_call = self.begin(&mut pending, WhenFull::Wait, &ledger).await?;
        let account = self.account(&pending, &open_call.prepared, ledger);
        respond(open_call, account, format)
    }

    /// The same for a request that the limits have admitted already.
    pub(crate) async fn chat_admitted<R: DialectRequest, F: ResponseFormat>(
        &self,
        call: ChatCall<R>,
        name: &str,
        format: &F,
    ) -> Result<Reply<ChatBody<F::Stream>>, ApiError> {
        let ledger = Arc::clone(&call.ledger);
        let mut pending = self.pending(call, name).await?;
        self.fetch_for_admitted(&mut pending).await?;
        let open_call = self.send(&mut pending, Admission::Held, &ledger).await?;
        let account = self.account(&pending, &open_call.prepared, ledger);
        respond(open_call, account, format)
    }

    /// Fetches the remote files, admits the request, and calls Bedrock until each choice has a
    /// response or its first event.
    pub(crate) async fn begin<R: DialectRequest>(
        &self,
        pending: &mut PendingRequest<R>,
        when_full: WhenFull,
        ledger: &Arc<Ledger>,
    ) -> Result<OpenCall, ApiError> {
        let target = pending.target.model.shared();
        let permit = self.fetch_for_pending(pending, &target, ledger).await?;
        let admission = permit.map_or(Admission::Open(when_full), Admission::Started);
        self.send(pending, admission, ledger).await
    }

    /// The Bedrock client for the calls of a request.
    pub(crate) fn bedrock_for(&self, ledger: &Arc<Ledger>, upstream: Upstream) -> Bedrock {
        self.bedrock.for_request(ledger, upstream)
    }

    /// Looks up the model and the settings.
    pub(crate) async fn pending<R: DialectRequest>(
        &self,
        call: ChatCall<R>,
        name: &str,
    ) -> Result<PendingRequest<R>, ApiError> {
        let ChatCall {
            caller,
            request,
            permit,
            headers,
            ledger,
        } = call;
        let target = self.chat_model(name, &caller, &ledger).await?;
        let mut pending = self.pending_for(&caller, request, target, headers);
        pending.permit = permit;
        Ok(pending)
    }

    /// Translates a request that is not sent, on a worker thread if its body is long.
    pub(crate) async fn translate<R: DialectRequest>(
        &self,
        pending: &mut PendingRequest<R>,
    ) -> Result<ChatTranslation, ApiError> {
        let length = pending.source_length();
        let translate = || pending.translate(&self.memory);
        self.workers.on_body(length, translate).await
    }

    pub(crate) fn account<R: DialectRequest>(
        &self,
        pending: &PendingRequest<R>,
        prepared: &PreparedRequest,
        ledger: Arc<Ledger>,
    ) -> Account {
        Account {
            ledger,
            model_info: Arc::clone(&pending.target.model_info),
            has_price: prepared.has_price,
            memory: Arc::clone(&self.memory.reasoning),
            caller: pending.caller.clone(),
            tier: prepared.tier,
        }
    }
}

/// The callers and the models that always have limits of their own.
fn limited_names(config: &Config) -> (impl Iterator<Item = &str>, impl Iterator<Item = &str>) {
    let callers = config.keys.iter().map(|key| key.caller.as_str());
    let targets = config.models.values();
    (callers, targets.map(|entry| entry.target.as_str()))
}

pub(crate) fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map(|now| now.as_secs()).unwrap_or_default()
}
