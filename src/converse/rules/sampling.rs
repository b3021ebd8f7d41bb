//! H17 and H18: sampling parameters and stop sequences that the family does not support.

use crate::converse::request::InferenceConfig;
use crate::error::Field;
use crate::models::{Capabilities, Sampling};
use crate::reply::Adjustments;

/// Removes unsupported parameters, and adjusts the token limit to the model's range.
pub(super) fn apply(
    config: &mut InferenceConfig,
    output_limit: Option<u32>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    // 1 is the default, so removing it changes nothing, and keeps the other parameter.
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
                    "removed; the model accepts either `temperature` or `top_p`",
                    adjustments,
                );
            }
        }
        Sampling::None => {
            if config.temperature.take().is_some() {
                adjustments.note(Field::Temperature, "removed; the model does not accept it");
            }
            drop_top_p(config, "removed; the model does not accept it", adjustments);
        }
    }
    if !capabilities.stop_sequences && !config.stop_sequences.is_empty() {
        config.stop_sequences.clear();
        adjustments.note(
            Field::StopSequences,
            "removed; the model does not accept it",
        );
    }
    let count = config.stop_sequences.len();
    if !capabilities.blank_stop_sequences {
        config.stop_sequences.retain(|text| !text.trim().is_empty());
    }
    if config.stop_sequences.len() < count {
        adjustments.note(
            Field::StopSequences,
            "blank stop sequences removed; the model does not accept them",
        );
    }
    limit(config, output_limit, capabilities, adjustments);
}

/// Adjusts the token limit to the model's range.
pub(super) fn limit(
    config: &mut InferenceConfig,
    output_limit: Option<u32>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let max = output_limit.unwrap_or(u32::MAX);
    if let Some(limit) = config.max_tokens.as_mut().filter(|limit| **limit > max) {
        *limit = max;
        adjustments.note(
            Field::MaxTokens,
            format!("lowered to {max}; the model's maximum"),
        );
    }
    let min = capabilities.min_max_tokens;
    if let Some(limit) = config.max_tokens.as_mut().filter(|limit| **limit < min) {
        *limit = min;
        adjustments.note(
            Field::MaxTokens,
            format!("raised to {min}; the model's minimum"),
        );
    }
}

fn drop_top_p(config: &mut InferenceConfig, action: &str, adjustments: &mut Adjustments) {
    if config.top_p.take().is_some() {
        adjustments.note(Field::TopP, action);
    }
}
