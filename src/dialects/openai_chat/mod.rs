//! `POST /v1/chat/completions`: translates a request to Converse, and Converse events to chunks or
//! to one completion.

pub mod handler;

mod assistant;
mod cache_control;
mod chunks;
mod completion;
mod content;
mod context;
mod conversation;
mod events;
mod extensions;
mod field_names;
mod finish_reason;
mod media;
mod parameters;
mod parts;
mod request;
mod request_options;
mod tools;
mod truncate;
mod types;

pub use chunks::ChunkWriter;
pub use completion::{Completion, CompletionHead};
pub use context::{ChatOptions, ClientFields, TranslationContext};
pub use field_names::ChatFieldNames;
pub use finish_reason::FinishReason;
pub use media::remote_addresses;
pub use request::{ChatTranslation, translate};
pub use truncate::drop_oldest;
pub use types::{ChatMessage, ChatRequest, GuardrailFields};

// Request types shared with other endpoints.
pub(super) use content::Content;
pub use media::ImageUrl;
pub(super) use media::{FilePart, InputAudio};
pub(super) use types::{
    AllowedTool, AllowedTools, CacheControl, ChatTool, ContentPart, CustomCall, CustomTool,
    FunctionCall, FunctionObject, JsonSchemaFormat, PerformanceFields, PromptCacheOptions,
    ResponseFormat, StreamOptions, ToolCall, ToolChoiceObject,
};

// Response types shared with other endpoints.
pub(super) use completion::UsageObject;
pub(super) use events::EventBuffer;
