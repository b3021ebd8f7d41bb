//! The life of a chat request: the page to read first.
//!
//! Who is calling and what the body says is known when a request comes here. Its model is looked
//! up, it is admitted by the limits, what it points to is fetched, it is translated, sent to Bedrock
//! with retries, and answered in the client's words: whole, or as a stream whose first event has
//! arrived. Where Bedrock refuses a field, or the conversation is too long, it may be written
//! again.
//!
//! A model that is set to one of AWS's OpenAI surfaces goes the way of `chat_upstream.rs` instead, with
//! the client's own body, unless the request asks for what Converse alone does.

mod account;
mod batches;
mod chat_upstream;
mod chat_upstream_stream;
mod completions;
mod cost;
mod embeddings;
mod explain;
mod failed;
mod fan_out;
mod files;
mod images;
mod input_tokens;
mod invoke;
mod model_info;
mod models;
mod moderations;
mod options;
mod passthrough;
mod pending_request;
mod probe;
mod profiles;
mod remote;
mod request;
mod rerank;
mod resolution;
mod response;
mod stream;
mod videos;
mod writer;

pub use batches::Batches;
pub use chat_upstream_stream::ChatUpstreamStream;
pub use cost::Cost;
pub use explain::ExplainReader;
pub use files::{Files, NewFile};
pub use images::{ImageCall, ImageReply};
pub use options::HeaderOptions;
pub use passthrough::{PassthroughBody, PassthroughReply, PassthroughRequest, PassthroughStream};
pub use request::{CallerRequest, Reply};
pub use stream::{ChatStream, ResponseStream};
pub use videos::{VideoContent, VideoRequestWithFiles};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::adjustments::Adjustments;
use crate::base_models::BaseModels;
use crate::bedrock::{Bedrock, ModelCall, UpstreamError};
use crate::body_memory::BodyPermit;
use crate::catalog::Directory;
use crate::config::{
    BedrockApiSettings, ChatOverrides, ChatSettings, Config, EmbeddingSettings, ModerationSettings,
    S3Settings, Tables,
};
use crate::error::ApiError;
use crate::fetch::Fetcher;
use crate::identity::Caller;
use crate::limits::{Limiter, Permit, RateState, Refusal, WhenFull};
use crate::models::Endpoint;
use crate::openai::chat::ChatRequest;
use crate::openai::misspelling;
use crate::reasoning_memory::ReasoningMemory;
use crate::record::Record;
use crate::workers::Workers;
use account::Account;
use failed::{client_error, client_error_for_model};
use images::ImageStore;
use models::{ModelTarget, Models, check_endpoint};
use pending_request::{ChatRoute, PendingRequest, PreparedRequest, SourceBody};
use stream::EventSource;
use videos::VideoStore;

/// The shortest wait for the limits that is worth reporting.
const MIN_QUEUED: Duration = Duration::from_millis(1);

/// What every request goes through.
#[derive(Debug)]
pub struct Pipeline {
    models: Models,
    keys: HashMap<String, ChatOverrides>,
    chat: ChatSettings,
    embeddings: EmbeddingSettings,
    moderations: ModerationSettings,
    bedrock_api: BedrockApiSettings,
    s3: S3Settings,
    memory: Arc<ReasoningMemory>,
    fetcher: Fetcher,
    limiter: Limiter,
    workers: Workers,
    image_store: Option<ImageStore>,
    bedrock: Bedrock,
    /// Nothing where films are off.
    video_store: Option<VideoStore>,
}

/// A chat request, or one that becomes chat requests, with what the server knows of it.
#[derive(Debug)]
pub struct ChatCall<T = ChatRequest> {
    /// Who is calling.
    pub caller: Caller,
    /// The body, read; apart, since it is large and is handed on often.
    pub request: Box<T>,
    /// The body as it came, for a request that has to be written again.
    pub body: Bytes,
    /// The memory that the body has; `None` if nobody counts it.
    pub permit: Option<BodyPermit>,
    /// What the headers say.
    pub headers: HeaderOptions,
    /// The request's log line.
    pub record: Arc<Record>,
}

/// An answer and what its head says.
#[derive(Debug)]
pub struct ChatReply {
    /// What was changed in the request.
    pub adjustments: Adjustments,
    /// Where the rate stands.
    pub rate: Option<RateState>,
    /// What it has cost, where that is known by now.
    pub cost: Option<Cost>,
    /// The answer itself.
    pub body: ChatBody,
}

/// The answer itself.
#[derive(Debug)]
pub enum ChatBody {
    /// The JSON of a whole answer.
    Complete(Bytes),
    /// A stream under way.
    Stream(Box<ChatStream>),
    /// A stream under way, of one of AWS's OpenAI surfaces.
    ChatUpstreamStream(Box<ChatUpstreamStream>),
}

