//! The life of a chat request: the page to read first.
//!
//! The caller is known and the body is parsed when a request arrives here. The pipeline looks up
//! the model, waits for the limits, fetches remote files, translates the request, and sends it to
//! Bedrock with retries. The response is either complete or a stream whose first event has arrived.
//! If Bedrock refuses a field, or the conversation is too long, the pipeline revises the request
//! and sends it again.
//!
//! Converse serves most models, AWS's chat-completions endpoints some. Both are sources of the same
//! events, so that only `source` distinguishes them.

pub(crate) mod policy;
pub(crate) mod prepare;
pub mod reasoning_memory;

mod account;
pub(crate) mod content;
pub(crate) mod failed;
pub(crate) mod fan_out;
pub mod ids;
pub(crate) mod invoke;
pub(crate) mod remote;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod stream;
pub(crate) mod targets;
mod writer;

pub use content::StoredContent;

pub use crate::gateway::policy::HeaderOptions;

pub use request::CallerRequest;
pub use stream::{ChatStream, ResponseStream};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::bedrock::{Bedrock, ModelCall, UpstreamError};
use crate::catalog::{BaseModels, Directory, ModelTarget, Registry, Tables};
use crate::config::{
    BedrockApiSettings, ChatOverrides, ChatSettings, Config, EmbeddingSettings, ModerationSettings,
    S3Settings,
};
use crate::dialects::openai_chat::ChatRequest;
use crate::dialects::wire::misspelling;
use crate::endpoints::images::service::ImageStore;
use crate::endpoints::videos::service::VideoStore;
use crate::error::{ApiError, Field};
use crate::fetch::Fetcher;
use crate::gateway::prepare::{PendingRequest, PreparedRequest, SourceBody};
use crate::gateway::reasoning_memory::ReasoningMemory;
use crate::identity::Caller;
use crate::limits::{Limiter, Permit, WhenFull};
use crate::models::{ChatUpstream, Endpoint, OpenAiEndpoint, Tier};
use crate::reply::Reply;
use crate::resources::body_memory::BodyPermit;
use crate::resources::workers::Workers;
use crate::usage::{Ledger, Upstream};
use account::Account;
use stream::EventSource;

/// The shortest wait for the limits that is reported.
const MIN_QUEUED: Duration = Duration::from_millis(1);

/// The path of every request to Bedrock, with the state that requests share.
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) models: Registry,
    pub(crate) keys: HashMap<String, ChatOverrides>,
    pub(crate) chat: ChatSettings,
    pub(crate) embeddings: EmbeddingSettings,
    pub(crate) moderations: ModerationSettings,
    pub(crate) bedrock_api: BedrockApiSettings,
    pub(crate) s3: S3Settings,
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

/// A request with its open upstream calls.
pub(crate) struct OpenCall {
    /// The source of events for each choice.
    pub(crate) sources: Vec<EventSource>,
    pub(crate) prepared: PreparedRequest,
    pub(crate) permits: Vec<Permit>,
}

impl Pipeline {
    /// Builds the pipeline from the configuration.
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
            bedrock_api: config.bedrock_api.clone(),
            s3: config.s3.clone(),
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

    /// Admits the request and calls Bedrock until each choice has a response or its first event.
    pub(crate) async fn begin(
        &self,
        pending: &mut PendingRequest,
        mut when_full: WhenFull,
        ledger: &Arc<Ledger>,
    ) -> Result<OpenCall, ApiError> {
        let target = pending.target.model.as_str().into();
        let permit = self.fetch_for_pending(pending, &target, ledger).await?;
        let mut permits: Vec<Permit> = permit.into_iter().collect();
        let mut admitted = permits.len() as u32;
        if admitted > 0 {
            when_full = WhenFull::Refuse;
        }
        loop {
            let prepared = self.prepare(pending).await?;
            note_translation(ledger, &prepared);
            let missing = prepared.output_options.choices.saturating_sub(admitted);
            if missing > 0 {
                let (caller, calls) = (&pending.caller, (missing, when_full));
                permits.push(self.admit_calls(caller, &target, calls, ledger).await?);
                admitted += missing;
            }
            if let Some(sources) = self.send_once(pending, &prepared, ledger).await? {
                return Ok(OpenCall {
                    sources,
                    prepared,
                    permits,
                });
            }
        }
    }

