//! Model invocations with the model's own request format, one or several per request.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Gateway;
use super::fan_out::FailedCall;
use super::request::UpstreamBodies;
use super::targets::SearchedTarget;
use crate::bedrock::{InvokeResponse, ModelCall};
use crate::catalog::ModelTarget;
use crate::converse::json::without_values;
use crate::converse::options::GuardrailConfig;
use crate::converse::policy::GuardrailPolicy;
use crate::error::{ApiError, ErrorCode, ErrorKind, RateState};
use crate::identity::Caller;
use crate::limits::Permit;
use crate::models::ModelId;
use crate::reply::Adjustments;
use crate::usage::{Ledger, Upstream};
use crate::wire::{ClientField, UnknownFields, missing_model};

const GUARDRAIL_IDENTIFIER: HeaderName =
    HeaderName::from_static("x-amzn-bedrock-guardrailidentifier");
const GUARDRAIL_VERSION: HeaderName = HeaderName::from_static("x-amzn-bedrock-guardrailversion");

impl Gateway {
    /// The model that a request names. If `model` is missing, the error names an unknown field that
    /// may be a misspelling of it.
    pub(crate) async fn model_of(
        &self,
        name: Option<&str>,
        unknown: &UnknownFields,
        fields: &[ClientField],
        ledger: &Ledger,
    ) -> Result<ModelTarget, ApiError> {
        match name.filter(|name| !name.is_empty()) {
            Some(name) => self.target(name, ledger).await,
            None => Err(missing_model(unknown, fields)),
        }
    }

    /// Resolves a model name, and records the model for the log.
    pub(super) async fn target(
        &self,
        name: &str,
        ledger: &Ledger,
    ) -> Result<ModelTarget, ApiError> {
        ledger.model_requested(name);
        let target = self.models.target(name).await?;
        ledger.target(&target);
        Ok(target)
    }

    /// The model of a request to Bedrock's own API, called by exactly the id in the path.
    pub(crate) async fn exact_target(
        &self,
        id: &str,
        ledger: &Ledger,
    ) -> Result<ModelTarget, ApiError> {
        if id.is_empty() {
            return Err(missing_model(&UnknownFields::new(), &[]));
        }
        ledger.model_requested(id);
        let target = self.models.exact_target(id).await?;
        ledger.target(&target);
        Ok(target)
    }

    /// Sends the bodies to the model, as [`Gateway::invoke_each`] does.
    pub(crate) async fn invoke_all(
        &self,
        caller: &Caller,
        target: &SearchedTarget<'_>,
        upstream_bodies: UpstreamBodies,
        headers: &HeaderMap,
        ledger: &Arc<Ledger>,
        permit: Option<Permit>,
    ) -> Result<(Vec<InvokeResponse>, Option<RateState>), ApiError> {
        let responses = self
            .invoke_each(caller, target, upstream_bodies, headers, ledger, permit)
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
        permit: Option<Permit>,
    ) -> Result<(Vec<InvokeResponse>, Option<RateState>), FailedCall> {
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
        self.fan_out(caller, &name, upstream_bodies, ledger, permit, invoke)
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
