//! What the families of models can and cannot do.
//!
//! Facts from AWS's documentation, from recorded traffic and from reports of many clients. Where
//! nothing certain is known, a family is allowed everything: the simulator refuses only what
//! Bedrock surely refuses. The facts themselves stand in `table`.

mod table;

/// The abilities of the models whose ids begin alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    /// Beginnings of model ids, without geographic prefix.
    stems: &'static [&'static str],
    pub(crate) maker: Maker,
    pub(crate) system: bool,
    /// Whether a turn of the conversation may be the system's.
    pub(crate) system_turns: bool,
    pub(crate) tools: Tools,
    /// What the schemas of tools may be like.
    pub(crate) tool_schemas: ToolSchemas,
    /// What the ids of calls may be like.
    pub(crate) call_ids: CallIds,
    /// Tools that Bedrock runs itself, by name.
    pub(crate) server_tools: &'static [&'static str],
    /// Whether tools may demand inputs that fit their schemas exactly.
    pub(crate) strict_tools: bool,
    /// Whether the answer may be demanded as JSON that fits a schema.
    pub(crate) structured_output: bool,
    /// Whether a conversation may begin with an assistant turn.
    pub(crate) leading_assistant: bool,
    /// Whether two turns of the same role may follow one another.
    pub(crate) same_role_runs: bool,
    /// Whether a conversation may end with an assistant turn to be continued.
    pub(crate) prefill: bool,
    /// `None` where cache points are refused.
    pub(crate) caching: Option<Caching>,
    pub(crate) sampling: Sampling,
    pub(crate) stop_sequences: bool,
    pub(crate) reasoning: Reasoning,
    /// Whether Claude's `thinking` may be `between_tools`
    /// (<https://platform.claude.com/docs/en/models/sonnet-5-5/whats-new-sonnet-5-5>).
    pub(crate) between_tools: bool,
    /// What `output_config.effort` may be.
    pub(crate) efforts: &'static [&'static str],
    /// Whether an answer has its text before its reasoning.
    pub(crate) reasoning_last: bool,
    /// Whether a stream opens with an empty text.
    pub(crate) opens_with_empty_text: bool,
    /// Whether reasoning from earlier answers may be sent back.
    pub(crate) accepts_reasoning: bool,
    /// Whether reasoning is bound to the prompt in front of it.
    pub(crate) binds_thinking: bool,
    /// The keys that `additionalModelRequestFields` may have; `None` takes all.
    pub(crate) additional_fields: Option<&'static [&'static str]>,
    /// Whether a turn with tool results may hold nothing else.
    pub(crate) tool_results_alone: bool,
    /// Whether tool results may carry a `status`.
    pub(crate) tool_result_status: bool,
    /// The kinds of media that tool results may hold.
    pub(crate) tool_result_media: &'static [&'static str],
    pub(crate) images: bool,
    pub(crate) documents: bool,
    pub(crate) video: bool,
    pub(crate) audio: bool,
    /// Whether media may be named by their place in S3.
    pub(crate) s3_locations: bool,
    /// The most tokens of a request, where known.
    pub(crate) window: Option<u64>,
    /// The most `maxTokens`, where known.
    pub(crate) max_output_tokens: Option<u64>,
}

/// Whose dialect a family speaks, where that shows in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Anthropic,
    Amazon,
    Other,
}

/// Which tools a family takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tools {
    None,
    /// In Converse but not in ConverseStream.
    Unstreamed(Choice),
    Streamed(Choice),
}

/// What the schemas of tools may be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToolSchemas {
    Any,
    /// Without combinations at the root, with properties of plain names.
    Claude,
    /// With few keywords at the root.
    Nova,
}

/// What the ids of calls may be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallIds {
    Any,
    /// Letters, digits, `_` and `-`, each id once in a conversation.
    Words,
    /// Letters and digits, at least nine: of more the first nine are taken, as it seems.
    NineOrMore,
    /// Nine letters and digits.
    Nine,
}

/// Which tool choices a family takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Auto,
    All,
}

/// Which sampling parameters a family takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sampling {
    Free,
    /// `temperature` or `topP`, not both.
    OneOfTwo,
    /// Neither, save a temperature of 1.
    Deprecated,
}

/// How a family caches prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caching {
    /// Prefixes shorter than this many tokens are not cached, without a word.
    pub(crate) minimum: u64,
    /// Whether a cache point may ask for an hour instead of five minutes.
    pub(crate) one_hour: bool,
    /// Whether the list of tools may hold a cache point.
    pub(crate) in_tools: bool,
}

/// How a family reasons, and what in `additionalModelRequestFields` says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reasoning {
    /// Never.
    None,
    /// Always, and no field is taken that says anything about it.
    Always,
    /// Claude's `thinking`, switched on with a budget.
    Budget,
    /// Claude's `thinking`, with a budget or adaptive.
    BudgetOrAdaptive,
    /// Claude's `thinking`, adaptive only; its text is left out unless `display` asks for it.
    Adaptive,
    /// As `Adaptive`, and it cannot be switched off.
    AlwaysAdaptive,
    /// Nova's `reasoningConfig`; the text is withheld.
    Nova,
    /// `reasoning_effort` of one of these words, reasoning at all times.
    AlwaysEffort(&'static [&'static str]),
    /// `reasoning_effort`, reasoning only where it is given.
    Effort,
    /// `reasoning_config` of one of these words, reasoning where it is given.
    Config(&'static [&'static str]),
}

impl Family {
    /// The family of a model id or ARN; permissive where the id tells nothing.
    pub(crate) fn of(model: &str) -> Self {
        let id = bare_id(model);
        table::FAMILIES
            .iter()
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

/// The prefixes of cross-region inference profiles.
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
