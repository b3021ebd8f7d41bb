//! What a batch needs of the gateway for the request of a line: to check it, to translate it for a
//! job's record, and to complete it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;

use super::input::HeldLine;
use super::work::Work;
use crate::batches::wire::check_request;
use crate::catalog::ModelTarget;
use crate::converse::translation::ChatTranslation;
use crate::dialects::openai_chat::{ChatFormat, ChatRequest, model_name, remote_addresses};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::{ChatBody, ChatCall, Gateway, HeaderOptions, unix_seconds};
use crate::identity::Caller;
use crate::limits::CallPermit;
use crate::models::{ChatUpstream, Endpoint};
use crate::reply::Adjustments;
use crate::resources::ids::response_id;
use crate::usage::{Ledger, RequestHead, UsageQueue};
use crate::wire::{ParsedBody, json_body};

/// The properties of a batch request that determine its part.
#[derive(Debug)]
pub(super) struct BatchRequestInfo {
    /// The client's name of the model.
    pub(super) name: String,
    /// The Bedrock model id.
    pub(super) model: String,
    /// Whether the request references external files.
    pub(super) is_remote: bool,
    /// Whether a guardrail applies.
    pub(super) is_guarded: bool,
}

/// The response to a batch request.
#[derive(Debug)]
pub(super) struct BatchLineResponse {
    /// A `chat.completion` object.
    pub(super) json: Bytes,
    pub(super) adjustments: Adjustments,
}

/// The error of a batch request.
#[derive(Debug)]
pub(super) struct BatchLineError {
    pub(super) error: ApiError,
    /// When the owner's limits have room again; `None` if they did not refuse the request.
    pub(super) limited_for: Option<Duration>,
}

/// The gateway for the requests of one batch.
#[derive(Debug)]
pub(super) struct BatchRequests<'a> {
    gateway: Arc<Gateway>,
    caller: &'a Caller,
    usage_queue: &'a UsageQueue,
}

impl Work {
    /// The gateway for the requests of this batch.
    pub(super) fn requests(&self) -> BatchRequests<'_> {
        BatchRequests {
            gateway: self.shared.gateway(),
            caller: &self.caller,
            usage_queue: &self.shared.usage_queue,
        }
    }
}

