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

use super::{Cost, Pipeline, heard};
use crate::adjustments::Adjustments;
use crate::bedrock::{PassthroughResponse, UpstreamError};
use crate::body_memory::BodyPermit;
use crate::fault::ApiError;
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
    pub answer: Response<PassthroughBody>,
}

/// The answer itself.
#[derive(Debug)]
pub enum PassthroughBody {
    /// A whole answer.
    Whole(Bytes),
    /// A stream under way.
    Stream(Box<PassthroughStream>),
}

impl Pipeline {
    /// Passes a request of Bedrock's own API on, and its answer back. `memory` is what its body has.
    pub async fn pass(
        &self,
        call: PassthroughRequest,
        mut memory: BodyPermit,
    ) -> Result<PassthroughReply, Refusal> {
        let record = Arc::clone(&call.record);
        let route = self.route(&call)?;
        let caller = call.caller.clone();
        let operation = route.operation;
        let Ready {
            passage,
            name,
            target,
            adjustments,
            hidden,
        } = self.ready(call, route).await?;
        memory.shrink_to(passage.body.len());
        let permit = self.admit(&caller, &name, &record).await?;
        let bedrock = self.bedrock_for(&record);
        let account = PassthroughAccount::new(operation, target, record);
        let (rate, cost, answer) = match bedrock.pass(&passage).await {
            Ok(PassthroughResponse::Whole(jobs)) if operation.is_of_jobs() => {
                let jobs = self.own_jobs(operation, &caller, jobs)?;
                answered(PassthroughResponse::Whole(jobs), account, permit, hidden)
            }
            Ok(passed) => answered(passed, account, permit, hidden),
            Err(failure) => broken(failure, &account, &permit)?,
        };
        Ok(PassthroughReply {
            adjustments,
            rate,
            cost,
            answer,
        })
    }
}

type PassthroughResult = (Option<RateState>, Option<Cost>, Response<PassthroughBody>);

fn answered(
    passed: PassthroughResponse,
    mut account: PassthroughAccount,
    permit: Permit,
    hidden: HiddenGuardrail,
) -> PassthroughResult {
    let rate = permit.rate();
    match passed {
        PassthroughResponse::Whole(answer) => {
            account.settle_whole(&answer);
            let cost = account.record().entries().cost;
            let answer = answer.map(|body| PassthroughBody::Whole(hidden.in_whole(body)));
            (rate, cost, answer)
        }
        PassthroughResponse::Stream(answer) => {
            account.note_head(answer.headers());
            let answer = answer.map(|stream| {
                let stream = PassthroughStream::new(*stream, account, permit, hidden);
                PassthroughBody::Stream(Box::new(stream))
            });
            (rate, None, answer)
        }
    }
}

/// What Bedrock answered in place of what was asked for, or what the gateway has to say where it
/// did not answer.
fn broken(
    mut failure: UpstreamError,
    account: &PassthroughAccount,
    permit: &Permit,
) -> Result<PassthroughResult, ApiError> {
    // AWS's id of the request goes with the answer.
    let detail = failure.log_detail();
    let answer = failure.take_answer();
    let fault = heard(failure, account.record());
    if let Some((_, logged)) = &mut account.record().entries().failure {
        *logged = detail;
    }
    let answer = answer.ok_or(fault)?;
    if answer.status().is_success() {
        account.record().entries().ending = RequestOutcome::Broken;
    }
    Ok((permit.rate(), None, answer.map(PassthroughBody::Whole)))
}
