//! Calls to Bedrock, and what is known about its models.

use super::super::SettingKind::{Boolean, Duration, Entry, Integer, OneOf, Text};
use super::super::{KeyReference, example, key};

pub(super) const BASE_MODELS: &[KeyReference] = &[example(
    "ARN",
    Entry,
    &[
        "\"arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6\" = \
       \"anthropic.claude-sonnet-4-5-20250929-v1:0\"",
    ],
    "none",
    "The id of the foundation model.",
)];

pub(super) const CATALOG: &[KeyReference] = &[
    key(
        "list",
        OneOf(&["all", "configured"]),
        "\"all\"",
        "What /v1/models lists: all models of the region and the account, or the aliases of \
         `[models]` only.",
    ),
    key(
        "refresh",
        Duration,
        "\"15m\"",
        "Interval at which lists of models and base models are loaded from Bedrock; at least \"1m\". \
         A failed load is repeated after 1 s, 2 s, 4 s and so on, up to this interval.",
    ),
    key(
        "capabilities",
        Text,
        "\"\"",
        "File with rows like those of src/models/models.toml, which override the built-in rows; \
         empty for none. It is read again when it changes.",
    ),
    key(
        "prices",
        Text,
        "\"\"",
        "The same for rows like those of src/models/prices.toml.",
    ),
];

pub(super) const AWS: &[KeyReference] = &[
    key(
        "region",
        Text,
        "\"\"",
        "Region; empty for the environment's. The key takes precedence.",
    )
    .environment("`AWS_REGION`"),
    key(
        "profile",
        Text,
        "\"\"",
        "Profile of the AWS configuration files; empty for the environment's. The key takes precedence.",
    )
    .environment("`AWS_PROFILE`"),
    key(
        "mantle_endpoint",
        Text,
        "\"\"",
        "URL of bedrock-mantle, such as that of a VPC endpoint; empty for the environment's, or the \
         region's.",
    )
    .environment("`AWS_ENDPOINT_URL_BEDROCK_MANTLE`"),
];

pub(super) const TIMEOUTS: &[KeyReference] = &[
    key(
        "connect",
        Duration,
        "\"3s\"",
        "Timeout for a connection, TLS handshake included.",
    ),
    key(
        "first_event",
        Duration,
        "\"60s\"",
        "Timeout for the first event of a stream.",
    ),
    key(
        "stream_idle",
        Duration,
        "\"120s\"",
        "Timeout for each further event of a stream. Bytes that complete no event do not count.",
    ),
    key(
        "response",
        Duration,
        "\"10m\"",
        "Timeout for a non-streaming response.",
    ),
];

pub(super) const RETRY: &[KeyReference] = &[
    key(
        "max_attempts",
        Integer("from 1 to 20"),
        "4",
        "Maximum number of attempts. After a model has failed in all attempts, each call to it has \
         one attempt, until one succeeds or a minute has passed.",
    ),
    key(
        "base_delay",
        Duration,
        "\"200ms\"",
        "Maximum delay before the second attempt. It doubles with each attempt, up to `max_delay`; \
         the delay is random between zero and the maximum (full jitter).",
    ),
    key("max_delay", Duration, "\"5s\"", "Upper limit of the delay."),
    key(
        "deadline",
        Duration,
        "\"20s\"",
        "Time after the request at which no further attempt starts.",
    ),
    key(
        "budget_percent",
        Integer("from 0 to 1000"),
        "20",
        "Retries per hundred calls, in addition to five retries a second.",
    ),
];

pub(super) const BEDROCK_API: &[KeyReference] = &[
    key(
        "enabled",
        Boolean,
        "true",
        "Whether Bedrock's API is served.",
    ),
    key(
        "async_invoke",
        Boolean,
        "false",
        "Whether StartAsyncInvoke and its reads are served. They need `[s3] bucket`. Jobs of a \
         caller write below PREFIX/jobs/CALLER, and a caller sees only its own jobs.",
    ),
    key(
        "allow_unlimited_invoke",
        Boolean,
        "false",
        "Whether InvokeModel is served although `max_tokens_ceiling`, or `model_fields` other than \
         \"*\", applies. The gateway cannot enforce them in the bodies of InvokeModel.",
    ),
];
