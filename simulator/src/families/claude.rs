//! Capabilities of the Claude models.

use super::family::{Caching, CallIds, Family, Maker, Reasoning, Sampling, ToolSchemas, Tools};
use super::table::{AUTO, CACHING, UNKNOWN};

/// Five minutes only: models before Claude 4.5.
const SHORT_CACHING: Option<Caching> = Some(Caching {
    one_hour: false,
    ..CACHING
});

const fn caching_from(minimum: u64) -> Option<Caching> {
    Some(Caching { minimum, ..CACHING })
}

/// Keys of Anthropic's format; all others are rejected (`reasoning_config` is accepted, recording
/// `conv-claude-64de31c6`).
const CLAUDE_FIELDS: &[&str] = &[
    "anthropic_beta",
    "anthropic_version",
    "context_management",
    "max_tokens",
    "metadata",
    "output_config",
    "reasoning_config",
    "stop_sequences",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Claude 3, and models not listed below.
const CLAUDE: Family = Family {
    maker: Maker::Anthropic,
    tool_schemas: ToolSchemas::Claude,
    call_ids: CallIds::Words,
    system_turns: false,
    same_role_runs: false,
    efforts: &[],
    strict_tools: false,
    structured_output: false,
    caching: None,
    additional_fields: Some(CLAUDE_FIELDS),
    tool_result_media: &["image", "document"],
    video: false,
    audio: false,
    s3_locations: false,
    window: Some(200_000),
    ..UNKNOWN
};
/// Claude 3.7 and 4.
const CLAUDE_4: Family = Family {
    caching: SHORT_CACHING,
    reasoning: Reasoning::Budget,
    ..CLAUDE
};
const CLAUDE_4_5: Family = Family {
    sampling: Sampling::OneOfTwo,
    strict_tools: true,
    structured_output: true,
    caching: caching_from(4096),
    max_output_tokens: Some(64_000),
    ..CLAUDE_4
};
const CLAUDE_4_6: Family = Family {
    prefill: false,
    reasoning: Reasoning::BudgetOrAdaptive,
    efforts: &["low", "medium", "high", "max"],
    window: Some(1_000_000),
    ..CLAUDE_4_5
};
const CLAUDE_4_7: Family = Family {
    sampling: Sampling::Deprecated,
    strict_tools: false,
    structured_output: false,
    reasoning: Reasoning::Adaptive,
    efforts: UNKNOWN.efforts,
    caching: caching_from(2048),
    max_output_tokens: Some(128_000),
    ..CLAUDE_4_6
};
const CLAUDE_5: Family = Family {
    system_turns: true,
    caching: caching_from(512),
    ..CLAUDE_4_7
};
const CLAUDE_5_5: Family = Family {
    tools: AUTO,
    reasoning: Reasoning::AlwaysAdaptive,
    binds_thinking: true,
    ..CLAUDE_5
};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        stems: &["anthropic."],
        ..CLAUDE
    },
    Family {
        stems: &["anthropic.claude-v2", "anthropic.claude-instant"],
        tools: Tools::None,
        ..CLAUDE
    },
    Family {
        stems: &[
            "anthropic.claude-3-5-sonnet-20241022",
            "anthropic.claude-3-5-haiku",
        ],
        caching: SHORT_CACHING,
        ..CLAUDE
    },
    Family {
        stems: &["anthropic.claude-3-7-sonnet", "anthropic.claude-sonnet-4"],
        max_output_tokens: Some(65_536),
        ..CLAUDE_4
    },
    Family {
        stems: &["anthropic.claude-opus-4"],
        max_output_tokens: Some(32_000),
        ..CLAUDE_4
    },
    Family {
        stems: &["anthropic.claude-opus-4-1"],
        sampling: Sampling::OneOfTwo,
        max_output_tokens: Some(32_000),
        ..CLAUDE_4
    },
    Family {
        stems: &["anthropic.claude-sonnet-4-5"],
        caching: caching_from(1024),
        ..CLAUDE_4_5
    },
    Family {
        stems: &["anthropic.claude-haiku-4-5"],
        ..CLAUDE_4_5
    },
    Family {
        stems: &["anthropic.claude-opus-4-5"],
        efforts: &["low", "medium", "high"],
        ..CLAUDE_4_5
    },
    Family {
        stems: &["anthropic.claude-sonnet-4-6"],
        caching: caching_from(1024),
        ..CLAUDE_4_6
    },
    Family {
        stems: &["anthropic.claude-opus-4-6"],
        max_output_tokens: Some(128_000),
        ..CLAUDE_4_6
    },
    Family {
        stems: &["anthropic.claude-opus-4-7"],
        ..CLAUDE_4_7
    },
    Family {
        stems: &["anthropic.claude-opus-4-8", "anthropic.claude-sonnet-5"],
        system_turns: true,
        caching: caching_from(1024),
        ..CLAUDE_4_7
    },
    Family {
        stems: &["anthropic.claude-opus-5"],
        ..CLAUDE_5
    },
    Family {
        stems: &["anthropic.claude-haiku-5"],
        binds_thinking: true,
        ..CLAUDE_5
    },
    Family {
        stems: &["anthropic.claude-fable-5", "anthropic.claude-mythos-"],
        reasoning: Reasoning::AlwaysAdaptive,
        ..CLAUDE_5
    },
    Family {
        stems: &[
            "anthropic.claude-opus-5-5",
            "anthropic.claude-fable-5-1",
            "anthropic.claude-fable-5-2",
            "anthropic.claude-mythos-5-2",
        ],
        ..CLAUDE_5_5
    },
    Family {
        stems: &["anthropic.claude-sonnet-5-5"],
        between_tools: true,
        ..CLAUDE_5_5
    },
    Family {
        stems: &["anthropic.claude-mythos-5-1"],
        structured_output: true,
        // It signs its reasoning but does not check signatures.
        binds_thinking: false,
        ..CLAUDE_5_5
    },
];
