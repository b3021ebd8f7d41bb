//! What is known of models: how their ids are read, what each family takes, and what each costs.

mod cost;
mod facts;
mod id;
mod price;
mod price_file;
mod price_values;
mod table;
mod usd;

pub use cost::{Price, Tier, Tokens};
pub use facts::{
    BesideToolResult, CachePlace, Effort, Facts, Medium, ReasoningKnob, ReasoningReplay,
    RefusedField, Sampling,
};
pub use id::{InvalidModelId, ModelId, ModelKind};
pub use price::{ModelRow, PriceTable, PriceTableError};
pub use table::{ModelTable, TableError};
pub use usd::Usd;
