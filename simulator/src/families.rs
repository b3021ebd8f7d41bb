//! What the families of models can and cannot do.
//!
//! A table of facts from AWS's documentation and from recorded traffic. Where nothing certain is
//! known, a family is allowed everything: the simulator refuses only what Bedrock surely refuses.

/// The abilities of the models whose ids begin alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    /// Beginnings of model ids, without geographic prefix.
    stems: &'static [&'static str],
    pub(crate) maker: Maker,
    pub(crate) system: bool,
    pub(crate) tools: Tools,
    /// Whether a conversation may begin with an assistant turn.
    pub(crate) leading_assistant: bool,
    /// Whether two turns of the same role may follow one another.
    pub(crate) same_role_runs: bool,
    /// Whether a conversation may end with an assistant turn to be continued.
    pub(crate) prefill: bool,
    pub(crate) cache_points: bool,
    pub(crate) sampling: Sampling,
    /// Whether a turn with tool results may hold nothing else.
    pub(crate) tool_results_alone: bool,
    /// Whether tool results may carry a `status`.
    pub(crate) tool_result_status: bool,
    pub(crate) images: bool,
    pub(crate) video: bool,
    /// Whether media may be named by their place in S3.
    pub(crate) s3_locations: bool,
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

impl Family {
    /// The family of a model id or ARN; permissive where the id tells nothing.
    pub(crate) fn of(model: &str) -> Self {
        let id = bare_id(model);
        FAMILIES
            .iter()
            .flat_map(|family| family.stems.iter().map(move |stem| (stem, family)))
            .filter(|(stem, _)| id.starts_with(**stem))
            .max_by_key(|(stem, _)| stem.len())
            .map_or(UNKNOWN, |(_, family)| *family)
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

const UNKNOWN: Family = Family {
    stems: &[],
    maker: Maker::Other,
    system: true,
    tools: Tools::Streamed(Choice::All),
    leading_assistant: true,
    same_role_runs: true,
    prefill: true,
    cache_points: true,
    sampling: Sampling::Free,
    tool_results_alone: false,
    tool_result_status: true,
    images: true,
    video: true,
    s3_locations: true,
};

const CLAUDE: Family = Family {
    maker: Maker::Anthropic,
    same_role_runs: false,
    video: false,
    s3_locations: false,
    ..UNKNOWN
};
const CLAUDE_4_7: Family = Family {
    prefill: false,
    sampling: Sampling::Deprecated,
    ..CLAUDE
};
/// Two recordings show turns of the same role in a row (`conv-nova-002349d1`, `conv-titan-022ddede`).
const NOVA: Family = Family {
    maker: Maker::Amazon,
    leading_assistant: false,
    ..UNKNOWN
};
/// Models of other makers.
const OPEN: Family = Family {
    leading_assistant: false,
    same_role_runs: false,
    cache_points: false,
    ..UNKNOWN
};
const AUTO: Tools = Tools::Streamed(Choice::Auto);
const LLAMA: Family = Family {
    tools: Tools::Unstreamed(Choice::Auto),
    tool_results_alone: true,
    ..OPEN
};
const MISTRAL: Family = Family {
    tools: AUTO,
    tool_results_alone: true,
    ..OPEN
};
const TEXT_ONLY: Family = Family {
    images: false,
    video: false,
    ..OPEN
};

const FAMILIES: &[Family] = &[
    Family {
        stems: &["anthropic."],
        ..CLAUDE
    },
    Family {
        stems: &["anthropic.claude-v2", "anthropic.claude-instant"],
        tools: Tools::None,
        cache_points: false,
        ..CLAUDE
    },
    Family {
        stems: &[
            "anthropic.claude-sonnet-4-5",
            "anthropic.claude-haiku-4-5",
            "anthropic.claude-opus-4-5",
        ],
        sampling: Sampling::OneOfTwo,
        ..CLAUDE
    },
    Family {
        stems: &["anthropic.claude-sonnet-4-6", "anthropic.claude-opus-4-6"],
        sampling: Sampling::OneOfTwo,
        prefill: false,
        ..CLAUDE
    },
    Family {
        stems: &[
            "anthropic.claude-opus-4-7",
            "anthropic.claude-opus-4-8",
            "anthropic.claude-opus-5",
            "anthropic.claude-sonnet-5",
            "anthropic.claude-haiku-5",
            "anthropic.claude-fable-5",
            "anthropic.claude-mythos-",
        ],
        ..CLAUDE_4_7
    },
    Family {
        stems: &[
            "anthropic.claude-opus-5-5",
            "anthropic.claude-sonnet-5-5",
            "anthropic.claude-fable-5-1",
            "anthropic.claude-mythos-5-1",
        ],
        tools: AUTO,
        ..CLAUDE_4_7
    },
    Family {
        stems: &["amazon.nova-"],
        ..NOVA
    },
    Family {
        stems: &["amazon.nova-micro"],
        images: false,
        video: false,
        ..NOVA
    },
    Family {
        stems: &["amazon.titan-text", "amazon.titan-tg1"],
        maker: Maker::Amazon,
        system: false,
        tools: Tools::None,
        same_role_runs: true,
        ..TEXT_ONLY
    },
    Family {
        stems: &[
            "meta.llama3-8b",
            "meta.llama3-70b",
            "meta.llama3-2-1b",
            "meta.llama3-2-3b",
        ],
        tools: Tools::None,
        ..LLAMA
    },
    Family {
        stems: &["meta.llama3-1", "meta.llama3-2", "meta.llama3-3"],
        ..LLAMA
    },
    Family {
        stems: &["meta.llama4"],
        tools: AUTO,
        ..LLAMA
    },
    Family {
        stems: &["mistral.mistral-7b", "mistral.mixtral"],
        system: false,
        tools: Tools::None,
        ..TEXT_ONLY
    },
    Family {
        stems: &[
            "mistral.mistral-large-2402",
            "mistral.mistral-large-2407",
            "mistral.mistral-small",
        ],
        tools: Tools::Unstreamed(Choice::All),
        ..MISTRAL
    },
    Family {
        stems: &["mistral."],
        ..MISTRAL
    },
    Family {
        stems: &["mistral.devstral"],
        tools: Tools::Streamed(Choice::All),
        ..MISTRAL
    },
    Family {
        stems: &["mistral.voxtral"],
        tools: Tools::None,
        ..MISTRAL
    },
    Family {
        stems: &["cohere.command-text", "cohere.command-light"],
        system: false,
        tools: Tools::None,
        ..TEXT_ONLY
    },
    Family {
        stems: &["cohere.command-r"],
        ..TEXT_ONLY
    },
    Family {
        stems: &["ai21.jamba-instruct"],
        tools: Tools::None,
        ..TEXT_ONLY
    },
    Family {
        stems: &["ai21.jamba-1-5"],
        tools: AUTO,
        ..TEXT_ONLY
    },
    Family {
        stems: &["deepseek.r1"],
        tools: Tools::None,
        ..TEXT_ONLY
    },
    Family {
        stems: &["deepseek."],
        ..TEXT_ONLY
    },
    Family {
        stems: &["qwen."],
        leading_assistant: true,
        ..TEXT_ONLY
    },
    Family {
        stems: &["qwen.qwen3-next"],
        leading_assistant: true,
        tools: AUTO,
        ..TEXT_ONLY
    },
    Family {
        stems: &["qwen.qwen3-vl"],
        leading_assistant: true,
        tools: AUTO,
        ..OPEN
    },
    Family {
        stems: &["openai.gpt-oss"],
        ..TEXT_ONLY
    },
    Family {
        stems: &["openai.", "xai."],
        ..OPEN
    },
    Family {
        stems: &["moonshot.", "moonshotai."],
        leading_assistant: true,
        ..OPEN
    },
    Family {
        stems: &["moonshot.kimi-k2-thinking"],
        leading_assistant: true,
        tools: AUTO,
        ..TEXT_ONLY
    },
    Family {
        stems: &["zai."],
        leading_assistant: true,
        ..TEXT_ONLY
    },
    Family {
        stems: &["minimax."],
        ..TEXT_ONLY
    },
    Family {
        stems: &["google.gemma"],
        tools: AUTO,
        ..OPEN
    },
    Family {
        stems: &["nvidia."],
        ..OPEN
    },
    Family {
        stems: &["writer."],
        tools: AUTO,
        tool_results_alone: true,
        tool_result_status: false,
        ..OPEN
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_stem_decides_whatever_stands_in_front() {
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
        assert_eq!(Family::of("global.anthropic.claude-opus-5-5").tools, AUTO);
        assert_eq!(bare_id("us-gov.meta.llama4-x"), "meta.llama4-x");
    }
}
