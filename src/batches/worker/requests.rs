//! What a batch needs of the gateway for the request of a line: to check it, to translate it for a
//! job's record, and to complete it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;

use super::input::HeldLine;
use super::work::Work;
use crate::batches::wire::{BatchEndpoint, BatchFormat, BatchRequest};
use crate::catalog::ModelTarget;
use crate::config::ResponsesSettings;
use crate::converse::dialect::DialectRequest;
use crate::converse::translation::ChatTranslation;
use crate::dialects::openai_chat;
use crate::dialects::openai_responses::{self, Purpose, ResponsesSource};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::{ChatBody, ChatCall, Gateway, HeaderOptions, unix_seconds};
use crate::identity::Caller;
use crate::limits::CallPermit;
use crate::models::ChatUpstream;
use crate::reply::{Adjustments, Reply};
use crate::resources::body_memory::BodyPermit;
use crate::usage::{Ledger, RequestHead, UsageQueue};
use crate::wire::ParsedBody;

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
    /// The object that the endpoint returns.
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
    responses: ResponsesSettings,
    endpoint: BatchEndpoint,
    caller: &'a Caller,
    usage_queue: &'a UsageQueue,
}

impl Work {
    /// The gateway for the requests of this batch.
    pub(super) fn requests(&self) -> BatchRequests<'_> {
        BatchRequests {
            gateway: self.shared.gateway(),
            responses: self.shared.current.load().responses,
            endpoint: self.document.batch.endpoint,
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
        request.check()?;
        let name = request.model_name()?;
        let target = self.job_target(&name).await?;
        let info = &target.model_info;
        info.check_endpoint(&name, self.endpoint.endpoint())?;
        info.check_converse(&name)?;
        let model = target.model.as_str().to_owned();
        let is_remote = has_external_files(&request, &body);
        let mut is_guarded = false;
        if request.remote_addresses().is_empty() {
            let translated = self.translate(request, body, target, None).await?;
            is_guarded = translated.converse.guardrail_config.is_some();
        }
        Ok(BatchRequestInfo {
            name,
            model,
            is_remote,
            is_guarded,
        })
    }

    /// Translates a request for the record of a job. The same body always gives the same record.
    pub(super) async fn job_record(
        &self,
        request: BatchRequest,
        body: Bytes,
    ) -> Result<ChatTranslation, ApiError> {
        let target = self.job_target(&request.model_name()?).await?;
        let options = Some(Box::new(HeaderOptions {
            // Job input is not cached.
            cache: Some(false),
            ..HeaderOptions::default()
        }));
        let mut translated = self.translate(request, body, target, options).await?;
        // A job has its own service tier and latency mode.
        translated.converse.service_tier = None;
        translated.converse.performance_config = None;
        Ok(translated)
    }

    /// The format of the response to a request of a job. The same request always has the same id.
    pub(super) fn job_format(
        &self,
        request: &BatchRequest,
        request_id: &str,
    ) -> Result<BatchFormat, ApiError> {
        let created = unix_seconds();
        Ok(match request {
            BatchRequest::Chat(_) => BatchFormat::Chat {
                id: request_id.replacen("req_", "chatcmpl-", 1),
                created,
                model: request.model_name()?,
            },
            BatchRequest::Responses(request) => {
                let id = request_id.replacen("req_", "resp_", 1);
                let sealer = self.gateway.sealer(self.caller);
                let settings = &self.responses;
                let format = openai_responses::service::format(&id, request, settings, sealer);
                BatchFormat::Responses(Box::new(format))
            }
        })
    }

    async fn translate(
        &self,
        request: BatchRequest,
        body: Bytes,
        target: ModelTarget,
        options: Option<Box<HeaderOptions>>,
    ) -> Result<ChatTranslation, ApiError> {
        match request {
            BatchRequest::Chat(request) => {
                let request = ParsedBody::new(request, body);
                self.translate_source(request, target, options).await
            }
            BatchRequest::Responses(request) => {
                let request = ParsedBody::new(request, body);
                let request = ResponsesSource::new(request, Purpose::Respond)?;
                self.translate_source(request, target, options).await
            }
        }
    }

    async fn translate_source<R: DialectRequest>(
        &self,
        request: R,
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

    /// Parses a request, on a worker thread if it is long.
    pub(super) async fn parse(&self, body: &Bytes) -> Result<BatchRequest, ApiError> {
        let parse = || BatchRequest::parse(self.endpoint, body);
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
        match self.parse(&body).await? {
            BatchRequest::Chat(request) => {
                let call = self.call(request, body, memory, ledger);
                complete(openai_chat::service::create_admitted(&self.gateway, call).await?)
            }
            BatchRequest::Responses(request) => {
                let call = self.call(request, body, memory, ledger);
                let response = openai_responses::service::create_admitted(
                    &self.gateway,
                    &self.responses,
                    call,
                );
                complete(response.await?)
            }
        }
    }

    fn call<T>(
        &self,
        request: Box<T>,
        body: Bytes,
        memory: BodyPermit,
        ledger: &Arc<Ledger>,
    ) -> ChatCall<ParsedBody<T>> {
        ChatCall {
            caller: self.caller.clone(),
            request: ParsedBody::new(request, body),
            permit: Some(memory),
            headers: None,
            ledger: Arc::clone(ledger),
        }
    }
}

fn complete<S>(response: Reply<ChatBody<S>>) -> Result<BatchLineResponse, ApiError> {
    match response.body {
        ChatBody::Complete(json) => Ok(BatchLineResponse {
            json,
            adjustments: response.adjustments,
        }),
        // Streams are rejected before.
        ChatBody::Stream(_) => Err(ApiError::internal()),
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
pub(super) fn has_external_files(request: &BatchRequest, body: &[u8]) -> bool {
    !request.remote_addresses().is_empty() || memmem::find(body, b"\"s3://").is_some()
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
