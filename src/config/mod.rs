//! The configuration: defaults, then `outcrop.toml`, then the environment, then flags.
//!
//! Each section of the file is read in a file of its own. All mistakes are reported at once, each
//! with section, key, value and remedy.

mod aws;
mod batches;
mod bedrock_api;
mod chat;
mod embeddings;
mod fetch;
mod host_pattern;
mod keys;
mod limits;
mod load;
mod log;
mod models;
mod moderations;
mod origin;
mod reader;
#[cfg(test)]
mod reference;
mod s3;
mod server;
mod store;
mod videos;

pub use batches::BatchSettings;
pub use bedrock_api::BedrockApiSettings;
pub use chat::{ChatOverrides, ChatSettings, ModelFiles, Truncate};
pub use embeddings::EmbeddingSettings;
pub use fetch::FetchSettings;
pub use host_pattern::HostPattern;
pub use keys::{AccessKey, KeyDigest, KeyEntry};
pub use limits::{LimitSettings, Limits};
pub use load::{Overrides, config_file, load};
pub use log::{LogFormat, LogSettings};
pub use models::{CatalogList, CatalogSettings, ModelEntry};
pub use moderations::ModerationSettings;
pub use origin::{AllowedOrigin, is_loopback_host};
pub use reader::Mistakes;
pub use s3::S3Settings;
pub use server::ServerSettings;
pub use store::StoreSettings;
pub use videos::VideoSettings;

use std::collections::BTreeMap;

use crate::bedrock::BedrockSettings;
use crate::models::ModelId;

/// A checked configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerSettings,
    /// Callers and their API keys; without any, requests need none.
    pub keys: Vec<KeyEntry>,
    /// Aliases with the models they stand for.
    pub models: BTreeMap<String, ModelEntry>,
    /// How chat requests are treated.
    pub chat: ChatSettings,
    /// Defaults of requests for embeddings.
    pub embeddings: EmbeddingSettings,
    /// Foundation models of ARNs that do not contain one.
    pub base_models: BTreeMap<String, ModelId>,
    /// The list of models.
    pub catalog: CatalogSettings,
    /// Region, endpoints, timeouts and retries of calls to Bedrock.
    pub bedrock: BedrockSettings,
    /// Downloads of URLs in requests.
    pub fetch: FetchSettings,
    /// Bedrock's own API.
    pub bedrock_api: BedrockApiSettings,
    /// The S3 bucket.
    pub s3: S3Settings,
    /// `/v1/videos`.
    pub videos: VideoSettings,
    /// `/v1/moderations`.
    pub moderations: ModerationSettings,
    /// The database.
    pub store: StoreSettings,
    /// Files and batches.
    pub batches: BatchSettings,
    /// Limits of rate and concurrency.
    pub limits: Limits,
    /// The log.
    pub log: LogSettings,
}
