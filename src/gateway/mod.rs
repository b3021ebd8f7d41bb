//! The life of a model request: the page to read first.
//!
//! The caller is known and the body is parsed when a request arrives here. Its steps, and where
//! they are:
//!
//! 1. look up the model and what serves it: `targets`, [`catalog`](crate::catalog)
//! 2. combine the settings of the operator, the key and the headers: `policy`
//! 3. fetch the files at URLs: `remote`
//! 4. translate, admit, call Bedrock with retries, and do it again without a part that Bedrock
//!    refuses: `prepare` and `send`; requests of several calls to InvokeModel: `invoke`, `fan_out`
//! 5. write the response, complete or as a stream whose first event has arrived: `response`,
//!    `stream`, `writer`
//! 6. report usage and cost to the ledger: `account`; errors of Bedrock for clients: `failed`
//!
//! Converse serves most models, AWS's chat-completions endpoints some. Both are sources of the same
//! events, so that only `send` distinguishes them.

pub(crate) mod account;
pub(crate) mod content;
pub(crate) mod failed;
pub(crate) mod fan_out;
pub(crate) mod invoke;
pub(crate) mod policy;
pub(crate) mod prepare;
pub(crate) mod remote;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod send;
pub(crate) mod stream;
pub(crate) mod targets;
mod writer;

pub use content::StoredContent;
pub use policy::HeaderOptions;
pub use request::CallerRequest;
pub use stream::{ChatStream, ResponseStream};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::bedrock::Bedrock;
use crate::catalog::{BaseModels, Directory, ModelTarget, Registry, Tables};
use crate::config::{ChatOverrides, ChatSettings, Config, EmbeddingSettings, ModerationSettings};
use crate::dialects::openai_chat::ChatRequest;
use crate::endpoints::images::service::ImageStore;
use crate::endpoints::videos::service::VideoStore;
use crate::error::{ApiError, Field};
use crate::fetch::Fetcher;
use crate::gateway::prepare::{PendingRequest, PreparedRequest, SourceBody};
use crate::identity::Caller;
use crate::limits::{Limiter, Permit, WhenFull};
use crate::models::Endpoint;
use crate::reply::Reply;
use crate::resources::body_memory::BodyPermit;
use crate::resources::reasoning_memory::ReasoningMemory;
use crate::resources::workers::Workers;
use crate::usage::{Ledger, Upstream};
use crate::wire::misspelling;
use account::Account;
use send::{Admission, OpenCall};

/// The shortest wait for the limits that is reported.
const MIN_QUEUED: Duration = Duration::from_millis(1);

/// The path of every request to Bedrock, with the state that requests share.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) models: Registry,
    keys: HashMap<String, ChatOverrides>,
    pub(crate) chat: ChatSettings,
    pub(crate) embeddings: EmbeddingSettings,
    pub(crate) moderations: ModerationSettings,
    pub(crate) memory: Arc<ReasoningMemory>,
    fetcher: Fetcher,
    pub(crate) limiter: Limiter,
    pub(crate) workers: Workers,
    pub(crate) image_store: Option<ImageStore>,
    pub(crate) bedrock: Bedrock,
    /// `None` if videos are disabled.
    pub(crate) video_store: Option<VideoStore>,
}

/// A chat request, or one that is translated to chat requests, with its HTTP context.
#[derive(Debug)]
pub struct ChatCall<T = ChatRequest> {
    /// The authenticated caller.
    pub caller: Caller,
    /// The parsed body; boxed, since it is large and is often moved.
    pub request: Box<T>,
    /// The raw body, for a request that has to be revised.
    pub body: Bytes,
    /// The memory reserved for the body; `None` if memory is not limited.
    pub permit: Option<BodyPermit>,
    /// The options in the request headers.
    pub headers: HeaderOptions,
    /// The ledger of the request.
    pub ledger: Arc<Ledger>,
}

/// The body of a chat response.
#[derive(Debug)]
pub enum ChatBody {
    /// The JSON of a non-streaming response.
    Complete(Bytes),
    /// A stream in progress.
    Stream(Box<ChatStream>),
}

impl Gateway {
    /// Builds the gateway from the configuration.
    pub fn new(config: &Config, tables: Tables, bedrock: Bedrock, fetcher: Fetcher) -> Self {
        let keys = config.keys.iter();
        let chat = config.chat.clone();
        let callers = config.keys.iter().map(|key| key.caller.as_str());
        let targets = config.models.values().map(|entry| entry.target.as_str());
        Self {
            models: Registry::new(config, tables, &bedrock),
            keys: keys
                .map(|key| (key.caller.clone(), key.chat.clone()))
                .collect(),
            memory: Arc::new(ReasoningMemory::new(
                chat.reasoning_cache_size,
                chat.reasoning_cache_ttl,
            )),
            chat,
            embeddings: config.embeddings,
            moderations: config.moderations.clone(),
            fetcher,
            limiter: Limiter::new(&config.limits, callers, targets),
            workers: Workers::default(),
            image_store: ImageStore::new(&config.s3, &bedrock),
            video_store: VideoStore::new(config, &bedrock),
            bedrock,
        }
    }

