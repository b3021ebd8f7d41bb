//! The models as they are answered: written once, and handed out as they are.

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};

use crate::openai::models::ModelObject;

/// The JSON of all models, and of each.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    list: Bytes,
    /// By the names of the models; parts of `list`.
    models: HashMap<String, Bytes>,
}

/// The JSON while it is being written.
pub(super) struct Writer {
    list: BytesMut,
    places: Vec<(String, std::ops::Range<usize>)>,
}

impl Rendered {
    /// The list of all models.
    pub(super) fn list(&self) -> Bytes {
        self.list.clone()
    }

    /// The model of this name.
    pub(super) fn model(&self, name: &str) -> Option<Bytes> {
        self.models.get(name).cloned()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.models.len()
    }
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            list: BytesMut::from(br#"{"object":"list","data":["#.as_slice()),
            places: Vec::new(),
        }
    }

    /// Adds a model.
    pub(super) fn push(&mut self, model: &ModelObject<'_>) {
        // No part of a model is anything that JSON could not hold.
        let Ok(json) = serde_json::to_vec(model) else {
            return;
        };
        if !self.places.is_empty() {
            self.list.put_u8(b',');
        }
        let start = self.list.len();
        self.list.extend_from_slice(&json);
        self.places
            .push((model.id.to_owned(), start..self.list.len()));
    }

    pub(super) fn finish(mut self) -> Rendered {
        self.list.extend_from_slice(b"]}");
        let list = self.list.freeze();
        let places = self.places.into_iter();
        let models = places.map(|(name, place)| (name, list.slice(place)));
        Rendered {
            models: models.collect(),
            list,
        }
    }
}
