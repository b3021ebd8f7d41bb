//! Lists of the control plane: the region's foundation models, and other models that take calls.
//!
//! Operations, paths and fields are those of botocore 1.44.5, service `bedrock`, 2023-04-20.

mod foundation;
mod own;
mod time;

pub use foundation::{FoundationModel, LifeCycle};
pub use own::{ListedKind, ListedModel};
pub use time::Time;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bedrock::client::Bedrock;
use crate::bedrock::errors::UpstreamError;

/// The maximum number of pages of a list; a page has up to 1,000 entries.
const MAX_PAGES: usize = 20;

/// A page of any of the lists.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListingPage<T> {
    #[serde(
        alias = "inferenceProfileSummaries",
        alias = "marketplaceModelEndpoints",
        alias = "modelDeploymentSummaries",
        alias = "modelSummaries",
        alias = "promptRouterSummaries",
        alias = "provisionedModelSummaries"
    )]
    summaries: Vec<T>,
    next_token: Option<String>,
}

impl Bedrock {
    /// All pages of the list at `path`, which may have a query.
    async fn pages<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, UpstreamError> {
        let mut all = Vec::new();
        let mut page_path = path.to_owned();
        for _ in 0..MAX_PAGES {
            let body = self.get(&page_path).await?;
            let page: ListingPage<T> = serde_json::from_slice(&body)
                .map_err(|error| UpstreamError::bad_response(error.to_string()))?;
            all.extend(page.summaries);
            let Some(token) = page.next_token.filter(|token| !token.is_empty()) else {
                break;
            };
            let token = utf8_percent_encode(&token, NON_ALPHANUMERIC);
            page_path = format!("{path}&nextToken={token}");
        }
        Ok(all)
    }
}
