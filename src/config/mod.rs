//! The configuration: defaults, then `outcrop.toml`, then the environment, then flags.
//!
//! A file is read into sections, one file of code each, and every mistake in it is reported at
//! once with its section, field, value and remedy.

mod aws;
mod chat;
mod fetch;
mod keys;
mod limits;
mod load;
mod log;
mod models;
mod reader;
mod server;
mod tables;

pub use chat::{ChatOverrides, ChatSettings, ModelFiles, Truncate};
pub use fetch::FetchSettings;
pub use keys::{KeyDigest, KeyEntry};
pub use limits::{LimitSettings, Limits};
pub use load::{Overrides, load};
pub use log::{LogFormat, LogSettings};
pub use models::{CatalogSettings, ModelEntry, Shown};
pub use reader::Mistakes;
pub use server::ServerSettings;
pub use tables::Tables;

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
    /// ARNs that do not say their foundation model, each with it.
    pub base_models: BTreeMap<String, ModelId>,
    /// What `/v1/models` shows.
    pub catalog: CatalogSettings,
    /// The way to Bedrock.
    pub bedrock: BedrockSettings,
    /// What may be fetched for a request.
    pub fetch: FetchSettings,
    /// How much may pass.
    pub limits: Limits,
    /// What is written down.
    pub log: LogSettings,
}