/// A request that Bedrock answers, or has begun to answer.
struct OpenCall {
    /// The answers, or their first events.
    sources: Vec<EventSource>,
    prepared: PreparedRequest,
    permits: Vec<Permit>,
}

impl Pipeline {
    /// The pipeline of a configuration.
    pub fn new(config: &Config, tables: Tables, bedrock: Bedrock, fetcher: Fetcher) -> Self {
        let keys = config.keys.iter();
        let chat = config.chat.clone();
        let callers = config.keys.iter().map(|key| key.caller.as_str());
        let targets = config.models.values().map(|entry| entry.target.as_str());
        Self {
            models: Models::new(config, tables, &bedrock),
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

    /// Puts other tables of models in the place of those in use.
    pub fn replace_tables(&self, tables: Tables) {
        self.models.replace_tables(tables);
    }

    /// The names that take calls, which the catalog keeps.
    pub fn directory(&self) -> Directory {
        self.models.directory().clone()
    }

    /// Where long work is done.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// What models are based on, as requests have found out.
    pub fn base_models(&self) -> BaseModels {
        self.models.bases().clone()
    }

    /// Answers a chat request, or says what stands against it.
    pub async fn chat(&self, call: ChatCall) -> Result<ChatReply, Refusal> {
        let record = Arc::clone(&call.record);
        let name = model_name(&call.request)?;
        let mut pending = self.pending(call, &name).await?;
        if let ChatRoute::OpenAi(upstream) = pending.route()? {
            return Box::pin(self.chat_via_upstream(pending, upstream, &name, record)).await;
        }
        let open_call = self.begin(&mut pending, WhenFull::Wait, &record).await?;
        let account = self.converse_account(&pending, &open_call.prepared, record);
        response::chat(open_call, account, &name)
    }

    /// Lets the request in and asks Bedrock, until there are answers, or the first events of some.
    async fn begin(
        &self,
        pending: &mut PendingRequest,
        mut when_full: WhenFull,
        record: &Record,
    ) -> Result<OpenCall, Refusal> {
        let target = pending.target.model.as_str().into();
        let permit = self.fetch_for_pending(pending, &target, record).await?;
        let mut permits: Vec<Permit> = permit.into_iter().collect();
        let mut admitted = permits.len() as u32;
        if admitted > 0 {
            when_full = WhenFull::Refuse;
        }
        loop {
            let prepared = self.prepare(pending).await?;
            note_request(
                record,
                prepared.output_options.stream,
                &prepared.adjustments,
            );
            let missing = prepared.output_options.choices.saturating_sub(admitted);
            if missing > 0 {
                let (caller, calls) = (&pending.caller, (missing, when_full));
                permits.push(self.admit_calls(caller, &target, calls, record).await?);
                admitted += missing;
            }
            if let Some(sources) = self.send_once(pending, &prepared, record).await? {
                return Ok(OpenCall {
                    sources,
                    prepared,
                    permits,
                });
            }
        }
    }

    /// The same for a request that was let in.
    async fn send_admitted(
        &self,
        pending: &mut PendingRequest,
        record: &Record,
    ) -> Result<OpenCall, ApiError> {
        loop {
            let prepared = self.prepare(pending).await?;
            note_request(
                record,
                prepared.output_options.stream,
                &prepared.adjustments,
            );
            if let Some(sources) = self.send_once(pending, &prepared, record).await? {
                return Ok(OpenCall {
                    sources,
                    prepared,
                    permits: Vec::new(),
                });
            }
        }
    }

    /// Bedrock for the calls of a request.
    fn bedrock_for(&self, record: &Record) -> Bedrock {
        match record.entries().client_retries {
            0 => self.bedrock.clone(),
            _ => self.bedrock.for_client_retry(),
        }
    }

    /// Lets a request of one call in, which may have to wait for its turn.
    async fn admit(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        record: &Record,
    ) -> Result<Permit, Refusal> {
        let calls = (1, WhenFull::Wait);
        self.admit_calls(caller, target, calls, record).await
    }

    /// The same for so many calls of a request.
    async fn admit_calls(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        (calls, when_full): (u32, WhenFull),
        record: &Record,
    ) -> Result<Permit, Refusal> {
        let began = Instant::now();
        let admitted = self.limiter.admit(caller, target, calls, when_full).await;
        let waited = began.elapsed();
        if waited >= MIN_QUEUED {
            *record.entries().queued.get_or_insert_default() += waited;
        }
        admitted
    }

    /// Asks Bedrock; nothing where the request is to be written again.
    async fn send_once(
        &self,
        pending: &mut PendingRequest,
        prepared: &PreparedRequest,
        record: &Record,
    ) -> Result<Option<Vec<EventSource>>, ApiError> {
        match self.send(pending, prepared, record).await? {
            Ok(sources) => {
                pending.learn_profile(&self.models);
                Ok(Some(sources))
            }
            Err(error) => {
                self.revise(pending, error, record)?;
                Ok(None)
            }
        }
    }

    /// Prepares the request to be written again, or gives the error that the client receives.
    fn revise(
        &self,
        pending: &mut PendingRequest,
        error: UpstreamError,
        record: &Record,
    ) -> Result<(), ApiError> {
        let revised = pending.revise(error, &self.models);
        let target = &pending.target;
        let window = target.model_info.context_window;
        revised.map_err(|error| self.received(error, window, record))?;
        record.entries().target = Some(target.model.as_str().to_owned());
        Ok(())
    }

    /// The model of a request that is answered as a chat.
    async fn chat_model(&self, name: &str, record: &Record) -> Result<ModelTarget, ApiError> {
        let target = self.target(name, record).await?;
        check_endpoint(
            name,
            &target.model_info.capabilities,
            Endpoint::ChatCompletions,
        )?;
        Ok(target)
    }

    /// Looks up the model and the settings.
    async fn pending(&self, call: ChatCall, name: &str) -> Result<PendingRequest, ApiError> {
        let ChatCall {
            caller,
            request,
            body,
            permit,
            headers,
            record,
        } = call;
        let target = self.chat_model(name, &record).await?;
        let mut pending = self.settled(caller, request, SourceBody::Chat(body), target, headers);
        pending.permit = permit;
        Ok(pending)
    }

    /// Sends the request, as often as answers are wanted. The outer failure is the gateway's own.
    async fn send(
        &self,
        pending: &PendingRequest,
        prepared: &PreparedRequest,
        record: &Record,
    ) -> Result<Result<Vec<EventSource>, UpstreamError>, ApiError> {
        let output_options = &prepared.output_options;
        let call = ModelCall::new(pending.target.model.clone(), prepared.body.clone());
        let bedrock = self.bedrock_for(record);
        let send = || source(&bedrock, call.clone(), output_options.non_streaming);
        if output_options.choices == 1 {
            return Ok(send().await.map(|source| vec![source]));
        }
        // The first answer writes the cache that the others read.
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

    /// The request as it is sent, translated apart if its body is long.
    async fn prepare(&self, pending: &mut PendingRequest) -> Result<PreparedRequest, ApiError> {
        pending.admit().await?;
        let length = pending.source_length();
        let prepare = || pending.prepare(&self.memory);
        let prepared = self.workers.on_body(length, prepare).await?;
        pending.hold_no_more_than(prepared.body.len());
        Ok(prepared)
    }

    /// The account of a Converse request.
    fn converse_account(
        &self,
        pending: &PendingRequest,
        prepared: &PreparedRequest,
        record: Arc<Record>,
    ) -> Account {
        Account {
            has_price: prepared.has_price,
            ..self.account(pending, prepared.tier, record)
        }
    }

    fn account(
        &self,
        pending: &PendingRequest,
        tier: Option<&'static str>,
        record: Arc<Record>,
    ) -> Account {
        Account {
            record,
            model_info: Arc::clone(&pending.target.model_info),
            has_price: true,
            memory: Arc::clone(&self.memory),
            caller: pending.caller.clone(),
            tier,
        }
    }
}

async fn source(
    bedrock: &Bedrock,
    call: ModelCall,
    non_streaming: bool,
) -> Result<EventSource, UpstreamError> {
    if non_streaming {
        let response = bedrock.converse(call).await?;
        return Ok(EventSource::Complete(response.into_events()));
    }
    let stream = bedrock.converse_stream(call).await?;
    Ok(EventSource::Live(Box::new(stream)))
}

fn note_request(record: &Record, stream: bool, adjustments: &Adjustments) {
    let mut entries = record.entries();
    entries.stream = stream;
    entries.adjustments = adjustments.log_value();
}

fn model_name(request: &ChatRequest) -> Result<String, ApiError> {
    match request.model.as_deref() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(no_model(&misspelling(
            &request.unknown,
            "model",
            ChatRequest::FIELDS,
        ))),
    }
}

fn no_model(misspelling: &str) -> ApiError {
    ApiError::missing(
        "model",
        format!("`model` is missing; name a model that /v1/models lists{misspelling}"),
    )
}

/// An id as OpenAI gives them, behind what it is an id of. It names an answer and protects nothing.
fn new_id(kind: &str) -> String {
    let characters = std::iter::repeat_with(fastrand::alphanumeric).take(24);
    let mut id = String::with_capacity(kind.len() + 25);
    id.push_str(kind);
    id.push('-');
    id.extend(characters);
    id
}

fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map(|now| now.as_secs()).unwrap_or_default()
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, rate: None }
    }
}
