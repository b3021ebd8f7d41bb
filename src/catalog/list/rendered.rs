//! The JSON of the models, serialized once.

use std::collections::{BTreeMap, HashMap};

use bytes::{BufMut, Bytes, BytesMut};

use crate::catalog::list::wire::ModelObject;
use crate::models::ModelType;

/// The JSON of all models, and of each.
#[derive(Debug, Default)]
pub(super) struct CatalogJson {
    list: Bytes,
    /// The list for each model type.
    by_type: BTreeMap<ModelType, Bytes>,
    /// The JSON of each model, by name; slices of `list`.
    models: HashMap<String, Bytes>,
    /// The names in the order of the list, each with its type.
    order: Vec<(String, Option<ModelType>)>,
}

/// The order in the list; models of the same rank are ordered by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// ARNs come last: few requests use them.
    pub(super) is_arn: bool,
    /// Chat models come first: most clients offer them for selection.
    pub(super) is_no_chat: bool,
    /// Aliases come before listed models.
    pub(super) is_listed: bool,
}

/// Collects the model objects.
#[derive(Default)]
pub(super) struct CatalogWriter {
    models: Vec<ModelJson>,
}

struct ModelJson {
    rank: Rank,
    name: String,
    model_type: Option<ModelType>,
    json: Vec<u8>,
}

impl CatalogJson {
    /// The list of all models, or of those of a type.
    pub(super) fn list(&self, model_type: Option<ModelType>) -> Bytes {
        match model_type {
            None => self.list.clone(),
            Some(model_type) => match self.by_type.get(&model_type) {
                Some(list) => list.clone(),
                None => list_of(std::iter::empty()).0,
            },
        }
    }

    /// The same for the models whose names `is_listed` returns.
    pub(super) fn list_of(
        &self,
        model_type: Option<ModelType>,
        is_listed: impl Fn(&str) -> bool,
    ) -> Bytes {
        let has_type = |own: Option<ModelType>| model_type.is_none() || own == model_type;
        let order = self.order.iter();
        let listed = order.filter(|(name, own)| has_type(*own) && is_listed(name));
        let models = listed.filter_map(|(name, _)| self.models.get(name));
        list_of(models.map(|json| &**json)).0
    }

    /// The JSON of a model.
    pub(super) fn model(&self, name: &str) -> Option<Bytes> {
        self.models.get(name).cloned()
    }

    /// The names of the models.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// The number of models.
    pub(super) fn count(&self) -> usize {
        self.models.len()
    }
}

impl CatalogWriter {
    /// Adds a model.
    pub(super) fn push(&mut self, rank: Rank, model: &ModelObject<'_>) {
        // Serializing a model object cannot fail.
        let Ok(json) = serde_json::to_vec(model) else {
            return;
        };
        self.models.push(ModelJson {
            rank,
            name: model.id.to_owned(),
            model_type: model.r#type,
            json,
        });
    }

    pub(super) fn finish(mut self) -> CatalogJson {
        let key = |entry: &ModelJson| (entry.rank, entry.name.clone());
        self.models.sort_by_cached_key(key);
        let (list, ranges) = list_of(self.models.iter().map(|entry| &*entry.json));
        let by_type = ModelType::ALL.into_iter().map(|model_type| {
            let of_type = |entry: &&ModelJson| entry.model_type == Some(model_type);
            let of_type = self.models.iter().filter(of_type);
            (model_type, list_of(of_type.map(|entry| &*entry.json)).0)
        });
        let by_type = by_type.collect();
        let order = self.models.iter();
        let order = order.map(|entry| (entry.name.clone(), entry.model_type));
        let order = order.collect();
        let models = self.models.into_iter().zip(ranges);
        let models = models.map(|(entry, range)| (entry.name, list.slice(range)));
        CatalogJson {
            models: models.collect(),
            by_type,
            list,
            order,
        }
    }
}

/// The list of the models with this JSON, and the byte range of each in it.
fn list_of<'a>(entries: impl Iterator<Item = &'a [u8]>) -> (Bytes, Vec<std::ops::Range<usize>>) {
    let mut list = BytesMut::from(br#"{"object":"list","data":["#.as_slice());
    let mut ranges = Vec::new();
    for json in entries {
        if !ranges.is_empty() {
            list.put_u8(b',');
        }
        let start = list.len();
        list.extend_from_slice(json);
        ranges.push(start..list.len());
    }
    list.extend_from_slice(b"]}");
    (list.freeze(), ranges)
}
