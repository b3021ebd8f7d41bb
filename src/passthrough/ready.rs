//! Prepares a passthrough request for sending.

use std::sync::Arc;

use super::hidden::HiddenGuardrail;
use super::jobs::path_of_job;
use super::operation::{Operation, OperationRoute};
use super::rules::{Rules, denied};
use super::{Passthrough, PassthroughRequest};
use crate::bedrock::{Pace, PassthroughCall, path_segment};
use crate::catalog::ModelTarget;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::identity::Caller;
use crate::models::ModelId;
use crate::reply::Adjustments;
use crate::usage::Target;

pub(super) struct Ready {
    pub(super) upstream_call: PassthroughCall,
    /// The name for limits and logs.
    pub(super) name: Arc<str>,
    /// The model; `None` if the operation has none.
    pub(super) target: Option<ModelTarget>,
    pub(super) adjustments: Adjustments,
    /// Removes the operator's guardrail from the response.
    pub(super) hidden: HiddenGuardrail,
}

impl Passthrough {
    /// The operation, unless the operator has disabled it.
    pub(super) fn route(&self, call: &PassthroughRequest) -> Result<OperationRoute, ApiError> {
        let path = call.path.path();
        let route = OperationRoute::of(&call.method, path).filter(|_| self.settings.enabled);
        let route = route.ok_or_else(|| {
            let method = &call.method;
            let message = format!("unknown request URL: {method} {path}");
            ApiError::new(ErrorKind::NotFound, message).code(ErrorCode::UnknownUrl)
        })?;
        if route.operation.is_of_jobs() && !self.settings.async_invoke {
            return Err(denied(
                "asynchronous invocations are disabled; the gateway's operator can enable them \
                 with `[bedrock_api] async_invoke`",
            ));
        }
        Ok(route)
    }

    /// Looks up the model, and applies the operator's rules.
    pub(super) async fn ready(
        &self,
        call: PassthroughRequest,
        route: OperationRoute,
    ) -> Result<Ready, ApiError> {
        let PassthroughRequest {
            caller,
            method,
            path,
            headers,
            body,
            ledger,
        } = call;
        let mut ready = Ready {
            upstream_call: PassthroughCall {
                method,
                path_and_query: path.as_str().to_owned(),
                headers: PassthroughCall::headers(&headers),
                body,
                model: None,
                pace: route.operation.pace(),
            },
            name: route.id.as_str().into(),
            target: None,
            adjustments: Adjustments::default(),
            hidden: HiddenGuardrail::default(),
        };
        let OperationRoute { operation, id } = route;
        match operation {
            Operation::StartAsyncInvoke => {
                self.ready_for_job(&mut ready, &caller, &ledger).await?;
            }
            Operation::ListAsyncInvokes => ready.name = "async-invoke".into(),
            Operation::GetAsyncInvoke => {
                check_id(&id)?;
                let bedrock = self.gateway.bedrock();
                ready.upstream_call.path_and_query = path_of_job(bedrock, &id, &ledger).await?;
                ready.name = "async-invoke".into();
            }
            Operation::InvokeGuardrailChecks => {
                ready.name = "guardrail-checks".into();
                ledger.target(Target::Guardrail(Arc::clone(&ready.name)));
            }
            Operation::ApplyGuardrail => {
                check_id(&id)?;
                ledger.target(Target::Guardrail(Arc::clone(&ready.name)));
            }
            Operation::Converse
            | Operation::ConverseStream
            | Operation::InvokeModel
            | Operation::InvokeModelWithResponseStream
            | Operation::CountTokens => {
                ledger.streamed(operation.pace() == Pace::Stream);
                let target = self.gateway.exact_target(&id, &caller, &ledger).await?;
                let length = ready.upstream_call.body.len();
                let hold = || self.ready_for_model(&mut ready, &caller, operation, &id, target);
                self.gateway.workers().on_body(length, hold).await?;
            }
        }
        Ok(ready)
    }

    fn ready_for_model(
        &self,
        ready: &mut Ready,
        caller: &Caller,
        operation: Operation,
        id: &str,
        target: ModelTarget,
    ) -> Result<(), ApiError> {
        let upstream_call = &mut ready.upstream_call;
        if target.model.as_str() != id {
            upstream_call.path_and_query = path_of(&target.model, operation);
        }
        let rules = self.rules(caller, &target);
        let guardrail = rules.guardrail.map(|policy| &policy.config);
        let guardrail = guardrail.map(|config| config.guardrail_identifier.as_str());
        ready.hidden = HiddenGuardrail::new(guardrail);
        let body = std::mem::take(&mut upstream_call.body);
        let notes = &mut ready.adjustments;
        upstream_call.body = match operation {
            Operation::Converse => rules.converse(body, false, notes)?,
            Operation::ConverseStream => rules.converse(body, true, notes)?,
            Operation::InvokeModel | Operation::InvokeModelWithResponseStream => {
                rules.invoke(&mut upstream_call.headers, &body, notes)?;
                body
            }
            // No rule applies to operations without a model response.
            _ => body,
        };
        // Counting has its own quotas.
        upstream_call.model = (operation != Operation::CountTokens).then(|| target.model.clone());
        ready.name = target.model.shared();
        ready.target = Some(target);
        Ok(())
    }

    /// The operator's rules for requests of this caller to this model.
    pub(super) fn rules<'a>(&'a self, caller: &'a Caller, target: &'a ModelTarget) -> Rules<'a> {
        let mut scopes = self.gateway.scopes(caller, target);
        let ceilings = scopes.clone().filter_map(|scope| scope.max_tokens_ceiling);
        let chat = self.gateway.chat_settings();
        Rules {
            guardrail: self.gateway.guardrail(caller, target),
            ceiling: ceilings.min(),
            max_tokens: scopes.find_map(|scope| scope.max_tokens),
            model_fields: &chat.model_fields,
            s3_buckets: &chat.s3_buckets,
            allow_unlimited_invoke: self.settings.allow_unlimited_invoke,
        }
    }
}

/// The path for a resolved model. CountTokens only takes ids of foundation models (recording
/// `counttokens-claude-err400-c168bd9e`).
fn path_of(model: &ModelId, operation: Operation) -> String {
    let action = operation.action();
    let model = match operation {
        Operation::CountTokens if model.names_foundation_model() => &model.foundation(),
        _ => model,
    };
    format!("/model/{}/{action}", path_segment(model))
}

/// Ids of guardrails and jobs have the same characters as model ids.
fn check_id(id: &str) -> Result<(), ApiError> {
    ModelId::parse(id).map(|_| ()).map_err(|error| {
        let message = format!("the identifier {error}");
        ApiError::new(ErrorKind::InvalidRequest, message)
    })
}
