//! Model invocations with the model's own request format, one or several per request.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Gateway, SearchedTarget};
use crate::bedrock::{InvokeResponse, ModelCall, UpstreamError};
use crate::catalog::ModelTarget;
use crate::converse::json::without_values;
use crate::converse::options::GuardrailConfig;
use crate::converse::policy::GuardrailPolicy;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::identity::Caller;
use crate::limits::{Demand, Permit};
use crate::models::ModelId;
use crate::reply::Adjustments;
use crate::resources::body_memory::BodyPermit;
use crate::usage::{Ledger, Upstream};

/// The bodies of the upstream calls of a request, with its memory permit.
#[derive(Debug)]
pub(crate) struct UpstreamBodies {
    bodies: Vec<Bytes>,
    /// Held until all calls have their responses.
    memory: BodyPermit,
}

impl UpstreamBodies {
    /// Reduces the reserved memory to these bodies and `kept` more bytes.
    pub(crate) fn new(bodies: Vec<Bytes>, kept: usize, mut memory: BodyPermit) -> Self {
        let sent: usize = bodies.iter().map(Bytes::len).sum();
        memory.shrink_to(sent.saturating_add(kept));
        Self { bodies, memory }
    }
}

/// The maximum number of concurrent calls of a request.
const MAX_CONCURRENT_CALLS: usize = 8;

/// The failed call that ended all calls of its request.
#[derive(Debug)]
pub(crate) struct FailedCall {
    /// Its index among the calls; `None` if the limits refused the request.
    pub(crate) position: Option<usize>,
    pub(crate) error: ApiError,
}

impl Gateway {
    /// Sends the bodies, several concurrently, and returns the responses in their order. The first
    /// failure cancels the other calls, and is returned: there are no partial responses.
    ///
    /// The limits of the caller admit or refuse the `demand` of all calls, those of `target` the
    /// first call, unless the request already has a `permit`; further calls wait for a slot.
    pub(crate) async fn fan_out<Fut, T>(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        upstream_bodies: UpstreamBodies,
        ledger: &Ledger,
        (permit, demand): (Option<Permit>, &Demand),
        send: impl Fn(Bytes) -> Fut,
    ) -> Result<Vec<T>, FailedCall>
    where
        Fut: Future<Output = Result<T, UpstreamError>>,
    {
        let UpstreamBodies {
            bodies,
            memory: _memory,
        } = upstream_bodies;
        let permit = match permit {
            Some(permit) => self.reserve(caller, demand, ledger).map(|()| permit),
            None => self.admit(caller, target, demand, ledger).await,
        };
        let permit = permit.map_err(|error| FailedCall {
            position: None,
            error,
        })?;
        let (_caller, first) = Permit::into_parts(permit);
        let call_permits = std::iter::once(Some(first)).chain(std::iter::repeat_with(|| None));
        let bodies = bodies.into_iter().zip(call_permits).enumerate();
        let calls = bodies.map(|(position, (body, call_permit))| {
            let call = send(body);
            async move {
                let _call_permit = match call_permit {
                    Some(call_permit) => call_permit,
                    None => self.limiter.admit_call(target).await,
                };
                call.await.map_err(|error| (position, error))
            }
        });
        let responses = stream::iter(calls)
            .buffered(MAX_CONCURRENT_CALLS)
            .try_collect()
            .await;
        responses.map_err(|(position, error)| FailedCall {
            position: Some(position),
            error: self.received(error, None, ledger),
        })
    }
}

const GUARDRAIL_IDENTIFIER: HeaderName =
    HeaderName::from_static("x-amzn-bedrock-guardrailidentifier");
const GUARDRAIL_VERSION: HeaderName = HeaderName::from_static("x-amzn-bedrock-guardrailversion");

impl Gateway {
    /// Sends the bodies to the model, as [`Gateway::invoke_each`] does.
    pub(crate) async fn invoke_all(
        &self,
        caller: &Caller,
        target: &SearchedTarget<'_>,
        upstream_bodies: UpstreamBodies,
        headers: &HeaderMap,
        ledger: &Arc<Ledger>,
        admission: (Option<Permit>, &Demand),
    ) -> Result<Vec<InvokeResponse>, ApiError> {
        let responses = self
            .invoke_each(caller, target, upstream_bodies, headers, ledger, admission)
            .await;
        responses.map_err(|failed| failed.error)
    }

    /// Sends the bodies to the model, as [`Gateway::fan_out`] does, or to the inference profile
    /// that turns out to be required.
    pub(crate) async fn invoke_each(
        &self,
        caller: &Caller,
        searched: &SearchedTarget<'_>,
        upstream_bodies: UpstreamBodies,
        headers: &HeaderMap,
        ledger: &Arc<Ledger>,
        admission: (Option<Permit>, &Demand),
    ) -> Result<Vec<InvokeResponse>, FailedCall> {
        let name = searched.target.model.shared();
        let bedrock = &self.bedrock_for(ledger, Upstream::InvokeModel);
        let invoke = |body: Bytes| async move {
            let call = |model| {
                let call = ModelCall {
                    headers: headers.clone(),
                    ..ModelCall::new(model, body.clone())
                };
                bedrock.invoke(call)
            };
            self.call_target(searched, call).await
        };
        self.fan_out(caller, &name, upstream_bodies, ledger, admission, invoke)
            .await
    }
}

impl Gateway {
    /// Notes the inference profile that was called instead of the target, if any.
    pub(crate) fn note_profile(
        &self,
        target: &mut ModelTarget,
        profile: Option<ModelId>,
        adjustments: &mut Adjustments,
        ledger: &Ledger,
    ) {
        let Some(profile) = profile else { return };
        self.models.call_profile(target, profile);
        target.note_in(adjustments);
        ledger.target(&*target);
        ledger.adjusted(adjustments.log_value());
    }
}

/// The headers that apply a guardrail to InvokeModel.
pub(crate) fn guardrail_headers(policy: &GuardrailPolicy) -> Result<HeaderMap, ApiError> {
    let GuardrailConfig {
        guardrail_identifier,
        guardrail_version,
        trace: _,
        stream_processing_mode: _,
    } = &policy.config;
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| ApiError::internal());
    let headers = [
        (GUARDRAIL_IDENTIFIER, value(guardrail_identifier)?),
        (GUARDRAIL_VERSION, value(guardrail_version)?),
    ];
    Ok(HeaderMap::from_iter(headers))
}

/// The client's error for an upstream response that could not be parsed.
pub(crate) fn unreadable(upstream_error: impl Into<String>, ledger: &Ledger) -> ApiError {
    let upstream_error = without_values(&upstream_error.into());
    ledger.upstream_failed("BadResponse".to_owned(), upstream_error, String::new());
    let message = "the model's response could not be parsed";
    ApiError::new(ErrorKind::BadGateway, message).code(ErrorCode::UpstreamBadResponse)
}
