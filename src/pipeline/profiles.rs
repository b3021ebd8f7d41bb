//! Finds the inference profile of a model that Bedrock refuses to call by its own id.

use std::sync::OnceLock;

use super::Pipeline;
use super::models::ModelTarget;
use super::resolution::Resolver;
use crate::bedrock::UpstreamError;
use crate::models::ModelId;

/// The inference profiles to try for one request.
#[derive(Debug, Default)]
pub(super) struct ProfileSearch {
    /// The bare id that Bedrock refused to call, and the profiles not tried yet.
    refusal: Option<(ModelId, Vec<ModelId>)>,
}

impl ProfileSearch {
    /// The next model to call after a call to `model` failed; `None` if a profile does not help, or
    /// all were tried.
    pub(super) fn next(
        &mut self,
        error: &UpstreamError,
        model: &ModelId,
        resolver: &Resolver,
    ) -> Option<ModelId> {
        let is_not_found = error.api_error.code == Some("model_not_found");
        let is_candidate_unknown = self.refusal.is_some() && is_not_found;
        if !error.needs_profile() && !is_candidate_unknown {
            return None;
        }
        let (_, profiles) = self.refusal.get_or_insert_with(|| {
            let mut candidates = resolver.candidates(model);
            candidates.reverse();
            (model.clone(), candidates)
        });
        profiles.pop()
    }

    /// Remembers that `profile` serves the model, once Bedrock has responded. Returns whether there
    /// was a search.
    pub(super) fn learn(&mut self, profile: &ModelId, resolver: &Resolver) -> bool {
        let Some((model, _)) = self.refusal.take() else {
            return false;
        };
        tracing::warn!(
            model = model.as_str(),
            profile = profile.as_str(),
            "the model can only be called through an inference profile; its requests use the \
             profile from now on"
        );
        resolver.learn(model, profile.clone());
        true
    }
}

/// A target that may need an inference profile, shared by the calls of a request.
#[derive(Debug)]
pub(super) struct SearchedTarget<'a> {
    pub(super) target: &'a ModelTarget,
    /// Whether no other id may be called, because the request is strict.
    pub(super) is_exact: bool,
    /// The profile that serves the model, once found.
    pub(super) profile: OnceLock<ModelId>,
}

impl<'a> SearchedTarget<'a> {
    pub(super) fn new(target: &'a ModelTarget, is_exact: bool) -> Self {
        Self {
            target,
            is_exact,
            profile: OnceLock::new(),
        }
    }
}

impl Pipeline {
    /// Calls the target with `call`, or its inference profile if Bedrock requires one.
    pub(super) async fn call_target<Called, T>(
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
}
