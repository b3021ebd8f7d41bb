//! Image models: strict request schemas, small generated images.
//!
//! A prompt that contains `forbidden` is filtered before generation, one that contains `unsuitable`
//! after it. Schemas and limits are those of AWS's user guides.

mod body;
mod canvas;
mod diffusion;
mod filter;
mod image;
mod stability;
mod upload;

use serde_json::Value;

use crate::error::AwsError;
use crate::families::bare_id;

/// Rejects a body that violates the model's schema; accepts everything for other models.
pub(crate) fn accept(model: &str, body: &Value) -> Result<(), AwsError> {
    let model = bare_id(model);
    if canvas::is(model) {
        return canvas::accept(model, body);
    }
    if diffusion::is(model) {
        return diffusion::accept(body);
    }
    match stability::service_of(model) {
        Some(service) => stability::accept(service, body),
        None => Ok(()),
    }
}

/// The response of an image model; `None` for all other models.
pub(super) fn response(model: &str, body: &Value) -> Option<Value> {
    if canvas::is(model) {
        return Some(canvas::response(body));
    }
    if diffusion::is(model) {
        return Some(diffusion::response(body));
    }
    stability::service_of(model).map(|service| stability::response(service, body))
}
