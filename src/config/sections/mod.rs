//! The sections of the configuration, each with its keys, defaults and checks.

pub(super) mod admin;
pub(super) mod allowances;
pub(super) mod aws;
pub(super) mod batches;
pub(super) mod bedrock_api;
pub(super) mod budgets;
pub(super) mod chat;
pub(super) mod embeddings;
pub(super) mod fetch;
pub(super) mod jwt;
pub(super) mod keys;
pub(super) mod limits;
pub(super) mod log;
pub(super) mod models;
pub(super) mod moderations;
pub(super) mod s3;
pub(super) mod server;
pub(super) mod store;
pub(super) mod videos;

pub use admin::AdminSettings;
pub use batches::BatchSettings;
pub use bedrock_api::BedrockApiSettings;
pub use chat::{ChatOverrides, ChatSettings, ModelFiles, Truncate};
pub use embeddings::EmbeddingSettings;
pub use fetch::FetchSettings;
pub use jwt::JwtIssuer;
pub(crate) use jwt::provider_url;
pub use keys::{AccessKey, KeyDigest, KeyEntry};
pub use log::{LogFormat, LogSettings};
pub use models::{CatalogList, CatalogSettings, ModelEntry};
pub use moderations::ModerationSettings;
pub use s3::S3Settings;
pub use server::ServerSettings;
pub use store::StoreSettings;
pub use videos::VideoSettings;
