//! The life of a chat request: the page to read first.
//!
//! Who is calling and what the body says is known when a request comes here. It is translated for
//! its model, admitted by the limits, sent to Bedrock with retries, and answered in the client's
//! words: whole, or as a stream whose first event has arrived.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::adjustments::Adjustments;
use crate::bedrock::{Bedrock, Call, EventStream, Failure};
use crate::config::Config;
use crate::converse::event::Event;
use crate::fault::{Fault, FaultKind};
use crate::identity::Caller;
use crate::limits::{Limiter, Permit, RateState, Refused};
use crate::models::{ModelId, ModelTable};
use crate::openai::chat::{ChatRequest, ChunkWriter, Completion, Pieces, Translated, translate};
use crate::record::Record;

/// What every request goes through.
#[derive(Debug)]
pub struct Pipeline {
    names: BTreeMap<String, ModelId>,
    table: ModelTable,
    limiter: Limiter,
    bedrock: Bedrock,
}

/// A chat request with what the server knows of it.
#[derive(Debug)]
pub struct ChatCall {
    /// Who is calling.
    pub caller: Caller,
    /// The body.
    pub request: ChatRequest,
    /// Whether a request that would have to be changed is refused instead.
    pub strict: bool,
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

/// A stream under way. Dropping it ends the call to Bedrock and gives its place back.
#[derive(Debug)]
pub struct ChatStream {
    source: Source,
    pieces: Pieces,
    writer: ChunkWriter,
    record: Arc<Record>,
    _permit: Permit,
}

#[derive(Debug)]
enum Source {
    /// Events as Bedrock sends them.
    Live(Box<EventStream>),
    /// The events of a whole answer, for models that offer tools only there.
    Whole(Vec<Event>),
}

impl Pipeline {
    /// The pipeline of a configuration.
    pub fn new(config: &Config, table: ModelTable, bedrock: Bedrock) -> Self {
        Self {
            names: config.models.clone(),
            table,
            limiter: Limiter::new(&config.limits),
            bedrock,
        }
    }

    /// Answers a chat request, or says what stands against it.
    pub async fn chat(&self, call: ChatCall) -> Result<ChatAnswer, Refused> {
        let ChatCall {
            caller,
            request,
            strict,
            record,
        } = call;
        let name = model_name(&request)?;
        record.entries().model = Some(name.clone());
        let model = self.resolve(&name)?;
        record.entries().target = Some(model.as_str().to_owned());
        let facts = self.table.facts(&model);
        if facts.family.is_empty() {
            tracing::debug!(model = model.as_str(), "the table does not know this model");
        }
        let Translated {
            converse,
            plan,
            adjustments,
        } = translate(request, facts)?;
        if strict {
            refuse_adjustments(&adjustments)?;
        }
        {
            let mut entries = record.entries();
            entries.stream = plan.stream;
            entries.adjustments = adjustments.header_value();
        }
        let body = serde_json::to_vec(&converse).map_err(|_| Fault::internal())?;
        let streams_tools = facts.stream_tools || converse.tool_config.is_none();
        drop(converse);

        let permit = self.limiter.admit(&caller, &model.as_str().into())?;
        let rate = permit.rate();
        let call = Call {
            model,
            body: body.into(),
        };
        let body = if plan.stream {
            let source = self.open(call, streams_tools, &record).await?;
            let writer = ChunkWriter::new(
                &completion_id(),
                unix_seconds(),
                &name,
                plan.include_usage,
                plan.legacy_functions,
            );
            ChatBody::Stream(Box::new(ChatStream {
                source,
                pieces: Pieces::new(plan),
                writer,
                record,
                _permit: permit,
            }))
        } else {
            let answer = self
                .bedrock
                .converse(call)
                .await
                .map_err(|failure| heard(failure, &record))?;
            let mut completion = Completion::new(plan.legacy_functions);
            let mut pieces = Pieces::new(plan);
            for event in answer.into_events() {
                pieces.accept(&event, &mut completion)?;
            }
            record.entries().usage = pieces.usage();
            let json = completion
                .to_json(&completion_id(), unix_seconds(), &name)
                .map_err(|_| Fault::internal())?;
            ChatBody::Whole(json.into())
        };
        Ok(ChatAnswer {
            adjustments,
            rate,
            body,
        })
    }

