//! `POST /v1/chat/completions`: translates a request to Converse, and Converse events to chunks or
//! to one completion.

pub mod handler;
pub(crate) mod service;

mod client_fields;
mod field_names;
mod request;
mod response;
mod source;

pub use client_fields::ClientFields;
pub use field_names::ChatFieldNames;
pub use request::media::remote_addresses;
pub use request::types::{ChatMessage, ChatRequest};
pub use request::{translate, translate_as};
pub use response::chunks::ChunkWriter;
pub use response::completion::{Completion, CompletionHead};
pub use response::finish_reason::FinishReason;
pub use response::format::ChatFormat;
pub use source::model_name;

// Request types shared with other endpoints.
pub(super) use request::content::Content;
pub(super) use request::media::{FilePart, InputAudio};
pub(super) use request::types::{
    AllowedTool, AllowedTools, CacheControl, ChatTool, ContentPart, CustomCall, CustomTool,
    FunctionCall, FunctionObject, JsonSchemaFormat, PerformanceFields, PromptCacheOptions,
    ResponseFormat, StreamOptions, ToolCall, ToolChoiceObject,
};

// Response types shared with other endpoints.
pub(super) use response::completion::UsageObject;
pub(super) use response::events::EventBuffer;
