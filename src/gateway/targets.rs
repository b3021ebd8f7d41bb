//! The models of requests, and calls to a model by its own id or by the inference profile that serves
//! it.

use std::sync::OnceLock;

use bytes::Bytes;

use super::Gateway;
use crate::bedrock::{Cause, ModelCall, Trouble, UpstreamError};
use crate::catalog::{ModelTarget, ProfileSearch};
use crate::config::ModelEntry;
use crate::error::{ApiError, ErrorCode, ErrorKind, Field, bounded};
use crate::identity::Caller;
use crate::models::{ChatUpstream, Endpoint, ModelId, Price};
use crate::usage::Ledger;
use crate::wire::{ClientField, UnknownFields, missing_model};

/// A target that may need an inference profile, shared by the calls of a request.
#[derive(Debug)]
pub(crate) struct SearchedTarget<'a> {
    pub(super) target: &'a ModelTarget,
    /// Whether no other id may be called, because the request is strict.
    pub(super) is_exact: bool,
    /// The profile that serves the model, once found.
    pub(crate) profile: OnceLock<ModelId>,
}

impl<'a> SearchedTarget<'a> {
    pub(crate) fn new(target: &'a ModelTarget, is_exact: bool) -> Self {
        Self {
            target,
            is_exact,
            profile: OnceLock::new(),
        }
    }
}

impl Gateway {
    /// The model that a request names. If `model` is missing, the error names an unknown field that
    /// may be a misspelling of it.
    pub(crate) async fn model_of(
        &self,
        name: Option<&str>,
        unknown: &UnknownFields,
        fields: &[ClientField],
        (caller, ledger): (&Caller, &Ledger),
    ) -> Result<ModelTarget, ApiError> {
        match name.filter(|name| !name.is_empty()) {
            Some(name) => self.target(name, caller, ledger).await,
            None => Err(missing_model(unknown, fields)),
        }
    }

    /// Resolves a model name that `caller` may call, and records the model for the log.
    pub(super) async fn target(
        &self,
        name: &str,
        caller: &Caller,
        ledger: &Ledger,
    ) -> Result<ModelTarget, ApiError> {
        ledger.model_requested(name);
        let target = self.models.target(name).await?;
        ledger.target(&target);
        check_access(caller, name, &target.model)?;
        Ok(target)
    }

    /// The model of a request to Bedrock's own API, called by exactly the id in the path.
    pub(crate) async fn exact_target(
        &self,
        id: &str,
        caller: &Caller,
        ledger: &Ledger,
    ) -> Result<ModelTarget, ApiError> {
        if id.is_empty() {
            return Err(missing_model(&UnknownFields::new(), &[]));
        }
        ledger.model_requested(id);
        let target = self.models.exact_target(id).await?;
        ledger.target(&target);
        check_access(caller, id, &target.model)?;
        Ok(target)
    }

    /// Resolves a model name that `caller` may call, for work that is not one request.
    pub(crate) async fn resolve(
        &self,
        name: &str,
        caller: &Caller,
    ) -> Result<ModelTarget, ApiError> {
        let target = self.models.target(name).await?;
        check_access(caller, name, &target.model)?;
        Ok(target)
    }

    /// Whether `caller` may call the model `name`, as far as is known without calling Bedrock.
    pub fn allows(&self, caller: &Caller, name: &str) -> bool {
        let entry = self.models.entry(name);
        entry.is_ok_and(|entry| caller.refusal(name, entry.target.as_str()).is_none())
    }

    /// Refuses a model that [`allows`](Self::allows) does not.
    pub fn check_allowed(&self, caller: &Caller, name: &str) -> Result<(), ApiError> {
        check_access(caller, name, &self.models.entry(name)?.target)
    }

    /// The prices of the tokens of the model with this id, if they are known.
    pub(crate) async fn price(&self, id: &str) -> Option<Price> {
        let target = self.models.exact_target(id).await.ok()?;
        target.model_info.price.clone()
    }

    /// The model of a chat request.
    pub(crate) async fn chat_model(
        &self,
        name: &str,
        caller: &Caller,
        ledger: &Ledger,
    ) -> Result<ModelTarget, ApiError> {
        let target = self.target(name, caller, ledger).await?;
        let info = &target.model_info;
        info.check_endpoint(name, Endpoint::ChatCompletions)?;
        Ok(target)
    }

    /// Calls the target with `call`, or its inference profile if Bedrock requires one.
    pub(crate) async fn call_target<Called, T>(
        &self,
        searched: &SearchedTarget<'_>,
        call: impl Fn(ModelId) -> Called,
    ) -> Result<T, UpstreamError>
    where
        Called: Future<Output = Result<T, UpstreamError>>,
    {
        let resolver = self.models.resolver();
        let own = &searched.target.model;
        let mut search = ProfileSearch::default();
        let mut model = searched.profile.get().unwrap_or(own).clone();
        loop {
            let error = match call(model.clone()).await {
                Ok(response) => {
                    if search.learn(&model, resolver) {
                        // A concurrent call of the same request may have found the same profile.
                        let _ = searched.profile.set(model);
                    }
                    return Ok(response);
                }
                Err(error) if searched.is_exact => return Err(error),
                Err(error) => error,
            };
            match search.next(&error, own, resolver) {
                Some(profile) => model = profile,
                None => return Err(error),
            }
        }
    }

    /// The entry that `name` resolves to, as far as it is known without calling Bedrock.
    pub fn resolved(&self, name: &str) -> Result<ModelEntry, ApiError> {
        self.models.entry(name)
    }

    /// The id that requests for `entry` use, if the credentials may call it. The probe is an empty
    /// conversation, which Bedrock rejects after authorization and does not bill.
    pub async fn probe(&self, entry: ModelEntry) -> Result<ModelId, UpstreamError> {
        let target = self.models.target_of(entry).await;
        let searched = SearchedTarget::new(&target, false);
        let probe = |model| async {
            let empty = Bytes::from_static(br#"{"messages":[]}"#);
            let call = ModelCall::new(model, empty);
            match self.bedrock.chat(ChatUpstream::Converse, &call, true).await {
                Ok(_) => Ok(()),
                Err(error) if Trouble::of_error(&error).cause == Cause::Request => Ok(()),
                Err(error) => Err(error),
            }
        };
        self.call_target(&searched, probe).await?;
        let profile = searched.profile.into_inner();
        Ok(profile.unwrap_or(target.model))
    }
}

/// Refuses a model that the caller's levels do not allow.
fn check_access(caller: &Caller, name: &str, model: &ModelId) -> Result<(), ApiError> {
    let Some(level) = caller.refusal(name, model.as_str()) else {
        return Ok(());
    };
    let (name, owner) = (bounded::logged_name(name), level.owner());
    Err(ApiError::new(
        ErrorKind::Permission,
        format!(
            "You do not have access to the model `{name}`: it is not among the allowed models of \
             {owner}. Ask the operator of this gateway for it."
        ),
    )
    .code(ErrorCode::ModelAccessDenied)
    .parameter(Field::Model))
}
