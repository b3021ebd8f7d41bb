//! A cache of model information: table entries, corrected by the fields that models turned out to
//! refuse. It lasts as long as the process.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::bedrock::BaseModel;
use crate::models::{Capabilities, ModelId, Price, RefusedField, UnitPrices};

/// The maximum number of cached models: clients choose the names.
const MAX_MODELS: usize = 1024;

/// Information about one model.
#[derive(Debug, Clone)]
pub(crate) struct ModelInfo {
    pub(crate) capabilities: Arc<Capabilities>,
    /// The maximum output tokens.
    pub(crate) output_limit: Option<u32>,
    /// The context window: the maximum of input and output tokens together.
    pub(crate) context_window: Option<u32>,
    /// The date on which the model is shut down, if known.
    pub(crate) end_of_life: Option<String>,
    /// Whether AWS lists it as a legacy model.
    pub(crate) legacy: bool,
    /// The token prices, if the table has them.
    pub(crate) price: Option<Price>,
    /// The prices per unit, for usage that is not billed by tokens.
    pub(crate) units: UnitPrices,
    /// The model that these capabilities and prices belong to.
    pub(crate) resolved_model: ModelId,
    /// The base model that Bedrock or the operator reports, if the id does not contain it.
    pub(crate) base: Option<BaseModel>,
}

/// Information about the models that were requested.
#[derive(Debug, Default)]
pub(crate) struct ModelInfoCache {
    by_model: RwLock<HashMap<ModelId, Arc<ModelInfo>>>,
}

impl ModelInfoCache {
    /// Information about `model`, unless its base has changed since.
    pub(crate) fn get(&self, model: &ModelId, base: Option<&BaseModel>) -> Option<Arc<ModelInfo>> {
        let by_model = self.by_model.read();
        let by_model = by_model.unwrap_or_else(PoisonError::into_inner);
        let model_info = by_model.get(model)?;
        (model_info.base.as_ref() == base).then(|| Arc::clone(model_info))
    }

    /// Caches information about `model`.
    pub(crate) fn keep(&self, model: &ModelId, model_info: ModelInfo) -> Arc<ModelInfo> {
        let model_info = Arc::new(model_info);
        let by_model = self.by_model.write();
        let mut by_model = by_model.unwrap_or_else(PoisonError::into_inner);
        if by_model.len() >= MAX_MODELS && !by_model.contains_key(model) {
            // Entries are looked up, and refusals learned, again when needed.
            by_model.clear();
        }
        by_model.insert(model.clone(), Arc::clone(&model_info));
        model_info
    }

    /// Clears the cache, after the tables have changed.
    pub(crate) fn forget(&self) {
        let by_model = self.by_model.write();
        by_model.unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl ModelInfo {
    /// The information after `model` refused `field`; `None` if the field was already removed.
    pub(crate) fn without(&self, model: &ModelId, field: RefusedField) -> Option<Self> {
        let name = format!("{field:?}");
        let capabilities = self.capabilities.without(field)?;
        tracing::warn!(
            model = model.as_str(),
            field = name,
            "the model refuses a field that the model table lists; the gateway omits it from now \
             on; it can be configured in a file of `[catalog] facts`"
        );
        Some(Self {
            capabilities: Arc::new(capabilities),
            ..self.clone()
        })
    }
}
