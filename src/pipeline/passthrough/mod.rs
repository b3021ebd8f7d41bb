//! The life of a request of Bedrock's own API: held to the operator's rules, admitted, sent as it
//! came, and answered as Bedrock answered. What it used is read on the side.

mod account;
mod hidden;
mod jobs;
mod operation;
mod own_jobs;
mod ready;
mod rules;
mod sources;
mod stream;
mod usage;

use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Response};

pub use stream::PassthroughStream;

use super::{Cost, Pipeline, client_error};
use crate::adjustments::Adjustments;
use crate::bedrock::{PassthroughResponse, UpstreamError};
use crate::body_memory::BodyPermit;
use crate::error::ApiError;
use crate::identity::Caller;
use crate::limits::{Permit, RateState, Refusal};
use crate::record::{Record, RequestOutcome};
use account::PassthroughAccount;
use hidden::HiddenGuardrail;
use ready::Ready;

/// A request of Bedrock's own API with what the server knows of it.
#[derive(Debug)]
pub struct PassthroughRequest {
    /// Who is calling.
    pub caller: Caller,
    /// The method.
    pub method: Method,
    /// Path and query as they came.
    pub path: PathAndQuery,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The request's log line.
    pub record: Arc<Record>,
}

/// An answer and what its head says.
#[derive(Debug)]
pub struct PassthroughReply {
    /// What was changed in the request.
    pub adjustments: Adjustments,
    /// Where the rate stands.
    pub rate: Option<RateState>,
    /// What it has cost, where that is known by now.
    pub cost: Option<Cost>,
    /// Bedrock's status and headers, and the answer itself.
    pub response: Response<PassthroughBody>,
}

/// The answer itself.
#[derive(Debug)]
pub enum PassthroughBody {
    /// A whole answer.
    Complete(Bytes),
    /// A stream under way.
    Stream(Box<PassthroughStream>),
}

impl Pipeline {
    /// Passes a request of Bedrock's own API on, and its answer back. `memory` is what its body has.
    pub async fn passthrough(
        &self,
        call: PassthroughRequest,
        mut memory: BodyPermit,
    ) -> Result<PassthroughReply, Refusal> {
        let record = Arc::clone(&call.record);
        let route = self.route(&call)?;
        let caller = call.caller.clone();
        let operation = route.operation;
        let Ready {
            upstream_call,
            name,
            target,
            adjustments,
            hidden,
        } = self.ready(call, route).await?;
        memory.shrink_to(upstream_call.body.len());
        let permit = self.admit(&caller, &name, &record).await?;
        let bedrock = self.bedrock_for(&record);
        let account = PassthroughAccount::new(operation, target, record);
        let (rate, cost, response) = match bedrock.passthrough(&upstream_call).await {
            Ok(PassthroughResponse::Complete(jobs)) if operation.is_of_jobs() => {
                let jobs = self.own_jobs(operation, &caller, jobs)?;
                reply_parts(PassthroughResponse::Complete(jobs), account, permit, hidden)
            }
            Ok(upstream_response) => reply_parts(upstream_response, account, permit, hidden),
            Err(error) => broken(error, &account, &permit)?,
        };
        Ok(PassthroughReply {
            adjustments,
            rate,
            cost,
            response,
        })
    }
}

type PassthroughResult = (Option<RateState>, Option<Cost>, Response<PassthroughBody>);

fn reply_parts(
    upstream_response: PassthroughResponse,
    mut account: PassthroughAccount,
    permit: Permit,
    hidden: HiddenGuardrail,
) -> PassthroughResult {
    let rate = permit.rate();
    match upstream_response {
        PassthroughResponse::Complete(response) => {
            account.settle_response(&response);
            let cost = account.record().entries().cost;
            let response = response.map(|body| PassthroughBody::Complete(hidden.in_response(body)));
            (rate, cost, response)
        }
        PassthroughResponse::Stream(response) => {
            account.note_head(response.headers());
            let response = response.map(|stream| {
                let stream = PassthroughStream::new(*stream, account, permit, hidden);
                PassthroughBody::Stream(Box::new(stream))
            });
            (rate, None, response)
        }
    }
}

/// What Bedrock answered in place of what was asked for, or what the gateway has to say where it
/// did not answer.
fn broken(
    mut error: UpstreamError,
    account: &PassthroughAccount,
    permit: &Permit,
) -> Result<PassthroughResult, ApiError> {
    // AWS's id of the request goes with the answer.
    let detail = error.log_detail();
    let response = error.take_response();
    let error = client_error(error, account.record());
    if let Some((_, logged)) = &mut account.record().entries().error {
        *logged = detail;
    }
    let response = response.ok_or(error)?;
    if response.status().is_success() {
        account.record().entries().outcome = RequestOutcome::Broken;
    }
    Ok((permit.rate(), None, response.map(PassthroughBody::Complete)))
}
