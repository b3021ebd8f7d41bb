//! Requests of batches on their way through the pipeline.

use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem;

use super::input::HeldLine;
use crate::adjustments::Adjustments;
use crate::error::{ApiError, ErrorKind};
use crate::identity::Caller;
use crate::json_body;
use crate::limits::CallPermit;
use crate::models::Endpoint;
use crate::openai::batches::check_request;
use crate::openai::chat::{ChatRequest, ChatTranslation, remote_addresses};
use crate::pipeline::models::{check_converse, check_endpoint};
use crate::pipeline::pending_request::SourceBody;
use crate::pipeline::{ChatBody, ChatCall, HeaderOptions, Pipeline, model_name, response};
use crate::record::{Record, RequestOutcome};

/// What a request of a batch turned out to be.
#[derive(Debug)]
pub(super) struct BatchRequestInfo {
    /// The client's name of the model.
    pub(super) name: String,
    /// Bedrock's.
    pub(super) model: String,
    /// Whether it points to files that are not in it.
    pub(super) is_remote: bool,
    /// Whether a guardrail is to look at it.
    pub(super) is_guarded: bool,
}

/// An answer to a request of a batch.
#[derive(Debug)]
pub(super) struct BatchLineResponse {
    /// A `chat.completion`.
    pub(super) json: Bytes,
    /// What was changed in the request.
    pub(super) adjustments: Adjustments,
}

impl Pipeline {
    /// Refuses what cannot be sent. What lies on the web is not fetched for that, so that such a
    /// request may still turn out to be refused.
    pub(super) async fn check_line(
        &self,
        caller: &Caller,
        body: Bytes,
    ) -> Result<BatchRequestInfo, ApiError> {
        let request = self.line_request(&body).await?;
        check_request(&request)?;
        let name = model_name(&request)?;
        let target = self.models.target(&name).await?;
        check_endpoint(
            &name,
            &target.model_info.capabilities,
            Endpoint::ChatCompletions,
        )?;
        check_converse(&name, &target.model_info.capabilities)?;
        let model = target.model.as_str().to_owned();
        let is_remote = has_external_files(&request, &body);
        let mut is_guarded = false;
        if remote_addresses(&request).is_empty() {
            let length = body.len();
            let body = SourceBody::Chat(body);
            let options = HeaderOptions::default();
            let mut pending = self.settled(caller.clone(), request, body, target, options);
            let translate = || pending.translate(&self.memory);
            let translated = self.workers.on_body(length, translate).await?;
            is_guarded = translated.converse.guardrail_config.is_some();
        }
        Ok(BatchRequestInfo {
            name,
            model,
            is_remote,
            is_guarded,
        })
    }

    /// A request as the record of a job, and as it was: the same whenever it is made again.
    pub(super) async fn job_line(
        &self,
        caller: &Caller,
        body: Bytes,
    ) -> Result<(String, ChatTranslation), ApiError> {
        let length = body.len();
        let request = self.line_request(&body).await?;
        let name = model_name(&request)?;
        let target = self.models.target(&name).await?;
        let options = HeaderOptions {
            // What jobs read is not cached.
            cache: Some(false),
            ..HeaderOptions::default()
        };
        let mut pending = self.settled(
            caller.clone(),
            request,
            SourceBody::Chat(body),
            target,
            options,
        );
        let translate = || pending.translate(&self.memory);
        let mut translated = self.workers.on_body(length, translate).await?;
        // A job has a tier and machines of its own.
        translated.converse.service_tier = None;
        translated.converse.performance_config = None;
        Ok((name, translated))
    }

    async fn line_request(&self, body: &Bytes) -> Result<Box<ChatRequest>, ApiError> {
        let parse = || json_body::parse(body);
        self.workers.on_body(body.len(), parse).await
    }

    /// Waits for the turn of a request to the model `name`, in the background of those that wait for
    /// a response; nothing where `halt` comes first.
    pub(super) async fn line_turn(
        &self,
        name: &str,
        halt: impl Future<Output = ()> + Send,
    ) -> Option<Result<CallPermit, ApiError>> {
        let target = match self.models.target(name).await {
            Ok(target) => target.model.as_str().into(),
            Err(error) => return Some(Err(error)),
        };
        tokio::select! {
            permit = self.limiter.admit_call(&target) => Some(Ok(permit)),
            () = halt => None,
        }
    }

    /// Answers a request whose turn it is. `line` is its body.
    pub(super) async fn complete_line(
        &self,
        caller: &Caller,
        line: HeldLine,
        request_id: &str,
    ) -> Result<BatchLineResponse, ApiError> {
        let route = "/v1/batches".to_owned();
        let record = Arc::new(Record::new(request_id.to_owned(), route, None));
        record.entries().caller = Some(caller.name().to_owned());
        let response = Box::pin(self.line_response(caller, line, &record)).await;
        noted(response, &record)
    }

    async fn line_response(
        &self,
        caller: &Caller,
        line: HeldLine,
        record: &Arc<Record>,
    ) -> Result<BatchLineResponse, ApiError> {
        let HeldLine {
            bytes: body,
            memory,
        } = line;
        let request = self.line_request(&body).await?;
        let name = model_name(&request)?;
        let call = ChatCall {
            caller: caller.clone(),
            request,
            body,
            permit: Some(memory),
            headers: HeaderOptions::default(),
            record: Arc::clone(record),
        };
        let mut pending = self.pending(call, &name).await?;
        self.fetch_for_admitted(&mut pending).await?;
        let open_call = self.send_admitted(&mut pending, record).await?;
        let account = self.converse_account(&pending, &open_call.prepared, Arc::clone(record));
        let response =
            response::chat(open_call, account, &name).map_err(|refusal| refusal.error)?;
        match response.body {
            ChatBody::Complete(json) => Ok(BatchLineResponse {
                json,
                adjustments: response.adjustments,
            }),
            // Streams are refused before.
            ChatBody::Stream(_) | ChatBody::ChatUpstreamStream(_) => Err(ApiError::internal()),
        }
    }
}

/// Writes down how a request ended.
fn noted(
    response: Result<BatchLineResponse, ApiError>,
    record: &Record,
) -> Result<BatchLineResponse, ApiError> {
    let status = match &response {
        Ok(_) => 200,
        Err(error) => {
            record.note_error(error);
            error.kind.status()
        }
    };
    let mut entries = record.entries();
    entries.outcome = RequestOutcome::Completed;
    entries.status = Some(status);
    response
}

/// Whether a request points to files that are not in it: on the web, or in S3. A job's file would
/// have to hold the first, and a job reads the second from its own folder alone (AWS's user guide,
/// "Format and upload your batch inference data").
pub(super) fn has_external_files(request: &ChatRequest, body: &[u8]) -> bool {
    !remote_addresses(request).is_empty() || memmem::find(body, b"\"s3://").is_some()
}

/// Whether a request that failed so may do better later.
pub(super) fn is_passing(error: &ApiError) -> bool {
    match error.kind {
        ErrorKind::RateLimited
        | ErrorKind::TokenRateLimited
        | ErrorKind::Unavailable
        | ErrorKind::GatewayTimeout => true,
        // What arrived and could not be read has been billed.
        ErrorKind::BadGateway => error.code != Some("upstream_bad_response"),
        ErrorKind::Internal => error.code == Some("upstream_error"),
        ErrorKind::InvalidRequest
        | ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::MethodNotAllowed
        | ErrorKind::RequestTimeout
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMediaType
        | ErrorKind::RangeNotSatisfiable
        | ErrorKind::QuotaExhausted => false,
    }
}
