//! What is known about models at run time: the tables, what Bedrock lists, and what requests have
//! learned.
//!
//! - `tables`: the built-in tables, overridden by the operator's files
//! - `learned`: what requests have learned about single models, in one bounded cache
//! - `base_models`, `lookup`: the foundation models behind ARNs
//! - `list`: the list of models, which Bedrock refreshes, and its JSON
//! - `names`, `profiles`: from a client's name to the id that is called
//! - `model_info`, `serving`: the capabilities and prices of a model, and which endpoint serves it
//! - `registry`: from a client's name to all of this

mod base_models;
mod learned;
mod list;
mod lookup;
mod model_info;
mod names;
mod profiles;
mod registry;
mod serving;
mod tables;

pub use base_models::BaseModels;
pub use learned::LearnedModels;
pub use list::{Catalog, CatalogConfig, Directory};
pub(crate) use model_info::ModelInfo;
pub(crate) use profiles::ProfileSearch;
pub(crate) use registry::{ModelTarget, Registry};
pub use tables::Tables;
