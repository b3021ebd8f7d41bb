//! Finds the inference profile of a model that Bedrock refuses to call by its own id.

use super::names::Resolver;
use crate::bedrock::UpstreamError;
use crate::error::ErrorCode;
use crate::models::ModelId;

/// The inference profiles to try for one request.
#[derive(Debug, Default)]
pub(crate) struct ProfileSearch {
    /// The bare id that Bedrock refused to call, and the profiles not tried yet.
    refusal: Option<(ModelId, Vec<ModelId>)>,
}

impl ProfileSearch {
    /// The next model to call after a call to `model` failed; `None` if a profile does not help, or
    /// all were tried.
    pub(crate) fn next(
        &mut self,
        error: &UpstreamError,
        model: &ModelId,
        resolver: &Resolver,
    ) -> Option<ModelId> {
        let is_not_found = error.api_error.code == Some(ErrorCode::ModelNotFound);
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
    pub(crate) fn learn(&mut self, profile: &ModelId, resolver: &Resolver) -> bool {
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
