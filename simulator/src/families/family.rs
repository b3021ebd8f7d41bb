//! The capabilities that a family can have.

/// The capabilities of the models whose ids share a prefix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    /// Prefixes of model ids, without geographic prefix.
    pub(super) stems: &'static [&'static str],
    pub(crate) maker: Maker,
    pub(crate) system: bool,
    /// Whether `messages` may contain the role `system`.
    pub(crate) system_turns: bool,
    pub(crate) tools: Tools,
    /// Restrictions on tool schemas.
    pub(crate) tool_schemas: ToolSchemas,
    /// Restrictions on tool call ids.
    pub(crate) call_ids: CallIds,
    /// Names of the tools that Bedrock runs itself.
    pub(crate) server_tools: &'static [&'static str],
    /// Whether tools may set `strict`.
    pub(crate) strict_tools: bool,
    /// Whether `outputConfig` may require JSON that fits a schema.
    pub(crate) structured_output: bool,
    /// Whether the first message may be the assistant's.
    pub(crate) leading_assistant: bool,
    /// Whether consecutive messages may have the same role.
    pub(crate) same_role_runs: bool,
    /// Whether the last message may be the assistant's, for the model to continue.
    pub(crate) prefill: bool,
    /// `None` if cache points are rejected.
    pub(crate) caching: Option<Caching>,
    pub(crate) sampling: Sampling,
    pub(crate) stop_sequences: bool,
    pub(crate) reasoning: Reasoning,
    /// Whether Claude's `thinking` may be `between_tools`
    /// (<https://platform.claude.com/docs/en/models/sonnet-5-5/whats-new-sonnet-5-5>).
    pub(crate) between_tools: bool,
    /// Accepted values of `output_config.effort`.
    pub(crate) efforts: &'static [&'static str],
    /// Whether responses put text before reasoning.
    pub(crate) reasoning_last: bool,
    /// Whether streams start with an empty text delta.
    pub(crate) opens_with_empty_text: bool,
    /// Whether requests may contain reasoning of earlier responses.
    pub(crate) accepts_reasoning: bool,
    /// Whether reasoning is encrypted, so that requests may contain redacted reasoning only.
    pub(crate) encrypted_reasoning: bool,
    /// Whether reasoning is bound to the prompt in front of it.
    pub(crate) binds_thinking: bool,
    /// The keys that `additionalModelRequestFields` may have; `None` allows any.
    pub(crate) additional_fields: Option<&'static [&'static str]>,
    /// Whether a message with tool results may contain only tool results.
    pub(crate) tool_results_alone: bool,
    /// Whether tool results may have a `status`.
    pub(crate) tool_result_status: bool,
    /// The kinds of media that tool results may contain.
    pub(crate) tool_result_media: &'static [&'static str],
    pub(crate) images: bool,
    pub(crate) documents: bool,
    pub(crate) video: bool,
    pub(crate) audio: bool,
    /// Whether media may be S3 locations.
    pub(crate) s3_locations: bool,
    /// Context window in tokens; `None` if unknown.
    pub(crate) window: Option<u64>,
    /// Maximum of `maxTokens`; `None` if unknown.
    pub(crate) max_output_tokens: Option<u64>,
}

/// The maker whose response format the family uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Anthropic,
    Amazon,
    Other,
}

/// Tool support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tools {
    None,
    /// In Converse, not in ConverseStream.
    Unstreamed(Choice),
    Streamed(Choice),
}

/// Restrictions on tool schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToolSchemas {
    Any,
    /// No combinations at the root; property names of restricted characters.
    Claude,
    /// Few keywords at the root.
    Nova,
}

/// Restrictions on tool call ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallIds {
    Any,
    /// Letters, digits, `_` and `-`; unique in the conversation.
    Words,
    /// Letters and digits, at least nine; the model seems to use the first nine.
    NineOrMore,
    /// Exactly nine letters and digits.
    Nine,
}

/// Supported tool choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Auto,
    All,
}

/// Supported sampling parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sampling {
    Free,
    /// `temperature` or `topP`, not both.
    OneOfTwo,
    /// Neither, except a temperature of 1.
    Deprecated,
}

/// Prompt caching of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caching {
    /// Shorter prefixes, in tokens, are silently not cached.
    pub(crate) minimum: u64,
    /// Whether a cache point may have a TTL of one hour.
    pub(crate) one_hour: bool,
    /// Whether the list of tools may contain a cache point.
    pub(crate) in_tools: bool,
}

/// Reasoning of a family, and the fields of `additionalModelRequestFields` that control it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reasoning {
    None,
    /// Always; fields about reasoning are rejected.
    Always,
    /// Claude's `thinking` with a token budget.
    Budget,
    /// Claude's `thinking`, with a budget or adaptive.
    BudgetOrAdaptive,
    /// Claude's `thinking`, adaptive only; the text is omitted unless `display` requests it.
    Adaptive,
    /// As `Adaptive`, but reasoning cannot be disabled.
    AlwaysAdaptive,
    /// Nova's `reasoningConfig`; the text is redacted.
    Nova,
    /// `reasoning_effort` with one of these values; the model always reasons.
    AlwaysEffort(&'static [&'static str]),
    /// `reasoning_effort`; the model reasons only if it is set.
    Effort,
    /// `reasoning_config` with one of these values; the model reasons only if it is set.
    Config(&'static [&'static str]),
}
