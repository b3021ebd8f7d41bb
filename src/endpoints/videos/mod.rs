//! `/v1/videos`: translates requests to the `modelInput` of a video model, and jobs to video
//! objects.

pub mod bodies;
pub mod handler;
pub(crate) mod service;

mod id;
mod images;
mod note;
mod query;
mod request;
mod shape;
mod types;
mod video;

pub use id::VideoId;
pub use images::remote_images;
pub use note::JobNote;
pub use query::check_variant;
pub use request::{VideoOrder, translate};
pub use service::Videos;
pub use types::VideoRequest;
pub use video::{DeletedVideo, Video, VideoStatus};
