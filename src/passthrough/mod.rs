//! The life of a request to Bedrock's own API: checked against the operator's rules, admitted, and
//! forwarded unchanged, as is its response. The usage is read in passing.

pub mod handler;

mod demand;
mod error;
mod hidden;
mod jobs;
mod operation;
mod ready;
mod rules;
mod stream;
mod usage;

use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Response};

pub use error::AwsError;
pub use stream::PassthroughStream;

use crate::bedrock::{PassthroughResponse, UpstreamError};
use crate::config::{BedrockApiSettings, Config, S3Settings};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::client_error;
use crate::identity::Caller;
use crate::limits::Permit;
use crate::reply::Reply;
use crate::resources::body_memory::BodyPermit;
use crate::usage::Ledger;
use hidden::HiddenGuardrail;
use jobs::JobFolder;
use ready::Ready;
use usage::PassthroughAccount;

/// Bedrock's own API: it has the caller's limits and the operator's rules, as all requests do.
#[derive(Debug)]
pub struct Passthrough {
    gateway: Arc<Gateway>,
    settings: BedrockApiSettings,
    s3: S3Settings,
}

/// A request to Bedrock's own API, with its HTTP context.
#[derive(Debug)]
pub struct PassthroughRequest {
    /// The authenticated caller.
    pub caller: Caller,
    /// The HTTP method.
    pub method: Method,
    /// Path and query, still encoded.
    pub path: PathAndQuery,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The unchanged body.
    pub body: Bytes,
    /// The ledger of the request.
    pub ledger: Arc<Ledger>,
}

/// The body of a passthrough response.
#[derive(Debug)]
pub enum PassthroughBody {
    /// A non-streaming response.
    Complete(Bytes),
    /// A stream in progress.
    Stream(Box<PassthroughStream>),
}

impl Passthrough {
    /// The service with the settings of `[bedrock_api]` and `[s3]`.
    pub fn new(config: &Config, gateway: Arc<Gateway>) -> Self {
        Self {
            gateway,
            settings: config.bedrock_api.clone(),
            s3: config.s3.clone(),
        }
    }

    /// Forwards a request and its response. `memory` is reserved for the body.
    pub async fn forward(
        &self,
        call: PassthroughRequest,
        mut memory: BodyPermit,
    ) -> Result<Reply<Response<PassthroughBody>>, ApiError> {
        let ledger = Arc::clone(&call.ledger);
        let route = self.route(&call)?;
        let caller = call.caller.clone();
        let operation = route.operation;
        let ready = self.ready(call, route).await?;
        let demand = demand::demand(&self.gateway, &caller, operation, &ready);
        let Ready {
            upstream_call,
            name,
            target,
            adjustments,
            hidden,
        } = ready;
        memory.shrink_to(upstream_call.body.len());
        let permit = self.gateway.admit(&caller, &name, &demand, &ledger).await?;
        let bedrock = self.gateway.bedrock_for(&ledger, operation.upstream());
        let account = PassthroughAccount::new(operation, target, ledger);
        let reply = match bedrock.passthrough(&upstream_call).await {
            Ok(PassthroughResponse::Complete(jobs)) if operation.is_of_jobs() => {
                let jobs = JobFolder::new(&self.s3, &caller).own_jobs(operation, jobs)?;
                reply(PassthroughResponse::Complete(jobs), account, permit, hidden)
            }
            Ok(upstream_response) => reply(upstream_response, account, permit, hidden),
            Err(error) => error_reply(error, &account)?,
        };
        Ok(reply.adjusted(adjustments))
    }
}

fn reply(
    upstream_response: PassthroughResponse,
    mut account: PassthroughAccount,
    permit: Permit,
    hidden: HiddenGuardrail,
) -> Reply<Response<PassthroughBody>> {
    let (cost, response) = match upstream_response {
        PassthroughResponse::Complete(response) => {
            account.settle_response(&response);
            let cost = account.ledger().cost();
            let response = response.map(|body| PassthroughBody::Complete(hidden.in_response(body)));
            (cost, response)
        }
        PassthroughResponse::Stream(response) => {
            account.note_head(response.headers());
            let response = response.map(|stream| {
                let stream = PassthroughStream::new(*stream, account, permit, hidden);
                PassthroughBody::Stream(Box::new(stream))
            });
            (None, response)
        }
    };
    Reply {
        cost,
        ..Reply::new(response)
    }
}

/// Bedrock's error response, or the gateway's own error if Bedrock did not respond.
fn error_reply(
    error: UpstreamError,
    account: &PassthroughAccount,
) -> Result<Reply<Response<PassthroughBody>>, ApiError> {
    // The log gets AWS's request id from the response.
    let response = error.clone().take_response();
    let error = client_error(error, account.ledger());
    let response = response.ok_or(error)?;
    if response.status().is_success() {
        account.ledger().broken();
    }
    let response = response.map(PassthroughBody::Complete);
    Ok(Reply::new(response))
}
