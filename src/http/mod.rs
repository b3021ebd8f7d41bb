//! What handlers share: what they receive of a request, and how their responses are written.

mod body;
mod content;
mod context;
pub(crate) mod deployment;
mod extract;
pub(crate) mod reply;
pub(crate) mod shutdown;
mod stream;

pub use body::content_type::require_json_or_bytes;
pub use body::multipart::{FormLimits, MultipartForm, OpenPart};
pub use body::{HeldBody, decompressed, read_as_sent};
pub use context::HttpContext;
pub use deployment::deployment;
pub use extract::{FormRequest, flag, header_options, key, query};
pub use reply::{ReplyBody, events_response};
pub use shutdown::{Shutdown, ShutdownPhase, restarting};

pub(crate) use body::slow::TooSlow;
pub(crate) use stream::Probe;
