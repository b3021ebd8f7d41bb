//! Who may call what, how fast, and for how much.

use super::super::SettingKind::{Budgets, Entry, Instant, Integer, Subsection, Tags, Text, Texts};
use super::super::{KeyReference, example};

pub(super) const KEYS: &[KeyReference] = &[example(
    "NAME",
    Entry,
    &[
        "team-a = \"env:TEAM_A_KEY\"",
        "team-b = \"sha256:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8\"",
    ],
    "none",
    "The caller's API key: the key itself, \"env:NAME\" for an environment variable, or \"sha256:\" \
     and its digest in hexadecimal. The name of the caller appears in logs and limits. Keys of \
     the variable, separated by commas, are added.",
)
.environment("`OUTCROP_API_KEYS`")];

pub(super) const KEY_ENTRY: &[KeyReference] = &[
    example(
        "key",
        Text,
        &["key = \"env:TEAM_C_KEY\""],
        "required",
        "The API key, as in `[keys]`.",
    ),
    example(
        "access_key_id",
        Text,
        &["access_key_id = \"OUTCROPTEAMC0001\""],
        "none",
        "Access key id for clients of Bedrock's own API that sign their requests (SigV4): 16 to 128 \
         letters, digits and `_`.",
    ),
    example(
        "secret_access_key",
        Text,
        &["secret_access_key = \"env:TEAM_C_SECRET\""],
        "none",
        "Secret of the access key: 32 characters or more, or \"env:NAME\". A digest does not work: \
         signatures are checked with the secret.",
    ),
    example(
        "team",
        Text,
        &["team = \"research\""],
        "none",
        "The caller's team, whose limits and budgets apply too.",
    ),
    example(
        "user",
        Text,
        &["user = \"ann@example.com\""],
        "none",
        "The user within the team, in logs and usage records.",
    ),
    example(
        "tags",
        Tags,
        &["tags = { project = \"search\" }"],
        "none",
        "Labels in usage records: at most 16.",
    ),
    example(
        "expires",
        Instant,
        &["expires = \"2099-01-31\""],
        "never",
        "When the key stops working: a date, for its beginning in UTC, or a time as in RFC 3339.",
    ),
    ALLOWED_MODELS.shared_with_organization(),
    REQUESTS_PER_MINUTE.shared_with_organization(),
    TOKENS_PER_MINUTE.shared_with_organization(),
    MAX_CONCURRENT_REQUESTS.shared_with_organization(),
    BUDGETS.shared_with_organization(),
    MODELS.shared_with_organization(),
];

/// The keys of an allowance.
pub(super) const ALLOWANCE: &[KeyReference] = &[
    ALLOWED_MODELS,
    REQUESTS_PER_MINUTE,
    TOKENS_PER_MINUTE,
    MAX_CONCURRENT_REQUESTS,
    BUDGETS,
    MODELS,
];

pub(super) const TEAM_ENTRY: &[KeyReference] = &[
    ALLOWED_MODELS.shared_with_organization(),
    REQUESTS_PER_MINUTE.shared_with_organization(),
    TOKENS_PER_MINUTE.shared_with_organization(),
    MAX_CONCURRENT_REQUESTS.shared_with_organization(),
    BUDGETS.shared_with_organization(),
    MODELS.shared_with_organization(),
    example(
        "user",
        Subsection,
        &["user.requests_per_minute = 20"],
        "no limits",
        "The same keys, for each user of the team.",
    ),
    example(
        "users",
        Subsection,
        &["users.\"ann@example.com\".requests_per_minute = 60"],
        "none",
        "The same keys for single users. What such a section leaves out is that of `user`.",
    ),
];

const ALLOWED_MODELS: KeyReference = example(
    "allowed_models",
    Texts,
    &["allowed_models = [\"gpt-4o\", \"us.amazon.nova-*\"]"],
    "all",
    "Models that may be called, by the name in the request or by the id that is called; `*` stands \
     for any characters.",
);

const REQUESTS_PER_MINUTE: KeyReference = example(
    "requests_per_minute",
    Integer("from 1 to 1000000000"),
    &["requests_per_minute = 600"],
    "no limit",
    "Requests per minute.",
);

const TOKENS_PER_MINUTE: KeyReference = example(
    "tokens_per_minute",
    Integer("from 1 to 1000000000"),
    &["tokens_per_minute = 1000000"],
    "no limit",
    "Tokens per minute, input and output together.",
);

const MAX_CONCURRENT_REQUESTS: KeyReference = example(
    "max_concurrent_requests",
    Integer("from 1 to 1000000000"),
    &["max_concurrent_requests = 50"],
    "no limit",
    "Concurrent requests.",
);

const BUDGETS: KeyReference = example(
    "budgets",
    Budgets,
    &[
        "budgets = [{ usd = \"500\", per = \"month\" }, { usd = \"50\", per = \"day\", hard = false }]",
    ],
    "none",
    "Amounts in US dollars per \"day\", \"week\", \"month\" or in \"total\". Requests beyond a budget \
     are refused, unless it has `hard = false`.",
);

const MODELS: KeyReference = example(
    "models",
    Subsection,
    &["models.\"*opus*\" = { tokens_per_minute = 100000 }"],
    "none",
    "Limits and budgets for the models of a pattern, besides the others.",
);
