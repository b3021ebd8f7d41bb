//! The life of a chat request: the page to read first.
//!
//! Who is calling and what the body says is known when a request comes here. Its model is looked
//! up, what it points to is fetched, it is translated, admitted by the limits, sent to Bedrock with
//! retries, and answered in the client's words: whole, or as a stream whose first event has
//! arrived. Where Bedrock refuses a field, or the conversation is too long, it may be written
//! again.

mod account;
mod cost;
mod draft;
mod explain;
mod known;
mod models;
mod options;
mod remote;
mod stream;

pub use cost::Cost;
pub use options::HeaderOptions;
pub use stream::ChatStream;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::adjustments::Adjustments;
use crate::bedrock::{Bedrock, Call, Failure};
use crate::config::{ChatOverrides, ChatSettings, Config, Tables};
use crate::converse::options::ServiceTierType;
use crate::converse::request::ConverseRequest;
use crate::fault::Fault;
use crate::fetch::Fetcher;
use crate::identity::Caller;
use crate::limits::{Limiter, Permit, RateState, Refused};
use crate::openai::chat::{
    AnswerPlan, ChatRequest, ChunkWriter, Completion, CompletionHead, Ending, Pieces, Translated,
    remote_addresses,
};
use crate::reasoning_memory::ReasoningMemory;
use crate::record::Record;
use account::Account;
use draft::Draft;
use models::Models;
use stream::Source;

/// What every request goes through.
#[derive(Debug)]
pub struct Pipeline {
    models: Models,
    keys: HashMap<String, ChatOverrides>,
    chat: ChatSettings,
    memory: Arc<ReasoningMemory>,
    fetcher: Fetcher,
    limiter: Limiter,
    bedrock: Bedrock,
}

/// A chat request with what the server knows of it.
#[derive(Debug)]
pub struct ChatCall {
    /// Who is calling.
    pub caller: Caller,
    /// The body, read; apart, since it is large and is handed on often.
    pub request: Box<ChatRequest>,
    /// The body as it came, for a request that has to be written again.
    pub body: Bytes,
    /// What the headers say.
    pub headers: HeaderOptions,
    /// The request's log line.
    pub record: Arc<Record>,
}

/// An answer and what its head says.
#[derive(Debug)]
pub struct ChatAnswer {
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
    Whole(Bytes),
    /// A stream under way.
    Stream(Box<ChatStream>),
}

impl Pipeline {
    /// The pipeline of a configuration.
    pub fn new(config: &Config, tables: Tables, bedrock: Bedrock, fetcher: Fetcher) -> Self {
        let keys = config.keys.iter();
        let chat = config.chat.clone();
        Self {
            models: Models::new(config, tables, &bedrock),
            keys: keys
                .map(|key| (key.caller.clone(), key.chat.clone()))
                .collect(),
            memory: Arc::new(ReasoningMemory::new(
                chat.remembered_reasoning,
                chat.remembered_for,
            )),
            chat,
            fetcher,
            limiter: Limiter::new(&config.limits),
            bedrock,
        }
    }

    /// Puts other tables of models in the place of those in use.
    pub fn replace_tables(&self, tables: Tables) {
        self.models.replace_tables(tables);
    }

    /// Answers a chat request, or says what stands against it.
    pub async fn chat(&self, call: ChatCall) -> Result<ChatAnswer, Refused> {
        let record = Arc::clone(&call.record);
        let name = model_name(&call.request)?;
        let mut draft = self.draft(call, &name).await?;
        let mut permits = Vec::new();
        loop {
            let translated = draft.translate(&self.memory)?;
            note_request(&record, &translated);
            let target = draft.target.model.as_str().into();
            while permits.len() < translated.plan.answers as usize {
                permits.push(self.limiter.admit(&draft.caller, &target)?);
            }
            let asked = self.ask(&draft, &translated).await?;
            match asked {
                Ok(sources) => {
                    let account = self.account(&draft, &translated.converse, record);
                    return answer(sources, translated, account, permits, &name);
                }
                Err(failure) => draft
                    .revise(failure, &self.models)
                    .map_err(|failure| heard(failure, &record))?,
            }
        }
    }

    /// Looks up the model and the settings, and fetches what the request points to.
    async fn draft(&self, call: ChatCall, name: &str) -> Result<Draft, Fault> {
        let ChatCall {
            caller,
            request,
            body,
            headers,
            record,
        } = call;
        record.entries().model = Some(name.to_owned());
        let target = self.models.target(name).await?;
        record.entries().target = Some(target.model.as_str().to_owned());
        let mut draft = self.settled(caller, request, body, target, headers);
        let addresses = draft.request().map(remote_addresses).unwrap_or_default();
        if !addresses.is_empty() {
            draft.fetched = Box::pin(remote::fetch(&self.fetcher, addresses)).await?;
        }
        Ok(draft)
    }

