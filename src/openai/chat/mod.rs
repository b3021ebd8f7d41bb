//! `POST /v1/chat/completions`: a request becomes a Converse request; events become chunks, or
//! one whole completion. `native/` is for what goes to one of AWS's OpenAI surfaces instead.

mod answer_text;
mod assistant;
mod chunks;
mod completion;
mod content;
mod conversation;
mod ending;
mod events;
mod extensions;
mod json_answer;
mod marks;
mod media;
mod names;
mod native;
mod open_reasoning;
mod parameters;
mod parts;
mod piece;
mod pieces;
mod plan;
mod request;
mod tag_split;
mod terms;
mod tools;
mod truncate;
mod types;
mod unescape;
mod wishes;

pub use chunks::ChunkWriter;
pub use completion::{Completion, CompletionHead};
pub use ending::{ResponseSummary, TokenCounts};
pub use media::{RemoteAddress, RemoteFiles, RemoteMedia, remote_addresses};
pub use native::{
    ChatUpstreamChunks, ChatUpstreamContext, ChatUpstreamHead, ChatUpstreamOptions,
    ChatUpstreamRequest, ChatUpstreamResponse, ChatUpstreamUsage, UnsupportedField, native_answer,
    obstacle, pass_on,
};
pub use piece::{FinishReason, OutputEvent, OutputWriter};
pub use pieces::OutputEvents;
pub use plan::OutputOptions;
pub use request::{ChatTranslation, translate};
pub use terms::{AllowList, ChatOptions, ClientFields, GuardrailPolicy, TranslationContext};
pub use truncate::drop_oldest;
pub use types::{ChatMessage, ChatRequest, GuardrailFields};

// What other endpoints read in the same way.
pub use content::StringOrObject;
pub(super) use content::{Content, Texts};
pub(super) use conversation::note_unknown;
pub use media::ImageUrl;
pub(super) use media::{
    FilePart, InputAudio, is_data_url, is_web_address, open_image, open_picture, picture_head,
};
pub(super) use parameters::{hint, refuse};
pub(super) use types::{
    AllowedTool, AllowedTools, CacheControl, ChatTool, ContentPart, CustomCall, CustomTool,
    FunctionCall, FunctionObject, JsonSchemaFormat, PerformanceFields, PromptCacheOptions,
    ResponseFormat, StreamOptions, ToolCall, ToolChoiceObject,
};

// What they write in the same way.
pub(super) use completion::UsageObject;
pub(super) use events::EventBuffer;