    async fn open(&self, call: Call, live: bool, record: &Record) -> Result<Source, Fault> {
        if live {
            let stream = self.bedrock.converse_stream(call).await;
            let stream = stream.map_err(|failure| heard(failure, record))?;
            return Ok(Source::Live(Box::new(stream)));
        }
        let answer = self.bedrock.converse(call).await;
        let answer = answer.map_err(|failure| heard(failure, record))?;
        Ok(Source::Whole(answer.into_events()))
    }

    /// The model that a name stands for: one of the configuration's, or a Bedrock id as it is.
    fn resolve(&self, name: &str) -> Result<ModelId, Fault> {
        if let Some(model) = self.names.get(name) {
            return Ok(model.clone());
        }
        ModelId::parse(name).map_err(|error| {
            let message =
                format!("there is no model of this name, which {error}; /v1/models lists them");
            Fault::new(FaultKind::NotFound, message)
                .parameter("model")
                .code("model_not_found")
        })
    }
}

impl ChatStream {
    /// The request's log line.
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// The next bytes for the client, all that has arrived in one write; nothing after the last.
    /// May be dropped while it waits, and called again.
    ///
    /// Fails where the answer broke off. [`ChatStream::fail`] then has the last bytes.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let mut events = Vec::new();
            let more = match &mut self.source {
                Source::Live(stream) => stream
                    .next(&mut events)
                    .await
                    .map_err(|failure| heard(failure, &self.record))?,
                Source::Whole(whole) => {
                    events.append(whole);
                    !events.is_empty()
                }
            };
            if !more {
                return self.end();
            }
            for event in &events {
                self.pieces.accept(event, &mut self.writer)?;
            }
            self.note_progress(&events);
            if !self.writer.is_empty() {
                return Ok(Some(self.writer.take()));
            }
        }
    }

    /// The event that tells the client of `fault`, after which nothing comes.
    pub fn fail(&mut self, fault: &Fault) -> Bytes {
        self.writer
            .error(&crate::openai::error::ErrorBody::from(fault));
        self.writer.take()
    }

    /// Whether the answer is whole, so that nothing but the end is missing.
    pub fn is_finished(&self) -> bool {
        self.pieces.finish().is_some()
    }

    /// The end of Bedrock's stream: a clean one only after `messageStop`.
    fn end(&mut self) -> Result<Option<Bytes>, Fault> {
        if !self.is_finished() {
            let failure = Fault::new(
                FaultKind::BadGateway,
                "the model's answer broke off before its end",
            );
            return Err(failure.code("upstream_connection_error"));
        }
        Ok(None)
    }

    /// The last line of a whole stream.
    pub fn done(&mut self) -> Bytes {
        self.writer.done();
        self.writer.take()
    }

    fn note_progress(&self, events: &[Event]) {
        let elapsed = self.record.elapsed();
        let mut entries = self.record.entries();
        let deltas = events
            .iter()
            .filter(|event| matches!(event, Event::BlockDelta { .. }))
            .count();
        if deltas > 0 && entries.first_token.is_none() {
            entries.first_token = Some(elapsed);
        }
        // A delta is a token or a few; better than nothing where Bedrock never says.
        entries.estimated_completion += deltas as u64;
        entries.usage = self.pieces.usage().or(entries.usage);
    }
}

/// What the client hears of a failure; the rest goes into the log line.
fn heard(failure: Failure, record: &Record) -> Fault {
    let Failure {
        fault,
        advice: _,
        wait,
        code,
        detail,
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

fn refuse_adjustments(adjustments: &Adjustments) -> Result<(), Fault> {
    match adjustments.iter().next() {
        None => Ok(()),
        Some(first) => Err(Fault::unsupported(
            first.field.clone(),
            format!(
                "the request cannot be served exactly as it is written, which \
                 `x-outcrop-strict` asks for ({first})"
            ),
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
