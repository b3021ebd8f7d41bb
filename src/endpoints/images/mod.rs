//! Images: `POST /v1/images/generations`, `/edits` and `/variations`.

pub mod bodies;
pub mod handler;
pub(crate) mod service;

mod extra_fields;
mod inputs;
mod options;
mod request;
mod response;
mod shape;
mod task;
mod types;

use crate::models::Endpoint;

pub use inputs::{InputImage, Inputs, remote_images};
pub use options::Delivery;
pub use request::{ImageContext, PreparedImageRequest, TranslatedImage, translate};
pub use response::{
    GeneratedImage, ImageData, ImageHead, completed_events, images, images_response,
};
pub use service::ImageStore;
pub use types::{ImageReference, ImageRequest};

/// The endpoint of a request.
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
    /// The general endpoint type.
    pub fn endpoint(self) -> Endpoint {
        match self {
            Self::Generations => Endpoint::ImageGenerations,
            Self::Edits => Endpoint::ImageEdits,
            Self::Variations => Endpoint::ImageVariations,
        }
    }
}
