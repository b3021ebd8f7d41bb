//! What is known of models: how their ids are read, what each family takes, and what each costs.

mod cost;
mod embedding;
mod endpoint;
mod facts;
mod id;
mod image_facts;
mod price;
mod price_file;
mod price_list;
mod price_values;
mod table;
mod usd;
mod video_facts;

pub use cost::{Price, Tier, Tokens, UnitPrices};
pub use embedding::{
    EmbeddingBody, EmbeddingCapabilities, EmbeddingInput, RerankCapabilities, Truncation,
};
pub use endpoint::{Endpoint, Modalities, Modality, ModelType};
pub use facts::{
    CachePosition, CallIdForm, Capabilities, ChatUpstream, Effort, Medium, OpenAiEndpoint,
    ReasoningControl, ReasoningReplay, RefusedField, Sampling, ToolResultCompanions,
};
pub use id::{InvalidModelId, ModelId, ModelKind};
pub use image_facts::{
    AspectRatio, ImageBody, ImageCapabilities, ImageTask, MaskConvention, Requirement, Sides, Size,
};
pub use price::{ModelRow, PriceTable, PriceTableError};
pub use price_list::{TierPrices, TokenPrices, some_decimal};
pub use table::{ModelTable, TableError};
pub use usd::Usd;
pub use video_facts::{VideoBody, VideoCapabilities, VideoControl};
