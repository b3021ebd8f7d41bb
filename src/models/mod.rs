//! Static facts about models: id parsing, capabilities of model families, and prices.

mod capabilities;
mod cost;
mod embedding;
mod endpoint;
mod id;
mod image_capabilities;
mod price;
mod price_file;
mod routing;
mod table;
mod tokenizer;
mod usd;
mod video_capabilities;

pub use capabilities::{
    CachePosition, CallIdForm, Capabilities, ChatUpstream, Effort, Medium, OpenAiEndpoint,
    ReasoningControl, ReasoningReplay, RefusedField, Sampling, ToolResultCompanions,
};
pub use cost::{CostBreakdown, Price, Tier, Tokens, UnitPrices};
pub use embedding::{
    EmbeddingBody, EmbeddingCapabilities, EmbeddingInput, Purpose, RerankCapabilities, Truncation,
};
pub use endpoint::{Endpoint, Modalities, Modality, ModelType};
pub use id::{InvalidModelId, ModelId, ModelKind};
pub use image_capabilities::{
    AspectRatio, ImageBody, ImageCapabilities, ImageTask, MaskConvention, Requirement, Sides, Size,
};
pub use price::{ModelRow, PriceTable, PriceTableError};
pub use routing::Routing;
pub use table::{ModelTable, TableError};
pub use tokenizer::Tokenizer;
pub use usd::Usd;
pub use video_capabilities::{VideoBody, VideoCapabilities, VideoControl};
