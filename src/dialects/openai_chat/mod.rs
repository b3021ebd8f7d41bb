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

// What other dialects with the same parameters translate in the same way.
pub(super) use request::assistant::{AssistantParts, object_of, unsigned};
pub(super) use request::conversation::{
    Conversation, ConversationReader, TextWithCachePoint, blocks_of,
};
pub(super) use request::prompt::Prompt;
pub(super) use request::tools::{ToolPath, ToolReader, ToolTranslation, check_count};
pub(super) use request::translate_with;

// Request types shared with other endpoints.
pub(super) use request::content::Content;
pub(super) use request::media::{FilePart, InputAudio};
pub(super) use request::types::{
    AllowedTool, AllowedTools, CacheControl, ContentPart, CustomTool, FunctionObject,
    JsonSchemaFormat, PerformanceFields, PromptCacheOptions, PromptVariable, ResponseFormat,
    StreamOptions, ToolChoiceObject,
};

// Response types shared with other endpoints.
pub(super) use response::completion::UsageObject;
pub(super) use response::events::EventBuffer;