    /// Sends the request, as often as answers are wanted. The outer failure is the gateway's own.
    async fn ask(
        &self,
        draft: &Draft,
        translated: &Translated,
    ) -> Result<Result<Vec<Source>, Failure>, Fault> {
        let Translated { converse, plan, .. } = translated;
        let body = serde_json::to_vec(converse).map_err(|_| Fault::internal())?;
        let call = Call {
            model: draft.target.model.clone(),
            body: body.into(),
        };
        let ask = || self.source(call.clone(), plan.whole);
        if plan.answers == 1 {
            return Ok(ask().await.map(|source| vec![source]));
        }
        // The first answer writes the cache that the others read.
        let first = match converse.has_cache_points() {
            true => match ask().await {
                Ok(source) => Some(source),
                Err(failure) => return Ok(Err(failure)),
            },
            false => None,
        };
        let others = plan.answers as usize - usize::from(first.is_some());
        let others = Box::pin(try_join_all((0..others).map(|_| ask()))).await;
        Ok(others.map(|others| first.into_iter().chain(others).collect()))
    }

    async fn source(&self, call: Call, whole: bool) -> Result<Source, Failure> {
        if whole {
            let answer = self.bedrock.converse(call).await?;
            return Ok(Source::Whole(answer.into_events()));
        }
        let stream = self.bedrock.converse_stream(call).await?;
        Ok(Source::Live(Box::new(stream)))
    }

    fn account(&self, draft: &Draft, converse: &ConverseRequest, record: Arc<Record>) -> Account {
        let tier = converse.service_tier.map(|tier| match tier.r#type {
            ServiceTierType::Default => "default",
            ServiceTierType::Flex => "flex",
            ServiceTierType::Priority => "priority",
            ServiceTierType::Reserved => "reserved",
        });
        Account {
            record,
            known: Arc::clone(&draft.target.known),
            // The surcharge for faster machines is in no table.
            has_price: converse.performance_config.is_none(),
            memory: Arc::clone(&self.memory),
            caller: draft.caller.clone(),
            tier,
        }
    }
}

/// The answer in the client's words.
fn answer(
    sources: Vec<Source>,
    translated: Translated,
    account: Account,
    permits: Vec<Permit>,
    name: &str,
) -> Result<ChatAnswer, Refused> {
    let Translated {
        plan, adjustments, ..
    } = translated;
    let rate = permits.last().and_then(Permit::rate);
    if plan.stream {
        let writer = ChunkWriter::new(
            &completion_id(),
            unix_seconds(),
            name,
            plan.include_usage,
            plan.legacy_functions,
        );
        let plan = Arc::new(plan);
        let stream = ChatStream::new(sources, &plan, writer, account, permits);
        return Ok(ChatAnswer {
            adjustments,
            rate,
            cost: None,
            body: ChatBody::Stream(Box::new(stream)),
        });
    }
    let json = whole_answer(sources, plan, &account, name)?;
    let cost = account.record().entries().cost;
    Ok(ChatAnswer {
        adjustments,
        rate,
        cost,
        body: ChatBody::Whole(json.into()),
    })
}

fn whole_answer(
    sources: Vec<Source>,
    plan: AnswerPlan,
    account: &Account,
    name: &str,
) -> Result<Vec<u8>, Fault> {
    let plan = Arc::new(plan);
    let mut answers = Vec::with_capacity(sources.len());
    let mut completions = Vec::with_capacity(sources.len());
    let mut failed = None;
    for source in sources {
        let mut pieces = Pieces::new(Arc::clone(&plan));
        let mut completion = Completion::new(plan.legacy_functions);
        let events = match source {
            Source::Whole(events) => events,
            // What is not streamed is asked for whole.
            Source::Live(_) => return Err(Fault::internal()),
        };
        for event in events {
            // What was used is accounted also where the answer is of no use.
            failed = failed.or(pieces.accept(&event, &mut completion).err());
        }
        account.remember(&mut pieces);
        answers.push(pieces);
        completions.push(completion);
    }
    account.settle(answers.iter());
    if let Some(fault) = failed {
        return Err(fault);
    }
    let head = CompletionHead {
        id: &completion_id(),
        created: unix_seconds(),
        model: name,
        metadata: plan.metadata.as_ref(),
    };
    let ending = Ending::of_all(answers.iter().map(|pieces| pieces.ending().clone()));
    Completion::to_json(&completions, head, &ending).map_err(|_| Fault::internal())
}

fn note_request(record: &Record, translated: &Translated) {
    let mut entries = record.entries();
    entries.stream = translated.plan.stream;
    entries.adjustments = translated.adjustments.header_value();
}

/// What the client hears of a failure; the rest goes into the log line.
fn heard(failure: Failure, record: &Record) -> Fault {
    let Failure {
        fault,
        advice: _,
        wait,
        code,
        detail,
        refused_field: _,
        fitting_share: _,
    } = failure;
    record.entries().failure = Some((code, detail));
    match (fault.retry_after, wait) {
        (Some(_), Some(wait)) => fault.retry_after(wait),
        _ => fault,
    }
}

fn model_name(request: &ChatRequest) -> Result<String, Fault> {
    match request.model.as_deref() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(Fault::missing(
            "model",
            "`model` is missing; name a model that /v1/models lists",
        )),
    }
}

/// An id as OpenAI gives them. It names an answer and protects nothing.
fn completion_id() -> String {
    let characters = std::iter::repeat_with(fastrand::alphanumeric).take(24);
    let mut id = String::with_capacity(33);
    id.push_str("chatcmpl-");
    id.extend(characters);
    id
}

fn unix_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map(|now| now.as_secs()).unwrap_or_default()
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault, rate: None }
    }
}
