//! The search for the inference profile that serves a model which takes no calls by its own id, as
//! Bedrock says when it is called.

use std::sync::OnceLock;

use super::Pipeline;
use super::models::ModelTarget;
use super::resolution::Resolver;
use crate::bedrock::UpstreamError;
use crate::models::ModelId;

/// The profiles that are tried for one request.
#[derive(Debug, Default)]
pub(super) struct ProfileSearch {
    /// The bare id that Bedrock has refused to call, and the profiles that are still to be tried.
    refusal: Option<(ModelId, Vec<ModelId>)>,
}

impl ProfileSearch {
    /// What to call next, now that a call to `model` has failed; `None` if no profile helps, or
    /// none is left.
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

    /// Remembers that `profile` serves the model, now that Bedrock has responded. Whether it was
    /// searched for.
    pub(super) fn learn(&mut self, profile: &ModelId, resolver: &Resolver) -> bool {
        let Some((model, _)) = self.refusal.take() else {
            return false;
        };
        tracing::warn!(
            model = model.as_str(),
            profile = profile.as_str(),
            "the model is served through an inference profile alone; requests for it go there \
             from now on"
        );
        resolver.learn(model, profile.clone());
        true
    }
}

/// A target whose calls may turn out to need a profile. Several calls of a request share it.
#[derive(Debug)]
pub(super) struct SearchedTarget<'a> {
    pub(super) target: &'a ModelTarget,
    /// Whether no other id may be called: the request is to be served exactly as it is written.
    pub(super) is_exact: bool,
    /// The profile that was found.
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
    /// Calls the target by `call`, or the profile that serves it if Bedrock says that one is needed.
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
                        // Calls of one request that ran at once have found the same.
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
