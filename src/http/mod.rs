//! What handlers share: what they receive of a request, and how their responses are written.

mod body;
mod content;
pub(crate) mod deployment;
mod event_stream;
mod extract;
pub(crate) mod reply;
pub(crate) mod shutdown;
mod sse;

pub use body::content_type::require_json_or_bytes;
pub use body::multipart::{FormLimits, MultipartForm, OpenPart};
pub use body::{HeldBody, decompressed, read_as_sent};
pub use deployment::deployment;
pub use extract::{FormRequest, flag, header_options, key, query};
pub use reply::ReplyBody;
pub use shutdown::{Shutdown, ShutdownPhase, restarting};
