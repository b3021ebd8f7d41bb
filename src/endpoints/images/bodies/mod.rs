//! Request and response bodies of image models, one file for each form.

mod canvas;
mod diffusion;
mod mask;
mod stability;

pub use mask::{MaskError, mask_for};

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::converse::options::Fields;
use crate::models::{AspectRatio, ImageBody, ImageCapabilities, ImageTask, Size};

/// The parameters of a call. Only parameters that the model supports are set: the caller checks.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageOrder {
    /// The task.
    pub task: ImageTask,
    /// The prompt.
    pub prompt: Option<String>,
    /// The negative prompt.
    pub negative_prompt: Option<String>,
    /// The input images, in base64.
    pub images: Vec<String>,
    /// The mask, in base64 and in the model's convention.
    pub mask: Option<String>,
    /// The description of the area to edit.
    pub mask_prompt: Option<String>,
    /// The size of the image.
    pub size: Option<Size>,
    /// The aspect ratio of the image.
    pub aspect_ratio: Option<AspectRatio>,
    /// Whether premium quality is requested; `None` for the model's default.
    pub premium: Option<bool>,
    /// The number of images to generate.
    pub count: u32,
    /// The seed.
    pub seed: Option<u64>,
    /// How closely the image follows the prompt.
    pub cfg_scale: Option<Number>,
    /// How much of the input image changes or is kept, on the provider's scale.
    pub strength: Option<Number>,
    /// The colors to use, as `#rrggbb`.
    pub colors: Vec<String>,
    /// The output format, as OpenAI names it.
    pub output_format: Option<String>,
    /// Additional fields of the model, under the provider's names.
    pub extra_fields: Fields,
    /// Fields that are merged into the body last, unchanged.
    pub additional: Fields,
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageOutcome {
    /// Images in base64, at least one.
    Generated(Vec<String>),
    /// The provider filtered the image, and its reason.
    Filtered(String),
    /// The provider reported a failure.
    Failed(String),
}

/// The field that a guardrail adds to the response of any model (recordings' FINDINGS, 44).
#[derive(Deserialize)]
struct GuardrailField {
    #[serde(rename = "amazon-bedrock-guardrailAction")]
    action: Option<String>,
}

/// The request body of a call.
pub fn body(capabilities: &ImageCapabilities, order: &ImageOrder) -> Value {
    let mut body = match capabilities.body {
        ImageBody::Stability => stability::body(capabilities, order),
        ImageBody::Diffusion => diffusion::body(order),
        ImageBody::Canvas => canvas::body(order),
    };
    overlay(&mut body, &order.additional);
    Value::Object(body)
}

/// Whether `task` supports the provider's field `name`.
pub fn belongs(form: ImageBody, name: &str, task: ImageTask) -> bool {
    match form {
        ImageBody::Canvas => canvas::belongs(name, task),
        ImageBody::Stability | ImageBody::Diffusion => true,
    }
}

/// Parses a response; fails if it does not have the model's form.
pub fn outcome(form: ImageBody, response: &[u8]) -> Result<ImageOutcome, serde_json::Error> {
    let GuardrailField { action } = serde_json::from_slice(response)?;
    if action.as_deref() == Some("INTERVENED") {
        return Ok(ImageOutcome::Filtered(
            "blocked by the gateway's guardrail".to_owned(),
        ));
    }
    match form {
        ImageBody::Stability => stability::outcome(response),
        ImageBody::Diffusion => diffusion::outcome(response),
        ImageBody::Canvas => canvas::outcome(response),
    }
}

/// Inserts `fields` into `body`; objects are merged with existing objects.
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

/// Inserts a value into `body` if there is one.
fn put(body: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
impl ImageOrder {
    /// An order with only a task.
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
