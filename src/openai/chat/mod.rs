//! `POST /v1/chat/completions`: translates a request to Converse, and Converse events to chunks or
//! to one completion. `upstream/` handles requests for AWS's chat-completions endpoints, which are
//! forwarded in OpenAI's format.

mod assistant;
mod cache_control;
mod chunks;
mod completion;
mod completion_text;
mod content;
mod context;
mod conversation;
mod events;
mod extensions;
mod fence_filter;
mod field_names;
mod media;
mod names;
mod open_reasoning;
mod output;
mod output_events;
mod output_options;
mod parameters;
mod parts;
mod request;
mod request_options;
mod summary;
mod tag_split;
mod tools;
mod truncate;
mod types;
mod unescape;
mod upstream;

pub use chunks::ChunkWriter;
pub use completion::{Completion, CompletionHead};
pub use context::{AllowList, ChatOptions, ClientFields, GuardrailPolicy, TranslationContext};
pub use field_names::ChatFieldNames;
pub use media::{RemoteAddress, RemoteFiles, RemoteMedia, remote_addresses};
pub use output::{FinishReason, OutputEvent, OutputWriter};
pub use output_events::OutputEvents;
pub use output_options::OutputOptions;
pub use request::{ChatTranslation, translate};
pub use summary::ResponseSummary;
pub use truncate::drop_oldest;
pub use types::{ChatMessage, ChatRequest, GuardrailFields};
pub use upstream::{
    ChatUpstreamChunks, ChatUpstreamContext, ChatUpstreamHead, ChatUpstreamOptions,
    ChatUpstreamRequest, ChatUpstreamResponse, ChatUpstreamUsage, UnsupportedField,
    unsupported_field, upstream_request, upstream_response,
};

// Request types and helpers shared with other endpoints.
pub use content::StringOrObject;
pub(super) use content::{Content, Texts};
pub(super) use conversation::note_unknown;
pub use media::ImageUrl;
pub(super) use media::{
    FilePart, InputAudio, image_header, is_data_url, is_web_address, open_image, open_image_bytes,
};
pub(super) use parameters::{hint, refuse};
pub(super) use types::{
    AllowedTool, AllowedTools, CacheControl, ChatTool, ContentPart, CustomCall, CustomTool,
    FunctionCall, FunctionObject, JsonSchemaFormat, PerformanceFields, PromptCacheOptions,
    ResponseFormat, StreamOptions, ToolCall, ToolChoiceObject,
};

// Response types shared with other endpoints.
pub(super) use completion::UsageObject;
pub(super) use events::EventBuffer;
