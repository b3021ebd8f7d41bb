//! Generates one response, as long as this process has its lease.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::job::BackgroundJob;
use super::record::{Deadline, Recorder};
use super::{RENEWAL, Worker};
use crate::dialects::openai_responses::service::jobs::Change;
use crate::dialects::openai_responses::service::{StoredResponses, format, source};
use crate::dialects::openai_responses::stored::output_items;
use crate::dialects::openai_responses::{
    FailedResponse, Purpose, ResponseHead, ResponsesFormat, ResponsesRequest, ResponsesWriter,
    model_name,
};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::{ChatBody, ChatCall, ChatStream};
use crate::store::{ResponseEnd, ResponseJob, StoreError};
use crate::usage::{Ledger, RequestHead};
use crate::wire::{ParsedBody, json_body};

/// The path of the requests in logs and records.
const ROUTE: &str = "/v1/responses";

/// How often the end of a response is stored again if the store fails.
const MAX_ATTEMPTS: u32 = 5;

/// A response that this process has leased.
#[derive(Debug)]
pub(super) struct Run {
    worker: Arc<Worker>,
    id: String,
    job: ResponseJob,
    is_ending: watch::Receiver<bool>,
}

/// A response whose generation has begun.
struct Begun {
    stream: ChatStream<ResponsesWriter>,
    head: Arc<ResponseHead>,
}

impl Run {
    pub(super) fn new(
        worker: Arc<Worker>,
        id: String,
        job: ResponseJob,
        is_ending: watch::Receiver<bool>,
    ) -> Self {
        Self {
            worker,
            id,
            job,
            is_ending,
        }
    }

    /// Generates the response, unless it is cancelled or the lease is lost.
    pub(super) async fn run(self) {
        let generated = tokio::select! {
            generated = self.generate() => generated,
            () = self.lost() => return,
        };
        if let Err(error) = generated {
            tracing::error!(%error, response = self.id, "a response in the background was not stored");
        }
    }

    async fn generate(&self) -> Result<(), StoreError> {
        let job: BackgroundJob = serde_json::from_str(&self.job.document)?;
        let body = Bytes::from(job.body.as_str().to_owned());
        let request: ResponsesRequest = serde_json::from_slice(&body)?;
        let head = ResponseHead::new(&self.id, job.created_at, &request);
        let head = Arc::new(head.in_background());
        drop(request);
        if &*self.job.status != "queued" {
            // Another process has begun it, and nothing is repeated that a client may have read.
            return self.fail(&head, &interrupted()).await;
        }
        let state = &self.worker.state;
        let started = head.started("in_progress");
        if !state.begin(&self.id, started.as_str()).await? {
            return Ok(());
        }
        let context = self.worker.current.load_full();
        let mut deadline = Deadline {
            at: Instant::now() + context.settings.background_timeout,
            is_ending: self.is_ending.clone(),
        };
        let ledger = self.ledger(&job, &body);
        let begun = tokio::select! {
            begun = timeout_at(deadline.at, self.begin(&job, body, &ledger)) => {
                begun.unwrap_or_else(|_| Err(timed_out()))
            }
            error = async {
                let mut is_ending = self.is_ending.clone();
                // An error means that the process ends, too.
                let _ = is_ending.wait_for(|is_ending| *is_ending).await;
                interrupted()
            } => Err(error),
        };
        let Begun { stream, head } = match begun {
            Ok(begun) => begun,
            Err(error) => {
                ledger.failed(&error);
                ledger.responded(error.kind.status());
                ledger.completed();
                return self.fail(&head, &error).await;
            }
        };
        ledger.responded(200);
        let recorder = Recorder::new(state, &self.id, ResponsesFormat::QUEUED_EVENTS);
        match recorder.record(stream, &head, &mut deadline).await? {
            Some(end) => self.end(end).await,
            None => Ok(()),
        }
    }