    /// Replaces the model tables.
    pub fn replace_tables(&self, tables: Tables) {
        self.models.replace_tables(tables);
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

    /// The Bedrock client for calls that no ledger records.
    pub(crate) fn bedrock(&self) -> &Bedrock {
        &self.bedrock
    }

    /// The base models that requests have looked up.
    pub fn base_models(&self) -> BaseModels {
        self.models.bases().clone()
    }

    /// Handles a chat request.
    pub async fn chat(&self, call: ChatCall) -> Result<Reply<ChatBody>, ApiError> {
        let ledger = Arc::clone(&call.ledger);
        let name = model_name(&call.request)?;
        let mut pending = self.pending(call, &name).await?;
        let open_call = self.begin(&mut pending, WhenFull::Wait, &ledger).await?;
        let account = self.account(&pending, &open_call.prepared, ledger);
        response::chat(open_call, account, &name)
    }

    /// Fetches the remote files, admits the request, and calls Bedrock until each choice has a
    /// response or its first event.
    pub(crate) async fn begin(
        &self,
        pending: &mut PendingRequest,
        when_full: WhenFull,
        ledger: &Arc<Ledger>,
    ) -> Result<OpenCall, ApiError> {
        let target = pending.target.model.as_str().into();
        let permit = self.fetch_for_pending(pending, &target, ledger).await?;
        let admission = permit.map_or(Admission::Open(when_full), Admission::Started);
        self.send(pending, admission, ledger).await
    }

    /// The Bedrock client for the calls of a request.
    pub(crate) fn bedrock_for(&self, ledger: &Arc<Ledger>, upstream: Upstream) -> Bedrock {
        self.bedrock.for_request(ledger, upstream)
    }

    /// Admits a request with one call, which may have to wait.
    pub(crate) async fn admit(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        ledger: &Ledger,
    ) -> Result<Permit, ApiError> {
        let calls = (1, WhenFull::Wait);
        self.admit_calls(caller, target, calls, ledger).await
    }

    /// The same for a request with several calls.
    async fn admit_calls(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        (calls, when_full): (u32, WhenFull),
        ledger: &Ledger,
    ) -> Result<Permit, ApiError> {
        let began = Instant::now();
        let admitted = self.limiter.admit(caller, target, calls, when_full).await;
        let waited = began.elapsed();
        if waited >= MIN_QUEUED {
            ledger.queued(waited);
        }
        admitted
    }

    /// The model of a chat request.
    pub(crate) async fn chat_model(
        &self,
        name: &str,
        ledger: &Ledger,
    ) -> Result<ModelTarget, ApiError> {
        let target = self.target(name, ledger).await?;
        let info = &target.model_info;
        info.check_endpoint(name, Endpoint::ChatCompletions)?;
        Ok(target)
    }

    /// Looks up the model and the settings.
    pub(crate) async fn pending(
        &self,
        call: ChatCall,
        name: &str,
    ) -> Result<PendingRequest, ApiError> {
        let ChatCall {
            caller,
            request,
            body,
            permit,
            headers,
            ledger,
        } = call;
        let target = self.chat_model(name, &ledger).await?;
        let mut pending =
            self.apply_settings(caller, request, SourceBody::Chat(body), target, headers);
        pending.permit = permit;
        Ok(pending)
    }

    pub(crate) fn account(
        &self,
        pending: &PendingRequest,
        prepared: &PreparedRequest,
        ledger: Arc<Ledger>,
    ) -> Account {
        Account {
            ledger,
            model_info: Arc::clone(&pending.target.model_info),
            has_price: prepared.has_price,
            memory: Arc::clone(&self.memory),
            caller: pending.caller.clone(),
            tier: prepared.tier,
        }
    }
}

pub(crate) fn model_name(request: &ChatRequest) -> Result<String, ApiError> {
    match request.model.as_deref() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(no_model(&misspelling(
            &request.unknown,
            "model",
            ChatRequest::FIELDS,
        ))),
    }
}

pub(crate) fn no_model(misspelling: &str) -> ApiError {
    ApiError::missing(
        Field::Model,
        format!("`model` is missing; use a model that GET /v1/models lists{misspelling}"),
    )
}

pub(crate) fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map(|now| now.as_secs()).unwrap_or_default()
}
