//! The server itself: its listener, its log and its limits.

use super::super::SettingKind::{Boolean, Duration, Integer, Number, OneOf, Size, Text, Texts};
use super::super::{KeyReference, example, key};

pub(super) const SERVER: &[KeyReference] = &[
    key(
        "listen",
        Text,
        "\"127.0.0.1:8080\"",
        "Address and port to listen on. Without keys it must be a loopback address.",
    )
    .environment("`--listen`, `OUTCROP_LISTEN`"),
    key(
        "cors_origins",
        Texts,
        "[\"loopback\"]",
        "Origins of web pages that may call the gateway from a browser (CORS), such as \
         \"https://chat.example.com\"; \"loopback\" for pages of this machine on any port; \"*\" for \
         all, which needs keys.",
    ),
    key(
        "max_body",
        Size,
        "\"32MiB\"",
        "Maximum size of a request body.",
    ),
    key(
        "max_body_memory",
        Size,
        "\"256MiB\"",
        "Memory for the bodies of all requests while they are read, translated and sent: JSON, \
         forms, uploads, downloaded files and lines of batches. A body of `max_body` briefly takes \
         four times its size. Requests that do not fit get 503. docs/operations.md says how much \
         memory the process needs.",
    ),
    key(
        "body_timeout",
        Duration,
        "\"60s\"",
        "Timeout for a whole request body.",
    ),
    key(
        "min_upload_rate",
        Size,
        "\"1KiB\"",
        "Minimum bytes per second of a request body, averaged over `upload_window` while the gateway \
         waits for the client; 0 for no minimum. A slower upload gets 408.",
    ),
    key(
        "upload_window",
        Duration,
        "\"5s\"",
        "Time over which `min_upload_rate` is averaged.",
    ),
    key(
        "head_timeout",
        Duration,
        "\"10s\"",
        "Timeout for the request line and headers, from the first byte. They may have 32 KiB.",
    ),
    key(
        "idle_timeout",
        Duration,
        "\"15m\"",
        "Keep-alive timeout of a connection without a request. It must be longer than the load \
         balancer's (AWS: 60 s by default), so that the load balancer closes the connection first.",
    ),
    key(
        "write_timeout",
        Duration,
        "\"30s\"",
        "Timeout for a client that reads none of its response. Its connection is closed and its call \
         to Bedrock is cancelled.",
    ),
    key(
        "max_connections",
        Integer("from 0 to 1000000"),
        "0",
        "Maximum number of connections; 0 for half of the file descriptors (less 128 for other \
         uses), at most 10240. Above it, idle connections are closed, the longest idle first. If all \
         connections have a request, new ones are served health checks, and 503 otherwise. The soft \
         limit of descriptors is raised to the hard limit at startup.",
    ),
    key(
        "keepalive",
        Duration,
        "\"10s\"",
        "Interval of the comments that keep a stream without events open.",
    ),
    key(
        "drain_delay",
        Duration,
        "\"3s\"",
        "Time after SIGTERM in which new requests are served while /readyz fails, so that a load \
         balancer can notice. A second SIGTERM or Ctrl-C skips it.",
    ),
    key(
        "grace_period",
        Duration,
        "\"30s\"",
        "Time after `drain_delay` for requests in flight. Streams still open then end with an error \
         event.",
    ),
];

pub(super) const ADMIN: &[KeyReference] = &[
    key(
        "listen",
        Text,
        "\"\"",
        "Address and port to listen on, such as \"127.0.0.1:8081\"; empty for none. The variable \
         takes precedence.",
    )
    .environment("`OUTCROP_ADMIN_LISTEN`"),
    key(
        "behind_tls",
        Boolean,
        "false",
        "Whether a proxy in front does TLS. Without, only loopback addresses are allowed, since \
         tokens would be sent unencrypted.",
    ),
    example(
        "token",
        Text,
        &["token = \"env:ADMIN_TOKEN\""],
        "none",
        "Admin token that may do everything: the token itself (16 characters or more), \"env:NAME\", \
         or \"sha256:\" and its digest in hexadecimal. The variable takes precedence.",
    )
    .environment("`OUTCROP_ADMIN_TOKEN`"),
    example(
        "metrics_token",
        Text,
        &["metrics_token = \"env:METRICS_TOKEN\""],
        "none",
        "Token that may read /metrics only. Without it, /metrics needs no token on loopback, and an \
         admin token elsewhere.",
    ),
];

pub(super) const LIMITS_TARGET: &[KeyReference] = &[
    key(
        "requests_per_second",
        Number,
        "0",
        "Maximum rate of requests; 0 for no limit.",
    ),
    key(
        "burst",
        Integer("from 0 to 1000000"),
        "0",
        "Requests that may arrive at once before the rate applies; 0 for the requests of one second.",
    ),
    key(
        "max_wait",
        Duration,
        "\"10s\"",
        "How long a request over the rate or over `max_concurrent_requests` waits; \"0s\" for not at \
         all. Requests refused after that get different `retry-after` times.",
    ),
    key(
        "max_queued_requests",
        Integer("from 0 to 100000"),
        "100",
        "Maximum number of requests that wait.",
    ),
    key(
        "max_concurrent_requests",
        Integer("from 1 to 1000000"),
        "2048",
        "Maximum number of concurrent requests.",
    ),
];

pub(super) const LIMITS_KEY: &[KeyReference] = &[
    key(
        "requests_per_second",
        Number,
        "0",
        "As in `[limits.target]`.",
    ),
    key(
        "burst",
        Integer("from 0 to 1000000"),
        "0",
        "As in `[limits.target]`.",
    ),
    key("max_wait", Duration, "\"10s\"", "As in `[limits.target]`."),
    key(
        "max_queued_requests",
        Integer("from 0 to 100000"),
        "100",
        "As in `[limits.target]`.",
    ),
    key(
        "max_concurrent_requests",
        Integer("from 1 to 1000000"),
        "512",
        "As in `[limits.target]`. It is lower than the model's limit, so that one caller cannot take \
         all of it.",
    ),
];

pub(super) const BUDGETS: &[KeyReference] = &[
    key(
        "time_zone",
        Text,
        "\"UTC\"",
        "Time zone of days, weeks and months, such as \"Europe/Berlin\".",
    ),
    key(
        "unpriced",
        OneOf(&["refuse", "allow"]),
        "\"refuse\"",
        "Whether callers with a hard budget may send requests whose price the gateway does not \
         know, which no budget counts.",
    ),
    key(
        "remaining_header",
        Boolean,
        "false",
        "Whether responses have the header `x-outcrop-budget-remaining-usd`: what is left of the \
         caller's hard budget with the least left.",
    ),
    key(
        "webhook",
        Text,
        "\"\"",
        "URL that is called when a budget reaches 50, 80, 95 and 100 percent; empty for none.",
    ),
    key(
        "webhook_secret",
        Text,
        "\"\"",
        "Key of the signatures of these calls (Standard Webhooks): `whsec_` and the base64 of 24 to \
         64 bytes, or \"env:NAME\".",
    ),
];

pub(super) const LOG: &[KeyReference] = &[
    key(
        "format",
        OneOf(&["auto", "text", "json"]),
        "\"auto\"",
        "Format of the log; \"auto\" is text on a terminal and JSON otherwise.",
    ),
    key(
        "level",
        Text,
        "\"info\"",
        "Minimum level, or directives of the `tracing-subscriber` crate. The variable takes precedence.",
    )
    .environment("`RUST_LOG`"),
];
