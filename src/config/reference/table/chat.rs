//! What applies to chat requests: aliases, and the keys that they and callers share with `[chat]`.

use super::super::SettingKind::{Boolean, Duration, Entry, Integer, OneOf, Size, Text, Texts};
use super::super::{KeyReference, example, key};
use super::endpoints::INPUT_TYPES;

pub(super) const MODELS: &[KeyReference] = &[example(
    "NAME",
    Entry,
    &[
        "gpt-4o = \"us.anthropic.claude-sonnet-4-5-20250929-v1:0\"",
        "gpt-4o-mini = \"us.amazon.nova-2-lite-v1:0\"",
    ],
    "none",
    "The Bedrock model id, inference profile id or ARN that requests for this name are sent to.",
)];

pub(super) const MODEL_ENTRY: &[KeyReference] = &[
    example(
        "target",
        Text,
        &["target = \"us.anthropic.claude-sonnet-4-5-20250929-v1:0\""],
        "required",
        "The Bedrock model id, inference profile id or ARN.",
    ),
    example(
        "upstream",
        OneOf(&["converse", "runtime_openai", "mantle"]),
        &["upstream = \"converse\""],
        "as in the table of models",
        "The API that chat requests are sent to: Converse, or OpenAI's chat completions on \
         bedrock-runtime (\"runtime_openai\") or bedrock-mantle (\"mantle\"). Requests with features \
         that the latter two lack, such as guardrails, go to Converse.",
    ),
    example(
        "embedding_input_type",
        OneOf(INPUT_TYPES),
        &["embedding_input_type = \"search_query\""],
        "as in `[embeddings]`",
        "`[embeddings] input_type` for this alias of an embedding model.",
    ),
];

pub(super) const CHAT: &[KeyReference] = &[
    CACHE,
    TRUNCATE,
    MAX_TOKENS,
    MAX_TOKENS_CEILING,
    STRICT,
    GUARDRAIL,
    key(
        "max_n",
        Integer("from 1 to 128"),
        "8",
        "Maximum of `n`, the number of choices.",
    ),
    key(
        "forward_metadata",
        Boolean,
        "false",
        "Whether `metadata` is sent as `requestMetadata`, which appears in Bedrock's model \
         invocation log.",
    ),
    key(
        "reserved_tier",
        Boolean,
        "false",
        "Whether `service_tier: \"scale\"` selects reserved capacity.",
    ),
    key(
        "model_fields",
        Texts,
        "[\"*\"]",
        "Keys that requests may set in `additionalModelRequestFields`; \"*\" for all. A key listed \
         here is also read from the request's top level, where SDKs put `extra_body`.",
    ),
    key(
        "s3_buckets",
        Texts,
        "[\"*\"]",
        "Buckets that `s3://` URLs in requests may name; \"*\" for all that the gateway's role can \
         read.",
    ),
    key(
        "reasoning_cache_size",
        Size,
        "\"64MiB\"",
        "Memory for signed reasoning, which models require back with tool results. The gateway adds \
         it if the client leaves it out. 0 for none.",
    ),
    key(
        "reasoning_cache_ttl",
        Duration,
        "\"1h\"",
        "How long signed reasoning is kept.",
    ),
];

/// The keys of `[chat]` that `[keys.NAME]` and `[models.NAME]` override.
pub(super) const CHAT_OVERRIDES: &[KeyReference] = &[
    CACHE.overridden(&["cache = false"]),
    TRUNCATE.overridden(&["truncate = \"oldest\""]),
    MAX_TOKENS.overridden(&["max_tokens = 4096"]),
    MAX_TOKENS_CEILING.overridden(&["max_tokens_ceiling = 8192"]),
    STRICT.overridden(&["strict = true"]),
    GUARDRAIL.overridden(&["guardrail = \"no-secrets\""]),
];

const CACHE: KeyReference = key(
    "cache",
    Boolean,
    "true",
    "Whether prompts are cached automatically on models that support prompt caching. Explicit \
     `cache_control` breakpoints take precedence; `x-outcrop-cache: off` switches it off for a \
     request.",
);

const TRUNCATE: KeyReference = key(
    "truncate",
    OneOf(&["refuse", "oldest"]),
    "\"refuse\"",
    "What happens to a conversation that exceeds the model's context window: \"refuse\" returns \
     an error, \"oldest\" drops the oldest turns and sends it again. A request overrides it with \
     `x-outcrop-truncate`.",
);

const MAX_TOKENS: KeyReference = key(
    "max_tokens",
    Integer("from 0 up"),
    "0",
    "Output tokens for requests without a limit; 0 for the model's maximum.",
);

const MAX_TOKENS_CEILING: KeyReference = key(
    "max_tokens_ceiling",
    Integer("from 0 up"),
    "0",
    "Upper limit of output tokens for every request; 0 for the model's maximum. Some models have \
     a limit under a name of their own: list in `model_fields` what requests may set.",
);

const STRICT: KeyReference = key(
    "strict",
    Boolean,
    "false",
    "Whether a request that needs adjustments gets 400 instead, as with `x-outcrop-strict`.",
);

const GUARDRAIL: KeyReference = key(
    "guardrail",
    Text,
    "\"\"",
    "Name of a `[guardrails.NAME]` that applies to every request; empty for none. Requests \
     cannot override it.",
);

pub(super) const GUARDRAIL_ENTRY: &[KeyReference] = &[
    example(
        "identifier",
        Text,
        &["identifier = \"abcd1234efgh\""],
        "required",
        "Id or ARN of the guardrail.",
    ),
    example(
        "version",
        Text,
        &["version = \"1\""],
        "required",
        "Version of the guardrail, or \"DRAFT\".",
    ),
    example(
        "trace",
        OneOf(&["enabled", "enabled_full", "disabled"]),
        &["trace = \"disabled\""],
        "`\"disabled\"`",
        "Whether responses include the guardrail's trace.",
    ),
    example(
        "stream_mode",
        OneOf(&["sync", "async"]),
        &["stream_mode = \"sync\""],
        "`\"sync\"`",
        "Whether the chunks of a stream wait for the guardrail (\"sync\") or not (\"async\").",
    ),
    example(
        "only_last_turn",
        Boolean,
        &["only_last_turn = false"],
        "`false`",
        "Whether the guardrail checks the last user message only. On models that cache prompts \
         (Claude, Nova) it checks all user messages: marking a message only while it is the last one \
         would change the cached prompt.",
    ),
];
