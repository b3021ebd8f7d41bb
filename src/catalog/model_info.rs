//! Information about a model: its entries of the tables, corrected by the fields that it turned out
//! to refuse.

use std::sync::Arc;

use crate::bedrock::BaseModel;
use crate::models::{Capabilities, ModelId, Price, RefusedField, UnitPrices};

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
    /// Whether the model has refused a field that the table lists.
    pub(crate) is_corrected: bool,
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
            is_corrected: true,
            ..self.clone()
        })
    }
}
