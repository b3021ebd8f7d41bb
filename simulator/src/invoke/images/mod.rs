//! Models that make pictures: strict bodies, small pictures.
//!
//! A prompt with the word `forbidden` is filtered before a picture is made, one with `unsuitable`
//! after. Bodies and limits are those of AWS's user guides.

mod body;
mod canvas;
mod diffusion;
mod image;
mod stability;
mod upload;

use serde_json::Value;

use crate::error::AwsError;
use crate::families::bare_id;

/// Refuses a body that the model does not take; says nothing of models that make no pictures.
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

/// The answer of a model that makes pictures; `None` for every other model.
pub(super) fn response(model: &str, body: &Value) -> Option<Value> {
    if canvas::is(model) {
        return Some(canvas::response(body));
    }
    if diffusion::is(model) {
        return Some(diffusion::response(body));
    }
    stability::service_of(model).map(|service| stability::response(service, body))
}

/// What the filters make of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Fine,
    /// Refused before anything is made.
    Forbidden,
    /// What was made is kept back.
    Unsuitable,
}

fn judgement(prompt: Option<&str>) -> Judgement {
    let prompt = prompt.unwrap_or_default().to_ascii_lowercase();
    if prompt.contains("forbidden") {
        return Judgement::Forbidden;
    }
    match prompt.contains("unsuitable") {
        true => Judgement::Unsuitable,
        false => Judgement::Fine,
    }
}
