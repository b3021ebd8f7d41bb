//! Capabilities by family, except Claude's.
//!
//! `maxTokensMaximum` of ListFoundationModels gives the output limits (recording
//! `listfoundationmodels-unknown-95d27523`); context windows are those of AWS's model cards.

use super::family::{
    Caching, CallIds, Choice, Family, Maker, Reasoning, Sampling, ToolSchemas, Tools,
};

pub(super) const UNKNOWN: Family = Family {
    stems: &[],
    maker: Maker::Other,
    system: true,
    system_turns: true,
    tools: Tools::Streamed(Choice::All),
    tool_schemas: ToolSchemas::Any,
    call_ids: CallIds::Any,
    server_tools: &[],
    strict_tools: true,
    structured_output: true,
    leading_assistant: true,
    same_role_runs: true,
    prefill: true,
    caching: Some(CACHING),
    sampling: Sampling::Free,
    stop_sequences: true,
    reasoning: Reasoning::None,
    between_tools: false,
    efforts: &["low", "medium", "high", "xhigh", "max"],
    reasoning_last: false,
    opens_with_empty_text: false,
    accepts_reasoning: true,
    encrypted_reasoning: false,
    binds_thinking: false,
    additional_fields: None,
    tool_results_alone: false,
    tool_result_status: true,
    tool_result_media: &["image", "document", "video"],
    images: true,
    documents: true,
    video: true,
    audio: true,
    s3_locations: true,
    window: None,
    max_output_tokens: None,
};

pub(super) const CACHING: Caching = Caching {
    minimum: 1024,
    one_hour: true,
    in_tools: true,
};

