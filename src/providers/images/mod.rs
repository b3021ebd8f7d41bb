//! The bodies of models that make pictures, one file a form.

mod canvas;
mod diffusion;
mod mask;
mod stability;

pub use mask::{MaskError, mask_for};

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::converse::options::Fields;
use crate::models::{AspectRatio, ImageBody, ImageCapabilities, ImageTask, Size};

/// What a model is asked. What a field says is taken by the model: that is seen to before.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageOrder {
    /// What is done.
    pub task: ImageTask,
    /// What is wanted.
    pub prompt: Option<String>,
    /// What is not wanted.
    pub negative_prompt: Option<String>,
    /// The pictures to begin with, in base64.
    pub images: Vec<String>,
    /// Which part is edited, in base64 and in the model's convention.
    pub mask: Option<String>,
    /// Which part is edited, in words.
    pub mask_prompt: Option<String>,
    /// The size that is wanted.
    pub size: Option<Size>,
    /// The aspect ratio that is wanted.
    pub aspect_ratio: Option<AspectRatio>,
    /// Whether the better quality is wanted; nothing where it is left to the model.
    pub premium: Option<bool>,
    /// How many pictures this call makes.
    pub count: u32,
    /// Where chance begins.
    pub seed: Option<u64>,
    /// How closely the prompt is followed.
    pub cfg_scale: Option<Number>,
    /// How much of the given picture changes, or stays: as the provider counts.
    pub strength: Option<Number>,
    /// The colors that are wanted, `#rrggbb`.
    pub colors: Vec<String>,
    /// The format that is wanted, by OpenAI's words.
    pub output_format: Option<String>,
    /// Further fields that the model takes, under the provider's names.
    pub extra_fields: Fields,
    /// What is laid over the whole body, in the provider's own words.
    pub additional: Fields,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageOutcome {
    /// Pictures in base64, at least one.
    Generated(Vec<String>),
    /// The provider keeps the picture back, and says why.
    Filtered(String),
    /// The provider says that it failed.
    Failed(String),
}

/// What a guardrail puts into the answer of any model (recordings' FINDINGS, 44).
#[derive(Deserialize)]
struct GuardrailField {
    #[serde(rename = "amazon-bedrock-guardrailAction")]
    action: Option<String>,
}

/// The body that asks a model for what `order` says.
pub fn body(capabilities: &ImageCapabilities, order: &ImageOrder) -> Value {
    let mut body = match capabilities.body {
        ImageBody::Stability => stability::body(capabilities, order),
        ImageBody::Diffusion => diffusion::body(order),
        ImageBody::Canvas => canvas::body(order),
    };
    overlay(&mut body, &order.additional);
    Value::Object(body)
}

/// Whether the provider's field `name` belongs to `task`, of a model that takes it.
pub fn belongs(form: ImageBody, name: &str, task: ImageTask) -> bool {
    match form {
        ImageBody::Canvas => canvas::belongs(name, task),
        ImageBody::Stability | ImageBody::Diffusion => true,
    }
}

/// What an answer says; fails where it is none of the model's.
pub fn outcome(form: ImageBody, response: &[u8]) -> Result<ImageOutcome, serde_json::Error> {
    let GuardrailField { action } = serde_json::from_slice(response)?;
    if action.as_deref() == Some("INTERVENED") {
        return Ok(ImageOutcome::Filtered(
            "the guardrail of this gateway keeps it back".to_owned(),
        ));
    }
    match form {
        ImageBody::Stability => stability::outcome(response),
        ImageBody::Diffusion => diffusion::outcome(response),
        ImageBody::Canvas => canvas::outcome(response),
    }
}

/// Puts `fields` into `body`; an object goes into the object that is there.
fn overlay(body: &mut Map<String, Value>, fields: &Fields) {
    for (key, value) in fields.iter() {
        let value: Value = serde_json::from_str(value.as_str()).unwrap_or_default();
        match (body.get_mut(key), value) {
            (Some(Value::Object(there)), Value::Object(new)) => there.extend(new),
            (_, value) => {
                body.insert(key.to_owned(), value);
            }
        }
    }
}

/// Puts a value into `body` where there is one.
fn put(body: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
impl ImageOrder {
    /// An order for nothing but a task.
    fn sample(task: ImageTask) -> Self {
        Self {
            task,
            prompt: None,
            negative_prompt: None,
            images: Vec::new(),
            mask: None,
            mask_prompt: None,
            size: None,
            aspect_ratio: None,
            premium: None,
            count: 1,
            seed: None,
            cfg_scale: None,
            strength: None,
            colors: Vec::new(),
            output_format: None,
            extra_fields: Fields::default(),
            additional: Fields::default(),
        }
    }
}