impl BatchRequests<'_> {
    /// Rejects requests that cannot be sent. Remote files are not fetched for this check, so that a
    /// request that passes may still fail later.
    pub(super) async fn check(&self, body: Bytes) -> Result<BatchRequestInfo, ApiError> {
        let request = self.parse(&body).await?;
        check_request(&request)?;
        let name = model_name(&request)?;
        let target = self.job_target(&name).await?;
        let info = &target.model_info;
        info.check_endpoint(&name, Endpoint::ChatCompletions)?;
        info.check_converse(&name)?;
        let model = target.model.as_str().to_owned();
        let is_remote = has_external_files(&request, &body);
        let mut is_guarded = false;
        if remote_addresses(&request).is_empty() {
            let request = ParsedBody::new(request, body);
            let translated = self.translate(request, target, None).await?;
            is_guarded = translated.converse.guardrail_config.is_some();
        }
        Ok(BatchRequestInfo {
            name,
            model,
            is_remote,
            is_guarded,
        })
    }

    /// Translates a request for the record of a job; also returns the client's name of the model.
    /// The same body always gives the same record.
    pub(super) async fn job_record(
        &self,
        body: Bytes,
    ) -> Result<(String, ChatTranslation), ApiError> {
        let request = self.parse(&body).await?;
        let name = model_name(&request)?;
        let target = self.job_target(&name).await?;
        let options = Some(Box::new(HeaderOptions {
            // Job input is not cached.
            cache: Some(false),
            ..HeaderOptions::default()
        }));
        let request = ParsedBody::new(request, body);
        let mut translated = self.translate(request, target, options).await?;
        // A job has its own service tier and latency mode.
        translated.converse.service_tier = None;
        translated.converse.performance_config = None;
        Ok((name, translated))
    }

    async fn translate(
        &self,
        request: ParsedBody<ChatRequest>,
        target: ModelTarget,
        options: Option<Box<HeaderOptions>>,
    ) -> Result<ChatTranslation, ApiError> {
        let gateway = &self.gateway;
        let mut pending = gateway.pending_for(self.caller, request, target, options);
        gateway.translate(&mut pending).await
    }

    /// The model of a request that may become part of a job. Bedrock's jobs take requests to
    /// Converse only.
    async fn job_target(&self, name: &str) -> Result<ModelTarget, ApiError> {
        let mut target = self.gateway.resolve(name, self.caller).await?;
        target.upstream = ChatUpstream::Converse;
        Ok(target)
    }

    async fn parse(&self, body: &Bytes) -> Result<Box<ChatRequest>, ApiError> {
        let parse = || json_body::parse(body);
        self.gateway.workers().on_body(body.len(), parse).await
    }

    /// Waits for the limits to admit a request to the model `name`, at a lower priority than
    /// requests of waiting clients; `None` if `halt` completes first.
    pub(super) async fn admit(
        &self,
        name: &str,
        halt: impl Future<Output = ()> + Send,
    ) -> Option<Result<CallPermit, ApiError>> {
        let target = match self.gateway.resolve(name, self.caller).await {
            Ok(target) => target,
            Err(error) => return Some(Err(error)),
        };
        tokio::select! {
            permit = self.gateway.admit_call(&target) => Some(Ok(permit)),
            () = halt => None,
        }
    }

    /// Completes an admitted request. `line` is its body.
    pub(super) async fn complete(
        &self,
        line: HeldLine,
        request_id: &str,
    ) -> Result<BatchLineResponse, BatchLineError> {
        let head = batch_head(request_id.to_owned());
        let ledger = Arc::new(Ledger::open(head, self.usage_queue));
        ledger.routed(BATCHES);
        ledger.called_by(self.caller.principal(), self.caller.identity());
        ledger.body_read(line.bytes.len());
        let response = Box::pin(self.response(line, &ledger)).await;
        record_outcome(response, &ledger)
    }

    async fn response(
        &self,
        line: HeldLine,
        ledger: &Arc<Ledger>,
    ) -> Result<BatchLineResponse, ApiError> {
        let HeldLine {
            bytes: body,
            memory,
        } = line;
        let request = self.parse(&body).await?;
        let name = model_name(&request)?;
        let call = ChatCall {
            caller: self.caller.clone(),
            request: ParsedBody::new(request, body),
            permit: Some(memory),
            headers: None,
            ledger: Arc::clone(ledger),
        };
        let format = ChatFormat {
            id: &response_id("chatcmpl-"),
            created: unix_seconds(),
            model: &name,
        };
        let response = self.gateway.chat_admitted(call, &name, &format).await?;
        match response.body {
            ChatBody::Complete(json) => Ok(BatchLineResponse {
                json,
                adjustments: response.adjustments,
            }),
            // Streams are rejected before.
            ChatBody::Stream(_) => Err(ApiError::internal()),
        }
    }
}

/// The route of requests in batches.
pub(super) const BATCHES: &str = "/v1/batches";

/// The head of a request in a batch, or of a part of a batch that runs as a job.
pub(super) fn batch_head(request_id: String) -> RequestHead {
    RequestHead {
        request_id,
        path: BATCHES.to_owned(),
        ..RequestHead::default()
    }
}

/// Records how a request ended.
fn record_outcome(
    response: Result<BatchLineResponse, ApiError>,
    ledger: &Ledger,
) -> Result<BatchLineResponse, BatchLineError> {
    let status = match &response {
        Ok(_) => 200,
        Err(error) => {
            ledger.failed(error);
            error.kind.status()
        }
    };
    ledger.responded(status);
    ledger.completed();
    response.map_err(|error| BatchLineError {
        limited_for: error.retry_after.filter(|_| !ledger.was_sent()),
        error,
    })
}

impl From<ApiError> for BatchLineError {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            limited_for: None,
        }
    }
}

/// Whether a request references external files, on the web or in S3. A job's input file would have
/// to contain the former, and a job reads the latter only from its own folder (AWS's user guide,
/// "Format and upload your batch inference data").
pub(super) fn has_external_files(request: &ChatRequest, body: &[u8]) -> bool {
    !remote_addresses(request).is_empty() || memmem::find(body, b"\"s3://").is_some()
}

/// Whether a request with this error may succeed later.
pub(super) fn is_temporary(error: &ApiError) -> bool {
    match error.kind {
        ErrorKind::RateLimited
        | ErrorKind::TokenRateLimited
        | ErrorKind::Unavailable
        | ErrorKind::GatewayTimeout => true,
        // A response that could not be parsed has been billed.
        ErrorKind::BadGateway => error.code != Some(ErrorCode::UpstreamBadResponse),
        ErrorKind::Internal => error.code == Some(ErrorCode::UpstreamError),
        ErrorKind::InvalidRequest
        | ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::MethodNotAllowed
        | ErrorKind::RequestTimeout
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMediaType
        | ErrorKind::UpgradeRequired
        | ErrorKind::RangeNotSatisfiable
        | ErrorKind::QuotaExhausted => false,
    }
}