/// Nova caches prefixes of any length (27 tokens in recording `conv-nova-951c9839`) and rejects
/// cache points among the tools (<https://github.com/LibreChat-AI/agents/pull/253>). Two recordings
/// show consecutive messages of the same role (`conv-nova-002349d1`, `conv-titan-022ddede`).
const NOVA: Family = Family {
    maker: Maker::Amazon,
    tool_schemas: ToolSchemas::Nova,
    system_turns: false,
    server_tools: &["nova_grounding"],
    leading_assistant: false,
    strict_tools: false,
    structured_output: false,
    caching: Some(Caching {
        minimum: 0,
        one_hour: false,
        in_tools: false,
    }),
    accepts_reasoning: false,
    additional_fields: Some(&["inferenceConfig"]),
    tool_result_media: &["image", "document"],
    audio: false,
    window: Some(300_000),
    max_output_tokens: Some(10_000),
    ..UNKNOWN
};
/// Default of models from other makers.
const OPEN: Family = Family {
    system_turns: false,
    leading_assistant: false,
    same_role_runs: false,
    caching: None,
    accepts_reasoning: false,
    ..UNKNOWN
};
pub(super) const AUTO: Tools = Tools::Streamed(Choice::Auto);
const LLAMA: Family = Family {
    tools: Tools::Unstreamed(Choice::Auto),
    strict_tools: false,
    structured_output: false,
    additional_fields: Some(&[]),
    tool_results_alone: true,
    tool_result_media: &["image", "document"],
    video: false,
    audio: false,
    window: Some(128_000),
    ..OPEN
};
/// Older models and Pixtral accept Bedrock's own tool call ids
/// (<https://github.com/anomalyco/opencode/pull/48843>), newer ones do not
/// (<https://github.com/vercel/ai/issues/11802>).
const MISTRAL: Family = Family {
    tools: AUTO,
    call_ids: CallIds::Nine,
    tool_results_alone: true,
    tool_result_media: &["document"],
    video: false,
    audio: false,
    ..OPEN
};
const TEXT_ONLY: Family = Family {
    images: false,
    video: false,
    audio: false,
    ..OPEN
};
/// Older models without structured output.
const PLAIN: Family = Family {
    strict_tools: false,
    structured_output: false,
    ..TEXT_ONLY
};
const QWEN: Family = Family {
    leading_assistant: true,
    // https://github.com/langgenius/dify-official-plugins/issues/1767
    stop_sequences: false,
    reasoning: Reasoning::Config(&["low", "high"]),
    tool_result_media: &[],
    ..TEXT_ONLY
};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        stems: &["amazon.nova-"],
        ..NOVA
    },
    Family {
        stems: &["amazon.nova-micro"],
        images: false,
        documents: false,
        video: false,
        window: Some(128_000),
        ..NOVA
    },
    Family {
        stems: &["amazon.nova-premier"],
        window: Some(1_000_000),
        ..NOVA
    },
    Family {
        stems: &["amazon.nova-2-"],
        server_tools: &["nova_grounding", "nova_code_interpreter"],
        reasoning: Reasoning::Nova,
        additional_fields: Some(&["inferenceConfig", "reasoningConfig"]),
        audio: true,
        window: Some(1_000_000),
        max_output_tokens: Some(65_535),
        ..NOVA
    },
    Family {
        stems: &["amazon.titan-text", "amazon.titan-tg1"],
        maker: Maker::Amazon,
        system: false,
        tools: Tools::None,
        same_role_runs: true,
        additional_fields: Some(&[]),
        ..PLAIN
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
    // https://github.com/vercel-labs/fx/issues/900: streams do not support tools either.
    Family {
        stems: &["meta.llama4"],
        window: Some(1_000_000),
        ..LLAMA
    },
    Family {
        stems: &["meta.llama4-scout"],
        window: Some(10_000_000),
        ..LLAMA
    },
    Family {
        stems: &["mistral.mistral-7b", "mistral.mixtral"],
        system: false,
        tools: Tools::None,
        window: Some(32_000),
        ..PLAIN
    },
    Family {
        stems: &["mistral.mistral-large-2402", "mistral.mistral-small"],
        call_ids: CallIds::NineOrMore,
        tools: Tools::Unstreamed(Choice::All),
        strict_tools: false,
        structured_output: false,
        window: Some(32_000),
        ..MISTRAL
    },
    Family {
        stems: &["mistral.mistral-large-2407"],
        call_ids: CallIds::NineOrMore,
        tools: Tools::Unstreamed(Choice::All),
        strict_tools: false,
        structured_output: false,
        window: Some(128_000),
        ..MISTRAL
    },
    Family {
        stems: &["mistral."],
        ..MISTRAL
    },
    Family {
        stems: &["mistral.mistral-large-3"],
        window: Some(256_000),
        ..MISTRAL
    },
    Family {
        stems: &["mistral.pixtral"],
        call_ids: CallIds::NineOrMore,
        strict_tools: false,
        structured_output: false,
        ..MISTRAL
    },
    Family {
        stems: &["mistral.magistral"],
        reasoning: Reasoning::Always,
        ..MISTRAL
    },
    Family {
        stems: &["mistral.devstral"],
        tools: Tools::Streamed(Choice::All),
        images: false,
        ..MISTRAL
    },
    Family {
        stems: &["mistral.voxtral"],
        tools: Tools::None,
        images: false,
        documents: false,
        audio: true,
        window: Some(32_000),
        ..MISTRAL
    },
    Family {
        stems: &["cohere.command-text", "cohere.command-light"],
        system: false,
        tools: Tools::None,
        ..PLAIN
    },
    Family {
        stems: &["cohere.command-r"],
        window: Some(128_000),
        ..PLAIN
    },
    Family {
        stems: &["ai21.jamba-instruct"],
        tools: Tools::None,
        documents: false,
        ..PLAIN
    },
    Family {
        stems: &["ai21.jamba-1-5"],
        tools: AUTO,
        window: Some(256_000),
        ..PLAIN
    },
    Family {
        // Fields about reasoning are rejected (https://github.com/BerriAI/litellm/issues/33401);
        // its own reasoning may be sent back.
        stems: &["deepseek.r1"],
        tools: Tools::None,
        reasoning: Reasoning::Always,
        // Recording `conv-deepseek-1bc44876`.
        reasoning_last: true,
        accepts_reasoning: true,
        additional_fields: Some(&[]),
        window: Some(128_000),
        ..PLAIN
    },
    Family {
        stems: &["deepseek."],
        reasoning: Reasoning::Effort,
        ..TEXT_ONLY
    },
    Family {
        stems: &["qwen."],
        ..QWEN
    },
    Family {
        stems: &["qwen.qwen3-next"],
        tools: AUTO,
        ..QWEN
    },
    Family {
        stems: &["qwen.qwen3-vl"],
        tools: AUTO,
        images: true,
        ..QWEN
    },
    Family {
        // https://github.com/crewAIInc/crewAI/issues/3317
        stems: &["openai.gpt-oss"],
        stop_sequences: false,
        opens_with_empty_text: true,
        reasoning: Reasoning::AlwaysEffort(&["low", "medium", "high"]),
        window: Some(128_000),
        max_output_tokens: Some(128_000),
        ..TEXT_ONLY
    },
    Family {
        // https://github.com/maximhq/bifrost/pull/6834
        stems: &["openai.", "xai."],
        encrypted_reasoning: true,
        tool_result_media: &["document"],
        ..OPEN
    },
    Family {
        stems: &["moonshot.", "moonshotai."],
        leading_assistant: true,
        tool_result_media: &[],
        ..OPEN
    },
    Family {
        stems: &["moonshot.kimi-k2-thinking"],
        leading_assistant: true,
        tools: AUTO,
        reasoning: Reasoning::Always,
        tool_result_media: &[],
        ..TEXT_ONLY
    },
    Family {
        stems: &["zai."],
        leading_assistant: true,
        window: Some(200_000),
        ..TEXT_ONLY
    },
    Family {
        stems: &["minimax."],
        reasoning: Reasoning::Always,
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
        strict_tools: false,
        structured_output: false,
        tool_results_alone: true,
        tool_result_status: false,
        max_output_tokens: Some(8192),
        ..OPEN
    },
];
