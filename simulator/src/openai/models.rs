//! Capabilities of the chat completions models, by family.

use crate::families::bare_id;
use crate::validate::is_known;

/// The capabilities of the models whose ids share a prefix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    stems: &'static [&'static str],
    /// Whether the models are only available on `bedrock-mantle`.
    pub(crate) mantle_only: bool,
    /// Whether the model reasons unless `reasoning_effort` is `none`. While it reasons, it rejects
    /// sampling parameters, `logprobs` and tools.
    pub(crate) reasons: bool,
    /// Whether reasoning is part of the content, between tags.
    pub(crate) inline_reasoning: bool,
    /// Whether `response_format` has an effect.
    pub(crate) response_format: bool,
    pub(crate) images: bool,
    /// Fields that are always rejected.
    pub(crate) refuses: &'static [&'static str],
    pub(crate) efforts: &'static [&'static str],
    pub(crate) min_tokens: u64,
}

const GPT: Family = Family {
    stems: &[],
    mantle_only: false,
    reasons: true,
    inline_reasoning: false,
    response_format: true,
    images: true,
    refuses: &[],
    efforts: &["none", "low", "medium", "high", "xhigh", "max"],
    min_tokens: 16,
};

/// The longest matching prefix applies.
const FAMILIES: [Family; 4] = [
    Family {
        stems: &["openai.gpt-oss"],
        reasons: false,
        inline_reasoning: true,
        response_format: false,
        images: false,
        refuses: &["logit_bias"],
        efforts: &["low", "medium", "high"],
        min_tokens: 1,
        ..GPT
    },
    Family {
        stems: &["openai.gpt-5"],
        mantle_only: true,
        efforts: &["none", "low", "medium", "high", "xhigh"],
        ..GPT
    },
    Family {
        stems: &["openai.gpt-5.6", "openai.gpt-6"],
        ..GPT
    },
    Family {
        stems: &["xai.grok-4"],
        reasons: false,
        images: false,
        refuses: &["frequency_penalty", "presence_penalty"],
        efforts: &["low", "medium", "high"],
        ..GPT
    },
];

impl Family {
    /// The family of a model; `None` if the API does not serve the model.
    pub(crate) fn of(model: &str) -> Option<&'static Self> {
        let model = Some(bare_id(model)).filter(|id| is_known(id))?;
        let stems = FAMILIES
            .iter()
            .flat_map(|family| family.stems.iter().map(move |stem| (*stem, family)));
        stems
            .filter(|(stem, _)| model.starts_with(stem))
            .max_by_key(|(stem, _)| stem.len())
            .map(|(_, family)| family)
    }
}
