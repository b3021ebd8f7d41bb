//! The configuration: defaults, then `outcrop.toml`, then the environment, then flags.
//!
//! A file is read into sections, one file of code each, and every mistake in it is reported at
//! once with its section, field, value and remedy.

mod aws;
mod batches;
mod bedrock_api;
mod chat;
mod embeddings;
mod fetch;
mod keys;
mod limits;
mod load;
mod log;
mod models;
mod moderations;
mod origin;
mod reader;
mod s3;
mod server;
mod store;
mod tables;
mod videos;

pub use batches::BatchSettings;
pub use bedrock_api::BedrockApiSettings;
pub use chat::{ChatOverrides, ChatSettings, ModelFiles, Truncate};
pub use embeddings::EmbeddingSettings;
pub use fetch::FetchSettings;
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
pub use tables::Tables;
pub use videos::VideoSettings;

use std::collections::BTreeMap;

use crate::bedrock::BedrockSettings;
use crate::models::ModelId;

/// A configuration that can be run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Where and how to listen.
    pub server: ServerSettings,
    /// Who may call; nobody has to say so where it is empty.
    pub keys: Vec<KeyEntry>,
    /// Names of the operator's own, each with the model it stands for.
    pub models: BTreeMap<String, ModelEntry>,
    /// How chat requests are treated.
    pub chat: ChatSettings,
    /// How requests for embeddings are read where they do not say.
    pub embeddings: EmbeddingSettings,
    /// ARNs that do not say their foundation model, each with it.
    pub base_models: BTreeMap<String, ModelId>,
    /// What `/v1/models` shows.
    pub catalog: CatalogSettings,
    /// The way to Bedrock.
    pub bedrock: BedrockSettings,
    /// What may be fetched for a request.
    pub fetch: FetchSettings,
    /// What of Bedrock's own API is served.
    pub bedrock_api: BedrockApiSettings,
    /// Where files are kept.
    pub s3: S3Settings,
    /// Whether films are made.
    pub videos: VideoSettings,
    /// How content is checked.
    pub moderations: ModerationSettings,
    /// Where state is kept.
    pub store: StoreSettings,
    /// Files and batches.
    pub batches: BatchSettings,
    /// How much may pass.
    pub limits: Limits,
    /// What is written down.
    pub log: LogSettings,
}