    /// The same for an admitted request.
    pub(crate) async fn send_admitted(
        &self,
        pending: &mut PendingRequest,
        ledger: &Arc<Ledger>,
    ) -> Result<OpenCall, ApiError> {
        loop {
            let prepared = self.prepare(pending).await?;
            note_translation(ledger, &prepared);
            if let Some(sources) = self.send_once(pending, &prepared, ledger).await? {
                return Ok(OpenCall {
                    sources,
                    prepared,
                    permits: Vec::new(),
                });
            }
        }
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

    /// Calls Bedrock; `None` if the request has to be revised and sent again.
    async fn send_once(
        &self,
        pending: &mut PendingRequest,
        prepared: &PreparedRequest,
        ledger: &Arc<Ledger>,
    ) -> Result<Option<Vec<EventSource>>, ApiError> {
        match self.send(pending, prepared, ledger).await? {
            Ok(sources) => {
                pending.learn_profile(&self.models);
                Ok(Some(sources))
            }
            Err(error) => {
                self.revise(pending, error, ledger)?;
                Ok(None)
            }
        }
    }

    /// Revises the request, or returns the client's error.
    fn revise(
        &self,
        pending: &mut PendingRequest,
        error: UpstreamError,
        ledger: &Ledger,
    ) -> Result<(), ApiError> {
        let revised = pending.revise(error, &self.models);
        let target = &pending.target;
        let window = target.model_info.context_window;
        revised.map_err(|error| self.received(error, window, ledger))?;
        ledger.target(target.model.as_str());
        Ok(())
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

    /// Sends the request once for each choice. The outer error is the gateway's own.
    async fn send(
        &self,
        pending: &PendingRequest,
        prepared: &PreparedRequest,
        ledger: &Arc<Ledger>,
    ) -> Result<Result<Vec<EventSource>, UpstreamError>, ApiError> {
        let output_options = &prepared.output_options;
        let call = ModelCall::new(pending.target.model.clone(), prepared.body.clone());
        let upstream = prepared.upstream;
        let bedrock = self.bedrock_for(ledger, api_of(upstream));
        let send = || {
            source(
                &bedrock,
                upstream,
                call.clone(),
                output_options.non_streaming,
            )
        };
        if output_options.choices == 1 {
            return Ok(send().await.map(|source| vec![source]));
        }
        // The first call writes the cache that the others read.
        let first = match prepared.has_cache_points {
            true => match send().await {
                Ok(source) => Some(source),
                Err(error) => return Ok(Err(error)),
            },
            false => None,
        };
        let others = output_options.choices as usize - usize::from(first.is_some());
        let others = Box::pin(try_join_all((0..others).map(|_| send()))).await;
        Ok(others.map(|others| first.into_iter().chain(others).collect()))
    }

    /// Translates and serializes the request, on a worker thread if its body is long.
    async fn prepare(&self, pending: &mut PendingRequest) -> Result<PreparedRequest, ApiError> {
        pending.admit().await?;
        let length = pending.source_length();
        let prepare = || pending.prepare(&self.memory);
        let prepared = self.workers.on_body(length, prepare).await?;
        pending.shrink_memory(prepared.body.len());
        Ok(prepared)
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

/// Calls `upstream`, and returns once it has responded, or its first event has arrived.
async fn source(
    bedrock: &Bedrock,
    upstream: ChatUpstream,
    call: ModelCall,
    non_streaming: bool,
) -> Result<EventSource, UpstreamError> {
    let events = match (upstream, non_streaming) {
        (ChatUpstream::Converse, true) => bedrock.converse(call).await?.into_events(),
        (ChatUpstream::OpenAi(endpoint), true) => bedrock.chat_completion(endpoint, call).await?,
        (ChatUpstream::Converse, false) => {
            let stream = bedrock.converse_stream(call).await?;
            return Ok(EventSource::Live(Box::new(stream)));
        }
        (ChatUpstream::OpenAi(endpoint), false) => {
            let stream = bedrock.chat_completion_stream(endpoint, call).await?;
            return Ok(EventSource::Live(Box::new(stream)));
        }
    };
    Ok(EventSource::Complete(events))
}

/// The API of AWS behind an upstream.
fn api_of(upstream: ChatUpstream) -> Upstream {
    match upstream {
        ChatUpstream::Converse => Upstream::Converse,
        ChatUpstream::OpenAi(OpenAiEndpoint::Runtime) => Upstream::RuntimeChatCompletions,
        ChatUpstream::OpenAi(OpenAiEndpoint::Mantle) => Upstream::MantleChatCompletions,
    }
}

fn note_translation(ledger: &Ledger, prepared: &PreparedRequest) {
    let tier = prepared.tier.map(Tier::named);
    ledger.translated(
        prepared.output_options.stream,
        tier,
        prepared.adjustments.log_value(),
    );
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
