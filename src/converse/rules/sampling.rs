//! H17 and H18: sampling parameters that the family refuses.

use crate::adjustments::Adjustments;
use crate::converse::request::InferenceConfig;
use crate::models::{Facts, Sampling};

/// Takes out what the family refuses, and raises a limit that is too low for it.
pub(super) fn apply(config: &mut InferenceConfig, facts: &Facts, adjustments: &mut Adjustments) {
    match facts.sampling {
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
    let least = facts.least_max_tokens;
    if let Some(limit) = config.max_tokens.as_mut().filter(|limit| **limit < least) {
        *limit = least;
        adjustments.note(
            "max_tokens",
            format!("raised to {least}, the model's least"),
        );
    }
}

/// A top_p of 1 says nothing, so nothing is said of dropping it.
fn drop_top_p(config: &mut InferenceConfig, action: &str, adjustments: &mut Adjustments) {
    let dropped = config.top_p.take();
    if dropped.is_some_and(|top_p| top_p.as_f64() != Some(1.0)) {
        adjustments.note("top_p", action);
    }
}
