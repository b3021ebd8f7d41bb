//! `GET /v1/models` in OpenAI's words.

use serde::Serialize;

/// A list of models.
#[derive(Debug, Serialize)]
pub struct ModelList<'a> {
    object: &'static str,
    data: Vec<ModelObject<'a>>,
}

/// One model.
#[derive(Debug, Serialize)]
pub struct ModelObject<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'a str,
}

impl<'a> ModelList<'a> {
    /// The list of `data`.
    pub fn new(data: Vec<ModelObject<'a>>) -> Self {
        Self {
            object: "list",
            data,
        }
    }
}

impl<'a> ModelObject<'a> {
    /// The model `id` of the provider `owned_by`, known since `created` (Unix seconds).
    pub fn new(id: &'a str, created: u64, owned_by: &'a str) -> Self {
        Self {
            id,
            object: "model",
            created,
            owned_by,
        }
    }
}
