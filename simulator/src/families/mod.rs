//! Capabilities of the model families.
//!
//! Sources: AWS's documentation, recorded traffic and reports of many clients. Unknown capabilities
//! are allowed: the simulator rejects only what Bedrock is known to reject. The data is in `claude`
//! and `table`.

mod claude;
mod family;
mod table;

pub(crate) use family::{CallIds, Choice, Family, Maker, Reasoning, Sampling, ToolSchemas, Tools};

impl Family {
    /// The family of a model id or ARN; a permissive one if the id is unknown.
    pub(crate) fn of(model: &str) -> Self {
        let id = bare_id(model);
        let families = claude::FAMILIES.iter().chain(table::FAMILIES);
        families
            .flat_map(|family| family.stems.iter().map(move |stem| (stem, family)))
            .filter(|(stem, _)| id.starts_with(**stem))
            .max_by_key(|(stem, _)| stem.len())
            .map_or(table::UNKNOWN, |(_, family)| *family)
    }
}

/// A model id without ARN and geographic prefix.
pub(crate) fn bare_id(model: &str) -> &str {
    let id = model.rsplit('/').next().unwrap_or(model);
    match id.split_once('.') {
        Some((geography, rest)) if GEOGRAPHIES.contains(&geography) => rest,
        _ => id,
    }
}

/// Geographic prefixes of cross-region inference profiles.
pub(crate) const GEOGRAPHIES: [&str; 8] =
    ["us", "eu", "apac", "jp", "au", "ca", "us-gov", "global"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_matching_stem_wins_regardless_of_prefix() {
        for (model, sampling) in [
            ("anthropic.claude-3-haiku-20240307-v1:0", Sampling::Free),
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                Sampling::OneOfTwo,
            ),
            ("global.anthropic.claude-opus-5-5", Sampling::Deprecated),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6",
                Sampling::OneOfTwo,
            ),
        ] {
            assert_eq!(Family::of(model).sampling, sampling, "{model}");
        }
        assert_eq!(
            Family::of("global.anthropic.claude-opus-5-5").tools,
            Tools::Streamed(Choice::Auto)
        );
        assert_eq!(bare_id("us-gov.meta.llama4-x"), "meta.llama4-x");
    }
}
