//! Resolves a model name and checks access to the model, at no cost.

use bytes::Bytes;

use super::Pipeline;
use super::profiles::SearchedTarget;
use crate::bedrock::{Cause, ModelCall, Trouble, UpstreamError};
use crate::config::ModelEntry;
use crate::error::ApiError;
use crate::models::ModelId;

impl Pipeline {
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
            match self.bedrock.converse(ModelCall::new(model, empty)).await {
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
