//! Which id a name is called by, and whether it may be called, without spending anything.

use bytes::Bytes;

use super::Pipeline;
use super::profiles::SearchedTarget;
use crate::bedrock::{Cause, ModelCall, Trouble, UpstreamError};
use crate::config::ModelEntry;
use crate::error::ApiError;
use crate::models::ModelId;

impl Pipeline {
    /// What requests for `name` are sent to, as far as it is known before Bedrock is called.
    pub fn resolved(&self, name: &str) -> Result<ModelEntry, ApiError> {
        self.models.entry(name)
    }

    /// The id that requests for `entry` are sent to, if the credentials may call it: a conversation
    /// of nothing is refused as such by whoever would have taken it, and costs nothing.
    pub async fn probe(&self, entry: ModelEntry) -> Result<ModelId, UpstreamError> {
        let target = self.models.target_of(entry).await;
        let searched = SearchedTarget::new(&target, false);
        let probe = |model| async {
            let nothing = Bytes::from_static(br#"{"messages":[]}"#);
            match self.bedrock.converse(ModelCall::new(model, nothing)).await {
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
