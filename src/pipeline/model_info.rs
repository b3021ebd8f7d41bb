//! What is known of the models that were asked for: looked up once, and what they were found to
//! refuse though the table thought otherwise, remembered while the process lives.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::bedrock::BaseModel;
use crate::models::{Capabilities, ModelId, Price, RefusedField, UnitPrices};

/// Models that are remembered at the most: their names come from clients.
const MAX_MODELS: usize = 1024;

/// What is known of one model.
#[derive(Debug, Clone)]
pub(super) struct ModelInfo {
    /// What it takes.
    pub(super) capabilities: Arc<Capabilities>,
    /// The most tokens that it can write.
    pub(super) output_limit: Option<u32>,
    /// The most tokens that it can read and write together.
    pub(super) context_window: Option<u32>,
    /// The day from which it answers no more, where that is known.
    pub(super) end_of_life: Option<String>,
    /// Whether AWS counts it among the legacy models.
    pub(super) legacy: bool,
    /// What it costs, where the table has a price.
    pub(super) price: Option<Price>,
    /// What it costs that is not billed by tokens.
    pub(super) units: UnitPrices,
    /// The model whose facts and price these are.
    pub(super) resolved_model: ModelId,
    /// What Bedrock or the operator says that it is based on, where its id does not say it.
    pub(super) base: Option<BaseModel>,
}

/// What is known of the models that were asked for.
#[derive(Debug, Default)]
pub(super) struct ModelInfoCache {
    by_model: RwLock<HashMap<ModelId, Arc<ModelInfo>>>,
}

impl ModelInfoCache {
    /// What is known of `model`, unless it is based on something else by now.
    pub(super) fn get(&self, model: &ModelId, base: Option<&BaseModel>) -> Option<Arc<ModelInfo>> {
        let by_model = self.by_model.read();
        let by_model = by_model.unwrap_or_else(PoisonError::into_inner);
        let model_info = by_model.get(model)?;
        (model_info.base.as_ref() == base).then(|| Arc::clone(model_info))
    }

    /// Remembers what is known of `model`.
    pub(super) fn keep(&self, model: &ModelId, model_info: ModelInfo) -> Arc<ModelInfo> {
        let model_info = Arc::new(model_info);
        let by_model = self.by_model.write();
        let mut by_model = by_model.unwrap_or_else(PoisonError::into_inner);
        if by_model.len() >= MAX_MODELS && !by_model.contains_key(model) {
            // Looked up, and learned, again where it is needed again.
            by_model.clear();
        }
        by_model.insert(model.clone(), Arc::clone(&model_info));
        model_info
    }

    /// Forgets all of it: the tables have changed.
    pub(super) fn forget(&self) {
        let by_model = self.by_model.write();
        by_model.unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl ModelInfo {
    /// What is known once `model` was found to refuse `field`; nothing where that was known.
    pub(super) fn without(&self, model: &ModelId, field: RefusedField) -> Option<Self> {
        let name = format!("{field:?}");
        let capabilities = self.capabilities.without(field)?;
        tracing::warn!(
            model = model.as_str(),
            field = name,
            "the model refuses a field that the table of models has for it; it is left out from \
             now on, and can be stated in a file of `[catalog] facts`"
        );
        Some(Self {
            capabilities: Arc::new(capabilities),
            ..self.clone()
        })
    }
}
