//! Static facts about models: id parsing, capabilities of model families, and prices.

mod built_in;
mod capabilities;
mod id;
mod prices;
mod routing;
mod table;
mod tokenizer;

pub use capabilities::embedding::{
    EmbeddingBody, EmbeddingCapabilities, EmbeddingInput, Purpose, RerankCapabilities, Truncation,
};
pub use capabilities::endpoint::{Endpoint, Modalities, Modality, ModelType};
pub use capabilities::image::{
    AspectRatio, ImageBody, ImageCapabilities, ImageTask, MaskConvention, Requirement, Sides, Size,
};
pub use capabilities::video::{VideoBody, VideoCapabilities, VideoControl};
pub use capabilities::{
    CachePosition, CallIdForm, Capabilities, ChatUpstream, Effort, Medium, OpenAiEndpoint,
    ReasoningControl, ReasoningReplay, RefusedField, Sampling, ToolResultCompanions,
};
pub use id::{InvalidModelId, ModelId, ModelKind};
pub use prices::{
    CostBreakdown, ModelRow, Price, PriceTable, PriceTableError, Tier, Tokens, UnitPrices, Usd,
};
pub use routing::Routing;
pub use table::{ModelTable, TableError};
pub use tokenizer::Tokenizer;
