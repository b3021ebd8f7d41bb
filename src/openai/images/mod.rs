//! Pictures: `POST /v1/images/generations`, `/edits` and `/variations`.

mod answer;
mod further;
mod inputs;
mod request;
mod shape;
mod task;
mod types;
mod wishes;

use crate::models::Endpoint;

pub use answer::{GeneratedImage, ImageData, ImageHead, completed_events, image_answer, pictures};
pub use inputs::{InputImage, Inputs, remote_pictures};
pub use request::{ImageContext, PreparedImageRequest, TranslatedImage, translate};
pub use types::{ImageReference, ImageRequest};
pub use wishes::Delivery;

/// Which of the endpoints is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageEndpoint {
    /// `/v1/images/generations`
    Generations,
    /// `/v1/images/edits`
    Edits,
    /// `/v1/images/variations`
    Variations,
}

impl ImageEndpoint {
    /// The same among all endpoints.
    pub fn endpoint(self) -> Endpoint {
        match self {
            Self::Generations => Endpoint::ImageGenerations,
            Self::Edits => Endpoint::ImageEdits,
            Self::Variations => Endpoint::ImageVariations,
        }
    }
}
