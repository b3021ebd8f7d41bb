//! The configuration: defaults, then `outcrop.toml`, then the environment, then flags.
//!
//! Each section of the file is read in a file of its own. All mistakes are reported at once, each
//! with section, key, value and remedy.

mod effective;
mod fixed;
mod host_pattern;
mod instant;
mod load;
mod origin;
mod reader;
#[cfg(test)]
mod reference;
mod sections;
mod status;
mod watch;

pub use host_pattern::HostPattern;
pub use instant::parse_instant;
pub use load::{ConfigFile, Overrides, config_file, load};
pub use origin::{AllowedOrigin, is_loopback_host};
pub use reader::{Mistakes, parse_duration};
pub use sections::{
    AccessKey, AdminSettings, BatchSettings, BedrockApiSettings, CatalogList, CatalogSettings,
    ChatOverrides, ChatSettings, EmbeddingSettings, FetchSettings, Guardrails, JwtIssuer,
    KeyDigest, KeyEntry, LogFormat, LogSettings, ModelEntry, ModelFiles, ModerationSettings,
    OnBlocked, ResponseOwner, ResponseStorage, ResponsesSettings, S3Settings, ServerSettings,
    StoreSettings, Truncate, UsageSettings, VideoSettings,
};

pub(crate) use sections::provider_url;
pub use status::{ConfigState, ConfigStatus};
pub use watch::FileWatch;

/// Defined where they are used.
pub use crate::limits::{BudgetSettings, LimitSettings, Limits, UnpricedModels, WebhookKey};

use std::collections::BTreeMap;

use crate::allowances::Organization;
use crate::bedrock::BedrockSettings;
use crate::models::ModelId;
use crate::resources::seals::SealKey;

/// A checked configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerSettings,
    /// The listener for operators.
    pub admin: AdminSettings,
    /// Callers and their API keys.
    pub keys: Vec<KeyEntry>,
    /// Identity providers whose JWTs are accepted.
    pub jwt: Vec<JwtIssuer>,
    /// What all callers together and their teams may use.
    pub organization: Organization,
    /// The guardrails that keys of the store may name.
    pub guardrails: Guardrails,
    /// Aliases with the models they stand for.
    pub models: BTreeMap<String, ModelEntry>,
    /// How chat requests are treated.
    pub chat: ChatSettings,
    /// The Responses API.
    pub responses: ResponsesSettings,
    /// The keys of what clients keep of responses: the first one seals, all of them open. Without
    /// keys the process has its own.
    pub seal_keys: Vec<SealKey>,
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
    /// Usage records.
    pub usage: UsageSettings,
    /// Files and batches.
    pub batches: BatchSettings,
    /// Limits of rate and concurrency.
    pub limits: Limits,
    /// Budgets.
    pub budgets: BudgetSettings,
    /// The log.
    pub log: LogSettings,
    /// Defaults, file and environment together, for operators. It has no secret.
    pub effective: serde_json::Value,
}

impl Config {
    /// Whether requests need an API key or a JWT.
    pub fn requires_credentials(&self) -> bool {
        !self.keys.is_empty() || !self.jwt.is_empty()
    }
}