    /// Calls the model, as soon as the caller's limits admit the request.
    async fn begin(
        &self,
        job: &BackgroundJob,
        body: Bytes,
        ledger: &Arc<Ledger>,
    ) -> Result<Begun, ApiError> {
        let worker = &self.worker;
        loop {
            let context = worker.current.load_full();
            let shape = json_body::shape(&body)?;
            let permit = worker.memory.when_free(body.len(), shape).await;
            let parse = || json_body::parse::<Box<ResponsesRequest>>(&body);
            let request = context.gateway.workers().on_body(body.len(), parse).await?;
            let name = model_name(&request)?;
            let caller = job.caller(&context.callers);
            let sealer = context.gateway.sealer(&caller);
            let call = ChatCall {
                caller,
                request: ParsedBody::new(request, body.clone()),
                permit: Some(permit),
                headers: job.headers.clone(),
                ledger: Arc::clone(ledger),
            };
            let stored = StoredResponses {
                state: Arc::clone(&worker.state),
                settings: context.settings,
            };
            let call = source(&context.gateway, &stored, call, Purpose::Respond).await?;
            let request = call.request.request()?;
            let format = format(&self.id, request, &stored.settings, sealer);
            let format = format.created_at(job.created_at).in_background();
            match context.gateway.chat(call, &name, &format).await {
                Ok(reply) => {
                    return match reply.body {
                        ChatBody::Stream(stream) => Ok(Begun {
                            stream: *stream,
                            head: Arc::clone(format.head()),
                        }),
                        // The stored request is streamed.
                        ChatBody::Complete(_) => Err(ApiError::internal()),
                    };
                }
                Err(error) => match error.retry_after.filter(|_| !ledger.was_sent()) {
                    // The limits have no room yet.
                    Some(wait) => sleep(wait).await,
                    None => return Err(error),
                },
            }
        }
    }

    fn ledger(&self, job: &BackgroundJob, body: &Bytes) -> Arc<Ledger> {
        let head = RequestHead {
            request_id: job.request_id.clone(),
            path: ROUTE.to_owned(),
            ..RequestHead::default()
        };
        let ledger = Ledger::open(head, &self.worker.usage_queue);
        let caller = job.caller(&self.worker.current.load().callers);
        ledger.routed(ROUTE);
        ledger.called_by(caller.principal(), caller.identity());
        ledger.body_read(body.len());
        Arc::new(ledger)
    }

    /// Ends the response with an error.
    async fn fail(&self, head: &ResponseHead, error: &ApiError) -> Result<(), StoreError> {
        let FailedResponse { document, output } = head.failed(error);
        self.end(ResponseEnd {
            status: "failed".into(),
            document: document.into_text().into(),
            output: output_items(&output)?,
            // Readers make the last event of the object, since they know its number.
            events: None,
        })
        .await
    }

    /// Stores the end of the response, unless it has ended already.
    async fn end(&self, end: ResponseEnd) -> Result<(), StoreError> {
        let state = &self.worker.state;
        for _ in 1..MAX_ATTEMPTS {
            match state.end(&self.job.owner, &self.id, end.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    let response = &self.id;
                    tracing::warn!(%error, response, "the end of a response could not be stored");
                    sleep(RENEWAL / MAX_ATTEMPTS).await;
                }
            }
        }
        state.end(&self.job.owner, &self.id, end).await.map(drop)
    }

    /// Renews the lease. Returns when the response has been ended by somebody else.
    async fn lost(&self) {
        let state = &self.worker.state;
        let mut changes = state.changes.subscribe();
        loop {
            let ended = async {
                loop {
                    match changes.recv().await {
                        Ok(Change::Ended(id)) if *id == *self.id => return,
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => return,
                        Err(RecvError::Closed) => std::future::pending().await,
                    }
                }
            };
            tokio::select! {
                () = sleep(RENEWAL) => {}
                () = ended => {}
            }
            match state.lease_job(&self.id, self.worker.lease()).await {
                Ok(Some(_)) => {}
                Ok(None) => return,
                // The lease is still valid for a while.
                Err(error) => {
                    let response = &self.id;
                    tracing::warn!(%error, response, "the lease of a response could not be renewed");
                }
            }
        }
    }
}

/// The error of a response that takes too long.
pub(super) fn timed_out() -> ApiError {
    let message = "the response took longer than the operator allows in the background";
    ApiError::new(ErrorKind::GatewayTimeout, message).code(ErrorCode::UpstreamTimeout)
}

/// The error of a response whose process has ended.
pub(super) fn interrupted() -> ApiError {
    let message = "the gateway restarted while it generated the response; create it again";
    ApiError::new(ErrorKind::Unavailable, message).code(ErrorCode::ServiceUnavailable)
}
