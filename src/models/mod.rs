//! What is known of models: how their ids are read, and what each family takes.

mod facts;
mod id;

pub use facts::{BesideToolResult, Facts, ModelTable, Sampling, TableError};
pub use id::{InvalidModelId, ModelId};
