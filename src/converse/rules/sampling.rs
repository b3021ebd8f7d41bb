//! H17 and H18: sampling parameters and stop sequences that the family refuses.

use crate::adjustments::Adjustments;
use crate::converse::request::InferenceConfig;
use crate::models::{Capabilities, Sampling};

/// Takes out what the family refuses, and raises a limit that is too low for it.
pub(super) fn apply(
    config: &mut InferenceConfig,
    output_limit: Option<u32>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    // A 1 is what there is without it: it is no more than in the way of the other.
    if capabilities.sampling != Sampling::Both {
        let is_one = |number: &serde_json::Number| number.as_f64() == Some(1.0);
        config.top_p.take_if(|top_p| is_one(top_p));
        if capabilities.sampling == Sampling::None || config.top_p.is_some() {
            config
                .temperature
                .take_if(|temperature| is_one(temperature));
        }
    }
    match capabilities.sampling {
        Sampling::Both => {}
        Sampling::TemperatureOrTopP => {
            if config.temperature.is_some() {
                drop_top_p(
                    config,
                    "dropped, this model takes it or temperature",
                    adjustments,
                );
            }
        }
        Sampling::None => {
            if config.temperature.take().is_some() {
                adjustments.note("temperature", "dropped, this model does not take it");
            }
            drop_top_p(config, "dropped, this model does not take it", adjustments);
        }
    }
    if !capabilities.stop_sequences && !config.stop_sequences.is_empty() {
        config.stop_sequences.clear();
        adjustments.note("stop", "dropped, this model does not take it");
    }
    let count = config.stop_sequences.len();
    if !capabilities.blank_stop_sequences {
        config.stop_sequences.retain(|text| !text.trim().is_empty());
    }
    if config.stop_sequences.len() < count {
        adjustments.note("stop", "blank texts dropped, this model does not take them");
    }
    let max = output_limit.unwrap_or(u32::MAX);
    if let Some(limit) = config.max_tokens.as_mut().filter(|limit| **limit > max) {
        *limit = max;
        adjustments.note("max_tokens", format!("lowered to {max}, the model's most"));
    }
    let min = capabilities.min_max_tokens;
    if let Some(limit) = config.max_tokens.as_mut().filter(|limit| **limit < min) {
        *limit = min;
        adjustments.note("max_tokens", format!("raised to {min}, the model's least"));
    }
}

fn drop_top_p(config: &mut InferenceConfig, action: &str, adjustments: &mut Adjustments) {
    if config.top_p.take().is_some() {
        adjustments.note("top_p", action);
    }
}
